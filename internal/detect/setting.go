package detect

import (
	"errors"
	"fmt"
	"time"

	"hayalet"
)

// Settings are the parameters of a rule. Each kind of rule has its own type; whoever reads a configuration or writes a
// document goes by the fields.
type Settings interface {
	Fields() []Field
	Validate() error // refuses what would make the rule blind or deaf without a word
	Rule() Rule
}

// Field is one parameter.
type Field struct {
	Key string // in configurations
	At  any    // *time.Duration, *hayalet.Energy, *hayalet.Power, *Milliamps, *Ratio or *int
}

// Milliamps is a current.
type Milliamps int64

// Ratio is a share in thousandths.
type Ratio int64

// Grades are the levels above which an unpaid energy is medium, high and critical.
type Grades struct{ Medium, High, Critical hayalet.Energy }

// DefaultGrades are those of all rules of phantom energy.
func DefaultGrades() Grades {
	return Grades{Medium: 30 * hayalet.WattHour, High: 100 * hayalet.WattHour, Critical: hayalet.KilowattHour}
}

// Of is the severity of an unpaid energy: low, or what it exceeds.
func (g *Grades) Of(e hayalet.Energy) hayalet.Severity {
	switch {
	case e > g.Critical:
		return hayalet.Critical
	case e > g.High:
		return hayalet.High
	case e > g.Medium:
		return hayalet.Medium
	}
	return hayalet.Low
}

// grade sets a verdict's severity and certainty by an unpaid energy.
func (g *Grades) grade(ver *hayalet.Verdict, e hayalet.Energy) {
	ver.Severity = g.Of(e)
	ver.Confirmed = ver.Severity >= hayalet.Medium
}

func (g *Grades) fields() []Field {
	return []Field{{"medium", &g.Medium}, {"high", &g.High}, {"critical", &g.Critical}}
}

func (g *Grades) validate() error {
	if g.Medium <= 0 || g.High < g.Medium || g.Critical < g.High {
		return errors.New("want 0 < medium <= high <= critical")
	}
	return nil
}

// notNegative refuses negative parameters.
func notNegative(fields []Field) error {
	for _, f := range fields {
		var v int64
		switch at := f.At.(type) {
		case *time.Duration:
			v = int64(*at)
		case *hayalet.Energy:
			v = int64(*at)
		case *hayalet.Power:
			v = int64(*at)
		case *Milliamps:
			v = int64(*at)
		case *Ratio:
			v = int64(*at)
		case *int:
			v = int64(*at)
		}
		if v < 0 {
			return fmt.Errorf("%s is negative", f.Key)
		}
	}
	return nil
}
