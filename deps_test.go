package hayalet_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "hayalet"

// room says what one package may import. Tests are free: only what goes into the binary is held to the table.
type room struct {
	ours   []string // packages of this module, relative to its root; "." is the root, a final /* any package below
	banned []string // packages of the standard library, a final /* likewise
}

var (
	// pure rooms turn data into data: the same input gives the same output, wherever and whenever it runs.
	pure = []string{"os", "os/*", "net", "net/*", "log", "log/*", "syscall", "sync", "sync/*", "math/rand", "math/rand/*", "database/*"}
	// the nouns know no device; the context of the contracts is all that they take from the outside.
	nouns = []string{"os", "os/*", "net", "net/*", "log", "log/*", "syscall", "sync", "sync/*", "database/*"}
)

// rooms is the import table: every package of the module has a line. Adapters import neither one another nor engine;
// only cmd/hayalet knows everybody.
var rooms = map[string]room{
	".":                  {banned: nouns},
	"internal/jsonread":  {banned: pure},
	"internal/ocpp":      {ours: []string{".", "internal/jsonread", "internal/ocpp/*"}, banned: pure},
	"internal/ocpp/v16":  {ours: []string{"internal/ocpp/tolerant"}, banned: pure},
	"internal/ocpp/v201": {ours: []string{"internal/ocpp/tolerant"}, banned: pure},
	"internal/ocpp/v21":  {ours: []string{"internal/ocpp/tolerant", "internal/ocpp/v201"}, banned: pure},

	"internal/ocpp/tolerant": {banned: pure},

	"internal/frames":    {ours: []string{"."}, banned: pure},
	"internal/series":    {ours: []string{"."}, banned: pure},
	"internal/journal":   {ours: []string{".", "internal/frames"}, banned: []string{"os", "os/*", "net", "net/*", "database/*"}},
	"internal/evidence":  {ours: []string{".", "internal/journal"}, banned: pure},
	"internal/session":   {ours: []string{"."}, banned: pure},
	"internal/detect":    {ours: []string{".", "internal/session"}, banned: pure},
	"internal/exception": {ours: []string{"."}, banned: pure},
	"internal/siterule":  {ours: []string{".", "internal/detect", "internal/session"}, banned: pure},
	"internal/engine":    {ours: []string{".", "internal/ocpp", "internal/session", "internal/detect", "internal/frames", "internal/series"}, banned: []string{"os", "os/*", "net", "net/*", "database/*"}},
	"internal/retention": {ours: []string{".", "internal/evidence", "internal/journal"}, banned: []string{"os", "os/*", "net", "net/*", "database/*"}},
	"internal/backtest":  {ours: []string{".", "internal/session", "internal/detect", "internal/engine", "internal/journal"}, banned: []string{"os", "os/*", "net", "net/*", "database/*"}},

	"internal/poll":      {},
	"internal/socket":    {ours: []string{"."}},
	"internal/gateway":   {ours: []string{".", "internal/frames", "internal/poll", "internal/socket"}},
	"internal/relay":     {ours: []string{".", "internal/socket", "internal/frames"}},
	"internal/csms":      {ours: []string{".", "internal/ocpp", "internal/ocpp/*"}},
	"internal/capture":   {ours: []string{".", "internal/jsonread"}},
	"internal/sim":       {ours: []string{".", "internal/ocpp", "internal/ocpp/*", "internal/socket"}},
	"internal/sqlstore":  {ours: []string{"."}},
	"internal/sqlite":    {ours: []string{".", "internal/sqlstore"}},
	"internal/postgres":  {ours: []string{".", "internal/sqlstore"}},
	"internal/pgtest":    {},
	"internal/storetest": {ours: []string{"."}},
	"internal/notify":    {ours: []string{"."}},
	"internal/web":       {ours: []string{"."}},
	"internal/lang":      {ours: []string{"."}},
	"internal/doctor":    {ours: []string{".", "internal/lang"}},
	"internal/report":    {ours: []string{".", "internal/lang"}},
	"internal/lab":       {ours: []string{".", "internal/ocpp", "internal/detect", "internal/engine"}},

	"cmd/hayalet": {ours: []string{".", "internal/*"}},
}

