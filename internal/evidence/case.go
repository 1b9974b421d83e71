package evidence

import (
	"archive/zip"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"hayalet"
)

// Case is all that is exported of an incident.
type Case struct {
	Program    string // version
	ExportedAt hayalet.Instant
	Incident   hayalet.Incident
	History    []hayalet.Incident
	Excerpt    *Excerpt
	Headers    []byte         // from the excerpt's first block on to that of the anchor
	Holes      []hayalet.Hole // what is not among them, by the key that the case is signed with
	Anchor     hayalet.Anchor // by the key that the case is signed with
	Further    map[string][]byte
}

// Write writes the case, signed with the key. The same case gives the same bytes.
func (c *Case) Write(w io.Writer, key ed25519.PrivateKey) error {
	files, err := c.files()
	if err != nil {
		return fmt.Errorf("pack the case: %w", err)
	}
	m := c.manifest(files, key.Public().(ed25519.PublicKey))
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("pack the case: %v", err)
	}
	text = append(text, '\n')
	files[manifestName], files[signatureName] = text, ed25519.Sign(key, text)
	z := zip.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		part, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: c.at()})
		if err != nil {
			return err
		}
		if _, err := part.Write(files[name]); err != nil {
			return err
		}
	}
	return z.Close()
}

// at is the time of the files.
func (c *Case) at() time.Time { return max(c.Incident.UpdatedAt, c.Incident.EndedAt).Time() }

// files are all but the manifest and its signature.
func (c *Case) files() (map[string][]byte, error) {
	files := maps.Clone(c.Further)
	if files == nil {
		files = make(map[string][]byte)
	}
	files[headersName] = c.Headers
	listed := map[string]any{incidentName: c.Incident, historyName: c.History, anchorName: anchorOf(&c.Anchor)}
	if len(c.Holes) > 0 {
		listed[droppedName] = droppedRuns(c.Holes)
	}
	for name, v := range listed {
		text, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return nil, err
		}
		files[name] = append(text, '\n')
	}
	var err error
	if files[framesName], err = c.Excerpt.lines(); err != nil {
		return nil, err
	}
	if files[blocksName], err = c.Excerpt.blocks(); err != nil {
		return nil, err
	}
	return files, tooLarge(files)
}

func tooLarge(files map[string][]byte) error {
	total := 0
	for name, b := range files {
		if total += len(b); len(b) > maxFile {
			return fmt.Errorf("%s has %d bytes; a case holds %d of a file", name, len(b), maxFile)
		}
	}
	if total > maxTotal || len(files) > maxFiles-2 {
		return fmt.Errorf("%d files of %d bytes are too much for a case", len(files), total)
	}
	return nil
}

// lines are the frames as frames.jsonl has them.
func (x *Excerpt) lines() (b []byte, err error) {
	for i := range x.Frames {
		if b, err = appendLine(b, &x.Frames[i]); err != nil {
			return nil, fmt.Errorf("frame %d: %w", x.Frames[i].Pos, err)
		}
	}
	return b, nil
}

// blocks are the blocks as blocks.jsonl has them.
func (x *Excerpt) blocks() (b []byte, err error) {
	for i := range x.Blocks {
		text, err := json.Marshal(&x.Blocks[i])
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", x.Blocks[i].Number, err)
		}
		b = append(append(b, text...), '\n')
	}
	return b, nil
}

func (c *Case) manifest(files map[string][]byte, key ed25519.PublicKey) *Manifest {
	inc, x := &c.Incident, c.Excerpt
	m := &Manifest{
		Format: Format, Program: c.Program, Incident: inc.Key, Rule: inc.Rule, Station: inc.Station, Connector: inc.Connector,
		ExportedAt: c.ExportedAt, Since: x.Since, Until: x.Until, Frames: len(x.Frames), Dropped: x.Dropped, Cut: x.Cut,
		PublicKey: key, Fingerprint: Fingerprint(key),
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		m.Files = append(m.Files, File{name, int64(len(files[name])), sha256.Sum256(files[name])})
	}
	return m
}
