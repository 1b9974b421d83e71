package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hayalet/internal/postgres"
)

// changed gives every key another value than its default, secrets aside.
const changed = `
listen: 127.0.0.1:19000
http: 127.0.0.1:18080
db: postgres://hayalet@db.example/hayalet?sslmode=verify-full
db_password_file: /run/secrets/db
record: "yes"                       # a text that YAML would take for something else
insecure: true
keys: "012"
tags: "a: b # c"
path_prefixes: [/x/, "/y z/"]
heartbeat_interval: 90m
max_message: 1000
log: {format: json, level: debug}
tls: {cert: cert.pem, key: key.pem}
journal: {linger: 5ms, max_frames: 64}
retention: {every: 1h, frames: {age: 30d, size: 15GB}, headers: {age: 200d, size: 2GB}, readings: {age: 36h, size: 500MB}, incidents: {age: 1000d, size: 10MB},
  transactions: {age: 1d, size: 1MB}, audit: {age: 2h, size: 7GB}}
api: {token_file: "~"}
tariff: {price: 7.123456, currency: "no"}
evidence: {key: e.key, anchor_every: 30m}
relay: {upstreams: ["/south/*=wss://a.example", "wss://b.example/{station}"], upstream_ca: ca.pem, compress: false, max_message: 5, buffer: 6}
sampling: {clock_aligned_interval: 15m, aligned_data: [Energy.Active.Import.Register], sample_interval: 1m, sampled_data: [Power.Active.Import, Voltage]}
webhook: {url: "https://ops.example/", secret_file: s, min_severity: high, timeout: 1500ms}
stations:
  - {station: "DC-*", model: "M[a-z]", connectors: [1, 2], rating: 7.4kW, supply: dc, phases: 3, tags: [depot, "1"]}
rules: {pe-01: {idle: 12.5, hold: 0s, mode: shadow}, PE-02: {gaps: 7}, MT-03: {margin: 1.25}, PE-05: {current_floor: 0.75A}}
tuning:
  - {tag: depot, station: a, model: b, rules: {PE-01: {standby: 2kW, hold: 90s}, PE-05: {mode: disabled, share: 0.5}}}
exceptions:
  - {name: n, station: s, model: m, connectors: [0], rules: [PE-01], from: 2026-01-01, until: 2026-06-01T08:00:00+03:00, daily: "22:00-06:00",
     zone: Europe/Istanbul, max_severity: low, reason: "r: #", owner: "true"}
  - {name: o, from: "2026-01-01", until: "2026-02-01", reason: r, owner: o}
site_rules:
  - {id: SITE-a, name: {en: a, tr: b}, when: "!tx_active", for: 10m, severity: high, mode: shadow, station: s, model: m, connectors: [3]}
`

// TestPrintedConfigReadsBack: what is printed is a configuration, and the same one.
func TestPrintedConfigReadsBack(t *testing.T) {
	for name, text := range map[string]string{"defaults": "", "changed": changed, "example": must(readText("../../hayalet.example.yml"))} {
		for _, origin := range []bool{false, true} {
			t.Run(fmt.Sprint(name, origin), func(t *testing.T) {
				want, err := load(t, text)
				if err != nil {
					t.Fatal(err)
				}
				printed := printConfig(t, &want, origin)
				got, err := load(t, printed)
				if err != nil {
					t.Fatalf("%v\n%s", err, printed)
				}
				if got, want := effective(t, got), effective(t, want); got != want {
					t.Errorf("got  %s\nwant %s\nprinted\n%s", got, want, printed)
				}
			})
		}
	}
}

func readText(name string) (string, error) {
	b, err := os.ReadFile(name)
	return string(b), err
}

