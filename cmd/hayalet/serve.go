package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"hayalet"
	"hayalet/internal/capture"
	"hayalet/internal/csms"
	"hayalet/internal/engine"
	"hayalet/internal/gateway"
	"hayalet/internal/notify"
	"hayalet/internal/report"
	"hayalet/internal/sqlite"
	"hayalet/internal/web"
)

func (a *app) serve() *cobra.Command {
	var file string
	flags := defaultConfig()
	cmd := &cobra.Command{
		Use: "serve", Short: a.text.T("cmd.serve"), Long: a.text.T("cmd.serve.long"), Args: args(cobra.NoArgs),
	}
	f := cmd.Flags()
	f.StringVar(&file, "config", "", a.text.T("flag.config"))
	f.StringVar(&flags.Listen, "listen", flags.Listen, a.text.T("flag.listen"))
	f.StringVar(&flags.HTTP, "http", flags.HTTP, a.text.T("flag.http"))
	f.StringVar(&flags.DB, "db", flags.DB, a.text.T("flag.db"))
	f.StringVar(&flags.Record, "record", "", a.text.T("flag.record"))
	f.StringVar(&flags.Keys, "keys", "", a.text.T("flag.keys"))
	f.BoolVar(&flags.Insecure, "insecure", false, a.text.T("flag.insecure"))
	f.StringVar(&flags.Log.Format, "log-format", flags.Log.Format, a.text.T("flag.log-format"))
	f.StringVar(&flags.Log.Level, "log-level", flags.Log.Level, a.text.T("flag.log-level"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadConfig(file, a.environ)
		if err != nil {
			return usage(err)
		}
		for name, set := range map[string]func(){
			"listen": func() { cfg.Listen = flags.Listen }, "http": func() { cfg.HTTP = flags.HTTP },
			"db": func() { cfg.DB = flags.DB }, "record": func() { cfg.Record = flags.Record },
			"keys": func() { cfg.Keys = flags.Keys }, "insecure": func() { cfg.Insecure = flags.Insecure },
			"log-format": func() { cfg.Log.Format = flags.Log.Format }, "log-level": func() { cfg.Log.Level = flags.Log.Level },
		} {
			if cmd.Flags().Changed(name) {
				set()
			}
		}
		a.text = cfg.named(a.text)
		log, err := a.logger(&cfg)
		if err != nil {
			return err
		}
		s, err := a.newServer(cmd.Context(), cfg, log, &logListener{text: a.text, log: log})
		if err != nil {
			return err
		}
		return s.run(cmd.Context())
	}
	return cmd
}

func (a *app) logger(cfg *config) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Log.Level)); err != nil {
		return nil, hint(fmt.Errorf("log level %q is not known", cfg.Log.Level), "want debug, info, warn or error")
	}
	opts := &slog.HandlerOptions{Level: level}
	switch cfg.Log.Format {
	case "text":
		return slog.New(slog.NewTextHandler(a.stderr, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(a.stderr, opts)), nil
	}
	return nil, hint(fmt.Errorf("log format %q is not known", cfg.Log.Format), "want text or json")
}

// server is a running central system with its detector.
type server struct {
	cfg      config
	log      *slog.Logger
	db       *sqlite.DB
	engine   *engine.Engine
	gateway  *gateway.Server
	csms     *csms.CSMS
	queue    *notify.Queue // nil without a webhook
	hush     *hush
	record   *recording // nil without --record
	http     *http.Server
	httpAddr net.Addr
	listener net.Listener
	closers  []func() // last opened, first closed
}

// newServer opens everything that a server needs. What listens, listens already when it returns.
func (a *app) newServer(ctx context.Context, cfg config, log *slog.Logger, listeners ...engine.Listener) (s *server, err error) {
	s = &server{cfg: cfg, log: log}
	defer func() {
		if err != nil {
			s.close()
			s = nil
		}
	}()
	auth, err := s.auth()
	if err != nil {
		return s, err
	}
	if s.db, err = sqlite.Open(ctx, cfg.DB); err != nil {
		return s, usage(err)
	}
	s.onClose(func() { _ = s.db.Close() })
	exceptions, err := cfg.exceptionSet()
	if err != nil {
		return s, usage(err)
	}
	s.hush = newHush(exceptions, log, hayalet.InstantOf(time.Now()))
	s.onClose(cfg.logSiteRules(log))
	if cfg.Webhook.URL != "" {
		bell, err := a.webhook(s)
		if err != nil {
			return s, err
		}
		listeners = append(listeners, bell)
	}
	s.engine = engine.New(engine.Config{
		Rules: cfg.sets.of, Profiles: s.hush.profiles(s.cfg.profile), Listeners: listeners, Store: s.db, Clock: time.Now, Log: log,
	})
	if err := s.engine.Restore(ctx); err != nil {
		return s, fmt.Errorf("restore state: %v", err)
	}
	sink, err := s.sink(listeners)
	if err != nil {
		return s, err
	}
	if err := s.stationSide(auth, sink); err != nil {
		return s, err
	}
	return s, s.peopleSide()
}

