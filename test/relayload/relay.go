package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/engine"
	"hayalet/internal/gateway"
	"hayalet/internal/relay"
)

type answerer struct{ *relay.Relay }

func (a answerer) Open(ctx context.Context, link gateway.Link) (gateway.Peer, error) {
	p, err := a.Relay.Open(ctx, link)
	if err != nil {
		return nil, err
	}
	return p, nil
}

type blind struct{}

func (blind) PutFrames(context.Context, []hayalet.Frame) error { return nil }

// serveRelay is the child: what 'hayalet relay' is made of, with the detector or with nothing in its place.
func serveRelay(ctx context.Context, upstream string, detecting, compress bool) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	r, err := relay.New(relay.Config{Upstreams: []relay.Upstream{{URL: upstream}}, Compress: compress}, log)
	if err != nil {
		return err
	}
	var sink hayalet.FrameSink = blind{}
	var work errgroup.Group
	if detecting {
		rules := detect.Defaults()
		e := engine.New(engine.Config{Rules: func(hayalet.StationID, string, string) detect.Set { return rules }, Clock: time.Now, Log: log})
		tap := relay.NewTap(relay.TapConfig{}, e, log)
		sink = tap
		work.Go(func() error { return e.Run(ctx) })
		work.Go(func() error { return tap.Run(ctx) })
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	g, err := gateway.New(ln, gateway.Config{Relay: true, Compress: compress}, answerer{r}, sink, log)
	if err != nil {
		return err
	}
	fmt.Println("ws://" + ln.Addr().String())
	err = g.Run(ctx)
	_ = work.Wait() // ends with ctx
	return err
}

// child is a running relay.
type child struct {
	cmd *exec.Cmd
	url string
}

func startChild(ctx context.Context, upstream string, detecting, compress bool) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-relay", upstream, fmt.Sprintf("-detect=%v", detecting), fmt.Sprintf("-compress=%v", compress))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return &child{cmd: cmd, url: strings.TrimSpace(url)}, err
}

func (c *child) stop() {
	_ = c.cmd.Process.Signal(os.Interrupt)
	_ = c.cmd.Wait()
}

// cpu is what the process has used so far, from /proc: user and system time, which the kernel counts by the nanosecond
// in schedstat of its threads.
func (c *child) cpu() (total time.Duration, err error) {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", c.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for _, th := range threads {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", c.cmd.Process.Pid, th.Name()))
		if err != nil {
			return 0, err
		}
		var ns int64
		if _, err := fmt.Sscan(string(text), &ns); err != nil {
			return 0, err
		}
		total += time.Duration(ns)
	}
	return total, nil
}
