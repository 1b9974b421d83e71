package hayalet_test

import (
	"regexp"
	"testing"
	"time"

	"hayalet"
)

func TestParseInstant(t *testing.T) {
	for _, c := range []struct {
		text  string
		want  string
		zoned bool
	}{
		{"2025-11-23T19:21:04.979412", "2025-11-23T19:21:04.979412Z", false},
		{"2025-11-23T19:21:04Z", "2025-11-23T19:21:04Z", true},
		{"2025-11-23 22:21:04,980", "2025-11-23T22:21:04.98Z", false},
		{"2025-11-23T22:21:04.9+03:00", "2025-11-23T19:21:04.9Z", true},
		{"2025-11-23T22:21:04+0300", "2025-11-23T19:21:04Z", true},
		{"2024-02-29T00:00:00.123456789Z", "2024-02-29T00:00:00.123456Z", true},
		{"2025-11-23T19:21Z", "2025-11-23T19:21:00Z", true},
		{"1970-01-01T00:00:00.740Z", "1970-01-01T00:00:00.74Z", true},
	} {
		at, zoned, ok := hayalet.ParseInstant(c.text)
		if !ok || at.String() != c.want || zoned != c.zoned {
			t.Errorf("%s: got %s %v %v, want %s %v", c.text, at, zoned, ok, c.want, c.zoned)
		}
	}
	for _, text := range []string{"", "0000-00-00T00:00:00.000Z", "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z", "2025-11-23", "2025-11-23T19:21:04+3", "2025-11-23T19:21:04X", "9999-12-31T23:59:59-14:00", "x025-11-23T19:21:04Z"} {
		if at, _, ok := hayalet.ParseInstant(text); ok {
			t.Errorf("%q was read as %s", text, at)
		}
	}
}

var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-][01]\d:[0-5]\d)$`)

// FuzzParseInstantAgreesWithTimeParse holds the parser to the standard library wherever both read a text.
func FuzzParseInstantAgreesWithTimeParse(f *testing.F) {
	f.Add("2025-11-23T19:21:04.979412Z")
	f.Add("2000-02-29T23:59:60+14:00")
	f.Add("9999-12-31T23:59:59-14:00")
	f.Add("0001-01-01T00:00:00Z") // the zero time.Time, which stands for unknown in InstantOf
	f.Fuzz(func(t *testing.T, text string) {
		at, zoned, ok := hayalet.ParseInstant(text)
		want, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || want.Year() < 1 || want.UTC().Year() > 9999 || !rfc3339.MatchString(text) { // time.Parse also takes T0:00:00 and +00:60
			return
		}
		if !ok || !zoned || int64(at) != want.UnixMicro() {
			t.Errorf("%q: got %s %v, want %s", text, at, ok, want)
		}
	})
}
