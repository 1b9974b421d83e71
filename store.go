package hayalet

import (
	"context"
	"math"
)

// FrameQuery selects frames of a journal. Empty fields select all.
type FrameQuery struct {
	Station      StationID
	Since, Until Instant // receipt: from the first on, up to and without the last
	From         uint64  // the first position
}

// Journal keeps frames verbatim, each at a position of its own.
type Journal interface {
	// PutFrames returns when the frames are on disk. While the disk refuses them it waits and tries again, until ctx ends.
	FrameSink
	// Replay gives the frames to the sink in the order of their positions, a batch at a time.
	Replay(ctx context.Context, q FrameQuery, to FrameSink) error
}

// Block is what a journal writes in one commit. Header, Stations and Body are opaque to the store.
type Block struct {
	Number   uint64  // from 1, one after the other; retention drops whole runs of them (Hole)
	First    uint64  // the position of its first frame
	Frames   int     // how many there are; their positions follow one another
	FirstAt  Instant // the earliest receipt
	LastAt   Instant // the latest receipt
	Header   []byte  // the link of the chain: stays longer than the body
	Stations []byte  // which stations it speaks of
	Body     []byte  // the frames; nil where retention has dropped them, or where it was not asked for
}

// BlockQuery selects blocks. Empty fields select all.
type BlockQuery struct {
	From, To     uint64  // numbers, both included; To 0 is no limit
	Position     uint64  // the first position that matters
	Since, Until Instant // receipt: from the first on, up to and without the last
	Bodies       bool    // with their bodies
	Kept         bool    // only those whose bodies are kept
}

// Blocks keeps the blocks of a journal. One goroutine writes, many read.
type Blocks interface {
	// AppendBlock returns nil when the block is on disk. The same block again is success; another one of a number that is
	// kept already, one that was dropped, or one that leaves a number out, is ErrConflict. The store must not keep its bytes.
	AppendBlock(ctx context.Context, b Block) error
	// LastBlock returns the block with the greatest number, without its body; ErrNotFound when there is none.
	LastBlock(ctx context.Context) (Block, error)
	// ReadBlocks gives the blocks to the function in the order of their numbers, and ends with its first error. The bytes
	// are good only during the call. Blocks may be appended meanwhile, also by the function.
	ReadBlocks(ctx context.Context, q BlockQuery, to func(Block) error) error
	// DropBodies forgets the bodies and the stations of the blocks with these numbers.
	DropBodies(ctx context.Context, numbers []uint64) error
}

// Claimer is a store that a journal can have to itself.
type Claimer interface {
	// Claim makes the caller the only one that writes blocks, until release or the end of the process. ErrConflict when
	// somebody else is that already.
	Claim(ctx context.Context) (release func() error, err error)
}

// Incidents finds what was saved by States.
type Incidents interface {
	// Find returns incidents in the order of OpenedAt, then Key.
	Find(ctx context.Context, f IncidentFilter) ([]Incident, error)
	// History returns the revisions of one incident at which its state, severity or cause changed, the oldest first.
	History(ctx context.Context, key string) ([]Incident, error)
}

// IncidentFilter selects incidents. Empty fields select all.
type IncidentFilter struct {
	Key         string // a full key, or a prefix of one
	Station     StationID
	MinSeverity Severity
	OpenOnly    bool
	Limit       int // newest first are kept; 0 is no limit
}

// Station is what the central system keeps of a station.
type Station struct {
	ID        StationID `json:"station"`
	Vendor    string    `json:"vendor"`
	Model     string    `json:"model"`
	Serial    string    `json:"serial"`
	Firmware  string    `json:"firmware"`
	Protocol  Protocol  `json:"protocol"`
	FirstSeen Instant   `json:"first_seen"`
	LastSeen  Instant   `json:"last_seen"`
	LastBoot  Instant   `json:"last_boot"`
}

// Start is what the central system's book holds of a StartTransaction. Station, Connector, Token, Meter and ClaimedAt
// together are the natural key: a station that sends them again means the same transaction.
type Start struct {
	Station   StationID
	Connector ConnectorID
	Token     string
	Meter     int64 // meterStart as written, Wh
	ClaimedAt string
	At        Instant // receipt
}

// Stop is what the book holds of a StopTransaction.
type Stop struct {
	Station     StationID
	Transaction int64
	Meter       int64 // meterStop as written, Wh
	ClaimedAt   string
	Reason      string
	At          Instant
}

