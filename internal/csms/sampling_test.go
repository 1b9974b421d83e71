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

const bootCall2 = `[2,"b","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]`

func TestSamplingIsSetAfterBootIn2(t *testing.T) {
	for _, version := range []hayalet.Protocol{hayalet.OCPP201, hayalet.OCPP21} {
		synctest.Test(t, func(t *testing.T) {
			_, p, link := connectBy(t, version, csms.Config{Sampling: csms.Sampling{
				ClockAlignedInterval: time.Minute, AlignedData: []string{"Energy.Active.Import.Register", "Power.Active.Import"},
				SampleInterval: 30 * time.Second, SampledData: []string{"Energy.Active.Import.Register"},
			}}, func(m ocpp.Message) string {
				return fmt.Sprintf(`[3,%q,{"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"C"},"variable":{"name":"V"}}]}]`, m.ID)
			})
			defer p.Closed()
			if err := p.Receive(t.Context(), []byte(bootCall2)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			var got []string
			for _, frame := range link.take()[1:] {
				m, _ := ocpp.ParseMessage([]byte(frame))
				got = append(got, m.Action+string(m.Payload))
			}
			want := []string{
				`SetVariables{"setVariableData":[{"attributeValue":"60","component":{"name":"AlignedDataCtrlr"},"variable":{"name":"Interval"}}]}`,
				`SetVariables{"setVariableData":[{"attributeValue":"Energy.Active.Import.Register,Power.Active.Import","component":{"name":"AlignedDataCtrlr"},"variable":{"name":"Measurands"}}]}`,
				`SetVariables{"setVariableData":[{"attributeValue":"30","component":{"name":"SampledDataCtrlr"},"variable":{"name":"TxUpdatedInterval"}}]}`,
				`SetVariables{"setVariableData":[{"attributeValue":"Energy.Active.Import.Register","component":{"name":"SampledDataCtrlr"},"variable":{"name":"TxUpdatedMeasurands"}}]}`,
				`SetVariables{"setVariableData":[{"attributeValue":"true","component":{"name":"AlignedDataCtrlr"},"variable":{"name":"Enabled"}}]}`,
				`SetVariables{"setVariableData":[{"attributeValue":"true","component":{"name":"SampledDataCtrlr"},"variable":{"name":"Enabled"}}]}`,
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: got %q\nwant %q", version, got, want)
			}
		})
	}
}

// What a station does not set is logged with its own word for it; an answer that cannot be read is not taken for a yes.
func TestSamplingNotInForceIsLogged(t *testing.T) {
	for _, c := range []struct {
		name, boot, answer, want string
		version                  hayalet.Protocol
	}{
		{"1.6 rejected", bootCall, `{"status":"Rejected"}`, "status=Rejected", hayalet.OCPP16},
		{"1.6 unreadable", bootCall, `[]`, `status=""`, hayalet.OCPP16},
		{"2.0.1 rejected", bootCall2, `{"setVariableResult":[{"attributeStatus":"UnknownVariable"}]}`, "status=UnknownVariable", hayalet.OCPP201},
		{"2.0.1 no result", bootCall2, `{"setVariableResult":[]}`, `status=""`, hayalet.OCPP201},
		{"2.1 rejected", bootCall2, `{"setVariableResult":[{"attributeStatus":"Rejected"}]}`, "status=Rejected", hayalet.OCPP21},
		{"2.1 an error", bootCall2, ``, "NotSupported", hayalet.OCPP21},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				central, err := csms.New(csms.Config{Sampling: csms.Sampling{SampleInterval: time.Minute}}, &fakeLedger{},
					slog.New(slog.NewTextHandler(&log, nil)))
				if err != nil {
					t.Fatal(err)
				}
				link := &fakeLink{station: "CP_1", protocol: c.version}
				p, err := central.Open(t.Context(), link)
				if err != nil {
					t.Fatal(err)
				}
				if err := p.Receive(t.Context(), []byte(c.boot)); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				m, _ := ocpp.ParseMessage([]byte(link.take()[1]))
				answer := fmt.Sprintf("[3,%q,%s]", m.ID, c.answer)
				if c.answer == "" {
					answer = fmt.Sprintf(`[4,%q,"NotSupported","",{}]`, m.ID)
				}
				if err := p.Receive(t.Context(), []byte(answer)); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				p.Closed()
				if got := log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, c.want) {
					t.Errorf("logged %s", got)
				}
			})
		})
	}
}

// A station without the switch Enabled measures always: no warning. One that refuses it may stay silent.
func TestSamplingSwitch(t *testing.T) {
	for _, c := range []struct{ status, level string }{
		{"UnknownVariable", ""}, {"UnknownComponent", ""}, {"Accepted", ""}, {"Rejected", "level=WARN"}, {"NotSupportedAttributeType", "level=WARN"},
	} {
		t.Run(c.status, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				central, err := csms.New(csms.Config{Sampling: csms.Sampling{ClockAlignedInterval: time.Minute}}, &fakeLedger{},
					slog.New(slog.NewTextHandler(&log, nil)))
				if err != nil {
					t.Fatal(err)
				}
				link := &fakeLink{station: "CP_1", protocol: hayalet.OCPP201}
				p, err := central.Open(t.Context(), link)
				if err != nil {
					t.Fatal(err)
				}
				if err := p.Receive(t.Context(), []byte(bootCall2)); err != nil {
					t.Fatal(err)
				}
				for sent, status := range []string{"Accepted", c.status} {
					synctest.Wait()
					frames := link.take()
					m, _ := ocpp.ParseMessage([]byte(frames[len(frames)-1]))
					if isSwitch := strings.Contains(string(m.Payload), `"Enabled"`); isSwitch != (sent == 1) {
						t.Fatalf("sent %s", m.Payload)
					}
					if err := p.Receive(t.Context(), fmt.Appendf(nil, `[3,%q,{"setVariableResult":[{"attributeStatus":%q}]}]`, m.ID, status)); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
				p.Closed()
				if got := log.String(); strings.Contains(got, "level=WARN") != (c.level != "") {
					t.Errorf("logged %s", got)
				}
			})
		})
	}
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
	if _, err := csms.ReadTags(strings.NewReader("a\n" + strings.Repeat("x", 256))); !errors.Is(err, hayalet.ErrInvalid) {
		t.Errorf("a long tag: got %v", err)
	}
	var all *csms.Tags
	if !all.Accepts("anybody") {
		t.Error("no list accepts all")
	}
}
