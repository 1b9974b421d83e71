package main

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"hayalet"
	"hayalet/internal/postgres"
	"hayalet/internal/relay"
)

// configWriter writes a configuration as YAML.
type configWriter struct {
	cfg    *config
	origin bool   // each value says in a comment where it was given
	hidden string // the comment of a secret that is left out
	unset  string // the comment of a value that nobody gave
}

// yaml is the configuration as it reads back, but for the secrets, which are left out. Every key is in it, and every
// parameter of every rule.
func (w *configWriter) yaml() ([]byte, error) {
	root, err := w.section("", reflect.ValueOf(*w.cfg))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	return out.Bytes(), enc.Close()
}

// section is what a struct holds; key is its path.
func (w *configWriter) section(key string, v reflect.Value) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name := field.Tag.Get("koanf")
		if name == "" {
			continue
		}
		value, err := w.value(within(key, name), v.Field(i))
		if err != nil {
			return nil, err
		}
		secret := hide(value, field.Tag.Get("hide"))
		w.comment(value, within(key, name), secret)
		n.Content = append(n.Content, textNode(name), value)
	}
	return n, nil
}

func (w *configWriter) value(key string, v reflect.Value) (*yaml.Node, error) {
	switch value := v.Interface().(type) {
	case time.Duration:
		text, _ := written(&value)
		return textNode(text), nil
	case age:
		return textNode(value.String()), nil
	case byteSize:
		return textNode(value.String()), nil
	case watts:
		return textNode(hayalet.Power(value).String()), nil
	case price:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: decimal(int64(value), 6)}, nil
	case map[string]ruleConfig:
		if key == "rules" {
			return w.rules()
		}
	}
	switch {
	case v.Kind() == reflect.Struct:
		return w.section(key, v)
	case v.Kind() == reflect.Slice && v.Len() > 0 && v.Type().Elem().Kind() == reflect.Struct:
		return w.list(key, v)
	}
	n := new(yaml.Node)
	if err := n.Encode(v.Interface()); err != nil {
		return nil, fmt.Errorf("write configuration: %s: %w", key, err)
	}
	if n.Kind != yaml.ScalarNode {
		n.Style = yaml.FlowStyle
	}
	return n, nil
}

func (w *configWriter) list(key string, v reflect.Value) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range v.Len() {
		item, err := w.section(fmt.Sprintf("%s[%d]", key, i), v.Index(i))
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, item)
	}
	return n, nil
}

// rules are all rules of the catalogue, as they are configured for all stations.
func (w *configWriter) rules() (*yaml.Node, error) {
	set, err := ruleset(w.cfg.Rules)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(set, func(a, b ruleSettings) int { return strings.Compare(string(a.Name), string(b.Name)) })
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, r := range set {
		name := string(r.Name)
		mode := textNode(r.Mode)
		w.comment(mode, within("rules."+name, modeKey), false)
		rule := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{textNode(modeKey), mode}}
		for _, f := range r.Settings.Fields() {
			text, _ := written(f.At)
			value := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
			w.comment(value, within("rules."+name, f.Key), false)
			rule.Content = append(rule.Content, textNode(f.Key), value)
		}
		n.Content = append(n.Content, textNode(name), rule)
	}
	return n, nil
}

// comment says of a value on one line where it was given, or that it is kept back.
func (w *configWriter) comment(n *yaml.Node, key string, secret bool) {
	switch at := w.cfg.given.of(key); {
	case n.Kind != yaml.ScalarNode && n.Style != yaml.FlowStyle:
	case secret:
		n.LineComment = w.hidden
	case w.origin && at != "":
		n.LineComment = at
	case w.origin:
		n.LineComment = w.unset
	}
}

// hide leaves out of a value what the tag of its field calls secret, and reports whether there was anything.
func hide(n *yaml.Node, tag string) bool {
	hidden := false
	for _, item := range n.Content {
		hidden = hide(item, tag) || hidden
	}
	text := n.Value
	switch tag {
	case "all":
		n.Value = ""
	case "password":
		n.Value = postgres.Redacted(text)
	case "query":
		n.Value = relay.Redacted(text)
	case "path":
		n.Value = withoutPath(text)
	}
	return hidden || n.Value != text
}

func textNode(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}
