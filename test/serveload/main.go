//go:build linux

// Command serveload measures what a central system makes of 1 000 stations that each wait for their answers: messages a
// second, CPU a message and latency of 'hayalet serve', beside a bare server, which is what the kernel's sockets and the
// framing cost alone, and beside a central system on top of ocpp-go that does nothing.
//
//	serveload -hayalet bin/hayalet -ocppgo bin/ocppgo -time 10s
//	serveload -target ws://127.0.0.1:9000        # only the stations, against a server that runs already
//	serveload -bare                              # only the bare server; prints its address
//
// Each server runs on core 0, one after the other, the stations on core 1. GOMAXPROCS of the environment reaches the
// servers; without it Go takes the one core that it has. Then it fills hayalet with idle stations and tells its memory.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

const (
	serverCore = 0
	clientCore = 1
)

type options struct {
	hayalet, ocppgo string
	dir             string
	stations        int
	warm, length    time.Duration
	rounds          int
	servers         string
	idle            int
	idleFor         time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.hayalet, "hayalet", "", "the program hayalet")
	flag.StringVar(&o.ocppgo, "ocppgo", "", "the program of test/ocppgo")
	flag.StringVar(&o.dir, "dir", ".", "folder for the databases, on a disk")
	flag.IntVar(&o.stations, "stations", 1000, "stations, each with one call open; 0 leaves the load out")
	flag.DurationVar(&o.warm, "warm", 3*time.Second, "load before the measured time")
	flag.DurationVar(&o.length, "time", 10*time.Second, "measured time a server")
	flag.IntVar(&o.rounds, "rounds", 1, "turns of all servers")
	flag.StringVar(&o.servers, "servers", "", "comma-separated names of those to measure; empty: all")
	flag.IntVar(&o.idle, "idle", 19000, "idle stations whose memory is measured; 0 leaves them out")
	flag.DurationVar(&o.idleFor, "idle-time", 2*time.Minute, "how long they idle")
	bare := flag.Bool("bare", false, "be the bare server")
	target := flag.String("target", "", "measure this server alone, ws://host:port, wherever it runs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *bare {
		stop() // a signal ends it where it stands
		err = serveBare()
	} else {
		err = measure(ctx, o, *target)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "serveload:", err)
		os.Exit(1)
	}
}

// measure stays on the thread of the stations.
func measure(ctx context.Context, o options, target string) error {
	runtime.LockOSThread()
	if err := pin(clientCore); err != nil {
		return err
	}
	if target != "" {
		return measureTarget(ctx, o, target)
	}
	if o.stations > 0 {
		if err := measureLoad(ctx, o); err != nil {
			return err
		}
	}
	if o.idle > 0 {
		return measureIdle(ctx, o)
	}
	return nil
}

func measureTarget(ctx context.Context, o options, target string) error {
	r, err := load(ctx, o, target, nil)
	if err != nil {
		return err
	}
	fmt.Printf("%.0f messages/s, p50 %v, p99 %v, longest %v\n", r.rate(), r.took.quantile(0.5), r.took.quantile(0.99), r.took.longest)
	return nil
}
