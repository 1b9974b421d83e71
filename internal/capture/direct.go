package capture

import (
	"hayalet"
	"hayalet/internal/jsonread"
)

// directions are the words that say who sent a message, in lower case and without what is no letter.
var directions = map[string]hayalet.Direction{
	"in": hayalet.In, "incoming": hayalet.In, "inbound": hayalet.In, "received": hayalet.In, "receive": hayalet.In, "recv": hayalet.In,
	"rx": hayalet.In, "cptocsms": hayalet.In, "cstocsms": hayalet.In, "cptocs": hayalet.In, "chargepointtocentralsystem": hayalet.In,
	"chargepointcentralsystem": hayalet.In, "chargingstationtocsms": hayalet.In, "fromstation": hayalet.In, "fromchargepoint": hayalet.In,
	"fromcp": hayalet.In, "cpcsms": hayalet.In, "cscsms": hayalet.In, "chargepoint": hayalet.In, "chargingstation": hayalet.In, "station": hayalet.In, "charger": hayalet.In, "cp": hayalet.In,
	"out": hayalet.Out, "outgoing": hayalet.Out, "outbound": hayalet.Out, "sent": hayalet.Out, "send": hayalet.Out, "sending": hayalet.Out,
	"tx": hayalet.Out, "csmstocp": hayalet.Out, "csmstocs": hayalet.Out, "cstocp": hayalet.Out, "centralsystemtochargepoint": hayalet.Out,
	"centralsystemchargepoint": hayalet.Out, "csmstochargingstation": hayalet.Out, "tostation": hayalet.Out, "tochargepoint": hayalet.Out,
	"tocp": hayalet.Out, "csmscp": hayalet.Out, "csmscs": hayalet.Out, "csms": hayalet.Out, "centralsystem": hayalet.Out, "server": hayalet.Out,
}

// directionOf reads a word of any program.
func directionOf(word []byte) (hayalet.Direction, bool) {
	dir, ok := directions[string(letters(word))]
	return dir, ok
}

// letters returns the letters and digits of b in lower case, up to 40 of them.
func letters(b []byte) []byte {
	var buf [40]byte
	out := buf[:0]
	for _, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if (c >= 'a' && c <= 'z' || isDigit(c)) && len(out) < len(buf) {
			out = append(out, c)
		}
	}
	return out
}

// maxCalls is how many calls without an answer a guesser remembers.
const maxCalls = 4096

// guesser tells directions where a format names none: a call by its action, an answer by its call, which is one of the same
// station. It forgets all calls when they grow too many.
type guesser struct {
	calls map[string]hayalet.Direction
	key   []byte
}

func (g *guesser) guess(station, data []byte) (dir hayalet.Direction, ok bool) {
	r := jsonread.New(data)
	if !r.Array() || !r.More() {
		return 0, false
	}
	kind, _ := r.Number()
	if !r.More() {
		return 0, false
	}
	id := r.Skip()
	if len(id) > maxName {
		return 0, false
	}
	g.key = append(append(append(g.key[:0], station...), '#'), id...)
	if string(kind) != "2" {
		dir, ok = g.calls[string(g.key)]
		delete(g.calls, string(g.key))
		return hayalet.Out - dir, ok
	}
	switch caller(data) {
	case stationSide:
		dir = hayalet.In
	case centralSide:
		dir = hayalet.Out
	default:
		return 0, false
	}
	if g.calls == nil {
		g.calls = make(map[string]hayalet.Direction)
	}
	if len(g.calls) >= maxCalls {
		clear(g.calls)
	}
	g.calls[string(g.key)] = dir
	return dir, true
}
