package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"hayalet"
)

type stationsAnswer struct {
	Stations []StationView `json:"stations"`
}

func (a *api) stations(w http.ResponseWriter, r *http.Request) {
	views, err := a.cfg.Stations(r.Context())
	if err != nil {
		a.fail(w, r, internal{err})
		return
	}
	if views == nil {
		views = []StationView{}
	}
	for i := range views {
		if views[i].Connectors == nil {
			views[i].Connectors = []ConnectorView{}
		}
	}
	writeJSON(w, http.StatusOK, stationsAnswer{views})
}

type incidentsAnswer struct {
	Incidents []hayalet.Incident `json:"incidents"`
}

func (a *api) incidents(w http.ResponseWriter, r *http.Request) {
	f, err := parseFilter(r.URL.RawQuery)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	found, err := a.cfg.Incidents.Find(r.Context(), f)
	if err != nil {
		a.fail(w, r, internal{err})
		return
	}
	if found == nil {
		found = []hayalet.Incident{}
	}
	writeJSON(w, http.StatusOK, incidentsAnswer{found})
}

func (a *api) incident(w http.ResponseWriter, r *http.Request) {
	inc, err := a.find(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, inc)
}

func (a *api) history(w http.ResponseWriter, r *http.Request) {
	inc, err := a.find(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	turns, err := a.cfg.Incidents.History(r.Context(), inc.Key)
	if err != nil {
		a.fail(w, r, internal{err})
		return
	}
	if turns == nil {
		turns = []hayalet.Incident{}
	}
	writeJSON(w, http.StatusOK, incidentsAnswer{turns})
}

// find returns the one incident whose key begins like that of the path.
func (a *api) find(r *http.Request) (inc hayalet.Incident, err error) {
	key := r.PathValue("key")
	found, err := a.cfg.Incidents.Find(r.Context(), hayalet.IncidentFilter{Key: key, Limit: 2})
	switch {
	case err != nil:
		return inc, internal{err}
	case len(found) == 0:
		return inc, fmt.Errorf("incident %q: %w", key, hayalet.ErrNotFound)
	case len(found) > 1:
		return inc, fmt.Errorf("incident %q: %w: several keys begin like this; give more of it", key, hayalet.ErrInvalid)
	}
	return found[0], nil
}

// parseFilter reads the query. A name that it does not know is an error: a filter with a slip would select everything.
func parseFilter(query string) (f hayalet.IncidentFilter, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return f, fmt.Errorf("%w query: %w", hayalet.ErrInvalid, err)
	}
	f.Limit = DefaultIncidents
	for name, vs := range values {
		if len(vs) != 1 {
			return f, fmt.Errorf("%w query: %q is given twice", hayalet.ErrInvalid, name)
		}
		if err := setFilter(&f, name, vs[0]); err != nil {
			return f, fmt.Errorf("%w query: %w", hayalet.ErrInvalid, err)
		}
	}
	return f, nil
}

func setFilter(f *hayalet.IncidentFilter, name, value string) (err error) {
	switch name {
	case "key":
		f.Key = value
	case "station":
		f.Station = hayalet.StationID(value)
	case "min_severity":
		f.MinSeverity, err = hayalet.ParseSeverity(value)
	case "open":
		if f.OpenOnly, err = strconv.ParseBool(value); err != nil {
			return fmt.Errorf("open %q: want true or false", value)
		}
	case "limit":
		f.Limit, err = strconv.Atoi(value)
		if err != nil || f.Limit < 1 || f.Limit > MaxIncidents {
			return fmt.Errorf("limit %q: want 1 to %d", value, MaxIncidents)
		}
	default:
		return fmt.Errorf("%q is unknown: want key, station, min_severity, open or limit", name)
	}
	return err
}

// formatFilter writes what parseFilter reads.
func formatFilter(f hayalet.IncidentFilter) string {
	q := url.Values{}
	if f.Key != "" {
		q.Set("key", f.Key)
	}
	if f.Station != "" {
		q.Set("station", string(f.Station))
	}
	if f.MinSeverity > 0 {
		q.Set("min_severity", f.MinSeverity.String())
	}
	if f.OpenOnly {
		q.Set("open", "true")
	}
	if f.Limit > 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	return q.Encode()
}
