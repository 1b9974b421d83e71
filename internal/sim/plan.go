package sim

import "time"

// move is one thing to do at one scenario time: a step, or one repetition of a step, with its numbers worked out.
type move struct {
	at    time.Duration
	step  Step
	value Decimal // Meter: the value to send
}

func (m move) phantom() bool {
	meter, ok := m.step.Do.(*Meter)
	return ok && meter.Phantom
}

// registerKey names a register whose values continue one another.
type registerKey struct {
	connector                  int
	measurand, phase, location string
}

type reading struct {
	value Decimal
	unit  string
}

// planner walks the steps once, before anything is sent, and works out times, values and what is impossible.
type planner struct {
	d       decoder
	s       *Scenario
	now     time.Duration
	last    map[registerKey]reading
	running map[int]bool
	ended   map[int]bool
	offline bool
	tally   *tally
}

// expand fills the scenario's moves and returns the account of its energy.
func (d decoder) expand(s *Scenario) (*tally, error) {
	p := &planner{d: d, s: s, last: map[registerKey]reading{}, running: map[int]bool{}, ended: map[int]bool{}, tally: newTally()}
	for _, step := range s.Steps {
		if err := p.step(step); err != nil {
			return nil, err
		}
		if p.now > maxDuration || p.now < 0 {
			return nil, d.fail(step.Line, "wait less", "the scenario takes more than %d days", int(maxDuration.Hours()/24))
		}
		if len(s.moves) > maxMoves {
			return nil, d.fail(step.Line, "use a smaller count", "more than %d messages", maxMoves)
		}
	}
	if p.offline {
		return nil, d.fail(s.Steps[len(s.Steps)-1].Line, "add - reconnect: {}, or give disconnect a duration", "the scenario ends disconnected")
	}
	s.total = p.now
	return p.tally, nil
}

func (p *planner) step(step Step) error {
	switch a := step.Do.(type) {
	case *Start:
		return p.start(step, a)
	case *Meter:
		return p.meter(step, a)
	case *Stop:
		return p.stop(step, a)
	case *SetStatus:
		if err := p.connector(step, a.Connector, 0); err != nil {
			return err
		}
		p.add(step)
	case *Wait:
		p.now += a.For
	case *Disconnect:
		return p.disconnect(step, a)
	case *Reconnect:
		if !p.offline {
			return p.d.fail(step.Line, "put - disconnect: {} before it", "reconnect while connected")
		}
		p.offline = false
		p.add(step)
	default:
		p.add(step)
	}
	return nil
}

func (p *planner) add(step Step) { p.s.moves = append(p.s.moves, move{at: p.now, step: step}) }

func (p *planner) connector(step Step, n, first int) error {
	if n < first || n > p.s.Connectors {
		return p.d.fail(step.Line, "correct it, or raise connectors", "connector %d: the station has %d to %d", n, first, p.s.Connectors)
	}
	return nil
}

func (p *planner) disconnect(step Step, a *Disconnect) error {
	if p.offline {
		return p.d.fail(step.Line, "reconnect before it", "disconnect while disconnected")
	}
	p.add(step)
	p.now += a.For
	if p.offline = a.For == 0; !p.offline {
		p.add(Step{Line: step.Line, Do: &Reconnect{}})
	}
	return nil
}

func (p *planner) start(step Step, a *Start) error {
	if err := p.connector(step, a.Connector, 1); err != nil {
		return err
	}
	if a.IDTag == "" {
		return p.d.fail(step.Line, "give id_tag here or in defaults", "start has no id_tag")
	}
	if err := p.meterField(step, a.MeterStart); err != nil {
		return err
	}
	p.running[a.Connector] = true
	p.tally.start(a.Connector)
	p.add(step)
	return nil
}

