package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"hayalet/internal/evidence"
	"hayalet/internal/journal"
)

func (a *app) journalProve() *cobra.Command {
	var d databaseFlags
	cmd := &cobra.Command{
		Use: "prove POSITION [-o FILE] | --check FILE", Short: a.text.T("cmd.journal.prove"), Long: a.text.T("cmd.journal.prove.long"), Args: args(cobra.MaximumNArgs(1)),
	}
	d.flags(a, cmd)
	out := cmd.Flags().StringP("output", "o", "", a.text.T("flag.proof.output"))
	check := cmd.Flags().String("check", "", a.text.T("flag.proof.check"))
	key := cmd.Flags().String("key", "", a.text.T("flag.evidence.key"))
	anchors := cmd.Flags().StringArray("anchor", nil, a.text.T("flag.anchor"))
	cmd.RunE = func(cmd *cobra.Command, list []string) error {
		return untilDone(cmd.Context(), func() error {
			switch {
			case *check != "" && len(list) == 0 && *out == "":
				return a.checkProof(*check, *key, *anchors)
			case *check == "" && len(list) == 1 && *key == "" && len(*anchors) == 0:
				return a.runProve(cmd.Context(), d, list[0], *out)
			}
			return hint(errors.New("it is not clear what to do"), "give a position to prove, or --check FILE with --key and --anchor")
		})
	}
	return cmd
}

func (a *app) runProve(ctx context.Context, d databaseFlags, position, out string) (err error) {
	pos, err := strconv.ParseUint(position, 10, 63)
	if err != nil || pos == 0 {
		return hint(fmt.Errorf("%q is no position", position), "want a number from 1: 'hayalet frames' prints it as pos")
	}
	cfg, err := d.load(a)
	if err != nil {
		return err
	}
	key, err := cfg.serverKey()
	if err != nil {
		return err
	}
	log, err := a.logger(&cfg) // an anchor that is made for it is to be kept elsewhere, too
	if err != nil {
		return err
	}
	s, err := cfg.existingStore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	text, err := a.prove(ctx, &anchors{db: s, key: key, log: log}, pos)
	if err != nil {
		return err
	}
	return a.writeProof(out, text, pos)
}

// prove returns the proof as it is written, of which it has seen that it holds.
func (a *app) prove(ctx context.Context, signer *anchors, pos uint64) ([]byte, error) {
	p, err := evidence.Prove(ctx, signer.db, pos, signer.covering)
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the proof: %w", err)
	}
	is, err := evidence.CheckProof(text, evidence.Known{})
	if err != nil {
		return nil, fmt.Errorf("check the proof: %w", err)
	}
	if is.Flaw != nil {
		return nil, fmt.Errorf("the journal does not hold: %s; 'hayalet journal verify' says more", a.sentence(is.Flaw))
	}
	return append(text, '\n'), nil
}

// writeProof writes to a file that is not there yet; without a name, to standard output.
func (a *app) writeProof(out string, text []byte, pos uint64) error {
	if out == "" {
		_, err := a.stdout.Write(text)
		return err
	}
	if err := writeNew(out, text); err != nil {
		return hint(fmt.Errorf("write %s: %v", out, err), "give another place with -o")
	}
	_, err := fmt.Fprintln(a.stdout, a.text.T("proof.written", printable([]byte(out)), pos))
	return err
}

func (a *app) checkProof(name, keyFile string, anchors []string) error {
	known, err := knownBy(keyFile, anchors)
	if err != nil {
		return err
	}
	text, err := readAtMost(name, evidence.MaxProof)
	var is evidence.Proven
	if err == nil {
		is, err = evidence.CheckProof(text, known)
	}
	if err != nil {
		return hint(fmt.Errorf("read %s: %v", name, err), "give a file that 'hayalet journal prove' wrote")
	}
	return a.sayProof(name, &is, known.Key != nil)
}

// readAtMost reads a file, and one byte more than most of a longer one.
func readAtMost(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}

// sayProof says what a look at a proof told. That it does not hold is exit code 1.
func (a *app) sayProof(name string, is *evidence.Proven, known bool) error {
	if is.Flaw != nil {
		fmt.Fprintln(a.stdout, a.text.T("evidence.broken", printable([]byte(name)), printable([]byte(a.sentence(is.Flaw)))))
		return exitCode{exitError, errSilent}
	}
	f, end := &is.Frame, journal.Pin{Block: is.Anchor.Block, Hash: journal.Hash(is.Anchor.Hash)}
	fmt.Fprintln(a.stdout, a.text.T("proof.holds", printable([]byte(name)), f.Pos, printable([]byte(f.Station)), printable([]byte(f.Conn)), f.Seq))
	fmt.Fprintln(a.stdout, f.At, f.Kind, f.Dir, printable(f.Data))
	fmt.Fprintln(a.stdout, a.text.T("evidence.anchor", end.String()))
	if is.Pinned > 0 {
		fmt.Fprintln(a.stdout, a.text.T("evidence.pinned", is.Pinned))
	}
	return a.sayKey(is.Anchor.Key, known)
}
