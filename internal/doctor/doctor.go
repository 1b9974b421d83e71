// Package doctor says whether this machine and a configuration can run the server.
//
// A [Doctor] looks at one thing at a time, a disk, the clock, an address, and says what it found as a [Finding]: how bad
// it is, the fact, and what to do. It creates and changes nothing; to find out whether an address is free it listens
// there for a moment.
//
//	d := doctor.Doctor{Text: lang.New(lang.EN)}
//	for _, v := range doctor.Volumes([]doctor.Place{{What: "db", Path: "/var/lib/hayalet/hayalet.db"}}) {
//		fmt.Println(d.Disk(v)) // ok   disk: 37.4 GiB of 50.0 GiB free (75 %) in /var/lib/hayalet, for db
//	}
//
// It knows no database: its caller looks at that one and hands in what it saw.
package doctor

import (
	"fmt"

	"hayalet/internal/lang"
)

// Level says how bad a finding is.
type Level uint8

// The levels. A server does not start, or will soon stop, with one that failed.
const (
	OK Level = iota
	Warn
	Fail
)

// String is ok, warn or FAIL: the one to look for is the one to see.
func (l Level) String() string {
	return [...]string{"ok", "warn", "FAIL"}[l]
}

// MarshalText writes ok, warn or fail.
func (l Level) MarshalText() ([]byte, error) {
	return []byte([...]string{"ok", "warn", "fail"}[l]), nil
}

// Finding is what one look found.
type Finding struct {
	Level Level  `json:"level"`
	Name  string `json:"name"`         // of what was looked at; the same in every language
	Fact  string `json:"fact"`         // one sentence for people
	Do    string `json:"do,omitempty"` // what to do; empty where nothing is to be done
}

// String is one line.
func (f Finding) String() string {
	line := fmt.Sprintf("%-4s %s: %s", f.Level, f.Name, f.Fact)
	if f.Do != "" {
		line += "; " + f.Do
	}
	return line
}

// Doctor words findings in one language.
type Doctor struct {
	Text lang.Printer
}

// size writes bytes as people count them.
func (d Doctor) size(n uint64) string {
	const kib = 1 << 10
	unit, value := 0, float64(n)
	names := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	for value >= kib && unit < len(names)-1 {
		value /= kib
		unit++
	}
	decimals := 1
	if unit == 0 {
		decimals = 0
	}
	return d.Text.Number(fmt.Sprintf("%.*f", decimals, value)) + " " + names[unit]
}
