package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hayalet/internal/doctor"
	"hayalet/internal/gateway"
	"hayalet/internal/postgres"
	"hayalet/internal/relay"
	"hayalet/internal/web"
)

// integrityLimit is how long the check of a database may take unless told otherwise.
const integrityLimit = time.Minute

type doctorOptions struct {
	config, db, output string
	limit              time.Duration
}

func (a *app) doctor() *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{Use: "doctor", Short: a.text.T("cmd.doctor"), Long: a.text.T("cmd.doctor.long"), Args: args(cobra.NoArgs)}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", a.text.T("flag.config"))
	f.StringVar(&o.db, "db", "", a.text.T("flag.db"))
	f.StringVarP(&o.output, "output", "o", "text", a.text.T("flag.output.lines"))
	f.DurationVar(&o.limit, "limit", integrityLimit, a.text.T("flag.limit.integrity"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkOutput(o.output, "text", "ndjson"); err != nil {
			return err
		}
		v := visit{app: a, Doctor: doctor.Doctor{Text: a.text}, o: o}
		v.run(cmd.Context())
		if v.worst == doctor.Fail && v.err == nil {
			return errSilent
		}
		return v.err
	}
	return cmd
}

// visit is one run of the doctor, from what costs nothing to what takes long.
type visit struct {
	doctor.Doctor
	app   *app
	o     doctorOptions
	cfg   config
	worst doctor.Level
	err   error // of writing
}

func (v *visit) run(ctx context.Context) {
	if !v.configuration() {
		return // all else depends on it
	}
	v.access()
	v.files()
	if v.cfg.TLS.Cert != "" {
		v.tell(v.Certificate(v.cfg.TLS.Cert, v.cfg.TLS.Key, time.Now()))
	}
	seen := v.cfg.look(ctx)
	v.tell(v.Database(seen.Database))
	v.machine()
	v.tell(v.Clock(time.Now(), seen.newest))
	running := v.running(ctx)
	v.tell(v.Port("listen", v.cfg.Listen, running), v.Port("http", v.cfg.HTTP, running))
	if seen.verify != nil {
		v.integrity(ctx, seen.verify)
	}
}

// tell prints findings.
func (v *visit) tell(found ...doctor.Finding) {
	for _, f := range found {
		v.worst = max(v.worst, f.Level)
		if v.err != nil {
			continue
		}
		if v.o.output == "ndjson" {
			enc := json.NewEncoder(v.app.stdout)
			enc.SetEscapeHTML(false)
			v.err = enc.Encode(f)
			continue
		}
		_, v.err = fmt.Fprintln(v.app.stdout, printable([]byte(f.String())))
	}
}

// check tells that something failed, if it did.
func (v *visit) check(name string, err error) {
	if err != nil {
		v.tell(doctor.Finding{Level: doctor.Fail, Name: name, Fact: oneLine(err)})
	}
}

// configuration reads it and reports whether it can be used.
func (v *visit) configuration() bool {
	const name = "configuration"
	cfg, err := loadConfig(v.o.config, v.app.environ)
	if all, ok := errors.AsType[faults](err); ok {
		for _, f := range all {
			v.check(name, f)
		}
		return false
	}
	if err != nil {
		v.check(name, err)
		return false
	}
	v.cfg = cfg
	if v.o.db != "" {
		v.cfg.DB = v.o.db
	}
	broken := cfg.brokenSiteRuleFaults()
	for _, f := range broken {
		v.tell(doctor.Finding{Level: doctor.Warn, Name: name, Fact: f.Error()})
	}
	if len(broken) > 0 {
		return true
	}
	fact := v.Text.T("doctor.configuration.none")
	if v.o.config != "" {
		fact = v.Text.T("doctor.configuration.file", v.o.config)
	}
	v.tell(doctor.Finding{Name: name, Fact: fact})
	return true
}

// access says whom the server lets in, or why it would not start like that.
func (v *visit) access() {
	c := &v.cfg
	var refused error
	if c.Keys == "" && !c.relays() {
		_, refused = c.auth(slog.New(slog.DiscardHandler))
	}
	if c.API.TokenFile == "" && refused == nil { // files are looked at by themselves
		_, refused = c.apiToken()
	}
	if refused != nil {
		v.check("access", refused)
		return
	}
	everybody := v.Text.T("doctor.access.everybody")
	stations, people := v.admitted(everybody)
	f := doctor.Finding{Name: "access", Fact: v.Text.T("doctor.access", stations, people)}
	if stations == everybody || people == everybody {
		f.Level, f.Do = doctor.Warn, v.Text.T("doctor.access.do")
	}
	v.tell(f)
}

