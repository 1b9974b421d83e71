package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hayalet/internal/notify"
	"hayalet/internal/pgtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"hayalet": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			code := run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
			stop()
			os.Exit(code)
		},
	})
}

// TestScripts runs every subcommand as a person would. Besides testscript's own commands there are: "server [flags]", which
// starts a central system on free ports and sets $STATIONS and $HTTP, and the bare addresses $STATIONSADDR and $HTTPADDR; "shutdown", which ends it with SIGTERM and wants
// a clean end; "crash", which ends it with SIGKILL (stop and kill are testscript's own, which end the script); "webhook FILE SECRET", which writes what it is told, checked, to FILE and
// sets $WEBHOOK; "relay [flags]", which starts a relay in front of that central system and sets $RELAY and $RELAYHTTP, and
// "shutrelay", which ends it; "in30days FILE", which writes that date into it; "until PATTERN COMMAND...", which repeats a command
// until its output has the pattern; "key FILE", which sets $KEY to that of the first incident in FILE, and
// $UPDATED to its time of update; "postgres", which
// starts a PostgreSQL server and sets $DB to an empty database of it, and "postgres kill" and "postgres start".
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("LANG", "C")
			env.Setenv("TESTDATA", must(filepath.Abs("testdata")))
			env.Setenv("CAPTURE", must(filepath.Abs("../../internal/capture/testdata")))
			env.Values[serverKey{}], env.Values[relayKey{}], env.Values[clusterKey{}] = new(child), new(child), new(*pgtest.Cluster)
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "race" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return underRace, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"server": startServer, "shutdown": stopServer, "crash": killServer, "relay": startRelay, "shutrelay": stopRelay, "webhook": startWebhook, "until": until, "key": key, "pin": pin, "in30days": in30Days, "postgres": postgresServer,
		},
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

type (
	serverKey  struct{}
	relayKey   struct{}
	clusterKey struct{}
)

func postgresServer(ts *testscript.TestScript, _ bool, args []string) {
	at := ts.Value(clusterKey{}).(**pgtest.Cluster)
	switch strings.Join(args, " ") {
	case "":
		*at = must(pgtest.New())
		cluster := *at
		ts.Defer(func() { ts.Check(cluster.Close()) })
		ts.Setenv("DB", cluster.URL("postgres"))
	case "kill":
		ts.Check((*at).Kill())
	case "start":
		ts.Check((*at).Start())
	default:
		ts.Fatalf("usage: postgres [kill|start]")
	}
}

// child is a running server of a script.
type child struct {
	cmd *exec.Cmd
	log *logTail
}

// logTail keeps a server's log and tells when it listens.
type logTail struct {
	mu    sync.Mutex
	lines []string
	ready chan [2]string
	ended chan struct{}
}

func (l *logTail) follow(r io.Reader) {
	defer close(l.ended)
	scan := bufio.NewScanner(r)
	for scan.Scan() {
		l.mu.Lock()
		l.lines = append(l.lines, scan.Text())
		l.mu.Unlock()
		var rec struct{ Msg, Stations, HTTP string }
		if json.Unmarshal(scan.Bytes(), &rec) == nil && rec.Msg == "listening" {
			l.ready <- [2]string{rec.Stations, rec.HTTP}
		}
	}
}

func (l *logTail) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

func startServer(ts *testscript.TestScript, _ bool, args []string) {
	addr := ts.Value(serverKey{}).(*child).start(ts, append([]string{"serve"}, args...))
	ts.Setenv("STATIONS", "ws://"+addr[0])
	ts.Setenv("HTTP", "http://"+addr[1])
	ts.Setenv("STATIONSADDR", addr[0])
	ts.Setenv("HTTPADDR", addr[1])
}

func startRelay(ts *testscript.TestScript, _ bool, args []string) {
	args = append([]string{"relay", "--upstream", ts.Getenv("STATIONS")}, args...)
	addr := ts.Value(relayKey{}).(*child).start(ts, args)
	ts.Setenv("RELAY", "ws://"+addr[0])
	ts.Setenv("RELAYHTTP", "http://"+addr[1])
}

