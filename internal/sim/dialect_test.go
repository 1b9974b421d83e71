package sim_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hayalet"
	"hayalet/internal/sim"
)

// centralOf is a central system that speaks the protocol.
func centralOf(t *testing.T, p hayalet.Protocol) *central {
	t.Helper()
	s := newCentral(t)
	s.protocol = string(p)
	return s
}

func conform(t *testing.T, p hayalet.Protocol, calls []call) {
	t.Helper()
	for _, c := range calls {
		shape, ok := shapes(p)[c.action]
		if !ok {
			t.Errorf("%s has no call of a station %s", p, c.action)
			continue
		}
		if bad := misfits(c.action, c.payload, shape); len(bad) > 0 {
			t.Errorf("%s\n\t%s", c.text, strings.Join(bad, "\n\t"))
		}
	}
}

// told is one thing that a station tells of a meter, whatever the version.
type told struct {
	kind, stamp string
	connector   int
	transaction bool     // one is named
	values      []string // with unit and context
}

// story takes from the calls what they tell of meters.
func story(s *central, meterUnit string) []told {
	var all []told
	evse := 1
	for _, c := range s.calls {
		p := c.payload
		switch c.action {
		case "StartTransaction":
			all = append(all, told{"start", p["timestamp"].(string), number(p["connectorId"]), true, register16(p["meterStart"], meterUnit, "Transaction.Begin")})
		case "StopTransaction":
			all = append(all, told{"stop", p["timestamp"].(string), evse, true, register16(p["meterStop"], meterUnit, "Transaction.End")})
		case "MeterValues":
			connector := p["connectorId"]
			if p["evseId"] != nil {
				connector = p["evseId"]
			}
			stamp, values := samples(p)
			all = append(all, told{"meter", stamp, number(connector), p["transactionId"] != nil, values})
		case "TransactionEvent":
			if p["triggerReason"] == "ChargingStateChanged" {
				continue
			}
			if e, ok := p["evse"].(map[string]any); ok {
				evse = number(e["id"])
			}
			kind := map[string]string{"Started": "start", "Updated": "meter", "Ended": "stop"}[p["eventType"].(string)]
			stamp, values := samples(p)
			all = append(all, told{kind, stamp, evse, true, values})
		}
	}
	return all
}

func number(v any) int { f, _ := v.(float64); return int(f) }

func register16(v any, unit, context string) []string {
	return []string{fmt.Sprintf("%v %s Energy.Active.Import.Register %s", int64(v.(float64)), unit, context)}
}

// samples lists the values of the only group, as numbers, so that text and number are equal.
func samples(p map[string]any) (stamp string, values []string) {
	group := p["meterValue"].([]any)[0].(map[string]any)
	for _, s := range group["sampledValue"].([]any) {
		s := s.(map[string]any)
		unit := s["unit"]
		if u, ok := s["unitOfMeasure"].(map[string]any); ok {
			unit = u["unit"]
		}
		value := s["value"]
		if text, ok := value.(string); ok {
			var f float64
			_, _ = fmt.Sscan(text, &f) // a zero is seen
			value = f
		}
		if f := value.(float64); f >= 1000 {
			value = int64(f)
		}
		values = append(values, fmt.Sprintf("%v %v %v %v", value, unit, s["measurand"], s["context"]))
	}
	return group["timestamp"].(string), values
}

