package csms_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hayalet"
	"hayalet/internal/csms"
	"hayalet/internal/ocpp"
)

// connect opens a station that answers each CALL with what answer returns; "" is silence.
func connect(t *testing.T, cfg csms.Config, answer func(m ocpp.Message) string) (*csms.CSMS, *csms.Peer, *fakeLink) {
	t.Helper()
	return connectBy(t, hayalet.OCPP16, cfg, answer)
}

func connectBy(t *testing.T, version hayalet.Protocol, cfg csms.Config, answer func(m ocpp.Message) string) (*csms.CSMS, *csms.Peer, *fakeLink) {
	t.Helper()
	link := &fakeLink{protocol: version}
	c, p := open(t, cfg, &fakeLedger{}, link)
	link.onSend = func(data []byte) {
		m, fault := ocpp.ParseMessage(data)
		if fault != nil {
			t.Errorf("sent %s: %v", data, fault)
		}
		if m.Type != ocpp.Call {
			return
		}
		if text := answer(m); text != "" {
			go func() { _ = p.Receive(context.Background(), []byte(text)) }()
		}
	}
	return c, p, link
}

func TestCommandAnswered(t *testing.T) {
	c, p, link := connect(t, csms.Config{}, func(m ocpp.Message) string {
		return fmt.Sprintf(`[3,%q,{"status":"Accepted"}]`, m.ID)
	})
	defer p.Closed()
	got, err := c.Command(t.Context(), "CP_1", "Reset", json.RawMessage(" {\n\"type\": \"Soft\" } "))
	if err != nil || string(got) != `{"status":"Accepted"}` {
		t.Fatalf("got %s, %v", got, err)
	}
	if sent := link.take(); len(sent) != 1 || !strings.HasSuffix(sent[0], `,"Reset",{"type":"Soft"}]`) {
		t.Errorf("sent %q", sent)
	}
}

func TestCommandRefused(t *testing.T) {
	c, p, _ := connect(t, csms.Config{}, func(m ocpp.Message) string {
		return fmt.Sprintf(`[4,%q,"NotSupported","no \u001b[31mway",{"why":1}]`, m.ID)
	})
	defer p.Closed()
	_, err := c.Command(t.Context(), "CP_1", "ClearCache", json.RawMessage(`{}`))
	var refused interface {
		CallError() (code, description string, details json.RawMessage)
	}
	if !errors.As(err, &refused) {
		t.Fatalf("got %v", err)
	}
	code, description, details := refused.CallError()
	if code != "NotSupported" || description != "no \x1b[31mway" || string(details) != `{"why":1}` {
		t.Errorf("got %q %q %s", code, description, details)
	}
	if strings.Contains(err.Error(), "\x1b") {
		t.Error("the error's text passes control characters on")
	}
}

func TestCommandInvalid(t *testing.T) {
	c, p, link := connect(t, csms.Config{}, func(ocpp.Message) string { return "" })
	defer p.Closed()
	for _, tt := range []struct {
		name, station, action, payload string
		want                           error
		hint                           string
	}{
		{"misspelt", "CP_1", "TrigerMessage", `{}`, hayalet.ErrInvalid, "near: TriggerMessage"},
		{"wrong case", "CP_1", "reset", `{}`, hayalet.ErrInvalid, "near: Reset"},
		{"part of a name", "CP_1", "Unlock", `{}`, hayalet.ErrInvalid, "UnlockConnector"},
		{"a station's action", "CP_1", "Heartbeat", `{}`, hayalet.ErrInvalid, "near: "},
		{"of no likeness", "CP_1", "Q", `{}`, hayalet.ErrInvalid, "TriggerMessage"},
		{"endless", "CP_1", strings.Repeat("Reset", 1e5), `{}`, hayalet.ErrInvalid, ""},
		{"array", "CP_1", "Reset", `[]`, hayalet.ErrInvalid, "JSON object"},
		{"empty", "CP_1", "Reset", ``, hayalet.ErrInvalid, "JSON object"},
		{"two values", "CP_1", "Reset", `{}{}`, hayalet.ErrInvalid, "JSON object"},
		{"duplicate member", "CP_1", "Reset", `{"type":"Soft","type":"Hard"}`, hayalet.ErrInvalid, "JSON object"},
		{"too long", "CP_1", "Reset", `{"type":"` + strings.Repeat("x", 64<<10) + `"}`, hayalet.ErrInvalid, "longer"},
		{"offline", "CP_2", "Reset", `{}`, hayalet.ErrNotFound, "not connected"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := c.Command(t.Context(), hayalet.StationID(tt.station), tt.action, json.RawMessage(tt.payload))
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.hint) || len(err.Error()) > 1500 {
				t.Errorf("got %v, want %v with %q", err, tt.want, tt.hint)
			}
		})
	}
	if sent := link.take(); len(sent) != 0 {
		t.Errorf("sent %q", sent)
	}
}

func TestCommandTimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		c, p, _ := connect(t, csms.Config{CommandTimeout: 7 * time.Second}, func(m ocpp.Message) string {
			ids = append(ids, m.ID)
			if len(ids) == 2 {
				return fmt.Sprintf(`[3,%q,{"status":"Accepted"}]`, m.ID)
			}
			return ""
		})
		defer p.Closed()
		began := time.Now()
		_, err := c.Command(t.Context(), "CP_1", "Reset", json.RawMessage(`{"type":"Soft"}`))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 7*time.Second {
			t.Fatalf("got %v after %v", err, time.Since(began))
		}
		late := fmt.Sprintf(`[3,%q,{"status":"Rejected"}]`, ids[0])
		if err := p.Receive(t.Context(), []byte(late)); err != nil {
			t.Fatal(err)
		}
		got, err := c.Command(t.Context(), "CP_1", "Reset", json.RawMessage(`{"type":"Soft"}`))
		if err != nil || string(got) != `{"status":"Accepted"}` {
			t.Errorf("after a late answer: got %s, %v", got, err)
		}
	})
}

func TestCommandOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		calls := map[string]string{} // id → action, of open calls
		c, p, _ := connect(t, csms.Config{}, func(m ocpp.Message) string {
			mu.Lock()
			defer mu.Unlock()
			calls[m.ID] = m.Action
			if len(calls) > 1 {
				t.Errorf("%d calls open at once", len(calls))
			}
			return ""
		})
		defer p.Closed()
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				body := fmt.Sprintf(`{"n":%d}`, i)
				got, err := c.Command(t.Context(), "CP_1", "DataTransfer", json.RawMessage(body))
				if err != nil || string(got) != `{"done":true}` {
					t.Errorf("got %s, %v", got, err)
				}
			})
		}
		for range 5 {
			synctest.Wait()
			mu.Lock()
			ids := slices.Collect(maps.Keys(calls))
			clear(calls)
			mu.Unlock()
			if len(ids) != 1 {
				t.Fatalf("%d calls open, want 1", len(ids))
			}
			_ = p.Receive(t.Context(), []byte(`[3,"`+ids[0]+`",{"done":true}]`))
			_ = p.Receive(t.Context(), []byte(`[3,"`+ids[0]+`",{"again":true}]`)) // the first answer counts
		}
		wg.Wait()
	})
}

func TestCommandWaitsInLineUntilContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, link := connect(t, csms.Config{}, func(ocpp.Message) string { return "" })
		first := make(chan error, 1)
		go func() {
			_, err := c.Command(t.Context(), "CP_1", "ClearCache", json.RawMessage(`{}`))
			first <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Command(ctx, "CP_1", "Reset", json.RawMessage(`{}`)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("in line: got %v", err)
		}
		if sent := link.take(); len(sent) != 1 {
			t.Errorf("sent %q", sent)
		}
		p.Closed()
		if err := <-first; !errors.Is(err, hayalet.ErrUnavailable) {
			t.Errorf("connection lost: got %v", err)
		}
		if _, err := c.Command(t.Context(), "CP_1", "ClearCache", json.RawMessage(`{}`)); !errors.Is(err, hayalet.ErrNotFound) {
			t.Errorf("offline: got %v", err)
		}
	})
}

