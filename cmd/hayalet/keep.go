package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"hayalet/internal/retention"
)

// retentionConfig says how long and how much is kept. Zero is no limit.
type retentionConfig struct {
	Every        time.Duration `koanf:"every"`
	Frames       keep          `koanf:"frames"`
	Headers      keep          `koanf:"headers"`
	Readings     keep          `koanf:"readings"`
	Incidents    keep          `koanf:"incidents"`
	Transactions keep          `koanf:"transactions"`
	Audit        keep          `koanf:"audit"`
}

// keep is the limit of one kind.
type keep struct {
	Age  age      `koanf:"age"`
	Size byteSize `koanf:"size"`
}

func (k keep) limit() retention.Limit {
	return retention.Limit{Age: time.Duration(k.Age), Size: int64(k.Size)}
}

const day = 24 * time.Hour

// defaultRetention keeps incidents for ever, and with them their evidence.
func defaultRetention() retentionConfig {
	year := keep{Age: age(400 * day)} // and a month, so that last year's can be compared
	return retentionConfig{
		Every: retention.DefaultEvery, Frames: keep{age(90 * day), 10_000_000_000}, Headers: year, Readings: year, Transactions: year, Audit: year,
	}
}

// limits are those of all kinds by their names.
func (c *retentionConfig) limits() map[string]keep {
	return map[string]keep{"frames": c.Frames, "headers": c.Headers, "readings": c.Readings, "incidents": c.Incidents, "transactions": c.Transactions, "audit": c.Audit}
}

// keeping is the configuration of the keeper, which signs with the key what goes of the journal's chain.
func (c *retentionConfig) keeping(key ed25519.PrivateKey) retention.Config {
	return retention.Config{Every: c.Every, Key: key, Limits: retention.Limits{
		Frames: c.Frames.limit(), Headers: c.Headers.limit(), Readings: c.Readings.limit(), Incidents: c.Incidents.limit(), Transactions: c.Transactions.limit(), Audit: c.Audit.limit(),
	}}
}

func (c *retentionConfig) faults() (all faults) {
	if c.Every < time.Second {
		all.add("retention.every", fmt.Errorf("%v: want at least 1s, such as 10m", c.Every))
	}
	return all
}

// age is a duration that may be written in days.
type age time.Duration

var errAge = errors.New("want 90d, 36h or the like, or 0 for no limit")

func (a *age) UnmarshalText(b []byte) error {
	text := strings.TrimSpace(string(b))
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 64)
		if err != nil || n > uint64(math.MaxInt64/day) {
			return fmt.Errorf("%q: %w", text, errAge)
		}
		*a = age(time.Duration(n) * day)
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return fmt.Errorf("%q: %w", text, errAge)
	}
	*a = age(d)
	return nil
}

// String is how a configuration has it.
func (a age) String() string {
	switch d := time.Duration(a); {
	case d == 0:
		return "0"
	case d%day == 0:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	default:
		text, _ := written(&d)
		return text
	}
}

// byteSize is a number of bytes that may be written with a unit, each a thousand times the one before.
type byteSize int64

type byteUnit struct {
	name  string
	bytes int64
}

func byteUnits() []byteUnit {
	return []byteUnit{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}}
}

var errByteSize = errors.New("want 500MB, 10GB or the like, or 0 for no limit")

func (s *byteSize) UnmarshalText(b []byte) error {
	text := strings.TrimSpace(string(b))
	number, unit := strings.TrimRight(text, "BbKkMmGgTt"), int64(1)
	if name := text[len(number):]; name != "" {
		unit = 0
		for _, u := range byteUnits() {
			if strings.EqualFold(u.name, name) {
				unit = u.bytes
			}
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || unit == 0 || n < 0 || n > math.MaxInt64/unit {
		return fmt.Errorf("%q: %w", text, errByteSize)
	}
	*s = byteSize(n * unit)
	return nil
}

// String is how a configuration has it.
func (s byteSize) String() string {
	for _, u := range byteUnits() {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return "0"
}