func (p *planner) stop(step Step, a *Stop) error {
	if err := p.connector(step, a.Connector, 1); err != nil {
		return err
	}
	if a.Transaction.kind == txCurrent && !p.running[a.Connector] {
		return p.d.fail(step.Line, "start one, or write id: stale or a number", "no transaction runs on connector %d", a.Connector)
	}
	if err := p.stale(step, a.Transaction, a.Connector); err != nil {
		return err
	}
	if err := p.meterField(step, a.MeterStop); err != nil {
		return err
	}
	if p.running[a.Connector] { // a stop of a foreign number leaves nothing behind that could go stale
		p.running[a.Connector], p.ended[a.Connector] = false, true
	}
	p.tally.stop(a.Connector, meterField(a.MeterStop, p.s.Defaults.MeterUnit))
	p.add(step)
	return nil
}

func (p *planner) meterField(step Step, n int64) error {
	const limit = 1_000_000_000_000
	if n < -limit || n > limit {
		return p.d.fail(step.Line, "write fewer digits", "%d is too large for a register", n)
	}
	return p.multiplied(step, Decimal{unscaled: n}, p.s.Defaults.Multiplier)
}

func (p *planner) multiplied(step Step, value Decimal, multiplier int) error {
	if _, ok := value.shifted(multiplier); !ok {
		return p.d.fail(step.Line, "use a smaller one, or fewer digits", "multiplier %d: %s has too many digits for it", multiplier, value)
	}
	return nil
}

func (p *planner) stale(step Step, ref TxRef, connector int) error {
	if ref.kind == txStale && !p.ended[connector] {
		return p.d.fail(step.Line, "stop a transaction before it", "no transaction has ended on connector %d", connector)
	}
	return nil
}

func (p *planner) meter(step Step, a *Meter) error {
	if err := p.connector(step, a.Connector, 0); err != nil {
		return err
	}
	if err := p.stale(step, a.Transaction, a.Connector); err != nil {
		return err
	}
	if a.Phantom && p.running[a.Connector] {
		return p.d.fail(step.Line, "stop it first", "a phantom reading inside a transaction on connector %d", a.Connector)
	}
	if len(p.s.moves)+a.Count > maxMoves {
		return p.d.fail(step.Line, "use a smaller count", "more than %d messages", maxMoves)
	}
	for i := range a.Count {
		if i > 0 {
			p.now += a.Every
		}
		if p.now < 0 || p.now > maxDuration {
			break // expand says so
		}
		if err := p.reading(step, a, i); err != nil {
			return err
		}
	}
	return nil
}

// reading adds the i-th message of a meter step.
func (p *planner) reading(step Step, a *Meter, i int) error {
	key := registerKey{connector: a.Connector, measurand: a.Measurand, phase: a.Phase, location: a.Location}
	value, err := p.value(step, a, key, i)
	if err != nil {
		return err
	}
	if err := p.multiplied(step, value, a.Multiplier); err != nil {
		return err
	}
	p.last[key] = reading{value: value, unit: a.Unit}
	p.s.moves = append(p.s.moves, move{at: p.now, step: step, value: value})
	if !a.isEnergy() {
		return nil
	}
	energy, ok := value.energy(a.Unit)
	if !ok {
		return p.d.fail(step.Line, "write fewer digits", "value %s is not a number of milliwatt-hours", value)
	}
	if !p.tally.reading(a.Connector, energy, a.Phantom) {
		return p.d.fail(step.Line, "add a stop or a reading before it", "nothing to count the phantom reading on connector %d from", a.Connector)
	}
	return nil
}

func (p *planner) value(step Step, a *Meter, key registerKey, i int) (Decimal, error) {
	if i == 0 && a.Value != nil {
		return *a.Value, nil
	}
	last, ok := p.last[key]
	if !ok || last.unit != a.Unit {
		return Decimal{}, p.d.fail(step.Line, "write value", "meter has no value, and no earlier one in this unit to go on from")
	}
	sum, ok := last.value.Add(a.Increment)
	if !ok {
		return Decimal{}, p.d.fail(step.Line, "write fewer digits", "the values grow beyond %d digits", maxDigits)
	}
	return sum, nil
}