// TestShippedScenariosInEveryVersion: what is sent is of the version, and tells what the play in 1.6 tells: the same
// registers at the same times, of the same connector, in or out of a transaction, and the same truth.
func TestShippedScenariosInEveryVersion(t *testing.T) {
	for _, name := range sim.Names() {
		t.Run(name, func(t *testing.T) {
			stories, truths := map[hayalet.Protocol][]told{}, map[hayalet.Protocol]sim.Result{}
			unit := map[bool]string{true: "kWh", false: "Wh"}[name == "s1-phantom-current"]
			for _, p := range hayalet.Protocols() {
				synctest.Test(t, func(t *testing.T) {
					s := centralOf(t, p)
					res, _, err := play(t.Context(), t, s, sim.Options{Scenario: shipped(t, name), Speed: 60})
					if err != nil || !res.Complete || res.CallErrors+res.Timeouts+res.Unexpected > 0 || res.Protocol != p {
						t.Fatalf("%s: %v, %+v", p, err, res)
					}
					conform(t, p, s.calls)
					sequence(t, s)
					stories[p], truths[p] = story(s, unit), res
				})
			}
			for _, p := range hayalet.Protocols() {
				if !slices.EqualFunc(stories[p], stories[hayalet.OCPP16], func(a, b told) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
					t.Errorf("%s tells\n%v\nand 1.6\n%v", p, stories[p], stories[hayalet.OCPP16])
				}
				sameTruth(t, truths[p], truths[hayalet.OCPP16])
			}
		})
	}
}

// sequence holds the events of each transaction to numbers without a gap, from 0.
func sequence(t *testing.T, s *central) {
	t.Helper()
	next := map[any]float64{}
	for _, c := range s.of("TransactionEvent") {
		id := c.payload["transactionInfo"].(map[string]any)["transactionId"]
		if c.payload["seqNo"] != next[id] {
			t.Errorf("seqNo %v, want %v: %s", c.payload["seqNo"], next[id], c.text)
		}
		next[id]++
	}
}

func sameTruth(t *testing.T, got, want sim.Result) {
	t.Helper()
	if got.PhantomEnergy != want.PhantomEnergy || got.Connector != want.Connector || got.Readings != want.Readings ||
		got.StartedAt != want.StartedAt || len(got.Transactions) != len(want.Transactions) || len(got.Phantom) != len(want.Phantom) {
		t.Errorf("%s: truth %+v, want %+v", got.Protocol, got, want)
		return
	}
	for i := range got.Phantom {
		g, w := got.Phantom[i], want.Phantom[i]
		g.MessageID, w.MessageID = "", ""
		if g != w {
			t.Errorf("%s: phantom reading %+v, want %+v", got.Protocol, g, w)
		}
	}
}

