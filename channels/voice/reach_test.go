package voice

import "testing"

// The hook of an address that nobody outside can reach is none: a provider that
// is given one calls nobody, or asks for a key that it cannot report.
func TestHookURL(t *testing.T) {
	for public, want := range map[string]string{
		"https://allerta.comune.example":   "https://allerta.comune.example/hooks/calls",
		"https://allerta.comune.example/":  "https://allerta.comune.example/hooks/calls",
		"https://203.0.113.7:8443":         "https://203.0.113.7:8443/hooks/calls",
		"":                                 "",
		"http://localhost:8080":            "",
		"http://127.0.0.1:8080":            "",
		"http://192.168.1.10":              "",
		"http://[fd00::1]:8080":            "",
		"http://0.0.0.0:8080":              "",
		"allerta.comune.example/no/scheme": "",
	} {
		if got := hookURL(public, "calls"); got != want {
			t.Errorf("%q: got %q, want %q", public, got, want)
		}
	}
}
