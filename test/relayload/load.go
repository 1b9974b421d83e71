package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"hayalet/internal/socket"
)

// startCentral is a central system that accepts everything.
func startCentral(ctx context.Context) (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		_ = http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u := ws.HTTPUpgrader{Protocol: func(string) bool { return true }, Negotiate: nil}
			nc, rw, _, err := u.Upgrade(r, w)
			if err != nil {
				return
			}
			c := socket.New(ctx, nc, rw.Reader, socket.Config{})
			c.Start(false)
			answer(ctx, c)
			c.Cut()
		}))
	}()
	return "ws://" + ln.Addr().String(), nil
}

func answer(ctx context.Context, c *socket.Conn) {
	var out []byte
	for {
		data, err := c.Read()
		if err != nil {
			return
		}
		id, _, _ := bytes.Cut(data[len(`[2,"`):], []byte(`"`))
		payload := "{}"
		switch {
		case bytes.Contains(data, []byte("StartTransaction")):
			payload = `{"transactionId":7,"idTagInfo":{"status":"Accepted"}}`
		case bytes.Contains(data, []byte("BootNotification")):
			payload = `{"status":"Accepted","currentTime":"2026-01-01T00:00:00Z","interval":300}`
		}
		out = fmt.Appendf(out[:0], `[3,"%s",%s]`, id, payload)
		if c.Write(ctx, out) != nil {
			return
		}
	}
}

// station has at most one call open.
type station struct {
	conn *socket.Conn
	sent atomic.Int64 // when the open call was due, in nanoseconds since the run began; 0: none is open
	took []time.Duration
	done chan struct{}
	n    int
	out  []byte
}

func connect(ctx context.Context, url, id string) (*station, error) {
	nc, br, _, err := ws.Dialer{Protocols: []string{"ocpp1.6"}}.Dial(ctx, url+"/"+id)
	if err != nil {
		return nil, err
	}
	if br == nil {
		br = bufio.NewReaderSize(nc, socket.ReadBuffer)
	}
	s := &station{conn: socket.New(ctx, nc, br, socket.Config{Client: true}), done: make(chan struct{})}
	s.conn.Start(false)
	return s, nil
}

// begin tells the story up to a running transaction.
func (s *station) begin(ctx context.Context) error {
	for _, call := range []string{
		`[2,"b","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]`,
		`[2,"s","StatusNotification",{"connectorId":1,"status":"Charging","errorCode":"NoError"}]`,
		`[2,"t","StartTransaction",{"connectorId":1,"idTag":"A","meterStart":1000,"timestamp":"` + now() + `"}]`,
	} {
		if err := s.conn.Write(ctx, []byte(call)); err != nil {
			return err
		}
		if _, err := s.conn.Read(); err != nil {
			return err
		}
	}
	return nil
}

func now() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z") }

// call sends meter values, about 420 bytes.
func (s *station) call(ctx context.Context) error {
	s.n++
	s.out = fmt.Appendf(s.out[:0], `[2,"%d","MeterValues",{"connectorId":1,"transactionId":7,"meterValue":[{"timestamp":"%s","sampledValue":[`+
		`{"value":"%d","context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","unit":"Wh"},`+
		`{"value":"7360.0","context":"Sample.Periodic","measurand":"Power.Active.Import","unit":"W"},`+
		`{"value":"32.0","context":"Sample.Periodic","measurand":"Current.Import","unit":"A"}]}]}]`, s.n, now(), 1000+s.n/10)
	return s.conn.Write(ctx, s.out)
}

func (s *station) listen(begun time.Time) {
	defer close(s.done)
	for {
		if _, err := s.conn.Read(); err != nil {
			return
		}
		if due := s.sent.Swap(0); due != 0 {
			s.took = append(s.took, time.Since(begun)-time.Duration(due))
		}
	}
}

// load sends the calls at their times, whether those before were answered or not; only a station whose last call is
// still open lets one pass, which then counts as slow by the time that it had to wait.
func load(ctx context.Context, o options, url string, c *child) (r result, err error) {
	stations := make([]*station, o.stations)
	for i := range stations {
		if stations[i], err = connect(ctx, url, fmt.Sprintf("CP_%d", i)); err != nil {
			return r, err
		}
		defer stations[i].conn.Cut()
		if err := stations[i].begin(ctx); err != nil {
			return r, err
		}
	}
	begun := time.Now()
	var readers sync.WaitGroup
	for _, s := range stations {
		readers.Go(func() { s.listen(begun) })
	}
	warm := o.length / 5
	if err := pace(ctx, o, stations, begun, warm); err != nil {
		return r, err
	}
	var cpu time.Duration
	if c != nil {
		if cpu, err = c.cpu(); err != nil {
			return r, err
		}
	}
	sent := count(stations)
	if err := pace(ctx, o, stations, begun, warm+o.length); err != nil {
		return r, err
	}
	sent = count(stations) - sent
	if c != nil {
		after, err := c.cpu()
		if err != nil {
			return r, err
		}
		r.cpu = (after - cpu) / time.Duration(max(sent, 1))
	}
	for _, s := range stations {
		s.conn.Close(1000, "")
	}
	readers.Wait()
	var all []time.Duration
	for _, s := range stations {
		all = append(all, s.took[min(len(s.took), s.n/6):]...)
	}
	if len(all) == 0 {
		return r, fmt.Errorf("no answers from %s", strings.TrimPrefix(url, "ws://"))
	}
	slices.Sort(all)
	r.calls, r.p50, r.p99 = sent, all[len(all)/2].Round(time.Microsecond), all[len(all)*99/100].Round(time.Microsecond)
	return r, nil
}

func count(stations []*station) (n int) {
	for _, s := range stations {
		n += s.n
	}
	return n
}

// pace sends calls until the time is over. It wakes up often enough that a call is late by less than it costs.
func pace(ctx context.Context, o options, stations []*station, begun time.Time, end time.Duration) error {
	gap := time.Second / time.Duration(o.rate)
	next := time.Since(begun)
	for i := 0; ; i++ {
		for time.Since(begun) < next {
			time.Sleep(next - time.Since(begun))
		}
		if next >= end || ctx.Err() != nil {
			return ctx.Err()
		}
		s := stations[i%len(stations)]
		if s.sent.CompareAndSwap(0, int64(max(time.Since(begun), 1))) {
			if err := s.call(ctx); err != nil {
				return err
			}
		}
		next += gap
	}
}
