package main

import (
	"strings"
	"testing"

	"martinella/alerts"
)

func TestWhatAnApproverReadsCannotSteerTheTerminal(t *testing.T) {
	var out strings.Builder
	describe(shell{out: &out}, view{Alert: &alerts.Alert{Infos: []alerts.Info{{
		Event: "Piena\x1b[2J", Headline: "a\u202eb", Description: "prima\nseconda\r\x07", Severity: alerts.SeveritySevere,
	}}}})
	if got := out.String(); strings.ContainsAny(got, "\x1b\r\x07\u202e") || !strings.Contains(got, "Piena\ufffd[2J") || !strings.Contains(got, "prima\n  seconda") {
		t.Errorf("got %q", got)
	}
}
