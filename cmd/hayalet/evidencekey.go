package main

import (
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"hayalet/internal/evidence"
)

// keyFile is where the server's key is: beside the database, unless it is given.
func (c *config) keyFile() string {
	switch ending := filepath.Ext(c.DB); {
	case c.Evidence.Key != "":
		return c.Evidence.Key
	case isPostgres(c.DB):
		return "hayalet.key"
	case ending == ".key":
		return c.DB + ".key"
	default:
		return strings.TrimSuffix(c.DB, ending) + ".key"
	}
}

// serverKey reads the server's key. Where there is none the error wraps fs.ErrNotExist.
func (c *config) serverKey() (ed25519.PrivateKey, error) {
	name := c.keyFile()
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hint(fmt.Errorf("there is no evidence key %s: %w", name, fs.ErrNotExist), "the server makes it at its first start; name another with evidence.key")
	}
	if err != nil {
		return nil, hint(fmt.Errorf("read the evidence key: %v", err), "make it readable for this user alone")
	}
	key, err := evidence.ParseKey(text)
	if err != nil {
		return nil, hint(fmt.Errorf("read the evidence key %s: %v", name, err), "put the right one there, or move it away and a new one is made")
	}
	return key, nil
}

// ensureKey reads the server's key, makes one where there is none, and says in the log which it is.
func (c *config) ensureKey(log *slog.Logger) (key ed25519.PrivateKey, made bool, err error) {
	key, err = c.serverKey()
	if made = errors.Is(err, fs.ErrNotExist); made {
		key, err = makeKey(c.keyFile())
	}
	if err != nil {
		return nil, false, err
	}
	public := key.Public().(ed25519.PublicKey)
	log.Info("evidence key", "file", c.keyFile(), "made", made, "public_key", base64.StdEncoding.EncodeToString(public), "fingerprint", evidence.Fingerprint(public))
	if info, err := os.Stat(c.keyFile()); err == nil && info.Mode()&0o077 != 0 {
		log.Warn("others can read the evidence key, and sign with it: make it readable for this user alone (chmod 600)", "file", c.keyFile())
	}
	return key, made, nil
}

// makeKey makes a key and writes it to a file that is not there yet.
func makeKey(name string) (key ed25519.PrivateKey, err error) {
	if _, key, err = ed25519.GenerateKey(rand.Reader); err != nil {
		return nil, fmt.Errorf("make the evidence key: %w", err)
	}
	text, err := evidence.EncodeKey(key)
	if err != nil {
		return nil, err
	}
	if err := writeNew(name, text); err != nil {
		return nil, hint(fmt.Errorf("make the evidence key: %v", err), "give evidence.key a file in a folder that this user may write to")
	}
	return key, nil
}

// writeNew writes a file that only this user may read, and never over one that is there. Whenever the program is ended, the
// file is there as a whole or not at all; what may stay is a file beside it.
func writeNew(name string, data []byte) error {
	dir, base := filepath.Split(name)
	f, err := os.CreateTemp(cmp.Or(dir, "."), "."+base+".*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // once it has its name it is not needed any more
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), name); err != nil { // unlike a rename, it replaces nothing
		return err
	}
	return syncFolder(cmp.Or(dir, "."))
}

// syncFolder makes the names in a folder outlive a power cut.
func syncFolder(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
