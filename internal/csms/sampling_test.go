package csms_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hayalet"
	"hayalet/internal/csms"
	"hayalet/internal/ocpp"
)

const bootCall = `[2,"b","BootNotification",{"chargePointModel":"M","chargePointVendor":"V"}]`

func TestSamplingIsSetAfterBoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := []string{"Accepted", "RebootRequired", "Rejected", "NotSupported"}
		n := 0
		_, p, link := connect(t, csms.Config{Sampling: csms.Sampling{
			ClockAlignedInterval: time.Minute, AlignedData: []string{"Energy.Active.Import.Register", "Power.Active.Import"},
			SampleInterval: 30 * time.Second, SampledData: []string{"Energy.Active.Import.Register"},
		}}, func(m ocpp.Message) string {
			n++
			return fmt.Sprintf(`[3,%q,{"status":%q}]`, m.ID, status[n-1])
		})
		defer p.Closed()
		for range 2 { // the second boot on one connection sets nothing again
			if err := p.Receive(t.Context(), []byte(bootCall)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		var got []string
		for _, frame := range link.take() {
			if m, _ := ocpp.ParseMessage([]byte(frame)); m.Type == ocpp.Call {
				got = append(got, m.Action+string(m.Payload))
			} else {
				got = append(got, "answer")
			}
		}
		want := []string{
			"answer",
			`ChangeConfiguration{"key":"ClockAlignedDataInterval","value":"60"}`,
			`ChangeConfiguration{"key":"MeterValuesAlignedData","value":"Energy.Active.Import.Register,Power.Active.Import"}`,
			`ChangeConfiguration{"key":"MeterValueSampleInterval","value":"30"}`,
			`ChangeConfiguration{"key":"MeterValuesSampledData","value":"Energy.Active.Import.Register"}`,
			"answer",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q\nwant %q", got, want)
		}
	})
}

func TestSamplingEndsWithTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p, link := connect(t, csms.Config{Sampling: csms.Sampling{SampleInterval: time.Second, SampledData: []string{"SoC"}}},
			func(ocpp.Message) string { return "" })
		if err := p.Receive(t.Context(), []byte(bootCall)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		began := time.Now()
		p.Closed()
		if sent := link.take(); len(sent) != 2 || time.Since(began) != 0 {
			t.Errorf("sent %q, closed after %v", sent, time.Since(began))
		}
	})
}

func TestNoSamplingByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p, link := connect(t, csms.Config{}, func(ocpp.Message) string { return "" })
		defer p.Closed()
		if err := p.Receive(t.Context(), []byte(bootCall)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if sent := link.take(); len(sent) != 1 {
			t.Errorf("sent %q", sent)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	for name, cfg := range map[string]csms.Config{
		"interval":          {Interval: -1},
		"command time-out":  {CommandTimeout: -1},
		"part of a second":  {Sampling: csms.Sampling{SampleInterval: 1500 * time.Millisecond}},
		"negative sampling": {Sampling: csms.Sampling{ClockAlignedInterval: -time.Second}},
		"long list":         {Sampling: csms.Sampling{SampledData: []string{strings.Repeat("x", 501)}}},
	} {
		if _, err := csms.New(cfg, &fakeLedger{}, slog.New(slog.DiscardHandler)); !errors.Is(err, hayalet.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestReadTags(t *testing.T) {
	tags, err := csms.ReadTags(strings.NewReader("# staff\nUser123\n\n  deadBEEF \r\n"))
	if err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[string]bool{"user123": true, "DEADbeef": true, "# staff": false, "": false, "other": false} {
		if got := tags.Accepts(tag); got != want {
			t.Errorf("%q: got %v", tag, got)
		}
	}
	if _, err := csms.ReadTags(strings.NewReader("a\n" + strings.Repeat("x", 21))); !errors.Is(err, hayalet.ErrInvalid) {
		t.Errorf("a long tag: got %v", err)
	}
	var all *csms.Tags
	if !all.Accepts("anybody") {
		t.Error("no list accepts all")
	}
}
