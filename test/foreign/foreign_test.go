package foreign_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestMain lets all tests run side by side: what they run waits nearly all of the time.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "64"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestForeign builds everything once; what it runs are processes, side by side.
func TestForeign(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes and takes some 45 s")
	}
	b := build(t)
	for _, tc := range []struct {
		name string
		node bool // all of it is npm's
		run  func(*testing.T, bins)
	}{
		{"serve", false, servePeers},
		{"compliance", true, complianceSuites},
		{"fuzz", true, fuzz},
		{"relay", false, relayPeers},
		{"relay restart", true, upstreamRestart},
		{"relay talk", true, relayTalk},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.node {
				b.needNode(t)
			}
			tc.run(t, b)
		})
	}
}

// bins is where the programs are.
type bins struct {
	dir  string
	node error // why npm's cannot be run, or nil
}

const examples = "github.com/lorenzodonini/ocpp-go/example/"

func build(t *testing.T) bins {
	t.Helper()
	b := bins{dir: t.TempDir(), node: nodeInstalled()}
	goBuild(t, filepath.Join("..", ".."), "-o", b.dir, "./cmd/hayalet")
	goBuild(t, filepath.Join("..", "ocppgo"), "-o", b.dir, ".",
		examples+"1.6/cp", examples+"1.6/cs", examples+"2.0.1/chargingstation", examples+"2.0.1/csms")
	return b
}

func goBuild(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"build", "-buildvcs=false"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s in %s: %v\n%s", cmd, dir, err, out)
	}
}

func (b bins) path(name string) string { return filepath.Join(b.dir, name) }

// script is the command that runs one of test/node's.
func script(name string, args ...string) []string {
	return append([]string{"node", filepath.Join("..", "node", name)}, args...)
}

// nodeInstalled tells why npm's programs cannot be run, or nil.
func nodeInstalled() error {
	if _, err := exec.LookPath("node"); err != nil {
		return fmt.Errorf("no node here: npm's programs are left out")
	}
	for _, name := range []string{"ocpp-rpc", "ocpp-ws-cli", "@ocpp-debugkit/toolkit", "ws"} {
		if _, err := os.Stat(filepath.Join("..", "node", "node_modules", name)); err != nil {
			return fmt.Errorf("npm's packages are not installed: make test installs them")
		}
	}
	return nil
}

func (b bins) needNode(t *testing.T) {
	t.Helper()
	if b.node != nil {
		t.Skip("LEFT OUT:", b.node)
	}
}

// long tells whether everything is to run in full.
func long() bool { return os.Getenv("FOREIGN_LONG") != "" }

const (
	patience = 3 * time.Minute        // for anything that a peer or the server does
	pause    = 100 * time.Millisecond // between two looks
)

// look calls done until it says so or the time is up, and tells which.
func look(limit time.Duration, done func() bool) bool {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); <-ticker.C {
		if done() {
			return true
		}
	}
	return false
}
