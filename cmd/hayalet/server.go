package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"hayalet"
	"hayalet/internal/csms"
	"hayalet/internal/engine"
	"hayalet/internal/gateway"
	"hayalet/internal/journal"
	"hayalet/internal/notify"
	"hayalet/internal/postgres"
	"hayalet/internal/relay"
	"hayalet/internal/retention"
	"hayalet/internal/web"
)

// opener makes a server of a configuration.
type opener func(ctx context.Context, cfg config, log *slog.Logger, listeners ...engine.Listener) (*server, error)

// serverCommand gives cmd the flags that every server has, beside those of its own that set applies by name, and runs
// what open makes of the configuration.
func (a *app) serverCommand(cmd *cobra.Command, flags *config, set map[string]func(*config), open opener) *cobra.Command {
	var file string
	f := cmd.Flags()
	f.StringVar(&file, "config", "", a.text.T("flag.config"))
	f.StringVar(&flags.Listen, "listen", flags.Listen, a.text.T("flag.listen"))
	f.StringVar(&flags.HTTP, "http", flags.HTTP, a.text.T("flag.http"))
	f.StringVar(&flags.DB, "db", flags.DB, a.text.T("flag.db"))
	f.StringVar(&flags.Record, "record", "", a.text.T("flag.record"))
	f.BoolVar(&flags.Insecure, "insecure", false, a.text.T("flag.insecure"))
	f.StringVar(&flags.Log.Format, "log-format", flags.Log.Format, a.text.T("flag.log-format"))
	f.StringVar(&flags.Log.Level, "log-level", flags.Log.Level, a.text.T("flag.log-level"))
	for name, apply := range map[string]func(*config){
		"listen": func(c *config) { c.Listen = flags.Listen }, "http": func(c *config) { c.HTTP = flags.HTTP },
		"db": func(c *config) { c.DB = flags.DB }, "record": func(c *config) { c.Record = flags.Record },
		"insecure":   func(c *config) { c.Insecure = flags.Insecure },
		"log-format": func(c *config) { c.Log.Format = flags.Log.Format }, "log-level": func(c *config) { c.Log.Level = flags.Log.Level },
	} {
		set[name] = apply
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadConfig(file, a.environ)
		if err != nil {
			return usage(err)
		}
		for name, apply := range set {
			if cmd.Flags().Changed(name) {
				apply(&cfg)
			}
		}
		if err := validAddress(cfg.Listen); err != nil {
			return usage(fmt.Errorf("--listen %w", err))
		}
		if err := validAddress(cfg.HTTP); err != nil {
			return usage(fmt.Errorf("--http %w", err))
		}
		a.text = cfg.named(a.text)
		log, err := a.logger(&cfg)
		if err != nil {
			return err
		}
		s, err := open(cmd.Context(), cfg, log, &logListener{text: a.text, log: log})
		if err != nil {
			return err
		}
		return s.run(cmd.Context())
	}
	return cmd
}

func (a *app) logger(cfg *config) (*slog.Logger, error) {
	level, err := logLevel(cfg.Log.Level)
	if err != nil {
		return nil, err
	}
	opts := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(a.stderr, opts)), nil
	}
	return slog.New(slog.NewTextHandler(a.stderr, opts)), validLogFormat(cfg.Log.Format)
}

// server is a running detector: of its own central system's stations, or of those that it relays.
type server struct {
	cfg       config
	log       *slog.Logger
	db        hayalet.Store
	engine    *engine.Engine
	journal   *journal.Journal
	gateway   *gateway.Server
	tap       *relay.Tap // nil where the stations wait for the engine
	commander web.Commander
	central   *csms.CSMS    // nil behind a relay
	bell      *notify.Bell  // nil without a webhook
	queue     *notify.Queue // nil without a webhook
	hush      *hush
	record    *recording // nil without --record
	anchors   *anchors
	http      *http.Server
	httpAddr  net.Addr
	listener  net.Listener
	closers   []func() // last opened, first closed
}

// stationSide opens the address for stations, whose frames go to the sink.
type stationSide func(s *server, sink hayalet.FrameSink) error

