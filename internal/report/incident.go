package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"hayalet"
	"hayalet/internal/lang"
)

// Tariff is what energy costs. A zero price estimates nothing.
type Tariff struct {
	Price    hayalet.Money // of a kilowatt-hour
	Currency string
}

// Estimate says what e costs, or "" without a price.
func (t Tariff) Estimate(p lang.Printer, e hayalet.Energy) string {
	if t.Price == 0 {
		return ""
	}
	return p.T("incident.estimate", p.Number(amount(e.Cost(t.Price))), t.Currency, p.Number(amount(t.Price)), t.Currency)
}

func amount(m hayalet.Money) string { return hayalet.FormatDecimal(int64(m), 6, 2) }

// KWh writes a register with as many decimals as its steps have.
func KWh(e, quantum hayalet.Energy) string {
	decimals := 6
	for step := hayalet.Energy(10); decimals > 0 && quantum >= step; step *= 10 {
		decimals--
	}
	return e.KWh(decimals)
}

// Wh writes an energy in watt-hours with at most one decimal.
func Wh(e hayalet.Energy) string {
	return strings.TrimSuffix(hayalet.FormatDecimal(int64(e), 3, 1), ".0")
}

// Watts writes a power with a unit that fits.
func Watts(w hayalet.Power) string {
	switch {
	case w >= 10*1000*hayalet.Kilowatt:
		return hayalet.FormatDecimal(int64(w), 9, 1) + " MW"
	case w >= hayalet.Kilowatt:
		return strings.TrimSuffix(hayalet.FormatDecimal(int64(w), 6, 1), ".0") + " kW"
	}
	return hayalet.FormatDecimal(int64(w), 3, 0) + " W"
}

// Span writes a duration as a person would say it: 185 µs, 2.5 s, 1 h 10 min.
func Span(p lang.Printer, d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return p.T("span.us", strconv.FormatInt(d.Microseconds(), 10))
	case d < time.Second:
		return p.T("span.ms", strconv.FormatInt(d.Milliseconds(), 10))
	case d < time.Minute:
		tenths := strings.TrimSuffix(hayalet.FormatDecimal(d.Round(100*time.Millisecond).Milliseconds(), 3, 1), ".0")
		return p.T("span.s", p.Number(tenths))
	case d < time.Hour:
		d = d.Round(time.Second)
		return p.T("span.min", int(d/time.Minute), int(d%time.Minute/time.Second))
	}
	d = d.Round(time.Minute)
	return p.T("span.h", int(d/time.Hour), int(d%time.Hour/time.Minute))
}

// Alarm writes a reading alarm: the seed's two lines and one of numbers.
func Alarm(p lang.Printer, v *hayalet.Verdict) []string {
	tx := v.Transaction.String()
	if tx == "" {
		tx = p.T("none")
	}
	reason := p.T("alarm.reason", p.Reason(v.Reason))
	if v.Shadow {
		reason += " " + p.T("explain.shadow")
	}
	return cleanLines([]string{
		p.T("alarm.line", KWh(v.Value, v.Quantum)),
		reason,
		p.T("alarm.numbers", string(v.Station), int(v.Connector), p.Number(Wh(v.Increase)), Span(p, v.EventAt.Sub(v.Since)),
			p.Number(Watts(v.Implied)), p.Number(Wh(v.Unpaid)), tx),
	})
}

// Incident writes an incident in a few lines.
func Incident(p lang.Printer, inc *hayalet.Incident, tariff Tariff) []string {
	lines := []string{
		p.T("incident.title", string(inc.Rule), p.Rule(inc.Rule), string(inc.Station), int(inc.Connector), p.Severity(inc.Severity), p.State(inc.State)),
		p.Reason(inc.Reason),
		p.T("incident.numbers", inc.Readings, p.Number(Wh(inc.Energy)), inc.Baseline.KWh(3), inc.Last.KWh(3), p.Number(Wh(inc.Excess))),
	}
	if inc.Mean != nil && inc.Peak != nil {
		lines = append(lines, p.T("incident.flow", Span(p, inc.Duration()), p.Number(Watts(*inc.Mean)), p.Number(Watts(*inc.Peak))))
	}
	if loss := tariff.Estimate(p, inc.Energy); loss != "" {
		lines = append(lines, p.T("incident.loss", loss))
	}
	lines = append(lines, p.T("incident.cause", p.Cause(inc.Cause)))
	if inc.Transaction.IsSet() {
		lines = append(lines, p.T("incident.transaction", inc.Transaction.String()))
	}
	if len(inc.Evidence) > 0 {
		phrases := make([]string, len(inc.Evidence))
		for i, name := range inc.Evidence {
			phrases[i] = p.Evidence(name)
		}
		lines = append(lines, p.T("incident.evidence", strings.Join(phrases, "; ")))
	}
	lines = append(lines, p.T("incident.times", inc.OpenedAt.String(), inc.LastAt.String()))
	if inc.EndedAt != 0 {
		lines = append(lines, p.T("incident.ended", inc.EndedAt.String(), p.Reason(inc.Outcome)))
	}
	if inc.Shadow {
		lines = append(lines, p.T("explain.shadow"))
	}
	return cleanLines(lines)
}

// Sentence says an incident in one line, for a notification.
func Sentence(p lang.Printer, inc *hayalet.Incident) string {
	if !strings.HasPrefix(string(inc.Rule), "PE-") { // it says nothing of energy without a transaction
		return cleanLine(p.T("incident.sentence.other", string(inc.Rule), p.Rule(inc.Rule), string(inc.Station), int(inc.Connector),
			inc.OpenedAt.String(), inc.Readings, p.Reason(inc.Reason)))
	}
	return cleanLine(p.T("incident.sentence", string(inc.Station), int(inc.Connector), p.Number(Wh(inc.Energy)),
		inc.BaselineAt.String(), inc.Readings, p.Reason(inc.Reason)))
}

// List writes incidents as a table.
func List(w io.Writer, p lang.Printer, incidents []hayalet.Incident) error {
	if len(incidents) == 0 {
		_, err := fmt.Fprintln(w, p.T("list.none"))
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, p.T("list.header"))
	for i := range incidents {
		inc := &incidents[i]
		fmt.Fprintln(t, strings.Join([]string{
			inc.Key[:min(12, len(inc.Key))], p.Severity(inc.Severity), p.State(inc.State), string(inc.Rule), cleanLine(string(inc.Station)),
			strconv.Itoa(int(inc.Connector)), strconv.Itoa(inc.Readings), p.Number(Wh(inc.Energy)) + " Wh", inc.OpenedAt.String(),
		}, "\t"))
	}
	return t.Flush()
}

// History writes the turns of one incident as a table: when it came to stand how, and why.
func History(w io.Writer, p lang.Printer, turns []hayalet.Incident) error {
	if len(turns) == 0 {
		_, err := fmt.Fprintln(w, p.T("history.none"))
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, p.T("history.header"))
	for i := range turns {
		inc := &turns[i]
		why := inc.Reason
		if inc.Outcome != "" {
			why = inc.Outcome
		}
		fmt.Fprintln(t, strings.Join([]string{
			inc.UpdatedAt.String(), p.Severity(inc.Severity), p.State(inc.State), p.Cause(inc.Cause), strconv.Itoa(inc.Readings),
			p.Number(Wh(inc.Energy)) + " Wh", p.Reason(why),
		}, "\t"))
	}
	return t.Flush()
}
