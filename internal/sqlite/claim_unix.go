//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"hayalet"
)

// lock locks a file beside the database. The lock ends with the process, however that ends; the file stays, since whoever
// removes it may take the lock of another off the name.
func (d *DB) lock() (release func() error, err error) {
	name := d.path + ".lock"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("claim the database: cannot open %s: %w; let this user write to its folder, or give a path in another one", name, bare(err))
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // the first error says more
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another server works on the database %s: %w", d.path, hayalet.ErrConflict)
		}
		return nil, fmt.Errorf("claim the database: lock %s: %w", name, err)
	}
	return f.Close, nil
}
