package lab

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"hayalet"
)

// habits2 are those of a station that speaks OCPP 2.x. They are drawn apart, so that a story is the same in each version.
type habits2 struct {
	bare       bool   // Ended names no EVSE
	terse      bool   // nor does Updated: an id's first event does
	early      bool   // Started comes before the cable: the EVSE is told with the next event
	states     bool   // each event repeats the charging state
	trims      bool   // its JSON numbers have no trailing zeros
	noisy      bool   // they were calculated in floating point
	multiplier bool   // kilo is written as a multiplier
	monitors   bool   // 2.1: NotifyEvent in the place of StatusNotification
	prefix     string // of its transaction ids
}

// version2 turns what a station of OCPP 1.6 says into what one of 2.x says, which names its transactions itself and knows
// which one runs. It stands between the families, whose calls are those of 1.6, and the link.
type version2 struct {
	habits2
	protocol hayalet.Protocol
	running  map[int]string // transaction id by EVSE
	known    map[string]*transaction2
	issued   int // ids that no answer of 1.6 gives
	events   int // of NotifyEvent
}

// transaction2 is what the station keeps of a transaction id, its own or one that it makes up.
type transaction2 struct {
	evse  int
	began bool   // the station was told to start it
	seqNo int    // of the next event
	ended bool   // its last event was the end
	state string // of charging; "" for what the station does not run
}

func newVersion2(p hayalet.Protocol, seed uint64) *version2 {
	rng := rand.New(rand.NewPCG(seed, 0x6f63_7070_32))
	one := func(in int) bool { return rng.IntN(in) == 0 }
	return &version2{
		habits2: habits2{
			bare: one(2), terse: one(4), early: one(4), states: one(2), trims: one(2), noisy: one(6), multiplier: one(3),
			prefix: []string{"", "", "tx-"}[rng.IntN(3)], monitors: p == hayalet.OCPP21 && one(3),
		},
		protocol: p, running: make(map[int]string), known: make(map[string]*transaction2),
	}
}

// payload16 is what is read of a call of 1.6.
type payload16 struct {
	ConnectorID     int         `json:"connectorId"`
	TransactionID   json.Number `json:"transactionId"`
	IDTag           string      `json:"idTag"`
	MeterStart      json.Number `json:"meterStart"`
	MeterStop       json.Number `json:"meterStop"`
	Timestamp       string      `json:"timestamp"`
	Status          string      `json:"status"`
	Reason          string      `json:"reason"`
	MeterValue      []group16   `json:"meterValue"`
	TransactionData []group16   `json:"transactionData"`
}

type group16 struct {
	Timestamp    string     `json:"timestamp"`
	SampledValue []sample16 `json:"sampledValue"`
}

type sample16 struct {
	sampleNames
	Value string `json:"value"`
	Unit  string `json:"unit"`
}

// sampleNames are the members of a sample that are alike in every version.
type sampleNames struct {
	Context   string `json:"context,omitempty"`
	Measurand string `json:"measurand,omitempty"`
	Phase     string `json:"phase,omitempty"`
	Location  string `json:"location,omitempty"`
}

// values2 is a MeterValuesRequest.
type values2 struct {
	EVSE       int      `json:"evseId"`
	MeterValue []group2 `json:"meterValue"`
}

type group2 struct {
	Timestamp    string    `json:"timestamp,omitempty"`
	SampledValue []sample2 `json:"sampledValue"`
}

type sample2 struct {
	Value json.RawMessage `json:"value"`
	sampleNames
	Unit *unit2 `json:"unitOfMeasure,omitempty"`
}

type unit2 struct {
	Unit       string `json:"unit"`
	Multiplier int    `json:"multiplier,omitempty"`
}

type evse2 struct {
	ID          int `json:"id"`
	ConnectorID int `json:"connectorId,omitempty"`
}

