package channeltest

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// StartPerl runs a Perl script of the folder peers, which stands on a module of
// the system (a Debian package), and returns when it listens. Where Perl or the
// module is missing, the test is skipped and says so. It ends with the test.
func StartPerl(t testing.TB, script, module, debian string, args ...string) *Peer {
	t.Helper()
	if err := exec.CommandContext(t.Context(), "perl", "-M"+module, "-MJSON::PP", "-e", "1").Run(); err != nil {
		t.Skipf("SKIP: Perl's %s is not installed (apt package %s): %s is not tested against", module, debian, script)
	}
	path := filepath.Join(ModuleDir(t), "channels", "channeltest", "peers", script)
	return startPeer(t, exec.Command("perl", append([]string{path}, args...)...), script)
}
