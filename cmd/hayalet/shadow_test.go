package main

import (
	"log/slog"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/lang"
)

// TestLogDoesNotWarnOfShadows: who watches the log for warnings is not woken by a rule in shadow mode.
func TestLogDoesNotWarnOfShadows(t *testing.T) {
	for _, shadow := range []bool{false, true} {
		var b strings.Builder
		l := &logListener{text: lang.New(lang.EN), log: slog.New(slog.NewTextHandler(&b, nil))}
		l.Judged(hayalet.Verdict{Kind: hayalet.Alarm, Rule: "PE-01", Shadow: shadow})
		l.Changed(hayalet.Incident{Rule: "PE-01", State: hayalet.Confirmed, Severity: hayalet.High, Shadow: shadow})
		if n := strings.Count(b.String(), "level=WARN"); n != map[bool]int{false: 2}[shadow] || strings.Count(b.String(), "\n") != 2 {
			t.Errorf("shadow %v: %d warnings in\n%s", shadow, n, b.String())
		}
	}
}