// Transaction is one entry of the book.
type Transaction struct {
	ID    int64 `json:"id"`
	Start Start `json:"start"`
	Stop  *Stop `json:"stop"` // nil while it runs
}

// Ledger is the central system's own book. What a method has returned without error is on disk. Any goroutine may call
// it.
type Ledger interface {
	// Begin opens a transaction and returns its id, unique over restarts; the same start again returns the same id.
	Begin(ctx context.Context, s Start) (int64, error)
	// End notes a stop. It is idempotent: the first stop stays. A stop of an id that the book does not hold for that
	// station is ErrNotFound.
	End(ctx context.Context, s Stop) error
	// Transactions returns those of a station, the newest first, at most limit.
	Transactions(ctx context.Context, st StationID, limit int) ([]Transaction, error)
	// PutStation creates or updates a station's record; empty strings and zero times leave what is kept, and FirstSeen
	// only ever moves back.
	PutStation(ctx context.Context, s Station) error
	// Stations returns all records in the order of their ids.
	Stations(ctx context.Context) ([]Station, error)
}

// Snapshot is the engine's state of one station, opaque to the store.
type Snapshot struct {
	Station  StationID
	Position uint64  // of the last frame that it knows
	At       Instant // receipt of that frame
	Body     []byte
}

// Series is a stretch of a station's canonical readings, opaque to the store.
type Series struct {
	Station StationID
	From    Instant // event time of the earliest reading
	To      Instant // and of the latest
	Body    []byte
}

// State is what the engine saves in one commit.
type State struct {
	Incidents []Incident // the newest revision of each that changed; one older than what is kept is left out
	History   []Incident // revisions at which state, severity or cause changed
	Snapshots []Snapshot // the newest of each station that changed; one older than what is kept is left out
	Series    []Series
	Mark      uint64 // all that the frames up to this position did is in the snapshots; zero leaves what is kept
}

// States keeps what the engine knows. It is called from one goroutine for writing and many for reading.
type States interface {
	// SaveState keeps all of it or, with an error, nothing. The same again is success. An incident without a key is
	// ErrInvalid.
	SaveState(ctx context.Context, s State) error
	// LoadState gives the newest snapshot of each station to the function, in the order of the stations' ids, and returns
	// the mark. It ends with the function's first error; without a function it returns the mark alone.
	LoadState(ctx context.Context, to func(Snapshot) error) (mark uint64, err error)
	// ReadSeries gives a station's readings that touch the time to the function, in the order of From.
	ReadSeries(ctx context.Context, st StationID, since, until Instant, to func(Series) error) error
}

// Notifier tells somebody of an incident. An error that wraps ErrUnavailable is worth another try, any other is final.
type Notifier interface {
	Notify(ctx context.Context, inc Incident) error
}

// Told is how an incident stood when somebody was last told of it. At is the UpdatedAt of that revision.
type Told struct {
	Key      string
	Severity Severity
	State    IncidentState
	At       Instant
}

// Tellings remembers over restarts what was told.
type Tellings interface {
	// PutTold keeps the newest telling of each incident.
	PutTold(ctx context.Context, t Told) error
	// ToldSince returns the tellings from an instant on, in the order of At, then Key.
	ToldSince(ctx context.Context, since Instant) ([]Told, error)
}

// AuditEntry is one thing that somebody did.
type AuditEntry struct {
	At      Instant `json:"at"`
	Actor   string  `json:"actor"`   // who: an address, "server", "config"
	Action  string  `json:"action"`  // what: "command", "exception began", "server started"
	Subject string  `json:"subject"` // to whom: a station, an incident
	Detail  string  `json:"detail"`
}

// Audit is the log of what people did. It is only ever appended to; retention alone takes from it.
type Audit interface {
	PutAudit(ctx context.Context, e AuditEntry) error
	// AuditTrail returns at most limit entries of the time, the newest last; zero times and limits are none.
	AuditTrail(ctx context.Context, since, until Instant, limit int) ([]AuditEntry, error)
}

// KeptException is an exception as the configuration had it, from the start that first saw it to the one that did not.
type KeptException struct {
	Name  string
	Body  []byte // JSON
	Since Instant
	Until Instant // zero while it is in force
}