// event2 is a TransactionEventRequest.
type event2 struct {
	EventType     string `json:"eventType"`
	Timestamp     string `json:"timestamp"`
	TriggerReason string `json:"triggerReason"`
	SeqNo         int    `json:"seqNo"`
	Offline       bool   `json:"offline,omitempty"`
	Info          struct {
		ID            string `json:"transactionId"`
		ChargingState string `json:"chargingState,omitempty"`
		StoppedReason string `json:"stoppedReason,omitempty"`
	} `json:"transactionInfo"`
	EVSE       *evse2   `json:"evse,omitempty"`
	Token      *token2  `json:"idToken,omitempty"`
	MeterValue []group2 `json:"meterValue,omitempty"`
}

type token2 struct {
	IDToken string `json:"idToken"`
	Type    string `json:"type"`
}

// say is what the station says in the place of m.
func (v *version2) say(w *World, m message) []message {
	var p payload16
	if json.Unmarshal([]byte(m.payload), &p) != nil { // broken in one version, broken in the other
		m.payload = strings.Replace(m.payload, `"connectorId"`, `"evseId"`, 1)
		return []message{m}
	}
	switch m.action {
	case "BootNotification":
		m.payload = `{"reason":"PowerUp","chargingStation":{"vendorName":"Lab","model":"World"}}`
		m.answer = w.answer(fmt.Sprintf(`{"currentTime":%q,"interval":300,"status":"Accepted"}`, w.claimed()))
	case "StatusNotification":
		m = v.status(w, &p)
	case "StartTransaction":
		return v.start(w, &p, m.answer)
	case "StopTransaction":
		m = v.stop(w, &p)
	case "MeterValues":
		m = v.meter(w, &p, m.payload)
	}
	return []message{m}
}

// start names the transaction as the answer of 1.6 would have done.
func (v *version2) start(w *World, p *payload16, answer func()) []message {
	number, status := w.answered(answer)
	if number == "" {
		v.issued++
		number = fmt.Sprint("own-", v.issued)
	}
	e := event2{EventType: "Started", Timestamp: p.Timestamp, TriggerReason: "Authorized"}
	e.Info.ID = v.prefix + number
	e.Token = &token2{IDToken: p.IDTag, Type: "Central"}
	e.MeterValue = v.book(w, p.MeterStart, "Transaction.Begin", p.Timestamp)
	v.running[p.ConnectorID] = e.Info.ID
	v.known[e.Info.ID] = &transaction2{evse: p.ConnectorID, began: true, state: "EVConnected"}
	where := &evse2{ID: p.ConnectorID, ConnectorID: 1}
	if !v.early {
		e.EVSE = where
	}
	m := v.transaction(w, &e)
	m.answer = func() {}
	if status != "" {
		m.answer = w.answer(fmt.Sprintf(`{"idTokenInfo":{"status":%q}}`, status))
	}
	if !v.early {
		return []message{m}
	}
	plugged := event2{EventType: "Updated", Timestamp: p.Timestamp, TriggerReason: "CablePluggedIn", Info: e.Info, EVSE: where}
	return []message{m, v.transaction(w, &plugged)}
}

// stop ends a transaction; one that ended before is said to end again, in the same words.
func (v *version2) stop(w *World, p *payload16) message {
	e := event2{EventType: "Ended", Timestamp: p.Timestamp, TriggerReason: "StopAuthorized"}
	e.Info.ID, e.Info.StoppedReason = v.prefix+p.TransactionID.String(), p.Reason
	if _, ok := v.known[e.Info.ID]; !ok && len(v.running) == 1 && none(p.TransactionID) {
		for _, own := range v.running {
			e.Info.ID = own
		}
	}
	e.MeterValue = v.groups(p.TransactionData)
	if !strings.Contains(string(encode(e.MeterValue)), "Transaction.End") {
		e.MeterValue = append(e.MeterValue, v.book(w, p.MeterStop, "Transaction.End", p.Timestamp)...)
	}
	tx := v.of(e.Info.ID, 0)
	if tx.evse != 0 && !v.bare {
		e.EVSE = &evse2{ID: tx.evse}
	}
	if tx.ended {
		tx.seqNo--
	}
	tx.ended = true
	if tx.state != "" {
		tx.state = "EVConnected"
	}
	if v.running[tx.evse] == e.Info.ID {
		delete(v.running, tx.evse)
	}
	return v.transaction(w, &e)
}

