package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hayalet"
	"hayalet/internal/engine"
)

// What a server notes in the audit log itself.
const (
	auditStarted = "server started"
	auditStopped = "server stopped"
	auditBegan   = "exception began"
	auditEnded   = "exception ended"
	auditRules   = "rules configured"
	auditLost    = "frames unreadable"
)

// noteTimeout bounds how long a server that starts or ends waits for the audit log.
const noteTimeout = 5 * time.Second

// note writes to the audit log what the server or its configuration did. Where that fails the log says so, and the server goes on.
func (s *server) note(ctx context.Context, actor, action, subject, detail string) {
	ctx, cancel := context.WithTimeout(ctx, noteTimeout)
	defer cancel()
	e := hayalet.AuditEntry{At: hayalet.InstantOf(time.Now()), Actor: actor, Action: action, Subject: subject, Detail: detail}
	if err := s.db.PutAudit(ctx, e); err != nil {
		s.log.Error("not in the audit log", "action", action, "subject", subject, "error", err)
	}
}

// noteExceptions keeps which exceptions the configuration has from now on, and notes those that it did not have before
// and those that it has no longer.
func (s *server) noteExceptions(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, noteTimeout)
	defer cancel()
	began, ended, err := s.db.SyncExceptions(ctx, hayalet.InstantOf(time.Now()), s.cfg.exceptionBodies())
	if err != nil {
		s.log.Error("exceptions are not kept", "error", err)
		return
	}
	for _, name := range ended {
		s.note(ctx, "config", auditEnded, name, "")
	}
	for _, name := range began {
		s.note(ctx, "config", auditBegan, name, "")
	}
}

// exceptionBodies are the exceptions as they are written, in JSON, by their names.
func (c *config) exceptionBodies() map[string][]byte {
	bodies := make(map[string][]byte, len(c.Exceptions))
	for i := range c.Exceptions {
		body, err := json.Marshal(&c.Exceptions[i])
		if err != nil { // texts, numbers and times: there is always JSON of them
			panic(err)
		}
		bodies[c.Exceptions[i].Name] = body
	}
	return bodies
}

// auditedEngine is an engine whose losses are noted in the audit log.
type auditedEngine struct {
	*engine.Engine
	server *server
}

func (e auditedEngine) PutLoss(ctx context.Context, l hayalet.Loss) error {
	e.server.note(ctx, "server", auditLost, fmt.Sprintf("block %d", l.Block), fmt.Sprintf("%d to %d, %s to %s", l.First, l.Last, l.Since, l.Until))
	return e.Engine.PutLoss(ctx, l)
}