// Exceptions keeps what exceptions there were.
type Exceptions interface {
	// SyncExceptions makes those of the bodies, by name, the ones in force. One whose body changed ends and begins anew.
	// It returns the names of those that began and of those that ended, sorted.
	SyncExceptions(ctx context.Context, at Instant, bodies map[string][]byte) (began, ended []string, err error)
	// KeptExceptions returns all, in the order of Since, then Name.
	KeptExceptions(ctx context.Context) ([]KeptException, error)
}

// Anchor is a signed statement: at this time the chain of blocks ended with this hash.
type Anchor struct {
	Block     uint64 // number
	Hash      []byte // SHA-256 of the block's header
	At        Instant
	Key       []byte // Ed25519 public key
	Signature []byte // Ed25519
}

// Anchors keeps anchors.
type Anchors interface {
	PutAnchor(ctx context.Context, a Anchor) error
	// FindAnchors returns at most limit anchors of this block and later ones, in the order of their blocks, then of At.
	FindAnchors(ctx context.Context, from uint64, limit int) ([]Anchor, error)
}

// BlockRange is the blocks with these numbers, both included.
type BlockRange struct{ First, Last uint64 }

// Hole is a signed statement: these blocks, which no body was left of, were dropped by retention, and this is what they lay
// between.
type Hole struct {
	BlockRange
	Before, After []byte // SHA-256 of the headers of the block before the first and of the one behind the last
	At            Instant
	Reason        string // the limit that they were beyond: "age", "size"
	Key           []byte // Ed25519 public key
	Signature     []byte // Ed25519
}

// Holes drops whole blocks from between anchors, and keeps what bridges them.
type Holes interface {
	// EmptiedRuns returns at most limit runs of blocks from a number on, the oldest first: each all that lies between two
	// anchored blocks, of which every receipt up to there was before the instant (zero: at any time), without any body, and
	// with some block left. Of anchors only their key is looked at.
	EmptiedRuns(ctx context.Context, key []byte, from uint64, before Instant, limit int) ([]BlockRange, error)
	// PutHole keeps the hole; the same again changes nothing. It comes before the blocks go.
	PutHole(ctx context.Context, h Hole) error
	// FindHoles returns the holes whose first blocks are from one number to another, both included (a last one of zero is
	// none), in the order of their first blocks, then of At.
	FindHoles(ctx context.Context, from, to uint64) ([]Hole, error)
	// DropBlocks drops at most limit of the blocks, the last ones first, in one short commit, and returns how many went; fewer
	// than limit means that no more are there. When one of them has its body, or is the newest of all, it is ErrConflict and
	// none goes.
	DropBlocks(ctx context.Context, r BlockRange, limit int) (int, error)
}

// Usage is what one kind of record takes.
type Usage struct {
	Records int64
	Bytes   int64 // of what it holds, indexes and the room that pages waste left out
	Oldest  Instant
}

// Retention takes away what is old, a little at a time: each call is one short commit, so that nobody waits for it. What is
// dropped is gone for good. Each Drop returns how many records went; fewer than limit means that no more qualify.
type Retention interface {
	// DropSeries drops readings that ended before the instant, but for those of the station that touch one of the spans to
	// keep.
	DropSeries(ctx context.Context, before Instant, keep []Span, limit int) (int, error)
	// IncidentSpans returns the span of each incident that is kept, in no order.
	IncidentSpans(ctx context.Context) ([]Span, error)
	// DropIncidents drops closed and cleared incidents that ended before the instant, with their history and tellings.
	DropIncidents(ctx context.Context, before Instant, limit int) (int, error)
	// DropTransactions drops those that ended before the instant.
	DropTransactions(ctx context.Context, before Instant, limit int) (int, error)
	// DropAudit drops entries of before the instant.
	DropAudit(ctx context.Context, before Instant, limit int) (int, error)
	// Use tells what these kinds take, or all: frames, chain, series, incidents, transactions, audit. The last three are read
	// through for it.
	Use(ctx context.Context, kinds ...string) (map[string]Usage, error)
	// Compact gives some of the room that was freed back to the disk, and reports whether there is more to give.
	Compact(ctx context.Context) (more bool, err error)
}

// Span is a time of one station.
type Span struct {
	Station      StationID
	Since, Until Instant // both included
}

// Endless is the end of what does not end.
const Endless = Instant(math.MaxInt64)

// Store is a database that keeps everything.
type Store interface {
	Ledger
	Blocks
	Claimer
	Incidents
	States
	Tellings
	Audit
	Exceptions
	Anchors
	Holes
	Retention
	// Ping reports whether the database answers.
	Ping(ctx context.Context) error
	Close() error
}
