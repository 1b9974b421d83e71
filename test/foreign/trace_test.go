package foreign_test

import (
	"path/filepath"
	"testing"
)

// traceRead is what the toolkit's reader found in a trace.
type traceRead struct {
	Records     int `json:"records"`
	Calls       int `json:"calls"`
	CallResults int `json:"callResults"`
	CallErrors  int `json:"callErrors"`
	Events      int `json:"events"`
	Sessions    []struct {
		Transaction *int   `json:"transactionId"`
		Status      string `json:"status"`
	} `json:"sessions"`
}

// checkTrace converts the recording to an Open OCPP Trace, which the toolkit of somebody else must read without a
// warning, with each message in it, each answer beside its call, and the sessions of 1.6, which it knows, completed.
func (s *server) checkTrace(t *testing.T, sessions int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trace.jsonl")
	s.run(t, "convert", "--to", "trace", "--out", file, s.record)
	p := startPeer(t, nil, script("trace.mjs", file)...)
	var read traceRead
	p.await(t, "read").read(t, &read)
	p.finish(t)
	_, messages := readRecording(t, s.record)
	want := 0
	for _, n := range messages {
		want += n
	}
	if read.Records != want || read.Events != want || read.Calls != read.CallResults+read.CallErrors || read.completed() != sessions {
		t.Errorf("the toolkit read %+v, want %d records and events, answers for all calls, and %d completed sessions", read, want, sessions)
	}
}

func (r traceRead) completed() (n int) {
	for _, s := range r.Sessions {
		if s.Transaction != nil && s.Status == "completed" {
			n++
		}
	}
	return n
}
