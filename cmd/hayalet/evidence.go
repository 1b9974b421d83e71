package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"hayalet/internal/evidence"
	"hayalet/internal/journal"
)

func (a *app) evidence() *cobra.Command {
	cmd := &cobra.Command{Use: "evidence", Short: a.text.T("cmd.evidence"), Long: a.text.T("cmd.evidence.long"), Args: noSuchCommand, RunE: help}
	cmd.AddCommand(a.evidenceExport(), a.evidenceVerify(), a.evidenceKey())
	return cmd
}

func (a *app) evidenceKey() *cobra.Command {
	var d databaseFlags
	cmd := &cobra.Command{
		Use: "key", Short: a.text.T("cmd.evidence.key"), Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			cfg, err := d.load(a)
			if err != nil {
				return err
			}
			key, err := cfg.serverKey()
			if err != nil {
				return err
			}
			public := key.Public().(ed25519.PublicKey)
			text, err := evidence.EncodePublic(public)
			if err != nil {
				return err
			}
			fmt.Fprintln(a.stderr, a.text.T("evidence.fingerprint", evidence.Fingerprint(public)))
			_, err = a.stdout.Write(text)
			return err
		},
	}
	d.flags(a, cmd)
	return cmd
}

func (a *app) evidenceVerify() *cobra.Command {
	cmd := &cobra.Command{Use: "verify FILE", Short: a.text.T("cmd.evidence.verify"), Long: a.text.T("cmd.evidence.verify.long"), Args: args(cobra.ExactArgs(1))}
	key := cmd.Flags().String("key", "", a.text.T("flag.evidence.key"))
	anchors := cmd.Flags().StringArray("anchor", nil, a.text.T("flag.anchor"))
	cmd.RunE = func(cmd *cobra.Command, list []string) error {
		return untilDone(cmd.Context(), func() error { return a.runEvidenceVerify(list[0], *key, *anchors) })
	}
	return cmd
}

func (a *app) runEvidenceVerify(name, keyFile string, anchors []string) error {
	known, err := knownBy(keyFile, anchors)
	if err != nil {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return hint(fmt.Errorf("read %s: %v", name, err), "give a file that 'hayalet evidence export' wrote")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return hint(fmt.Errorf("read %s: it is no plain file", name), "give a file that 'hayalet evidence export' wrote")
	}
	res, err := evidence.Verify(f, info.Size(), known)
	if err != nil {
		return hint(fmt.Errorf("read %s: %v", name, err), "give a file that 'hayalet evidence export' wrote")
	}
	return a.sayCase(name, &res, known.Key != nil)
}

// sayCase says what a look at a case told. That it does not hold is exit code 1.
func (a *app) sayCase(name string, res *evidence.Result, known bool) error {
	if res.Flaw != nil {
		fmt.Fprintln(a.stdout, a.text.T("evidence.broken", printable([]byte(name)), printable([]byte(a.sentence(res.Flaw)))))
		return exitCode{exitError, errSilent}
	}
	m := &res.Manifest
	fmt.Fprintln(a.stdout, a.text.T("evidence.holds", printable([]byte(name)), printable([]byte(m.Incident)), string(m.Rule), printable([]byte(m.Station)), int(m.Connector)))
	fmt.Fprintln(a.stdout, a.text.T("evidence.proven", res.Frames, m.Since.String(), m.Until.String(), res.Headers, res.Anchored.String()))
	fmt.Fprintln(a.stdout, a.text.T("evidence.anchor", res.Anchor.String()))
	if res.Pinned > 0 {
		fmt.Fprintln(a.stdout, a.text.T("evidence.pinned", res.Pinned))
	}
	a.sayMissing(res)
	return a.sayKey(m.PublicKey, known)
}

// sayKey says who signed, and whether that was known before.
func (a *app) sayKey(key ed25519.PublicKey, known bool) error {
	say := "evidence.signed"
	if !known {
		say = "evidence.signed.unknown"
	}
	_, err := fmt.Fprintln(a.stdout, a.text.T(say, evidence.Fingerprint(key)))
	return err
}

