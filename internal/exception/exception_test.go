package exception_test

import (
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/exception"
)

// at reads an instant of the tests.
func at(t *testing.T, s string) hayalet.Instant {
	t.Helper()
	i, zoned, ok := hayalet.ParseInstant(s)
	if !ok || !zoned {
		t.Fatalf("%q is not a time", s)
	}
	return i
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Skipf("no time zones on this machine: %v", err)
	}
	return z
}

// heater is a valid exception for the tests to spoil.
func heater(t *testing.T) exception.Exception {
	return exception.Exception{
		Name: "heater", Reason: "frost heater on the outlet", Owner: "ops",
		From: at(t, "2026-01-01T00:00:00Z"), Until: at(t, "2026-03-01T00:00:00Z"),
	}
}

func TestValidate(t *testing.T) {
	known := func(r hayalet.RuleName) bool { return r == "PE-01" }
	istanbul := zone(t, "Europe/Istanbul")
	for _, c := range []struct {
		name  string
		spoil func(e *exception.Exception)
		want  []string // one for each line
	}{
		{"good", func(*exception.Exception) {}, nil},
		{"known rule", func(e *exception.Exception) { e.Rules = []hayalet.RuleName{"PE-01"} }, nil},
		{"no name", func(e *exception.Exception) { e.Name = "" }, []string{"no name"}},
		{"no reason", func(e *exception.Exception) { e.Reason = "" }, []string{"no reason"}},
		{"no owner", func(e *exception.Exception) { e.Owner = "" }, []string{"no owner"}},
		{"no expiry", func(e *exception.Exception) { e.Until = 0 }, []string{"no expiry"}},
		{"two faults", func(e *exception.Exception) { e.Reason, e.Owner = "", "" }, []string{"no reason", "no owner"}},
		{"station pattern", func(e *exception.Exception) { e.Station = "DC-[1" }, []string{`station pattern "DC-[1"`}},
		{"model pattern", func(e *exception.Exception) { e.Model = "[" }, []string{`model pattern "["`}},
		{"ends before it begins", func(e *exception.Exception) { e.Until = e.From }, []string{"give a later end"}},
		{"a year is enough", func(e *exception.Exception) { e.Until = e.From.Add(exception.MaxTerm) }, nil},
		{"more than a year", func(e *exception.Exception) { e.Until = e.From.Add(exception.MaxTerm + 1e3) }, []string{"more than 366 days"}},
		{"more than a year from now", func(e *exception.Exception) { e.From, e.Until = 0, at(t, "2027-03-01T00:00:00Z") }, []string{"more than 366 days"}},
		{"always, up to soon", func(e *exception.Exception) { e.From = 0 }, nil},
		{"unknown rule", func(e *exception.Exception) { e.Rules = []hayalet.RuleName{"PE-01", "PE-99"} }, []string{`rule "PE-99"`}},
		{"negative connector", func(e *exception.Exception) { e.Connectors = []hayalet.ConnectorID{-1} }, []string{"connector -1"}},
		{"severity", func(e *exception.Exception) { e.MaxSeverity = hayalet.Critical + 1 }, []string{"want low to critical"}},
		{"daily without zone", func(e *exception.Exception) { e.Daily = &exception.Daily{From: 60, To: 120} }, []string{"no time zone"}},
		{"whole day", func(e *exception.Exception) { e.Daily = &exception.Daily{To: 1440, Zone: istanbul} }, []string{"leave it out"}},
		{"daily of no length", func(e *exception.Exception) { e.Daily = &exception.Daily{From: 60, To: 60, Zone: istanbul} }, []string{"two different times"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := heater(t)
			c.spoil(&e)
			err := e.Validate(known, at(t, "2026-02-01T00:00:00Z"))
			var lines []string
			if err != nil {
				lines = strings.Split(err.Error(), "\n")
			}
			if len(lines) != len(c.want) {
				t.Fatalf("got %q, want %q", lines, c.want)
			}
			for i, want := range c.want {
				if !strings.Contains(lines[i], want) || !strings.HasPrefix(lines[i], `exception "`+e.Name+`": `) {
					t.Errorf("line %q, want %q", lines[i], want)
				}
			}
		})
	}
}

func TestStateAt(t *testing.T) {
	e := heater(t)
	for when, want := range map[string]exception.State{
		"2025-12-31T23:59:59Z": exception.Pending,
		"2026-01-01T00:00:00Z": exception.Active,
		"2026-02-28T23:59:59Z": exception.Active,
		"2026-03-01T00:00:00Z": exception.Expired,
	} {
		if got := e.At(at(t, when)); got != want {
			t.Errorf("%s: got %v, want %v", when, got, want)
		}
	}
}

func TestParseDaily(t *testing.T) {
	for text, want := range map[string]string{
		"22:00-06:00": "22:00-06:00", "00:00 - 12:30": "00:00-12:30", "08:00-24:00": "08:00-24:00",
		"22:00": "", "22-06": "", "6:00-7:00": "", "24:00-06:00": "", "00:00-24:00": "", "25:00-26:00": "", "08:00-08:00": "", "": "", "a-b": "",
	} {
		d, err := exception.ParseDaily(text, time.UTC)
		if (err == nil) != (want != "") || err == nil && d.String() != want {
			t.Errorf("%q: got %v, %v, want %q", text, d, err, want)
		}
	}
	if _, err := exception.ParseDaily("22:00-06:00", nil); err == nil {
		t.Error("a window without a zone was taken")
	}
}