// meter sends values under the id of a transaction with it, others without.
func (v *version2) meter(w *World, p *payload16, payload string) message {
	groups := v.groups(p.MeterValue)
	id := v.name(p)
	if id == "" || len(groups) == 0 {
		return message{action: "MeterValues", payload: string(encode(values2{p.ConnectorID, groups}))}
	}
	e := event2{EventType: "Updated", Timestamp: groups[len(groups)-1].Timestamp, TriggerReason: "MeterValuePeriodic", MeterValue: groups}
	if strings.Contains(payload, "Sample.Clock") {
		e.TriggerReason = "MeterValueClock"
	}
	e.Info.ID = id
	if tx := v.of(id, p.ConnectorID); tx.state == "EVConnected" && !tx.ended {
		tx.state = "Charging"
	}
	v.update(&e, p.ConnectorID)
	return v.transaction(w, &e)
}

// status is the plug's, or the charging state of the transaction that runs there.
func (v *version2) status(w *World, p *payload16) message {
	id, runs := v.running[p.ConnectorID]
	switch p.Status {
	case "Charging", "SuspendedEV", "SuspendedEVSE":
		if runs {
			e := event2{EventType: "Updated", Timestamp: w.claimed(), TriggerReason: "ChargingStateChanged"}
			e.Info.ID, e.Info.ChargingState = id, p.Status
			v.known[id].state = p.Status
			v.update(&e, p.ConnectorID)
			return v.transaction(w, &e)
		}
		p.Status = "Occupied"
	case "Preparing", "Finishing":
		p.Status = "Occupied"
	}
	if v.monitors && p.ConnectorID != 0 {
		v.events++
		return message{action: "NotifyEvent", payload: fmt.Sprintf(`{"generatedAt":%q,"seqNo":0,"eventData":[{"eventId":%d,"timestamp":%q,`+
			`"trigger":"Delta","actualValue":%q,"eventNotificationType":"HardWiredNotification","component":{"name":"Connector",`+
			`"evse":{"id":%d,"connectorId":1}},"variable":{"name":"AvailabilityState"}}]}`,
			w.claimed(), v.events, w.claimed(), p.Status, p.ConnectorID)}
	}
	when := ""
	if p.Timestamp != "" {
		when = fmt.Sprintf(`"timestamp":%q,`, p.Timestamp)
	}
	return message{action: "StatusNotification", payload: fmt.Sprintf(`{%s"connectorStatus":%q,"evseId":%d,"connectorId":%d}`,
		when, p.Status, p.ConnectorID, min(p.ConnectorID, 1))}
}

// name is the id under which a station of 2.x sends values that carry this one in 1.6; "" for none. Where 1.6 writes a number
// that stands for none, it knows its own.
func (v *version2) name(p *payload16) string {
	switch {
	case p.TransactionID == "":
		return ""
	case none(p.TransactionID):
		return v.running[p.ConnectorID]
	}
	return v.prefix + p.TransactionID.String()
}

// none reports whether an id of 1.6 stands for none: 0, below, or near the largest integer.
func none(id json.Number) bool {
	n, err := strconv.ParseInt(id.String(), 10, 64)
	return err == nil && (n <= 0 || n > 1<<62)
}

// of is what the station keeps of an id.
func (v *version2) of(id string, evse int) *transaction2 {
	tx := v.known[id]
	if tx == nil {
		tx = &transaction2{evse: evse}
		v.known[id] = tx
	}
	return tx
}