// openServer opens everything that a server needs. What listens, listens already when it returns.
func (a *app) openServer(ctx context.Context, cfg config, log *slog.Logger, stations stationSide, listeners []engine.Listener) (s *server, err error) {
	s = &server{cfg: cfg, log: log}
	defer func() {
		if err != nil {
			s.close()
			s = nil
		}
	}()
	if s.db, err = cfg.awaitStore(ctx, startPatience, log); err != nil {
		return s, err
	}
	s.onClose(func() { _ = s.db.Close() })
	if err = s.claim(ctx); err != nil {
		return s, err
	}
	if s.anchors, err = newAnchors(ctx, &cfg, s.db, log); err != nil {
		return s, err
	}
	exceptions, err := cfg.exceptionSet()
	if err != nil {
		return s, usage(err)
	}
	s.hush = newHush(exceptions, log, hayalet.InstantOf(time.Now()))
	s.noteExceptions(ctx)
	s.noteRules(ctx)
	s.onClose(cfg.logSiteRules(log))
	if cfg.Webhook.URL != "" {
		if err := a.webhook(s); err != nil {
			return s, err
		}
		listeners = append(listeners, s.bell)
	}
	if err := s.openJournal(ctx, listeners); err != nil {
		return s, err
	}
	if err := s.recall(ctx, hayalet.InstantOf(time.Now())); err != nil {
		return s, err
	}
	sink, err := s.sink(listeners)
	if err != nil {
		return s, err
	}
	if err := stations(s, sink); err != nil {
		return s, err
	}
	return s, s.peopleSide()
}

// saveEvery is how long what changed of a station may wait to be saved: after a crash, what came since is read from the
// journal again.
const saveEvery = 30 * time.Second

// claim keeps other servers off the database, before this one writes anything into it.
func (s *server) claim(ctx context.Context) error {
	release, err := s.db.Claim(ctx)
	switch {
	case errors.Is(err, hayalet.ErrConflict):
		return hint(err, claimed)
	case err != nil:
		return usage(err)
	}
	s.onClose(func() { _ = release() })
	return nil
}

// openJournal opens the journal and the engine behind it, which goes on where its state ends.
func (s *server) openJournal(ctx context.Context, listeners []engine.Listener) error {
	s.engine = engine.New(engine.Config{
		Rules: s.cfg.sets.of, Profiles: s.hush.profiles(s.cfg.profile), Listeners: listeners, Store: s.db, SaveEvery: saveEvery, Log: s.log, Shards: runtime.GOMAXPROCS(0),
		Clock: time.Now, Horizon: s.horizon,
	})
	from, err := s.engine.Restore(ctx)
	if err != nil {
		return fmt.Errorf("restore state: %v", err)
	}
	jc := journal.Config{Linger: s.cfg.Journal.Linger, MaxFrames: s.cfg.Journal.MaxFrames, Next: auditedEngine{s.engine, s}, From: from}
	s.journal, err = journal.Open(ctx, s.db, jc, s.log)
	return err
}

// horizon is the time up to which the engine was given all that was received. They are asked in the order of the frames'
// way: what one hands on meanwhile is with the next then.
func (s *server) horizon(now time.Time) time.Time {
	oldest := now
	if s.gateway != nil { // a detector without doors
		oldest = s.gateway.Horizon(now)
	}
	if s.tap != nil {
		oldest = earlier(oldest, s.tap.Horizon(now))
	}
	return earlier(oldest, s.journal.Horizon(now))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (s *server) onClose(f func()) { s.closers = append(s.closers, f) }

func (s *server) close() {
	for _, f := range slices.Backward(s.closers) {
		f()
	}
	s.closers = nil
}

// sink is where the frames go: the record, then listeners that want frames, then the journal, and from there the engine.
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
	return append(sinks, s.journal), nil
}

// stationDoor is a gateway with the limits and the certificate of the configuration.
func (s *server) stationDoor(gc gateway.Config, answerer gateway.Answerer, sink hayalet.FrameSink) error {
	gc.MaxMessage = cmp.Or(gc.MaxMessage, s.cfg.MaxMessage)
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
	if s.gateway, err = gateway.New(ln, gc, answerer, sink, s.log); err != nil {
		return usage(err)
	}
	return nil
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
	token, err := s.cfg.apiToken()
	if err != nil {
		return usage(err)
	}
	if s.listener, err = listen("--http", s.cfg.HTTP); err != nil {
		return err
	}
	s.onClose(func() { _ = s.listener.Close() })
	s.httpAddr = s.listener.Addr()
	s.http = web.NewServer(web.New(web.Config{
		Commander: s.commander, Incidents: s.db, Stations: s.stationViews, Ready: s.ready, Log: s.log,
		Audit: s.db.PutAudit, Token: token, LoopbackOnly: loopback(s.cfg.HTTP),
	}))
	return nil
}

