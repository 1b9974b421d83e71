package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hayalet"
	"hayalet/internal/engine"
	"hayalet/internal/gateway"
	"hayalet/internal/relay"
	"hayalet/internal/web"
)

// relayHandshake is for two handshakes, one behind the other.
const relayHandshake = 20 * time.Second

func (a *app) relay() *cobra.Command {
	flags := defaultConfig()
	cmd := &cobra.Command{
		Use: "relay", Short: a.text.T("cmd.relay"), Long: a.text.T("cmd.relay.long"), Args: args(cobra.NoArgs),
	}
	f := cmd.Flags()
	f.StringArrayVar(&flags.Relay.Upstreams, "upstream", nil, a.text.T("flag.upstream"))
	f.StringVar(&flags.Relay.CA, "upstream-ca", "", a.text.T("flag.upstream-ca"))
	return a.serverCommand(cmd, &flags, map[string]func(*config){
		"upstream":    func(c *config) { c.Relay.Upstreams = flags.Relay.Upstreams },
		"upstream-ca": func(c *config) { c.Relay.CA = flags.Relay.CA },
	}, a.newRelay)
}

// newRelay opens a relay with its detector.
func (a *app) newRelay(ctx context.Context, cfg config, log *slog.Logger, listeners ...engine.Listener) (*server, error) {
	rc, err := cfg.relayConfig()
	if err != nil {
		return nil, err
	}
	r, err := relay.New(rc, log)
	if err != nil {
		return nil, usage(err)
	}
	stations := func(s *server, sink hayalet.FrameSink) error { return s.relayed(r, sink) }
	return a.openServer(ctx, cfg, log, stations, listeners)
}

// relayed passes the stations on to their own central systems. The detector sees them through a tap, which never makes
// them wait.
func (s *server) relayed(r *relay.Relay, sink hayalet.FrameSink) error {
	s.commander = relayCommander{}
	s.tap = relay.NewTap(relay.TapConfig{Bytes: s.cfg.Relay.Buffer}, sink, s.log)
	return s.stationDoor(gateway.Config{
		Relay: true, Compress: s.cfg.Relay.Compress, MaxMessage: s.cfg.Relay.MaxMessage,
		HandshakeTimeout: relayHandshake, WriteTimeout: relay.DefaultWriteTimeout,
	}, relayAnswerer{r}, s.tap)
}

// isListener reports whether an upstream is the relay itself, by its address as written: each station would be passed on
// without end.
func (c *config) isListener(upstream string) bool {
	u, err := url.Parse(strings.ReplaceAll(upstream, "{station}", ""))
	host, port, lerr := net.SplitHostPort(c.Listen)
	if err != nil || lerr != nil || port == "0" || u.Port() != port {
		return false
	}
	here := loopback(net.JoinHostPort(u.Hostname(), port))
	return u.Hostname() == host || here && (loopback(c.Listen) || host == "" || net.ParseIP(host).IsUnspecified())
}

func (c *config) relayConfig() (relay.Config, error) {
	rc := relay.Config{Compress: c.Relay.Compress, MaxMessage: c.Relay.MaxMessage}
	if len(c.Relay.Upstreams) == 0 {
		return rc, hint(errors.New("a relay needs a central system behind it"), "give --upstream wss://HOST/PATH/{station}")
	}
	for _, text := range c.Relay.Upstreams {
		u, err := relay.ParseUpstream(text)
		if err != nil {
			return rc, hint(err, "give --upstream URL or --upstream PATTERN=URL")
		}
		if c.isListener(u.URL) {
			return rc, hint(fmt.Errorf("upstream %s is the address that the relay listens on", relay.Redacted(u.URL)), "give the central system's, or another --listen")
		}
		rc.Upstreams = append(rc.Upstreams, u)
	}
	roots, err := c.upstreamRoots()
	if err == nil && roots != nil {
		rc.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return rc, err
}

// upstreamRoots are the certificates that vouch for the central system; nil: the operating system's.
func (c *config) upstreamRoots() (*x509.CertPool, error) {
	if c.Relay.CA == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.Relay.CA)
	if err != nil {
		return nil, hint(fmt.Errorf("read the upstream's CA: %v", err), "give --upstream-ca a PEM file of certificates")
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, hint(fmt.Errorf("the upstream's CA %s: no certificate in it", c.Relay.CA), "give --upstream-ca a PEM file of certificates")
	}
	return roots, nil
}

// relayAnswerer fits the relay to the gateway.
type relayAnswerer struct{ relay *relay.Relay }

func (a relayAnswerer) Open(ctx context.Context, link gateway.Link) (gateway.Peer, error) {
	peer, err := a.relay.Open(ctx, link)
	if err != nil {
		return nil, err
	}
	return peer, nil
}

// relayCommander refuses: what a relay put into the traffic, the central system behind it would know nothing of.
type relayCommander struct{}

func (relayCommander) Command(context.Context, hayalet.StationID, string, json.RawMessage) (json.RawMessage, error) {
	return nil, &web.Problem{
		Status: http.StatusNotImplemented, Title: "A relay sends no commands",
		Detail: "the stations are the central system's behind it: send the command from there",
	}
}
