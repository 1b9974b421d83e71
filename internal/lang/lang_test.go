package lang_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/lang"
)

var verb = regexp.MustCompile(`%(\[(\d+)\])?([sd])`)

// arguments lists the argument numbers and verbs that a text takes, sorted.
func arguments(text string) []string {
	var args []string
	next := 1
	for _, m := range verb.FindAllStringSubmatch(text, -1) {
		if m[2] != "" {
			next, _ = strconv.Atoi(m[2])
		}
		args = append(args, strconv.Itoa(next)+m[3])
		next++
	}
	slices.Sort(args)
	return args
}

func TestBothLanguagesTakeTheSameArguments(t *testing.T) {
	for key, texts := range lang.Keys() {
		if texts[0] == "" || texts[1] == "" {
			t.Errorf("%s: a language is missing", key)
		}
		if en, tr := arguments(texts[0]), arguments(texts[1]); !slices.Equal(en, tr) {
			t.Errorf("%s: English takes %v, Turkish %v", key, en, tr)
		}
	}
}

func TestEveryCodeHasASentence(t *testing.T) {
	p := lang.New(lang.TR)
	for s := hayalet.Info; s <= hayalet.Critical; s++ {
		mustHave(t, "severity."+s.String(), p.Severity(s))
	}
	for s := hayalet.Suspected; s <= hayalet.Closed; s++ {
		mustHave(t, "state."+s.String(), p.State(s))
	}
	for c := hayalet.Undetermined; c <= hayalet.Reported; c++ {
		mustHave(t, "cause."+c.String(), p.Cause(c))
	}
	for _, name := range hayalet.Evidence(^uint32(0)).Names() {
		mustHave(t, "evidence."+name, p.Evidence(name))
	}
	for _, r := range []hayalet.Reason{
		hayalet.ReasonAfterStop, hayalet.ReasonAfterInferred, hayalet.ReasonNoTransaction, hayalet.ReasonStaleID, hayalet.ReasonUpstream,
		hayalet.ReasonPaid, hayalet.ReasonHeld, hayalet.ReasonLateStart, hayalet.ReasonLateStop, hayalet.ReasonGlitch,
		hayalet.ReasonFlowEnded, hayalet.ReasonNewStart,
	} {
		mustHave(t, "reason."+string(r), p.Reason(r))
	}
}

func mustHave(t *testing.T, key, text string) {
	t.Helper()
	if text == key || text == "" {
		t.Errorf("%s has no sentence", key)
	}
}

// TestKeysInCodeExist finds every constant key that the code asks for.
func TestKeysInCodeExist(t *testing.T) {
	keys := lang.Keys()
	found := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil // not ours to judge
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "T" {
				return true
			}
			lit, ok := call.Args[0].(*ast.BasicLit)
			if !ok {
				return true
			}
			key, _ := strconv.Unquote(lit.Value)
			found++
			if _, ok := keys[key]; !ok {
				t.Errorf("%s asks for %q, which is not in the catalogue", path, key)
			}
			return true
		})
		return nil
	})
	if err != nil || found == 0 {
		t.Fatalf("found %d keys: %v", found, err)
	}
}

func TestFromEnv(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want lang.Lang
	}{
		{map[string]string{}, lang.EN},
		{map[string]string{"LANG": "tr_TR.UTF-8"}, lang.TR},
		{map[string]string{"LANG": "tr_TR.UTF-8", "LC_ALL": "C"}, lang.EN},
		{map[string]string{"LANG": "de_DE"}, lang.EN},
	} {
		if got := lang.FromEnv(func(k string) string { return c.env[k] }); got != c.want {
			t.Errorf("%v: got %s, want %s", c.env, got, c.want)
		}
	}
}