func printConfig(t *testing.T, c *config, origin bool) string {
	t.Helper()
	w := configWriter{cfg: c, origin: origin, hidden: "hidden", unset: "default"}
	b, err := w.yaml()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// effective is what a configuration comes to: its values, and its rules whatever way they were written.
func effective(t *testing.T, c config) string {
	t.Helper()
	rules, err := ruleset(c.Rules)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range rules {
		fmt.Fprintf(&b, "%s %s %+v\n", r.Name, r.Mode, r.Settings)
	}
	c.Rules, c.sets, c.given = nil, nil, nil
	return fmt.Sprintf("%s%+v", b.String(), c)
}

// FuzzConfig: what is wrong is told in one line each; what is not, reads back as it was printed, secrets aside.
func FuzzConfig(f *testing.F) {
	f.Add(changed)
	f.Add(must(readText("../../hayalet.example.yml")))
	f.Add("webhook: {secret: a, url: 'https://h/x'}\ndb: postgres://u:p@h/d\nrules: {PE-01: {idle: 1e3}, pe-01: }")
	f.Add("exceptions: [{name: x, until: 2026-01-01 , from: 2026-01-01T00:00:00.5+00:00}]\nstations: [{rating: 1e9MW}]")
	file := filepath.Join(f.TempDir(), "c.yml")
	f.Fuzz(func(t *testing.T, text string) {
		reload := func(text string) (config, error) {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return loadConfig(file, nil)
		}
		want, err := reload(text)
		if all, ok := errors.AsType[faults](err); ok {
			for _, fault := range all {
				if strings.Contains(fault.Error(), "\n") || fault.err == nil {
					t.Errorf("fault %q", fault)
				}
			}
		}
		if err != nil {
			return
		}
		printed := printConfig(t, &want, false)
		got, err := reload(printed)
		if err != nil {
			t.Fatalf("%v\n%s", err, printed)
		}
		want.API.Token, want.Webhook.Secret, want.Webhook.URL, want.DB = "", "", withoutPath(want.Webhook.URL), postgres.Redacted(want.DB)
		if got, want := effective(t, got), effective(t, want); got != want {
			t.Errorf("got  %s\nwant %s\nprinted\n%s", got, want, printed)
		}
	})
}

// TestChangedIsAll holds that the test above leaves no key out.
func TestChangedIsAll(t *testing.T) {
	c, err := load(t, changed)
	if err != nil {
		t.Fatal(err)
	}
	each(reflect.ValueOf(c), reflect.ValueOf(defaultConfig()), "", func(key string, got, usual reflect.Value) {
		if secret := key == "api.token" || key == "webhook.secret"; !secret && reflect.DeepEqual(got.Interface(), usual.Interface()) {
			t.Errorf("%s has its default %v; give it another value", key, got)
		}
	})
}

// each calls f for every key of two structs, and for those of the first item of their lists.
func each(a, b reflect.Value, section string, f func(key string, a, b reflect.Value)) {
	for i := range a.NumField() {
		name := a.Type().Field(i).Tag.Get("koanf")
		if name == "" {
			continue
		}
		key, x, y := within(section, name), a.Field(i), b.Field(i)
		switch {
		case x.Kind() == reflect.Struct:
			each(x, y, key, f)
		case x.Kind() == reflect.Slice && x.Type().Elem().Kind() == reflect.Struct && x.Len() > 0:
			each(x.Index(0), reflect.Zero(x.Type().Elem()), key+"[0]", f)
		default:
			f(key, x, y)
		}
	}
}

// TestSecretsAreNotPrinted: whatever a key is called, what it hides is told by its tag.
func TestSecretsAreNotPrinted(t *testing.T) {
	c, err := load(t, `
db: postgres://u:pa55word@db.example/hayalet?sslpassword=pa55word&sslmode=require
api: {token: pa55word}
relay: {upstreams: ["A*=wss://a.example/{station}?key=pa55word", "wss://b.example/ocpp"]}
webhook: {url: "https://pa55word@hooks.example/services/pa55word?t=pa55word", secret: pa55word}
`)
	if err != nil {
		t.Fatal(err)
	}
	text := printConfig(t, &c, true)
	for _, want := range []string{
		"db: postgres://u@db.example/hayalet?sslpassword=&sslmode=require # hidden\n", "  token: \"\" # hidden\n", "  secret: \"\" # hidden\n",
		"  upstreams: ['A*=wss://a.example/{station}', 'wss://b.example/ocpp'] # hidden\n",
		"  url: https://hooks.example/ # hidden\n", "listen: 127.0.0.1:9000 # default\n", "  level: info # default\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in it", want)
		}
	}
	if strings.Contains(text, "pa55word") || t.Failed() {
		t.Errorf("printed\n%s", text)
	}
	each(reflect.ValueOf(c), reflect.ValueOf(c), "", func(key string, got, _ reflect.Value) {
		secret := strings.HasSuffix(key, "token") || strings.HasSuffix(key, "secret") || strings.HasSuffix(key, "password")
		if secret && got.String() != "pa55word" {
			t.Errorf("%s is not in this test", key)
		}
	})
}

func TestOrigins(t *testing.T) {
	name := filepath.Join(t.TempDir(), "c.yml")
	if err := os.WriteFile(name, []byte("db: a.db\nlog:\n  level: warn\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(name, []string{"HAYALET_DB=b.db", "HAYALET_RULES__PE-01__IDLE=5W"})
	if err != nil {
		t.Fatal(err)
	}
	text := printConfig(t, &c, true)
	for _, want := range []string{"db: b.db # HAYALET_DB\n", "  level: warn # " + name + ":3\n", "  format: text # default\n", "    idle: 5 W # HAYALET_RULES__PE-01__IDLE\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
