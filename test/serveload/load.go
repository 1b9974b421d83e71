//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// atOnce is how many stations may be on their way in.
	atOnce = 200
	// stopAfter is when the phantom stops its transaction, foundAfter when it must have been found: 43 kW for five seconds are
	// what may settle and 30 Wh more.
	stopAfter  = 500 * time.Millisecond
	foundAfter = stopAfter + 6*time.Second
	// wait bounds how long the stations take to come in, and how long nothing may happen.
	wait = 2 * time.Minute
)

// phantomStation is the number of the station that lets current flow after its stop.
const phantomStation = 0

func stationName(number int) string { return fmt.Sprintf("CP_%05d", number) }

// crowd is all stations, on one thread.
type crowd struct {
	poll     *poller
	server   *unix.SockaddrInet4
	stations []*station // by number
	byFD     []*station
	ready    int // stations that have come in
	begun    time.Time
	flowing  time.Duration // since begun, when energy began to flow; 0: the stations still come in
	stamp    []byte
	stamped  time.Duration
	in       [64 << 10]byte

	charge   bool // the stations charge; else they send one reading and rest
	answered int
	took     histogram
	wrong    int
	lost     int
	trouble  error // the first of what was wrong or lost
}

func newCrowd(target string, charge bool) (*crowd, error) {
	addr, err := net.ResolveTCPAddr("tcp4", strings.TrimPrefix(target, "ws://"))
	if err != nil {
		return nil, err
	}
	poll, err := newPoller()
	if err != nil {
		return nil, err
	}
	return &crowd{
		poll: poll, server: &unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte(addr.IP.To4())}, charge: charge,
		begun: time.Now(),
	}, nil
}

// close ends all connections without a word.
func (c *crowd) close() {
	for _, s := range c.stations {
		c.leave(s)
	}
	_ = unix.Close(c.poll.fd)
}

func (c *crowd) leave(s *station) {
	if s.fd >= 0 {
		_ = unix.Close(s.fd)
		s.fd = -1
	}
}

// enter connects n stations and plays each up to its first reading.
func (c *crowd) enter(ctx context.Context, n int) error {
	for c.ready < n && c.lost == 0 {
		for len(c.stations) < min(n, c.ready+atOnce) {
			if err := c.connect(len(c.stations)); err != nil {
				return err
			}
		}
		if time.Since(c.begun) > wait {
			return fmt.Errorf("%d of %d stations have come in after %v", c.ready, n, wait)
		}
		if err := c.turn(ctx); err != nil {
			return err
		}
	}
	return c.trouble
}

func (c *crowd) connect(number int) error {
	fd, err := dial(c.server, number)
	if err != nil {
		return err
	}
	s := newStation(number, fd)
	c.stations = append(c.stations, s)
	for fd >= len(c.byFD) {
		c.byFD = append(c.byFD, nil)
	}
	c.byFD[fd] = s
	if err := c.poll.add(fd); err != nil {
		return err
	}
	return s.write(fmt.Appendf(nil, "GET /%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n",
		stationName(number), "127.0.0.1"))
}

// flow lets the energy flow: each station sends its first reading, and the next with each answer.
func (c *crowd) flow() {
	c.flowing = c.now()
	for _, s := range c.stations {
		c.note(s, c.reading(s))
	}
}

