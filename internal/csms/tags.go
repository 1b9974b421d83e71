package csms

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"hayalet"
)

// maxTag is the length of an idToken in characters [2.1 part 2 §2]. An idTag of 1.6 has at most 20, an idToken of 2.0.1 36.
const maxTag = 255

// Tags is a list of accepted idTags, which 2.x calls idTokens. They are compared without regard to case [1.6 §7.28, 2.x
// part 2 §2]. A nil list accepts all.
type Tags struct {
	known map[string]struct{}
}

// ReadTags reads one idTag a line. Blank lines and lines that begin with # are skipped.
func ReadTags(r io.Reader) (*Tags, error) {
	t := &Tags{known: map[string]struct{}{}}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		tag := strings.TrimSpace(lines.Text())
		if tag == "" || tag[0] == '#' {
			continue
		}
		if utf8.RuneCountInString(tag) > maxTag {
			return nil, fmt.Errorf("line %d: an idTag has at most %d characters: %w", n, maxTag, hayalet.ErrInvalid)
		}
		t.known[strings.ToLower(tag)] = struct{}{}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read tags: %w", err)
	}
	return t, nil
}

// Accepts reports whether the tag is on the list.
func (t *Tags) Accepts(tag string) bool {
	if t == nil {
		return true
	}
	_, ok := t.known[strings.ToLower(tag)]
	return ok
}