// An action is looked up in the version of the station's link, and a refusal names that version.
func TestCommandsOfEachVersion(t *testing.T) {
	for version, c := range map[hayalet.Protocol]struct {
		name         string
		goes, refuse []string
	}{
		hayalet.OCPP16:  {"1.6", []string{"RemoteStartTransaction", "ChangeConfiguration", "Reset"}, []string{"SetVariables", "RequestStartTransaction", "GetTariffs"}},
		hayalet.OCPP201: {"2.0.1", []string{"RequestStartTransaction", "SetVariables", "Reset", "DataTransfer"}, []string{"ChangeConfiguration", "SetDERControl", "TransactionEvent"}},
		hayalet.OCPP21:  {"2.1", []string{"SetVariables", "SetDERControl", "AFRRSignal", "DataTransfer"}, []string{"RemoteStartTransaction", "NotifySettlement", "NotifyPeriodicEventStream"}},
	} {
		t.Run(string(version), func(t *testing.T) {
			central, p, link := connectBy(t, version, csms.Config{}, func(m ocpp.Message) string {
				return fmt.Sprintf(`[3,%q,{"status":"Accepted"}]`, m.ID)
			})
			defer p.Closed()
			for _, action := range c.goes {
				if _, err := central.Command(t.Context(), "CP_1", action, json.RawMessage(`{}`)); err != nil {
					t.Errorf("%s: %v", action, err)
				}
			}
			for _, frame := range link.take() {
				if m, _ := ocpp.ParseMessage([]byte(frame)); len(m.ID) > 36 {
					t.Errorf("%s: a message id has at most 36 characters", frame)
				}
			}
			for _, action := range c.refuse {
				_, err := central.Command(t.Context(), "CP_1", action, json.RawMessage(`{}`))
				if !errors.Is(err, hayalet.ErrInvalid) || !strings.Contains(err.Error(), "OCPP "+c.name+",") || !strings.Contains(err.Error(), action) {
					t.Errorf("%s: got %v", action, err)
				}
			}
			if sent := link.take(); len(sent) != 0 {
				t.Errorf("sent %q", sent)
			}
		})
	}
}

// An answer that is no JSON object fails the command on a link of 2.1, and the station is told.
func TestAnswerThatCannotBeProcessed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, link := connectBy(t, hayalet.OCPP21, csms.Config{}, func(m ocpp.Message) string {
			return fmt.Sprintf(`[3,%q,["Accepted"]]`, m.ID)
		})
		defer p.Closed()
		if _, err := c.Command(t.Context(), "CP_1", "ClearCache", json.RawMessage(`{}`)); !errors.Is(err, hayalet.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		sent := link.take()
		if len(sent) != 2 {
			t.Fatalf("sent %q", sent)
		}
		call, _ := ocpp.ParseMessage([]byte(sent[0]))
		told, fault := ocpp.ParseMessage([]byte(sent[1]))
		if fault != nil || told.Type != ocpp.CallResultError || told.ID != call.ID || told.ErrorCode != "FormatViolation" {
			t.Errorf("sent %q", sent)
		}
	})
}

// A CALLRESULTERROR settles no call of ours, even under its id.
func TestCallResultErrorSettlesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, _ := connectBy(t, hayalet.OCPP21, csms.Config{CommandTimeout: 5 * time.Second}, func(m ocpp.Message) string {
			return fmt.Sprintf(`[5,%q,"FormatViolation","",{}]`, m.ID)
		})
		defer p.Closed()
		if _, err := c.Command(t.Context(), "CP_1", "ClearCache", json.RawMessage(`{}`)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// A station that reconnects is not forgotten when its former connection ends late.
func TestReconnectKeepsTheNewPeer(t *testing.T) {
	c, p, _ := connect(t, csms.Config{}, func(ocpp.Message) string { return "" })
	second := &fakeLink{station: "CP_1"}
	p2, err := c.Open(t.Context(), second)
	if err != nil {
		t.Fatal(err)
	}
	defer p2.Closed()
	p.Closed()
	second.onSend = func(data []byte) {
		m, _ := ocpp.ParseMessage(data)
		go func() { _ = p2.Receive(context.Background(), fmt.Appendf(nil, `[3,%q,{}]`, m.ID)) }()
	}
	if _, err := c.Command(t.Context(), "CP_1", "ClearCache", json.RawMessage(`{}`)); err != nil {
		t.Error(err)
	}
}
