package session

import (
	"slices"

	"hayalet"
)

// maxFloating bounds the starts whose EVSE is not told yet.
const maxFloating = 8

// float keeps a start that names no EVSE: in 2.x a driver may be authorised before a cable is plugged in. It begins when a
// later event of the transaction tells where.
func (s *Station) float(e *hayalet.Event) {
	if !e.Transaction.IsSet() {
		return
	}
	s.drop(e.Transaction)
	if len(s.Floating) >= maxFloating {
		s.Floating = slices.Delete(s.Floating, 0, 1)
	}
	start := *e
	start.Samples, start.More = nil, nil
	s.Floating = append(s.Floating, start)
}

// land begins a transaction that floated, where e tells its EVSE or there is but one that its values can be of. One that
// ends before that never had an EVSE.
func (s *Station) land(e *hayalet.Event) {
	i := slices.IndexFunc(s.Floating, func(f hayalet.Event) bool { return f.Transaction == e.Transaction })
	if i < 0 {
		return
	}
	start := s.Floating[i]
	c := s.metered(e)
	if c == nil || !e.HasConnector && len(e.Samples) == 0 {
		if e.Kind == hayalet.EventStop {
			s.drop(e.Transaction)
		}
		return
	}
	s.drop(e.Transaction)
	said := start.At
	start.Connector, start.HasConnector, start.At = c.ID, true, e.At // what it covers is known only now
	if s.start(&start); c.names(e) {
		c.Tx.StartedRecv = min(c.Tx.StartedRecv, said)
	}
}

func (s *Station) drop(id hayalet.TransactionID) {
	s.Floating = slices.DeleteFunc(s.Floating, func(f hayalet.Event) bool { return f.Transaction == id })
}

// maxNoted bounds the ids whose start was not seen of which it is kept where they are.
const maxNoted = 8

// Noted is where an id was first said to be.
type Noted struct {
	ID        hayalet.TransactionID
	Connector hayalet.ConnectorID
}

// note keeps the EVSE of an id that nobody was seen to begin: its later events need not name it again.
func (s *Station) note(e *hayalet.Event) {
	if !e.Running || !e.Transaction.IsSet() || s.bound(e) != nil {
		return
	}
	if len(s.Noted) >= maxNoted {
		s.Noted = slices.Delete(s.Noted, 0, 1)
	}
	s.Noted = append(s.Noted, Noted{e.Transaction, e.Connector})
}

// bound returns the connector that a TransactionEvent means by its id alone: where it runs or ran, else where it was first
// said to be; nil where the id says nothing.
func (s *Station) bound(e *hayalet.Event) *Connector {
	if !e.Running || !e.Transaction.IsSet() {
		return nil
	}
	var latest *Connector
	for _, c := range s.Connectors {
		if c.names(e) && (latest == nil || c.Tx.StartedRecv > latest.Tx.StartedRecv) { // some use an id again
			latest = c
		}
	}
	if latest != nil {
		return latest
	}
	for _, c := range s.Connectors {
		if c.Issued(e.Transaction) {
			return c
		}
	}
	for _, n := range s.Noted {
		if n.ID == e.Transaction {
			return s.connector(n.Connector)
		}
	}
	return nil
}

// plug notes which connectors of an EVSE are occupied. What is said of the EVSE as a whole is said of all.
func (c *Connector) plug(r hayalet.StatusReport) {
	bit := uint16(1) << min(max(r.Plug, 0), 15)
	switch {
	case r.Status == hayalet.Occupied:
		c.Plugged |= bit
	case r.Plug == 0:
		c.Plugged = 0
	default:
		c.Plugged &^= bit
	}
}

// moved reports whether the register has risen since the transaction's start, as far as is known.
func (c *Connector) moved() bool {
	t := c.startTrack()
	return t == nil || t.Last.Value > c.Tx.Start.Value
}

// names reports whether an event carries the id of the connector's running or last transaction.
func (c *Connector) names(e *hayalet.Event) bool {
	return c.HasTx && e.Transaction.Usable() && c.Tx.ID == e.Transaction
}

// told takes what a TransactionEvent says beside its values: the charging state, which is the status of 1.6 in other words,
// and its number among the transaction's events.
func (c *Connector) told(e *hayalet.Event) {
	if !c.names(e) {
		return
	}
	switch {
	case e.Kind == hayalet.EventStop && c.Status == hayalet.Available: // the cable is out
	case e.Status != hayalet.StatusUnknown:
		c.Status = e.Status
	case e.Kind == hayalet.EventStop && c.Plugged != 0:
		c.Status = hayalet.Occupied
	}
	if !e.HasSeqNo {
		return
	}
	if c.Tx.SeqNo != 0 && e.SeqNo > c.Tx.SeqNo {
		c.Notes |= NoteSequence
	}
	c.Tx.SeqNo = max(c.Tx.SeqNo, e.SeqNo+1)
}
