package main

import (
	"context"
	"fmt"
	"net/http"
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
	pendingMost = 1000           // the newest
)

// recall tells the bell what was told before, and then of each incident that stands otherwise: somebody is to hear of it
// still. The engine has its state back by then, for what is hidden depends on it.
func (s *server) recall(ctx context.Context, now hayalet.Instant) error {
	if s.bell == nil {
		return nil
	}
	least, err := hayalet.ParseSeverity(s.cfg.Webhook.MinSeverity)
	if err != nil {
		return err
	}
	found, err := s.db.Find(ctx, hayalet.IncidentFilter{MinSeverity: least, Limit: pendingMost})
	if err != nil {
		return fmt.Errorf("find what is to be told: %v", err)
	}
	oldest := now.Add(-pendingFor)
	for i := range found {
		if found[i].Open() {
			oldest = min(oldest, found[i].UpdatedAt)
		}
	}
	told, err := s.db.ToldSince(ctx, oldest)
	if err != nil {
		return fmt.Errorf("find what was told: %v", err)
	}
	s.bell.Remember(told)
	for _, inc := range found {
		if inc.Open() || inc.UpdatedAt >= now.Add(-pendingFor) {
			s.bell.Changed(inc)
		}
	}
	return nil
}
