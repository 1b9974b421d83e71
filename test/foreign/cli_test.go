package foreign_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The checks of ocpp-ws-cli that fail, and the error code that they find where they want FormatViolation. In 1.6 that
// code is spelled FormationViolation [1.6J §4.2.3]; 2.x has one of its own for what is no call at all [2.0.1 part 4
// §4.3]. The first of each list also wants the message id back as the number that no message id may be.
var (
	fail16 = map[string]string{
		"Server enforces MessageId is a string":     `"FormationViolation"`,
		"Server rejects missing payload in CALL":    `"FormationViolation"`,
		"Server rejects non-object payload in CALL": `"FormationViolation"`,
	}
	fail2 = map[string]string{
		"Server enforces MessageId is a string":  `"RpcFrameworkError"`,
		"Server rejects missing payload in CALL": `"RpcFrameworkError"`,
	}
)

// complianceSuites runs all checks of ocpp-ws-cli against serve, in each version.
func complianceSuites(t *testing.T, b bins) {
	s := startServer(t, b, "serve")
	t.Run("versions", func(t *testing.T) {
		for protocol, excused := range map[string]map[string]string{"ocpp1.6": fail16, "ocpp2.0.1": fail2, "ocpp2.1": fail2} {
			t.Run(protocol, func(t *testing.T) {
				t.Parallel()
				checkCompliance(t, excused, runCLI(t, nil, "test",
					"--endpoint", s.url, "--identity", "CLI-"+protocol, "--protocol", protocol, "--suite", "all"))
			})
		}
	})
	s.stop(t)
}

// checkCompliance wants all checks to pass but the excused ones, and those to fail in the way that excuses them.
func checkCompliance(t *testing.T, excused map[string]string, report cliReport) {
	t.Helper()
	if len(report.Results) != 21 {
		t.Errorf("%d checks were run, want 21", len(report.Results))
	}
	seen := 0
	for _, r := range report.Results {
		code, may := excused[r.Name]
		if may {
			seen++
		}
		switch {
		case may && r.Passed:
			t.Errorf("%q passes, although it wants what the standard does not say", r.Name)
		case may && !strings.Contains(r.Issue, code):
			t.Errorf("%q fails with another finding: %s", r.Name, r.Issue)
		case !may && !r.Passed:
			t.Errorf("%q fails: %s", r.Name, r.Issue)
		}
	}
	if seen != len(excused) {
		t.Errorf("%d of the checks %v were run, want all", seen, excused)
	}
}

const (
	fuzzers = 40
	// memory that the server may keep: the stations of the fuzzer are known from then on.
	keptMemory = 24 << 20
	// goroutines that may come and go while nothing is connected, such as those of the database.
	keptGoroutines = 4
)

// fuzz lets ocpp-ws-cli send broken messages over many connections; then the server is up, and its memory, sockets and
// goroutines are back where they were.
func fuzz(t *testing.T, b bins) {
	limit := 5 * time.Second
	if long() {
		limit = time.Minute
	}
	quiet := startServer(t, b, "serve")
	idle := quiet.goroutines(t)
	s := startServer(t, b, "serve")
	before := s.usage(t)
	report := runCLI(t, func(cmd *exec.Cmd) {
		if !look(patience/6, func() bool { return s.station(t, "Fuzzer-1").Connected }) {
			t.Error("the fuzzer does not connect")
		}
		time.AfterFunc(limit, func() { _ = cmd.Process.Signal(syscall.SIGINT) }) // it ends by SIGINT only, and then writes its report
	}, "fuzz", "--endpoint", s.url, "--workers", fmt.Sprint(fuzzers), "--flood")
	if report.Metrics.Sent < 500 || report.Metrics.Errors == 0 || report.Metrics.Tolerated == 0 || report.Metrics.Drops != 0 {
		t.Errorf("the fuzzer tells of %+v, want 500 messages and more sent, answers of both kinds and no drop", report.Metrics)
	}
	var after usage
	if !look(10*time.Second, func() bool {
		after = s.usage(t)
		return after.sockets <= before.sockets && after.memory <= before.memory+keptMemory
	}) {
		t.Errorf("after the fuzzer: %+v, before it: %+v", after, before)
	}
	t.Logf("%d messages; before: %+v, after: %+v", report.Metrics.Sent, before, after)
	if n := s.goroutines(t); n > idle+keptGoroutines {
		t.Errorf("%d goroutines after the fuzzer, %d in a server that nobody called", n, idle)
	}
}

// cliReport is the report of ocpp-ws-cli.
type cliReport struct {
	Results []struct {
		Name   string `json:"name"`
		Passed bool   `json:"passed"`
		Issue  string `json:"issue"`
	} `json:"testResults"`
	Metrics struct {
		Sent      int `json:"anomaliesSent"`
		Errors    int `json:"serverErrors"` // answered by a CALLERROR
		Drops     int `json:"serverDrops"`
		Tolerated int `json:"serverTolerated"` // answered by a CALLRESULT
	} `json:"metrics"`
}

// runCLI runs one of its commands to the end; started, if not nil, is called with the running process.
func runCLI(t *testing.T, started func(*exec.Cmd), args ...string) (report cliReport) {
	t.Helper()
	dir := t.TempDir()
	command := script(filepath.Join("node_modules", "ocpp-ws-cli", "dist", "index.js"), append(args, "--report", "json", "--report-dir", dir)...)
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if started != nil {
		started(cmd)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, &out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("reports of %s: %v %v\n%s", cmd, files, err, &out)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatalf("report of %s: %v\n%s", cmd, err, data)
	}
	return report
}
