package sim

import (
	"encoding/json"
	"fmt"

	"hayalet/internal/ocpp"
)

// answer answers a call of the central system.
func (p *player) answer(m ocpp.Message) error {
	p.res.Commands++
	result, code := p.command(m)
	var body []byte
	if code == "" {
		var err error
		if body, err = json.Marshal(result); err != nil {
			return fmt.Errorf("encode answer to %s: %w", m.Action, err)
		}
	}
	note := Note{Kind: NoteCommand, Action: m.Action, Text: string(code)}
	data := ocpp.AppendResult(nil, m.ID, body)
	if code != "" {
		data = ocpp.AppendError(nil, m.ID, code, "")
	} else if s, ok := result.(statusOnly); ok {
		note.Text = s.Status
	}
	if err := p.send(data); err != nil {
		return err
	}
	p.note(note)
	return nil
}

// command works out the answer to a call: a result, or the code of an error.
func (p *player) command(m ocpp.Message) (any, ocpp.ErrorCode) {
	var req request
	if err := json.Unmarshal(m.Payload, &req); err != nil {
		return nil, ocpp.FormationViolation
	}
	switch m.Action {
	case "Reset":
		p.afterScript(p.reboot)
		return status("Accepted"), ""
	case "TriggerMessage", "ExtendedTriggerMessage":
		return p.trigger(req), ""
	case "RemoteStartTransaction":
		return p.remoteStart(req), ""
	case "RemoteStopTransaction":
		return p.remoteStop(req), ""
	case "ChangeAvailability":
		return p.availability(req), ""
	case "ReserveNow":
		return p.station.reserve(req, p.running[req.Connector] != nil), ""
	}
	return p.station.command(m.Action, req)
}

// request holds the members that any call of the central system may carry and that a station looks at.
type request struct {
	Connector     int      `json:"connectorId"`
	IDTag         string   `json:"idTag"`
	Transaction   int64    `json:"transactionId"`
	Requested     string   `json:"requestedMessage"`
	Key           keyNames `json:"key"` // a string, or a list of them
	Value         string   `json:"value"`
	Type          string   `json:"type"`
	ListVersion   int      `json:"listVersion"`
	ReservationID int      `json:"reservationId"`
}

// keyNames is "key" of ChangeConfiguration, a string, and of GetConfiguration, a list.
type keyNames []string

// UnmarshalJSON reads either.
func (k *keyNames) UnmarshalJSON(b []byte) error {
	var one string
	if err := json.Unmarshal(b, &one); err == nil {
		*k = keyNames{one}
		return nil
	}
	var list []string
	err := json.Unmarshal(b, &list)
	*k = list
	return err
}

func status(s string) statusOnly { return statusOnly{Status: s} }

func acceptedIf(ok bool, otherwise string) statusOnly {
	if ok {
		return status("Accepted")
	}
	return status(otherwise)
}
