package lab

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"hayalet"
)

// Trace is the traffic of one station with its truth.
type Trace struct {
	Name     string           `json:"name"` // also the station's id
	Family   string           `json:"family"`
	Attack   bool             `json:"attack"`
	Rule     hayalet.RuleName `json:"rule,omitempty"`
	Seed     uint64           `json:"seed"`
	Protocol hayalet.Protocol `json:"protocol"`
	Truth    Truth            `json:"truth"`
	Frames   []hayalet.Frame  `json:"-"`
	Span     time.Duration    `json:"span"`
}

// habits draws one point of the grid.
func habits(rng *rand.Rand) Habits {
	pick := func(n int) int { return rng.IntN(n) }
	h := Habits{
		Every:   []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 15 * time.Minute, 30 * time.Minute}[pick(5)],
		TxEvery: []time.Duration{10 * time.Second, time.Minute, time.Minute, 5 * time.Minute}[pick(4)],
		Base:    []hayalet.Energy{0, 40 * hayalet.KilowattHour, 1254 * hayalet.KilowattHour, 90_000 * hayalet.KilowattHour}[pick(4)],
		Lag:     []time.Duration{30 * time.Millisecond, 400 * time.Millisecond, 3 * time.Second}[pick(3)],
		Rating:  []hayalet.Power{3700 * hayalet.Watt, 11 * hayalet.Kilowatt, 22 * hayalet.Kilowatt, 50 * hayalet.Kilowatt, 150 * hayalet.Kilowatt}[pick(5)],
		Standby: []hayalet.Power{0, 0, 3 * hayalet.Watt, 6 * hayalet.Watt}[pick(4)],
		Settle:  []hayalet.Energy{0, 1 * hayalet.WattHour, 4 * hayalet.WattHour}[pick(3)],
	}
	switch pick(4) {
	case 0:
		h.Unit, h.Decimals = "kWh", 2
	case 1:
		h.Unit, h.Decimals = "kWh", 3
	default:
		h.Unit, h.Decimals = "Wh", pick(2)
	}
	h.ClockError = []time.Duration{0, 0, 0, 2 * time.Second, -20 * time.Second, 3 * time.Hour}[pick(6)]
	h.WithPower = pick(2) == 0
	h.NoContext = pick(4) == 0
	h.NoUnit = h.Unit == "Wh" && pick(5) == 0
	h.NoID = pick(6) == 0
	h.StaleID = pick(8) == 0
	h.ZeroID = !h.StaleID && pick(6) == 0
	h.PerSession = pick(8) == 0
	h.Phases = !h.PerSession && pick(8) == 0
	h.NoStatus = pick(8) == 0
	h.PowerAs = []PowerForm{PowerTotal, PowerTotal, PowerKW, PowerPhases}[pick(4)]
	h.Noise = pick(5) == 0
	h.Spaces = pick(10) == 0
	h.NoMeasurand = pick(10) == 0
	h.Offset = []time.Duration{0, 0, 0, 0, 10 * time.Hour, -5 * time.Hour}[pick(6)]
	h.Main = []MainForm{NoMain, NoMain, NoMain, MainZero, MainInlet}[pick(5)]
	h.StationUse = []hayalet.Power{20 * hayalet.Watt, 80 * hayalet.Watt, 200 * hayalet.Watt}[pick(3)]
	return h
}

// Make plays one family once, in a version of OCPP. The same family, seed and version give the same frames; in each version
// they tell the same story and have the same truth.
func Make(f *Family, seed uint64, p hayalet.Protocol) Trace {
	sum := fnv.New64a()
	sum.Write([]byte(f.Name))
	seed64 := sum.Sum64() ^ seed*0x9e3779b97f4a7c15
	rng := rand.New(rand.NewPCG(seed64, seed))
	h := habits(rng)
	for f.Needs != nil && !f.Needs(h) {
		h = habits(rng)
	}
	if f.Habits != nil {
		f.Habits(&h)
	}
	outlets := f.Outlets
	if outlets == 0 {
		outlets = 2
	}
	w := newWorld(fmt.Sprintf("%s-%d", f.Name, seed), seed64, outlets, h)
	if p != hayalet.OCPP16 {
		w.second = newVersion2(p, seed64)
	}
	f.Play(w)
	w.idle(10 * time.Minute)
	return Trace{
		Name: string(w.station), Family: f.Name, Attack: f.Attack(), Rule: f.Rule, Seed: seed, Protocol: p, Truth: w.truth, Frames: w.frames,
		Span: w.now.Sub(w.start),
	}
}
