package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hayalet"
	"hayalet/internal/csms"
	"hayalet/internal/engine"
	"hayalet/internal/gateway"
)

func (a *app) serve() *cobra.Command {
	flags := defaultConfig()
	cmd := &cobra.Command{
		Use: "serve", Short: a.text.T("cmd.serve"), Long: a.text.T("cmd.serve.long"), Args: args(cobra.NoArgs),
	}
	cmd.Flags().StringVar(&flags.Keys, "keys", "", a.text.T("flag.keys"))
	return a.serverCommand(cmd, &flags, map[string]func(*config){"keys": func(c *config) { c.Keys = flags.Keys }}, a.newServer)
}

// newServer opens a central system with its detector.
func (a *app) newServer(ctx context.Context, cfg config, log *slog.Logger, listeners ...engine.Listener) (*server, error) {
	auth, err := cfg.auth(log)
	if err != nil {
		return nil, err
	}
	stations := func(s *server, sink hayalet.FrameSink) error { return s.centralSystem(auth, sink) }
	return a.openServer(ctx, cfg, log, stations, listeners)
}

// auth reads the station keys, and refuses to be open to the world without them.
func (c *config) auth(log *slog.Logger) (gateway.Auth, error) {
	if c.Keys == "" {
		if !loopback(c.Listen) && !c.Insecure {
			return nil, hint(fmt.Errorf("--listen %s is off loopback and there are no station keys", c.Listen),
				"give --keys FILE, or --insecure to let every station in")
		}
		if !loopback(c.Listen) {
			log.Warn("stations are not authenticated", "listen", c.Listen)
		}
		return nil, nil
	}
	keys, err := readKeys(c.Keys)
	if err != nil {
		return nil, usage(err)
	}
	return gateway.StaticKeys(keys), nil
}

// readKeys reads lines of 'station: key'. Blank lines and lines that begin with # are left out. Both may hold colons where
// a blank follows the one between them; else the last colon is that one.
func readKeys(name string) (map[hayalet.StationID]string, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read station keys: %v; give --keys a file of lines 'station: key'", err)
	}
	keys := make(map[hayalet.StationID]string)
	for i, line := range strings.Split(string(data), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		cut := strings.Index(line, ": ")
		if cut < 0 {
			cut = strings.LastIndex(line, ":")
		}
		if cut <= 0 || strings.TrimSpace(line[cut+1:]) == "" {
			return nil, fmt.Errorf("station keys %s, line %d: want 'station: key'", name, i+1)
		}
		station := hayalet.StationID(strings.TrimSpace(line[:cut]))
		if _, twice := keys[station]; twice {
			return nil, fmt.Errorf("station keys %s, line %d: station %q has a key already", name, i+1, station)
		}
		keys[station] = strings.TrimSpace(line[cut+1:])
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("station keys %s: no key in it; want lines 'station: key'", name)
	}
	return keys, nil
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// centralSystem answers the stations itself.
func (s *server) centralSystem(auth gateway.Auth, sink hayalet.FrameSink) error {
	var tags *csms.Tags
	if s.cfg.Tags != "" {
		var err error
		if tags, err = readTags(s.cfg.Tags); err != nil {
			return usage(err)
		}
	}
	system, err := csms.New(csms.Config{
		Interval: int(s.cfg.Interval / time.Second), Tags: tags, Sampling: s.cfg.sampling(), Clock: time.Now,
	}, s.db, s.log)
	if err != nil {
		return usage(err)
	}
	s.commander, s.central = system, system
	gc := gateway.Config{
		PathPrefixes: s.cfg.PathPrefixes, Protocols: hayalet.Protocols(), Auth: auth, Compress: true,
	}
	return s.stationDoor(gc, answerer{system}, sink)
}

func readTags(name string) (*csms.Tags, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read idTags: %v; tags must be a file with one idTag a line", err)
	}
	defer f.Close()
	tags, err := csms.ReadTags(f)
	if err != nil {
		return nil, fmt.Errorf("idTags %s: %v", name, err)
	}
	return tags, nil
}

// answerer fits the central system to the gateway.
type answerer struct{ csms *csms.CSMS }

func (a answerer) Open(ctx context.Context, link gateway.Link) (gateway.Peer, error) {
	peer, err := a.csms.Open(ctx, link)
	if err != nil {
		return nil, err
	}
	return csmsPeer{peer}, nil
}

type csmsPeer struct{ *csms.Peer }

func (p csmsPeer) Closed(uint16, string) { p.Peer.Closed() }
