package main

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"

	"hayalet"
	"hayalet/internal/csms"
	"hayalet/internal/detect"
	"hayalet/internal/gateway"
	"hayalet/internal/relay"
	"hayalet/internal/report"
	"hayalet/internal/session"
)

// config is what a file, the environment and flags say, in this order. Unknown keys are errors.
type config struct {
	Listen       string        `koanf:"listen"`
	HTTP         string        `koanf:"http"`
	DB           string        `koanf:"db"`
	Record       string        `koanf:"record"`
	Insecure     bool          `koanf:"insecure"`
	Keys         string        `koanf:"keys"`
	Tags         string        `koanf:"tags"`
	PathPrefixes []string      `koanf:"path_prefixes"`
	Interval     time.Duration `koanf:"heartbeat_interval"`
	MaxMessage   int           `koanf:"max_message"`
	Log          struct {
		Format string `koanf:"format"`
		Level  string `koanf:"level"`
	} `koanf:"log"`
	TLS struct {
		Cert string `koanf:"cert"`
		Key  string `koanf:"key"`
	} `koanf:"tls"`
	API struct {
		Token     string `koanf:"token"`
		TokenFile string `koanf:"token_file"`
	} `koanf:"api"`
	Tariff struct {
		Price    price  `koanf:"price"`
		Currency string `koanf:"currency"`
	} `koanf:"tariff"`
	Relay struct {
		Upstreams  []string `koanf:"upstreams"` // URL or PATTERN=URL
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
		URL         string        `koanf:"url"`
		Secret      string        `koanf:"secret"`
		SecretFile  string        `koanf:"secret_file"`
		MinSeverity string        `koanf:"min_severity"`
		Timeout     time.Duration `koanf:"timeout"`
	} `koanf:"webhook"`
	Stations []stationConfig       `koanf:"stations"`
	Rules    map[string]ruleConfig `koanf:"rules"`
	Tuning   []tuningConfig        `koanf:"tuning"`

	Exceptions []exceptionConfig `koanf:"exceptions"`
	SiteRules  []siteRuleConfig  `koanf:"site_rules"`

	sets *ruleSets // made of Rules, Tuning and SiteRules
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
	c.Relay.Upstreams, c.Relay.Compress = []string{}, true
	c.Relay.MaxMessage, c.Relay.Buffer = relay.DefaultMaxMessage, relay.DefaultTapBytes
	c.Log.Format, c.Log.Level = "text", "info"
	c.Tariff.Currency = "TRY"
	c.Webhook.MinSeverity = hayalet.Medium.String()
	c.sets = &ruleSets{all: detect.Defaults()}
	return c
}

const (
	envPrefix = "HAYALET_"
	envLang   = envPrefix + "LANG"
)

// loadConfig reads the file (none when name is empty), then the environment: HAYALET_DB is db, HAYALET_TARIFF__PRICE is
// tariff.price.
func loadConfig(name string, environ []string) (config, error) {
	k := koanf.New(".")
	if name != "" {
		data, err := os.ReadFile(name)
		if err != nil {
			return config{}, hint(fmt.Errorf("read configuration: %v", err), "give --config the path of a YAML file")
		}
		if err := k.Load(rawbytes.Provider(data), yaml.Parser()); err != nil {
			return config{}, hint(fmt.Errorf("configuration %s: %v", name, err), "it must be YAML; see hayalet.example.yml")
		}
	}
	vars := env.Provider(".", env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(key, val string) (string, any) {
			if key == envLang {
				return "", nil
			}
			return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(key, envPrefix)), "__", "."), val
		},
	})
	if err := k.Load(vars, nil); err != nil {
		return config{}, fmt.Errorf("read environment: %v", err)
	}
	c := defaultConfig()
	prefixes := c.PathPrefixes
	c.PathPrefixes = nil // a shorter list would be laid over it; a key without a value leaves the default of all others
	err := k.UnmarshalWithConf("", &c, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result: &c, TagName: "koanf", ErrorUnused: true, WeaklyTypedInput: true,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(
			numbersAsText, durationsHaveUnits, mapstructure.StringToTimeDurationHookFunc(), mapstructure.StringToSliceHookFunc(","),
			mapstructure.TextUnmarshallerHookFunc(),
		),
	}})
	if err != nil {
		return config{}, hint(fmt.Errorf("configuration %s: %s", name, oneLine(err)), "see hayalet.example.yml for the keys")
	}
	if len(c.PathPrefixes) == 0 {
		c.PathPrefixes = prefixes
	}
	return c, c.validate()
}

// numbersAsText lets a quantity be a bare YAML number.
func numbersAsText(from, to reflect.Type, data any) (any, error) {
	if from.Kind() == reflect.String || !reflect.PointerTo(to).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return data, nil
	}
	switch v := data.(type) {
	case int:
		return strconv.Itoa(v), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return nil, fmt.Errorf("%v: %w", data, errQuantity)
}

// durationsHaveUnits refuses a bare number, which would be nanoseconds.
func durationsHaveUnits(from, to reflect.Type, data any) (any, error) {
	if to != reflect.TypeFor[time.Duration]() || from.Kind() == reflect.String || data == 0 {
		return data, nil
	}
	return nil, fmt.Errorf("%v: want a duration with a unit, such as 30s or 5m", data)
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func (c *config) validate() error {
	if _, err := hayalet.ParseSeverity(c.Webhook.MinSeverity); err != nil {
		return fmt.Errorf("configuration: webhook.min_severity: %v", err)
	}
	if c.Interval < time.Second || c.Interval%time.Second != 0 {
		return fmt.Errorf("configuration: heartbeat_interval %v: want whole seconds, at least 1s", c.Interval)
	}
	for i, s := range c.Stations {
		for _, pattern := range []string{s.Station, s.Model} {
			if _, err := path.Match(pattern, ""); err != nil {
				return fmt.Errorf("configuration: stations[%d]: pattern %q: %v", i, pattern, err)
			}
		}
		switch strings.ToLower(s.Supply) {
		case "", "ac", "dc":
		default:
			return fmt.Errorf("configuration: stations[%d].supply %q: want ac or dc", i, s.Supply)
		}
	}
	if c.Relay.MaxMessage <= 0 || c.Relay.Buffer < c.Relay.MaxMessage {
		return fmt.Errorf("configuration: relay.max_message %d, relay.buffer %d: want positive numbers, room for a message in the buffer", c.Relay.MaxMessage, c.Relay.Buffer)
	}
	if c.Webhook.Timeout < 0 {
		return fmt.Errorf("configuration: webhook.timeout %v is negative", c.Webhook.Timeout)
	}
	var err error
	if c.sets, err = c.rulesets(); err != nil {
		return err
	}
	_, err = c.exceptionSet()
	return err
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

// secret takes a secret from its value or from a file, and refuses both at once.
func secret(what, value, file string) (string, error) {
	if file == "" {
		return value, nil
	}
	if value != "" {
		return "", fmt.Errorf("configuration: %s is given twice, as a value and as a file", what)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("configuration: read %s: %v", what, err)
	}
	if value = strings.TrimSpace(string(b)); value == "" { // no secret would mean no protection
		return "", fmt.Errorf("configuration: read %s: %s is empty", what, file)
	}
	return value, nil
}