// update names the EVSE of an event where the station does, or where nobody could know it.
func (v *version2) update(e *event2, evse int) {
	tx := v.of(e.Info.ID, evse)
	over := tx.began && v.running[evse] != e.Info.ID
	if !v.terse || tx.seqNo == 0 || tx.evse != evse || over {
		e.EVSE = &evse2{ID: evse}
	}
	tx.ended = false
}

// transaction numbers an event.
func (v *version2) transaction(w *World, e *event2) message {
	tx := v.of(e.Info.ID, 0)
	e.SeqNo, e.Offline = tx.seqNo, w.offline
	if v.states && e.Info.ChargingState == "" {
		e.Info.ChargingState = tx.state
	}
	tx.seqNo++
	return message{action: "TransactionEvent", payload: string(encode(e))}
}

// book is meterStart or meterStop as a sample. The number is that of 1.6, in whatever unit the station takes for Wh.
func (v *version2) book(w *World, value json.Number, context, timestamp string) []group2 {
	if w.NoBook { // 1.6 has no way to say nothing
		return nil
	}
	return []group2{{timestamp, []sample2{{
		Value:       json.RawMessage(value),
		sampleNames: sampleNames{Context: context, Measurand: "Energy.Active.Import.Register"},
		Unit:        &unit2{Unit: "Wh"},
	}}}}
}

func (v *version2) groups(of []group16) []group2 {
	groups := []group2{}
	for _, g := range of {
		values := make([]sample2, len(g.SampledValue))
		for i, s := range g.SampledValue {
			values[i] = sample2{Value: v.value(s.Value), sampleNames: s.sampleNames, Unit: v.unit(s.Unit)}
		}
		groups = append(groups, group2{g.Timestamp, values})
	}
	return groups
}

// value is a number where it is one. Stations that write blanks around it write a string in every version.
func (v *version2) value(text string) json.RawMessage {
	if strings.TrimSpace(text) != text || !json.Valid([]byte(text)) {
		return encode(text)
	}
	if !strings.Contains(text, ".") {
		return json.RawMessage(text)
	}
	switch {
	case v.noisy:
		f, _ := strconv.ParseFloat(text, 64) // it is one
		text = strconv.FormatFloat(f/10*3+f/10*7, 'f', -1, 64)
	case v.trims:
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return json.RawMessage(text)
}

func (v *version2) unit(name string) *unit2 {
	if name == "" {
		return nil
	}
	if base, kilo := strings.CutPrefix(name, "k"); kilo && v.multiplier {
		return &unit2{Unit: base, Multiplier: 3}
	}
	return &unit2{Unit: name}
}

// encode writes what always can be written.
func encode(of any) []byte {
	data, err := json.Marshal(of)
	if err != nil {
		panic(err) // the types are ours
	}
	return data
}

// answer sends a result to the call sent last.
func (w *World) answer(payload string) func() {
	return func() {
		w.frame(hayalet.Message, hayalet.Out, fmt.Sprintf(`[3,"%s-%d",%s]`, w.station, w.message, payload))
	}
}

// answered is what the answer to a StartTransaction of 1.6 says: the transaction's number and what becomes of the token.
// Nothing is sent. An empty status is no answer at all.
func (w *World) answered(answer func()) (number, status string) {
	if answer == nil {
		return "", "Accepted"
	}
	frames, seq := w.frames, w.seq
	w.frames = nil
	answer()
	said := w.frames
	w.frames, w.seq = frames, seq
	if len(said) == 0 {
		return "", ""
	}
	var result struct {
		TransactionID json.Number `json:"transactionId"`
		IDTagInfo     struct {
			Status string `json:"status"`
		} `json:"idTagInfo"`
	}
	if err := json.Unmarshal(said[0].Data, &[]any{new(float64), new(string), &result}); err != nil {
		panic(err) // the families write them
	}
	return result.TransactionID.String(), result.IDTagInfo.Status
}
