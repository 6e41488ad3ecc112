package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// An alert that nobody gets is no success, and has no page to look at; one that
// the page shows needs no channel.
func TestSendSaysWhetherAnybodyIsReached(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "")
	s := open(t, dir, config)
	key := s.key(t, "office", "--can", "issue,read", "--self-approve")
	public := string(exercise(fixture(t)))
	restricted := strings.Replace(string(exercise(fixture(t))), "<scope>Public</scope>", "<scope>Restricted</scope><restriction>volontari</restriction>", 1)
	for name, c := range map[string]struct {
		message string
		exit    int
		says    string
		page    bool
	}{
		"public":     {public, exitDone, "stands on the page", true},
		"restricted": {restricted, exitRefused, "reaches nobody", false},
	} {
		file := write(t, filepath.Join(dir, name+".xml"), c.message)
		code, out, errOut := command(t, "send", file, "--url", s.Public, "--key-file", key)
		if code != c.exit || !strings.Contains(out, c.says) || strings.Contains(out, "page: ") != c.page {
			t.Errorf("%s: exit %d, want %d\n%s%s", name, code, c.exit, out, errOut)
		}
		if !c.page && !strings.Contains(errOut, "reaches nobody") {
			t.Errorf("%s: the error says %q", name, errOut)
		}
	}
}
