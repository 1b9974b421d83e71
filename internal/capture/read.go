package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"time"

	"hayalet"
)

const (
	maxBatch   = 512       // frames
	arenaBytes = 256 << 10 // of messages in a batch, unless a single one is larger
	allBuffers = 16 << 20  // of all inputs together, as long as each has its least
)

// Options says how to read what the inputs do not say themselves.
type Options struct {
	// Location is the zone of times without one; nil is UTC. In the hour that a zone's clock repeats, such a time is
	// taken as time.Date takes it.
	Location *time.Location
	// Station is the name of the station in logs that name none; "" takes the base name of the input without its endings,
	// as "garage" of /var/log/garage.log.gz.
	Station hayalet.StationID

	live bool // the end of an input is for now only
}

// Read reads all inputs to their ends and hands their frames to the sink, merged by At: each input keeps its own order, a
// frame without At follows the one before it at once, and of equal times the earlier input comes first.
//
// Frames come in batches of at most 512. Their Data and the slice itself are good until PutFrames returns; names may be
// kept. Protocol is empty where the input names none. A record without a connection gets one named after the base name of
// its input and the station, as in "site.log#CP_1" (a second input with the same base name is "site.log~2"), and its
// frames are numbered from 1; so are those of a named connection that come without seq.
//
// The Python stack writes the same words in the central system's log and in the station's; the first call that only one
// end can make decides for the whole input. Up to 1024 lines are held back for that.
//
// Inputs may be compressed with gzip or zstd; that, too, is told by content. A message may go on over several lines.
//
// Lines that cannot be read are counted in Stats. The first failure of a reader, named, or of the sink ends the work; what
// was read before it has been handed over. Stats are good in any case. Cancelling ctx ends it at the next Read of an input.
func Read(ctx context.Context, opts Options, inputs []Input, to hayalet.FrameSink) (Stats, error) {
	m := newMerger(ctx, opts, inputs, to)
	err := m.run(ctx)
	return m.stats(), err
}

// merger merges inputs: a heap of those that have a record, by its time.
type merger struct {
	inputs []*input
	heap   []*input
	names  *names
	to     hayalet.FrameSink
	batch  []hayalet.Frame
	arena  []byte
}

func newMerger(ctx context.Context, opts Options, inputs []Input, to hayalet.FrameSink) *merger {
	m := &merger{names: newNames(), to: to, batch: make([]hayalet.Frame, 0, maxBatch), arena: make([]byte, 0, arenaBytes)}
	loc := opts.Location
	if loc == nil {
		loc = time.UTC
	}
	used := make(map[string]bool)
	buffer := min(max(allBuffers/max(len(inputs), 1), leastBuffer), firstBuffer)
	for i, in := range inputs {
		next := &input{
			from:  in.R,
			loc:   loc,
			asked: string(opts.Station),
			dump:  dumpOf(in.Name, loc),
			stats: InputStats{Name: in.Name},
			index: i,
		}
		next.lines = newLineReader(&flattener{r: newUnpacker(cancelReader{ctx, in.R}, opts.live)}, buffer)
		next.lines.live = opts.live
		if next.base = next.dump.folder; !next.dump.is {
			next.base = uniqueBase(used, in.Name)
		}
		m.inputs = append(m.inputs, next)
	}
	return m
}

// uniqueBase keeps the connections of two files of the same name apart.
func uniqueBase(used map[string]bool, name string) string {
	base := filepath.Base(name)
	unique := base
	for n := 2; used[unique]; n++ {
		unique = fmt.Sprintf("%s~%d", base, n)
	}
	used[unique] = true
	return unique
}

func (m *merger) run(ctx context.Context) error {
	err := m.merge(ctx)
	if flushed := m.flush(ctx); err == nil {
		err = flushed
	}
	return err
}

func (m *merger) merge(ctx context.Context) error {
	if err := m.begin(); err != nil {
		return err
	}
	for len(m.heap) > 0 {
		in := m.heap[0]
		if err := m.put(ctx, in); err != nil {
			return err
		}
		err := in.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read %s: %w", in.stats.Name, err)
		}
		if err != nil {
			last := len(m.heap) - 1
			m.heap[0] = m.heap[last]
			m.heap = m.heap[:last]
		}
		m.down(0)
	}
	return nil
}

// put adds the head of an input to the batch.
func (m *merger) put(ctx context.Context, in *input) error {
	rec := &in.head
	if len(m.batch) == maxBatch || len(m.arena)+len(rec.data) > cap(m.arena) {
		if err := m.flush(ctx); err != nil {
			return err
		}
	}
	m.batch = append(m.batch, m.frame(in.base, rec))
	in.stats.Frames++
	return nil
}

func (m *merger) frame(base string, rec *record) hayalet.Frame {
	conn := m.conn(base, rec)
	f := hayalet.Frame{
		Station:  hayalet.StationID(m.names.text(rec.station)),
		Conn:     conn.id,
		Seq:      rec.seq,
		At:       rec.at,
		Dir:      rec.dir,
		Kind:     rec.kind,
		Protocol: hayalet.Protocol(m.names.text(rec.protocol)),
	}
	if rec.conn == nil || f.Seq == 0 {
		f.Seq = m.names.next(conn)
	} else {
		conn.last = max(conn.last, f.Seq)
	}
	if rec.kind == hayalet.Message {
		from := len(m.arena)
		m.arena = append(m.arena, rec.data...)
		f.Data = m.arena[from:len(m.arena):len(m.arena)]
	}
	return f
}

func (m *merger) conn(base string, rec *record) *connCount {
	if rec.conn == nil {
		return m.names.derived(base, rec.station)
	}
	return m.names.conn(rec.conn)
}

// flush hands the batch over.
func (m *merger) flush(ctx context.Context) error {
	if len(m.batch) == 0 {
		return nil
	}
	err := m.to.PutFrames(ctx, m.batch)
	m.batch, m.arena = m.batch[:0], m.arena[:0]
	if err != nil {
		return fmt.Errorf("put frames: %w", err)
	}
	return nil
}

func (m *merger) stats() Stats {
	var s Stats
	for _, in := range m.inputs {
		in.stats.Bytes = in.lines.taken
		s.Inputs = append(s.Inputs, in.stats)
	}
	return s
}

// down restores the heap below i.
func (m *merger) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(m.heap); child++ {
			if m.heap[child].before(m.heap[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		m.heap[i], m.heap[least] = m.heap[least], m.heap[i]
		i = least
	}
}

func (in *input) before(other *input) bool {
	a, b := in.time(), other.time()
	return a < b || a == b && in.index < other.index
}

// time is where the head stands in the merged order.
func (in *input) time() hayalet.Instant {
	if in.head.at.IsZero() {
		return math.MinInt64
	}
	return in.head.at
}