// start runs a server on free ports and returns its addresses for stations and for questions.
func (c *child) start(ts *testscript.TestScript, args []string) [2]string {
	args = append(args[:1:1], append([]string{"--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log-format", "json"}, args[1:]...)...)
	c.cmd = exec.Command("hayalet", args...)
	c.cmd.Dir, c.cmd.Env = ts.MkAbs("."), append(os.Environ(), "LANG=C", "HAYALET_WEBHOOK__URL="+ts.Getenv("WEBHOOK"))
	c.cmd.Path = must(exec.LookPath("hayalet"))
	stderr := must(c.cmd.StderrPipe())
	ts.Check(c.cmd.Start())
	c.log = &logTail{ready: make(chan [2]string, 1), ended: make(chan struct{})}
	go c.log.follow(stderr)
	cmd := c.cmd
	ts.Defer(func() { _ = cmd.Process.Kill() })
	select {
	case addr := <-c.log.ready:
		return addr
	case <-c.log.ended:
		ts.Fatalf("%s ended: %s", args[0], c.log.text())
	case <-time.After(20 * time.Second):
		ts.Fatalf("%s does not listen: %s", args[0], c.log.text())
	}
	return [2]string{}
}

func stopServer(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Value(serverKey{}).(*child).stop(ts, "server.log")
}

func stopRelay(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Value(relayKey{}).(*child).stop(ts, "relay.log")
}

// stop ends a server with SIGTERM, wants a clean end, and writes its log.
func (c *child) stop(ts *testscript.TestScript, log string) {
	ts.Check(c.cmd.Process.Signal(syscall.SIGTERM))
	<-c.log.ended
	if err := c.cmd.Wait(); err != nil {
		ts.Fatalf("it did not end cleanly: %v\n%s", err, c.log.text())
	}
	ts.Check(os.WriteFile(ts.MkAbs(log), []byte(c.log.text()+"\n"), 0o644))
}

func killServer(ts *testscript.TestScript, _ bool, _ []string) {
	c := ts.Value(serverKey{}).(*child)
	ts.Check(c.cmd.Process.Kill())
	<-c.log.ended
	_ = c.cmd.Wait()
}

func startWebhook(ts *testscript.TestScript, _ bool, args []string) {
	file, secret := ts.MkAbs(args[0]), args[1]
	var mu sync.Mutex
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		var stamp int64
		header := r.Header.Get(notify.SignatureHeader)
		if _, err := fmt.Sscanf(header, "t=%d,", &stamp); err != nil || notify.Sign(secret, time.Unix(stamp, 0), body) != header {
			http.Error(w, "wrong signature "+header, http.StatusUnauthorized)
			return
		}
		f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err == nil {
			_, err = f.Write(append(body, '\n'))
			_ = f.Close()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	ts.Defer(srv.Close)
	ts.Check(os.WriteFile(file, nil, 0o644))
	ts.Setenv("WEBHOOK", srv.URL)
}

// key sets $KEY to the beginning of the key of the first incident in a file of ndjson, and $UPDATED to its time.
func key(ts *testscript.TestScript, _ bool, args []string) {
	var inc struct {
		Key     string
		Updated string `json:"updated_at"`
	}
	line, _, _ := strings.Cut(ts.ReadFile(args[0]), "\n")
	ts.Check(json.Unmarshal([]byte(line), &inc))
	ts.Setenv("KEY", inc.Key[:12])
	ts.Setenv("UPDATED", inc.Updated)
}

// pin sets $PIN to the first BLOCK:HASH in a file, and $HASH to its hash.
func pin(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(`[0-9]+:([0-9a-f]{64})`).FindStringSubmatch(ts.ReadFile(args[0]))
	if found == nil {
		ts.Fatalf("%s names no block and hash", args[0])
	}
	ts.Setenv("PIN", found[0])
	ts.Setenv("HASH", found[1])
}

// until runs a command until its standard output contains the first argument.
func until(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(15 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		out := ""
		if args[1] == "cat" {
			out = ts.ReadFile(args[2])
		} else if err := ts.Exec(args[2], args[3:]...); err == nil { // args[1] is exec
			out = ts.ReadFile("stdout")
		}
		if strings.Contains(out, args[0]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%q did not come; last: %s", args[0], out)
		}
		<-tick.C
	}
}
