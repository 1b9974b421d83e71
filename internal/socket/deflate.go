package socket

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/gobwas/ws"
	"github.com/klauspost/compress/flate"
)

// DeflateOffer is how a client offers permessage-deflate, and DeflateAnswer how a server takes it [RFC 7692 §7]. Neither
// side keeps a window between messages, so an idle connection holds no memory for it.
const (
	DeflateOffer  = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	DeflateAnswer = DeflateOffer
)

const (
	deflateFrom = 256 // bytes; a shorter message is not worth it

	// deflateTail is what every deflated message is sent without, with an empty last block that lets the reader end.
	deflateTail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"
)

// AcceptsDeflate reports whether one of a client's offers can be taken with DeflateAnswer. offers are the values of
// Sec-WebSocket-Extensions.
func AcceptsDeflate(offers []string) bool {
	for _, ext := range extensions(offers) {
		ok := ext.name == "permessage-deflate"
		for name, val := range ext.params {
			switch name {
			case "server_no_context_takeover", "client_no_context_takeover":
				ok = ok && val == ""
			case "server_max_window_bits": // our window is the full one
				ok = ok && val == "15"
			case "client_max_window_bits":
			default:
				ok = false
			}
		}
		if ok {
			return true
		}
	}
	return false
}

// ErrExtension is a server's answer that was not offered, or that we cannot keep to.
var ErrExtension = errors.New("the answer to the offered extension cannot be used")

// DeflateAccepted reads a server's answer to DeflateOffer: whether the connection is deflated.
func DeflateAccepted(answer []string) (bool, error) {
	all := extensions(answer)
	if len(all) == 0 {
		return false, nil
	}
	_, fresh := all[0].params["server_no_context_takeover"]
	_, bits := all[0].params["client_max_window_bits"]
	if len(all) > 1 || all[0].name != "permessage-deflate" || !fresh || bits {
		return false, ErrExtension
	}
	return true, nil
}

type extension struct {
	name   string
	params map[string]string
}

func extensions(values []string) []extension {
	var all []extension
	for _, text := range strings.Split(strings.Join(values, ","), ",") {
		name, rest, _ := strings.Cut(text, ";")
		if name = strings.ToLower(strings.TrimSpace(name)); name == "" {
			continue
		}
		ext := extension{name: name, params: map[string]string{}}
		for _, p := range strings.Split(rest, ";") {
			key, val, _ := strings.Cut(p, "=")
			if key = strings.ToLower(strings.TrimSpace(key)); key != "" {
				ext.params[key] = strings.Trim(strings.TrimSpace(val), `"`)
			}
		}
		all = append(all, ext)
	}
	return all
}

// deflate appends data as a deflated message, and reports whether that made it shorter; if not, nothing is appended.
func (b *buffer) deflate(data []byte) bool {
	start := len(*b)
	_ = flate.StatelessDeflate(b, data, false, nil) // a buffer does not fail
	*b = (*b)[:len(*b)-4]                           // it ends with the tail's first half
	if len(*b)-start < len(data) {
		return true
	}
	*b = (*b)[:start]
	return false
}

// packedLimit is how long a message of at most n bytes may be when it is deflated by somebody who cannot do it.
func packedLimit(n int) int { return n + n/16 + 64 }

// inflater is reused: it has a window of 32 KiB.
type inflater struct {
	src bytes.Reader
	r   io.ReadCloser
}

//nolint:gochecknoglobals // a pool has no state that anybody could see
var inflaters = sync.Pool{New: func() any {
	i := new(inflater)
	i.r = flate.NewReader(&i.src)
	return i
}}

// inflate appends what packed holds to message, at most limit bytes in all. It returns both buffers, which may have grown.
func inflate(packed, message []byte, limit int) (_, _ []byte, err error) {
	packed = append(packed, deflateTail...)
	i := inflaters.Get().(*inflater)
	defer inflaters.Put(i)
	i.src.Reset(packed)
	defer i.src.Reset(nil)
	if err := i.r.(flate.Resetter).Reset(&i.src, nil); err != nil {
		return packed, message, err
	}
	for {
		room := min(limit+1-len(message), max(len(packed), len(message), 512))
		message = slices.Grow(message, room)
		n, err := i.r.Read(message[len(message) : len(message)+room])
		message = message[:len(message)+n]
		switch {
		case len(message) > limit:
			return packed, message, errTooBig
		case errors.Is(err, io.EOF):
			// A last block of the sender's own ends the message early; nothing but our tail and its padding may follow.
			if i.src.Len() > len(deflateTail)+1 {
				return packed, message, fault(ws.StatusProtocolError, "bytes behind the end of a deflated message")
			}
			return packed, message, nil
		case err != nil:
			return packed, message, fault(ws.StatusInvalidFramePayloadData, "the deflated message is broken")
		}
	}
}
