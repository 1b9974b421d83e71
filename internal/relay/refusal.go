package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"hayalet/internal/socket"
)

// refusal is how a station's handshake is refused: in the upstream's words, or in ours where there is no upstream.
type refusal struct {
	status int
	text   string // for our log
	header []socket.Field
	body   []byte
}

func refuse(status int, format string, args ...any) *refusal {
	text := fmt.Sprintf(format, args...)
	return &refusal{status: status, text: text, body: []byte(text + "\n")}
}

func (r *refusal) Error() string   { return r.text }
func (r *refusal) HTTPStatus() int { return r.status }

// HTTPAnswer is what the station is told.
func (r *refusal) HTTPAnswer() (header []socket.Field, body []byte) { return r.header, r.body }

// refusalOf words a failed dial. What the network said is for our log alone.
func refusalOf(err error) error {
	if _, ok := errors.AsType[*refusal](err); ok {
		return err
	}
	r := refuse(http.StatusBadGateway, "the central system cannot be reached")
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		r = refuse(http.StatusGatewayTimeout, "the central system does not answer")
	}
	r.text += ": " + err.Error()
	return r
}

// refusedBy passes on what an upstream answered instead of 101.
func refusedBy(resp *http.Response, body []byte) *refusal {
	r := &refusal{status: resp.StatusCode, body: body}
	r.text = fmt.Sprintf("the central system refused: %s", resp.Status)
	switch {
	case resp.StatusCode < 300: // a page, where a WebSocket should be
		return refuse(http.StatusBadGateway, "the central system does not speak WebSocket at this address (%s)", resp.Status)
	case resp.StatusCode < 400:
		r.text += fmt.Sprintf(", redirected to %q; if that is right, give it as the upstream's URL", resp.Header.Get("Location"))
	}
	// Those that mean something to a station behind a relay.
	for _, name := range []string{"Www-Authenticate", "Retry-After", "Sec-Websocket-Version", "Content-Type", "Content-Encoding"} {
		for _, val := range resp.Header[name] {
			r.header = append(r.header, socket.Field{Name: name, Value: clean(val)})
		}
	}
	return r
}

// clean drops what could end a header line. Other bytes stay, whatever their encoding.
func clean(val string) string {
	if !strings.ContainsAny(val, "\r\n\x00") {
		return val
	}
	return strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(val)
}
