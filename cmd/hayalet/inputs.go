package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"hayalet"
	"hayalet/internal/capture"
)

// readOptions says how to read logs that do not say all of it themselves.
func readOptions(zone, station string) (capture.Options, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return capture.Options{}, hint(fmt.Errorf("--tz %q is not a time zone", zone), "want a name such as Europe/Istanbul, or UTC")
	}
	return capture.Options{Location: loc, Station: hayalet.StationID(station)}, nil
}

// open opens files of recorded traffic. Where standard error is a terminal it shows how far they are read; closeAll takes
// that away.
func (a *app) open(files []string) (inputs []capture.Input, closeAll func(), err error) {
	var open []io.Closer
	var total int64
	closeAll = func() {
		for _, c := range open {
			_ = c.Close()
		}
	}
	for _, name := range files {
		if name == "-" {
			inputs = append(inputs, capture.Input{Name: "-", R: a.stdin})
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, closeAll, hint(fmt.Errorf("read %s: %v", name, err), "give files of recorded traffic, or - for standard input")
		}
		open = append(open, f)
		if info, err := f.Stat(); err == nil {
			if info.IsDir() {
				return nil, closeAll, hint(fmt.Errorf("read %s: it is a directory", name), "give the files in it")
			}
			total += info.Size()
		}
		inputs = append(inputs, capture.Input{Name: name, R: f})
	}
	bytes := []progressbar.Option{progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true)}
	if shown := a.progress(a.text.T("progress.reading"), total, bytes...); shown != nil {
		for i := range inputs {
			inputs[i].R = shown.watch(inputs[i].R)
		}
		open = append(open, shown)
	}
	return inputs, closeAll, nil
}

// longWork is how long work goes on before it shows its progress.
const longWork = time.Second

// progress shows how much was done: of files, how many bytes were read. It is for one goroutine.
type progress struct {
	bar   *progressbar.ProgressBar
	begun time.Time
	done  int64
	shown bool
}

// progress is nil where nobody would see it.
func (a *app) progress(words string, total int64, more ...progressbar.Option) *progress {
	f, ok := a.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	if total <= 0 {
		total = -1
	}
	return newProgress(a.stderr, words, total, more...)
}

func newProgress(w io.Writer, words string, total int64, more ...progressbar.Option) *progress {
	const often = 200 * time.Millisecond
	return &progress{begun: time.Now(), bar: progressbar.NewOptions64(total, append(more,
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(words), progressbar.OptionThrottle(often),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetRenderBlankState(false))...)}
}

// watch counts what is read of r.
func (p *progress) watch(r io.Reader) io.Reader { return &counted{r, p} }

type counted struct {
	io.Reader
	shown *progress
}

func (w *counted) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	w.shown.add(int64(n))
	return n, err
}

func (p *progress) add(n int64) {
	p.done += n
	if !p.shown && time.Since(p.begun) < longWork {
		return
	}
	p.shown = true
	_ = p.bar.Set64(p.done) // a terminal that cannot be written to is no reason to stop
}

// Close clears the line.
func (p *progress) Close() error {
	if !p.shown {
		return nil
	}
	return p.bar.Clear()
}
