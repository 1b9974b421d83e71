package csms

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json"

	"hayalet"
	"hayalet/internal/ocpp"
	"hayalet/internal/ocpp/tolerant"
)

// dialect is one version of OCPP as a central system speaks it.
type dialect struct {
	name     string             // for people
	answers  map[string]handler // by the action of a station
	booked   []string           // those of them whose answer waits for the book, or is followed by commands
	sends    []string           // actions that a station sends without waiting for an answer
	commands []string           // actions of the central system, sorted
	settings func(Sampling) []setting
}

// handler composes the payload of a CALLRESULT from that of a CALL, which is a JSON object.
type handler func(ctx context.Context, p *Peer, payload []byte) ([]byte, *ocpp.WireError)

// dialects are the versions that are spoken.
func dialects() map[hayalet.Protocol]*dialect {
	return map[hayalet.Protocol]*dialect{
		hayalet.OCPP16: dialect16(), hayalet.OCPP201: dialect201(), hayalet.OCPP21: dialect21(),
	}
}

func (d *dialect) isCommand(action string) bool {
	_, found := slices.BinarySearch(d.commands, action)
	return found
}

// noted answers a message that asks nothing.
func noted(context.Context, *Peer, []byte) ([]byte, *ocpp.WireError) { return []byte("{}"), nil }

// says answers always the same.
func says(resp any) handler {
	return func(context.Context, *Peer, []byte) ([]byte, *ocpp.WireError) { return respond(resp, nil) }
}

// reads answers with what f makes of the request, however odd that is.
func reads[Req, Resp any](f func(*Peer, context.Context, *Req) (Resp, *ocpp.WireError)) handler {
	return func(ctx context.Context, p *Peer, payload []byte) ([]byte, *ocpp.WireError) {
		var req Req
		if err := tolerant.Unmarshal(payload, &req); err != nil {
			return nil, &ocpp.WireError{Code: ocpp.FormationViolation, Text: "the payload cannot be read"}
		}
		return respond(f(p, ctx, &req))
	}
}

func respond(resp any, fault *ocpp.WireError) ([]byte, *ocpp.WireError) {
	if fault != nil {
		return nil, fault
	}
	payload, err := json.Marshal(resp)
	if err != nil { // our own types are at fault
		return nil, &ocpp.WireError{Code: ocpp.InternalError, Text: "internal error"}
	}
	return payload, nil
}
