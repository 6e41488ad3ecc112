package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What govulncheck finds decides, and a search that did not happen is never
// taken for one that found nothing. A script plays govulncheck.
func TestASearchForVulnerabilitiesSaysWhatItSaw(t *testing.T) {
	for name, c := range map[string]struct {
		plays string
		code  int
		says  string
	}{
		"nothing is called": {"echo No vulnerabilities found.", 0, "No vulnerabilities found."},
		"one is called":     {"echo Vulnerability 1; exit 3", 1, "known vulnerability"},
		"the database is out of reach": {
			`echo 'govulncheck: fetching vulnerabilities: Get "https://vuln.go.dev/index/modules.json.gz": dial tcp: lookup vuln.go.dev: no such host'; exit 1`,
			75, "NOT looked for",
		},
		"the program does not compile": {"echo 'undefined: x'; exit 1", 1, "govulncheck ended with 1"},
	} {
		t.Run(name, func(t *testing.T) {
			player := filepath.Join(t.TempDir(), "govulncheck")
			if err := os.WriteFile(player, []byte("#!/bin/sh\n"+c.plays+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			search := exec.Command("../../.ci/vuln")
			search.Env = append(os.Environ(), "GOVULNCHECK="+player)
			out, err := search.CombinedOutput()
			code := 0
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				code = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if code != c.code || !strings.Contains(string(out), c.says) {
				t.Errorf("ended with %d, want %d and %q:\n%s", code, c.code, c.says, out)
			}
		})
	}
}
