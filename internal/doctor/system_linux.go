package doctor

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// space is which file system holds a folder, what is free on it for this user, and its size, in bytes.
func space(folder string) (id, free, total uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(folder, &st); err != nil {
		return 0, 0, 0, err
	}
	info, err := os.Stat(folder)
	if err != nil {
		return 0, 0, 0, err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		id = s.Dev
	}
	block := uint64(st.Bsize)
	return id, st.Bavail * block, st.Blocks * block, nil
}

// mayWrite is nil where this user may write to a file, or make files in a folder.
func mayWrite(path string) error { return unix.Access(path, unix.W_OK) }

// openFiles is how many files this process may have open.
func openFiles() (uint64, error) {
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	return limit.Cur, err
}

// synchronised reports whether the kernel takes its clock for synchronised.
func synchronised() (bool, error) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0, err
}