// sayMissing says what a case does not hold, as far as it tells.
func (a *app) sayMissing(res *evidence.Result) {
	m := &res.Manifest
	if res.Missing > 0 {
		fmt.Fprintln(a.stdout, a.text.T("evidence.missing", res.Missing, printable([]byte(res.Hole.Conn)), res.Hole.From, res.Hole.To))
	}
	if torn := res.Beginless; torn.Conns > 0 {
		fmt.Fprintln(a.stdout, a.text.T("evidence.beginless", torn.Conns, printable([]byte(torn.First))))
	}
	if torn := res.Endless; torn.Conns > 0 {
		fmt.Fprintln(a.stdout, a.text.T("evidence.endless", torn.Conns, printable([]byte(torn.First))))
	}
	if m.Dropped > 0 {
		fmt.Fprintln(a.stdout, a.text.T("evidence.dropped", m.Dropped))
	}
	if res.Dropped > 0 {
		fmt.Fprintln(a.stdout, a.text.T("evidence.holes", res.Dropped))
	}
	if m.Cut {
		fmt.Fprintln(a.stdout, a.text.T("evidence.cut", m.Since.String(), m.Until.String()))
	}
}

// knownBy is what whoever checks knows already: the key in a file, and anchors.
func knownBy(keyFile string, anchors []string) (known evidence.Known, err error) {
	if known.Key, err = publicKey(keyFile); err != nil {
		return known, err
	}
	known.Pins, err = pins(anchors)
	return known, err
}

// pins reads what --anchor names.
func pins(texts []string) (all []journal.Pin, err error) {
	for _, text := range texts {
		p, err := journal.ParsePin(text)
		if err != nil {
			return nil, hint(fmt.Errorf("--anchor %q: %v", text, err), "the server logs both when it anchors the journal")
		}
		all = append(all, p)
	}
	return all, nil
}

// publicKey reads the key that somebody must have signed with; without a file nobody must.
func publicKey(name string) (ed25519.PublicKey, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	var key ed25519.PublicKey
	if err == nil {
		key, err = evidence.ParsePublic(text)
	}
	if err != nil {
		return nil, hint(fmt.Errorf("read --key %s: %v", name, err), "give what 'hayalet evidence key' prints")
	}
	return key, nil
}

func (a *app) evidenceExport() *cobra.Command {
	var d databaseFlags
	cmd := &cobra.Command{
		Use: "export INCIDENT -o FILE", Short: a.text.T("cmd.evidence.export"), Long: a.text.T("cmd.evidence.export.long"), Args: args(cobra.ExactArgs(1)),
	}
	d.flags(a, cmd)
	out := cmd.Flags().StringP("output", "o", "", a.text.T("flag.evidence.output"))
	cmd.RunE = func(cmd *cobra.Command, list []string) error {
		if *out == "" {
			return hint(errors.New("no file is given to write"), "give one with -o")
		}
		return untilDone(cmd.Context(), func() error { return a.runEvidenceExport(cmd.Context(), d, list[0], *out) })
	}
	return cmd
}

func (a *app) runEvidenceExport(ctx context.Context, d databaseFlags, incident, out string) (err error) {
	cfg, err := d.load(a)
	if err != nil {
		return err
	}
	a.text = cfg.named(a.text)
	if _, err := os.Lstat(out); err == nil {
		return hint(fmt.Errorf("write %s: it is there already", out), "give another name: evidence is not written over")
	}
	key, err := cfg.serverKey()
	if err != nil {
		return err
	}
	s, err := cfg.existingStore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	x, err := a.newExporter(&cfg, s, key)
	if err != nil {
		return err
	}
	data, err := x.export(ctx, incident)
	if err != nil {
		return err
	}
	if err := writeNew(out, data); err != nil {
		return hint(fmt.Errorf("write %s: %v", out, err), "give another place with -o")
	}
	if err := x.audit(ctx, out, data); err != nil {
		return errors.Join(err, os.Remove(out)) // what nobody knows was taken out is not taken out
	}
	_, err = fmt.Fprintln(a.stdout, a.text.T("evidence.written", printable([]byte(out)), len(x.excerpt.Frames), evidence.Fingerprint(key.Public().(ed25519.PublicKey))))
	return err
}
