package relay

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

const (
	sayAgain = time.Minute     // what comes and goes is not told of more often
	fairTry  = 5 * time.Second // a station that has left less than this of its handshake to the dial proves nothing
)

// outage is what a relay knows of an upstream that cannot be reached, or answers 5xx. A whole fleet tries to come back
// then: the log has one line when that begins and one when it is over, not one for each attempt.
type outage struct {
	mu      sync.Mutex
	since   time.Time // of the first refusal; zero while the upstream serves
	told    time.Time // when the log was last told that it does not
	said    bool      // of this outage
	refused int
	plain   bool // its answer to permessage-deflate breaks the standard: it is not offered any more
}

// saw notes how a dial that began at begin ended.
func (o *outage) saw(err error, begin time.Time, log *slog.Logger) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r, refused := errors.AsType[*refusal](err)
	switch now := time.Now(); {
	case !refused || r.status < http.StatusInternalServerError:
		if o.said {
			log.Warn("the central system serves stations again", "lasted", now.Sub(o.since).Round(time.Millisecond), "refused", o.refused)
		}
		o.since, o.said, o.refused = time.Time{}, false, 0
	case r.status == http.StatusGatewayTimeout && now.Sub(begin) < fairTry:
	default:
		if o.refused++; o.since.IsZero() {
			o.since = now
		}
		if !o.said && now.Sub(o.told) >= sayAgain {
			o.said, o.told = true, now
			log.Warn("the central system does not serve stations; the next refusals are at debug level, until it does", "error", err)
		}
	}
}

// compress reports whether permessage-deflate is still worth offering.
func (o *outage) compress() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.plain
}

func (o *outage) noDeflate(log *slog.Logger) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.plain {
		o.plain = true
		log.Warn("the upstream's answer to permessage-deflate breaks the standard; it is not offered any more")
	}
}
