package sim

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"hayalet"
)

// The limits of a scenario.
const (
	maxFileBytes  = 1 << 20
	maxSteps      = 10_000
	maxMoves      = 100_000 // messages, repetitions counted
	maxConnectors = 64
	maxDuration   = 366 * 24 * time.Hour
)

//go:embed scenarios/*.yml
var shipped embed.FS

// Text is a text in both languages.
type Text struct{ EN, TR string }

// In returns the text in the language "tr" or, for any other word, in English.
func (t Text) In(lang string) string {
	if lang == "tr" {
		return t.TR
	}
	return t.EN
}

// Defaults are what steps carry where they do not say otherwise.
type Defaults struct {
	IDTag                           string
	Vendor, Model, Firmware, Serial string
	Unit, Context, Measurand        string // of meter values; empty is not sent, and means the standard's default
	Location, Format                string
	Transaction                     TxRef
	// MeterUnit is what meterStart and meterStop really are in: "Wh", as the standard says, or "kWh", as some
	// stations do. In 1.6 it is not sent; the truth needs it.
	MeterUnit string
	// Multiplier is the power of ten that the energy registers are written in, in 2.x: 12.01 kWh with 3 is sent as
	// 0.01201. The energy is the same.
	Multiplier int
}

// Truth is what a scenario says of itself: whether it holds phantom energy, where, and how much.
type Truth struct {
	Phantom   bool
	Connector int // of the phantom readings; 0 where there are none
	Energy    hayalet.Energy
}

// Scenario is the script of one station. It is checked as a whole: its steps can be followed to the end, and its
// truth agrees with them.
type Scenario struct {
	Name        string
	Title       Text
	Description Text
	Protocol    hayalet.Protocol
	Connectors  int
	Defaults    Defaults
	Steps       []Step
	Truth       Truth
	moves       []move
	total       time.Duration
}

// Duration is the scenario time from the first step to the last.
func (s *Scenario) Duration() time.Duration { return s.total }

// Names lists the shipped scenarios in alphabetical order.
func Names() []string {
	files, _ := fs.Glob(shipped, "scenarios/*.yml") // the pattern is right, and an embedded tree does not fail
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(path.Base(f), ".yml")
	}
	return names
}

