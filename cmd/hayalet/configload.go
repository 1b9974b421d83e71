package main

import (
	"encoding"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

const (
	envPrefix = "HAYALET_"
	envLang   = envPrefix + "LANG"
)

// loadConfig reads the file (none when name is empty), then the environment: HAYALET_DB is db, HAYALET_TARIFF__PRICE is
// tariff.price. Whatever is wrong in them is one error, of type faults.
func loadConfig(name string, environ []string) (config, error) {
	k, given, err := layers(name, environ)
	if err != nil {
		return config{}, err
	}
	c := defaultConfig()
	c.given = given
	all := unknownKeys("", k.Raw(), reflect.TypeFor[config]())
	all.join("", c.decode(k))
	all = append(all, c.validate()...)
	return c, all.placed(given)
}

// layers lays the environment over the file.
func layers(name string, environ []string) (*koanf.Koanf, places, error) {
	k, given := koanf.New("."), make(places)
	if name != "" {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, hint(fmt.Errorf("read configuration: %v", err), "give --config the path of a YAML file")
		}
		if err := k.Load(rawbytes.Provider(data), yaml.Parser()); err != nil {
			return nil, nil, faults{{place: name, err: hint(err, "it must be YAML; see hayalet.example.yml")}}
		}
		given.addFile(name, data)
	}
	vars := env.Provider(".", env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(variable, val string) (string, any) {
			if variable == envLang {
				return "", nil
			}
			key := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(variable, envPrefix)), "__", ".")
			given[key] = variable
			return key, val
		},
	})
	if err := k.Load(vars, nil); err != nil {
		return nil, nil, fmt.Errorf("read environment: %v", err)
	}
	return k, given, nil
}

// decode lays what was read over the defaults. A list replaces its default as a whole; a key without a value leaves it.
func (c *config) decode(k *koanf.Koanf) error {
	prefixes := c.PathPrefixes
	c.PathPrefixes = nil // a shorter list would be laid over it
	err := k.UnmarshalWithConf("", c, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		TagName: "koanf", WeaklyTypedInput: true,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(
			numbersAsText, durations, mapstructure.StringToSliceHookFunc(","), mapstructure.TextUnmarshallerHookFunc(),
		),
	}})
	if len(c.PathPrefixes) == 0 {
		c.PathPrefixes = prefixes
	}
	return err
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

// durations reads those with a unit, and refuses a bare number, which would be nanoseconds.
func durations(_, to reflect.Type, data any) (any, error) {
	if to != reflect.TypeFor[time.Duration]() {
		return data, nil
	}
	d, err := time.ParseDuration(fmt.Sprint(data))
	if err != nil {
		return nil, fmt.Errorf("%v: want a duration with a unit, such as 30s or 5m", data)
	}
	return d, nil
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
