package doctor

import (
	"io/fs"
	"os"
	"runtime"
)

// What the mode of a file lets everybody do, and everybody but its owner.
const (
	everybody fs.FileMode = 0o007
	others    fs.FileMode = 0o077
)

// Want is what a file must be, beside readable.
type Want uint8

// What a file may have to be.
const (
	Private  Want = 1 << iota // not for everybody on this machine
	Writable                  // by this user
	Owned                     // for its owner alone
)

// File says whether a file is as it must be; key is where it is configured.
func (d Doctor) File(key, path string, want Want) Finding {
	f := Finding{Name: key}
	mode, err := modeOf(path)
	switch {
	case err != nil:
		f.Level, f.Fact, f.Do = Fail, d.Text.T("doctor.file.unreadable", path, cause(err)), d.Text.T("doctor.file.unreadable.do", key)
	case mode.IsDir():
		f.Level, f.Fact, f.Do = Fail, d.Text.T("doctor.file.folder", path), d.Text.T("doctor.file.unreadable.do", key)
	case want&Writable != 0 && mayWrite(path) != nil:
		f.Level, f.Fact, f.Do = Fail, d.Text.T("doctor.file.readonly", path, mode.String()), d.Text.T("doctor.file.readonly.do", key)
	case want&Owned != 0 && runtime.GOOS != "windows" && mode&others != 0:
		f.Level, f.Fact, f.Do = Warn, d.Text.T("doctor.file.shared", path, mode.String()), d.Text.T("doctor.file.shared.do", path)
	case want&Private != 0 && runtime.GOOS != "windows" && mode&everybody != 0:
		f.Level, f.Fact, f.Do = Warn, d.Text.T("doctor.file.open", path, mode.String()), d.Text.T("doctor.file.open.do", path)
	default:
		f.Fact = d.Text.T("doctor.file.fine", path, mode.String())
	}
	return f
}

// modeOf is the mode of a file that can be opened.
func modeOf(path string) (fs.FileMode, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Mode(), nil
}