// admitted says in words who may connect as a station, and who may ask.
func (v *visit) admitted(everybody string) (stations, people string) {
	c := &v.cfg
	stations, people = everybody, everybody
	switch {
	case c.relays():
		stations = v.Text.T("doctor.access.upstream")
	case c.Keys != "":
		stations = v.Text.T("doctor.access.keys")
	case loopback(c.Listen):
		stations = v.Text.T("doctor.access.loopback")
	}
	switch {
	case c.API.Token != "" || c.API.TokenFile != "":
		people = v.Text.T("doctor.access.token")
	case loopback(c.HTTP):
		people = v.Text.T("doctor.access.loopback")
	}
	return stations, people
}

// relays reports whether the configuration is one of a relay.
func (c *config) relays() bool { return len(c.Relay.Upstreams) > 0 }

// files looks at each file that is configured, and reads those that have a form.
func (v *visit) files() {
	c := &v.cfg
	const private, writable = doctor.Private, doctor.Writable
	v.file("config", v.o.config, c.privacy(v.o.config), nil)
	v.file("keys", c.Keys, private, func() error { _, err := readKeys(c.Keys); return err })
	v.file("tags", c.Tags, private, func() error { _, err := readTags(c.Tags); return err })
	v.file("tls.key", c.TLS.Key, private, nil)
	v.file("api.token_file", c.API.TokenFile, private, func() error { _, err := c.apiToken(); return err })
	v.file("webhook.secret_file", c.Webhook.SecretFile, private, func() error { _, err := c.webhookSecret(); return err })
	v.file("db_password_file", c.DBPassword, private, func() error { _, err := c.database(); return err })
	v.file("relay.upstream_ca", c.Relay.CA, 0, func() error { _, err := c.upstreamRoots(); return err })
	v.file("evidence.key", c.madeKey(), doctor.Owned, func() error { _, err := c.serverKey(); return err })
	v.file("db", present(c.DB), private|writable, nil)
	v.file("record", present(c.Record), private|writable, nil)
}

func (v *visit) file(key, path string, want doctor.Want, read func() error) {
	if path == "" {
		return
	}
	f := v.File(key, path, want)
	v.tell(f)
	if f.Level < doctor.Fail && read != nil {
		v.check(key, read())
	}
}

// present is the path of a file that need not be there yet, if it is.
func present(path string) string {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return path
}

// madeKey is the path of the evidence key, unless none was made yet.
func (c *config) madeKey() string {
	if _, err := os.Stat(c.keyFile()); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return c.keyFile()
}

// privacy is what a configuration file must be: not for everybody where a secret is written in it.
func (c *config) privacy(file string) doctor.Want {
	for key, secret := range map[string]bool{
		"api.token": c.API.Token != "", "webhook.secret": c.Webhook.Secret != "", "webhook.url": c.Webhook.URL != "",
		"db":              c.DB != postgres.Redacted(c.DB),
		"relay.upstreams": slices.ContainsFunc(c.Relay.Upstreams, func(s string) bool { return s != relay.Redacted(s) }),
	} {
		if secret && strings.HasPrefix(c.given.of(key), file+":") {
			return doctor.Private
		}
	}
	return 0
}

// machine looks at the disks that the server writes to, and at how many stations may connect.
func (v *visit) machine() {
	var places []doctor.Place
	if !isPostgres(v.cfg.DB) {
		places = append(places, doctor.Place{What: "db", Path: v.cfg.DB})
	}
	if v.cfg.Record != "" {
		places = append(places, doctor.Place{What: "record", Path: v.cfg.Record})
	}
	for _, volume := range doctor.Volumes(places) {
		v.tell(v.Disk(volume))
	}
	sockets := gateway.DefaultMaxConns
	if v.cfg.relays() {
		sockets *= 2 // one more behind each
	}
	v.tell(v.OpenFiles(sockets))
}

// running asks whoever holds the address for questions whether it is a hayalet.
func (v *visit) running(ctx context.Context) doctor.Running {
	err := (&web.Client{Base: "http://" + v.cfg.HTTP}).Ready(ctx)
	p, answered := errors.AsType[*web.Problem](err)
	switch {
	case err == nil:
		return doctor.Running{Here: true}
	case answered && p.Status == http.StatusServiceUnavailable:
		return doctor.Running{Here: true, Trouble: p.Error()}
	}
	return doctor.Running{}
}

// integrity checks all of the database, within the limit.
func (v *visit) integrity(ctx context.Context, verify func(context.Context) ([]string, error)) {
	if f, ok := v.app.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintln(v.app.stderr, v.Text.T("doctor.integrity.reading", v.o.limit.String()))
	}
	ctx, cancel := context.WithTimeout(ctx, v.o.limit)
	defer cancel()
	begun := time.Now()
	damage, err := verify(ctx)
	v.tell(v.Integrity(damage, err, time.Since(begun)))
}