// TestMessagesOf2 holds every kind of message to its text. @ stands for the claimed time, $ for the transaction's id.
func TestMessagesOf2(t *testing.T) {
	const steps = `
defaults: {id_tag: T, vendor: V, model: M, serial: S, firmware: F, unit: kWh, meter_unit: kWh, multiplier: 3}
steps:
  - boot: {}
  - status: {connector: 0, status: Available}
  - status: {connector: 2, status: Reserved}
  - authorize: {}
  - start: {connector: 2, meter_start: 12}
  - status: {connector: 2, status: Charging}
  - meter: {connector: 2, value: 12.50, context: Sample.Clock, phase: L1, location: Outlet, power_w: 7.4, current_a: 32.2}
  - status: {connector: 2, status: SuspendedEV}
  - meter: {connector: 2, value: 230.0, measurand: Voltage, unit: V, transaction: none}
  - stop: {connector: 2, meter_stop: 13, reason: SoftReset}
  - status: {connector: 2, status: Finishing}
  - meter: {connector: 2, value: 13.01, multiplier: 0, transaction: stale}
  - meter: {connector: 2, value: 13.02, multiplier: -3, transaction: 99}
  - meter: {connector: 2, increment: 0.01, transaction: 99}
  - stop: {connector: 1, meter_stop: 5, id: 98}
  - meter: {connector: 0, value: 40}
  - heartbeat: {}
  - data_transfer: {vendor_id: com.example, data: x}
`
	want := []string{
		`"BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V","serialNumber":"S","firmwareVersion":"F"}}`,
		`"NotifyEvent",{"generatedAt":"@","seqNo":0,"eventData":[{"eventId":1,"timestamp":"@","trigger":"Delta","actualValue":"Available","eventNotificationType":"HardWiredNotification","component":{"name":"ChargingStation"},"variable":{"name":"AvailabilityState"}}]}`,
		`"StatusNotification",{"timestamp":"@","connectorStatus":"Reserved","evseId":2,"connectorId":1}`,
		`"Authorize",{"idToken":{"idToken":"T","type":"ISO14443"}}`,
		`"TransactionEvent",{"eventType":"Started","timestamp":"@","triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"$"},"evse":{"id":2,"connectorId":1},"idToken":{"idToken":"T","type":"ISO14443"},"meterValue":[{"timestamp":"@","sampledValue":[{"value":0.012,"context":"Transaction.Begin","measurand":"Energy.Active.Import.Register","unitOfMeasure":{"unit":"kWh","multiplier":3}}]}]}`,
		`"StatusNotification",{"timestamp":"@","connectorStatus":"Occupied","evseId":2,"connectorId":1}`,
		`"TransactionEvent",{"eventType":"Updated","timestamp":"@","triggerReason":"ChargingStateChanged","seqNo":1,"transactionInfo":{"transactionId":"$","chargingState":"Charging"},"evse":{"id":2,"connectorId":1}}`,
		`"TransactionEvent",{"eventType":"Updated","timestamp":"@","triggerReason":"MeterValueClock","seqNo":2,"transactionInfo":{"transactionId":"$","chargingState":"Charging"},"evse":{"id":2,"connectorId":1},"meterValue":[{"timestamp":"@","sampledValue":[{"value":0.01250,"context":"Sample.Clock","phase":"L1","location":"Outlet","unitOfMeasure":{"unit":"kWh","multiplier":3}},{"value":7.4,"context":"Sample.Clock","measurand":"Power.Active.Import","location":"Outlet","unitOfMeasure":{"unit":"W"}},{"value":32.2,"context":"Sample.Clock","measurand":"Current.Import","location":"Outlet","unitOfMeasure":{"unit":"A"}}]}]}`,
		`"TransactionEvent",{"eventType":"Updated","timestamp":"@","triggerReason":"ChargingStateChanged","seqNo":3,"transactionInfo":{"transactionId":"$","chargingState":"SuspendedEV"},"evse":{"id":2,"connectorId":1}}`,
		`"MeterValues",{"evseId":2,"meterValue":[{"timestamp":"@","sampledValue":[{"value":230.0,"measurand":"Voltage","unitOfMeasure":{"unit":"V"}}]}]}`,
		`"TransactionEvent",{"eventType":"Ended","timestamp":"@","triggerReason":"ResetCommand","seqNo":4,"transactionInfo":{"transactionId":"$","chargingState":"EVConnected","stoppedReason":"ImmediateReset"},"meterValue":[{"timestamp":"@","sampledValue":[{"value":0.013,"context":"Transaction.End","measurand":"Energy.Active.Import.Register","unitOfMeasure":{"unit":"kWh","multiplier":3}}]}]}`,
		`"StatusNotification",{"timestamp":"@","connectorStatus":"Occupied","evseId":2,"connectorId":1}`,
		`"TransactionEvent",{"eventType":"Updated","timestamp":"@","triggerReason":"MeterValuePeriodic","seqNo":5,"transactionInfo":{"transactionId":"$"},"evse":{"id":2,"connectorId":1},"meterValue":[{"timestamp":"@","sampledValue":[{"value":13.01,"unitOfMeasure":{"unit":"kWh"}}]}]}`,
		`"TransactionEvent",{"eventType":"Updated","timestamp":"@","triggerReason":"MeterValuePeriodic","seqNo":0,"transactionInfo":{"transactionId":"99"},"evse":{"id":2,"connectorId":1},"meterValue":[{"timestamp":"@","sampledValue":[{"value":13020,"unitOfMeasure":{"unit":"kWh","multiplier":-3}}]}]}`,
		`"TransactionEvent",{"eventType":"Updated","timestamp":"@","triggerReason":"MeterValuePeriodic","seqNo":1,"transactionInfo":{"transactionId":"99"},"evse":{"id":2,"connectorId":1},"meterValue":[{"timestamp":"@","sampledValue":[{"value":0.01303,"unitOfMeasure":{"unit":"kWh","multiplier":3}}]}]}`,
		`"TransactionEvent",{"eventType":"Ended","timestamp":"@","triggerReason":"StopAuthorized","seqNo":0,"transactionInfo":{"transactionId":"98"},"evse":{"id":1,"connectorId":1},"meterValue":[{"timestamp":"@","sampledValue":[{"value":0.005,"context":"Transaction.End","measurand":"Energy.Active.Import.Register","unitOfMeasure":{"unit":"kWh","multiplier":3}}]}]}`,
		`"MeterValues",{"evseId":0,"meterValue":[{"timestamp":"@","sampledValue":[{"value":0.040,"unitOfMeasure":{"unit":"kWh","multiplier":3}}]}]}`,
		`"Heartbeat",{}`,
		`"DataTransfer",{"vendorId":"com.example","data":"x"}`,
	}
	text := strings.Replace(`name: test
title: {en: a, tr: b}
description: {en: a, tr: b}
connectors: 2
protocol: PROTOCOL`+steps+"truth: {phantom: false}\n", "\n\n", "\n", 1)
	for _, p := range []hayalet.Protocol{hayalet.OCPP201, hayalet.OCPP21} {
		t.Run(string(p), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				scenario, err := sim.Parse("x.yml", []byte(strings.Replace(text, "PROTOCOL", string(p), 1)))
				if err != nil {
					t.Fatal(err)
				}
				s := centralOf(t, p)
				l := &log{}
				res, err := sim.Play(t.Context(), sim.Options{Scenario: scenario, URL: stationURL, Dial: s.dial, Listener: l})
				s.wg.Wait()
				if err != nil || len(res.Transactions) != 1 || len(s.calls) != len(want) {
					t.Fatalf("%v, %+v, %v", err, res, s.actions())
				}
				conform(t, p, s.calls)
				for i, c := range s.calls {
					text := strings.NewReplacer("@", c.at.UTC().Format("2006-01-02T15:04:05.000Z"), "$", res.Transactions[0].String()).Replace(want[i])
					if text := `[2,"` + c.id + `",` + text + `]`; c.text != text {
						t.Errorf("call %d:\n got %s\nwant %s", i, c.text, text)
					}
				}
				if id := res.Transactions[0].String(); len(id) != 36 {
					t.Errorf("transaction %q is no UUID", id)
				}
			})
		})
	}
}

