package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"hayalet"
	"hayalet/internal/frames"
)

// The defaults of Config; that of Linger is for whoever asks.
const (
	DefaultLinger    = 2 * time.Millisecond
	DefaultMaxFrames = 4096
	DefaultMaxBytes  = 1 << 20
)

const (
	firstRetry = 50 * time.Millisecond // after a commit that failed; it doubles
	lastRetry  = time.Second
	tryTimeout = 30 * time.Second // for one commit
	knownGone  = 1024             // connections that have ended and are known still
	spares     = 4                // batches that are kept for the next commits
	enough     = 512              // frames for which the disk is worth its while: they do not linger
)

// Config says how frames are grouped and who hears of them. A zero field takes its default, but for Linger.
type Config struct {
	Linger    time.Duration // how long the first of a few frames waits for others, besides those that come while the last block is written
	MaxFrames int           // of a block
	MaxBytes  int           // of its messages

	// Next is given what was committed, in the order of positions; nil: nobody. It gets all that the store has from
	// position From on, from the store where it must.
	Next hayalet.FrameSink
	From uint64
}

var (
	// ErrClosed is returned by PutFrames after the journal has ended.
	ErrClosed = errors.New("journal has ended")
	// ErrUnkept is an end at which frames waited for the disk still. Their PutFrames have returned an error.
	ErrUnkept = errors.New("frames are not kept and not answered")
)

// Journal keeps frames in a store. It is a [hayalet.Journal]. A frame of a connection whose number was kept before is not
// kept twice; it knows the connections that it has seen open, and those that ended lately.
type Journal struct {
	store hayalet.Blocks
	cfg   Config
	log   *slog.Logger
	maker *maker // the committing goroutine's, once Run has begun
	feed  *feed  // nil without Next

	wake   chan struct{} // holds one token: something waits
	full   chan struct{} // holds one token: a block is worth writing
	closed chan struct{}
	ended  chan struct{}
	once   sync.Once
	spare  chan *frames.Batch

	mu      sync.Mutex
	filling *commit
	writing *commit                   // on its way to the disk
	seen    map[hayalet.ConnID]uint64 // but for the connection of the last frame
	conn    hayalet.ConnID            // of the last frame
	last    uint64                    // what was seen of it
	gone    []hayalet.ConnID          // connections that have ended and are known still, the oldest at oldest
	oldest  int
	trouble error // why the last commit failed; nil when it did not
}

var _ hayalet.Journal = (*Journal)(nil)

// commit is frames that go to disk together, and whoever waits for that.
type commit struct {
	oldest hayalet.Instant // receipt
	batch  *frames.Batch   // whose it is: the filling ones', then the committing goroutine's, then the feed's
	taken  chan struct{}   // closed when no more may join
	done   chan struct{}   // closed when they are on disk, or err says why not
	err    error
}

func (j *Journal) newCommit() *commit {
	c := &commit{taken: make(chan struct{}), done: make(chan struct{})}
	select {
	case c.batch = <-j.spare:
	default:
		c.batch = new(frames.Batch)
	}
	return c
}

// release takes back what a commit's frames were in.
func (j *Journal) release(b *frames.Batch) {
	b.Reset()
	select {
	case j.spare <- b:
	default:
	}
}

// Open returns a journal that goes on where the store ends. It keeps nothing until Run.
func Open(ctx context.Context, store hayalet.Blocks, cfg Config, log *slog.Logger) (*Journal, error) {
	cfg.MaxFrames = cmp.Or(cfg.MaxFrames, DefaultMaxFrames)
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, DefaultMaxBytes)
	m, err := newMaker()
	if err != nil {
		return nil, err
	}
	j := &Journal{
		store: store, cfg: cfg, log: log, maker: m, wake: make(chan struct{}, 1), full: make(chan struct{}, 1),
		closed: make(chan struct{}), ended: make(chan struct{}), spare: make(chan *frames.Batch, spares), seen: make(map[hayalet.ConnID]uint64),
	}
	j.filling = j.newCommit()
	if err := j.resume(ctx); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if cfg.Next != nil {
		j.feed = newFeed(j, cfg.Next, max(cfg.From, 1), m.next())
	}
	return j, nil
}

