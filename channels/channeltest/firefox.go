package channeltest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// preferences turn a fresh profile into a browser that talks to nobody but the
// test, whose push service is at the port, and that asks nothing.
func preferences(port int) string {
	var b strings.Builder
	for name, value := range map[string]string{
		"dom.push.serverURL": fmt.Sprintf(`"ws://localhost:%d/"`, port), "dom.push.enabled": "true", "dom.push.connection.enabled": "true",
		"dom.push.testing.allowInsecureServerURL": "true", "dom.push.testing.ignorePermission": "true", "dom.serviceWorkers.testing.enabled": "true",
		"permissions.default.desktop-notification": "1", "alerts.useSystemBackend": "false", "network.proxy.type": "0", "network.captive-portal-service.enabled": "false", "network.connectivity-service.enabled": "false",
		"app.update.enabled": "false", "app.update.auto": "false", "app.normandy.enabled": "false", "extensions.update.enabled": "false", "browser.search.update": "false",
		"datareporting.policy.dataSubmissionEnabled": "false", "datareporting.healthreport.uploadEnabled": "false", "toolkit.telemetry.enabled": "false", "toolkit.telemetry.unified": "false",
		"browser.safebrowsing.malware.enabled": "false", "browser.safebrowsing.phishing.enabled": "false", "browser.safebrowsing.downloads.enabled": "false",
		"services.settings.server": `"http://127.0.0.1:9/"`, "browser.shell.checkDefaultBrowser": "false", "browser.newtabpage.enabled": "false",
		"termsofuse.bypassNotification": "true", "trailhead.firstrun.didSeeAboutWelcome": "true", "browser.aboutwelcome.enabled": "false", "browser.preonboarding.enabled": "false",
	} {
		fmt.Fprintf(&b, "user_pref(%q, %s);\n", name, value)
	}
	return b.String()
}

// OpenFirefox opens a page in a Firefox of its own, whose push service is the
// script push-browser.js at the port, until the test ends. Without Firefox the
// test is skipped and says so.
func OpenFirefox(t testing.TB, port int, page string) {
	t.Helper()
	program, err := exec.LookPath("firefox-esr")
	if err != nil {
		t.Skip("SKIP: firefox-esr is not installed: what a browser does with our messages is not tested")
	}
	home := t.TempDir()
	profile := filepath.Join(home, "profile")
	if err := os.Mkdir(profile, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(preferences(port)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--headless", "--no-remote", "--profile", profile, page)
	cmd.Env = append(os.Environ(), "MOZ_HEADLESS=1", "HOME="+home, "MOZ_CRASHREPORTER_DISABLE=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it starts others, which must end with it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
}
