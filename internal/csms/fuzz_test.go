package csms_test

import (
	"path/filepath"
	"slices"
	"testing"

	"hayalet"
	"hayalet/internal/csms"
	"hayalet/internal/ocpp"
)

// In every version a CALL with a readable id is answered exactly once, with that id, by a frame that can be read; an
// answer, a SEND or a message of an unknown type is never answered.
func FuzzReceiveAnswersOnce(f *testing.F) {
	protocols := hayalet.Protocols()
	paths, _ := filepath.Glob("testdata/*.txt")
	for _, path := range paths {
		for _, turn := range readVector(f, path).turns {
			for version := range protocols {
				f.Add([]byte(turn.message), uint8(version))
			}
		}
	}
	for _, call := range everyCall() {
		f.Add([]byte(call.message), uint8(slices.Index(protocols, call.version)))
	}
	f.Fuzz(func(t *testing.T, data []byte, version uint8) {
		link := &fakeLink{protocol: protocols[int(version)%len(protocols)]}
		_, p := open(t, csms.Config{}, &fakeLedger{}, link)
		defer p.Closed()
		if err := p.Receive(t.Context(), data); err != nil {
			t.Fatal(err)
		}
		sent := link.take()
		m, fault := ocpp.ParseMessage(data)
		silent := m.Type != ocpp.Call && (m.Type != 0 || fault.Ignore)
		if silent {
			if len(sent) != 0 {
				t.Fatalf("answered %q", sent)
			}
			return
		}
		if len(sent) != 1 {
			t.Fatalf("want one answer, got %q", sent)
		}
		answer, bad := ocpp.ParseMessage([]byte(sent[0]))
		if bad != nil {
			t.Fatalf("sent %s: %v", sent[0], bad)
		}
		id := m.ID
		if fault != nil {
			id = fault.ID
		}
		if want := string([]rune(id)); answer.ID != want { // what is not UTF-8 cannot be given back
			t.Fatalf("answer to %q carries %q", want, answer.ID)
		}
		if fault != nil && answer.Type != ocpp.CallError {
			t.Fatalf("a broken frame was answered with %s", sent[0])
		}
	})
}
