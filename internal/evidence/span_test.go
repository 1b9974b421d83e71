package evidence_test

import (
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/evidence"
)

// TestCaseTakesWhatIsKept: baseline and opening are in every case, however far apart they are, and no case takes what
// retention would not have kept for it.
func TestCaseTakesWhatIsKept(t *testing.T) {
	hour := func(n int) hayalet.Instant { return begin.Add(time.Duration(n) * time.Hour) }
	for _, baseline := range []int{-1000, -169, -30, 0, 2} {
		for _, transaction := range []int{-2000, -1010, -50, -3, 1} {
			for _, ended := range []int{0, 1, 300} {
				inc := hayalet.Incident{Station: station, BaselineAt: hour(baseline), OpenedAt: hour(0), UpdatedAt: hour(0)}
				if ended > 0 {
					inc.State, inc.EndedAt, inc.LastAt = hayalet.Closed, hour(ended), hour(ended)
				}
				w, kept := evidence.Around(&inc, hour(transaction), hour(400)), evidence.Kept(inc.Span())
				if w.Since < kept.Since || w.Until > kept.Until || w.Since > min(hour(baseline), hour(0)).Add(-time.Hour) || w.Until < hour(ended).Add(10*time.Minute) {
					t.Errorf("baseline %d h, transaction %d h, end %d h: %v to %v, kept are %v to %v", baseline, transaction, ended, w.Since, w.Until, kept.Since, kept.Until)
				}
			}
		}
	}
}
