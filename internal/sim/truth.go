package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"hayalet"
)

// tally adds up the phantom energy of a station's readings, connector by connector.
type tally struct{ accounts map[int]*account }

// account is the phantom energy of one connector. An episode begins at base and has reached last.
type account struct {
	base    hayalet.Energy // when the last transaction ended, or at the last reading before there was one
	last    hayalet.Energy // at the last phantom reading
	based   bool
	stopped bool
	open    bool // the episode has a phantom reading
	found   bool // there was ever one
	closed  hayalet.Energy
}

func newTally() *tally { return &tally{accounts: map[int]*account{}} }

func (t *tally) of(connector int) *account {
	a := t.accounts[connector]
	if a == nil {
		a = &account{}
		t.accounts[connector] = a
	}
	return a
}

func (a *account) energy() hayalet.Energy {
	if !a.open {
		return a.closed
	}
	return a.closed + a.last - a.base
}

// start closes the connector's episode.
func (t *tally) start(connector int) {
	a := t.of(connector)
	a.closed, a.open = a.energy(), false
	a.based, a.stopped = false, false
}

// stop sets what the next episode counts from.
func (t *tally) stop(connector int, register hayalet.Energy) {
	a := t.of(connector)
	a.closed, a.open = a.energy(), false
	a.base, a.based, a.stopped = register, true, true
}

// reading is false for a phantom reading with nothing to count from.
func (t *tally) reading(connector int, register hayalet.Energy, phantom bool) bool {
	a := t.of(connector)
	switch {
	case phantom && !a.based:
		return false
	case phantom:
		a.last, a.open, a.found = register, true, true
	case !a.stopped && !a.open:
		a.base, a.based = register, true
	}
	return true
}

// energy is the phantom energy of all connectors.
func (t *tally) energy() hayalet.Energy {
	var sum hayalet.Energy
	for _, a := range t.accounts {
		sum += a.energy()
	}
	return sum
}

// connector names the connector with phantom readings, or 0, and tells whether there are several.
func (t *tally) connector() (n int, several bool) {
	for c, a := range t.accounts {
		if a.found {
			several = n != 0
			n = max(n, c)
		}
	}
	return n, several
}

// meterField is the energy that meterStart or meterStop stands for, where the station really writes it in unit.
func meterField(n int64, unit string) hayalet.Energy {
	if unit == unitKWh {
		return hayalet.Energy(n) * hayalet.KilowattHour
	}
	return hayalet.Energy(n) * hayalet.WattHour
}

// PhantomReading is one reading of energy that no transaction accounts for, as it was sent.
type PhantomReading struct {
	Index     int             `json:"index"` // among all meter messages sent, from 1
	Connector int             `json:"connector"`
	Value     string          `json:"value"` // as written in the message, but for a multiplier of 2.x
	Unit      string          `json:"unit"`  // as written in the message
	Energy    hayalet.Energy  `json:"register_wh"`
	ClaimedAt hayalet.Instant `json:"claimed_at"` // the stamp in the message
	SentAt    hayalet.Instant `json:"sent_at"`    // by the wall clock
	MessageID string          `json:"message_id"`
}

// Result is the ground truth of one play: what was really sent, which is the scenario's truth only where nothing was
// cut short. Its JSON is what the simulate command writes beside the traffic.
type Result struct {
	Scenario      string                  `json:"scenario"`
	Station       hayalet.StationID       `json:"station"`
	Protocol      hayalet.Protocol        `json:"protocol"`
	Speed         float64                 `json:"speed"`
	StartedAt     hayalet.Instant         `json:"started_at"`
	EndedAt       hayalet.Instant         `json:"ended_at"`
	Complete      bool                    `json:"complete"` // every step was done
	Connector     int                     `json:"connector"`
	Readings      int                     `json:"readings"` // meter messages sent
	Phantom       []PhantomReading        `json:"phantom"`
	PhantomEnergy hayalet.Energy          `json:"phantom_energy_wh"` // last phantom register − register when the transaction ended
	Transactions  []hayalet.TransactionID `json:"transactions"`      // ids that both sides know, in order
	Calls         int                     `json:"calls"`             // sent by the station
	CallErrors    int                     `json:"call_errors"`       // of them answered with an error, or with what cannot be read
	Timeouts      int                     `json:"timeouts"`          // of them not answered in time
	Unexpected    int                     `json:"unexpected"`        // messages received that were no call and no awaited answer
	Commands      int                     `json:"commands"`          // calls received
}

// Write writes the result as indented JSON with a newline at its end.
func (r *Result) Write(w io.Writer) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode truth: %w", err)
	}
	if _, err := w.Write(append(data, '\n')); err != nil {
		return fmt.Errorf("write truth: %w", err)
	}
	return nil
}

func instant(t time.Time) hayalet.Instant { return hayalet.InstantOf(t) }
