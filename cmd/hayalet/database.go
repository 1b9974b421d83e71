package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hayalet"
)

// databaseFlags name the database that a command reads.
type databaseFlags struct{ config, db string }

func (d *databaseFlags) flags(a *app, cmd *cobra.Command) {
	cmd.Flags().StringVar(&d.config, "config", "", a.text.T("flag.config"))
	cmd.Flags().StringVar(&d.db, "db", "", a.text.T("flag.db.asked"))
}

// load reads the configuration, in which --db names the database.
func (d *databaseFlags) load(a *app) (config, error) {
	cfg, err := loadConfig(d.config, a.environ)
	if err != nil {
		return cfg, usage(err)
	}
	if d.db != "" {
		cfg.DB = d.db
	}
	return cfg, nil
}

// open reads the configuration and opens its database.
func (d *databaseFlags) open(ctx context.Context, a *app) (config, hayalet.Store, error) {
	cfg, err := d.load(a)
	if err != nil {
		return cfg, nil, err
	}
	s, err := cfg.existingStore(ctx)
	return cfg, s, err
}

// findIncident finds an incident by its key or the beginning of it.
func findIncident(ctx context.Context, db hayalet.Incidents, key string) (hayalet.Incident, error) {
	found, err := db.Find(ctx, hayalet.IncidentFilter{Key: key, Limit: 2})
	switch {
	case err != nil:
		return hayalet.Incident{}, err
	case len(found) == 0:
		return hayalet.Incident{}, hint(fmt.Errorf("there is no incident %q", key), "'hayalet incidents list' shows their keys")
	case len(found) > 1:
		return hayalet.Incident{}, hint(fmt.Errorf("several incidents begin with %q", key), "give more of the key")
	}
	return found[0], nil
}
