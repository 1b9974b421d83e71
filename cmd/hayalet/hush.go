package main

import (
	"log/slog"
	"sync"

	"hayalet"
	"hayalet/internal/exception"
	"hayalet/internal/session"
)

// hush keeps the exceptions of a running server, and the models that they ask for.
type hush struct {
	set    *exception.Set
	log    *slog.Logger
	models sync.Map // hayalet.StationID: string; the engine asks for the profile of each connector anew after a boot
}

// newHush says in the log which exceptions end soon or have ended: somebody is to take them out or renew them.
func newHush(set *exception.Set, log *slog.Logger, now hayalet.Instant) *hush {
	for _, h := range exception.NewTally(set).List(now) {
		if h.Expiring || h.State == exception.Expired {
			log.Warn("exception ends", "name", h.Exception.Name, "until", h.Exception.Until.String(), "state", h.State.String(), "owner", h.Exception.Owner)
		}
	}
	return &hush{set: set, log: log}
}

// profiles passes on the engine's question and notes the model that it tells.
func (h *hush) profiles(next session.Profiles) session.Profiles {
	return func(st hayalet.StationID, vendor, model string, c hayalet.ConnectorID) session.Profile {
		h.models.Store(st, model)
		return next(st, vendor, model, c)
	}
}

// hides reports whether nobody is to be told of the incident as it stands.
func (h *hush) hides(inc *hayalet.Incident) bool {
	model, _ := h.models.Load(inc.Station)
	name, _ := model.(string)
	e, hidden := h.set.Hides(inc, name, exception.Moment(inc))
	if hidden {
		h.log.Debug("notification hidden", "incident", inc.Key, "rev", inc.Rev, "exception", e.Name)
	}
	return hidden
}
