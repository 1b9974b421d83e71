package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"hayalet"
	"hayalet/internal/evidence"
	"hayalet/internal/journal"
)

// anchors signs the end of the journal from time to time. What was signed is also logged, so that it can be kept where
// nobody who changes the database can reach it.
type anchors struct {
	db    hayalet.Store
	key   ed25519.PrivateKey
	every time.Duration
	log   *slog.Logger
}

// newAnchors reads or makes the server's key. That the one before is gone is said where it was in use.
func newAnchors(ctx context.Context, cfg *config, db hayalet.Store, log *slog.Logger) (*anchors, error) {
	key, made, err := cfg.ensureKey(log)
	if err != nil {
		return nil, err
	}
	if made {
		known, err := db.FindAnchors(ctx, 0, 1)
		if err != nil {
			return nil, err
		}
		if len(known) > 0 {
			log.Warn("the journal was anchored with another key, which is not there any more: put it back, or publish the new one",
				"file", cfg.keyFile(), "fingerprint", evidence.Fingerprint(known[0].Key))
		}
	}
	return &anchors{db, key, cfg.Evidence.AnchorEvery, log}, nil
}

// anchorRetry is how long after a failure it is tried again.
const anchorRetry = time.Minute

// run signs at once what is there, then from time to time, and what there is when ctx ends.
func (a *anchors) run(ctx context.Context) {
	for {
		pause := a.every
		if err := a.sign(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("cannot anchor the journal, will try again", "error", err)
			pause = min(pause, anchorRetry)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
			continue
		case <-ctx.Done():
			timer.Stop()
		}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastPatience)
		defer cancel()
		if err := a.sign(last); err != nil {
			a.log.Error("cannot anchor the end of the journal", "error", err)
		}
		return
	}
}

// sign anchors the end of the journal, unless it is anchored.
func (a *anchors) sign(ctx context.Context) error {
	last, err := a.db.LastBlock(ctx)
	if errors.Is(err, hayalet.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = a.covering(ctx, last.Number, math.MaxUint64)
	return err
}

// covering returns the first anchor by our key of this block or a later one, up to most and to the next hole, from which all
// headers lead back. Where there is none it anchors the end of the journal, or the block itself where the end is too far away.
func (a *anchors) covering(ctx context.Context, block, most uint64) (hayalet.Anchor, error) {
	most, err := a.linked(ctx, block, most)
	if err != nil {
		return hayalet.Anchor{}, err
	}
	known, err := a.db.FindAnchors(ctx, block, 0)
	if err != nil {
		return hayalet.Anchor{}, err
	}
	for i := range known {
		if known[i].Block <= most && a.key.Public().(ed25519.PublicKey).Equal(ed25519.PublicKey(known[i].Key)) && journal.AnchorHolds(&known[i]) {
			return known[i], nil
		}
	}
	last, err := a.db.LastBlock(ctx)
	if err != nil {
		return hayalet.Anchor{}, err
	}
	if last.Number > most {
		err = a.db.ReadBlocks(ctx, hayalet.BlockQuery{From: block, To: block}, func(b hayalet.Block) error {
			last = hayalet.Block{Number: b.Number, Header: bytes.Clone(b.Header)}
			return nil
		})
	}
	if err != nil {
		return hayalet.Anchor{}, err
	}
	return a.make(ctx, &last)
}

// linked is up to where, and at most up to a block, the headers behind another one are all there and stay. A record of a hole
// that is not ours says so only where its first block is really missing.
func (a *anchors) linked(ctx context.Context, block, most uint64) (uint64, error) {
	holes, err := a.db.FindHoles(ctx, block+1, most)
	if err != nil {
		return 0, err
	}
	for i := range holes {
		h := &holes[i]
		gone := a.key.Public().(ed25519.PublicKey).Equal(ed25519.PublicKey(h.Key)) && journal.HoleHolds(h)
		if !gone {
			gone = true
			err = a.db.ReadBlocks(ctx, hayalet.BlockQuery{From: h.First, To: h.First}, func(hayalet.Block) error { gone = false; return nil })
		}
		if err != nil || gone {
			return h.First - 1, err
		}
	}
	return most, nil
}

// make anchors a block, and says so.
func (a *anchors) make(ctx context.Context, b *hayalet.Block) (hayalet.Anchor, error) {
	h, err := journal.ParseHeader(b.Header)
	if err != nil {
		return hayalet.Anchor{}, fmt.Errorf("block %d: %w", b.Number, err)
	}
	made := journal.SignAnchor(a.key, &h, hayalet.InstantOf(time.Now()))
	if err := a.db.PutAnchor(ctx, made); err != nil {
		return hayalet.Anchor{}, err
	}
	a.log.Info("journal anchored", "block", made.Block, "hash", hex.EncodeToString(made.Hash), "at", made.At.String(),
		"fingerprint", evidence.Fingerprint(made.Key), "signature", base64.StdEncoding.EncodeToString(made.Signature))
	return made, nil
}
