package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"hayalet"
	"hayalet/internal/evidence"
	"hayalet/internal/journal"
)

func (a *app) journal() *cobra.Command {
	cmd := &cobra.Command{Use: "journal", Short: a.text.T("cmd.journal"), Args: noSuchCommand, RunE: help}
	cmd.AddCommand(a.journalVerify(), a.journalProve())
	return cmd
}

func (a *app) journalVerify() *cobra.Command {
	var d databaseFlags
	cmd := &cobra.Command{
		Use: "verify", Short: a.text.T("cmd.journal.verify"), Long: a.text.T("cmd.journal.verify.long"), Args: args(cobra.NoArgs),
	}
	d.flags(a, cmd)
	keys := cmd.Flags().StringArray("key", nil, a.text.T("flag.journal.key"))
	anchors := cmd.Flags().StringArray("anchor", nil, a.text.T("flag.anchor"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return untilDone(cmd.Context(), func() error { return a.runJournalVerify(cmd.Context(), d, *keys, *anchors) })
	}
	return cmd
}

func (a *app) runJournalVerify(ctx context.Context, d databaseFlags, keyFiles, anchors []string) (err error) {
	pinned, err := pins(anchors)
	if err != nil {
		return err
	}
	cfg, err := d.load(a)
	if err != nil {
		return err
	}
	keys, err := cfg.anchorKeys(keyFiles)
	if err != nil {
		return err
	}
	s, err := cfg.existingStore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	known, err := s.FindAnchors(ctx, 0, 0)
	if err != nil {
		return err
	}
	c, err := journal.NewChecker(known, keys, pinned...)
	if err != nil {
		return err
	}
	flaw, err := a.walk(ctx, s, c)
	if err != nil {
		return err
	}
	return a.sayJournal(c, flaw, keys)
}

// anchorKeys are those whose anchors count: those of the files, else the server's. Without either there are none, and all count.
func (c *config) anchorKeys(files []string) (keys []ed25519.PublicKey, err error) {
	for _, file := range files {
		key, err := publicKey(file)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(keys, func(k ed25519.PublicKey) bool { return k.Equal(key) }) {
			keys = append(keys, key)
		}
	}
	if len(keys) > 0 {
		return keys, nil
	}
	own, err := c.serverKey()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []ed25519.PublicKey{own.Public().(ed25519.PublicKey)}, nil
}

// walk shows on a terminal how far it has come.
func (a *app) walk(ctx context.Context, s hayalet.Store, c *journal.Checker) (*journal.Flaw, error) {
	last, err := s.LastBlock(ctx)
	if err != nil && !errors.Is(err, hayalet.ErrNotFound) {
		return nil, err
	}
	seen := func(uint64) {}
	if shown := a.progress(a.text.T("progress.verifying"), int64(last.Number), progressbar.OptionShowCount()); shown != nil {
		defer func() { _ = shown.Close() }() // a terminal that cannot be written to is no reason to fail
		done := uint64(0)
		seen = func(number uint64) {
			shown.add(int64(number - done))
			done = number
		}
	}
	return c.Walk(ctx, s, seen)
}

// sayJournal says what the walk found. That the journal does not hold is exit code 1.
func (a *app) sayJournal(c *journal.Checker, flaw *journal.Flaw, keys []ed25519.PublicKey) error {
	if flaw != nil {
		fmt.Fprintln(a.stdout, a.text.T("journal.broken", printable([]byte(a.sentence(flaw)))))
		return exitCode{exitError, errSilent}
	}
	if c.Blocks == 0 {
		_, err := fmt.Fprintln(a.stdout, a.text.T("journal.empty"))
		return err
	}
	fmt.Fprintln(a.stdout, a.text.T("journal.holds", c.Blocks, c.Frames, c.From.String(), c.To.String()))
	if c.Anchors > 0 {
		fmt.Fprintln(a.stdout, a.text.T("journal.last.anchored", c.Anchor().String()))
	} else {
		fmt.Fprintln(a.stdout, a.text.T("journal.last", c.Last().String()))
	}
	if c.Pinned > 0 {
		fmt.Fprintln(a.stdout, a.text.T("evidence.pinned", c.Pinned))
	}
	if gone := c.Blocks - c.Bodies; gone > 0 {
		fmt.Fprintln(a.stdout, a.text.T("journal.dropped", gone))
	}
	if c.Holes > 0 {
		fmt.Fprintln(a.stdout, a.text.T("journal.holes", c.Dropped, c.Holes))
	}
	switch {
	case c.Anchors == 0:
		fmt.Fprintln(a.stdout, a.text.T("journal.unanchored"))
	case len(keys) == 0:
		fmt.Fprintln(a.stdout, a.text.T("journal.anchored.anybody", c.Anchors, c.Anchored))
	default:
		fmt.Fprintln(a.stdout, a.text.T("journal.anchored", c.Anchors, c.Anchored, fingerprints(keys)))
	}
	if c.Foreign > 0 {
		fmt.Fprintln(a.stdout, a.text.T("journal.foreign", c.Foreign))
	}
	if len(c.Passed) > 0 {
		return hint(fmt.Errorf("there is no header of block %d to hold against --anchor: retention has dropped it", c.Passed[0].Block),
			"the block of an anchor that the server has logged stays, unless somebody takes the anchor out of the database")
	}
	return nil
}

func fingerprints(keys []ed25519.PublicKey) string {
	var all []string
	for _, key := range keys {
		all = append(all, evidence.Fingerprint(key))
	}
	return strings.Join(all, ", ")
}

// sentence is a flaw in words.
func (a *app) sentence(f *journal.Flaw) string { return a.text.T("flaw."+f.Code, f.Args...) }
