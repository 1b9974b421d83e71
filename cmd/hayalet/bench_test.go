package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"hayalet/internal/capture"
)

// writeTraffic writes JSONL of the given size: 1 000 stations in running transactions, registers and times growing, and a
// phantom on one of them at the end.
func writeTraffic(b *testing.B, name string, size int64) {
	b.Helper()
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	var written int64
	put := func(st, seq int, at time.Time, dir, frame string) {
		n, err := fmt.Fprintf(w, `{"ts":"%s","station":"CP_%d","conn":"c%d","seq":%d,"protocol":"ocpp1.6","direction":"%s","frame":%s}`+"\n",
			at.Format("2006-01-02T15:04:05.000000Z"), st, st, seq, dir, frame)
		if err != nil {
			b.Fatal(err)
		}
		written += int64(n)
	}
	meter := func(st, seq, wh, tx int, at time.Time) {
		put(st, seq, at, "in", fmt.Sprintf(`[2,"5802feb2-1fbd-4a4b-8991-15b1d9d5%04x","MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":[{"value":"%d.5","context":"Sample.Periodic","format":"Raw","measurand":"Energy.Active.Import.Register","location":"Outlet","unit":"Wh"},{"value":"7412.0","context":"Sample.Periodic","measurand":"Power.Active.Import","location":"Outlet","unit":"W"}]}]}]`,
			seq&0xffff, tx, at.Format("2006-01-02T15:04:05Z"), wh))
	}
	for st := range 1000 {
		put(st, 1, start, "in", fmt.Sprintf(`[2,"s","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":1000000,"timestamp":"%s"}]`, start.Format(time.RFC3339)))
		put(st, 2, start, "out", fmt.Sprintf(`[3,"s",{"transactionId":%d,"idTagInfo":{"status":"Accepted"}}]`, st+1))
	}
	seq := 2
	at := start
	for written < size {
		seq++
		at = at.Add(time.Minute)
		for st := range 1000 {
			meter(st, seq, 1000000+(seq-2)*120, st+1, at.Add(time.Duration(st)*time.Millisecond))
		}
	}
	put(7, seq+1, at.Add(time.Minute), "in", fmt.Sprintf(`[2,"e","StopTransaction",{"transactionId":8,"meterStop":%d,"timestamp":"%s"}]`, 1000001+(seq-2)*120, at.Add(time.Minute).Format(time.RFC3339)))
	meter(7, seq+2, 1001000+(seq-2)*120, 8, at.Add(10*time.Minute))
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkAnalyze200MB is 'hayalet analyze' over a 200 MB file, on one core and on all of them.
func BenchmarkAnalyze200MB(b *testing.B) {
	const size = 200 << 20
	name := filepath.Join(b.TempDir(), "traffic.jsonl")
	writeTraffic(b, name, size)
	for _, procs := range []int{1, runtime.NumCPU()} {
		b.Run(fmt.Sprintf("cores=%d", procs), func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			cfg := defaultConfig()
			b.SetBytes(size)
			for b.Loop() {
				f, err := os.Open(name)
				if err != nil {
					b.Fatal(err)
				}
				found, _, err := analyzeInputs(b.Context(), &cfg, []capture.Input{{Name: name, R: f}}, capture.Options{})
				_ = f.Close()
				if err != nil || len(found.incidents) != 1 {
					b.Fatalf("%+v, %v", found.incidents, err)
				}
			}
		})
	}
}
