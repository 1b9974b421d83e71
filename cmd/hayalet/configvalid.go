package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"hayalet"
	"hayalet/internal/gateway"
	"hayalet/internal/notify"
	"hayalet/internal/relay"
)

// validate finds what no server could run with, and makes the rules' sets.
func (c *config) validate() (all faults) {
	all = slices.Concat(c.badServer(), c.Retention.faults(), c.badRelay(), c.badWebhook(), c.badStations())
	all.add("sampling", c.sampling().Validate())
	var err error
	c.sets, err = c.rulesets()
	all.join("", err)
	_, err = c.exceptionSet()
	all.join("", err)
	return all
}

// maxCommit bounds journal.max_frames: a commit is in memory.
const maxCommit = 1 << 16

func (c *config) badServer() (all faults) {
	all.add("listen", validAddress(c.Listen))
	all.add("http", validAddress(c.HTTP))
	all.add("db", c.validDatabase())
	all.add("api.token", once(c.API.Token, c.API.TokenFile))
	for i, prefix := range c.PathPrefixes {
		if !strings.HasPrefix(prefix, "/") {
			all.add(fmt.Sprintf("path_prefixes[%d]", i), fmt.Errorf("%q: want a leading slash", prefix))
		}
	}
	if c.Interval < time.Second || c.Interval%time.Second != 0 {
		all.add("heartbeat_interval", fmt.Errorf("%v: want whole seconds, at least 1s", c.Interval))
	}
	if c.MaxMessage <= 0 || c.MaxMessage > gateway.LimitMaxMessage {
		all.add("max_message", fmt.Errorf("%d: want 1 to %d", c.MaxMessage, gateway.LimitMaxMessage))
	}
	if c.Journal.Linger < 0 || c.Journal.Linger > time.Second {
		all.add("journal.linger", fmt.Errorf("%v: want 0s to 1s", c.Journal.Linger))
	}
	if c.Journal.MaxFrames < 2 || c.Journal.MaxFrames > maxCommit {
		all.add("journal.max_frames", fmt.Errorf("%d: want 2 to %d", c.Journal.MaxFrames, maxCommit))
	}
	if c.Evidence.AnchorEvery < time.Second {
		all.add("evidence.anchor_every", fmt.Errorf("%v: want 1s at least", c.Evidence.AnchorEvery))
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		all.add("tls", errors.New("want both cert and key, or neither"))
	}
	all.add("log.format", validLogFormat(c.Log.Format))
	_, err := logLevel(c.Log.Level)
	all.add("log.level", err)
	return all
}

func validAddress(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%q: want an address and a port, such as 127.0.0.1:9000", addr)
	}
	return nil
}

func validLogFormat(name string) error {
	if name != "text" && name != "json" {
		return hint(fmt.Errorf("log format %q is not known", name), "want text or json")
	}
	return nil
}

func logLevel(name string) (level slog.Level, err error) {
	if level.UnmarshalText([]byte(name)) != nil {
		err = hint(fmt.Errorf("log level %q is not known", name), "want debug, info, warn or error")
	}
	return level, err
}

func (c *config) badRelay() (all faults) {
	for i, text := range c.Relay.Upstreams {
		_, err := relay.ParseUpstream(text)
		all.add(fmt.Sprintf("relay.upstreams[%d]", i), err)
	}
	if c.Relay.MaxMessage <= 0 {
		all.add("relay.max_message", fmt.Errorf("%d: want a positive number of bytes", c.Relay.MaxMessage))
	}
	if c.Relay.Buffer < c.Relay.MaxMessage {
		all.add("relay.buffer", fmt.Errorf("%d: want room for a message, relay.max_message, at least", c.Relay.Buffer))
	}
	return all
}

func (c *config) badWebhook() (all faults) {
	if c.Webhook.URL != "" {
		_, err := notify.NewWebhook(notify.WebhookConfig{URL: c.Webhook.URL, Text: func(hayalet.Incident) string { return "" }}, nil)
		all.add("webhook.url", err)
	}
	_, err := hayalet.ParseSeverity(c.Webhook.MinSeverity)
	all.add("webhook.min_severity", err)
	all.add("webhook.secret", once(c.Webhook.Secret, c.Webhook.SecretFile))
	if c.Webhook.Timeout < 0 {
		all.add("webhook.timeout", fmt.Errorf("%v is negative; want 10s or the like", c.Webhook.Timeout))
	}
	return all
}

func (c *config) badStations() (all faults) {
	for i, s := range c.Stations {
		key := fmt.Sprintf("stations[%d]", i)
		all.add(within(key, "station"), validPattern(s.Station))
		all.add(within(key, "model"), validPattern(s.Model))
		if !slices.Contains([]string{"", "ac", "dc"}, strings.ToLower(s.Supply)) {
			all.add(within(key, "supply"), fmt.Errorf("%q: want ac or dc", s.Supply))
		}
	}
	return all
}

func validPattern(pattern string) error {
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf("pattern %q: write *, ? and [a-z], each [ with its ]", pattern)
	}
	return nil
}
