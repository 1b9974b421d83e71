package capture

import (
	"strings"
	"unicode"
)

// maxExample is how much of a line a Problem shows, in bytes.
const maxExample = 120

// Kind is a stable word for what is wrong with a line.
type Kind string

// The kinds of problems. A line of any kind but BadTime gave no frame; Broken is no line.
const (
	NotJSON     Kind = "not-json"     // begins with a brace, but is no JSON object
	NoFrame     Kind = "no-frame"     // no message in it: what a program says in its log, or a record without one
	NoStation   Kind = "no-station"   // nothing says whose message it is
	NoDirection Kind = "no-direction" // neither in nor out
	BadName     Kind = "bad-name"     // a name of more than 512 bytes
	BadKind     Kind = "bad-kind"     // a control line of a kind that we do not know
	BadTime     Kind = "bad-time"     // a time that cannot be read: the frame is kept, without a time
	BadRow      Kind = "bad-row"      // a row of a table that does not fit its header
	TooLong     Kind = "too-long"     // longer than MaxLine
	Broken      Kind = "broken-file"  // compressed data that ends or goes wrong: what came before it was read

	NotJSONFrame Kind = "no-ocpp-j" // a message of OCPP over SOAP
)

// Skipped reports whether lines of this kind gave no frame.
func (k Kind) Skipped() bool { return k != BadTime && k != Broken }

// Problem counts the lines of one input with the same thing wrong.
type Problem struct {
	Kind    Kind
	Count   int64
	Line    int64  // of the first one, from 1
	Example string // the beginning of the first one, up to 120 bytes, fit for a terminal
}

// InputStats says what became of one input. Blank lines count as lines only.
type InputStats struct {
	Name     string
	Bytes    int64
	Lines    int64
	Frames   int64     // handed to the sink, control frames included
	Problems []Problem // in the order of first appearance

	// Assumed counts the frames that name no station, and Station is what they were taken for.
	Assumed int64
	Station string
}

// Skipped counts the lines that gave no frame, blank ones aside.
func (s *InputStats) Skipped() int64 {
	var n int64
	for _, p := range s.Problems {
		if p.Kind.Skipped() {
			n += p.Count
		}
	}
	return n
}

func (s *InputStats) count(kind Kind, line []byte) {
	for i := range s.Problems {
		if s.Problems[i].Kind == kind {
			s.Problems[i].Count++
			return
		}
	}
	s.countAt(kind, s.Lines, example(line))
}

// countAt counts a problem whose first line is known.
func (s *InputStats) countAt(kind Kind, line int64, sample string) {
	for i := range s.Problems {
		if s.Problems[i].Kind == kind {
			s.Problems[i].Count++
			return
		}
	}
	s.Problems = append(s.Problems, Problem{Kind: kind, Count: 1, Line: line, Example: sample})
}

// example cuts a line and takes out what could steer a terminal.
func example(line []byte) string {
	printable := strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return '.'
	}, strings.ToValidUTF8(string(line[:min(len(line), maxExample)]), "."))
	return strings.ToValidUTF8(printable[:min(len(printable), maxExample)], "")
}

// Stats says what became of each input, in the order given.
type Stats struct {
	Inputs []InputStats
}

// Frames counts the frames of all inputs.
func (s *Stats) Frames() int64 {
	var n int64
	for i := range s.Inputs {
		n += s.Inputs[i].Frames
	}
	return n
}
