package main

import (
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"hayalet"
	"hayalet/internal/csms"
	"hayalet/internal/detect"
	"hayalet/internal/gateway"
	"hayalet/internal/journal"
	"hayalet/internal/relay"
	"hayalet/internal/report"
	"hayalet/internal/session"
)

// config is what a file, the environment and flags say, in this order. Unknown keys are errors. What is secret in a field
// is tagged: all of it, the password of a URL, its user and query, or all of a URL after the host.
type config struct {
	Listen       string        `koanf:"listen"`
	HTTP         string        `koanf:"http"`
	DB           string        `koanf:"db" hide:"password"` // file, or PostgreSQL URL
	DBPassword   string        `koanf:"db_password_file"`
	Record       string        `koanf:"record"`
	Insecure     bool          `koanf:"insecure"`
	Keys         string        `koanf:"keys"`
	Tags         string        `koanf:"tags"`
	PathPrefixes []string      `koanf:"path_prefixes"`
	Interval     time.Duration `koanf:"heartbeat_interval"`
	MaxMessage   int           `koanf:"max_message"`
	Journal      struct {
		Linger    time.Duration `koanf:"linger"`
		MaxFrames int           `koanf:"max_frames"`
	} `koanf:"journal"`
	Retention retentionConfig `koanf:"retention"`

	Evidence struct {
		Key         string        `koanf:"key"` // file; empty: beside the database
		AnchorEvery time.Duration `koanf:"anchor_every"`
	} `koanf:"evidence"`
	Log struct {
		Format string `koanf:"format"`
		Level  string `koanf:"level"`
	} `koanf:"log"`
	TLS struct {
		Cert string `koanf:"cert"`
		Key  string `koanf:"key"`
	} `koanf:"tls"`
	API struct {
		Token     string `koanf:"token" hide:"all"`
		TokenFile string `koanf:"token_file"`
	} `koanf:"api"`
	Tariff struct {
		Price    price  `koanf:"price"`
		Currency string `koanf:"currency"`
	} `koanf:"tariff"`
	Relay struct {
		Upstreams  []string `koanf:"upstreams" hide:"query"` // URL or PATTERN=URL
		CA         string   `koanf:"upstream_ca"`
		Compress   bool     `koanf:"compress"`
		MaxMessage int      `koanf:"max_message"`
		Buffer     int      `koanf:"buffer"`
	} `koanf:"relay"`
	Sampling struct {
		ClockAlignedInterval time.Duration `koanf:"clock_aligned_interval"`
		AlignedData          []string      `koanf:"aligned_data"`
		SampleInterval       time.Duration `koanf:"sample_interval"`
		SampledData          []string      `koanf:"sampled_data"`
	} `koanf:"sampling"`
	Webhook struct {
		URL         string        `koanf:"url" hide:"path"`
		Secret      string        `koanf:"secret" hide:"all"`
		SecretFile  string        `koanf:"secret_file"`
		MinSeverity string        `koanf:"min_severity"`
		Timeout     time.Duration `koanf:"timeout"`
	} `koanf:"webhook"`
	Stations []stationConfig       `koanf:"stations"`
	Rules    map[string]ruleConfig `koanf:"rules"`
	Tuning   []tuningConfig        `koanf:"tuning"`

	Exceptions []exceptionConfig `koanf:"exceptions"`
	SiteRules  []siteRuleConfig  `koanf:"site_rules"`

	sets  *ruleSets // made of Rules, Tuning and SiteRules
	given places
}

// stationConfig says what some connectors are. The first entry that matches counts.
type stationConfig struct {
	Station    string `koanf:"station"`    // pattern: *, ? and [a-z]; empty matches all
	Model      string `koanf:"model"`      // pattern on the model of BootNotification
	Connectors []int  `koanf:"connectors"` // empty: all
	Rating     watts  `koanf:"rating"`
	Supply     string `koanf:"supply"` // ac or dc
	Phases     int    `koanf:"phases"`

	Tags []string `koanf:"tags"` // of the station, for tuning; every entry that matches adds its own
}

// watts and price are written with or without their unit: 22kW, 7400, 7.50.
type (
	watts hayalet.Power
	price hayalet.Money
)

// MarshalText writes what UnmarshalText reads.
func (w watts) MarshalText() ([]byte, error) { return []byte(hayalet.Power(w).String()), nil }

func (w *watts) UnmarshalText(b []byte) error {
	v, err := quantity(string(b), map[string]int{"": 3, "W": 3, "kW": 6, "MW": 9})
	*w = watts(v)
	return err
}

func (p *price) UnmarshalText(b []byte) error {
	v, err := quantity(string(b), map[string]int{"": 6})
	*p = price(v)
	return err
}

var errQuantity = errors.New("want a positive number with a unit")

// quantity reads a number with one of the units, each a power of ten of the smallest step.
func quantity(text string, units map[string]int) (int64, error) {
	number := strings.TrimRight(strings.TrimSpace(text), "WkMhA ")
	scale, ok := units[strings.TrimSpace(strings.TrimSpace(text)[len(number):])]
	v, err := strconv.ParseFloat(number, 64)
	if v *= math.Pow10(scale); !ok || err != nil || !(v >= 0 && v <= 1e15) { // so that NaN is refused too
		return 0, fmt.Errorf("%q: %w", text, errQuantity)
	}
	return int64(math.Round(v)), nil
}

func defaultConfig() config {
	var c config
	c.Listen, c.HTTP, c.DB = "127.0.0.1:9000", "127.0.0.1:8080", "hayalet.db"
	c.PathPrefixes = []string{"/", "/ocpp/"}
	c.Interval = csms.DefaultInterval * time.Second
	c.MaxMessage = gateway.DefaultMaxMessage
	c.Journal.Linger, c.Journal.MaxFrames = journal.DefaultLinger, journal.DefaultMaxFrames
	c.Retention = defaultRetention()
	c.Evidence.AnchorEvery = time.Hour
	c.Relay.Upstreams, c.Relay.Compress = []string{}, true
	c.Relay.MaxMessage, c.Relay.Buffer = relay.DefaultMaxMessage, relay.DefaultTapBytes
	c.Log.Format, c.Log.Level = "text", "info"
	c.Tariff.Currency = "TRY"
	c.Webhook.MinSeverity = hayalet.Medium.String()
	c.sets = &ruleSets{all: detect.Defaults()}
	return c
}

// profile is the engine's question to the configuration: what is this connector?
func (c *config) profile(st hayalet.StationID, _, model string, connector hayalet.ConnectorID) session.Profile {
	for _, s := range c.Stations {
		if !matches(s.Station, string(st)) || !matches(s.Model, model) || len(s.Connectors) > 0 && !slices.Contains(s.Connectors, int(connector)) {
			continue
		}
		supply := strings.ToLower(s.Supply)
		return session.Profile{Rating: hayalet.Power(s.Rating), AC: supply == "ac", DC: supply == "dc", Phases: s.Phases}
	}
	return session.Profile{}
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return pattern == "" || ok && err == nil
}

func (c *config) tariff() report.Tariff {
	return report.Tariff{Price: hayalet.Money(c.Tariff.Price), Currency: c.Tariff.Currency}
}

func (c *config) sampling() csms.Sampling {
	s := c.Sampling
	return csms.Sampling{
		ClockAlignedInterval: s.ClockAlignedInterval, AlignedData: s.AlignedData, SampleInterval: s.SampleInterval, SampledData: s.SampledData,
	}
}
