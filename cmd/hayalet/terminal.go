package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"

	"hayalet"
	"hayalet/internal/lang"
	"hayalet/internal/report"
	"hayalet/internal/sim"
)

// terminal prints lines of several speakers one at a time, in colour where the output is a terminal that wants it.
type terminal struct {
	mu  sync.Mutex
	out io.Writer
	err error // the first of writing
}

func newTerminal(w io.Writer, environ []string) *terminal {
	return &terminal{out: colorprofile.NewWriter(w, environ)}
}

func (t *terminal) print(style lipgloss.Style, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err := fmt.Fprintln(t.out, style.Render(text))
	t.err = cmp.Or(t.err, err)
}

// The speakers' colours.
func plainStyle() lipgloss.Style { return lipgloss.NewStyle() }

func colour(code string) lipgloss.Style {
	return lipgloss.NewStyle().Foreground(lipgloss.Color(code))
}
func alarmStyle() lipgloss.Style { return colour("9").Bold(true) }
func headStyle() lipgloss.Style  { return lipgloss.NewStyle().Bold(true) }
func goodStyle() lipgloss.Style  { return colour("10").Bold(true) }

// speaker prints what one side does, as the seed's terminals did: time - name - text. It keeps the lines for a report.
type speaker struct {
	term  *terminal
	name  string
	style lipgloss.Style
	quiet bool // no messages, notes only

	mu  sync.Mutex
	log []report.LogLine
}

func (s *speaker) say(at time.Time, kind report.LineKind, text string) {
	s.mu.Lock()
	s.log = append(s.log, report.LogLine{At: at, Text: text, Kind: kind})
	s.mu.Unlock()
	if s.quiet && (kind == report.LineSent || kind == report.LineReceived) {
		return
	}
	style := s.style
	switch kind {
	case report.LineSent, report.LineReceived:
		style = style.Faint(true)
	case report.LineAlarm:
		style = alarmStyle()
	}
	s.term.print(style, at.Format("2006-01-02 15:04:05.000")+" - "+s.name+" - "+text)
}

func (s *speaker) lines() []report.LogLine {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log
}

// stationVoice is a simulated station's terminal.
type stationVoice struct {
	speaker
	text    lang.Printer
	station hayalet.StationID
}

func (v *stationVoice) Sent(at time.Time, data []byte) {
	v.say(at, report.LineSent, v.text.T("cp.send", string(v.station), printable(data)))
}

func (v *stationVoice) Received(at time.Time, data []byte) {
	v.say(at, report.LineReceived, v.text.T("cp.receive", string(v.station), printable(data)))
}

func (v *stationVoice) Note(at time.Time, n sim.Note) {
	kind := report.LineNote
	if n.Kind == sim.NotePhantom || n.Kind == sim.NoteAttackBegins {
		kind = report.LineAlarm
	}
	v.say(at, kind, noteText(v.text, n))
}

func noteText(p lang.Printer, n sim.Note) string {
	switch n.Kind {
	case sim.NoteConnected:
		return p.T("cp.connected", n.Text)
	case sim.NoteDisconnected:
		return p.T("cp.disconnected")
	case sim.NoteBootAccepted:
		return p.T("cp.boot")
	case sim.NoteBootRefused:
		return p.T("cp.boot-refused", n.Text)
	case sim.NoteChargingStarts:
		return p.T("cp.starting")
	case sim.NoteTokenRefused:
		return p.T("cp.token-refused", n.Text)
	case sim.NoteMetering:
		return p.T("cp.metering", n.Value, n.Unit)
	case sim.NoteIdleValue:
		return p.T("cp.idle", n.Value, n.Unit)
	case sim.NoteStopping:
		return p.T("cp.stopping", n.Action)
	case sim.NoteStopped:
		return p.T("cp.stopped")
	case sim.NoteAttackBegins:
		return p.T("cp.attack")
	case sim.NotePhantom:
		return p.T("cp.phantom", n.Value, n.Unit)
	case sim.NoteAnswerRefused:
		return p.T("cp.refused", n.Action, n.Text)
	case sim.NoteNoAnswer:
		return p.T("cp.no-answer", n.Action)
	case sim.NoteQueued:
		return p.T("cp.queued", n.Action)
	case sim.NoteSkipped:
		return p.T("cp.skipped", n.Action)
	case sim.NoteCommand:
		return p.T("cp.command", n.Action, n.Text)
	case sim.NoteFinished:
		return p.T("cp.finished")
	}
	return fmt.Sprint(n)
}

// printable keeps a stranger's bytes from steering the terminal.
func printable(data []byte) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '·'
		}
		return r
	}, string(data))
}

// logListener writes what the engine concludes into the server's log: alarms and incidents as structured lines whose
// message is the sentence for people.
type logListener struct {
	text lang.Printer
	log  *slog.Logger
}

func (l *logListener) Judged(v hayalet.Verdict) {
	switch v.Kind {
	case hayalet.Alarm:
		lines, level := report.Alarm(l.text, &v), slog.LevelWarn
		if v.Shadow {
			level = slog.LevelInfo
		}
		l.log.Log(context.Background(), level, lines[0], "reason", l.text.Reason(v.Reason), "code", v.Reason, "rule", v.Rule, "station", v.Station, "connector", v.Connector,
			"transaction", v.Transaction.String(), "increase_wh", v.Increase, "unpaid_wh", v.Unpaid,
			"elapsed", v.EventAt.Sub(v.Since).String(), "implied_w", v.Implied)
	case hayalet.Notice:
		l.log.Debug(l.text.T("notice.line", string(v.Station), int(v.Connector), report.Wh(v.Increase)), "rule", v.Rule, "station", v.Station)
	}
}

func (l *logListener) Changed(inc hayalet.Incident) {
	level := slog.LevelInfo
	if inc.Open() && inc.Alarms(hayalet.Medium) {
		level = slog.LevelWarn
	}
	l.log.Log(context.Background(), level, report.Sentence(l.text, &inc), "incident", inc.Key, "rule", inc.Rule, "station", inc.Station, "connector", inc.Connector,
		"severity", inc.Severity.String(), "state", inc.State.String(), "readings", inc.Readings, "energy_wh", inc.Energy)
}
