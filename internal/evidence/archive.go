package evidence

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"hayalet/internal/journal"
)

// archive is the ZIP of a case. It never gives more of a file than the limits allow, whatever the ZIP says.
type archive struct {
	files map[string]*zip.File
	names []string // in the order in which they stand
	twice string   // the first name that stands there again
}

func openArchive(r io.ReaderAt, size int64) (*archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errors.New("it is no ZIP, or it is cut off")
	}
	if len(z.File) > maxFiles {
		return nil, fmt.Errorf("%d files are in it; a case has %d at most", len(z.File), maxFiles)
	}
	a := &archive{files: make(map[string]*zip.File)}
	total := uint64(0)
	for _, f := range z.File {
		if f.UncompressedSize64 > maxFile || total+f.UncompressedSize64 > maxTotal {
			return nil, fmt.Errorf("it unpacks to more than the %d MiB that a case has at most", maxTotal>>20)
		}
		total += f.UncompressedSize64
		if a.files[f.Name] != nil && a.twice == "" {
			a.twice = f.Name
		}
		a.files[f.Name] = f
		a.names = append(a.names, f.Name)
	}
	return a, nil
}

var errDamaged = errors.New("damaged")

// open opens a file. Its reader ends with an error where the file is damaged, or longer than it says.
func (a *archive) open(name string) (io.ReadCloser, error) {
	rc, err := a.files[name].Open()
	if err != nil {
		return nil, errDamaged
	}
	return bounded{io.LimitReader(rc, int64(a.files[name].UncompressedSize64)+1), rc}, nil
}

type bounded struct {
	io.Reader
	io.Closer
}

// read returns a whole file.
func (a *archive) read(name string) ([]byte, error) {
	if a.files[name] == nil {
		return nil, fmt.Errorf("it has no %s", name)
	}
	rc, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rc.Close() }() // of a reader
	b, err := io.ReadAll(rc)
	if err != nil || len(b) > maxFile {
		return nil, errDamaged
	}
	return b, nil
}

// sum is what a manifest says of the file as it is.
func (a *archive) sum(name string) (f File, err error) {
	rc, err := a.open(name)
	if err != nil {
		return f, err
	}
	defer func() { _ = rc.Close() }() // of a reader
	h := sha256.New()
	n, err := io.Copy(h, rc)
	if err != nil {
		return f, errDamaged
	}
	return File{name, n, journal.Hash(h.Sum(nil))}, nil
}

var errEnough = errors.New("enough")

// lines gives each line of a file to the function, with its number from 1, and ends with its first error. A line is
// good only during the call. A file that does not end with a line feed, and a line that is too long, are damaged.
func (a *archive) lines(name string, to func(n int, text []byte) error) error {
	rc, err := a.open(name)
	if err != nil {
		return err
	}
	defer func() { _ = rc.Close() }() // of a reader
	scan := bufio.NewScanner(rc)
	scan.Buffer(make([]byte, 0, 64<<10), maxLine)
	scan.Split(wholeLines)
	for n := 1; scan.Scan(); n++ {
		if err := to(n, scan.Bytes()); err != nil {
			return err
		}
	}
	if scan.Err() != nil {
		return errDamaged
	}
	return nil
}

// wholeLines splits at line feeds alone. What stands behind the last one is a line, too.
func wholeLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

func damaged(name string) *journal.Flaw { return flaw("file-damaged", name) }

func flaw(code string, args ...any) *journal.Flaw { return &journal.Flaw{Code: code, Args: args} }
