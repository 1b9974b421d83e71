package hayalet

import "context"

// Incidents keeps incidents by Key. It is called from one goroutine for writing and many for reading.
type Incidents interface {
	// Save stores the incident; ErrConflict when a higher Rev is kept already. Saving the same Rev again is success. An
	// empty Key is ErrInvalid.
	Save(ctx context.Context, inc Incident) error
	// Find returns incidents in the order of OpenedAt, then Key.
	Find(ctx context.Context, f IncidentFilter) ([]Incident, error)
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
	Station StationID
	At      Instant
	Body    []byte
}

// Snapshots keeps the newest snapshot of each station.
type Snapshots interface {
	SaveSnapshots(ctx context.Context, ss []Snapshot) error
	LoadSnapshots(ctx context.Context, to func(Snapshot) error) error
}

// Notifier tells somebody of an incident. An error that wraps ErrUnavailable is worth another try, any other is final.
type Notifier interface {
	Notify(ctx context.Context, inc Incident) error
}
