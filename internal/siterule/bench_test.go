package siterule_test

import (
	"testing"

	"hayalet"
	"hayalet/internal/detect"
	"hayalet/internal/session"
	"hayalet/internal/siterule"
)

// BenchmarkJudge is one evaluation of a condition that does not hold, as nearly all are.
func BenchmarkJudge(b *testing.B) {
	for _, bc := range []struct{ name, when string }{
		{"one", `power_w > 500.0`},
		{"typical", `!tx_active && power_w > 500.0 && status == "Available"`},
		{"texts", `station.startsWith("DEPOT-") && model.matches("^Home") && hour in [22, 23, 0, 1, 2, 3, 4, 5] && delta_wh > 5.0`},
		{"list", `notes.exists(n, n == "glitch" || n == "rollback")`},
	} {
		b.Run(bc.name, func(b *testing.B) {
			c, err := siterule.NewCompiler(nil)
			if err != nil {
				b.Fatal(err)
			}
			rule, err := c.Compile(siterule.Spec{ID: "SITE-1", When: bc.when})
			if err != nil {
				b.Fatal(err)
			}
			st := session.New("DEPOT-1", nil)
			st.Model = "HomeBox"
			cn := &session.Connector{ID: 1, State: session.Inactive, IdleSince: 1e6, Status: hayalet.Available, Power: 400 * hayalet.Watt, PowerAt: 2e6, Notes: session.NoteScaled}
			step := session.Step{
				Kind: session.StepReading, Connector: cn, At: 1_700_000_000_000_000, EventAt: 1_700_000_000_000_000,
				Reading: session.Reading{Value: 1000, Increase: 1, Since: 1e6, At: 2e6},
			}
			v := detect.View{View: session.View{Station: st, Connector: cn, Step: &step}}
			var m detect.Memory
			var out []hayalet.Verdict
			b.ReportAllocs()
			for b.Loop() {
				out = out[:0]
				rule.Judge(v, &m, &out)
			}
			if len(out) > 0 {
				b.Fatal("it fires")
			}
		})
	}
}
