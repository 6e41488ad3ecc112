package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// The measure of the page answers without an error, for every server that is
// there; how fast is for people to read.
func TestBenchPage(t *testing.T) {
	needRedis(t)
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), bin, "bench", "page", "--rounds", "2", "--requests", "200", "--connections", "4", "--json")
	var errs record
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		var f pageFigures
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		seen[f.Answer+" "+f.Server] = true
		if f.PerSecond <= 0 || f.OverBare <= 0 || f.Errors != 0 || f.Requests != 400 {
			t.Errorf("%+v", f)
		}
		if f.Answer == "page" && (f.Bytes < 500 || f.Bytes > 14<<10) {
			t.Errorf("the page has %d bytes", f.Bytes)
		}
	}
	for _, want := range []string{"page martinella", "page bare", "304 martinella", "304 bare"} {
		if !seen[want] {
			t.Errorf("%s was not measured", want)
		}
	}
}

func TestBenchPageRefuses(t *testing.T) {
	for _, args := range [][]string{{"--rounds", "0"}, {"--requests", "-1"}, {"--connections", "20000"}, {"--url", "https://allerta.comune.example"}} {
		code, _, stderr := command(t, append([]string{"bench", "page"}, args...)...)
		if code != exitUsage || !strings.Contains(stderr, "hint: ") {
			t.Errorf("%v: %d %s", args, code, stderr)
		}
	}
	if code, _, stderr := command(t, "bench", "bare"); code != exitUsage {
		t.Errorf("bare without an answer: %d %s", code, stderr)
	}
}
