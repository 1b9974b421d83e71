package journal_test

import (
	"strings"
	"testing"

	"hayalet/internal/journal"
)

func TestPinsAreReadBack(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	if p, err := journal.ParsePin("7:" + hash); err != nil || p.String() != "7:"+hash {
		t.Errorf("%v: %v", p, err)
	}
	for _, bad := range []string{"", "7", "7:", ":" + hash, "0:" + hash, "-1:" + hash, "7:" + hash[2:], "7:" + hash + "00", "7:x" + hash[1:], "7:" + hash + ":"} {
		if p, err := journal.ParsePin(bad); err == nil {
			t.Errorf("%q is read as %v", bad, p)
		}
	}
}

// FuzzPin: what is read means what was written.
func FuzzPin(f *testing.F) {
	f.Add("7:" + strings.Repeat("0a", 32))
	f.Add("007:" + strings.Repeat("0A", 32))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := journal.ParsePin(text)
		if err != nil {
			return
		}
		if again, err := journal.ParsePin(p.String()); err != nil || again != p {
			t.Errorf("%q: %v reads back as %v: %v", text, p, again, err)
		}
	})
}
