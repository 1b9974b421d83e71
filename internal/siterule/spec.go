package siterule

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"hayalet"
)

// Spec is a site rule as an operator writes it.
type Spec struct {
	ID         hayalet.RuleName
	When       string        // the condition, in CEL
	For        time.Duration // event time for which it must hold; 0: at once
	Severity   hayalet.Severity
	Connectors []hayalet.ConnectorID // empty: all outlets, which connector 0 is not
}

var idForm = regexp.MustCompile(`^[A-Z0-9][A-Za-z0-9_-]{0,39}$`)

// reserved are the beginnings of ids that the catalogue has or will have.
var reserved = []string{"PE-", "MT-", "TX-", "ID-", "NW-", "CF-", "SC-", "TI-"}

// maxHold bounds the hold time: a condition over more than a month is not watched by an open connection.
const maxHold = 31 * 24 * time.Hour

// CheckID refuses an id that could be taken for another thing.
func CheckID(id hayalet.RuleName) error {
	if !idForm.MatchString(string(id)) {
		return fmt.Errorf("id %q: want 1 to 40 of A-Z, a-z, 0-9, _ and -, the first a capital or a digit", id)
	}
	if slices.ContainsFunc(reserved, func(p string) bool { return strings.HasPrefix(string(id), p) }) {
		return fmt.Errorf("id %q: ids that begin with %s are for the catalogue; write SITE-... for example", id, id[:3])
	}
	return nil
}

func (s *Spec) validate() error {
	if err := CheckID(s.ID); err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(s.When) == "":
		return fmt.Errorf("when is empty: want a condition such as !tx_active && power_w > 500.0")
	case s.For < 0 || s.For > maxHold:
		return fmt.Errorf("for %v: want 0s to %v", s.For, maxHold)
	case slices.ContainsFunc(s.Connectors, func(c hayalet.ConnectorID) bool { return c < 0 }):
		return fmt.Errorf("connectors %v: want 0 and up", s.Connectors)
	}
	return nil
}
