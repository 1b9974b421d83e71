// Command relayload measures what a relay costs: the time that it adds to an answer, and its CPU per message, with
// detection and without, beside stations that are connected directly.
//
//	relayload -rate 2500 -stations 500 -time 10s -rounds 3
//
// It is its own stations and its own central system; the relay is a child process, so that its CPU can be told.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

type options struct {
	rate     int
	stations int
	length   time.Duration
	rounds   int
	compress bool
}

func main() {
	var o options
	child := flag.String("relay", "", "run as a relay in front of this URL, and print its address")
	detect := flag.Bool("detect", false, "the relay runs the detector")
	flag.IntVar(&o.rate, "rate", 2500, "calls a second, each of which is answered: half of the messages")
	flag.IntVar(&o.stations, "stations", 500, "stations that send them")
	flag.DurationVar(&o.length, "time", 10*time.Second, "length of a run")
	flag.IntVar(&o.rounds, "rounds", 3, "runs of each kind, in turn")
	flag.BoolVar(&o.compress, "compress", false, "permessage-deflate on both sides of the relay")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *child != "" {
		err = serveRelay(ctx, *child, *detect, o.compress)
	} else {
		err = measure(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "relayload:", err)
		os.Exit(1)
	}
}

// kinds are what is measured, in this order.
var kinds = []string{"direct", "relay without detection", "relay with detection"}

func measure(ctx context.Context, o options) error {
	upstream, err := startCentral(ctx)
	if err != nil {
		return err
	}
	all := map[string][]result{}
	for range o.rounds {
		for i, kind := range kinds {
			r, err := run(ctx, o, upstream, i > 0, i > 1)
			if err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
			all[kind] = append(all[kind], r)
			fmt.Fprintf(os.Stderr, "%-25s %v\n", kind, r)
		}
	}
	fmt.Printf("%d calls/s of %d stations, each answered, %v a run, best of %d\n", o.rate, o.stations, o.length, o.rounds)
	best := map[string]result{}
	for _, kind := range kinds {
		best[kind] = bestOf(all[kind])
		fmt.Printf("%-25s %v\n", kind, best[kind])
	}
	with, without, direct := best[kinds[2]], best[kinds[1]], best[kinds[0]]
	fmt.Printf("added at p99: %v (bar: 1ms); CPU with detection: %.3f times that without (bar: 1.15)\n",
		with.p99-direct.p99, with.cpu.Seconds()/without.cpu.Seconds())
	return nil
}

// run measures one kind once.
func run(ctx context.Context, o options, upstream string, relayed, detect bool) (result, error) {
	if !relayed {
		return load(ctx, o, upstream, nil)
	}
	c, err := startChild(ctx, upstream, detect, o.compress)
	if err != nil {
		return result{}, err
	}
	defer c.stop()
	return load(ctx, o, c.url, c)
}

// result is what one run came to: the round trip of a call, and the relay's CPU for it and its answer.
type result struct {
	calls    int
	p50, p99 time.Duration
	cpu      time.Duration
}

func (r result) String() string {
	s := fmt.Sprintf("%6d calls, round trip p50 %8v p99 %8v", r.calls, r.p50, r.p99)
	if r.cpu > 0 {
		s += fmt.Sprintf(", CPU of the relay %6.2f µs a call with its answer", float64(r.cpu.Nanoseconds())/1000)
	}
	return s
}

// bestOf takes each figure from the run that was disturbed least.
func bestOf(rs []result) result {
	best := slices.MinFunc(rs, func(a, b result) int { return int(a.p99 - b.p99) })
	for _, r := range rs {
		best.cpu = min(best.cpu, r.cpu)
	}
	return best
}
