//go:build linux

package crash_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// receiver is somebody who is told of incidents.
type receiver struct {
	url string

	mu    sync.Mutex
	times map[standing]int
}

// standing is how an incident stood when it was told of.
type standing struct{ key, severity, state string }

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{times: map[standing]int{}}
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		var told struct {
			Incident incident `json:"incident"`
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // killed while it told: it does not know that it has
		}
		if err := json.Unmarshal(body, &told); err != nil {
			t.Errorf("told of %s: %v", body, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.times[told.Incident.standing()]++
	}))
	t.Cleanup(srv.Close)
	r.url = srv.URL
	return r
}

func (i *incident) standing() standing { return standing{i.Key, i.Severity, i.State} }

// check: somebody was told of each incident as it stands now. Some of it twice, where a kill came between telling and
// noting, or the database was away, but hardly ever.
func (r *receiver) check(t *testing.T, kept []json.RawMessage, unnoted int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, raw := range kept {
		inc := decode(t, raw)
		if slices.Contains([]string{"info", "low"}, inc.Severity) || inc.State == "cleared" {
			continue
		}
		if r.times[inc.standing()] == 0 {
			t.Errorf("nobody was told of this, as it stands:\n%s", raw)
		}
	}
	twice := 0
	for _, n := range r.times {
		twice += n - 1
	}
	if twice > unnoted {
		t.Errorf("%d of %d things were told again, and at most %d were not noted", twice, len(r.times), unnoted)
	}
	t.Logf("%d things were told, %d of them again", len(r.times), twice)
}
