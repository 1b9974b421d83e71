package detect

import "hayalet"

// Site is what a site rule remembers of a connector.
type Site struct {
	Rule  hayalet.RuleName
	Since hayalet.Instant // event time from which its condition has held; zero: it does not
	Open  bool
	Wake  hayalet.Instant
}
