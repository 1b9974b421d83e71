package main

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"go.yaml.in/yaml/v3"
)

// fault is one thing that is wrong in a configuration. As an error it is one line: where, what, and what to do.
type fault struct {
	place string // where the key was given: FILE:LINE, or the variable; empty where it is a default
	key   string // stations[0].supply; empty: the whole
	err   error
}

func (f fault) Error() string {
	parts := slices.DeleteFunc([]string{f.place, f.key, oneLine(f.err)}, func(s string) bool { return s == "" })
	return strings.Join(parts, ": ")
}

func (f fault) Unwrap() error { return f.err }

// faults is all that is wrong in a configuration.
type faults []fault

func (all faults) Error() string {
	lines := make([]string, len(all))
	for i, f := range all {
		lines[i] = f.Error()
	}
	return "configuration: " + strings.Join(lines, "; ")
}

// add notes what is wrong with a key, if anything is.
func (all *faults) add(key string, err error) {
	if err != nil {
		*all = append(*all, fault{key: key, err: err})
	}
}

// join notes each fault that err is made of, with the key that its own begins at.
func (all *faults) join(key string, err error) {
	if list, ok := errors.AsType[faults](err); ok {
		for _, f := range list {
			all.add(within(key, f.key), f.err)
		}
		return
	}
	if several, ok := errors.AsType[joined](err); ok {
		for _, e := range several.Unwrap() {
			all.join(key, e)
		}
		return
	}
	if e, ok := errors.AsType[*mapstructure.DecodeError](err); ok {
		key, err = within(key, dotted(e.Name())), wanted(e.Unwrap())
	}
	all.add(key, err)
}

// joined is an error that others were joined to.
type joined interface {
	error
	Unwrap() []error
}

// err is nil where nothing is wrong.
func (all faults) err() error {
	if len(all) == 0 {
		return nil
	}
	return all
}

// placed is err with the place of each key.
func (all faults) placed(given places) error {
	for i := range all {
		all[i].place = given.near(all[i].key)
	}
	return all.err()
}

// within is the path of a key below another one.
func within(section, key string) string {
	if section == "" || key == "" || key[0] == '[' {
		return section + key
	}
	return section + "." + key
}

// dotted writes the decoder's path of a value the way of all others: rules[PE-01].mode is rules.PE-01.mode.
func dotted(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "[") {
		inner, rest, bracket := strings.Cut(part, "]")
		switch {
		case !bracket:
			b.WriteString(part)
		case strings.Trim(inner, "0123456789") == "":
			b.WriteString("[" + part)
		default:
			b.WriteString("." + inner + rest)
		}
	}
	return b.String()
}

// wanted says what the decoder expected in the words of YAML instead of Go's.
func wanted(err error) error {
	want := reflect.Value{}
	if e, ok := errors.AsType[*mapstructure.ParseError](err); ok {
		want = e.Expected
	} else if e, ok := errors.AsType[*mapstructure.UnconvertibleTypeError](err); ok {
		want = e.Expected
	}
	switch want.Kind() {
	case reflect.Bool:
		return errors.New("want true or false")
	case reflect.Int:
		return errors.New("want a whole number")
	case reflect.String:
		return errors.New("want a text")
	case reflect.Struct, reflect.Map:
		return errors.New("want keys of its own below it")
	}
	return err
}

// unknownKeys finds what a section says that its type has no place for.
func unknownKeys(path string, data any, t reflect.Type) (all faults) {
	section, _ := data.(map[string]any)
	list, _ := data.([]any)
	for _, name := range slices.Sorted(maps.Keys(section)) {
		key := within(path, name)
		switch t.Kind() {
		case reflect.Map:
			all = append(all, unknownKeys(key, section[name], t.Elem())...)
		case reflect.Struct:
			f, ok := fieldOf(t, name)
			if !ok {
				all.add(key, hint(errors.New("there is no such key"), "see hayalet.example.yml for the keys"))
				continue
			}
			all = append(all, unknownKeys(key, section[name], f.Type)...)
		}
	}
	for i := range list {
		if t.Kind() == reflect.Slice {
			all = append(all, unknownKeys(fmt.Sprintf("%s[%d]", path, i), list[i], t.Elem())...)
		}
	}
	return all
}

// fieldOf is the field of a key, whose letters may be large or small.
func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); strings.EqualFold(f.Tag.Get("koanf"), key) && key != "" {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// places says where each key of a configuration was given: FILE:LINE, or the variable. Keys are in small letters.
type places map[string]string

// of is where exactly this key was given; empty: nowhere.
func (p places) of(key string) string { return p[strings.ToLower(key)] }

// near is where the key was given, or else what is around it.
func (p places) near(key string) string {
	for ; key != ""; key = key[:max(0, strings.LastIndexAny(key, ".["))] {
		if at := p.of(key); at != "" {
			return at
		}
	}
	return ""
}

// addFile notes the lines of a YAML file.
func (p places) addFile(name string, data []byte) {
	var doc yaml.Node
	if yaml.Unmarshal(data, &doc) == nil { // else it was not read either
		p.addNode(name, "", &doc)
	}
}

func (p places) addNode(file, path string, n *yaml.Node) {
	if path != "" {
		p[strings.ToLower(path)] = fmt.Sprintf("%s:%d", file, n.Line)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		p.addNode(file, path, n.Content[0])
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := within(path, n.Content[i].Value)
			p.addNode(file, key, n.Content[i+1])
			p[strings.ToLower(key)] = fmt.Sprintf("%s:%d", file, n.Content[i].Line)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			p.addNode(file, fmt.Sprintf("%s[%d]", path, i), item)
		}
	}
}
