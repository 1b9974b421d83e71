package engine

import (
	"context"
	"slices"
	"strings"

	"hayalet"
	"hayalet/internal/session"
)

// ConnectorState is what the engine knows of a connector, for display.
type ConnectorState struct {
	Connector   hayalet.ConnectorID
	Status      hayalet.Status
	State       session.TxState
	Transaction hayalet.TransactionID
	Register    hayalet.Energy
	HasRegister bool
	Mode        session.Mode // of the register
	Notes       []string     // what was concluded about its data
	Incident    string       // key of a running incident; "" when there is none
}

// StationState is what the engine knows of a station, for display.
type StationState struct {
	Station    hayalet.StationID
	Vendor     string
	Model      string
	Firmware   string
	LastFrame  hayalet.Instant
	Missed     session.Missed // what was lost before it could be kept
	Connectors []ConnectorState
}

// Stations returns the state of all stations in the order of their ids. Run must be running.
func (e *Engine) Stations(ctx context.Context) ([]StationState, error) {
	var all []StationState
	for _, s := range e.shards {
		reply := make(chan []StationState, 1)
		if err := s.put(ctx, job{ask: func(s *shard) { reply <- s.states() }}); err != nil {
			return nil, err
		}
		select {
		case part := <-reply:
			all = append(all, part...)
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-e.done:
			return nil, ErrClosed
		}
	}
	slices.SortFunc(all, func(a, b StationState) int { return strings.Compare(string(a.Station), string(b.Station)) })
	return all, nil
}

func (s *shard) states() []StationState {
	all := make([]StationState, 0, len(s.units))
	for _, u := range s.units {
		all = append(all, u.state())
	}
	return all
}

func (u *unit) state() StationState {
	st := u.station
	view := StationState{Station: st.ID, Vendor: st.Vendor, Model: st.Model, Firmware: st.Firmware, LastFrame: u.latest, Missed: st.Missed}
	kept := u.folder.Kept()
	for _, c := range st.Connectors {
		cs := ConnectorState{Connector: c.ID, Status: c.Status, State: c.State}
		if c.State == session.Active {
			cs.Transaction = c.Tx.ID
		}
		cs.Register, cs.HasRegister = c.Register()
		cs.Mode, cs.Notes = c.Mode(), c.Quality(u.latest).Names()
		for _, inc := range kept {
			if inc.Open() && inc.Connector == c.ID {
				cs.Incident = inc.Key
			}
		}
		view.Connectors = append(view.Connectors, cs)
	}
	return view
}