func (s *server) onClose(f func()) { s.closers = append(s.closers, f) }

func (s *server) close() {
	for _, f := range slices.Backward(s.closers) {
		f()
	}
	s.closers = nil
}

// auth reads the station keys, and refuses to be open to the world without them.
func (s *server) auth() (gateway.Auth, error) {
	if s.cfg.Keys == "" {
		if !loopback(s.cfg.Listen) && !s.cfg.Insecure {
			return nil, hint(fmt.Errorf("--listen %s is off loopback and there are no station keys", s.cfg.Listen),
				"give --keys FILE, or --insecure to let every station in")
		}
		if !loopback(s.cfg.Listen) {
			s.log.Warn("stations are not authenticated", "listen", s.cfg.Listen)
		}
		return nil, nil
	}
	keys, err := readKeys(s.cfg.Keys)
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

func (a *app) webhook(s *server) (engine.Listener, error) {
	key, err := secret("webhook.secret", s.cfg.Webhook.Secret, s.cfg.Webhook.SecretFile)
	if err != nil {
		return nil, usage(err)
	}
	hook, err := notify.NewWebhook(notify.WebhookConfig{
		URL: s.cfg.Webhook.URL, Secret: key, Timeout: s.cfg.Webhook.Timeout,
		Text: func(inc hayalet.Incident) string { return report.Sentence(a.text, &inc) },
	}, &http.Client{})
	if err != nil {
		return nil, usage(err)
	}
	s.queue = notify.NewQueue(hook, s.log, notify.QueueConfig{})
	least, err := hayalet.ParseSeverity(s.cfg.Webhook.MinSeverity)
	return notify.NewBell(s.queue, least, s.hush.hides), err
}

// sink is where the gateway's frames go: the record, then the engine, then listeners that want frames.
func (s *server) sink(listeners []engine.Listener) (hayalet.FrameSink, error) {
	var sinks tee
	if s.cfg.Record != "" {
		r, err := newRecording(s.cfg.Record, s.log)
		if err != nil {
			return nil, err
		}
		s.record = r
		s.onClose(r.close)
		sinks = append(sinks, r)
	}
	for _, l := range listeners {
		if also, ok := l.(hayalet.FrameSink); ok {
			sinks = append(sinks, also)
		}
	}
	return append(sinks, s.engine), nil
}

func (s *server) stationSide(auth gateway.Auth, sink hayalet.FrameSink) (err error) {
	var tags *csms.Tags
	if s.cfg.Tags != "" {
		if tags, err = readTags(s.cfg.Tags); err != nil {
			return usage(err)
		}
	}
	s.csms, err = csms.New(csms.Config{
		Interval: int(s.cfg.Interval / time.Second), Tags: tags, Sampling: s.cfg.sampling(), Clock: time.Now,
	}, s.db, s.log)
	if err != nil {
		return usage(err)
	}
	gc := gateway.Config{
		PathPrefixes: s.cfg.PathPrefixes, Protocols: hayalet.Protocols(), Auth: auth, MaxMessage: s.cfg.MaxMessage,
	}
	if s.cfg.TLS.Cert != "" || s.cfg.TLS.Key != "" {
		cert, err := tls.LoadX509KeyPair(s.cfg.TLS.Cert, s.cfg.TLS.Key)
		if err != nil {
			return hint(fmt.Errorf("load tls.cert and tls.key: %v", err), "both must be PEM files")
		}
		gc.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	}
	ln, err := listen("--listen", s.cfg.Listen)
	if err != nil {
		return err
	}
	s.onClose(func() { _ = ln.Close() })
	s.gateway, err = gateway.New(ln, gc, answerer{s.csms}, sink, s.log)
	if err != nil {
		return usage(err)
	}
	return nil
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
	return peer, nil
}

func listen(flag, addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, hint(fmt.Errorf("another program listens on %s already", addr), "stop it, or choose another address with "+flag)
	}
	if err != nil {
		return nil, hint(fmt.Errorf("listen on %s: %v", addr, err), "choose another address with "+flag)
	}
	return ln, nil
}

// peopleSide opens the address for commands and questions.
func (s *server) peopleSide() error {
	token, err := secret("api.token", s.cfg.API.Token, s.cfg.API.TokenFile)
	if err != nil {
		return usage(err)
	}
	if token == "" && !loopback(s.cfg.HTTP) && !s.cfg.Insecure {
		return hint(fmt.Errorf("--http %s is off loopback and there is no api.token", s.cfg.HTTP), "set api.token_file, or give --insecure")
	}
	if s.listener, err = listen("--http", s.cfg.HTTP); err != nil {
		return err
	}
	s.onClose(func() { _ = s.listener.Close() })
	s.httpAddr = s.listener.Addr()
	s.http = web.NewServer(web.New(web.Config{
		Commander: s.csms, Incidents: s.db, Stations: s.stationViews, Ready: s.db.Ping, Log: s.log,
		Token: token, LoopbackOnly: loopback(s.cfg.HTTP),
	}))
	return nil
}

