package detect

import (
	"errors"
	"time"

	"hayalet"
	"hayalet/internal/session"
)

// MT02Name is the id of the rule energy-power-mismatch.
const MT02Name hayalet.RuleName = "MT-02"

// MT02Params are the parameters of MT-02.
type MT02Params struct {
	Under   Ratio          // of the measured energy that the register must show
	Over    Ratio          // of it that the register may show
	Span    time.Duration  // at least, before anything is said
	Least   hayalet.Energy // and this much energy
	Window  time.Duration  // after which a window in which both agree makes room for the next
	MaxSpan time.Duration  // between two measurements that are added up
	Medium  hayalet.Energy // that the register is short of in one transaction
}

// DefaultMT02 are the defaults.
func DefaultMT02() MT02Params {
	return MT02Params{
		Under: 600, Over: 1667, Span: 15 * time.Minute, Least: 500 * hayalet.WattHour, Window: time.Hour, MaxSpan: time.Hour, Medium: hayalet.KilowattHour,
	}
}

// Fields are the parameters.
func (p *MT02Params) Fields() []Field {
	return []Field{
		{"under", &p.Under}, {"over", &p.Over}, {"span", &p.Span}, {"least", &p.Least}, {"window", &p.Window}, {"max_span", &p.MaxSpan}, {"medium", &p.Medium},
	}
}

// Validate refuses parameters that contradict one another.
func (p *MT02Params) Validate() error {
	if p.Under > 1000 || p.Over < 1000 {
		return errors.New("want under <= 1000 <= over (thousandths)")
	}
	return notNegative(p.Fields())
}

// Rule is the rule with these parameters.
func (p *MT02Params) Rule() Rule { return &MT02{*p} }

// MT02 sets the register of a transaction against the power that the station measured meanwhile. A register that is short
// of it is energy that nobody pays for; one that exceeds it is at most low, since it is power that stations get wrong.
// Between two measurements the power is somewhere between them, or so it is taken: bounds are added up, no means.
type MT02 struct{ p MT02Params }

// Match is what MT-02 remembers of a connector: a window of its running transaction.
type Match struct {
	Contest
	From  hayalet.Instant   // event time of its begin: a measurement; zero: there is none
	At    hayalet.Instant   // event time of the last measurement
	Power hayalet.Power     // that it showed
	Low   hayalet.Energy    // that flowed at least
	High  hayalet.Energy    // and at most
	Big   hayalet.Energy    // the largest part of High between two measurements: registers lag
	Grown [2]hayalet.Energy // by two registers: some stations have two, and each must be heard
	Track [2]int8           // which they are, and 1; 0: none
	Step  hayalet.Energy    // of the coarser
	Count uint16            // measurements in the window
	Fresh bool              // a register was read since the last judgement
	Read  bool              // a register was read in this transaction
}

// countNeeds is how many measurements a window must have.
const countNeeds = 4

// Name is MT-02.
func (r *MT02) Name() hayalet.RuleName { return MT02Name }

// Judge weighs one step of a connector.
func (r *MT02) Judge(v View, mem *Memory, out *[]hayalet.Verdict) {
	if v.Connector.ID == 0 {
		return
	}
	switch v.Step.Kind {
	case session.StepStart:
		if m := mem.Match; m != nil {
			m.end(contested(MT02Name, v, v.Step.EventAt, 0, ""), hayalet.Close, hayalet.ReasonNewStart, out)
			mem.Match = nil
		}
	case session.StepReading:
		r.reading(v, mem)
	case session.StepElectric:
		r.measured(v, mem, out)
	case session.StepStop:
		if m := mem.Match; m != nil {
			r.stop(v, m, out)
			mem.Match = nil
		}
	}
}

// reading adds up what the registers show.
func (r *MT02) reading(v View, mem *Memory) {
	rd := &v.Step.Reading
	if v.Connector.State != session.Active {
		return
	}
	m := need(&mem.Match)
	switch rd.Fate {
	case session.FateFirst:
		m.again()
	case session.FateCounted:
		if rd.OverOutage || rd.Fall > 0 || rd.Jumped || rd.TakenBack {
			m.again()
			break
		}
		m.grow(rd)
	default:
		return
	}
	m.Read, m.Fresh = true, true
}

// again begins a new window with the next measurement.
func (m *Match) again() { *m = Match{Contest: m.Contest, Read: m.Read, Track: m.Track} }

// grow adds to the register's growth. A register that was not read before, which may be the same one that has reached the
// value of another, begins a new window; of more than two the oldest makes room.
func (m *Match) grow(rd *session.Reading) {
	track := int8(rd.Track + 1)
	switch track {
	case m.Track[0]:
		m.Grown[0] += rd.Increase
	case m.Track[1]:
		m.Grown[1] += rd.Increase
	default:
		first := m.Track[0]
		m.again()
		m.Track = [2]int8{track, first}
	}
	m.Step = max(m.Step, rd.Step())
}

