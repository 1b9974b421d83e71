package backtest

import "hayalet"

// pairing says which incident that was found is which that is stored.
type pairing struct {
	stored, found []hayalet.Incident
	at            map[place][]int // of found
	partner       []int           // of each that is stored; negative: none
	taken         []bool          // of each that was found
}

// place is where incidents may be the same.
type place struct {
	rule      hayalet.RuleName
	station   hayalet.StationID
	connector hayalet.ConnectorID
}

func placeOf(inc *hayalet.Incident) place { return place{inc.Rule, inc.Station, inc.Connector} }

// pair finds first the incidents with the same key, then those at the same place and time, then those in the same idle
// time: another threshold may open one at another reading, which makes its key another.
func pair(stored, found []hayalet.Incident) *pairing {
	p := &pairing{
		stored: stored, found: found, at: make(map[place][]int), partner: make([]int, len(stored)), taken: make([]bool, len(found)),
	}
	for i := range stored {
		p.partner[i] = -1
	}
	for i := range found {
		at := placeOf(&found[i])
		p.at[at] = append(p.at[at], i)
	}
	for _, same := range []func(a, b *hayalet.Incident) bool{sameKey, overlap, sameIdle} {
		p.match(same)
	}
	return p
}

func (p *pairing) match(same func(a, b *hayalet.Incident) bool) {
	for i := range p.stored {
		if p.partner[i] >= 0 {
			continue
		}
		for _, n := range p.at[placeOf(&p.stored[i])] {
			if !p.taken[n] && same(&p.stored[i], &p.found[n]) {
				p.partner[i], p.taken[n] = n, true
				break
			}
		}
	}
}

func sameKey(a, b *hayalet.Incident) bool { return a.Key == b.Key }

func overlap(a, b *hayalet.Incident) bool {
	return (a.Open() || a.EndedAt >= b.OpenedAt) && (b.Open() || b.EndedAt >= a.OpenedAt)
}

func sameIdle(a, b *hayalet.Incident) bool {
	return a.BaselineAt != 0 && a.BaselineAt == b.BaselineAt && a.Baseline == b.Baseline
}