// TestOfflineOf2: what happens while the station is away says so when it comes, in order; statuses do not come at all.
func TestOfflineOf2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := centralOf(t, hayalet.OCPP201)
		_, l, err := play(t.Context(), t, s, sim.Options{Scenario: parse(t, `
steps:
  - boot: {}
  - start: {meter_start: 100}
  - disconnect: {}
  - status: {status: Charging}
  - wait: 1s
  - meter: {value: 110}
  - stop: {meter_stop: 120, reason: EVDisconnected}
  - meter: {value: 121}
  - wait: 1s
  - reconnect: {}
  - status: {status: Available}
`)})
		if err != nil {
			t.Fatal(err)
		}
		conform(t, hayalet.OCPP201, s.calls)
		sequence(t, s)
		var got []string
		for _, c := range s.calls {
			info, _ := c.payload["transactionInfo"].(map[string]any)
			got = append(got, strings.TrimSpace(fmt.Sprintln(c.action, c.payload["eventType"], c.payload["offline"], info["chargingState"], info["stoppedReason"])))
		}
		want := []string{
			"BootNotification <nil> <nil> <nil> <nil>",
			"TransactionEvent Started <nil> <nil> <nil>",
			"TransactionEvent Updated true Charging <nil>",
			"TransactionEvent Updated true Charging <nil>",
			"TransactionEvent Ended true Idle EVDisconnected",
			"MeterValues <nil> <nil> <nil> <nil>",
			"StatusNotification <nil> <nil> <nil> <nil>",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %s", strings.Join(got, "\n"))
		}
		if stop := s.calls[4]; stop.at.Sub(stop.stamp(t)) != time.Second {
			t.Errorf("the queued end is stamped %v before it is sent", stop.at.Sub(stop.stamp(t)))
		}
		if !l.has(sim.NoteSkipped) || !l.has(sim.NoteQueued) {
			t.Errorf("notes %v", l.notes)
		}
	})
}

