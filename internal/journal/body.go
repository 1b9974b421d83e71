package journal

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"

	"hayalet"
)

// MaxBody bounds what a body may grow to when it is read, in bytes: a body says itself how long it is.
const MaxBody = 64 << 20

// phrases is what OCPP messages are made of, so that a block of one exchange becomes small, too. A body names the
// dictionary that it was written with; one that was in use once must stay.
//
//go:embed phrases.txt
var phrases []byte

const phrasesID = 1

// link is what the frames of one connection share.
type link struct {
	station  hayalet.StationID
	conn     hayalet.ConnID
	protocol hayalet.Protocol
}

// packer turns frames into bodies. One goroutine uses it.
type packer struct {
	zstd  *zstd.Encoder
	links map[hayalet.ConnID]int // to their places in the body
	table []link
	head  []byte // links and what stands about each frame
	plain []byte
	marks []uint32
	body  []byte
	names []byte // the index
}

func newPacker() (*packer, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(1<<20), zstd.WithEncoderCRC(false), zstd.WithEncoderDictRaw(phrasesID, phrases))
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	return &packer{zstd: enc, links: make(map[hayalet.ConnID]int)}, nil
}

// pack returns the body and the index of the stations in it, which are good until the next call. First the connections are written, each once, then what
// stands about each frame, then all messages, so that like stands by like.
func (p *packer) pack(fs []hayalet.Frame) (body, stations []byte) {
	p.collect(fs)
	p.plain = binary.AppendUvarint(p.plain[:0], uint64(len(p.table)))
	for _, l := range p.table {
		p.plain = appendText(p.plain, string(l.station))
		p.plain = appendText(p.plain, string(l.conn))
		p.plain = appendText(p.plain, string(l.protocol))
	}
	p.plain = binary.AppendUvarint(p.plain, uint64(len(fs)))
	p.plain = append(p.plain, p.head...)
	for i := range fs {
		p.plain = append(p.plain, fs[i].Data...)
	}
	p.body = p.zstd.EncodeAll(p.plain, p.body[:0])
	return p.body, p.index()
}

func (p *packer) collect(fs []hayalet.Frame) {
	clear(p.links)
	p.table, p.head = p.table[:0], p.head[:0]
	var at hayalet.Instant
	for i := range fs {
		f := &fs[i]
		n, known := p.links[f.Conn]
		if l := (link{f.Station, f.Conn, f.Protocol}); !known || p.table[n] != l {
			n = len(p.table)
			p.links[f.Conn] = n
			p.table = append(p.table, l)
		}
		p.head = binary.AppendUvarint(p.head, uint64(n))
		p.head = binary.AppendUvarint(p.head, f.Seq)
		p.head = binary.AppendVarint(p.head, int64(f.At-at))
		p.head = append(p.head, marks(f))
		p.head = binary.AppendUvarint(p.head, uint64(len(f.Data)))
		at = f.At
	}
}

// index is that of the body's stations.
func (p *packer) index() []byte {
	p.names, p.marks = appendIndex(p.names[:0], p.marks[:0], p.table)
	return p.names
}

// appendIndex appends the sorted marks of the stations, four bytes each. The marks are returned to be used again.
func appendIndex(b []byte, marks []uint32, table []link) ([]byte, []uint32) {
	for i := range table {
		marks = append(marks, stationMark(table[i].station))
	}
	slices.Sort(marks)
	marks = slices.Compact(marks)
	for _, m := range marks {
		b = binary.BigEndian.AppendUint32(b, m)
	}
	return b, marks
}

// markSize is how many bytes a station's mark takes in an index.
const markSize = 4

// stationMark stands for a station in an index. Two stations may share one: an index says where to look, not what is
// there.
func stationMark(st hayalet.StationID) uint32 {
	mark := uint32(2166136261) // FNV-1a
	for i := range len(st) {
		mark = (mark ^ uint32(st[i])) * 16777619
	}
	return mark
}

// SpeaksOf reports whether a block with this index may hold frames of the station; "" is any.
func SpeaksOf(stations []byte, st hayalet.StationID) bool {
	if st == "" {
		return true
	}
	want := stationMark(st)
	for ; len(stations) >= markSize; stations = stations[markSize:] {
		if binary.BigEndian.Uint32(stations) == want {
			return true
		}
	}
	return false
}

// unpacker turns bodies back into frames. One goroutine uses it.
type unpacker struct {
	zstd  *zstd.Decoder
	plain []byte
	table []link
	fs    []hayalet.Frame
}

func newUnpacker() (*unpacker, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxBody),
		zstd.WithDecoderDictRaw(phrasesID, phrases))
	if err != nil {
		return nil, fmt.Errorf("set up decompression: %w", err)
	}
	return &unpacker{zstd: dec}, nil
}

// unpack returns the frames of a body, their positions from first on. They are good until the next call.
func (u *unpacker) unpack(body []byte, first uint64) ([]hayalet.Frame, error) {
	var err error
	if u.plain, err = u.zstd.DecodeAll(body, u.plain[:0]); err != nil {
		return nil, fmt.Errorf("%w: %v", errCut, err)
	}
	c := cursor{rest: u.plain}
	u.table, u.fs = u.table[:0], u.fs[:0]
	for n := c.uvarint(); n > 0 && !c.bad; n-- {
		u.table = append(u.table, link{hayalet.StationID(c.text()), hayalet.ConnID(c.text()), hayalet.Protocol(c.text())})
	}
	var sizes uint64
	var at hayalet.Instant
	for n := c.uvarint(); n > 0 && !c.bad; n-- {
		f := hayalet.Frame{Pos: first}
		l := c.uvarint()
		if l >= uint64(len(u.table)) {
			return nil, errCut
		}
		f.Station, f.Conn, f.Protocol = u.table[l].station, u.table[l].conn, u.table[l].protocol
		f.Seq = c.uvarint()
		at += hayalet.Instant(c.varint())
		f.At = at
		if b := c.bytes(1); len(b) == 1 {
			setMarks(&f, b[0])
		}
		size := c.uvarint()
		if size > uint64(len(u.plain)) {
			return nil, errCut
		}
		sizes += size
		f.Data = u.plain[:size] // its length; its place is known below
		u.fs = append(u.fs, f)
		first++
	}
	if c.bad || sizes != uint64(len(c.rest)) {
		return nil, errCut
	}
	for i := range u.fs {
		f := &u.fs[i]
		if f.Data = c.bytes(uint64(len(f.Data))); len(f.Data) == 0 && f.Kind != hayalet.Message {
			f.Data = nil
		}
	}
	return u.fs, nil
}
