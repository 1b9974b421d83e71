package evidence

import (
	"crypto/ed25519"
	"encoding/json"
	"io"
	"slices"

	"hayalet"
	"hayalet/internal/journal"
)

// Result is what a look at a case tells.
type Result struct {
	Manifest Manifest
	Flaw     *journal.Flaw // the first thing that does not hold; nil: all does
	Frames   int           // that were proven
	Headers  int
	Dropped  uint64          // headers between them that retention has taken away
	Anchor   journal.Pin     // what it is of
	Anchored hayalet.Instant // its time
	Pinned   int             // pins that the chain agrees with
	Missing  uint64          // frames that the numbers of their connections say there were; no flaw, since retention takes some
	Hole     Hole            // the first of them

	Beginless Torn // connections that begin with a later number than 1 although one before them is in the case
	Endless   Torn // connections that do not end although one after them is in the case: so they are when a server breaks down
}

// Torn is connections of which a part may be missing.
type Torn struct {
	Conns int
	First hayalet.ConnID
}

func (t *Torn) add(id hayalet.ConnID) {
	if t.Conns == 0 {
		t.First = id
	}
	t.Conns++
}

// Hole is frames of a connection that are not in a case although some before and behind them are.
type Hole struct {
	Conn     hayalet.ConnID
	From, To uint64 // numbers, both included
}

// Known is what whoever checks a case knows by another way.
type Known struct {
	Key  ed25519.PublicKey // that it must be signed with; without one the manifest says with which
	Pins []journal.Pin     // of blocks whose headers the case has
}

// Verify checks a case. Whoever trusts the result without a known key must know the manifest's fingerprint. It looks at the records first, against the anchor, and at the manifest
// last, so that the flaw is as near as can be told to what was changed; then whether whoever signed it says what it is. An error means that it cannot be read as a case.
func Verify(r io.ReaderAt, size int64, known Known) (Result, error) {
	var res Result
	a, err := openArchive(r, size)
	if err != nil {
		return res, err
	}
	if a.files[manifestName] != nil && a.files[manifestName].UncompressedSize64 > maxManifest {
		return res, errManifest
	}
	text, err := a.read(manifestName)
	if err != nil {
		return res, err
	}
	if res.Manifest, err = parseManifest(text); err != nil {
		return res, err
	}
	v := verifier{archive: a, result: &res, known: known, places: make(map[hayalet.ConnID]int)}
	for _, check := range []func() *journal.Flaw{
		v.complete, v.chain, v.blocks, v.frames, v.files, func() *journal.Flaw { return v.signature(text) },
		v.key, v.agrees, v.pinned,
	} {
		if res.Flaw = check(); res.Flaw != nil {
			return res, nil
		}
	}
	return res, v.links.lacks(known.Pins)
}

// verifier checks one case, step by step. Each step may rely on the steps before.
type verifier struct {
	archive *archive
	result  *Result
	known   Known
	links   links
	want    []record               // the frames that the blocks hold, in the order of their positions
	conns   []connection           // in the order of their first frames
	places  map[hayalet.ConnID]int // in conns
	foreign *journal.Flaw          // the first frame of another station than the manifest's
}

// record is a frame that there must be.
type record struct {
	Place
	pos  uint64
	leaf journal.Hash
}

// complete checks that the files of the manifest are there, each once, and listed once.
func (v *verifier) complete() *journal.Flaw {
	if v.archive.twice != "" {
		return flaw("file-twice", v.archive.twice)
	}
	for _, name := range []string{signatureName, incidentName, anchorName, headersName, blocksName, framesName} {
		if v.archive.files[name] == nil {
			return flaw("file-removed", name)
		}
	}
	listed := make(map[string]bool)
	for _, f := range v.result.Manifest.Files {
		switch {
		case v.archive.files[f.Name] == nil:
			return flaw("file-removed", f.Name)
		case listed[f.Name]: // each time it would be read
			return flaw("file-listed", f.Name)
		}
		listed[f.Name] = true
	}
	return nil
}

// files checks each file against the manifest.
func (v *verifier) files() *journal.Flaw {
	listed := v.result.Manifest.Files
	for i := range listed {
		is, err := v.archive.sum(listed[i].Name)
		if err != nil {
			return damaged(listed[i].Name)
		}
		if is != listed[i] {
			return flaw("file-changed", listed[i].Name)
		}
	}
	for _, name := range v.archive.names {
		known := slices.ContainsFunc(listed, func(f File) bool { return f.Name == name })
		if !known && name != manifestName && name != signatureName {
			return flaw("file-added", name)
		}
	}
	return nil
}

// signature checks the manifest.
func (v *verifier) signature(manifest []byte) *journal.Flaw {
	m := &v.result.Manifest
	sig, err := v.archive.read(signatureName)
	if err != nil {
		return damaged(signatureName)
	}
	if !ed25519.Verify(m.PublicKey, manifest, sig) {
		return flaw("signature", Fingerprint(m.PublicKey))
	}
	return nil
}

// key checks whose the case is.
func (v *verifier) key() *journal.Flaw {
	want := v.known.Key
	if is := v.result.Manifest.PublicKey; want != nil && !want.Equal(is) {
		return flaw("key", Fingerprint(is), Fingerprint(want))
	}
	return nil
}

// pinned checks the headers against what is known of them.
func (v *verifier) pinned() (found *journal.Flaw) {
	v.result.Pinned, found = v.links.differs(v.known.Pins)
	return found
}

// agrees checks what the manifest says of the case: whose frames they are, how many, and of which incident.
func (v *verifier) agrees() *journal.Flaw {
	m := &v.result.Manifest
	if v.foreign != nil {
		return v.foreign
	}
	if v.result.Frames != m.Frames {
		return flaw("frames-counted", m.Frames, v.result.Frames)
	}
	text, err := v.archive.read(incidentName)
	if err != nil {
		return damaged(incidentName)
	}
	var is subject
	if json.Unmarshal(text, &is) != nil || is != (subject{m.Incident, m.Rule, m.Station, m.Connector}) {
		return flaw("incident-other", m.Incident)
	}
	return nil
}

// subject is what an incident is told by.
type subject struct {
	Key       string              `json:"key"`
	Rule      hayalet.RuleName    `json:"rule"`
	Station   hayalet.StationID   `json:"station"`
	Connector hayalet.ConnectorID `json:"connector"`
}
