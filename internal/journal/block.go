package journal

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"hayalet"
)

// maker makes the blocks of the chain, one after the other. One goroutine uses it.
type maker struct {
	last   Header
	hash   Hash // of last
	packer *packer
	leaf   []byte
	leaves []Hash
}

func newMaker() (*maker, error) {
	p, err := newPacker()
	if err != nil {
		return nil, err
	}
	return &maker{packer: p}, nil
}

// resume makes the chain go on after a block that the store has.
func (m *maker) resume(b *hayalet.Block) error {
	h, err := ParseHeader(b.Header)
	if err != nil {
		return fmt.Errorf("block %d: %w", b.Number, err)
	}
	m.last, m.hash = h, h.Hash()
	return nil
}

// next is the position of the next frame.
func (m *maker) next() uint64 { return m.last.First + uint64(m.last.Frames) }

// make gives the frames their positions and returns the block of them, whose bytes are good until the next call. It is the
// next one of the chain once link was told.
func (m *maker) make(fs []hayalet.Frame) (hayalet.Block, Header) {
	h := Header{
		Number: m.last.Number + 1, First: max(m.next(), 1), Frames: uint32(len(fs)), FirstAt: fs[0].At, LastAt: fs[0].At, Prev: m.hash,
	}
	m.leaves = m.leaves[:0]
	for i := range fs {
		f := &fs[i]
		f.Pos = h.First + uint64(i)
		h.FirstAt, h.LastAt = min(h.FirstAt, f.At), max(h.LastAt, f.At)
		m.leaf = AppendFrame(append(m.leaf[:0], leafPrefix), f)
		m.leaves = append(m.leaves, sha256.Sum256(m.leaf))
	}
	h.Root = rootInPlace(m.leaves)
	body, stations := m.packer.pack(fs)
	return hayalet.Block{
		Number: h.Number, First: h.First, Frames: len(fs), FirstAt: h.FirstAt, LastAt: h.LastAt,
		Header: h.Bytes(), Stations: stations, Body: body,
	}, h
}

// link says that the block with this header is on disk.
func (m *maker) link(h Header) { m.last, m.hash = h, h.Hash() }

// Opener opens blocks. One goroutine uses it.
type Opener struct {
	unpacker *unpacker
	leaf     []byte
	marks    []uint32
	index    []byte
}

// NewOpener returns an opener.
func NewOpener() (*Opener, error) {
	u, err := newUnpacker()
	if err != nil {
		return nil, err
	}
	return &Opener{unpacker: u}, nil
}

// Frames returns the frames of a block with its body, at their positions. They are good until the next call. The error is
// [*Damaged].
func (o *Opener) Frames(b *hayalet.Block) ([]hayalet.Frame, error) {
	fs, err := o.unpacker.unpack(b.Body, b.First)
	if err == nil && len(fs) != b.Frames {
		err = errCut
	}
	if err != nil {
		return nil, &Damaged{lossOf(b), err}
	}
	return fs, nil
}

// Leaves appends the leaves of the frames.
func (o *Opener) Leaves(leaves []Hash, fs []hayalet.Frame) []Hash {
	for i := range fs {
		o.leaf = AppendFrame(append(o.leaf[:0], leafPrefix), &fs[i])
		leaves = append(leaves, sha256.Sum256(o.leaf))
	}
	return leaves
}

// indexed reports whether a block's index is that of the stations of its frames, which Frames has just returned.
func (o *Opener) indexed(b *hayalet.Block) bool {
	o.index, o.marks = appendIndex(o.index[:0], o.marks[:0], o.unpacker.table)
	return bytes.Equal(o.index, b.Stations)
}