func TestImports(t *testing.T) {
	files := sources(t, ".")
	for _, f := range files {
		r, known := rooms[f.pkg]
		if !known {
			t.Errorf("%s: package %s has no line in the table of deps_test.go: add one that says what it may import", f.name, f.pkg)
			continue
		}
		for _, p := range f.imports {
			if why := r.refuses(p); why != "" {
				t.Errorf("%s: package %s may not import %q: %s", f.name, f.pkg, p, why)
			}
		}
	}
	for pkg := range rooms {
		if !slices.ContainsFunc(files, func(f source) bool { return f.pkg == pkg }) {
			t.Errorf("package %s has a line in the table of deps_test.go and is not there: remove the line", pkg)
		}
	}
}

// TestImportTable tries the table itself on imports that it must refuse and on some that it must allow.
func TestImportTable(t *testing.T) {
	for _, tc := range []struct {
		pkg, path string
		allowed   bool
	}{
		{".", "time", true},
		{".", "hayalet/internal/ocpp", false},
		{".", "net", false},
		{".", "net/http", false},
		{".", "netpoll", true},
		{"internal/session", "hayalet", true},
		{"internal/session", "hayalet/internal/detect", false},
		{"internal/session", "os", false},
		{"internal/ocpp", "hayalet/internal/ocpp/v16", true},
		{"internal/ocpp/v16", "hayalet/internal/ocpp", false},
		{"internal/web", "hayalet/internal/engine", false},
		{"internal/evidence", "hayalet/internal/report", false},
		{"internal/evidence", "os", false},
		{"internal/sqlite", "hayalet/internal/notify", false},
		{"cmd/hayalet", "hayalet/internal/engine", true},
		{"internal/gateway", "hayaletler/internal/web", true},
	} {
		if why := rooms[tc.pkg].refuses(tc.path); (why == "") != tc.allowed {
			t.Errorf("%s importing %s: allowed is %v, want %v (%s)", tc.pkg, tc.path, why == "", tc.allowed, why)
		}
	}
}

// refuses tells why a package of this room may not import p, or "".
func (r room) refuses(p string) string {
	rel, ours := strings.CutPrefix(p, module+"/")
	if p == module {
		rel, ours = ".", true
	}
	if ours && !matches(r.ours, rel) {
		return "the table of deps_test.go and docs/architecture.md say which rooms it may know: " + allowed(r.ours)
	}
	if matches(r.banned, p) {
		return "this room does no input or output; let its caller pass in what it needs"
	}
	return ""
}

func allowed(ours []string) string {
	if len(ours) == 0 {
		return "none"
	}
	return strings.Join(ours, ", ")
}

func matches(patterns []string, p string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if below, ok := strings.CutSuffix(pattern, "*"); ok {
			return strings.HasPrefix(p, below)
		}
		return p == pattern
	})
}

type source struct {
	name, pkg string
	imports   []string
}

// sources lists the non-test files below root that belong to this module.
func sources(t *testing.T, root string) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipDir(d.Name(), name)
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		imports, err := importsOf(name)
		all = append(all, source{name: name, pkg: path.Dir(filepath.ToSlash(name)), imports: imports})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func importsOf(name string) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, spec := range file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		paths = append(paths, p)
	}
	return paths, nil
}

// skipDir leaves out what is no package of the module: hidden folders, test data, npm's packages, and the modules of
// their own below test and tools.
func skipDir(base, name string) error {
	switch {
	case name == ".":
		return nil
	case strings.HasPrefix(base, "."), base == "testdata", base == "node_modules", name == "bin", name == "test", name == "tools":
		return fs.SkipDir
	}
	return nil
}