// run serves until ctx ends: then the stations are sent away, what they sent is judged and saved, and everything closes.
func (s *server) run(ctx context.Context) error {
	defer s.close()
	s.log.Info("listening", "stations", s.gateway.Addr().String(), "http", s.httpAddr.String(), "db", s.cfg.DB, "version", version)
	outer, stop := context.WithCancel(context.WithoutCancel(ctx)) // the engine outlives the gateway
	defer stop()
	var judge, inner errgroup.Group
	judge.Go(func() error { return s.engine.Run(outer) })
	if s.queue != nil {
		inner.Go(func() error { return s.queue.Run(outer) })
	}
	if s.record != nil {
		inner.Go(func() error { s.record.flushLoop(outer); return nil })
	}
	doors, ctx := errgroup.WithContext(ctx)
	doors.Go(func() error { return s.gateway.Run(ctx) })
	doors.Go(func() error { return s.serveHTTP(ctx) })
	err := doors.Wait()
	s.engine.Close()
	err = errors.Join(err, judge.Wait()) // before the webhook's last try: what is judged now is to be told, too
	stop()
	err = errors.Join(err, inner.Wait())
	if err == nil || errors.Is(err, context.Canceled) {
		s.log.Info("stopped")
		return nil
	}
	return err
}

func (s *server) serveHTTP(ctx context.Context) error {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		if s.http.Shutdown(grace) != nil {
			_ = s.http.Close()
		}
	}()
	err := s.http.Serve(s.listener)
	if errors.Is(err, http.ErrServerClosed) {
		<-stopped
		return nil
	}
	return fmt.Errorf("serve %s: %w", s.cfg.HTTP, err)
}

// stationViews joins what the book, the engine and the gateway know of the stations.
func (s *server) stationViews(ctx context.Context) ([]web.StationView, error) {
	states, err := s.engine.Stations(ctx)
	if err != nil {
		return nil, err
	}
	records, err := s.db.Stations(ctx)
	if err != nil {
		return nil, err
	}
	views := make(map[hayalet.StationID]*web.StationView)
	for _, r := range records {
		views[r.ID] = &web.StationView{Station: r}
	}
	for _, st := range states {
		v := views[st.Station]
		if v == nil {
			v = &web.StationView{Station: hayalet.Station{ID: st.Station, Vendor: st.Vendor, Model: st.Model, Firmware: st.Firmware}}
			views[st.Station] = v
		}
		v.LastSeen = max(v.LastSeen, st.LastFrame)
		for _, c := range st.Connectors {
			cv := web.ConnectorView{
				Connector: c.Connector, Status: c.Status.String(), TransactionState: c.State.String(), Transaction: c.Transaction, OpenIncident: c.Incident,
				RegisterMode: c.Mode.String(), Notes: c.Notes,
			}
			if c.HasRegister {
				cv.Register = &c.Register
			}
			v.Connectors = append(v.Connectors, cv)
		}
	}
	for _, conn := range s.gateway.Connections() {
		if v := views[conn.Station]; v != nil {
			v.Connected, v.ConnectedSince, v.RemoteAddr = true, conn.Since, conn.RemoteAddr
		}
	}
	all := make([]web.StationView, 0, len(views))
	for _, v := range views {
		all = append(all, *v)
	}
	slices.SortFunc(all, func(a, b web.StationView) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all, nil
}

// tee gives frames to several sinks in turn.
type tee []hayalet.FrameSink

func (t tee) PutFrames(ctx context.Context, fs []hayalet.Frame) error {
	for _, sink := range t {
		if err := sink.PutFrames(ctx, fs); err != nil {
			return err
		}
	}
	return nil
}

// recording appends the traffic to a file. A disk that fails is said once, loudly, and does not stop the stations.
type recording struct {
	*capture.Recorder
	file   *os.File
	log    *slog.Logger
	failed chan struct{} // holds one token once it has failed
}

func newRecording(name string, log *slog.Logger) (*recording, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, hint(fmt.Errorf("open record: %v", err), "give --record a file that can be written")
	}
	return &recording{Recorder: capture.NewRecorder(f), file: f, log: log, failed: make(chan struct{}, 1)}, nil
}

func (r *recording) PutFrames(ctx context.Context, fs []hayalet.Frame) error {
	r.report(r.Recorder.PutFrames(ctx, fs))
	return nil
}

func (r *recording) report(err error) {
	if err == nil || errors.Is(err, capture.ErrClosed) {
		return
	}
	select {
	case r.failed <- struct{}{}:
		r.log.Error("recording failed; traffic from here on is not recorded", "file", r.file.Name(), "error", err)
	default:
	}
}

func (r *recording) flushLoop(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.report(r.Flush())
		}
	}
}

func (r *recording) close() {
	r.report(r.Recorder.Close())
	r.report(r.file.Close())
}
