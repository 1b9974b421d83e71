package doctor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/doctor"
	"hayalet/internal/lang"
)

// expect holds that a finding is of a level and says a word, in English; and that it is the same in Turkish.
func expect(t *testing.T, name string, level doctor.Level, word string, judge func(doctor.Doctor) doctor.Finding) {
	t.Helper()
	en, tr := judge(doctor.Doctor{Text: lang.New(lang.EN)}), judge(doctor.Doctor{Text: lang.New(lang.TR)})
	if en.Level != level || !strings.Contains(en.String(), word) {
		t.Errorf("%s: got %q, want %s and %q", name, en, level, word)
	}
	if tr.Level != en.Level || tr.Name != en.Name || (tr.Do == "") != (en.Do == "") {
		t.Errorf("%s: in Turkish %q, in English %q", name, tr, en)
	}
	if (en.Level == doctor.OK) != (en.Do == "") {
		t.Errorf("%s: %q says what to do, or not", name, en)
	}
	for _, f := range []doctor.Finding{en, tr} {
		if strings.Contains(f.String(), "%!") || strings.Contains(f.String(), "\n") || f.Name == "" || strings.Contains(f.String(), "doctor.") {
			t.Errorf("%s: %q is not one good line", name, f)
		}
	}
}

func TestFindingForMachines(t *testing.T) {
	b, err := json.Marshal([]doctor.Finding{{Name: "a", Fact: "b"}, {Level: doctor.Fail, Name: "a", Fact: "b", Do: "c"}})
	if want := `[{"level":"ok","name":"a","fact":"b"},{"level":"fail","name":"a","fact":"b","do":"c"}]`; err != nil || string(b) != want {
		t.Errorf("got %s, %v", b, err)
	}
}

func TestDisk(t *testing.T) {
	const mib, gib = uint64(1 << 20), uint64(1 << 30)
	for _, tc := range []struct {
		free, total uint64
		err         error
		level       doctor.Level
		word        string
	}{
		{40 * gib, 50 * gib, nil, doctor.OK, "40.0 GiB of 50.0 GiB free (80 %) in /x, for db, record"},
		{5 * gib, 50 * gib, nil, doctor.OK, "(10 %)"},
		{5*gib - 1, 50 * gib, nil, doctor.Warn, "(9 %)"},
		{gib, 2 * gib, nil, doctor.OK, "1.0 GiB of"},
		{gib - 1, 2 * gib, nil, doctor.Warn, "make room"},
		{100 * mib, 200 * mib, nil, doctor.Warn, "100.0 MiB"},
		{100*mib - 1, 200 * mib, nil, doctor.Fail, "make room"},
		{0, 0, nil, doctor.Fail, "0 B of 0 B"},
		{0, 0, errors.ErrUnsupported, doctor.OK, "cannot be told on this system"},
		{0, 0, &fs.PathError{Op: "stat", Path: "/x", Err: fs.ErrNotExist}, doctor.Fail, "the folder /x, for db, record, is not there; create it"},
		{0, 0, syscall.EACCES, doctor.Fail, "may not write to /x"},
		{0, 0, &fs.PathError{Op: "stat", Path: "/x", Err: syscall.EIO}, doctor.Fail, "cannot be looked at: input/output error; "},
	} {
		v := doctor.Volume{Places: []string{"db", "record"}, Folder: "/x", Free: tc.free, Total: tc.total, Err: tc.err}
		expect(t, fmt.Sprint(tc.free, tc.err), tc.level, tc.word, func(d doctor.Doctor) doctor.Finding { return d.Disk(v) })
	}
}

func TestVolumes(t *testing.T) {
	dir := t.TempDir()
	all := doctor.Volumes([]doctor.Place{
		{What: "db", Path: filepath.Join(dir, "a.db")}, {What: "record", Path: filepath.Join(dir, "r.jsonl")}, {What: "key", Path: filepath.Join(dir, "nowhere", "key")},
	})
	if runtime.GOOS != "linux" {
		t.Skip("only Linux is asked")
	}
	if len(all) != 2 || strings.Join(all[0].Places, " ") != "db record" || all[0].Err != nil || all[0].Free == 0 || all[0].Total < all[0].Free {
		t.Fatalf("got %+v", all)
	}
	if !errors.Is(all[1].Err, fs.ErrNotExist) || all[1].Folder != filepath.Join(dir, "nowhere") {
		t.Errorf("got %+v", all[1])
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("something was created: %v, %v", entries, err)
	}
}