// resume finds the end of the chain.
func (j *Journal) resume(ctx context.Context) error {
	last, err := j.store.LastBlock(ctx)
	if errors.Is(err, hayalet.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return j.maker.resume(&last)
}

// news reports whether the frame was not kept before, and remembers it.
func (j *Journal) news(f *hayalet.Frame) bool {
	if f.Seq == 0 {
		return true
	}
	if j.conn != f.Conn { // a message and its answer come together
		if j.last != 0 {
			j.seen[j.conn] = j.last
		}
		j.conn, j.last = f.Conn, j.seen[f.Conn]
	}
	if f.Seq <= j.last {
		return false
	}
	j.last = f.Seq
	if f.Kind == hayalet.ConnClose {
		j.part(f.Conn)
	}
	return true
}

// part remembers a connection that has ended for a while: its last frames may come again.
func (j *Journal) part(conn hayalet.ConnID) {
	if len(j.gone) < knownGone {
		j.gone = append(j.gone, conn)
		return
	}
	delete(j.seen, j.gone[j.oldest])
	j.gone[j.oldest] = conn
	j.oldest = (j.oldest + 1) % knownGone
}

// Ready says why nothing is kept at present, or nil.
func (j *Journal) Ready() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.trouble
}

// PutFrames returns when the frames are on disk. While the disk refuses them it waits; when ctx ends first, they may be
// kept still. More of them than a block holds are spread over several: only those that fit into one are kept all or none.
func (j *Journal) PutFrames(ctx context.Context, fs []hayalet.Frame) error {
	var c *commit
	for len(fs) > 0 {
		n := j.fits(fs)
		next, err := j.join(ctx, fs[:n])
		if err != nil {
			return err
		}
		if fs = fs[n:]; next != nil {
			c = next // the later one is on disk last
		}
	}
	if c == nil {
		return nil
	}
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fits is how many of the frames go into one block: a message and its answer at least, and those never apart.
func (j *Journal) fits(fs []hayalet.Frame) int {
	n, bytes := 0, 0
	for n < len(fs) && (n < 2 || n < j.cfg.MaxFrames && bytes+len(fs[n].Data) <= j.cfg.MaxBytes) {
		bytes += len(fs[n].Data)
		n++
	}
	if n > 2 && n < len(fs) && fs[n].Dir == hayalet.Out && fs[n-1].Dir == hayalet.In && fs[n].Conn == fs[n-1].Conn {
		n--
	}
	return n
}

// join adds the frames to the commit that is filling, once it has room, and returns it. Where all of them were kept before
// it returns the commit that they may be in, or nil.
func (j *Journal) join(ctx context.Context, fs []hayalet.Frame) (*commit, error) {
	for {
		j.mu.Lock()
		c := j.filling
		select {
		case <-j.ended:
			j.mu.Unlock()
			return nil, ErrClosed
		default:
		}
		if c.batch.Len() == 0 || c.batch.Len()+len(fs) <= j.cfg.MaxFrames && c.batch.Bytes() < j.cfg.MaxBytes {
			c = j.add(c, fs)
			j.mu.Unlock()
			return c, nil
		}
		j.mu.Unlock()
		select {
		case <-c.taken:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// add is for the holder of the lock.
func (j *Journal) add(c *commit, fs []hayalet.Frame) *commit {
	before := c.batch.Len()
	for i := range fs {
		if !j.news(&fs[i]) {
			continue
		}
		if c.batch.Len() == 0 || fs[i].At < c.oldest {
			c.oldest = fs[i].At
		}
		c.batch.Add(&fs[i])
	}
	switch {
	case c.batch.Len() == 0:
		return j.writing
	case before == 0:
		signal(j.wake)
	}
	if c.batch.Len() >= min(enough, j.cfg.MaxFrames) || c.batch.Bytes() >= j.cfg.MaxBytes {
		signal(j.full)
	}
	return c
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Close lets Run end once all frames are on disk and Next has them. No PutFrames may follow.
func (j *Journal) Close() { j.once.Do(func() { close(j.closed) }) }

// Run commits, until Close was called and nothing waits, or ctx ends. Its error is that of a store which somebody else
// writes to as well (hayalet.ErrConflict), or that of ctx, with ErrUnkept where frames waited for the disk.
func (j *Journal) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	var unkept error // says more than the feed's, which may come first
	group.Go(func() error {
		err := j.commitAll(ctx)
		if errors.Is(err, ErrUnkept) {
			unkept = err
		}
		return err
	})
	if j.feed != nil {
		group.Go(func() error { return j.feed.run(ctx) })
	}
	err := group.Wait()
	return cmp.Or(unkept, err)
}

func (j *Journal) commitAll(ctx context.Context) (err error) {
	defer func() { j.end(cmp.Or(err, error(ErrClosed))) }()
	for {
		closing := false
		select {
		case <-j.wake:
		case <-j.closed:
			closing = true
		case <-ctx.Done():
			return ctx.Err()
		}
		if !closing {
			j.linger(ctx)
		}
		c := j.take()
		if c == nil {
			if closing {
				return nil
			}
			continue
		}
		if err := j.write(ctx, c); err != nil {
			c.err = err
			close(c.done)
			return err
		}
	}
}

// linger waits for more frames, unless there are enough or the journal is to end.
func (j *Journal) linger(ctx context.Context) {
	if j.cfg.Linger <= 0 {
		return
	}
	timer := time.NewTimer(j.cfg.Linger)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-j.full:
	case <-j.closed:
	case <-ctx.Done():
	}
}

// take returns what waits, or nil, and lets others fill a new commit.
func (j *Journal) take() *commit {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.filling
	if c.batch.Len() == 0 {
		return nil
	}
	j.writing, j.filling = c, j.newCommit()
	close(c.taken)
	select {
	case <-j.full: // it was c's
	default:
	}
	return c
}

// write puts a commit on disk, however often that must be tried, and tells everybody.
func (j *Journal) write(ctx context.Context, c *commit) error {
	block, header := j.maker.make(c.batch.Frames())
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		err := j.append(ctx, block)
		if err == nil {
			break
		}
		if errors.Is(err, hayalet.ErrConflict) {
			return fmt.Errorf("the journal does not end where this server left it: another one writes to it, or the database was set back; give each server its own and start again: %w", err)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%d %w: %w", c.batch.Len()+j.behind(), ErrUnkept, ctx.Err())
		}
		j.troubled(err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	j.maker.link(header)
	j.troubled(nil)
	if j.feed == nil || !j.feed.offer(c, header) {
		j.release(c.batch)
	}
	j.mu.Lock()
	j.writing = nil
	j.mu.Unlock()
	close(c.done)
	return nil
}

// behind is how many frames wait for the next commit.
func (j *Journal) behind() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.filling.batch.Len()
}

func (j *Journal) append(ctx context.Context, b hayalet.Block) error {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	return j.store.AppendBlock(ctx, b)
}

// troubled notes how the last commit went, and says so where it turned.
func (j *Journal) troubled(err error) {
	j.mu.Lock()
	before := j.trouble
	j.trouble = err
	j.mu.Unlock()
	switch {
	case err != nil && (before == nil || before.Error() != err.Error()):
		j.log.Error("journal: cannot write; stations are not answered until it works again", "error", err)
	case err == nil && before != nil:
		j.log.Warn("journal: writes again; nothing that was answered is lost")
	}
}

// end tells those who wait still that it is over.
func (j *Journal) end(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.ended)
	if j.filling.batch.Len() > 0 {
		j.filling.err = err
		close(j.filling.taken)
		close(j.filling.done)
	}
}
