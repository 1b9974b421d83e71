package lab

import (
	"hayalet"
	"hayalet/internal/ocpp"
)

// AnyValue is the rule that hayalet began with, as its code was: an alarm on any MeterValues while no transaction is
// active.
func AnyValue(frames []hayalet.Frame) []Answer { return baseline(frames, false) }

// AnyIncrease is Kural-1 to the letter: an alarm when the register increases while no transaction is active.
func AnyIncrease(frames []hayalet.Frame) []Answer { return baseline(frames, true) }

// seen is what a baseline knows of a connector.
type seen struct {
	at     hayalet.ConnectorID
	active bool
	value  int64
	known  bool
	answer *Answer
	base   int64
}

func baseline(frames []hayalet.Frame, increase bool) []Answer {
	d := ocpp.NewDecoder()
	connectors := make(map[hayalet.ConnectorID]*seen)
	byTx := make(map[hayalet.TransactionID]*seen)
	var order []*seen
	var e hayalet.Event
	for i := range frames {
		d.Decode(&frames[i], &e)
		c := connectors[e.Connector]
		if of := byTx[e.Transaction]; e.Running && !e.HasConnector && of != nil { // 2.x names the EVSE once
			c = of
		}
		if c == nil {
			c = &seen{at: e.Connector}
			connectors[e.Connector] = c
		}
		switch e.Kind {
		case hayalet.EventStart:
			c.active = true
			if e.Transaction.IsSet() { // 2.x: the station names it
				byTx[e.Transaction] = c
			}
		case hayalet.EventStartAnswer:
			byTx[e.Transaction] = c
		case hayalet.EventStop:
			if of := byTx[e.Transaction]; of != nil {
				of.active = false
			}
		case hayalet.EventMeter:
			if c.judge(&e, increase) && c.answer == nil {
				c.answer = &Answer{Connector: c.at, Opened: e.At}
				order = append(order, c)
			}
			if c.answer != nil && !c.active {
				c.answer.Last = e.At
				c.answer.Energy = hayalet.Energy(c.value - c.base)
			}
		}
	}
	answers := make([]Answer, len(order))
	for i, c := range order {
		answers[i] = *c.answer
	}
	return answers
}

// judge takes the first value of a message, as simple code does.
func (c *seen) judge(e *hayalet.Event, increase bool) bool {
	if len(e.Samples) == 0 {
		return false
	}
	before, known := c.value, c.known
	c.value, c.known = e.Samples[0].Value, true
	if c.active {
		c.base = c.value
		return false
	}
	return !increase || known && c.value > before
}
