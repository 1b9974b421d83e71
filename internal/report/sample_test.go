package report_test

import (
	"fmt"
	"time"

	"hayalet"
	"hayalet/internal/lang"
	"hayalet/internal/report"
)

// begin is when the sample's transaction starts.
var begin = time.Date(2025, 11, 23, 22, 20, 59, 947_000_000, time.FixedZone("", 3*3600))

func after(d time.Duration) hayalet.Instant { return hayalet.InstantOf(begin.Add(d)) }

// sample is a run like the first one: 10.0, 10.5 and 11.0 kWh, a stop at 12, and then 12.01 to 12.05.
func sample(p lang.Printer) *report.Demo {
	d := &report.Demo{
		Version: "v0.1.0", At: begin.Add(-2 * time.Second), Passed: true, Sent: 5, Caught: 5, FirstDelay: 1840 * time.Microsecond,
		SettlePaid: 5 * hayalet.WattHour, Loss: "0.38 TRY at 7.50 TRY/kWh",
		Attack: report.Side{
			Station: "CP_1", Connector: 1, Scenario: "s1-phantom-current", Title: "S1: phantom current after the stop",
			Description: "A normal session ends with meterStop 12. Two seconds later the register goes on, by 10 Wh every two seconds, five times.",
			Marks:       []report.Mark{{At: after(0), Kind: report.MarkStart}, {At: after(3028 * time.Millisecond), Kind: report.MarkStop}},
		},
		Normal: report.Side{
			Station: "CP_2", Connector: 1, Scenario: "normal", Title: "A clean charging session",
			Description: "A car charges at 7.4 kW and leaves. The register settles by 2 Wh right after the stop, as real meters do, and then stands still.",
			Log:         []report.LogLine{{At: begin, Text: p.T("cp.boot"), Kind: report.LineNote}, {At: begin, Text: p.T("cp.finished"), Kind: report.LineNote}},
		},
		Results: []report.Row{
			{Label: p.T("demo.sent"), Value: "5"},
			{Label: p.T("demo.caught"), Value: "5"},
			{Label: p.T("demo.false"), Value: "0"},
			{Label: p.T("demo.delay"), Value: p.Number("1.8ms")},
			{Label: p.T("demo.delay.stop"), Value: "2s"},
			{Label: p.T("demo.energy"), Value: "50 Wh / 50 Wh"},
		},
	}
	for i := range 3 {
		charge(d, p, i)
	}
	csms(d, 3028*time.Millisecond, `[2,"06a7809e-1a9d-4a89-9195-1650f33ceaf8","StopTransaction",{"meterStop":12,"timestamp":"2025-11-23T19:21:02.972806Z","transactionId":1}]`)
	d.CSMSLog = append(d.CSMSLog, report.LogLine{At: begin.Add(3030 * time.Millisecond), Text: p.T("csms.inactive"), Kind: report.LineNote})
	for i := range 5 {
		attack(d, p, i)
	}
	mean, peak := 17*hayalet.Kilowatt+910*hayalet.Watt, 18*hayalet.Kilowatt
	d.Incident = &hayalet.Incident{
		Key: "0f3c", Rule: "PE-01", Station: "CP_1", Connector: 1, Transaction: hayalet.NumericTransaction(1), Severity: hayalet.Medium,
		State: hayalet.Confirmed, Cause: hayalet.Reported, OpenedAt: after(5 * time.Second), FirstAt: after(5 * time.Second),
		LastAt: after(13 * time.Second), BaselineAt: after(3028 * time.Millisecond), Baseline: 12_000_000, Last: 12_050_000, Energy: 50_000,
		Excess: 44_972, Readings: 5, Mean: &mean, Peak: &peak, Reason: hayalet.ReasonAfterStop, Evidence: []string{"periodic-context", "unit-scaled"},
	}
	return d
}

// charge adds a reading inside the transaction.
func charge(d *report.Demo, p lang.Printer, i int) {
	at, value := time.Duration(i+1)*time.Second, hayalet.Energy(10_000_000+i*500_000)
	d.Attack.Points = append(d.Attack.Points, report.Point{At: after(at), Value: value, InTransaction: true})
	meter(d, p, at, value)
}

// attack adds a phantom reading and its alarm.
func attack(d *report.Demo, p lang.Printer, i int) {
	at, value := time.Duration(5+2*i)*time.Second, hayalet.Energy(12_010_000+i*10_000)
	v := hayalet.Verdict{
		Rule: "PE-01", Station: "CP_1", Connector: 1, Kind: hayalet.Alarm, At: after(at), EventAt: after(at), Value: value, Quantum: 10_000,
		Increase: 10_000, Unpaid: 9_994, Since: after(at - 2*time.Second), Implied: 18_000_000, Baseline: 12_000_000,
		BaselineAt: after(3028 * time.Millisecond), Reason: hayalet.ReasonAfterStop, Transaction: hayalet.NumericTransaction(1),
	}
	d.Attack.Points = append(d.Attack.Points, report.Point{At: after(at), Value: value, Alarm: true})
	d.Alarms = append(d.Alarms, v)
	meter(d, p, at, value)
	for _, line := range report.Alarm(p, &v) {
		d.CSMSLog = append(d.CSMSLog, report.LogLine{At: begin.Add(at), Text: line, Kind: report.LineAlarm})
	}
}

func meter(d *report.Demo, p lang.Printer, at time.Duration, value hayalet.Energy) {
	frame := fmt.Sprintf(`[2,"33933c8a-2a2f-4bea-ad89-cbe56fb3b79f","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":%q,"sampledValue":`+
		`[{"value":%q,"context":"Sample.Periodic","format":"Raw","measurand":"Energy.Active.Import.Register","unit":"kWh"}]}]}]`,
		after(at), value.KWh(2))
	d.Attack.Log = append(d.Attack.Log,
		report.LogLine{At: begin.Add(at), Text: p.T("cp.metering", value.KWh(2), "kWh"), Kind: report.LineNote},
		report.LogLine{At: begin.Add(at), Text: p.T("cp.send", "CP_1", frame), Kind: report.LineSent},
		report.LogLine{At: begin.Add(at), Text: p.T("cp.receive", "CP_1", `[3,"33933c8a-2a2f-4bea-ad89-cbe56fb3b79f",{}]`), Kind: report.LineReceived})
	csms(d, at, frame)
	d.CSMSLog = append(d.CSMSLog, report.LogLine{At: begin.Add(at), Text: p.T("csms.meter", value.KWh(2)), Kind: report.LinePlain})
}

func csms(d *report.Demo, at time.Duration, frame string) {
	d.CSMSLog = append(d.CSMSLog, report.LogLine{At: begin.Add(at), Text: "CP_1: receive message " + frame, Kind: report.LineReceived})
}
