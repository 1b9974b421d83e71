package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFaults: all that is wrong is told at once, each with its key, its place, and what to do.
func TestFaults(t *testing.T) {
	name := filepath.Join(t.TempDir(), "c.yml")
	text := `# a comment
listne: 127.0.0.1:9000
listen: nowhere
insecure: perhaps
max_message: many
heartbeat_interval: 10
record: [a]
tls: off
log: {format: xml, level: loud, colour: red}
api: {token: a, token_file: b}
webhook:
  url: ftp://x
  min_severity: huge
stations:
  - {station: "[", rating: fast}
  - {supply: steam}
rules:
  PE-99: {mode: shadow}
  PE-01: {mode: quiet, ilde: 5W, hold: 5}
tuning:
  - {rules: {PE-05: {share: -1}}}
exceptions:
  - {name: x, until: 2020-01-01}
`
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := loadConfig(name, []string{"HAYALET_TARIFF__PRICE=lots", "HAYALET_NONSENSE=1", "HAYALET_RELAY__BUFFER=5"})
	all, ok := errors.AsType[faults](err)
	if !ok || strings.Contains(err.Error(), "\n") {
		t.Fatalf("got %v", err)
	}
	var got []string
	for _, f := range all {
		got = append(got, strings.TrimPrefix(f.Error(), filepath.Dir(name)+"/"))
	}
	for _, want := range []string{
		"c.yml:2: listne: there is no such key; see hayalet.example.yml for the keys",
		"c.yml:9: log.colour: there is no such key; see hayalet.example.yml for the keys",
		"HAYALET_NONSENSE: nonsense: there is no such key; see hayalet.example.yml for the keys",
		`c.yml:3: listen: "nowhere": want an address and a port, such as 127.0.0.1:9000`,
		"c.yml:4: insecure: want true or false",
		"c.yml:5: max_message: want a whole number",
		"c.yml:6: heartbeat_interval: 10: want a duration with a unit, such as 30s or 5m",
		"c.yml:7: record: want a text",
		"c.yml:9: log.format: log format \"xml\" is not known; want text or json",
		"c.yml:10: api.token: it is given twice, as a value and as a file; take one of them out",
		"c.yml:12: webhook.url: webhook: invalid address: want http://… or https://…",
		`c.yml:15: stations[0].station: pattern "[": write *, ? and [a-z], each [ with its ]`,
		`c.yml:15: stations[0].rating: "fast": want a positive number with a unit`,
		`c.yml:16: stations[1].supply: "steam": want ac or dc`,
		"c.yml:18: rules.PE-99: there is no such rule; 'hayalet rules' lists them",
		`c.yml:19: rules.PE-01.mode: "quiet": want enabled, shadow or disabled`,
		"c.yml:19: rules.PE-01.ilde: there is no such parameter; 'hayalet rules show' lists them",
		"c.yml:19: rules.PE-01.hold: 5: want a duration with a unit, such as 30s or 5m",
		"c.yml:21: tuning[0]: it names no stations; give station, model or tag; for all stations, use rules",
		`c.yml:23: exceptions[0]: exception "x": no owner: say who answers for it`,
		`HAYALET_TARIFF__PRICE: tariff.price: "lots": want a positive number with a unit`,
		"HAYALET_RELAY__BUFFER: relay.buffer: 5: want room for a message, relay.max_message, at least",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if t.Failed() {
		t.Logf("got:\n%s", strings.Join(got, "\n"))
	}
}

// TestNearestPlace: a key that nobody gave is told of by what is around it.
func TestNearestPlace(t *testing.T) {
	given := make(places)
	given.addFile("c.yml", []byte("stations:\n  - station: a\n\n  - model: b\nLog:\n  level: info\n"))
	for key, want := range map[string]string{
		"stations[0].supply": "c.yml:2", "stations[1].model": "c.yml:4", "stations": "c.yml:1", "log.level": "c.yml:6", "log.format": "c.yml:5", "db": "",
	} {
		if got := given.near(key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	if got := given.of("log.format"); got != "" {
		t.Errorf("log.format was given at %s", got)
	}
}
