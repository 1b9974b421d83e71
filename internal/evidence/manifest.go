package evidence

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"

	"hayalet"
	"hayalet/internal/journal"
)

// Format is the version of the format that is written and read.
const Format = "hayalet-evidence-1"

// The files that are not merely hashed.
const (
	manifestName  = "manifest.json"
	signatureName = "manifest.sig"
	incidentName  = "incident.json"
	historyName   = "history.json"
	framesName    = "frames.jsonl"
	blocksName    = "blocks.jsonl"
	headersName   = "headers.bin"
	droppedName   = "dropped.json" // only where some were
	anchorName    = "anchor.json"
)

// Limits of a case. What is beyond them is neither written nor read.
const (
	maxFiles    = 64
	maxFile     = 256 << 20 // bytes of a file
	maxTotal    = 1 << 30   // bytes of all of them
	maxManifest = 1 << 20
	maxLine     = 16 << 20
)

// Manifest says what a case is, and what is in it.
type Manifest struct {
	Format      string              `json:"format"`
	Program     string              `json:"program"` // version
	Incident    string              `json:"incident"`
	Rule        hayalet.RuleName    `json:"rule"`
	Station     hayalet.StationID   `json:"station"`
	Connector   hayalet.ConnectorID `json:"connector"`
	ExportedAt  hayalet.Instant     `json:"exported_at"`
	Since       hayalet.Instant     `json:"frames_since"`
	Until       hayalet.Instant     `json:"frames_until"`
	Frames      int                 `json:"frames"`
	Dropped     int                 `json:"blocks_without_frames"` // retention took them
	Cut         bool                `json:"cut"`                   // there were more frames than a case holds
	PublicKey   ed25519.PublicKey   `json:"public_key"`
	Fingerprint string              `json:"fingerprint"`
	Files       []File              `json:"files"` // in the order of their names
}

// File is a file of a case.
type File struct {
	Name   string       `json:"name"`
	Bytes  int64        `json:"bytes"`
	SHA256 journal.Hash `json:"sha256"`
}

var (
	errManifest = errors.New("its manifest cannot be read")
	errFormat   = errors.New("it is of another version of the format than " + Format)
)

func parseManifest(text []byte) (m Manifest, err error) {
	switch err := json.Unmarshal(text, &m); {
	case err != nil:
		return m, errManifest
	case m.Format != Format:
		return m, errFormat
	case len(m.PublicKey) != ed25519.PublicKeySize:
		return m, errManifest
	}
	return m, nil
}

// anchor is anchor.json: the signed hash of the last header.
type anchor struct {
	Block     uint64            `json:"block"`
	Hash      journal.Hash      `json:"hash"`
	At        hayalet.Instant   `json:"at"`
	Key       ed25519.PublicKey `json:"key"`
	Signature []byte            `json:"signature"`
}

func anchorOf(a *hayalet.Anchor) anchor {
	own := anchor{Block: a.Block, At: a.At, Key: a.Key, Signature: a.Signature}
	copy(own.Hash[:], a.Hash)
	return own
}

func (a *anchor) signed() hayalet.Anchor {
	return hayalet.Anchor{Block: a.Block, Hash: a.Hash[:], At: a.At, Key: a.Key, Signature: a.Signature}
}

func (a *anchor) holds() bool {
	own := a.signed()
	return journal.AnchorHolds(&own)
}