// Load returns the shipped scenario of that name, or else reads the file at that path. What is wrong with a file is a
// *ScenarioError; a name that is neither is hayalet.ErrNotFound.
func Load(nameOrPath string) (*Scenario, error) {
	if data, err := shipped.ReadFile("scenarios/" + nameOrPath + ".yml"); err == nil {
		return Parse(nameOrPath+".yml", data)
	}
	data, err := readFile(nameOrPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("scenario %q: %w; use one of %s, or the path of a file", nameOrPath, hayalet.ErrNotFound, strings.Join(Names(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	return Parse(nameOrPath, data)
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(filepath.Clean(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

// Parse reads a scenario; file is what errors call it. Every error is a *ScenarioError.
func Parse(file string, data []byte) (*Scenario, error) {
	d := decoder{file: file}
	if len(data) > maxFileBytes {
		return nil, d.fail(0, "split it", "the file has more than %d bytes", maxFileBytes)
	}
	root, err := d.document(data)
	if err != nil {
		return nil, err
	}
	s := &Scenario{Protocol: hayalet.OCPP16, Connectors: 1, Defaults: Defaults{MeterUnit: unitWh}}
	if err := d.scenario(root, s); err != nil {
		return nil, err
	}
	return s, nil
}

func (d decoder) scenario(root *yaml.Node, s *Scenario) error {
	var title, description, defaults, steps, truth *yaml.Node
	err := d.mapping(root, "scenario", []field{
		{key: "name", to: &s.Name},
		{key: "title", to: &title},
		{key: "description", to: &description},
		{key: "protocol", to: (*string)(&s.Protocol), oneOf: protocols()},
		{key: "connectors", to: &s.Connectors},
		{key: "defaults", to: &defaults},
		{key: "steps", to: &steps},
		{key: "truth", to: &truth},
	})
	if err != nil {
		return err
	}
	if err := d.header(root, s, title, description, defaults); err != nil {
		return err
	}
	if err := d.steps(root, steps, s); err != nil {
		return err
	}
	account, err := d.expand(s)
	if err != nil {
		return err
	}
	return d.truth(root, truth, s, account)
}

func (d decoder) header(root *yaml.Node, s *Scenario, title, description, defaults *yaml.Node) error {
	if s.Name == "" {
		return d.fail(root.Line, "write name: my-scenario", "the scenario has no name")
	}
	if s.Connectors < 1 || s.Connectors > maxConnectors {
		return d.fail(root.Line, "write a number from 1 to "+strconv.Itoa(maxConnectors), "bad number of connectors %d", s.Connectors)
	}
	if err := d.text(root, title, "title", &s.Title); err != nil {
		return err
	}
	if err := d.text(root, description, "description", &s.Description); err != nil {
		return err
	}
	return d.defaults(defaults, &s.Defaults)
}

func (d decoder) text(root, n *yaml.Node, what string, t *Text) error {
	if n == nil {
		return d.fail(root.Line, "write "+what+": {en: …, tr: …}", "the scenario has no %s", what)
	}
	if err := d.mapping(n, what, []field{{key: "en", to: &t.EN}, {key: "tr", to: &t.TR}}); err != nil {
		return err
	}
	if t.EN == "" || t.TR == "" {
		return d.fail(n.Line, "write both en and tr", "%s is not in both languages", what)
	}
	return nil
}

func (d decoder) defaults(n *yaml.Node, def *Defaults) error {
	if n == nil {
		return nil
	}
	return d.mapping(n, "defaults", []field{
		{key: "id_tag", to: &def.IDTag},
		{key: "vendor", to: &def.Vendor},
		{key: "model", to: &def.Model},
		{key: "firmware", to: &def.Firmware},
		{key: "serial", to: &def.Serial},
		{key: "unit", to: &def.Unit, oneOf: units()},
		{key: "context", to: &def.Context, oneOf: contexts()},
		{key: "measurand", to: &def.Measurand, oneOf: measurands()},
		{key: "location", to: &def.Location, oneOf: locations()},
		{key: "format", to: &def.Format, oneOf: formats()},
		{key: "transaction", to: &def.Transaction},
		{key: "meter_unit", to: &def.MeterUnit, oneOf: []string{unitWh, unitKWh}},
		{key: "multiplier", to: &def.Multiplier, oneOf: multipliers()},
	})
}

func (d decoder) steps(root, n *yaml.Node, s *Scenario) error {
	if n == nil || n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return d.fail(root.Line, "write steps: and below it a list, as - boot: {}", "the scenario has no list of steps")
	}
	if len(n.Content) > maxSteps {
		return d.fail(n.Line, "use count and every", "more than %d steps", maxSteps)
	}
	for _, c := range n.Content {
		step, err := d.step(c, s.Defaults)
		if err != nil {
			return err
		}
		if word := unspeakable(s.Protocol, step.Do); word != "" {
			return d.fail(step.Line, "use another one, or protocol "+string(hayalet.OCPP16), "%s has no %s", s.Protocol, word)
		}
		s.Steps = append(s.Steps, step)
	}
	return nil
}

// truth reads what the scenario claims and compares it with what its steps add up to.
func (d decoder) truth(root, n *yaml.Node, s *Scenario, t *tally) error {
	if n == nil {
		return d.fail(root.Line, "write truth: {phantom: false}", "the scenario has no truth")
	}
	var energy Decimal
	err := d.mapping(n, "truth", []field{
		{key: "phantom", to: &s.Truth.Phantom},
		{key: "connector", to: &s.Truth.Connector},
		{key: "energy_wh", to: &energy},
	})
	if err != nil {
		return err
	}
	s.Truth.Energy, _ = energy.energy(unitWh)
	connector, several := t.connector()
	is := Truth{Phantom: connector > 0, Connector: connector, Energy: t.energy()}
	if several {
		return d.fail(n.Line, "write one scenario for each", "phantom readings on more than one connector")
	}
	if s.Truth != is {
		hint := fmt.Sprintf("the steps add up to {phantom: %t, connector: %d, energy_wh: %s}", is.Phantom, is.Connector, strings.TrimSuffix(is.Energy.String(), " Wh"))
		return d.fail(n.Line, hint, "the truth does not agree with the steps")
	}
	return nil
}
