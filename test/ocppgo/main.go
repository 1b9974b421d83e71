// Command ocppgo is a charge point on top of github.com/lorenzodonini/ocpp-go, a peer that does not share a line with
// hayalet. It boots, charges when the central system starts and stops a transaction, sends idle values, and leaves with
// exit code 0 at a Reset if every message was answered as the standard asks. On standard output it writes a line of
// JSON for each answer and for each stage that it reached: ready, metered, idle.
//
//	ocppgo -url ws://127.0.0.1:9000 -id CP_1
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	ocpp16 "github.com/lorenzodonini/ocpp-go/ocpp1.6"
)

func main() {
	url := flag.String("url", "", "address of the central system: ws://host:port")
	id := flag.String("id", "OCPP_GO", "identity of the station")
	limit := flag.Duration("limit", time.Minute, "give up after")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), *limit)
	defer cancel()
	if err := run(ctx, *url, *id); err != nil {
		fmt.Fprintln(os.Stderr, "ocppgo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url, id string) error {
	orders := newOrders()
	cp := ocpp16.NewChargePoint(id, nil, nil)
	cp.SetCoreHandler(orders)
	cp.SetRemoteTriggerHandler(orders)
	if err := cp.Start(url); err != nil {
		return fmt.Errorf("connect to %s: %w", url, err)
	}
	defer cp.Stop()
	s := &session{cp: cp, orders: orders, say: say}
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("after %q: %w", s.last.Load(), ctx.Err())
	}
}

// line is one line of the output.
type line struct {
	Event       string `json:"event"` // answer, ready, metered, idle
	Action      string `json:"action,omitempty"`
	Answer      any    `json:"answer,omitempty"`
	Transaction int    `json:"transaction,omitempty"`
}

func say(l line) error { return json.NewEncoder(os.Stdout).Encode(l) }
