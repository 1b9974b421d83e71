package csms_test

import (
	"strings"
	"testing"

	"hayalet/internal/csms"
)

// TestTokensOfAnyLengthAreBoundedAndToldApart: what a station writes is part of a key of the book.
func TestTokensOfAnyLengthAreBoundedAndToldApart(t *testing.T) {
	long := strings.Repeat("ş", 5000)
	seen := map[string]string{}
	for _, tag := range []string{"", "A", strings.Repeat("x", 255), strings.Repeat("x", 256), long, long + "y", "z" + long} {
		token := csms.TokenOf(tag)
		if len(token) > 255 || len(tag) <= 255 && token != tag {
			t.Errorf("token of %d bytes: %q", len(tag), token)
		}
		if other, twice := seen[token]; twice {
			t.Errorf("two tags of %d and %d bytes have one token", len(other), len(tag))
		}
		seen[token] = tag
		if token != csms.TokenOf(tag) {
			t.Errorf("the token of %d bytes is not always the same", len(tag))
		}
	}
}
