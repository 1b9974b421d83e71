package doctor

// ReservedFiles is what a server opens beside its sockets: database, record, log, listeners.
const ReservedFiles = 256

// OpenFiles says whether so many sockets may be open at once. The limit is the one that this process was started under;
// a server that is started otherwise may have another.
func (d Doctor) OpenFiles(sockets int) Finding {
	limit, err := openFiles()
	return d.openFiles(uint64(sockets)+ReservedFiles, limit, err == nil)
}

func (d Doctor) openFiles(want, limit uint64, known bool) Finding {
	f := Finding{Name: "open-files"}
	switch {
	case !known:
		f.Fact = d.Text.T("doctor.files.unknown")
	case limit < want:
		f.Level, f.Fact, f.Do = Warn, d.Text.T("doctor.files.few", int(limit), int(want)), d.Text.T("doctor.files.few.do", int(want))
	default:
		f.Fact = d.Text.T("doctor.files.enough", int(min(limit, 1<<53)), int(want))
	}
	return f
}
