package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os/user"
	"slices"
	"time"

	"hayalet"
	"hayalet/internal/evidence"
	"hayalet/internal/series"
)

// exporter makes the case of one incident.
type exporter struct {
	app     *app
	cfg     *config
	db      hayalet.Store
	anchors *anchors
	now     hayalet.Instant

	incident hayalet.Incident
	history  []hayalet.Incident
	excerpt  *evidence.Excerpt

	judgedBy string          // version of the server that opened the incident; empty: not known
	rulesOf  hayalet.Instant // when it noted its rules; zero: cfg's own are taken
}

func (a *app) newExporter(cfg *config, db hayalet.Store, key ed25519.PrivateKey) (*exporter, error) {
	log, err := a.logger(cfg) // an anchor that an export makes is to be kept elsewhere, too
	if err != nil {
		return nil, err
	}
	return &exporter{app: a, cfg: cfg, db: db, anchors: &anchors{db: db, key: key, log: log}, now: hayalet.InstantOf(time.Now())}, nil
}

// export returns the case as a ZIP, of which it has seen that it verifies.
func (x *exporter) export(ctx context.Context, incident string) ([]byte, error) {
	if err := x.find(ctx, incident); err != nil {
		return nil, err
	}
	if err := x.rulesInForce(ctx); err != nil {
		return nil, err
	}
	w, points, err := x.window(ctx)
	if err != nil {
		return nil, err
	}
	x.excerpt, err = evidence.Gather(ctx, x.db, x.incident.Station, w)
	if errors.Is(err, evidence.ErrNoFrames) {
		return nil, fmt.Errorf("export %s: %w: station %q, %s to %s", x.incident.Key, err, x.incident.Station, w.Since, w.Until)
	}
	if err != nil {
		return nil, err
	}
	anchor, err := x.anchors.covering(ctx, x.excerpt.LastBlock(), x.excerpt.FirstBlock()+evidence.MaxHeaders-1)
	if err != nil {
		return nil, err
	}
	headers, holes, err := evidence.Stretch(ctx, x.db, ed25519.PublicKey(anchor.Key), x.excerpt.FirstBlock(), anchor.Block)
	if err != nil {
		return nil, err
	}
	further, err := x.further(ctx, points)
	if err != nil {
		return nil, err
	}
	return x.pack(&evidence.Case{
		Program: version, ExportedAt: x.now, Incident: x.incident, History: x.history, Excerpt: x.excerpt, Headers: headers, Holes: holes,
		Anchor: anchor, Further: further,
	})
}

// find finds the incident and how it turned.
func (x *exporter) find(ctx context.Context, key string) (err error) {
	if x.incident, err = findIncident(ctx, x.db, key); err != nil {
		return err
	}
	turns, err := x.db.History(ctx, x.incident.Key)
	x.history = append([]hayalet.Incident{}, turns...) // JSON: a list, also where it is empty
	return err
}

// rulesInForce takes the rules with which the server judged when it opened the incident, where it is known which these were,
// and this program still knows them.
func (x *exporter) rulesInForce(ctx context.Context) error {
	f, since, err := rulesAt(ctx, x.db, x.incident.OpenedAt)
	if err != nil || since == 0 {
		return err
	}
	if cfg, err := x.cfg.judging(&f); err == nil {
		x.cfg, x.judgedBy, x.rulesOf = &cfg, f.Program, since
	}
	return nil
}

// window is the time of the frames that belong to the incident, and the readings of that time.
func (x *exporter) window(ctx context.Context) (w evidence.Window, points []series.Point, err error) {
	inc := &x.incident
	w = evidence.Around(inc, 0, x.now)
	if points, err = x.readings(ctx, evidence.Kept(inc.Span()).Since, w.Until); err != nil {
		return w, nil, err
	}
	if start, ok := x.transactionBefore(points, inc.Begin()); ok {
		w = evidence.Around(inc, start, x.now)
	}
	return w, during(points, w.Since, w.Until), nil
}

// readings are the station's canonical readings of a time, in the order of their event times.
func (x *exporter) readings(ctx context.Context, since, until hayalet.Instant) (points []series.Point, err error) {
	err = x.db.ReadSeries(ctx, x.incident.Station, since, until, func(s hayalet.Series) error {
		return series.Read(s.Body, func(p series.Point) { points = append(points, p) })
	})
	slices.SortStableFunc(points, byTime)
	return points, err
}

func byTime(a, b series.Point) int { return cmp.Compare(a.At, b.At) }

func during(points []series.Point, since, until hayalet.Instant) []series.Point {
	return slices.DeleteFunc(points, func(p series.Point) bool { return p.At < since || p.At >= until })
}

// transactionBefore is the first reading of the connector's last transaction that began before an instant.
func (x *exporter) transactionBefore(points []series.Point, at hayalet.Instant) (start hayalet.Instant, ok bool) {
	active := false
	for _, p := range points {
		if p.Connector != x.incident.Connector || p.At > at {
			continue
		}
		if p.Active && !active {
			start, ok = p.At, true
		}
		active = p.Active
	}
	return start, ok
}

// pack writes the case, and looks at it as anybody would: what does not verify is not handed out.
func (x *exporter) pack(c *evidence.Case) ([]byte, error) {
	var out bytes.Buffer
	if err := c.Write(&out, x.anchors.key); err != nil {
		return nil, err
	}
	res, err := evidence.Verify(bytes.NewReader(out.Bytes()), int64(out.Len()), evidence.Known{})
	if err != nil {
		return nil, fmt.Errorf("check the case: %w", err)
	}
	if res.Flaw != nil {
		return nil, fmt.Errorf("the journal does not hold: %s; 'hayalet journal verify' says more", x.app.sentence(res.Flaw))
	}
	return out.Bytes(), nil
}

// audit notes who took the case out.
func (x *exporter) audit(ctx context.Context, out string, data []byte) error {
	actor := "command line"
	if u, err := user.Current(); err == nil && u.Username != "" {
		actor = u.Username
	}
	sum := sha256.Sum256(data)
	return x.db.PutAudit(ctx, hayalet.AuditEntry{
		At: x.now, Actor: actor, Action: "evidence exported", Subject: x.incident.Key, Detail: out + " sha256 " + hex.EncodeToString(sum[:]),
	})
}
