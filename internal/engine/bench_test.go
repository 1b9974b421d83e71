package engine_test

import (
	"fmt"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/ocpp"
	"hayalet/internal/session"
)

// meterFrame is a 420-byte MeterValues inside a transaction.
func meterFrame(n int, at time.Time) []byte {
	return fmt.Appendf(nil, `[2,"5802feb2-1fbd-4a4b-8991-15b1d9d592db","MeterValues",{"connectorId":1,"transactionId":177109,"meterValue":[{"timestamp":"%s","sampledValue":[{"value":"%d.5","context":"Sample.Periodic","format":"Raw","measurand":"Energy.Active.Import.Register","location":"Outlet","unit":"Wh"},{"value":"7412.0","context":"Sample.Periodic","measurand":"Power.Active.Import","location":"Outlet","unit":"W"}]}]}]`,
		at.Format("2006-01-02T15:04:05Z"), 1254310+n)
}

// BenchmarkDecodeStateRule420 is the path of a frame without queues: decode, state, rule. The register and the time grow,
// as they do in the field.
func BenchmarkDecodeStateRule420(b *testing.B) {
	const frames = 4096
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	data := make([][]byte, frames)
	for i := range data {
		data[i] = meterFrame(i, start.Add(time.Duration(i)*time.Second))
	}
	d := ocpp.NewDecoder()
	rules := detect.Defaults()
	var st *session.Station
	var m detect.Memory
	var e hayalet.Event
	var w session.Scratch
	var verdicts []hayalet.Verdict
	b.SetBytes(int64(len(data[0])))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i%frames == 0 {
			st = session.New("CP_1", nil)
		}
		at := start.Add(time.Duration(i%frames) * time.Second)
		f := hayalet.Frame{Station: "CP_1", Conn: "c", Seq: uint64(i), At: hayalet.InstantOf(at), Data: data[i%frames]}
		d.Decode(&f, &e)
		steps := st.Apply(&e, &w)
		verdicts = verdicts[:0]
		for k := range steps {
			view := detect.View{View: session.View{Station: st, Connector: steps[k].Connector, Step: &steps[k]}}
			for _, rule := range rules {
				rule.Judge(view, &m, &verdicts)
			}
		}
		i++
	}
}
