package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/capture"
	"hayalet/internal/journal"
	"hayalet/internal/lang"
	"hayalet/internal/series"
	"hayalet/internal/sqlite"
)

// TestKeyIsMadeOnce, for its owner alone, and stays.
func TestKeyIsMadeOnce(t *testing.T) {
	var cfg config
	cfg.DB = filepath.Join(t.TempDir(), "kept.db")
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	first, made, err := cfg.ensureKey(log)
	if err != nil || !made {
		t.Fatalf("made: %v, %v", made, err)
	}
	name := strings.TrimSuffix(cfg.DB, ".db") + ".key"
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v: %v", info.Mode(), err)
	}
	if again, made, err := cfg.ensureKey(log); err != nil || made || !again.Equal(first) {
		t.Errorf("another key at the second start: %v", err)
	}
	if strings.Contains(out.String(), "level=WARN") {
		t.Errorf("a warning without a reason: %s", &out)
	}
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, _, err := cfg.ensureKey(log); err != nil || !strings.Contains(out.String(), "level=WARN") {
		t.Errorf("no warning of a key that others can read: %v, %s", err, &out)
	}
	if err := os.WriteFile(name, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := cfg.ensureKey(log); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("what is no key is taken for one: %v", err)
	}
	if b, err := os.ReadFile(name); string(b) != "secret\n" {
		t.Errorf("it was written over: %q, %v", b, err)
	}
	cfg.Evidence.Key = filepath.Join(t.TempDir(), "none", "x.key")
	if _, _, err := cfg.ensureKey(log); err == nil || !strings.Contains(err.Error(), "evidence.key") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// TestNewFileIsWholeOrNotThere: the name is given to what is written, so nobody sees half of it; nothing is written over,
// and nothing stays beside it.
func TestNewFileIsWholeOrNotThere(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{filepath.Join(dir, "a.key"), "b.key"} {
		watched := make(chan []byte, 1)
		ctx, stop := context.WithCancel(t.Context())
		go func() { // what a reader sees first
			for ctx.Err() == nil {
				if b, err := os.ReadFile(name); err == nil {
					watched <- b
					return
				}
			}
			watched <- nil
		}()
		want := bytes.Repeat([]byte("x"), 8<<20)
		if err := writeNew(name, want); err != nil {
			t.Fatal(err)
		}
		if got := <-watched; len(got) != len(want) {
			t.Errorf("%s: %d bytes were there at first, want %d", name, len(got), len(want))
		}
		stop()
		if err := writeNew(name, []byte("other")); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: error %v", name, err)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 || info.Size() != int64(len(want)) {
			t.Errorf("%s: %v: %v", name, info, err)
		}
	}
	if left := must(os.ReadDir(dir)); len(left) != 2 {
		t.Errorf("files beside them: %v", left)
	}
}

func TestKeyFileStandsBesideTheDatabase(t *testing.T) {
	for db, want := range map[string]string{
		"hayalet.db": "hayalet.key", "/var/lib/h/kept": "/var/lib/h/kept.key", "a.key": "a.key.key", "postgres://u@h/d.x": "hayalet.key",
	} {
		cfg := config{DB: db}
		if got := cfg.keyFile(); got != want {
			t.Errorf("%s: %s, want %s", db, got, want)
		}
	}
}

// judged is a database with an incident, and the configuration of it.
func judged(t *testing.T) (cfg config, db *sqlite.DB) {
	t.Helper()
	cfg = defaultConfig()
	cfg.DB = filepath.Join(t.TempDir(), "kept.db")
	db, err := sqlite.Open(t.Context(), cfg.DB)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	at := hayalet.InstantOf(time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC))
	j, err := journal.Open(t.Context(), db, journal.Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- j.Run(t.Context()) }()
	for n := range uint64(6) {
		f := hayalet.Frame{Station: "CP_1", Conn: "c", Seq: n + 1, At: at.Add(time.Duration(n) * time.Minute), Protocol: hayalet.OCPP16, Data: []byte(`[2,"1","Heartbeat",{}]`)}
		if err := j.PutFrames(t.Context(), []hayalet.Frame{f}); err != nil {
			t.Fatal(err)
		}
	}
	j.Close()
	inc := hayalet.Incident{Key: "abcdef", Rule: "PE-01", Station: "CP_1", Connector: 1, State: hayalet.Closed, OpenedAt: at, UpdatedAt: at, EndedAt: at.Add(time.Minute)}
	if err := <-done; err != nil || db.SaveState(t.Context(), hayalet.State{Incidents: []hayalet.Incident{inc}}) != nil {
		t.Fatal(err)
	}
	return cfg, db
}

