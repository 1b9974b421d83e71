//go:build linux

package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// oldest is the first major version that will do.
const oldest = 15

// prefix begins the name of a cluster's folder; the process that made it follows.
const prefix = "hayalet-postgres-"

// programs returns the folder of the newest PostgreSQL's programs below root.
func programs(root string) (string, error) {
	found, err := filepath.Glob(filepath.Join(root, "*", "bin", "initdb"))
	if err != nil {
		return "", err
	}
	best, newest := "", 0
	for _, name := range found {
		bin := filepath.Dir(name)
		if v, err := strconv.Atoi(filepath.Base(filepath.Dir(bin))); err == nil && v > newest {
			best, newest = bin, v
		}
	}
	if newest < oldest {
		return "", fmt.Errorf("these tests need PostgreSQL %d or later, and %s has none: run `make test`, or `apt-get install postgresql` first", oldest, root)
	}
	return best, nil
}

// otherThanRoot returns whom a cluster of root runs as, and nil for anybody else.
func otherThanRoot() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
}

// sweep removes the clusters of processes that are no more. Whose folder it may not remove it leaves.
func sweep(temp string) {
	folders, _ := filepath.Glob(filepath.Join(temp, prefix+"*")) // the pattern is good
	for _, folder := range folders {
		number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(folder), prefix), "-")
		pid, err := strconv.Atoi(number)
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(folder)
		}
	}
}

// childrenOf returns the processes that this one has started and that still run.
func childrenOf(parent int) ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var children []int
	for _, name := range stats {
		if state, ppid := look(name); ppid == parent && state != 'Z' {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			if err != nil {
				return nil, err
			}
			children = append(children, pid)
		}
	}
	return children, nil
}

// look reads a process's state and its parent from its stat file: "pid (name) state ppid …". Of a process that is no more
// it says 'Z' and 0.
func look(name string) (state byte, ppid int) {
	b, err := os.ReadFile(name)
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if err != nil || len(fields) < 2 {
		return 'Z', 0
	}
	ppid, _ = strconv.Atoi(string(fields[1]))
	return fields[0][0], ppid
}

// gone waits until none of the processes runs: as long as one does, it holds the cluster's memory.
func gone(pids []int) error {
	deadline := time.After(patience)
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for _, pid := range pids {
		for state, _ := look(fmt.Sprintf("/proc/%d/stat", pid)); state != 'Z'; state, _ = look(fmt.Sprintf("/proc/%d/stat", pid)) {
			select {
			case <-again.C:
			case <-deadline:
				return fmt.Errorf("process %d does not end in %v", pid, patience)
			}
		}
	}
	return nil
}