// A server that is told to end does so within some ten seconds, also where its database refuses or does not answer: in the
// first the stations leave and what they sent is kept, then what was judged is saved, then the rest is told and noted. What
// cannot be is said in the log, and was not answered or is judged again from the journal at the next start.
const (
	keepPatience = 6 * time.Second // from when it is told to, until the journal ends
	savePatience = 8 * time.Second // from then, too, until the engine has saved
	lastPatience = 2 * time.Second // for each thing that is noted after that
)

// run serves until ctx ends: then the stations are sent away, what they sent is judged and saved, and everything closes.
func (s *server) run(ctx context.Context) error {
	defer s.close()
	s.note(ctx, "server", auditStarted, "", version)
	s.log.Info("listening", "stations", s.gateway.Addr().String(), "http", s.httpAddr.String(), "db", postgres.Redacted(s.cfg.DB), "version", version)
	outer, stop := context.WithCancel(context.WithoutCancel(ctx)) // what is to be done after the doors are closed
	defer stop()
	ctx, fatal := context.WithCancelCause(ctx)
	defer fatal(nil)
	doors, ctx := errgroup.WithContext(ctx)
	keeping, kept := after(ctx, keepPatience)
	defer kept()
	saving, saved := after(ctx, savePatience)
	defer saved()
	var judge, inner errgroup.Group
	judge.Go(func() error { return s.engine.Run(saving) })
	inner.Go(func() error { s.anchors.run(outer); return nil })
	if s.queue != nil {
		inner.Go(func() error { return s.queue.Run(outer) })
	}
	keeper := retention.New(s.db, s.cfg.Retention.keeping(s.anchors.key), time.Now, s.log)
	inner.Go(func() error { return keeper.Run(outer) })
	inner.Go(func() error { giveBack(outer); return nil })
	if s.record != nil {
		inner.Go(func() error { s.record.flushLoop(outer); return nil })
	}
	keep := s.startJournal(keeping, fatal)
	feed := s.startTap(keeping)
	doors.Go(func() error { return s.gateway.Run(ctx) })
	doors.Go(func() error { return s.serveHTTP(ctx) })
	err := unless(context.Canceled, doors.Wait())
	feed() // the journal keeps what is on its way still, and the engine sees it
	err = errors.Join(err, unless(context.Canceled, keep()))
	s.engine.Close()
	err = errors.Join(err, unless(context.Canceled, judge.Wait())) // before the webhook's last try: what is judged now is to be told, too
	stop()
	inner.Go(func() error {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastPatience)
		defer cancel()
		s.note(last, "server", auditStopped, "", version)
		return nil
	})
	err = errors.Join(err, unless(context.Canceled, inner.Wait()))
	if err == nil {
		s.log.Info("stopped")
	}
	return err
}

// after returns a context that ends so long after another one has.
func after(ctx context.Context, d time.Duration) (late context.Context, cancel context.CancelFunc) {
	late, cancel = context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-late.Done():
		}
	})
	return late, cancel
}

// unless is err, but for one that is the expected end.
func unless(expected, err error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// ready says why stations are not answered at present, or nil.
func (s *server) ready(ctx context.Context) error {
	if err := s.journal.Ready(); err != nil {
		return err
	}
	if s.central != nil {
		if err := s.central.Ready(); err != nil {
			return err
		}
	}
	return s.db.Ping(ctx)
}

// startJournal keeps frames until ctx ends, and returns what ends that before, once they are on disk and with the engine. A
// journal that ends by itself ends the server.
func (s *server) startJournal(ctx context.Context, fatal context.CancelCauseFunc) (end func() error) {
	done := make(chan error, 1)
	go func() {
		err := s.journal.Run(ctx)
		if err != nil {
			fatal(err)
		}
		done <- err
	}()
	return func() error {
		s.journal.Close()
		err := <-done
		switch {
		case errors.Is(err, journal.ErrUnkept):
			s.log.Error("the journal ends with what it could not write", "error", err)
		case errors.Is(err, context.Canceled):
			s.log.Warn("detection is behind the journal; it goes on there at the next start")
		}
		return err
	}
}

// startTap feeds the engine behind the stations' backs until ctx ends, where it must not hold them up, and returns what ends
// that before.
func (s *server) startTap(ctx context.Context) (end func()) {
	if s.tap == nil {
		return func() {}
	}
	done := make(chan error, 1)
	go func() { done <- s.tap.Run(ctx) }()
	return func() {
		s.tap.Close()
		if <-done != nil {
			s.log.Error("detection does not take the last frames; they are lost to it")
		}
	}
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
		v.Gaps, v.Unseen = st.Missed.Gaps, st.Missed.Time.Seconds()
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
