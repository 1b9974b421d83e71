package session

import (
	"time"

	"hayalet"
)

// Note marks a conclusion about a connector's data that whoever reads an incident should know.
type Note uint16

// The notes.
const (
	NoteScaled      Note = 1 << iota // meterStart and meterStop are in kWh, or samples are labelled a thousandfold wrong
	NoteGlitch                       // a register left its value and came back
	NoteRollback                     // a register restarted where nothing explains it
	NoteImpossible                   // a register rose faster than the connector can deliver
	NoteClock                        // claims that cannot be used
	NoteTwoBases                     // two registers of different base
	NoteMalformed                    // samples that break the schema
	NoteRolledStart                  // status Charging without a start
	NoteDead                         // 0 V: the meter does not measure
	NoteBlind                        // idle, and nothing usable is sent: not clean, unseen
	NoteUnknown                      // whether a transaction is active is not known
	NoteSequence                     // events of a transaction are missing: their numbers leap
)

var noteNames = [...]string{
	"unit-scaled", "glitch", "rollback", "impossible-rise", "clock", "two-registers", "malformed", "charging-without-start", "dead-meter", "blind",
	"transaction-unknown", "sequence",
}

// Names lists the notes.
func (n Note) Names() []string {
	var names []string
	for i, name := range noteNames {
		if n&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// blindAfter is how long an idle connector may be silent before it counts as unseen.
const blindAfter = 2 * time.Hour

// Quality is what was concluded about the connector's data up to the receipt time at, its visibility included.
func (c *Connector) Quality(at hayalet.Instant) Note {
	n := c.Notes
	if c.ID == 0 {
		return n
	}
	switch c.State {
	case Unknown:
		n |= NoteUnknown
	case Inactive:
		if c.Notes&NoteDead != 0 || at.Sub(max(c.IdleRecv, c.Heard)) >= blindAfter {
			n |= NoteBlind
		}
	case Active:
	}
	return n
}

// Mode is that of the register used last.
func (c *Connector) Mode() Mode {
	if t := c.newestTrack(); t != nil {
		return t.Mode()
	}
	return ModeUnknown
}
