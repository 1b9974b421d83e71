package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hayalet"
	"hayalet/internal/exception"
	"hayalet/internal/lang"
)

func ruleIsPE01(r hayalet.RuleName) bool { return r == "PE-01" }

func testNow(t *testing.T) hayalet.Instant {
	t.Helper()
	return hayalet.InstantOf(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
}

func TestExceptionIsRead(t *testing.T) {
	set, err := exceptionSet([]exceptionConfig{{
		Name: "heater", Station: "DC-*", Model: "Home*", Connectors: []int{1, 2}, Rules: []string{"PE-01"},
		From: "2026-05-01", Until: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC), Daily: "22:00-06:00", Zone: "Europe/Istanbul",
		MaxSeverity: "medium", Reason: "frost", Owner: "ops",
	}, {Name: "lab", Until: "2026-07-01", Reason: "tests", Owner: "lab"}}, ruleIsPE01, testNow(t))
	if err != nil {
		t.Fatal(err)
	}
	e := set.Exceptions()[0]
	if e.Station != "DC-*" || e.Model != "Home*" || len(e.Connectors) != 2 || e.Rules[0] != "PE-01" || e.MaxSeverity != hayalet.Medium ||
		e.Daily.String() != "22:00-06:00" || e.From.String() != "2026-04-30T21:00:00Z" || e.Until.String() != "2026-12-30T21:00:00Z" {
		t.Errorf("got %+v", e)
	}
	if e = set.Exceptions()[1]; e.MaxSeverity != hayalet.High || e.From != 0 || e.Until.String() != "2026-07-01T00:00:00Z" || e.Daily != nil {
		t.Errorf("got %+v", e)
	}
}

// TestExceptionTimes: a date is a day of the zone, a time has its offset.
func TestExceptionTimes(t *testing.T) {
	zone := time.FixedZone("", 3*3600)
	for _, c := range []struct {
		value any
		want  string // empty: refused
	}{
		{nil, "0"},
		{"", "0"},
		{"2026-12-31", "2026-12-30T21:00:00Z"},
		{time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC), "2026-12-30T21:00:00Z"},
		{time.Date(2026, 12, 31, 8, 0, 0, 0, time.UTC), "2026-12-31T08:00:00Z"},
		{time.Date(2026, 12, 31, 0, 0, 0, 0, zone), "2026-12-30T21:00:00Z"},
		{"2026-12-31T08:00:00+03:00", "2026-12-31T05:00:00Z"},
		{"2026-12-31T08:00:00", ""},
		{"2026-12-31 08:00", ""},
		{"tomorrow", ""},
		{20261231, ""},
		{true, ""},
	} {
		at, err := exceptionInstant(c.value, zone)
		got := at.String()
		if at == 0 && err == nil {
			got = "0"
		}
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%v: got %q, %v, want %q", c.value, got, err, c.want)
		}
	}
}

func TestExceptionFaults(t *testing.T) {
	good := exceptionConfig{Name: "x", Until: "2026-07-01", Reason: "r", Owner: "o"}
	for want, spoil := range map[string]func(c *exceptionConfig){
		`no reason`:                         func(c *exceptionConfig) { c.Reason = "" },
		`no owner`:                          func(c *exceptionConfig) { c.Owner = "" },
		`no expiry`:                         func(c *exceptionConfig) { c.Until = nil },
		`more than 366 days`:                func(c *exceptionConfig) { c.Until = "2027-07-01" },
		`zone "Nowhere/City"`:               func(c *exceptionConfig) { c.Zone = "Nowhere/City" },
		`no time zone`:                      func(c *exceptionConfig) { c.Daily = "22:00-06:00" },
		`daily "night"`:                     func(c *exceptionConfig) { c.Daily, c.Zone = "night", "UTC" },
		`max_severity severity "huge"`:      func(c *exceptionConfig) { c.MaxSeverity = "huge" },
		`max_severity info`:                 func(c *exceptionConfig) { c.MaxSeverity = "info" },
		`rule "PE-99"`:                      func(c *exceptionConfig) { c.Rules = []string{"PE-99"} },
		`station pattern "["`:               func(c *exceptionConfig) { c.Station = "[" },
		`until "soon": write a date`:        func(c *exceptionConfig) { c.Until = "soon" },
		`until 2026-07-01T00:00:00Z is not`: func(c *exceptionConfig) { c.From = "2026-08-01" },
	} {
		bad := good
		spoil(&bad)
		_, err := exceptionSet([]exceptionConfig{good, bad}, ruleIsPE01, testNow(t))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), `configuration: exceptions[1]: exception "x": `) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("want %s, got %v", want, err)
		}
	}
	if _, err := exceptionSet([]exceptionConfig{good, good}, ruleIsPE01, testNow(t)); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("the same name twice: %v", err)
	}
}

func TestExceptionsArePrinted(t *testing.T) {
	set, err := exceptionSet([]exceptionConfig{
		{Name: "x\x1b[31m", Until: "2026-06-03", Reason: "a\tb", Owner: "o"}, {Name: "y", Until: "2026-05-01", Reason: "r", Owner: "o"},
	}, ruleIsPE01, testNow(t))
	if err != nil {
		t.Fatal(err)
	}
	tally := exception.NewTally(set)
	inc := hayalet.Incident{Key: "0123456789abcdef", Energy: 1500, UpdatedAt: testNow(t)}
	tally.Add(&inc, &set.Exceptions()[0])
	var out strings.Builder
	if err := printExceptions(&out, lang.New(lang.TR), exceptionViews(tally.List(testNow(t)), true)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"etkin (yakında doluyor)", "1,5 Wh", "süresi doldu", "şunları gizledi: 0123456789ab\n", "2026-06-03T00:00:00Z"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	if strings.ContainsAny(out.String(), "\x1b\t") {
		t.Errorf("printed %q", out.String())
	}
}

// in30Days writes that date into a file of a script, for IN-30-DAYS: what stands there must not have expired.
func in30Days(ts *testscript.TestScript, _ bool, args []string) {
	day := time.Now().AddDate(0, 0, 30).Format(time.DateOnly)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(ts.ReadFile(args[0]), "IN-30-DAYS", day)), 0o600))
}
