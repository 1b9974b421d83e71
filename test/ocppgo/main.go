// Command ocppgo is a charge point on top of github.com/lorenzodonini/ocpp-go, a peer that does not share a line with
// hayalet. It boots, charges when the central system starts and stops a transaction, sends idle values, and leaves with
// exit code 0 at a Reset if every message was answered as the standard asks. On standard output it writes a line of
// JSON for each answer and for each stage that it reached: ready, metered, idle.
//
// With -phantom the register goes on growing after the stop. With -auto the car comes and goes by itself, and only the
// messages are sent that the library's example central systems have an answer to.
//
// With -central it is no charge point but a central system of 1.6 that accepts everything, there to be measured; it prints
// its address.
//
//	ocppgo -url ws://127.0.0.1:9000 -id CP_1 -protocol ocpp2.0.1
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	url := flag.String("url", "", "address of the central system: ws://host:port")
	id := flag.String("id", "OCPP_GO", "identity of the station")
	protocol := flag.String("protocol", "ocpp1.6", "ocpp1.6 or ocpp2.0.1")
	limit := flag.Duration("limit", 150*time.Second, "give up after")
	var v visit
	flag.BoolVar(&v.phantom, "phantom", false, "let the register grow after the stop")
	flag.BoolVar(&v.auto, "auto", false, "start, stop and leave without being told")
	serve := flag.Bool("central", false, "be a central system")
	flag.Parse()
	if *serve {
		if err := serveCentral(); err != nil {
			fmt.Fprintln(os.Stderr, "ocppgo:", err)
			os.Exit(1)
		}
	}
	v.say = say
	ctx, cancel := context.WithTimeout(context.Background(), *limit)
	defer cancel()
	if err := run(ctx, &v, *protocol, *url, *id); err != nil {
		fmt.Fprintln(os.Stderr, "ocppgo:", err)
		os.Exit(1)
	}
}

// lastWord is for the answer to Reset: the library sends it some time after the handler has returned.
const lastWord = 500 * time.Millisecond

// session is a visit in one version of OCPP.
type session interface {
	connect(url string) error
	run(ctx context.Context) error
	leave()
}

func run(ctx context.Context, v *visit, protocol, url, id string) error {
	var s session
	switch protocol {
	case "ocpp1.6":
		s = newSession16(v, id)
	case "ocpp2.0.1":
		s = newSession201(v, id)
	default:
		return fmt.Errorf("no such protocol: %s", protocol)
	}
	if err := s.connect(url); err != nil {
		return fmt.Errorf("connect to %s: %w", url, err)
	}
	defer s.leave()
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	select {
	case err := <-done:
		time.Sleep(lastWord)
		return err
	case <-ctx.Done():
		return fmt.Errorf("after %q: %w", v.last.Load(), ctx.Err())
	}
}

// line is one line of the output.
type line struct {
	Event       string `json:"event"` // answer, ready, metered, idle
	Action      string `json:"action,omitempty"`
	Answer      any    `json:"answer,omitempty"`
	Transaction any    `json:"transaction,omitempty"` // a number in 1.6, a text in 2.0.1
}

func say(l line) error { return json.NewEncoder(os.Stdout).Encode(l) }