// measured adds up what flows.
func (r *MT02) measured(v View, mem *Memory, out *[]hayalet.Verdict) {
	c, el := v.Connector, &v.Step.Electric
	if c.State != session.Active || !el.HasPower || el.Late || mixedUp(c) {
		return
	}
	m := need(&mem.Match)
	p, span := max(el.Power, 0), el.At.Sub(m.At)
	if m.From == 0 || el.OverOutage || span > r.p.MaxSpan || mem.Still != nil && mem.Still.Open {
		m.again()
		m.From, m.At, m.Power = el.At, el.At, p
		return
	}
	if span <= 0 {
		return
	}
	most := max(p, m.Power).Over(span)
	m.Low += min(p, m.Power).Over(span)
	m.High += most
	m.Big = max(m.Big, most)
	m.At, m.Power = el.At, p
	m.Count = min(m.Count, 65534) + 1
	if m.Fresh {
		m.Fresh = false
		r.weigh(v, m, out)
	}
}

// most and least are the growths of the registers that were read.
func (m *Match) most() hayalet.Energy { return max(m.Grown[0], m.Grown[1]) }

func (m *Match) least() hayalet.Energy {
	if m.Track[1] == 0 {
		return m.Grown[0]
	}
	return min(m.Grown[0], m.Grown[1])
}

// weigh compares the window's energies.
func (r *MT02) weigh(v View, m *Match, out *[]hayalet.Verdict) {
	span := m.At.Sub(m.From)
	if span < r.p.Span || m.Count < countNeeds || m.Track[0] == 0 {
		return
	}
	slack, mean := m.Big+2*m.Step, m.Low/2+m.High/2
	short, over := mean-m.most(), m.least()-mean
	ver := contested(MT02Name, v, m.From, max(short, over, 0), hayalet.ReasonShort)
	ver.Measured = hayalet.MeanPower(mean, span)
	ver.Evidence = hayalet.EvidencePowerFlows
	v.Trace.rung(Rung{Rule: MT02Name, Code: "match", Energy: m.most(), Rest: mean, Power: ver.Measured, Span: span})
	switch {
	// A register that does not move at all is told of by MT-04.
	case m.Low >= r.p.Least && m.most() > 0 && m.most()+slack < share(m.Low, r.p.Under):
		ver.Severity = r.grade(v.Connector, m, short)
		m.tell(ver, out)
	case m.least() >= r.p.Least && m.least() > share(m.High, r.p.Over)+slack:
		ver.Reason = hayalet.ReasonBeyond
		m.tell(ver, out)
	case m.Open:
		m.agree(ver, out)
	case span >= r.p.Window:
		m.again()
		m.From, m.At, m.Power = v.Step.Electric.At, v.Step.Electric.At, max(v.Step.Electric.Power, 0)
	}
}

// agree ends an episode: cleared where the difference went away, closed where it is what it was.
func (m *Match) agree(ver hayalet.Verdict, out *[]hayalet.Verdict) {
	if ver.Value < m.Told/2 {
		m.end(ver, hayalet.Clear, hayalet.ReasonCaughtUp, out)
		return
	}
	m.end(ver, hayalet.Close, hayalet.ReasonAgrees, out)
}

// grade is the severity of a register that is short. A factor of a thousand is one of units, a register of one phase
// beside the power of all is short by nature, and what a suspended outlet sends is often old.
func (r *MT02) grade(c *session.Connector, m *Match, short hayalet.Energy) hayalet.Severity {
	mean := m.Low/2 + m.High/2
	if near := m.most() * 1000; near > mean-mean/5 && near < mean+mean/5 {
		return hayalet.Low
	}
	const allPhases = 1<<3 - 1
	for _, i := range m.Track {
		if n := int(i) - 1; n >= 0 && n < len(c.Tracks) && c.Tracks[n].Phases != 0 && c.Tracks[n].Phases&allPhases != allPhases {
			return hayalet.Low
		}
	}
	if short <= r.p.Medium || suspended(c) {
		return hayalet.Low
	}
	return hayalet.Medium
}

// stop takes meterStop: the register may have caught up, and where no value of it was sent at all it is the only one.
func (r *MT02) stop(v View, m *Match, out *[]hayalet.Verdict) {
	b := &v.Step.Book
	if m.From == 0 || mixedUp(v.Connector) {
		m.end(contested(MT02Name, v, v.Step.EventAt, 0, ""), hayalet.Close, hayalet.ReasonEnded, out)
		return
	}
	mean, grown := m.Low/2+m.High/2, m.most()
	switch {
	case !m.Read && b.HasStart && b.HasStop && b.Placed:
		grown = max(0, b.Stop-b.Start)
	case b.Placed:
		grown += max(0, b.Stop-b.Last)
	}
	ver := contested(MT02Name, v, m.From, max(mean-grown, grown-mean, 0), hayalet.ReasonShort)
	ver.Measured = hayalet.MeanPower(mean, m.At.Sub(m.From))
	ver.Evidence = hayalet.EvidencePowerFlows
	if !m.Read && b.Placed && b.Stop != 0 && m.Count >= countNeeds && m.At.Sub(m.From) >= r.p.Span && m.Low >= r.p.Least &&
		grown+2*b.Step < share(m.Low, r.p.Under) {
		ver.Severity = hayalet.Low
		if mean-grown > r.p.Medium && grown > 0 {
			ver.Severity = hayalet.Medium
		}
		m.tell(ver, out)
	}
	if m.Open && ver.Value < m.Told/2 {
		m.end(ver, hayalet.Clear, hayalet.ReasonCaughtUp, out)
		return
	}
	m.end(ver, hayalet.Close, hayalet.ReasonEnded, out)
}
