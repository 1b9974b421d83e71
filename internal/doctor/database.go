package doctor

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"
)

// Database is what its caller saw of a database.
type Database struct {
	Name   string // the path, or the URL without a password
	Engine string // SQLite 3.54.0
	Schema int64  // its own
	Known  int64  // the newest that this program knows
	Bytes  int64  // its size; 0: not known
	Err    error  // why it could not be looked at; one that wraps fs.ErrNotExist: it will be made
}

// Database says whether a server can work on it.
func (d Doctor) Database(db Database) Finding {
	f := Finding{Name: "database"}
	seen := strings.Join([]string{db.Name, db.Engine, d.Text.T("doctor.database.schema", int(db.Schema))}, ", ")
	if db.Bytes > 0 {
		seen += ", " + d.size(uint64(db.Bytes))
	}
	switch {
	case errors.Is(db.Err, fs.ErrNotExist):
		f.Fact = d.Text.T("doctor.database.absent", db.Name)
	case db.Err != nil:
		f.Level, f.Fact = Fail, db.Name+": "+db.Err.Error()
	case db.Schema > db.Known:
		f.Level, f.Fact, f.Do = Fail, d.Text.T("doctor.database.newer", seen, int(db.Known)), d.Text.T("doctor.database.newer.do")
	case db.Schema < db.Known:
		f.Fact = d.Text.T("doctor.database.older", seen, int(db.Known))
	default:
		f.Fact = seen
	}
	return f
}

// Integrity says what came of checking all of a database: what is damaged, why it ended early, and how long it took.
func (d Doctor) Integrity(damage []string, err error, took time.Duration) Finding {
	f := Finding{Name: "integrity"}
	took = max(took.Round(time.Millisecond), time.Millisecond)
	switch {
	case len(damage) > 0:
		f.Level, f.Fact, f.Do = Fail, d.Text.T("doctor.integrity.damage", damage[0], len(damage)), d.Text.T("doctor.integrity.damage.do")
	case errors.Is(err, context.DeadlineExceeded):
		f.Level, f.Fact, f.Do = Warn, d.Text.T("doctor.integrity.unfinished", took.String()), d.Text.T("doctor.integrity.unfinished.do")
	case err != nil:
		f.Level, f.Fact, f.Do = Fail, err.Error(), d.Text.T("doctor.integrity.damage.do")
	default:
		f.Fact = d.Text.T("doctor.integrity.fine", took.String())
	}
	return f
}
