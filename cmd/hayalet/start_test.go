package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"hayalet"
)

// mortal is a store whose process has died: nothing is saved any more.
type mortal struct {
	hayalet.Store
	dead atomic.Bool
}

func (m *mortal) SaveState(ctx context.Context, st hayalet.State) error {
	if m.dead.Load() {
		return errors.New("the process has died")
	}
	return m.Store.SaveState(ctx, st)
}

// alive is a detector on a database, without doors.
type alive struct {
	*server
	disk  *mortal
	die   context.CancelFunc
	ended chan error
}

// wake opens the database and starts the journal and the engine.
func wake(b *testing.B, cfg *config) *alive {
	b.Helper()
	db, err := cfg.openStore(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	exceptions, err := cfg.exceptionSet()
	if err != nil {
		b.Fatal(err)
	}
	w := &alive{disk: &mortal{Store: db}, ended: make(chan error, 2)}
	w.server = &server{cfg: *cfg, log: log, db: w.disk, hush: newHush(exceptions, log, 0)}
	if err := w.openJournal(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	ctx, die := context.WithCancel(context.Background())
	w.die = die
	go func() { w.ended <- w.engine.Run(ctx) }()
	go func() { w.ended <- w.journal.Run(ctx) }()
	return w
}

// killed lets the process die: what it has not saved is lost.
func (w *alive) killed(b *testing.B) {
	b.Helper()
	w.disk.dead.Store(true)
	w.die()
	for range 2 {
		if err := <-w.ended; !errors.Is(err, context.Canceled) {
			b.Fatal(err)
		}
	}
	if err := w.disk.Close(); err != nil {
		b.Fatal(err)
	}
}

// exchange is the n-th call of 1 000 charging stations that call in turn, and its answer.
func exchange(n int, at time.Time) (call, answer hayalet.Frame) {
	const stations = 1000
	st, turn := n%stations, n/stations
	call = hayalet.Frame{
		Station: hayalet.StationID(fmt.Sprint("CP_", st)), Conn: hayalet.ConnID(fmt.Sprint("conn", st)), Protocol: hayalet.OCPP16,
		Seq: uint64(2*turn + 1), At: hayalet.InstantOf(at),
	}
	answer = call
	answer.Dir, answer.Seq = hayalet.Out, call.Seq+1
	stamp := at.UTC().Format("2006-01-02T15:04:05.000Z")
	if turn == 0 {
		call.Data = fmt.Appendf(nil, `[2,"s","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":1000000,"timestamp":%q}]`, stamp)
		answer.Data = fmt.Appendf(nil, `[3,"s",{"transactionId":%d,"idTagInfo":{"status":"Accepted"}}]`, st+1)
		return call, answer
	}
	call.Data = fmt.Appendf(nil, `[2,"%08d-1fbd-4a4b-8991-15b1d9d592db","MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":%q,"sampledValue":[{"value":"%d.5","context":"Sample.Periodic","format":"Raw","measurand":"Energy.Active.Import.Register","location":"Outlet","unit":"Wh"},{"value":"7412.0","context":"Sample.Periodic","measurand":"Power.Active.Import","location":"Outlet","unit":"W"}]}]}]`,
		n, st+1, stamp, 1000000+turn*16)
	answer.Data = fmt.Appendf(nil, `[3,"%08d-1fbd-4a4b-8991-15b1d9d592db",{}]`, n)
	return call, answer
}

// fill journals so many frames as fast as it goes, which all are judged.
func (w *alive) fill(b *testing.B, frames int) {
	b.Helper()
	at := time.Now().Add(-24 * time.Hour)
	for n := 0; n < frames/2; {
		var fs []hayalet.Frame
		for range 250 {
			at = at.Add(8 * time.Millisecond)
			call, answer := exchange(n, at)
			fs = append(fs, call, answer)
			n++
		}
		if err := w.journal.PutFrames(b.Context(), fs); err != nil {
			b.Fatal(err)
		}
	}
}

// settle waits until the detector knows all that the journal holds.
func (w *alive) settle(b *testing.B) {
	b.Helper()
	for now := time.Now(); !w.journal.Horizon(now).Equal(now); {
		time.Sleep(time.Millisecond)
	}
	if states, err := w.engine.Stations(b.Context()); err != nil || len(states) != 1000 {
		b.Fatalf("%d stations, %v", len(states), err)
	}
}

// BenchmarkStart is the time from the start of a server that had died to the moment at which its detector knows again all
// that the journal holds: 10 million frames with START_FRAMES=10000000.
func BenchmarkStart(b *testing.B) {
	frames := 200_000
	if text := os.Getenv("START_FRAMES"); text != "" {
		var err error
		if frames, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	cfg := defaultConfig()
	cfg.DB = filepath.Join(b.TempDir(), "a.db")
	began := time.Now()
	first := wake(b, &cfg)
	first.fill(b, frames)
	first.settle(b)
	first.killed(b)
	b.Logf("%d frames journalled and judged in %v", frames, time.Since(began).Round(time.Millisecond))
	var opened, settled time.Duration
	for b.Loop() {
		began := time.Now()
		again := wake(b, &cfg)
		opened += time.Since(began)
		again.settle(b)
		settled += time.Since(began)
		again.killed(b)
	}
	b.ReportMetric(opened.Seconds()/float64(b.N), "s-to-open")
	b.ReportMetric(settled.Seconds()/float64(b.N), "s-to-know-all")
}
