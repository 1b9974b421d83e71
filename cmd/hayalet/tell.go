package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"hayalet"
	"hayalet/internal/notify"
	"hayalet/internal/report"
)

// webhook makes the bell and the queue of a server that tells somebody.
func (a *app) webhook(s *server) error {
	key, err := s.cfg.webhookSecret()
	if err != nil {
		return usage(err)
	}
	hook, err := notify.NewWebhook(notify.WebhookConfig{
		URL: s.cfg.Webhook.URL, Secret: key, Timeout: s.cfg.Webhook.Timeout,
		Text: func(inc hayalet.Incident) string { return report.Sentence(a.text, &inc) },
	}, &http.Client{})
	if err != nil {
		return usage(err)
	}
	least, err := hayalet.ParseSeverity(s.cfg.Webhook.MinSeverity)
	if err != nil {
		return usage(err)
	}
	s.queue = notify.NewQueue(hook, s.log, notify.QueueConfig{
		Done: func(ctx context.Context, inc hayalet.Incident) error { return s.db.PutTold(ctx, notify.Standing(&inc)) },
	})
	s.bell = notify.NewBell(s.queue, least, s.hush.hides)
	return nil
}

const (
	pendingFor  = 24 * time.Hour // what ended longer ago is told to nobody any more
	pendingMost = 1000           // the newest, and as many of those that run
)

// recall tells the bell what was told before, and how the incidents stand: of what is new somebody is to hear still. The
// engine has its state back by then, for what is hidden depends on it.
func (s *server) recall(ctx context.Context, now hayalet.Instant) error {
	if s.bell == nil {
		return nil
	}
	incidents, err := s.pending(ctx)
	if err != nil {
		return err
	}
	told, err := s.db.ToldSince(ctx, 0)
	if err != nil {
		return fmt.Errorf("find what was told: %v", err)
	}
	s.bell.Recall(lately(told, incidents), incidents, now.Add(-pendingFor))
	return nil
}

// lately leaves out what was told long before the last telling, but for the incidents given. An incident that was told of
// at the end may not have been saved: it comes again from the journal.
func lately(told []hayalet.Told, incidents []hayalet.Incident) []hayalet.Told {
	if len(told) == 0 {
		return nil
	}
	known := make(map[string]bool, len(incidents))
	for i := range incidents {
		known[incidents[i].Key] = true
	}
	since := told[len(told)-1].At.Add(-pendingFor)
	return slices.DeleteFunc(told, func(t hayalet.Told) bool { return t.At < since && !known[t.Key] })
}

// pending is what somebody may have to hear of: the newest incidents of the severity, and those that run.
func (s *server) pending(ctx context.Context) ([]hayalet.Incident, error) {
	least, err := hayalet.ParseSeverity(s.cfg.Webhook.MinSeverity)
	if err != nil {
		return nil, err
	}
	var found []hayalet.Incident
	for _, running := range []bool{true, false} {
		some, err := s.db.Find(ctx, hayalet.IncidentFilter{MinSeverity: least, OpenOnly: running, Limit: pendingMost})
		if err != nil {
			return nil, fmt.Errorf("find what is to be told: %v", err)
		}
		found = append(found, some...)
	}
	return found, nil
}
