package gateway

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"hash/maphash"
	"net/netip"
	"strings"
	"sync"
	"time"

	"hayalet"
)

// Auth reports whether password is the station's. It is called from many goroutines and must take the same time
// whatever is wrong. The password may be any bytes [1.6J §6.2].
type Auth func(station hayalet.StationID, password []byte) bool

// StaticKeys checks against a fixed set of keys. Only their digests are held.
func StaticKeys(keys map[hayalet.StationID]string) Auth {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	digest := func(b []byte) []byte {
		m := hmac.New(sha256.New, secret[:])
		m.Write(b)
		return m.Sum(nil)
	}
	digests := make(map[hayalet.StationID][]byte, len(keys))
	for id, key := range keys {
		digests[id] = digest([]byte(key))
	}
	nobody := make([]byte, sha256.Size)
	_, _ = rand.Read(nobody)
	return func(station hayalet.StationID, password []byte) bool {
		want, known := digests[station]
		if !known {
			want = nobody
		}
		return hmac.Equal(want, digest(password))
	}
}

// basicPassword returns the password of a Basic authorization whose user is the station. The user is known, so an id
// with a colon in it is told apart from the password.
func basicPassword(header string, station hayalet.StationID) ([]byte, bool) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return nil, false
	}
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return nil, false
	}
	user := string(station) + ":"
	if len(plain) < len(user) || subtle.ConstantTimeCompare(plain[:len(user)], []byte(user)) != 1 {
		return nil, false
	}
	return plain[len(user):], true
}

// failures counts failed authentications by address, in a table of fixed size: two addresses that meet in one place
// push each other out, which only an attacker with many addresses brings about.
type failures struct {
	limit  int
	window time.Duration
	seed   maphash.Seed

	mu    sync.Mutex
	table [4096]failure
}

type failure struct {
	addr  netip.Addr
	since time.Time
	count int
}

func newFailures(limit int, window time.Duration) failures {
	return failures{limit: limit, window: window, seed: maphash.MakeSeed()}
}

// networkOf is the address itself, or the /64 of an IPv6 address; the zero address when it cannot be read.
func networkOf(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	addr := ap.Addr().Unmap().WithZone("")
	if addr.Is6() {
		prefix, _ := addr.Prefix(64)
		return prefix.Addr()
	}
	return addr
}

func (f *failures) place(addr netip.Addr) *failure {
	return &f.table[maphash.Comparable(f.seed, addr)%uint64(len(f.table))]
}

func (f *failures) blocked(addr netip.Addr, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.place(addr)
	return p.addr == addr && p.count >= f.limit && now.Sub(p.since) < f.window
}

func (f *failures) add(addr netip.Addr, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.place(addr)
	if p.addr != addr || now.Sub(p.since) >= f.window {
		*p = failure{addr: addr, since: now}
	}
	p.count++
}