// run keeps them at it until the time.
func (c *crowd) run(ctx context.Context, until time.Duration) error {
	for c.now() < until {
		if err := c.turn(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *crowd) now() time.Duration { return time.Since(c.begun) }

// turn reads once from each socket that has something. Under load it does not sleep: who wakes a thread of another core
// pays for it, and that would be the server, the more the fewer messages it answers.
func (c *crowd) turn(ctx context.Context) error {
	sleep := 100 * time.Millisecond
	if c.flowing > 0 {
		sleep = 0
	}
	ready, err := c.poll.wait(sleep)
	if err != nil {
		return err
	}
	for i := range ready {
		s := c.byFD[ready[i].Fd]
		c.note(s, c.serve(s))
	}
	return ctx.Err()
}

// note counts a station that is lost.
func (c *crowd) note(s *station, err error) {
	if err == nil {
		return
	}
	c.lost++
	c.trouble = errors.Join(c.trouble, fmt.Errorf("%s: %w", stationName(s.number), err))
	c.leave(s)
}

func (c *crowd) serve(s *station) error {
	n, err := read(s.fd, c.in[:])
	switch {
	case errors.Is(err, unix.EAGAIN):
		return nil
	case err != nil:
		return err
	case n == 0:
		return errors.New("the server hung up")
	}
	return s.hear(c.in[:n], func(payload []byte) error { return c.answer(s, payload) })
}

// answer takes one answer and makes the next call.
func (c *crowd) answer(s *station, payload []byte) error {
	if s.waits != upgrading {
		if s.waits == resting || !s.isAnswer(payload) {
			c.wrong++
			return fmt.Errorf("not the answer to %s: %.200q", s.id[:], payload)
		}
		c.answered++
	}
	switch s.waits {
	case upgrading:
		return s.send(booting, `[2,"`+idHole+`","BootNotification",{"chargePointVendor":"hayalet","chargePointModel":"load"}]`)
	case booting:
		status := "Available"
		if c.charge {
			status = "Preparing"
		}
		return s.send(reporting, `[2,"`+idHole+`","StatusNotification",{"connectorId":1,"status":"%s","errorCode":"NoError"}]`, status)
	case reporting:
		if !c.charge {
			s.meter = newMeterFrame("")
			return c.reading(s)
		}
		return s.send(starting, `[2,"`+idHole+`","StartTransaction",{"connectorId":1,"idTag":"T%07d","meterStart":%d,"timestamp":"%s"}]`,
			s.number, registerStart/1000, c.stampNow())
	case starting:
		s.transaction = transactionOf(payload)
		s.meter = newMeterFrame(fmt.Sprintf(`"transactionId":%d,`, s.transaction))
		c.ready++
		s.waits = resting
		return nil
	case stopping:
		s.meter = newMeterFrame("")
		return c.reading(s)
	}
	if !c.charge {
		c.ready++
		s.waits = resting
		return nil
	}
	c.took.add(c.now() - s.sent)
	return c.reading(s)
}

// reading makes a station send its register, and the phantom its stop where that is due.
func (c *crowd) reading(s *station) error {
	now := c.now()
	s.sent = now
	flowed := now - c.flowing
	if c.flowing == 0 {
		flowed = 0
	}
	if s.number == phantomStation && !s.stopped && flowed > stopAfter {
		s.stopped = true
		return s.send(stopping, `[2,"`+idHole+`","StopTransaction",{"transactionId":%d,"idTag":"T%07d","meterStop":%d,"timestamp":"%s"}]`,
			s.transaction, s.number, s.register(flowed)/1000, c.stampNow())
	}
	return s.meterValues(c.stampNow(), flowed)
}

// stampNow is the time to the millisecond. It is written anew when it has changed.
func (c *crowd) stampNow() []byte {
	if now := c.now().Truncate(time.Millisecond); now != c.stamped || c.stamp == nil {
		c.stamped = now
		c.stamp = c.begun.Add(now).UTC().AppendFormat(c.stamp[:0], "2006-01-02T15:04:05.000Z")
	}
	return c.stamp
}

// transactionOf is the id that was given; the bare server gives none.
func transactionOf(payload []byte) int {
	var answer struct {
		TransactionID int `json:"transactionId"`
	}
	_, object, _ := bytes.Cut(payload, []byte(`,"`))
	_, object, _ = bytes.Cut(object, []byte(`,`))
	_ = json.Unmarshal(bytes.TrimSuffix(object, []byte("]")), &answer)
	return answer.TransactionID
}

// clean reports what no server may do.
func (c *crowd) clean() error {
	if c.wrong+c.lost > 0 {
		return fmt.Errorf("%d wrong answers, %d stations lost: %w", c.wrong, c.lost, c.trouble)
	}
	return nil
}

// result is what one server came to in the measured time.
type result struct {
	length    time.Duration
	exchanges int // in the measured time
	all       int // from the first boot on
	took      histogram
	cpu       time.Duration // of the server
}

func (r *result) rate() float64 { return float64(r.exchanges) / r.length.Seconds() }

// cost is the server's CPU for one exchange.
func (r *result) cost() time.Duration { return r.cpu / time.Duration(max(r.exchanges, 1)) }

// busy is the share of the time in which the server computed.
func (r *result) busy() float64 { return r.cpu.Seconds() / r.length.Seconds() }

// load plays the stations of one server on a core of their own. c is the server, where its CPU is to be told.
func load(ctx context.Context, o options, target string, c *child) (r result, err error) {
	all, err := newCrowd(target, true)
	if err != nil {
		return r, err
	}
	defer all.close()
	if err := all.enter(ctx, o.stations); err != nil {
		return r, err
	}
	all.flow()
	if err := all.run(ctx, all.now()+o.warm); err != nil {
		return r, err
	}
	begun, before, cpu := all.now(), all.answered, c.cpu()
	all.took = histogram{}
	if err := all.run(ctx, begun+o.length); err != nil {
		return r, err
	}
	return result{
		length: all.now() - begun, exchanges: all.answered - before, all: all.answered, took: all.took, cpu: c.cpu() - cpu,
	}, all.clean()
}
