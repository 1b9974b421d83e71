package doctor

import (
	"errors"
	"net"
	"syscall"
)

// Running is what answered for a hayalet that runs here already.
type Running struct {
	Here    bool
	Trouble string // why it is not ready; empty: it is
}

// Port says whether a server may listen on an address, the value of the key of that name: it is free, or held by the
// hayalet that is running.
func (d Doctor) Port(key, addr string, running Running) Finding {
	ln, err := net.Listen("tcp", addr)
	if err == nil {
		_ = ln.Close() // nobody came
	}
	return d.port(key, addr, running, err)
}

func (d Doctor) port(key, addr string, running Running, err error) Finding {
	f := Finding{Name: key}
	held := errors.Is(err, syscall.EADDRINUSE)
	switch {
	case err == nil:
		f.Fact = d.Text.T("doctor.port.free", addr)
	case held && running.Here && running.Trouble != "":
		f.Level, f.Fact, f.Do = Fail, d.Text.T("doctor.port.unready", addr, running.Trouble), d.Text.T("doctor.port.unready.do")
	case held && running.Here:
		f.Fact = d.Text.T("doctor.port.ours", addr)
	case held:
		f.Level, f.Fact, f.Do = Fail, d.Text.T("doctor.port.held", addr), d.Text.T("doctor.port.do", key)
	default:
		f.Level, f.Fact, f.Do = Fail, d.Text.T("doctor.port.error", addr, cause(err)), d.Text.T("doctor.port.error.do", key)
	}
	return f
}

// cause is the innermost error: what is around it repeats the address.
func cause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