// hayaletRun runs the program and returns its exit code and what it said.
func hayaletRun(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := run(t.Context(), args, []string{"LANG=C"}, strings.NewReader(""), &out, &out)
	return code, out.String()
}

// TestChangedJournalIsNotExported, and verify says where it was changed.
func TestChangedJournalIsNotExported(t *testing.T) {
	cfg, _ := judged(t)
	if _, _, err := cfg.ensureKey(slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if code, out := hayaletRun(t, "evidence", "export", "abc", "--db", cfg.DB, "-o", filepath.Join(dir, "good.zip")); code != exitOK {
		t.Fatalf("exit code %d: %s", code, out)
	}
	raw, err := sql.Open("sqlite", cfg.DB)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec(`UPDATE block_body SET body = (SELECT body FROM block_body WHERE number = 4) WHERE number = 3`); err != nil {
		t.Fatal(err)
	}
	code, out := hayaletRun(t, "journal", "verify", "--db", cfg.DB)
	if want := "the journal does not hold: the frame at position 3 (station CP_1, connection c, number 4) of block 3 was changed or moved\n"; code != exitError || out != want {
		t.Errorf("exit code %d: %s, want %s", code, out, want)
	}
	bad := filepath.Join(dir, "bad.zip")
	code, out = hayaletRun(t, "evidence", "export", "abc", "--db", cfg.DB, "-o", bad)
	if _, err := os.Stat(bad); code != exitError || err == nil || !strings.Contains(out, "what blocks.jsonl says of block 3") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// TestAServerPassesOverDamage: a block that cannot be read does not stop detection, at start and ever after. It is said in
// the log and in the audit log, the station has a gap, and the journal stays as it is.
func TestAServerPassesOverDamage(t *testing.T) {
	cfg, db := judged(t)
	cfg.Listen, cfg.HTTP = "127.0.0.1:0", "127.0.0.1:0"
	raw, err := sql.Open("sqlite", cfg.DB)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec(`UPDATE block_body SET body = x'28b52ffd00' WHERE number = 3`); err != nil {
		t.Fatal(err)
	}
	a := &app{text: lang.New(lang.EN)}
	for start := range 2 {
		var log bytes.Buffer
		s, err := a.newServer(t.Context(), cfg, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.run(ctx) }()
		wait(t, "the engine has all", func() bool { now := time.Now(); return s.journal.Horizon(now).Equal(now) })
		states, err := s.engine.Stations(t.Context())
		if err != nil || len(states) != 1 || states[0].Missed.Gaps != 1 || states[0].LastFrame.String() != "2026-01-05T12:05:00Z" {
			t.Errorf("start %d: the stations are %+v, %v", start, states, err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if said := strings.Count(log.String(), "a block is damaged"); said != 1-start {
			t.Errorf("start %d: it is said %d times in\n%s", start, said, &log)
		}
	}
	trail, err := db.AuditTrail(t.Context(), 0, 0, 0)
	trail = slices.DeleteFunc(trail, func(e hayalet.AuditEntry) bool { return e.Action != auditLost })
	if err != nil || len(trail) != 1 || trail[0].Subject != "block 3" || trail[0].Detail != "3 to 3, 2026-01-05T12:02:00Z to 2026-01-05T12:02:00Z" {
		t.Errorf("the audit log has %+v, %v", trail, err)
	}
	code, out := hayaletRun(t, "journal", "verify", "--db", cfg.DB)
	if want := "the journal does not hold: the frames of block 3 (3 to 3) cannot be read: they were changed\n"; code != exitError || out != want {
		t.Errorf("exit code %d: %s, want %s", code, out, want)
	}
}

// TestExitCodesOfVerify: 0 all holds, 1 something does not, 2 it cannot be read.
func TestExitCodesOfVerify(t *testing.T) {
	cfg, db := judged(t)
	if _, _, err := cfg.ensureKey(slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "case.zip")
	if code, out := hayaletRun(t, "evidence", "export", "abc", "--db", cfg.DB, "-o", name); code != exitOK {
		t.Fatalf("exit code %d: %s", code, out)
	}
	trail, err := db.AuditTrail(t.Context(), 0, 0, 0)
	if err != nil || len(trail) != 1 || trail[0].Action != "evidence exported" || trail[0].Subject != "abcdef" {
		t.Errorf("audit log %+v: %v", trail, err)
	}
	whole := must(os.ReadFile(name))
	bent := bytes.Clone(whole)
	bent[bytes.Index(bent, []byte("anchor.json"))+40] ^= 1 // within its bytes
	for code, data := range map[int][]byte{exitOK: whole, exitError: bent, exitUsage: whole[:len(whole)/2]} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, out := hayaletRun(t, "evidence", "verify", name); got != code {
			t.Errorf("exit code %d, want %d: %s", got, code, out)
		}
	}
}

// TestAnchorsAreSigned at once, and at the end; what is anchored is not anchored again.
func TestAnchorsAreSigned(t *testing.T) {
	cfg, db := judged(t)
	a, err := newAnchors(t.Context(), &cfg, db, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		a.run(ctx)
	}
	known, err := db.FindAnchors(t.Context(), 0, 0)
	if err != nil || len(known) != 1 || known[0].Block != 6 || !journal.AnchorHolds(&known[0]) || !a.key.Public().(ed25519.PublicKey).Equal(ed25519.PublicKey(known[0].Key)) {
		t.Fatalf("%+v: %v", known, err)
	}
	if err := os.Remove(cfg.keyFile()); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	b, err := newAnchors(t.Context(), &cfg, db, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil || !strings.Contains(said.String(), "anchored with another key") {
		t.Fatalf("the loss of the key is not said: %v, %s", err, &said)
	}
	if made, err := b.covering(t.Context(), 2, math.MaxUint64); err != nil || !b.key.Public().(ed25519.PublicKey).Equal(ed25519.PublicKey(made.Key)) {
		t.Errorf("an anchor of another key counts: %+v, %v", made, err)
	}
	for _, tc := range [][3]uint64{{3, 5, 3}, {2, 5, 3}, {4, 6, 6}} { // that of block 6 is too far away for the first
		if made, err := b.covering(t.Context(), tc[0], tc[1]); err != nil || made.Block != tc[2] || !journal.AnchorHolds(&made) {
			t.Errorf("blocks %d to %d: %+v, want an anchor of block %d: %v", tc[0], tc[1], made, tc[2], err)
		}
	}
}

// served is a database in which a server has judged the seed's run.
func served(t *testing.T) config {
	t.Helper()
	cfg := defaultConfig()
	cfg.private(t.TempDir())
	s, err := (&app{text: lang.New(lang.EN)}).newServer(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	seed := must(os.Open("../../internal/capture/testdata/seed-csms.log"))
	defer seed.Close()
	_, err = capture.Read(t.Context(), capture.Options{}, []capture.Input{{Name: "seed", R: seed}}, s.journal)
	stop()
	if err := errors.Join(err, <-ended); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestCaseTellsTheIncident: frames, readings, rule, explanation, picture and report are of the incident that is kept, and
// the same each time.
func TestCaseTellsTheIncident(t *testing.T) {
	cfg := served(t)
	db, err := sqlite.Open(t.Context(), cfg.DB)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found, err := db.Find(t.Context(), hayalet.IncidentFilter{})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d incidents: %v", len(found), err)
	}
	var cases []map[string]string
	for _, name := range []string{"a.zip", "b.zip"} {
		name = filepath.Join(t.TempDir(), name)
		if code, out := hayaletRun(t, "evidence", "export", found[0].Key, "--db", cfg.DB, "-o", name); code != exitOK {
			t.Fatalf("exit code %d: %s", code, out)
		}
		cases = append(cases, unzipped(t, name))
	}
	for name, want := range map[string]string{
		"incident.json":   `"energy_wh": 50,`,
		"history.json":    `"state": "suspected"`,
		"frames.jsonl":    `"StartTransaction"`,
		"readings.json":   `"register_wh": 12050`,
		"rule.json":       `"key": "settle_time"`,
		"explain.json":    `"reason_code": "flow-after-stop"`,
		"explain.tr.txt":  "Yeni başlatılmış bir motorun",
		"explain.en.txt":  "ALARM PE-01, medium",
		"report.en.md":    "(register.en.svg)",
		"report.tr.md":    "durdurma sonrası 50 Wh",
		"report.en.html":  `<html lang="en"`,
		"report.tr.html":  `<html lang="tr"`,
		"register.tr.svg": `<svg `,
		"README.txt":      found[0].Key,
	} {
		if !strings.Contains(cases[0][name], want) {
			t.Errorf("%s does not hold %q:\n%.400s", name, want, cases[0][name])
		}
	}
	timed := []string{"manifest.json", "manifest.sig", "rule.json", "README.txt"} // these have the time of the export in them
	for name, text := range cases[0] {
		if !slices.Contains(timed, name) && text != cases[1][name] {
			t.Errorf("%s is another one the second time", name)
		}
	}
}

func unzipped(t *testing.T, name string) map[string]string {
	t.Helper()
	z, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	files := make(map[string]string)
	for _, f := range z.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(rc)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(b)
	}
	return files
}

// TestCaseHasTheRulesOfItsTime: not those of now, and those of the export only where the server's are not known.
func TestCaseHasTheRulesOfItsTime(t *testing.T) {
	cfg, db := judged(t)
	if _, _, err := cfg.ensureKey(slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	opened := hayalet.InstantOf(time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC))
	export := func() string {
		name := filepath.Join(t.TempDir(), "case.zip")
		if code, out := hayaletRun(t, "evidence", "export", "abc", "--db", cfg.DB, "-o", name); code != exitOK {
			t.Fatalf("exit code %d: %s", code, out)
		}
		return unzipped(t, name)["rule.json"]
	}
	expect := func(text string, want ...string) {
		t.Helper()
		for _, want := range want {
			if !strings.Contains(text, want) {
				t.Errorf("rule.json does not hold %q:\n%.600s", want, text)
			}
		}
	}
	put := func(at hayalet.Instant, detail string) {
		if err := db.PutAudit(t.Context(), hayalet.AuditEntry{At: at, Action: auditRules, Detail: detail}); err != nil {
			t.Fatal(err)
		}
	}
	put(opened+1, `{"program":"later","rules":{"PE-01":{"medium":"35Wh"}}}`)
	expect(export(), "is not known", `"value": "30 Wh"`)
	put(opened-2, `{"program":"early","rules":{"PE-01":{"medium":"33Wh"}}}`)
	put(opened-1, `{"program":"then","rules":{"PE-01":{"medium":"40Wh"}},"tuning":[{"Station":"CP_1","Rules":{"pe-01":{"medium":45.5}}}]}`)
	expect(export(), "that the server had", `"value": "45.5 Wh"`, `"judged_by": "then"`, (opened - 1).String())
	put(opened, `{"program":"odd","rules":{"PE-01":{"of another version":1}}}`)
	expect(export(), "is not known", `"value": "30 Wh"`)
}

// TestRulesInForceAreKept: a configuration comes back from the audit log as it was.
func TestRulesInForceAreKept(t *testing.T) {
	cfg, err := loadConfig("../../hayalet.example.yml", []string{"HAYALET_RULES__PE-03__MODE=shadow"})
	if err != nil {
		t.Fatal(err)
	}
	cfg.private(t.TempDir())
	db, err := sqlite.Open(t.Context(), cfg.DB)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	before := hayalet.InstantOf(time.Now())
	(&server{cfg: cfg, db: db, log: slog.New(slog.DiscardHandler)}).noteRules(t.Context())
	f, since, err := rulesAt(t.Context(), db, hayalet.InstantOf(time.Now()))
	if err != nil || since < before {
		t.Fatalf("since %v: %v", since, err)
	}
	again, err := defaultConfig().judging(&f)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again.Stations, cfg.Stations) || len(again.siteRules()) == 0 {
		t.Errorf("stations %+v, want %+v; site rules %+v", again.Stations, cfg.Stations, again.siteRules())
	}
	for i, r := range again.siteRules() {
		if want := cfg.siteRules()[i]; r.Broken != "" || !reflect.DeepEqual(r.Spec, want.Spec) || !reflect.DeepEqual(r.Names, want.Names) {
			t.Errorf("site rule %+v, want %+v", r, want)
		}
	}
	for _, st := range []hayalet.StationID{"CP_1", "DEPOT-1"} {
		got, gerr := again.rulesOf(st, "Beta 2")
		want, werr := cfg.rulesOf(st, "Beta 2")
		if gerr != nil || werr != nil || !reflect.DeepEqual(described(got), described(want)) {
			t.Errorf("%s: rules %+v, want %+v", st, described(got), described(want))
		}
	}
}

// TestCaseBeginsBeforeTheTransaction that ended before the flow, but for a day at most, which is what retention keeps.
func TestCaseBeginsBeforeTheTransaction(t *testing.T) {
	at := hayalet.InstantOf(time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC))
	hour := func(n int) hayalet.Instant { return at.Add(time.Duration(n) * time.Hour) }
	for name, tc := range map[string]struct {
		active []int // hours at which a transaction was active
		other  []int // on another connector
		want   hayalet.Instant
	}{
		"none":                 {want: hour(-1)},
		"a short one":          {active: []int{0}, want: hour(-1)},
		"a long one":           {active: []int{-5, -4, -3}, want: hour(-5).Add(-time.Minute)},
		"of another connector": {other: []int{-5}, want: hour(-1)},
		"longer than a day":    {active: []int{-26, -25, -24, -23}, want: hour(-24)},
		"the last of several":  {active: []int{-30, -2, 2}, want: hour(-2).Add(-time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "a.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var p series.Packer
			for n := -170; n <= 3; n++ {
				p.Add(series.Point{At: hour(n), Connector: 1, Value: int64(n), Active: slices.Contains(tc.active, n)}, true)
				p.Add(series.Point{At: hour(n), Connector: 2, Value: int64(n), Active: slices.Contains(tc.other, n)}, true)
			}
			body, from, to := p.Take()
			if err := db.SaveState(t.Context(), hayalet.State{Series: []hayalet.Series{{Station: "CP_1", From: from, To: to, Body: body}}}); err != nil {
				t.Fatal(err)
			}
			x := exporter{db: db, now: hour(100), incident: hayalet.Incident{
				Station: "CP_1", Connector: 1, State: hayalet.Closed, BaselineAt: at, FirstAt: hour(1), OpenedAt: hour(1), UpdatedAt: hour(2), EndedAt: hour(3),
			}}
			w, points, err := x.window(t.Context())
			if err != nil || w.Since != tc.want || w.Until != hour(3).Add(10*time.Minute) || w.Baseline != at || w.Opened != hour(1).Add(10*time.Minute) {
				t.Errorf("%+v, want from %v: %v", w, tc.want, err)
			}
			if len(points) == 0 || points[0].At < w.Since || points[len(points)-1].At != hour(3) {
				t.Errorf("%d readings", len(points))
			}
		})
	}
}

// TestReadingsGoOnWhereTheServerHasNotSaved yet.
func TestReadingsGoOnWhereTheServerHasNotSaved(t *testing.T) {
	var fresh freshReadings
	var p series.Packer
	for _, at := range []hayalet.Instant{10, 30, 20, 40} {
		p.Add(series.Point{At: at, Connector: 1, Value: int64(at)}, true)
	}
	body, _, _ := p.Take()
	if err := fresh.SaveState(t.Context(), hayalet.State{Series: []hayalet.Series{{Body: body}}}); err != nil {
		t.Fatal(err)
	}
	saved := []series.Point{{At: 5, Value: 5}, {At: 15, Value: 15}}
	all, err := fresh.complete(saved)
	var values []int64
	for _, p := range all {
		values = append(values, p.Value)
	}
	if want := []int64{5, 15, 20, 30, 40}; err != nil || !slices.Equal(values, want) {
		t.Errorf("readings %v, want %v: %v", values, want, err)
	}
}
