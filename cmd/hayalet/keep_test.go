package main

import (
	"testing"
	"time"
)

func TestAgesAndSizes(t *testing.T) {
	for text, want := range map[string]time.Duration{"90d": 90 * day, "36h": 36 * time.Hour, "1h30m": 90 * time.Minute, "0": 0, "0d": 0, " 48h ": 2 * day} {
		var a, back age
		if err := a.UnmarshalText([]byte(text)); err != nil || time.Duration(a) != want {
			t.Errorf("age %q: %v, %v, want %v", text, time.Duration(a), err, want)
		}
		if err := back.UnmarshalText([]byte(a.String())); err != nil || back != a {
			t.Errorf("age %q is written %q", text, a)
		}
	}
	for text, want := range map[string]byteSize{"10GB": 1e10, "500mb": 5e8, "1TB": 1e12, "7": 7, "7 kB": 7000, "12B": 12, "0": 0} {
		var s, back byteSize
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("size %q: %d, %v, want %d", text, int64(s), err, int64(want))
		}
		if err := back.UnmarshalText([]byte(s.String())); err != nil || back != s {
			t.Errorf("size %q is written %q", text, s)
		}
	}
	for _, text := range []string{"", "90", "d", "-1d", "-5h", "1.5d", "99999999999d", "90 days"} {
		if err := new(age).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("age %q is read", text)
		}
	}
	for _, text := range []string{"", "GB", "-1GB", "1.5GB", "10GiB", "9999999999TB", "10G", "x"} {
		if err := new(byteSize).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("size %q is read", text)
		}
	}
}

func TestInUnit(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 1_260_000: "1.3 MB", 10_000_000_000: "10.0 GB"} {
		if got := inUnit(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
