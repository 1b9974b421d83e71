//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// programs are the servers in the order of their turns. The bare one comes first and last: what lies between its two
// figures is noise.
func programs(o options) ([]program, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	plain := regexp.MustCompile(`^ws://(\S+)$`)
	bare := program{name: bareName, says: plain, args: func(string) []string { return []string{self, "-bare"} }}
	all := []program{
		bare,
		hayaletProgram(o),
		{name: ocppgoName, says: plain, args: func(string) []string { return []string{o.ocppgo, "-central"} }},
		bare,
	}
	if o.servers != "" {
		wanted := strings.Split(o.servers, ",")
		all = slices.DeleteFunc(all, func(p program) bool { return !slices.Contains(wanted, p.name) })
	}
	return all, nil
}

// The names of the servers.
const (
	bareName    = "bare"
	hayaletName = "hayalet"
	ocppgoName  = "ocpp-go"
)

func hayaletProgram(o options) program {
	return program{
		name: hayaletName, says: regexp.MustCompile(`msg=listening stations=(\S+) http=(\S+)`),
		args: func(dir string) []string {
			return []string{o.hayalet, "serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--db", filepath.Join(dir, dbName)}
		},
	}
}

const dbName = "hayalet.db"

// row is one server's turn.
type row struct {
	name string
	result
	disk  int64 // bytes of its database
	found bool  // the phantom and nothing else
}

func measureLoad(ctx context.Context, o options) error {
	all, err := programs(o)
	if err != nil {
		return err
	}
	fmt.Printf("%d stations, one call of %d bytes open at each; %v a server after %v of load; server on core %d, stations on core %d\n",
		o.stations, len(newMeterFrame(`"transactionId":1000,`).bytes)-8, o.length, o.warm, serverCore, clientCore)
	var rows []row
	for range o.rounds {
		for i := range all {
			r, err := turn(ctx, o, &all[i])
			if err != nil {
				return fmt.Errorf("%s: %w", all[i].name, err)
			}
			rows = append(rows, r)
			fmt.Fprintf(os.Stderr, "%s: %.0f messages/s\n", r.name, r.rate())
		}
	}
	return print(rows)
}

// turn measures one server.
func turn(ctx context.Context, o options, p *program) (r row, err error) {
	dir, err := workDir(o)
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	c, err := p.start(ctx, dir)
	if err != nil {
		return r, err
	}
	r.name = p.name
	r.result, err = load(ctx, o, c.url, c)
	if err == nil && p.name == hayaletName && o.warm+o.length >= foundAfter {
		err = findPhantom(ctx, o, c)
		r.found = err == nil
	}
	err = errors.Join(err, ignoreSignal(c.stop()))
	r.disk = size(dir)
	return r, err
}

// workDir makes a folder for one server's files. That for temporary files would not do: it may be in memory.
func workDir(o options) (string, error) {
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return "", err
	}
	return os.MkdirTemp(dir, "serveload-")
}

// ignoreSignal leaves out how a server ends that does not listen to signals.
func ignoreSignal(err error) error {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && !exit.Exited() {
		return nil
	}
	return err
}

// size is that of the database with what belongs to it.
func size(dir string) (total int64) {
	files, _ := filepath.Glob(filepath.Join(dir, dbName+"*"))
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			total += info.Size()
		}
	}
	return total
}

// findPhantom asks the server for its incidents: one PE-01 at the phantom, and nothing else.
func findPhantom(ctx context.Context, o options, c *child) (err error) {
	for begun := time.Now(); time.Since(begun) < 10*time.Second; time.Sleep(200 * time.Millisecond) {
		if err = onePhantom(ctx, o, c); err == nil {
			return nil
		}
	}
	return err
}

func onePhantom(ctx context.Context, o options, c *child) error {
	out, err := exec.CommandContext(ctx, o.hayalet, "incidents", "list", "-o", "ndjson", "--url", "http://"+c.http).Output()
	if err != nil {
		return fmt.Errorf("ask for incidents: %w", err)
	}
	type incident struct{ Rule, Station string }
	var found []incident
	for line := range strings.Lines(string(out)) {
		var inc incident
		if err := json.Unmarshal([]byte(line), &inc); err != nil {
			return fmt.Errorf("ask for incidents: %w", err)
		}
		found = append(found, inc)
	}
	if want := (incident{"PE-01", stationName(phantomStation)}); len(found) != 1 || found[0] != want {
		return fmt.Errorf("want one incident, %v; found %v", want, found)
	}
	return nil
}

// best is the fastest of a server's turns, and the cheapest: each is the one that other work disturbed least.
func best(rows []row, name string) (rate float64, cost time.Duration) {
	for _, r := range rows {
		if r.name == name {
			rate = max(rate, r.rate())
			if cost == 0 || r.cost() < cost {
				cost = r.cost()
			}
		}
	}
	return rate, cost
}

// print compares all turns with the bare server's best. Where a server was not busy the stations were its limit, and its
// CPU a message tells more than its messages a second.
func print(rows []row) error {
	limit, least := best(rows, bareName)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tmessages/s\tof bare\tCPU µs/message\tof bare\tbusy\tp50\tp99\tlongest\t")
	for _, r := range rows {
		ms := func(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }
		fmt.Fprintf(w, "%s\t%.0f\t%s\t%.2f\t%s\t%s\t%v\t%v\t%v\t\n", r.name, r.rate(), percent(r.rate(), limit),
			micros(r.cost()), percent(least.Seconds(), r.cost().Seconds()), percent(r.busy(), 1),
			ms(r.took.quantile(0.5)), ms(r.took.quantile(0.99)), ms(r.took.longest))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range rows {
		if r.disk > 0 {
			fmt.Printf("%s: %.1f bytes on disk an exchange (%d for %d); %s\n", r.name, float64(r.disk)/float64(r.all), r.disk, r.all,
				map[bool]string{true: "the phantom was found and nothing else", false: "TOO SHORT to find the phantom"}[r.found])
		}
	}
	ours, cost := best(rows, hayaletName)
	theirs, theirCost := best(rows, ocppgoName)
	if limit == 0 || ours == 0 || theirs == 0 {
		return nil
	}
	fmt.Printf("%s: %.0f %% of bare's messages/s, %.0f %% by CPU (bar: 45 %%); %.1f times ocpp-go's, %.1f times by CPU (bar: 3)\n", hayaletName,
		100*ours/limit, 100*least.Seconds()/cost.Seconds(), ours/theirs, theirCost.Seconds()/cost.Seconds())
	return nil
}

// percent is how much part is of whole, where there is one.
func percent(part, whole float64) string {
	if part == 0 || whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f %%", 100*part/whole)
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
