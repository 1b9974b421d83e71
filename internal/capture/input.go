package capture

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"time"

	"hayalet"
)

// How much of a log is held back until it shows whose log it is. After that it is taken for the central system's.
const (
	maxHeld     = 1024    // lines
	maxHeldData = 1 << 20 // bytes
)

// Input is one stream to read.
type Input struct {
	Name string // for messages, for the names of connections and, where nothing else is there, of the station; a path, or "-"
	R    io.Reader
}

// input reads the frames of one Input in its order.
type input struct {
	from  io.Reader
	lines lineReader
	loc   *time.Location
	base  string // begins the names of its connections
	stats InputStats
	index int

	dump    dump
	asked   string // the station that the caller names where the log does not
	named   string // the only station that a log speaks of, without saying whose each message is
	several bool   // there are more
	headAt  hayalet.Instant
	guesser guesser
	table   *table
	part    gathering
	again   struct { // a line that was looked at and not taken
		line []byte
		long bool
		set  bool
	}

	head    record // the next one; its slices are good until next is called again
	side    side
	holding bool     // side is unknown: held waits for it
	held    []record // read but not handed out, oldest first
	data    []byte   // of held
	err     error
}

// next moves to the next record. The error is io.EOF at the end, and at an end for now.
func (in *input) next() error {
	if in.holding {
		if err := in.holdOn(); err != nil {
			return err
		}
	}
	for len(in.held) == 0 {
		if in.err != nil {
			return in.err
		}
		ok, err := in.readLine()
		switch {
		case err != nil && in.forNow(err):
			return err
		case err != nil:
			in.err = err
		case !ok:
		case in.certain():
			in.side.orient(&in.head)
			return nil
		default:
			in.hold()
			if err := in.holdOn(); err != nil {
				return err
			}
		}
	}
	in.head = in.held[0]
	if in.held = in.held[1:]; len(in.held) == 0 {
		in.held, in.data = nil, nil // it happens once
	}
	in.side.orient(&in.head)
	return nil
}

// forNow reports whether an error is the end of what a growing input holds so far.
func (in *input) forNow(err error) bool { return in.lines.live && errors.Is(err, io.EOF) }

// certain reports whether the direction of head is known.
func (in *input) certain() bool {
	if in.side == unknownSide && in.head.fromLog {
		in.side = sideOf(&in.head)
	}
	return in.side != unknownSide || !in.head.fromLog
}

// holdOn keeps what follows until the side is known, the input ends, or too much is held. At an end for now it goes on
// holding, and returns io.EOF.
func (in *input) holdOn() error {
	in.holding = true
	for in.side == unknownSide && in.err == nil {
		if len(in.held) >= maxHeld || len(in.data) >= maxHeldData {
			break
		}
		ok, err := in.readLine()
		if err != nil && in.forNow(err) {
			return err
		}
		if in.err = err; ok {
			in.certain()
			in.hold()
		}
	}
	in.holding = false
	if in.side == unknownSide {
		in.side = centralSide
	}
	return nil
}

func (in *input) hold() {
	in.data = in.head.copyTo(in.data)
	in.held = append(in.held, in.head)
}

