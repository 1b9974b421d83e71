package csms_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"hayalet/internal/csms"
)

// writes are calls whose answer stands on what the book holds.
var writes = []string{
	`[2,"1","BootNotification",{"chargePointModel":"M","chargePointVendor":"V"}]`,
	`[2,"1","StartTransaction",{"connectorId":1,"idTag":"A","meterStart":10,"timestamp":"2025-11-23T19:20:59Z"}]`,
	`[2,"1","StopTransaction",{"meterStop":12,"timestamp":"2025-11-23T19:21:02Z","transactionId":1}]`,
}

// TestNobodyIsAnsweredWhileTheBookCannotBeWritten: neither with a result nor with an error, after which some stations
// forget what they had to tell.
func TestNobodyIsAnsweredWhileTheBookCannotBeWritten(t *testing.T) {
	for _, call := range writes {
		synctest.Test(t, func(t *testing.T) {
			ledger, link := new(fakeLedger), new(fakeLink)
			c, p := open(t, csms.Config{}, ledger, link)
			defer p.Closed()
			if err := p.Receive(t.Context(), []byte(writes[1])); err != nil {
				t.Fatal(err)
			}
			link.take()
			ledger.breaks(true)
			done := make(chan error, 1)
			go func() { done <- p.Receive(t.Context(), []byte(call)) }()
			time.Sleep(time.Minute)
			if got := link.take(); len(got) > 0 {
				t.Errorf("answered %q", got)
			}
			if err := c.Ready(); !errors.Is(err, errDisk) {
				t.Errorf("ready: %v, want %v", err, errDisk)
			}
			ledger.breaks(false)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if got := link.take(); !slices.EqualFunc([]string{`[3,"1",*`}, got, matches) {
				t.Errorf("answered %q, want one result", got)
			}
			if err := c.Ready(); err != nil {
				t.Errorf("ready: %v", err)
			}
		})
	}
}

// TestAStationThatGoesIsNotWaitedFor: what it said is not answered, and the book's trouble ends with the last who waits.
func TestAStationThatGoesIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := new(fakeLink)
		c, p := open(t, csms.Config{}, &fakeLedger{fails: true}, link)
		defer p.Closed()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Receive(ctx, []byte(writes[1])) }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("receive: %v, want %v", err, context.Canceled)
		}
		if got := link.take(); len(got) > 0 {
			t.Errorf("answered %q", got)
		}
		if err := c.Ready(); err != nil {
			t.Errorf("ready: %v", err)
		}
	})
}
