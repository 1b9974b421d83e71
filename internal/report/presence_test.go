package report_test

import (
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/report"
)

func TestPresence(t *testing.T) {
	type frame struct {
		at   time.Duration
		kind hayalet.FrameKind
	}
	const m = hayalet.Message
	for _, c := range []struct {
		name         string
		frames       []frame
		seen, unseen time.Duration
		why          report.Blindness
	}{
		{"talking", []frame{{0, m}, {time.Hour, m}, {2 * time.Hour, m}}, 2 * time.Hour, 0, 0},
		{"silent", []frame{{0, m}, {time.Hour + time.Second, m}, {2 * time.Hour, m}}, time.Hour - time.Second, time.Hour + time.Second, report.Silent},
		{"disconnected", []frame{{0, hayalet.ConnOpen}, {time.Minute, m}, {2 * time.Minute, hayalet.ConnClose}, {4 * time.Minute, hayalet.ConnOpen}, {5 * time.Minute, m}}, 3 * time.Minute, 2 * time.Minute, report.Disconnected},
		{"lost", []frame{{0, m}, {time.Minute, hayalet.Gap}, {2 * time.Minute, m}}, time.Minute, time.Minute, report.Lost},
		{"out of order", []frame{{time.Minute, m}, {0, m}, {2 * time.Minute, m}}, time.Minute, 0, 0},
		{"no frame", nil, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p report.Presence
			for _, f := range c.frames {
				p.Frame(after(f.at), hayalet.In, f.kind)
			}
			if p.Seen != c.seen || p.Unseen != c.unseen {
				t.Errorf("seen %v, unseen %v, want %v and %v", p.Seen, p.Unseen, c.seen, c.unseen)
			}
			if c.unseen > 0 && (len(p.Blind) != 1 || p.Blind[0].Why != c.why) {
				t.Errorf("the blind spans are %v", p.Blind)
			}
		})
	}
}

func TestPresenceKeepsTheLongestSpans(t *testing.T) {
	var p report.Presence
	at := time.Duration(0)
	for _, hours := range []int{2, 9, 3, 7, 5, 8, 4} {
		p.Frame(after(at), hayalet.In, hayalet.Message)
		at += time.Duration(hours) * time.Hour
	}
	p.Frame(after(at), hayalet.Out, hayalet.Message)
	var got []time.Duration
	for _, b := range p.Blind {
		got = append(got, b.To.Sub(b.From)/time.Hour)
	}
	if len(got) != 3 || got[0] != 9 || got[1] != 8 || got[2] != 7 {
		t.Errorf("the longest spans are of %v hours", got)
	}
	if p.In != 7 || p.Out != 1 {
		t.Errorf("%d in, %d out", p.In, p.Out)
	}
}

func TestCoverage(t *testing.T) {
	at := func(d time.Duration) hayalet.Instant { return after(d) }
	var c report.Coverage
	c.Connector = 1
	c.Until(at(time.Hour), report.DoingIdle, at(0))                  // idle since before its first step
	c.Until(at(2*time.Hour), report.DoingCharge, at(90*time.Minute)) // a start
	c.Until(at(5*time.Hour), report.DoingIdle, at(3*time.Hour))      // a status told of its end
	c.Until(at(4*time.Hour), report.DoingIdle, at(3*time.Hour))      // out of order
	c.Until(at(6*time.Hour), report.DoingUnknown, 0)                 // frames were lost
	c.Until(at(6*time.Hour+30*time.Minute), report.DoingIdle, at(6*time.Hour+10*time.Minute))
	want := [3]time.Duration{10 * time.Minute, 90*time.Minute + 3*time.Hour + 20*time.Minute, 90 * time.Minute}
	if c.Spent != want {
		t.Errorf("spent %v, want %v", c.Spent, want)
	}
	if !c.Blind() || c.Growth() != report.No || c.Flow() != report.No || c.Between() != report.NotAsked {
		t.Errorf("without values: growth %v, flow %v, between %v, blind %v", c.Growth(), c.Flow(), c.Between(), c.Blind())
	}
	c.IdleFlows = 3
	if c.Blind() || c.Flow() != report.Yes {
		t.Errorf("with power: flow %v, blind %v", c.Flow(), c.Blind())
	}
	c.Starts, c.Compared = 2, 0
	if c.Between() != report.No {
		t.Errorf("two starts that nothing compares: %v", c.Between())
	}
	c.Notes = []string{"transaction-unknown"}
	if !c.Doubtful() {
		t.Error("it is not known at the end whether a transaction is active")
	}
}

// TestPresenceForgivesABlink: a station that connects anew at once was never out of sight.
func TestPresenceForgivesABlink(t *testing.T) {
	var p report.Presence
	at := hayalet.Instant(1_000_000_000)
	p.Frame(at, hayalet.In, hayalet.ConnOpen)
	p.Frame(at+1_000_000, hayalet.In, hayalet.ConnClose)
	p.Frame(at+1_000_374, hayalet.In, hayalet.ConnOpen)
	if p.Unseen != 0 || len(p.Blind) != 0 || p.Seen == 0 {
		t.Errorf("unseen %v in %d spans, seen %v", p.Unseen, len(p.Blind), p.Seen)
	}
	p.Frame(at+2_000_000, hayalet.In, hayalet.ConnClose)
	p.Frame(at+4_000_000, hayalet.In, hayalet.ConnOpen)
	if p.Unseen != 2*time.Second || len(p.Blind) != 1 {
		t.Errorf("unseen %v in %d spans", p.Unseen, len(p.Blind))
	}
}
