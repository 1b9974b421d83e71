package sim_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"hayalet/internal/sim"
)

// call is one message that the test's central system received.
type call struct {
	at      time.Time
	text    string
	id      string
	action  string
	payload map[string]any
}

// stamp is the claimed time of the message.
func (c call) stamp(t *testing.T) time.Time {
	t.Helper()
	s, _ := c.payload["timestamp"].(string)
	if group, ok := c.payload["meterValue"].([]any); ok {
		s, _ = group[0].(map[string]any)["timestamp"].(string)
	}
	at, err := time.Parse("2006-01-02T15:04:05.000Z", s)
	if err != nil {
		t.Fatalf("stamp of %s: %v", c.text, err)
	}
	return at
}

// value is the text of the first sample.
func (c call) value() string {
	group := c.payload["meterValue"].([]any)[0].(map[string]any)
	return group["sampledValue"].([]any)[0].(map[string]any)["value"].(string)
}

// central is a central system for tests. A station reaches it through dial.
type central struct {
	t        *testing.T
	protocol string                     // "" selects none
	answer   func(c call, n int) string // a frame without its id: `3,{…}`, or "" for none; n counts calls of the action
	onCall   func(conn net.Conn, c call)
	mu       sync.Mutex
	calls    []call
	answers  []string // what is no call
	opened   int
	auth     string
	path     string
	conn     net.Conn
	wg       sync.WaitGroup
	seen     map[string]int
}

func newCentral(t *testing.T) *central {
	return &central{t: t, protocol: "ocpp1.6", seen: map[string]int{}}
}

func (s *central) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	s.wg.Go(func() { s.serve(server) })
	return client, nil
}

// serve speaks with one station until it leaves.
func (s *central) serve(conn net.Conn) {
	defer conn.Close()
	u := ws.Upgrader{
		Protocol:  func(p []byte) bool { return string(p) == s.protocol },
		OnRequest: func(uri []byte) error { s.path = string(uri); return nil },
		OnHeader: func(k, v []byte) error {
			if string(k) == "Authorization" {
				s.auth = string(v)
			}
			return nil
		},
	}
	if _, err := u.Upgrade(conn); err != nil {
		s.t.Errorf("upgrade: %v", err)
		return
	}
	s.mu.Lock()
	s.opened++
	s.conn = conn
	s.mu.Unlock()
	for {
		h, err := ws.ReadHeader(conn)
		if err != nil {
			return
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(conn, payload); err != nil {
			return
		}
		if !h.Masked {
			s.t.Error("a frame without a mask")
		}
		ws.Cipher(payload, h.Mask, 0)
		switch h.OpCode {
		case ws.OpText:
			s.receive(conn, string(payload))
		case ws.OpPong:
			s.mu.Lock()
			s.answers = append(s.answers, "pong "+string(payload))
			s.mu.Unlock()
		case ws.OpClose:
			return
		}
	}
}

func (s *central) receive(conn net.Conn, text string) {
	c := call{at: time.Now(), text: text}
	var parts []json.RawMessage
	_ = json.Unmarshal([]byte(text), &parts) // broken text is a test's business
	if len(parts) != 4 || string(parts[0]) != "2" {
		s.mu.Lock()
		s.answers = append(s.answers, text)
		s.mu.Unlock()
		return
	}
	_ = json.Unmarshal(parts[1], &c.id)
	_ = json.Unmarshal(parts[2], &c.action)
	_ = json.Unmarshal(parts[3], &c.payload)
	s.mu.Lock()
	s.calls = append(s.calls, c)
	s.seen[c.action]++
	n := s.seen[c.action]
	s.mu.Unlock()
	if s.onCall != nil {
		s.onCall(conn, c)
	}
	answer := standard(c)
	if s.answer != nil {
		answer = s.answer(c, n)
	}
	if kind, rest, ok := strings.Cut(answer, ","); ok {
		s.text(conn, fmt.Sprintf("[%s,%q,%s]", kind, c.id, rest))
	}
}

func standard(c call) string {
	switch c.action {
	case "BootNotification":
		return `3,{"currentTime":"2025-11-23T19:20:59.945Z","interval":10,"status":"Accepted"}`
	case "StartTransaction":
		return `3,{"transactionId":7,"idTagInfo":{"status":"Accepted"}}`
	case "TransactionEvent":
		return `3,{"idTokenInfo":{"status":"Accepted"}}`
	default:
		return `3,{}`
	}
}

func (s *central) text(conn net.Conn, text string) { s.frame(conn, ws.NewTextFrame([]byte(text))) }

func (s *central) frame(conn net.Conn, f ws.Frame) {
	// One write a frame: a pipe hands each one over before it returns.
	if _, err := conn.Write(ws.MustCompileFrame(f)); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		s.t.Errorf("write: %v", err)
	}
}

// actions lists what was called, in order.
func (s *central) actions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, c := range s.calls {
		list = append(list, c.action)
	}
	return list
}

func (s *central) of(action string) []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []call
	for _, c := range s.calls {
		if c.action == action {
			list = append(list, c)
		}
	}
	return list
}

// log is a listener that keeps everything.
type log struct {
	notes    []sim.Note
	noteAt   []time.Time
	lines    []string // "send …", "receive …"
	received int
}

func (l *log) Sent(_ time.Time, data []byte) { l.lines = append(l.lines, "send "+string(data)) }

func (l *log) Received(_ time.Time, data []byte) {
	l.received++
	l.lines = append(l.lines, "receive "+string(data))
}

func (l *log) Note(at time.Time, n sim.Note) {
	l.notes = append(l.notes, n)
	l.noteAt = append(l.noteAt, at)
}

func (l *log) has(kind sim.NoteKind) bool {
	for _, n := range l.notes {
		if n.Kind == kind {
			return true
		}
	}
	return false
}

func parse(t *testing.T, steps string) *sim.Scenario {
	t.Helper()
	text := `name: test
title: {en: a, tr: b}
description: {en: a, tr: b}
connectors: 2
defaults: {id_tag: T, vendor: V, model: M, unit: Wh}
` + steps
	if !strings.Contains(steps, "truth:") {
		text += "truth: {phantom: false}\n"
	}
	s, err := sim.Parse("test.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}
