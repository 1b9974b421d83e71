package engine_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/engine"
)

// budget is what the state of one connector may take: 100 000 of them in 400 MB.
const budget = 4000

// stationDay is what a station of two outlets sends on a day that leaves its state as large as it gets on a healthy one:
// statuses, sessions on both outlets, idle values with a register and power, and a phantom on one of them.
func stationDay(n int, begin time.Time) []hayalet.Frame {
	var frames []hayalet.Frame
	station := hayalet.StationID(fmt.Sprintf("STATION-%06d", n))
	conn := hayalet.ConnID(fmt.Sprintf("conn-%06d", n))
	at, message := begin, 0
	say := func(dir hayalet.Direction, text string) {
		frames = append(frames, hayalet.Frame{
			Station: station, Conn: conn, Seq: uint64(len(frames) + 1), At: hayalet.InstantOf(at), Dir: dir, Protocol: hayalet.OCPP16, Data: []byte(text),
		})
	}
	call := func(action, payload string) {
		message++
		say(hayalet.In, fmt.Sprintf(`[2,"%d",%q,%s]`, message, action, payload))
	}
	register := 1_000_000
	values := func(tx string) {
		for c := 1; c <= 2; c++ {
			call("MeterValues", fmt.Sprintf(`{"connectorId":%d,%s"meterValue":[{"timestamp":%q,"sampledValue":[{"value":"%d","unit":"Wh"},{"value":"0","measurand":"Power.Active.Import","unit":"W"}]}]}`,
				c, tx, at.Format(time.RFC3339), register))
		}
	}
	call("BootNotification", `{"chargePointVendor":"Vendor","chargePointModel":"Model X"}`)
	for c := 1; c <= 2; c++ {
		call("StatusNotification", fmt.Sprintf(`{"connectorId":%d,"errorCode":"NoError","status":"Available"}`, c))
	}
	for range 27 {
		at = at.Add(time.Hour)
		values("")
	}
	for session := range 2 {
		for c := 1; c <= 2; c++ {
			id := session*2 + c
			call("StartTransaction", fmt.Sprintf(`{"connectorId":%d,"idTag":"TAG-%012d","meterStart":%d,"timestamp":%q}`, c, id, register, at.Format(time.RFC3339)))
			say(hayalet.Out, fmt.Sprintf(`[3,"%d",{"transactionId":%d,"idTagInfo":{"status":"Accepted"}}]`, message, id))
		}
		at, register = at.Add(30*time.Minute), register+5000
		values(fmt.Sprintf(`"transactionId":%d,`, session*2+1))
		for c := 1; c <= 2; c++ {
			call("StopTransaction", fmt.Sprintf(`{"transactionId":%d,"meterStop":%d,"timestamp":%q}`, session*2+c, register, at.Format(time.RFC3339)))
		}
	}
	for range 3 {
		at, register = at.Add(15*time.Minute), register+500
		values("")
	}
	return frames
}

// stateBytes plays that day at so many stations and returns the heap that each connector's state takes.
func stateBytes(tb testing.TB, stations int) float64 {
	tb.Helper()
	begin := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC() // once more for what finalisers and pools of other tests let go
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	e := engine.New(engine.Config{Rules: detect.Defaults().All, Shards: 1})
	done := make(chan error, 1)
	go func() { done <- e.Run(context.Background()) }()
	if err := e.PutFrames(tb.Context(), stationDay(0, begin)); err != nil {
		tb.Fatal(err)
	}
	if _, err := e.Stations(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	before := heap()
	for n := 1; n <= stations; n++ {
		if err := e.PutFrames(tb.Context(), stationDay(n, begin)); err != nil {
			tb.Fatal(err)
		}
	}
	if _, err := e.Stations(tb.Context()); err != nil { // answered when all is judged
		tb.Fatal(err)
	}
	after := heap()
	e.Close()
	if err := <-done; err != nil {
		tb.Fatal(err)
	}
	return float64(after-before) / float64(2*stations)
}

func TestStateIsSmall(t *testing.T) {
	per := stateBytes(t, 1000)
	for range 2 { // the heap is shared with whatever else the process keeps: the least is ours
		per = min(per, stateBytes(t, 1000))
	}
	if per > budget {
		t.Errorf("the state of a connector takes %.0f bytes, more than %d", per, budget)
	}
}

// BenchmarkConnectorState reports the heap that the state of one connector takes.
func BenchmarkConnectorState(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(stateBytes(b, 5000), "B/connector")
	}
}
