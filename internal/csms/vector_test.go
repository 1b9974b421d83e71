package csms_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/csms"
)

// vector is one text file: a header, an empty line, then what the station sends (>) and what it must get back (<). A *
// in an answer stands for any text. Where no answer follows a message, none may be sent.
type vector struct {
	header map[string]string
	turns  []turn
}

type turn struct {
	message string
	answers []string
}

func readVector(t testing.TB, path string) vector {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, body, ok := strings.Cut(string(text), "\n\n")
	if !ok {
		t.Fatal("no empty line after the header")
	}
	v := vector{header: map[string]string{}}
	for line := range strings.SplitSeq(head, "\n") {
		key, value, _ := strings.Cut(line, ":")
		if !slices.Contains([]string{"name", "version", "expect", "tags", "ledger"}, key) {
			t.Fatalf("unknown header %q", key)
		}
		v.header[key] = strings.TrimSpace(value)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(body), "\n") {
		switch kind, text := line[:2], line[2:]; kind {
		case "> ":
			v.turns = append(v.turns, turn{message: text})
		case "< ":
			last := &v.turns[len(v.turns)-1]
			last.answers = append(last.answers, text)
		default:
			t.Fatalf("bad line %q", line)
		}
	}
	return v
}

func matches(pattern, text string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == text
	}
	return len(text) >= len(before)+len(after) && strings.HasPrefix(text, before) && strings.HasSuffix(text, after)
}

func TestVectors(t *testing.T) {
	paths, _ := filepath.Glob("testdata/*.txt")
	if len(paths) < 20 {
		t.Fatalf("only %d vectors", len(paths))
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			runVector(t, readVector(t, path))
		})
	}
}

func runVector(t *testing.T, v vector) {
	cfg := csms.Config{}
	if list, ok := v.header["tags"]; ok {
		tags, err := csms.ReadTags(strings.NewReader(strings.ReplaceAll(list, ",", "\n")))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Tags = tags
	}
	ledger := new(fakeLedger)
	link := &fakeLink{protocol: hayalet.Protocol("ocpp" + v.header["version"])}
	_, p := open(t, cfg, ledger, link)
	defer p.Closed()
	expect(t, v)
	for _, turn := range v.turns {
		if err := p.Receive(t.Context(), []byte(turn.message)); err != nil {
			t.Fatal(err)
		}
		if got := link.take(); !slices.EqualFunc(turn.answers, got, matches) {
			t.Errorf("%s\n got %q\nwant %q", turn.message, got, turn.answers)
		}
	}
	if want, ok := v.header["ledger"]; ok && ledger.String() != want {
		t.Errorf("book\n got %s\nwant %s", ledger, want)
	}
}

// expect checks that the header says what the first turn shows.
func expect(t *testing.T, v vector) {
	t.Helper()
	want := "none"
	if first := v.turns[0].answers; len(first) > 0 {
		want = "result"
		if parts := strings.Split(first[0], ","); parts[0] == "[4" {
			want = "error " + strings.Trim(parts[2], `"`)
		}
	}
	if v.header["expect"] != want || v.header["version"] == "" || v.header["name"] == "" {
		t.Errorf("header %v: want a version, a name, and expect: %s", v.header, want)
	}
}
