package report_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/lang"
	"hayalet/internal/report"
)

func TestAlarmIsTheSeeds(t *testing.T) {
	v := hayalet.Verdict{
		Station: "CP_1", Connector: 1, Value: 12_010_000, Quantum: 10_000, Increase: 10_000, Unpaid: 5_000,
		Since: 1_000_000, EventAt: 3_000_000, Implied: 18_000_000, Reason: hayalet.ReasonAfterStop, Transaction: hayalet.NumericTransaction(1),
	}
	for l, want := range map[lang.Lang]string{
		lang.TR: "!!! ANOMALİ TESPİT EDİLDİ !!! -> MeterValues Alındı: 12.01 kWh\n" +
			"Sebep: StopTransaction sonrası enerji akışı devam ediyor (Phantom Current).\n" +
			"CP_1 bağlantı noktası 1: 2 sn içinde +10 Wh (18 kW), karşılıksız 5 Wh, işlem 1",
		lang.EN: "!!! ANOMALY DETECTED !!! -> MeterValues received: 12.01 kWh\n" +
			"Reason: energy flow continues after StopTransaction (Phantom Current).\n" +
			"CP_1 connector 1: +10 Wh in 2 s (18 kW), 5 Wh of it unpaid, transaction 1",
	} {
		if got := strings.Join(report.Alarm(lang.New(l), &v), "\n"); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", l, got, want)
		}
	}
}

func TestKWhFollowsTheRegistersSteps(t *testing.T) {
	for _, c := range []struct {
		e, quantum hayalet.Energy
		want       string
	}{
		{10_000_000, 100_000, "10.0"}, {12_010_000, 10_000, "12.01"}, {12_010_000, 1000, "12.010"}, {12_010_500, 100, "12.0105"}, {12_000_000, 1_000_000, "12"},
	} {
		if got := report.KWh(c.e, c.quantum); got != c.want {
			t.Errorf("%s in steps of %s: got %s, want %s", c.e, c.quantum, got, c.want)
		}
	}
}

func TestIncidentInBothLanguages(t *testing.T) {
	mean, peak := 18*hayalet.Kilowatt, 36*hayalet.Kilowatt
	inc := hayalet.Incident{
		Key: "abc", Rule: "PE-01", Station: "CP_1", Connector: 1, Severity: hayalet.Medium, State: hayalet.Confirmed, Readings: 5,
		Energy: 50_000, Excess: 44_975, Baseline: 12_000_000, Last: 12_050_000, Mean: &mean, Peak: &peak, Reason: hayalet.ReasonAfterStop,
		BaselineAt: hayalet.InstantOf(time.Unix(1, 0)), LastAt: hayalet.InstantOf(time.Unix(11, 0)), Evidence: []string{"stale-id"},
	}
	tariff := report.Tariff{Price: 7_500_000, Currency: "TRY"}
	en := strings.Join(report.Incident(lang.New(lang.EN), &inc, tariff), "\n")
	tr := strings.Join(report.Incident(lang.New(lang.TR), &inc, tariff), "\n")
	for _, want := range []string{"5 readings, 50 Wh beyond the stop (12.000 → 12.050 kWh)", "over 10 s, mean power 18 kW, peak 36 kW", "0.38 TRY at 7.50 TRY/kWh"} {
		if !strings.Contains(en, want) {
			t.Errorf("%q is missing in\n%s", want, en)
		}
	}
	for _, want := range []string{"5 değer, durdurma sonrası 50 Wh", "tahmini kayıp 0,38 TRY", "orta", "doğrulandı"} {
		if !strings.Contains(tr, want) {
			t.Errorf("%q is missing in\n%s", want, tr)
		}
	}
	if strings.Contains(en+tr, "%!") || strings.Contains(en+tr, "reason.") {
		t.Errorf("a text is broken:\n%s\n%s", en, tr)
	}
}

// TestNamesDoNotSteerTheTerminal: a record may name its stations as it likes.
func TestNamesDoNotSteerTheTerminal(t *testing.T) {
	const name = "CP\x1b[2J\n!!! x\t\u202e"
	p := lang.New(lang.EN)
	inc := hayalet.Incident{Key: "abc", Rule: "PE-01", Station: name, Transaction: hayalet.TextTransaction(name), Reason: hayalet.ReasonAfterStop}
	v := hayalet.Verdict{Station: name, Transaction: inc.Transaction, Reason: inc.Reason}
	var list strings.Builder
	if err := report.List(&list, p, []hayalet.Incident{inc}); err != nil {
		t.Fatal(err)
	}
	lines := slices.Concat(report.Incident(p, &inc, report.Tariff{}), report.Alarm(p, &v), []string{report.Sentence(p, &inc)})
	for _, line := range append(lines, strings.Split(strings.TrimSuffix(list.String(), "\n"), "\n")...) {
		if strings.ContainsAny(line, "\x1b\n\t\u202e") || strings.HasPrefix(line, "!!! x") {
			t.Errorf("it reaches the terminal: %q", line)
		}
	}
}

// TestSentenceSaysWhatTheRuleSays: only the rules of phantom energy speak of it.
func TestSentenceSaysWhatTheRuleSays(t *testing.T) {
	for _, l := range []lang.Lang{lang.EN, lang.TR} {
		p := lang.New(l).Naming(map[hayalet.RuleName]string{"SITE-1": "Night"})
		for rule, want := range map[hayalet.RuleName]string{"PE-01": "", "TX-01": "TX-01 " + p.Rule("TX-01"), "SITE-1": "SITE-1 Night"} {
			inc := hayalet.Incident{Rule: rule, Station: "CP_1", Connector: 2, Reason: hayalet.ReasonAfterStop}
			text := report.Sentence(p, &inc)
			phantom := strings.Contains(text, "Phantom energy at") || strings.Contains(text, "hayalet enerji")
			if phantom != (rule == "PE-01") || !strings.Contains(text, want) || !strings.Contains(text, "CP_1") || strings.Contains(text, "%!") {
				t.Errorf("%s, %s: %s", l, rule, text)
			}
		}
	}
}
