package evidence

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"hayalet"
	"hayalet/internal/journal"
)

// ProofFormat is the version of the format of a proof.
const ProofFormat = "hayalet-proof-1"

// MaxProof bounds the file of a proof, in bytes; proofHeaders is how many headers it has at most.
const (
	MaxProof     = maxLine + 4<<20
	proofHeaders = 10_000
)

// Proof shows of one frame, without the others, that it stood in a journal.
type Proof struct {
	Format  string         `json:"format"`
	Line    string         `json:"line"`    // the frame as frames.jsonl has it
	Index   int            `json:"index"`   // of its leaf in its block, from 0
	Path    []journal.Hash `json:"path"`    // from the leaf to the root of the block
	Headers []byte         `json:"headers"` // of its block and those after it, up to the anchor's
	Anchor  anchor         `json:"anchor"`
}

// Prove makes the proof of the frame at a position. Anchor must give an anchor of a block or of a later one, up to most.
func Prove(ctx context.Context, blocks hayalet.Blocks, pos uint64, anchor func(ctx context.Context, block, most uint64) (hayalet.Anchor, error)) (*Proof, error) {
	p := &Proof{Format: ProofFormat}
	block := uint64(0)
	err := blocks.ReadBlocks(ctx, hayalet.BlockQuery{Position: pos, Bodies: true}, func(b hayalet.Block) error {
		switch block = b.Number; {
		case pos > 0 && pos < b.First:
			return fmt.Errorf("retention has taken its block, which was before block %d", block)
		case b.Body == nil:
			return fmt.Errorf("retention has taken the frames of block %d", block)
		}
		if err := p.leaf(&b, pos); err != nil {
			return err
		}
		return errEnough
	})
	if block == 0 && err == nil {
		err = errors.New("the journal does not reach as far")
	}
	if err != nil && !errors.Is(err, errEnough) {
		return nil, fmt.Errorf("prove frame %d: %w", pos, err)
	}
	a, err := anchor(ctx, block, block+proofHeaders-1)
	if err != nil {
		return nil, err
	}
	p.Anchor = anchorOf(&a)
	p.Headers, err = Headers(ctx, blocks, block, a.Block)
	return p, err
}

// leaf takes the frame out of its block, and what leads from it to the root.
func (p *Proof) leaf(b *hayalet.Block, pos uint64) error {
	opener, err := journal.NewOpener()
	if err != nil {
		return err
	}
	fs, err := opener.Frames(b)
	if err != nil {
		return err
	}
	if pos < b.First || pos-b.First >= uint64(len(fs)) {
		return fmt.Errorf("block %d does not hold it", b.Number)
	}
	p.Index = int(pos - b.First)
	line, err := appendLine(nil, &fs[p.Index])
	if err != nil {
		return err
	}
	p.Line = string(bytes.TrimSuffix(line, []byte("\n")))
	p.Path = journal.Proof(opener.Leaves(nil, fs), p.Index)
	return nil
}

// Proven is what a look at a proof tells.
type Proven struct {
	Frame  hayalet.Frame
	Anchor hayalet.Anchor
	Flaw   *journal.Flaw // what does not hold; nil: all does
	Pinned int           // pins that the chain agrees with
}

// CheckProof checks what a proof says, and needs nothing else. An error means that it cannot be read as a proof.
func CheckProof(text []byte, known Known) (is Proven, err error) {
	var p Proof
	if len(text) > MaxProof || json.Unmarshal(text, &p) != nil || len(p.Headers) == 0 || len(p.Headers)%journal.HeaderSize != 0 {
		return is, errors.New("it is no proof of a frame")
	}
	if p.Format != ProofFormat {
		return is, errors.New("it is of another version of the format than " + ProofFormat)
	}
	if is.Frame, err = readLine([]byte(p.Line)); err != nil {
		return is, errors.New("its frame cannot be read")
	}
	is.Anchor = p.Anchor.signed()
	l := links{raw: p.Headers, end: journal.Pin{Block: p.Anchor.Block, Hash: p.Anchor.Hash}}
	if is.Flaw = p.flaw(&l, &is.Frame, known); is.Flaw != nil {
		return is, nil
	}
	if is.Pinned, is.Flaw = l.differs(known.Pins); is.Flaw != nil {
		return is, nil
	}
	return is, l.lacks(known.Pins)
}

// flaw is the first thing that does not hold: first the anchor, from there the chain, and then the frame.
func (p *Proof) flaw(l *links, f *hayalet.Frame, known Known) *journal.Flaw {
	if !p.Anchor.holds() {
		return flaw("anchor-signature", p.Anchor.Block)
	}
	if found := l.broken(); found != nil {
		return found
	}
	h := l.at(0)
	at := record{Place{p.Index, f.Conn, f.Seq}, h.First + uint64(p.Index), journal.Leaf(f)}
	switch {
	case !journal.Proves(at.leaf, p.Index, int(h.Frames), p.Path, h.Root):
		return at.flaw("frame-changed")
	case f.Pos != at.pos:
		return at.flaw("frame-position", f.Pos)
	case known.Key != nil && !known.Key.Equal(p.Anchor.Key):
		return flaw("key", Fingerprint(p.Anchor.Key), Fingerprint(known.Key))
	}
	return nil
}
