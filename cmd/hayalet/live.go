package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"hayalet"
	"hayalet/internal/engine"
	"hayalet/internal/sim"
)

// private makes the configuration one of a central system that lives in dir, on loopback, and tells nobody.
func (c *config) private(dir string) {
	c.Listen, c.HTTP, c.DB = "127.0.0.1:0", "127.0.0.1:0", filepath.Join(dir, "private.db")
	c.Keys, c.Record, c.Webhook.URL, c.TLS.Cert, c.TLS.Key, c.Evidence.Key = "", "", "", "", "", ""
}

// play runs a central system, and stations that play against it over sockets, until all stations have finished and all
// that they sent is judged. It calls started with the system's address before the stations begin. The results are good,
// as far as the plays came, beside an error.
func (a *app) play(ctx context.Context, cfg config, options []sim.Options, stations []hayalet.StationID, started func(url string), listeners ...engine.Listener) ([]sim.Result, error) {
	results := make([]sim.Result, len(options))
	server, err := a.newServer(ctx, cfg, slog.New(slog.DiscardHandler), listeners...)
	if err != nil {
		return results, err
	}
	url := "ws://" + server.gateway.Addr().String() + "/"
	started(url)
	running, end := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- server.run(running) }()
	var plays errgroup.Group
	for i, o := range options {
		plays.Go(func() error {
			var err error
			o.URL = url + string(stations[i])
			results[i], err = sim.Play(ctx, o)
			return err
		})
	}
	err = plays.Wait()
	if err == nil {
		_, err = server.engine.Stations(ctx) // answered when all frames before are judged
	}
	end()
	return results, errors.Join(err, <-done)
}
