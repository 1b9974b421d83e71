package csms_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/csms"
)

// fakeLink keeps what is sent, and may answer it through onSend.
type fakeLink struct {
	station  hayalet.StationID
	protocol hayalet.Protocol // empty is 1.6
	onSend   func(data []byte)

	mu   sync.Mutex
	sent []string
}

func (l *fakeLink) Station() hayalet.StationID { return l.station }
func (l *fakeLink) Protocol() hayalet.Protocol { return cmp.Or(l.protocol, hayalet.OCPP16) }
func (l *fakeLink) Conn() hayalet.ConnID       { return "conn-1" }
func (l *fakeLink) RemoteAddr() string         { return "127.0.0.1:1" }
func (l *fakeLink) Close(uint16, string)       {}

func (l *fakeLink) Send(_ context.Context, data []byte) error {
	l.mu.Lock()
	l.sent = append(l.sent, string(data))
	l.mu.Unlock()
	if l.onSend != nil {
		l.onSend(bytes.Clone(data))
	}
	return nil
}

func (l *fakeLink) Answer(ctx context.Context, data []byte) error { return l.Send(ctx, data) }
func (l *fakeLink) Keep(context.Context) error                    { return nil }

func (l *fakeLink) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	sent := l.sent
	l.sent = nil
	return sent
}

// fakeLedger is a book in memory.
type fakeLedger struct {
	mu    sync.Mutex
	fails bool
	lines []string // stations
	book  []hayalet.Transaction
}

var errDisk = errors.New("disk full")

func (l *fakeLedger) breaks(fails bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fails = fails
}

func (l *fakeLedger) Begin(_ context.Context, s hayalet.Start) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails {
		return 0, errDisk
	}
	for _, t := range l.book {
		known := t.Start
		known.At = s.At
		if known == s && (s.ClaimedAt != "" || t.Stop == nil) {
			return t.ID, nil
		}
	}
	id := int64(len(l.book) + 1)
	l.book = append(l.book, hayalet.Transaction{ID: id, Start: s})
	return id, nil
}

func (l *fakeLedger) End(_ context.Context, s hayalet.Stop) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails {
		return errDisk
	}
	if s.Transaction < 1 || s.Transaction > int64(len(l.book)) {
		return fmt.Errorf("transaction %d: %w", s.Transaction, hayalet.ErrNotFound)
	}
	l.book[s.Transaction-1].Stop = &s
	return nil
}

func (l *fakeLedger) Transactions(context.Context, hayalet.StationID, int) ([]hayalet.Transaction, error) {
	return nil, nil
}

func (l *fakeLedger) PutStation(_ context.Context, s hayalet.Station) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails {
		return errDisk
	}
	l.lines = append(l.lines, fmt.Sprintf("station %s vendor=%s model=%s serial=%s firmware=%s",
		s.ID, s.Vendor, s.Model, s.Serial, s.Firmware))
	return nil
}

func (l *fakeLedger) Stations(context.Context) ([]hayalet.Station, error) { return nil, nil }

// String lists the book as the vectors write it.
func (l *fakeLedger) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := append([]string(nil), l.lines...)
	for _, t := range l.book {
		line := fmt.Sprintf("transaction %d %s/%d %s %d..", t.ID, t.Start.Station, t.Start.Connector, t.Start.Token, t.Start.Meter)
		if t.Stop != nil {
			line += fmt.Sprint(t.Stop.Meter)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

func fixedClock() time.Time {
	return time.Date(2025, 11, 23, 22, 20, 59, 945652000, time.FixedZone("TRT", 3*3600))
}

func open(t testing.TB, cfg csms.Config, ledger hayalet.Ledger, link *fakeLink) (*csms.CSMS, *csms.Peer) {
	t.Helper()
	if cfg.Clock == nil {
		cfg.Clock = fixedClock
	}
	c, err := csms.New(cfg, ledger, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if link.station == "" {
		link.station = "CP_1"
	}
	p, err := c.Open(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	return c, p
}