func TestClock(t *testing.T) {
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	newest := hayalet.InstantOf(now)
	for _, tc := range []struct {
		now           time.Time
		newest        hayalet.Instant
		synced, known bool
		level         doctor.Level
		word          string
	}{
		{now, newest, true, true, doctor.OK, "2027-03-01T12:00:00Z, synchronised"},
		{now, 0, false, true, doctor.Warn, "not synchronised; set it by NTP"},
		{now, 0, false, false, doctor.OK, "2027-03-01T12:00:00Z"},
		{now.Add(-90 * time.Second), newest, true, true, doctor.Fail, "is 1m30s before the newest"},
		{time.Unix(0, 0), 0, true, true, doctor.Fail, "1970-01-01T00:00:00Z cannot be the time"},
		{now.AddDate(100, 0, 0), 0, true, true, doctor.Fail, "cannot be the time"},
	} {
		expect(t, tc.word, tc.level, tc.word, func(d doctor.Doctor) doctor.Finding {
			return doctor.JudgeClock(d, tc.now, tc.newest, tc.synced, tc.known)
		})
	}
	if f := (doctor.Doctor{}).Clock(now, 0); f.Level == doctor.Fail {
		t.Errorf("here: %s", f)
	}
}

func TestOpenFiles(t *testing.T) {
	for _, tc := range []struct {
		want, limit uint64
		known       bool
		level       doctor.Level
		word        string
	}{
		{20256, 20256, true, doctor.OK, "20256 may be open, 20256 suffice"},
		{20256, ^uint64(0), true, doctor.OK, "suffice"},
		{20256, 1024, true, doctor.Warn, "LimitNOFILE=20256"},
		{20256, 0, false, doctor.OK, "cannot be told"},
	} {
		expect(t, tc.word, tc.level, tc.word, func(d doctor.Doctor) doctor.Finding {
			return doctor.JudgeOpenFiles(d, tc.want, tc.limit, tc.known)
		})
	}
	if f := (doctor.Doctor{}).OpenFiles(1 << 40); runtime.GOOS == "linux" && f.Level != doctor.Warn {
		t.Errorf("so many sockets: %s", f)
	}
}

func TestPort(t *testing.T) {
	held := &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	for _, tc := range []struct {
		running doctor.Running
		err     error
		level   doctor.Level
		word    string
	}{
		{doctor.Running{}, nil, doctor.OK, "127.0.0.1:1 is free"},
		{doctor.Running{Here: true}, nil, doctor.OK, "127.0.0.1:1 is free"},
		{doctor.Running{Here: true}, held, doctor.OK, "running and ready"},
		{doctor.Running{Here: true, Trouble: "the disk is full"}, held, doctor.Fail, "not ready: the disk is full; see its log"},
		{doctor.Running{}, held, doctor.Fail, "another program listens on 127.0.0.1:1; stop it, or choose another address with http"},
		{doctor.Running{}, &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EACCES)}, doctor.Fail, "permission denied; choose"},
	} {
		expect(t, tc.word, tc.level, tc.word, func(d doctor.Doctor) doctor.Finding {
			return doctor.JudgePort(d, "http", "127.0.0.1:1", tc.running, tc.err)
		})
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	expect(t, "held", doctor.Fail, "another program", func(d doctor.Doctor) doctor.Finding { return d.Port("http", ln.Addr().String(), doctor.Running{}) })
	expect(t, "free", doctor.OK, "is free", func(d doctor.Doctor) doctor.Finding { return d.Port("http", "127.0.0.1:0", doctor.Running{}) })
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, mode fs.FileMode) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	private, open, readonly := file("private", 0o640), file("open", 0o644), file("readonly", 0o400)
	for _, tc := range []struct {
		path  string
		want  doctor.Want
		level doctor.Level
		word  string
	}{
		{private, doctor.Private | doctor.Writable, doctor.OK, "can be read (-rw-r-----)"},
		{open, 0, doctor.OK, "can be read"},
		{open, doctor.Private, doctor.Warn, "everybody on this machine can use " + open + " (-rw-r--r--); chmod o= " + open},
		{private, doctor.Owned, doctor.Warn, "others than its owner can use " + private + " (-rw-r-----); chmod go= " + private},
		{readonly, doctor.Owned, doctor.OK, "can be read (-r--------)"},
		{filepath.Join(dir, "nowhere"), 0, doctor.Fail, "no such file or directory; let this user read it, or change keys"},
		{dir, 0, doctor.Fail, "is a folder"},
	} {
		expect(t, tc.word, tc.level, tc.word, func(d doctor.Doctor) doctor.Finding { return d.File("keys", tc.path, tc.want) })
	}
	if os.Geteuid() == 0 {
		return // permissions do not bind root
	}
	expect(t, "readonly", doctor.Fail, "may not write to", func(d doctor.Doctor) doctor.Finding { return d.File("db", readonly, doctor.Writable) })
}

