//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// program is a server that can be started.
type program struct {
	name string
	args func(dir string) []string // program and arguments of a server whose files are in dir
	says *regexp.Regexp            // the line with its address, and with the one for questions where it has one
}

// child is a running server.
type child struct {
	cmd   *exec.Cmd
	url   string
	http  string // the address for questions
	log   string // the file with what it has said
	ended chan error
}

// pin keeps the calling thread, and what it starts, on one core.
func pin(core int) error {
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("stay on core %d: %w", core, err)
	}
	return nil
}

// start runs the program on the server's core and waits for its address.
func (p *program) start(ctx context.Context, dir string) (*child, error) {
	args := p.args(dir)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 15 * time.Second
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = in, in
	err = startPinned(cmd)
	_ = in.Close()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, log: filepath.Join(dir, "log"), ended: make(chan error, 1)}
	go func() { c.ended <- cmd.Wait() }()
	found := make(chan []string, 1)
	go c.listen(out, p.says, found)
	select {
	case match := <-found:
		c.url, c.http = "ws://"+match[1], match[len(match)-1]
		return c, nil
	case err := <-c.ended:
		said, _ := os.ReadFile(c.log)
		return nil, fmt.Errorf("%s ended: %v\n%s", p.name, err, said)
	case <-time.After(20 * time.Second):
		return nil, fmt.Errorf("%s does not say where it listens; see %s", p.name, c.log)
	}
}

func startPinned(cmd *exec.Cmd) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: nothing else is to run on this core
		if err := pin(serverCore); err != nil {
			done <- err
			return
		}
		done <- cmd.Start()
	}()
	return <-done
}

// listen writes down what the server says, and looks for its address.
func (c *child) listen(out io.Reader, says *regexp.Regexp, found chan<- []string) {
	file, err := os.Create(c.log)
	if err != nil {
		file = os.Stderr
	}
	defer file.Close()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fmt.Fprintln(file, lines.Text())
		if m := says.FindStringSubmatch(lines.Text()); m != nil {
			select {
			case found <- m:
			default:
			}
		}
	}
}

// stop ends the server as an operator would.
func (c *child) stop() error {
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return <-c.ended
}

// cpu is what the process has used so far, in user and system time. Without a process it is nothing.
func (c *child) cpu() time.Duration {
	if c == nil {
		return 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	const hertz = 100 // of the kernel's interface, on all machines
	var user, system int64
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	_, _ = fmt.Sscan(fields[11], &user)
	_, _ = fmt.Sscan(fields[12], &system)
	return time.Duration(user+system) * time.Second / hertz
}

// memory is what a process holds, in bytes: all that is resident, and its share of that.
type memory struct{ rss, pss int64 }

func (m memory) String() string {
	return fmt.Sprintf("RSS %.1f MB, PSS %.1f MB", float64(m.rss)/1e6, float64(m.pss)/1e6)
}

func (c *child) memory() (m memory, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", c.cmd.Process.Pid))
	if err != nil {
		return m, err
	}
	for line := range strings.Lines(string(text)) {
		var kB int64
		if _, err := fmt.Sscanf(line, "Rss: %d kB", &kB); err == nil {
			m.rss = kB << 10
		}
		if _, err := fmt.Sscanf(line, "Pss: %d kB", &kB); err == nil {
			m.pss = kB << 10
		}
	}
	return m, nil
}
