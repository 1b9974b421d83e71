//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// act is what a station waits for.
type act int

const (
	upgrading act = iota
	booting
	reporting // its status
	starting
	metering
	stopping
	resting // nothing: it has said what it had to say
)

// Watts of stations whose cars charge, and of the phantom: all have five digits.
const (
	leastPower   = 10_100
	phantomPower = 43_000
)

const registerStart = 1_000_000_000 // mWh

// station is one end of a connection, with one call open at most.
type station struct {
	inbox
	fd          int
	number      int
	waits       act
	power       int64 // W
	id          [36]byte
	count       uint64 // calls so far
	sent        time.Duration
	meter       meterFrame
	stopped     bool // the phantom has said that its transaction is over
	transaction int
	noise       uint32
}

// placeholders of a meter frame.
const (
	idHole       = "########-0000-4000-8000-############"
	timeHole     = "2026-01-01T00:00:00.000Z"
	registerHole = "RRRRRRR.RRR"
	powerHole    = "PPPPP.P"
	currentHole  = "CC.C"
	voltageHole  = "VVV.V"
)

// meterFrame is a MeterValues of about 420 bytes, framed, into which each call writes its own id, time and values.
type meterFrame struct {
	bytes                                       []byte
	id, time, register, power, current, voltage int
}

func newMeterFrame(transaction string) (m meterFrame) {
	m.bytes = appendMasked(nil, opText, []byte(`[2,"`+idHole+`","MeterValues",{"connectorId":1,`+transaction+
		`"meterValue":[{"timestamp":"`+timeHole+`","sampledValue":[`+
		`{"value":"`+registerHole+`","measurand":"Energy.Active.Import.Register","unit":"Wh"},`+
		`{"value":"`+powerHole+`","measurand":"Power.Active.Import","unit":"W"},`+
		`{"value":"`+currentHole+`","measurand":"Current.Import","unit":"A"},`+
		`{"value":"`+voltageHole+`","measurand":"Voltage","unit":"V"}]}]}]`))
	at := func(hole string) int { return bytes.Index(m.bytes, []byte(hole)) }
	m.id, m.time, m.register = at(idHole), at(timeHole), at(registerHole)
	m.power, m.current, m.voltage = at(powerHole), at(currentHole), at(voltageHole)
	return m
}

func newStation(number, fd int) *station {
	s := &station{number: number, fd: fd, power: leastPower + int64(number%10)*100, noise: uint32(number)*2654435761 + 1}
	copy(s.id[:], fmt.Sprintf("%08x-0000-4000-8000-%012x", number, 0))
	return s
}

// nextID counts the calls in the id's last twelve digits.
func (s *station) nextID() {
	s.count++
	putDigits(s.id[24:], s.count)
}

// putDigits writes v with leading zeros.
func putDigits(b []byte, v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = '0' + byte(v%10)
		v /= 10
	}
}

// putTenths writes v tenths, as digits with one behind the point.
func putTenths(b []byte, v uint64) {
	putDigits(b[:len(b)-2], v/10)
	b[len(b)-2], b[len(b)-1] = '.', '0'+byte(v%10)
}

// register in mWh, after so long of the station's power.
func (s *station) register(flowed time.Duration) int64 {
	return registerStart + s.power*flowed.Milliseconds()/3600
}

// send writes a call of the given text, in which the id's place is named.
func (s *station) send(waits act, format string, args ...any) error {
	s.nextID()
	text := fmt.Appendf(nil, format, args...)
	text = bytes.Replace(text, []byte(idHole), s.id[:], 1)
	s.waits = waits
	return s.write(appendMasked(nil, opText, text))
}

func (s *station) write(b []byte) error {
	n, err := write(s.fd, b)
	if err == nil && n < len(b) {
		return errors.New("the server does not read")
	}
	return err
}

// meterValues writes the next reading. stamp is the time as OCPP writes it.
func (s *station) meterValues(stamp []byte, flowed time.Duration) error {
	s.nextID()
	m := &s.meter
	copy(m.bytes[m.id:], s.id[:])
	copy(m.bytes[m.time:], stamp)
	mWh := uint64(s.register(flowed))
	putDigits(m.bytes[m.register:m.register+7], mWh/1000)
	putDigits(m.bytes[m.register+8:m.register+11], mWh%1000)
	m.bytes[m.register+7] = '.'

	s.noise ^= s.noise << 13
	s.noise ^= s.noise >> 17
	s.noise ^= s.noise << 5
	volts := 2290 + uint64(s.noise%21) // tenths
	putTenths(m.bytes[m.voltage:m.voltage+len(voltageHole)], volts)
	putTenths(m.bytes[m.current:m.current+len(currentHole)], uint64(s.power)*100/volts/3)
	putTenths(m.bytes[m.power:m.power+len(powerHole)], uint64(s.power)*10-200+uint64(s.noise>>8%400))
	s.waits = metering
	return s.write(m.bytes)
}

// hear takes what has come, and hands each answer on. A handshake's answer is one of no bytes.
func (s *station) hear(data []byte, answer func(payload []byte) error) error {
	return s.take(data, func(data []byte) (used int, err error) {
		if s.waits == upgrading {
			end := bytes.Index(data, []byte("\r\n\r\n"))
			if end < 0 {
				return 0, nil
			}
			if !bytes.HasPrefix(data, []byte("HTTP/1.1 101 ")) {
				return 0, fmt.Errorf("handshake refused: %.100q", data)
			}
			return end + 4, answer(nil)
		}
		for {
			f := cutFrame(data[used:])
			if f.size == 0 {
				return used, nil
			}
			used += f.size
			switch f.op {
			case opText:
				err = answer(f.payload)
			case opPing:
				err = s.write(appendMasked(nil, opPong, f.payload))
			case opClose:
				err = fmt.Errorf("closed by the server: %.100q", f.payload)
			}
			if err != nil {
				return used, err
			}
		}
	})
}

// isAnswer reports whether payload is a CALLRESULT of the open call.
func (s *station) isAnswer(payload []byte) bool {
	const before, after = `[3,"`, `",{`
	end := len(before) + len(s.id)
	return len(payload) > end+len(after) && string(payload[:len(before)]) == before &&
		string(payload[len(before):end]) == string(s.id[:]) && string(payload[end:end+len(after)]) == after &&
		payload[len(payload)-1] == ']'
}

// dial connects from one of several addresses, for one has ports for 28 000 connections only.
func dial(server *unix.SockaddrInet4, number int) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	from := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(2 + number/5000)}}
	steps := []func() error{
		func() error { return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1) },
		func() error { return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) },
		func() error { return unix.Bind(fd, from) },
		func() error { return unix.Connect(fd, server) },
		func() error { return unix.SetNonblock(fd, true) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			_ = unix.Close(fd)
			return 0, fmt.Errorf("connect station %d: %w", number, err)
		}
	}
	return fd, nil
}