func TestCertificate(t *testing.T) {
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for _, tc := range []struct {
		from, until time.Duration
		level       doctor.Level
		word        string
	}{
		{-day, 31 * day, doctor.OK, "valid until 2027-04-01T12:00:00Z (31 days)"},
		{-day, 30*day - 1, doctor.Warn, "in 29 days; renew it"},
		{-day, 0, doctor.Fail, "ended 2027-03-01T12:00:00Z"},
		{day, 90 * day, doctor.Fail, "not valid before 2027-03-02T12:00:00Z; set the clock"},
	} {
		leaf := &x509.Certificate{NotBefore: now.Add(tc.from), NotAfter: now.Add(tc.until)}
		expect(t, tc.word, tc.level, tc.word, func(d doctor.Doctor) doctor.Finding { return doctor.JudgeLeaf(d, leaf, now) })
	}
	cert, key := pair(t, now.Add(-day), now.Add(90*day))
	expect(t, "files", doctor.OK, "90 days", func(d doctor.Doctor) doctor.Finding { return d.Certificate(cert, key, now) })
	expect(t, "no key", doctor.Fail, "cannot be used", func(d doctor.Doctor) doctor.Finding { return d.Certificate(cert, cert, now) })
}

// pair writes a certificate and its key.
func pair(t *testing.T, from, until time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", pkcs8)
}

func TestDatabase(t *testing.T) {
	good := doctor.Database{Name: "a.db", Engine: "SQLite 3.54.0", Schema: 2, Known: 2, Bytes: 1536}
	for _, tc := range []struct {
		change func(*doctor.Database)
		level  doctor.Level
		word   string
	}{
		{func(*doctor.Database) {}, doctor.OK, "database: a.db, SQLite 3.54.0, schema 2, 1.5 KiB"},
		{func(db *doctor.Database) { db.Bytes = 0 }, doctor.OK, "schema 2"},
		{func(db *doctor.Database) { db.Schema = 1 }, doctor.OK, "the next start brings it to schema 2"},
		{func(db *doctor.Database) { db.Schema = 3 }, doctor.Fail, "knows only schema 2; use the newer program"},
		{func(db *doctor.Database) { db.Err = fmt.Errorf("no: %w", fs.ErrNotExist) }, doctor.OK, "a.db is not there: it will be created on first start"},
	} {
		db := good
		tc.change(&db)
		expect(t, tc.word, tc.level, tc.word, func(d doctor.Doctor) doctor.Finding { return d.Database(db) })
	}
	good.Err = errors.New("the file is damaged; restore it")
	if f := (doctor.Doctor{}).Database(good); f.String() != "FAIL database: a.db: the file is damaged; restore it" {
		t.Errorf("got %s", f)
	}
}

func TestIntegrity(t *testing.T) {
	for _, tc := range []struct {
		damage []string
		err    error
		level  doctor.Level
		word   string
	}{
		{nil, nil, doctor.OK, "checked in 1.5s, no damage"},
		{[]string{"page 3", "page 4"}, nil, doctor.Fail, "damaged: page 3 (faults: 2); stop the server"},
		{[]string{"page 3"}, context.DeadlineExceeded, doctor.Fail, "damaged"},
		{nil, fmt.Errorf("read: %w", context.DeadlineExceeded), doctor.Warn, "not finished in 1.5s, no damage so far; give it more time"},
		{nil, errors.New("disk I/O error"), doctor.Fail, "disk I/O error; stop the server"},
	} {
		expect(t, tc.word, tc.level, tc.word, func(d doctor.Doctor) doctor.Finding { return d.Integrity(tc.damage, tc.err, 1500*time.Millisecond) })
	}
}
