//go:build linux

package crash_test

import (
	"encoding/json"
	"fmt"
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

	mu   sync.Mutex
	told map[standing][]string // by which processes, in order
}

// standing is how an incident stood when it was told of.
type standing struct{ key, severity, state string }

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{told: map[standing][]string{}}
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
		how := told.Incident.standing()
		r.told[how] = append(r.told[how], req.URL.Path)
	}))
	t.Cleanup(srv.Close)
	r.url = srv.URL
	return r
}

// address is where the nth process tells.
func (r *receiver) address(n int) string { return fmt.Sprint(r.url, "/", n) }

func (i *incident) standing() standing { return standing{i.Key, i.Severity, i.State} }

// again counts, for each process, what it told and was told again later.
func (r *receiver) again() map[string]int {
	again := map[string]int{}
	for _, processes := range r.told {
		for _, p := range processes[:len(processes)-1] {
			again[p]++
		}
	}
	return again
}

// check: somebody was told of each incident as it stands now. Of what a process told, one thing may have been told
// again, where its end came between telling and noting, and what it could not note.
func (r *receiver) check(t *testing.T, kept []json.RawMessage, unnoted int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, raw := range kept {
		inc := decode(t, raw)
		if slices.Contains([]string{"info", "low"}, inc.Severity) || inc.State == "cleared" {
			continue
		}
		if len(r.told[inc.standing()]) == 0 {
			t.Errorf("nobody was told of this, as it stands:\n%s", raw)
		}
	}
	again := r.again()
	over := 0
	for _, n := range again {
		over += n - 1
	}
	if over > unnoted {
		t.Errorf("more than one thing of a process was told again, and only %d were not noted: %v of %d", unnoted, again, len(r.told))
	}
	t.Logf("%d things were told, some of them again, by process: %v", len(r.told), again)
}
