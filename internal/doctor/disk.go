package doctor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds of the space that is free on a disk.
const (
	WarnFree    = 1 << 30   // bytes
	WarnPercent = 10        // of the whole
	FailFree    = 100 << 20 // bytes
)

// Place is a file that the server writes, now or some day.
type Place struct {
	What string // what it is in the configuration: db, record
	Path string
}

// Volume is a file system that holds places.
type Volume struct {
	Places      []string // what they are
	Folder      string   // of the first
	Free, Total uint64   // bytes that this user may write, and all
	Err         error    // why it could not be looked at, or not be written to

	id uint64
}

// Volumes are the file systems of places, each once.
func Volumes(places []Place) []Volume {
	var all []Volume
	for _, p := range places {
		folder, err := filepath.Abs(filepath.Dir(p.Path))
		v := Volume{Folder: folder, Err: err}
		if err == nil {
			v.look()
		}
		at := slices.IndexFunc(all, func(other Volume) bool { return v.Err == nil && other.Err == nil && other.id == v.id })
		if at < 0 {
			all, at = append(all, v), len(all)
		}
		all[at].Places = append(all[at].Places, p.What)
	}
	return all
}

func (v *Volume) look() {
	info, err := os.Stat(v.Folder)
	switch {
	case err != nil:
		v.Err = err
	case !info.IsDir():
		v.Err = errNoFolder
	default:
		if v.Err = mayWrite(v.Folder); v.Err == nil {
			v.id, v.Free, v.Total, v.Err = space(v.Folder)
		}
	}
}

var errNoFolder = errors.New("it is no folder")

// Disk says whether there is room on a volume.
func (d Doctor) Disk(v Volume) Finding {
	what := strings.Join(v.Places, ", ")
	switch f := (Finding{Level: Fail, Name: "disk"}); {
	case errors.Is(v.Err, errors.ErrUnsupported):
		return Finding{Name: "disk", Fact: d.Text.T("doctor.disk.unknown", what)}
	case errors.Is(v.Err, fs.ErrNotExist):
		f.Fact, f.Do = d.Text.T("doctor.disk.absent", v.Folder, what), d.Text.T("doctor.disk.absent.do")
		return f
	case errors.Is(v.Err, fs.ErrPermission):
		f.Fact, f.Do = d.Text.T("doctor.disk.forbidden", v.Folder, what), d.Text.T("doctor.disk.forbidden.do")
		return f
	case v.Err != nil:
		f.Fact, f.Do = d.Text.T("doctor.disk.error", v.Folder, what, cause(v.Err)), d.Text.T("doctor.disk.absent.do")
		return f
	}
	return d.room(v, what)
}

func (d Doctor) room(v Volume, what string) Finding {
	percent := int(float64(v.Free) / float64(max(v.Total, 1)) * 100)
	f := Finding{Name: "disk", Fact: d.Text.T("doctor.disk.free", d.size(v.Free), d.size(v.Total), percent, v.Folder, what)}
	switch {
	case v.Free < FailFree:
		f.Level = Fail
	case v.Free < WarnFree, percent < WarnPercent:
		f.Level = Warn
	}
	if f.Level > OK {
		f.Do = d.Text.T("doctor.disk.free.do")
	}
	return f
}
