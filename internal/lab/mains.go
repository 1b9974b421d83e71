package lab

import (
	"fmt"

	"hayalet"
)

// MainForm is where a station reports the register before its outlets.
type MainForm uint8

// The places of a register before the outlets.
const (
	NoMain    MainForm = iota
	MainZero           // connector 0
	MainInlet          // location Inlet of connector 1
)

// mainMeter is the register before the outlets.
type mainMeter struct {
	register hayalet.Energy
	rest     int64
	past     hayalet.Power  // flows past the outlets
	sent     hayalet.Energy // register at the last value
	base     hayalet.Energy // when the idle period began
}

// rebase begins an idle period when no outlet has a transaction.
func (m *mainMeter) rebase(outlets []*outlet) {
	for _, o := range outlets {
		if o.tx != 0 {
			return
		}
	}
	m.base = m.register
}

// mainValue sends the register of connector 0. The one at the inlet stands beside the outlet's own.
func (w *World) mainValue(context string) {
	if w.Main != MainZero {
		return
	}
	w.call("MeterValues", fmt.Sprintf(`{"connectorId":0,"meterValue":[{"timestamp":%q,"sampledValue":[%s]}]}`, w.claimed(), w.mainSample(context)))
}

func (w *World) mainSample(context string) string {
	w.main.sent = w.main.register
	place := ""
	if w.Main == MainInlet {
		place = `,"location":"Inlet"`
	}
	return fmt.Sprintf(`{"value":%q,"measurand":"Energy.Active.Import.Register"%s%s%s}`,
		w.written(w.main.register), place, w.unit(), w.context(context))
}
