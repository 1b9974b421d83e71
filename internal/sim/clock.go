package sim

import "time"

// stampLayout is RFC 3339 in UTC with milliseconds, as stations write it.
const stampLayout = "2006-01-02T15:04:05.000Z"

// clock maps scenario time, which begins at 0 and ends at total, to the wall clock and to the station's stamps.
type clock struct {
	start time.Time // wall time of scenario time 0
	total time.Duration
	speed float64
}

// wall returns when scenario time t comes. Times are absolute, so that delays do not add up.
func (c clock) wall(t time.Duration) time.Time {
	return c.start.Add(time.Duration(float64(t) / c.speed))
}

// scenario returns the scenario time of a wall time, within the scenario.
func (c clock) scenario(now time.Time) time.Duration {
	t := float64(now.Sub(c.start)) * c.speed
	return time.Duration(min(max(t, 0), float64(c.total)))
}

// claimed returns the stamp of what happens at scenario time t when the wall clock shows now. Stamps have the spacing
// of the scenario, plus the real delay of each message, and are never in the future: a fast scenario began in the
// past and ends now, a slow one begins now and falls behind. At speed 1 the stamp is now.
func (c clock) claimed(t time.Duration, now time.Time) time.Time {
	behind := float64(c.total-t) * (1 - 1/c.speed)
	if c.speed < 1 {
		behind = float64(t) * (1/c.speed - 1)
	}
	return now.Add(-time.Duration(max(behind, 0))).UTC().Truncate(time.Millisecond)
}
