package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"hayalet"
)

// ScenarioError says what is wrong with a scenario file, where, and what to do. It wraps hayalet.ErrInvalid.
type ScenarioError struct {
	File    string
	Line    int // 0 where the parser gives none
	Problem string
	Hint    string
}

// Error is one line: file:line: problem; hint.
func (e *ScenarioError) Error() string {
	at := e.File
	if e.Line > 0 {
		at += ":" + strconv.Itoa(e.Line)
	}
	return fmt.Sprintf("%s: %s; %s", at, e.Problem, e.Hint)
}

// Unwrap returns hayalet.ErrInvalid.
func (e *ScenarioError) Unwrap() error { return hayalet.ErrInvalid }

// decoder turns YAML nodes into values and refuses every key and value that it does not know.
type decoder struct{ file string }

func (d decoder) fail(line int, hint, problem string, args ...any) error {
	return &ScenarioError{File: d.file, Line: line, Problem: fmt.Sprintf(problem, args...), Hint: hint}
}

// document returns the root of the only document in data.
func (d decoder) document(data []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, d.fail(0, "write a scenario with name, steps and truth", "the file is empty")
	} else if err != nil {
		return nil, d.fail(0, "correct the YAML", "%v", oneLine(err))
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, d.fail(second.Line, "write one scenario a file", "a second YAML document")
	}
	return doc.Content[0], nil
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// field is one key that a mapping may have, and where its value goes.
type field struct {
	key   string
	to    any // *string, *int, *int64, *bool, *time.Duration, *Decimal, **Decimal, *TxRef, **yaml.Node
	oneOf []string
}

// mapping reads n into the fields. A null is an empty mapping.
func (d decoder) mapping(n *yaml.Node, what string, fields []field) error {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return d.fail(n.Line, "write it as "+what+": {key: value}", "%s is %s, not a mapping", what, kindName(n))
	}
	seen := make(map[string]bool, len(fields))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := slices.IndexFunc(fields, func(f field) bool { return f.key == key.Value })
		if at < 0 {
			return d.fail(key.Line, "use "+keysOf(fields), "unknown key %.40q in %s", key.Value, what)
		}
		if seen[key.Value] {
			return d.fail(key.Line, "keep one of them", "key %s is given twice in %s", key.Value, what)
		}
		seen[key.Value] = true
		if err := d.value(value, fields[at]); err != nil {
			return err
		}
	}
	return nil
}

func keysOf(fields []field) string {
	if len(fields) == 0 {
		return "no key at all"
	}
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return "one of " + strings.Join(keys, ", ")
}

func (d decoder) value(n *yaml.Node, f field) error {
	if to, ok := f.to.(**yaml.Node); ok {
		*to = n
		return nil
	}
	if n.Kind != yaml.ScalarNode {
		return d.fail(n.Line, "write a single value", "%s is %s", f.key, kindName(n))
	}
	if len(f.oneOf) > 0 && !slices.Contains(f.oneOf, n.Value) {
		return d.fail(n.Line, "use one of "+strings.Join(f.oneOf, ", "), "unknown %s %.40q", f.key, n.Value)
	}
	if hint := assign(f.to, n.Value); hint != "" {
		return d.fail(n.Line, hint, "%s: bad value %.40q", f.key, n.Value)
	}
	return nil
}

// assign parses s into the value behind to. It returns what to write instead where s does not fit.
func assign(to any, s string) (hint string) {
	var err error
	switch to := to.(type) {
	case *string:
		*to = s
	case *int:
		hint = "write a whole number"
		*to, err = strconv.Atoi(s)
	case *int64:
		hint = "write a whole number"
		*to, err = strconv.ParseInt(s, 10, 64)
	case *bool:
		hint = "write true or false"
		*to, err = strconv.ParseBool(s)
	case *time.Duration:
		hint = "write a duration with its unit, as 500ms, 2s or 1h30m"
		*to, err = time.ParseDuration(s)
	case *Decimal:
		hint = "write a decimal number, as 12.01"
		*to, err = ParseDecimal(s)
	case **Decimal:
		hint = "write a decimal number, as 12.01"
		*to = new(Decimal)
		**to, err = ParseDecimal(s)
	case *TxRef:
		hint = "write current, none, stale or a whole number"
		*to, err = parseTxRef(s)
	default:
		return fmt.Sprintf("nothing can be written here (%T)", to)
	}
	if err != nil {
		return hint
	}
	return ""
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias, which scenarios do not have"
	default:
		return "a single value"
	}
}