// TestStatusAfterTheOutage: a status that was lost with the connection is told with the next one.
func TestStatusAfterTheOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := centralOf(t, hayalet.OCPP21)
		_, _, err := play(t.Context(), t, s, sim.Options{Scenario: parse(t, `
steps:
  - start: {meter_start: 100}
  - disconnect: {}
  - status: {status: Preparing}
  - reconnect: {}
  - status: {status: Charging}
  - status: {status: SuspendedEV}
  - stop: {meter_stop: 100}
`)})
		want := []string{"TransactionEvent", "TransactionEvent", "StatusNotification", "TransactionEvent", "TransactionEvent", "TransactionEvent"}
		if got := s.actions(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, %v", err, got)
		}
		sequence(t, s)
	})
}

// TestOneWayFrames: SEND and CALLRESULTERROR want no answer, whatever id they have.
func TestOneWayFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := centralOf(t, hayalet.OCPP21)
		s.answer = func(c call, _ int) string {
			if c.action == "Heartbeat" {
				return ""
			}
			return standard(c)
		}
		s.onCall = func(conn net.Conn, c call) {
			if c.action == "Heartbeat" {
				go func() {
					s.text(conn, `[6,"`+c.id+`","NotifyPeriodicEventStream",{}]`)
					s.text(conn, `[5,"`+c.id+`","InternalError","",{}]`)
					s.text(conn, `[3,"`+c.id+`",{}]`)
				}()
			}
		}
		res, _, err := play(t.Context(), t, s, sim.Options{Scenario: parse(t, "steps: [{boot: {}}, {heartbeat: {}}, {wait: 1s}]\n")})
		if err != nil || res.Unexpected != 2 || res.Timeouts != 0 || res.CallErrors != 0 || len(s.answers) != 0 {
			t.Errorf("%v, %+v, answers %v", err, res, s.answers)
		}
	})
}

func TestRefusedTokenOf2(t *testing.T) {
	for answer, refused := range map[string]bool{
		`3,{"idTokenInfo":{"status":"Blocked"}}`: true, `3,{"idTokenInfo":{"status":"Accepted"}}`: false, `3,{}`: false,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := centralOf(t, hayalet.OCPP21)
			s.answer = func(c call, _ int) string {
				if c.action == "TransactionEvent" {
					return answer
				}
				return standard(c)
			}
			_, l, err := play(t.Context(), t, s, sim.Options{Scenario: parse(t, "steps: [{boot: {}}, {start: {meter_start: 1}}, {stop: {meter_stop: 1}}]\n")})
			if err != nil || l.has(sim.NoteTokenRefused) != refused {
				t.Errorf("%s: %v, %v", answer, err, l.notes)
			}
		})
	}
}

func TestProtocolOfAPlay(t *testing.T) {
	heat := parse(t, "steps: [{meter: {value: 20, measurand: Temperature, unit: Celsius}}]\n")
	for _, tt := range []struct {
		name string
		o    sim.Options
		says string
	}{
		{"unknown", sim.Options{Scenario: shipped(t, "normal"), Protocol: "ocpp2.0"}, "ocpp2.1, ocpp2.0.1, ocpp1.6"},
		{"without a word", sim.Options{Scenario: heat, Protocol: hayalet.OCPP21}, "line 6: ocpp2.1 has no measurand Temperature"},
	} {
		tt.o.URL = stationURL
		if _, err := sim.Play(t.Context(), tt.o); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