// takeLine returns the next line.
func (in *input) takeLine() (line []byte, long bool, err error) {
	if in.again.set {
		in.again.set = false
		return in.again.line, in.again.long, nil
	}
	line, long, err = in.lines.next()
	if err != nil {
		return nil, false, err
	}
	if in.stats.Lines++; in.stats.Lines == 1 {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return line, long, nil
}

// takeAgain makes takeLine return the line that it returned last.
func (in *input) takeAgain(line []byte, long bool) {
	in.again.line, in.again.long, in.again.set = line, long, true
}

// readLine reads one line, or the lines that make up one message, into head; not ok when it gives no record.
func (in *input) readLine() (ok bool, err error) {
	if in.part.active {
		return in.goOn()
	}
	line, long, err := in.takeLine()
	if err != nil {
		var broken *brokenError
		if errors.As(err, &broken) {
			in.stats.countAt(Broken, in.stats.Lines+1, example([]byte(broken.Error())))
			err = io.EOF
			in.err = err // for good
		}
		return false, err
	}
	text := trimBlank(line)
	if n := len(text); n > 1 && text[0] == '[' && text[1] == '{' {
		text = text[1:] // what a flattener could not take back
	} else if n == 1 && (text[0] == '[' || text[0] == ']') {
		return false, nil
	}
	switch {
	case long:
		in.stats.count(TooLong, text)
		return false, nil
	case len(text) == 0:
		return false, nil
	case text[0] == '{':
		return in.judged(parseJSON(text, in.loc, &in.head), text), nil
	case in.table != nil:
		return in.readRow(text)
	case in.dump.is:
		bad := in.dump.parse(text, &in.head)
		if bad == "" && in.gather(bad) {
			return in.goOn()
		}
		return in.judged(bad, text), nil
	}
	return in.readText(line, text)
}

// readText reads a line of a log, or the header of a table.
func (in *input) readText(line, text []byte) (ok bool, err error) {
	bad := parseLog(text, in.loc, &in.head)
	indented := line[0] == ' ' || line[0] == '\t'
	if bad == NoFrame {
		if in.table = tableOf(text); in.table != nil {
			return false, nil
		}
		in.listen(text, indented)
		return in.judged(bad, text), nil
	}
	if indented && in.head.at.IsZero() {
		in.head.at = in.headAt
	}
	if (bad == "" || bad == BadTime) && in.gather(bad) {
		return in.goOn()
	}
	return in.judged(bad, text), nil
}

// listen takes what a line without a message says for those that follow: the time of a logger that writes it on a line
// of its own, and the station that connects.
func (in *input) listen(text []byte, indented bool) {
	if !indented {
		in.headAt, _, _ = cutStamp(text, in.loc)
	}
	const phrase = "WebSocket connection with charge point '"
	at := bytes.Index(text, []byte(phrase))
	if at < 0 {
		return
	}
	name, _, ok := bytes.Cut(text[at+len(phrase):], []byte("'"))
	switch {
	case !ok || len(name) == 0 || len(name) > maxName:
	case in.named == "":
		in.named = string(name)
	case in.named != string(name):
		in.several = true
	}
}

// readRow reads a row of a table, its header when it comes again, or a line of a log that stands among the rows.
func (in *input) readRow(line []byte) (ok bool, err error) {
	if in.table.open(line) {
		in.gatherRow(line)
		return in.goOn()
	}
	bad := in.table.parseRow(line, in.loc, &in.head)
	if bad == "" || bad == BadTime && in.head.data[0] == '[' {
		return in.judged(bad, line), nil
	}
	if bytes.Equal(line, in.table.head) {
		return false, nil
	}
	if t := tableOf(line); t != nil {
		in.table = t
		return false, nil
	}
	var logged record
	if log := parseLog(line, in.loc, &logged); log == "" || log == BadTime {
		return in.readText(line, line)
	}
	return in.judged(bad, line), nil
}

// judged fills in what the format of head need not say, and counts what is wrong.
func (in *input) judged(bad Kind, line []byte) (ok bool) {
	if bad == "" || bad == BadTime {
		if in.head.undirect {
			if dir, known := in.guesser.guess(in.head.station, in.head.data); known {
				in.head.dir = dir
			} else {
				bad = NoDirection
			}
		}
		if len(in.head.station) == 0 && !in.fillStation() {
			bad = NoStation
		}
	}
	if bad != "" {
		in.stats.count(bad, line)
	}
	return bad == "" || !bad.Skipped()
}

// fillStation names the station of a message whose log does not.
func (in *input) fillStation() bool {
	name := in.asked
	if name == "" {
		name = in.named
		if in.several {
			return false
		}
	}
	if name == "" && in.dump.is {
		name = in.dump.folder
	}
	if name == "" {
		name = stationOfFile(in.stats.Name)
	}
	in.head.station = append(in.head.station[:0], name...)
	in.stats.Assumed++
	in.stats.Station = name
	return true
}

// stationOfFile is the base name of a file without its endings.
func stationOfFile(name string) string {
	base := filepath.Base(name)
	for _, end := range []string{".gz", ".zst", ".log", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".trace", ".openocpp"} {
		base = strings.TrimSuffix(base, end)
	}
	if base == "" || base == "." || base == "-" {
		return "stdin"
	}
	return base
}

// cancelReader ends a stream when ctx does. It cannot interrupt a Read that waits.
type cancelReader struct {
	ctx context.Context
	r   io.Reader
}

func (c cancelReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
