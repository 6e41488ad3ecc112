package webpush

import (
	"errors"
	"testing"

	"martinella/channels"
)

// A stranger chooses among the push services that are known, and no other host.
func TestStrangersSubscribeWithKnownServicesOnly(t *testing.T) {
	own := Config{Services: []string{"push.comune.example.it", ".unified.example.org"}}
	here := Config{AllowPrivate: true, Services: []string{"127.0.0.1", "localhost", "::1"}}
	for name, row := range map[string]struct {
		endpoint string
		config   Config
		want     bool
	}{
		"Chrome":                                  {"https://fcm.googleapis.com/fcm/send/abc", Config{}, true},
		"Chromium":                                {"https://jmt17.google.com/fcm/send/abc", Config{}, true},
		"Firefox":                                 {"https://updates.push.services.mozilla.com/wpush/v2/abc", Config{}, true},
		"Edge on Windows":                         {"https://wns2-par02p.notify.windows.com/w/?token=abc", Config{}, true},
		"Safari":                                  {"https://web.push.apple.com/abc", Config{}, true},
		"another one of Apple":                    {"https://api.push.apple.com/abc", Config{}, true},
		"a host of the stranger":                  {"https://evil.example.org/x", Config{}, false},
		"one that begins like a known one":        {"https://fcm.googleapis.com.evil.example.org/x", Config{}, false},
		"one that ends like a known one":          {"https://evilfcm.googleapis.com/x", Config{}, false},
		"one that ends like a known domain":       {"https://evilpush.apple.com/x", Config{}, false},
		"the domain itself, which is no service":  {"https://push.apple.com/x", Config{}, false},
		"another host of the same company":        {"https://www.google.com/x", Config{}, false},
		"a known one without TLS":                 {"http://fcm.googleapis.com/x", Config{}, false},
		"a known one at another port":             {"https://fcm.googleapis.com:8443/x", Config{}, false},
		"a public address":                        {"https://93.184.216.34/x", Config{}, false},
		"a private address":                       {"https://10.0.0.1/x", Config{}, false},
		"this machine":                            {"https://127.0.0.1/x", Config{}, false},
		"the metadata of a cloud":                 {"https://169.254.169.254/latest", Config{}, false},
		"the operator's own host":                 {"https://push.comune.example.it/x", own, true},
		"a host beside the operator's own":        {"https://www.comune.example.it/x", own, false},
		"a host of the operator's own domain":     {"https://eu.unified.example.org/x", own, true},
		"the browsers' with own ones beside them": {"https://web.push.apple.com/x", own, true},
		"a test's own":                            {"http://127.0.0.1:4711/x", here, true},
		"a test's own by six":                     {"http://[::1]:4711/x", here, true},
		"a test's own by name":                    {"http://localhost:4711/x", here, true},
		"another one while testing":               {"https://10.0.0.1/x", here, false},
		"a test that named none":                  {"http://127.0.0.1:4711/x", Config{AllowPrivate: true}, false},
	} {
		err := (&Channel{config: row.config}).Admit(channels.PushAddress{Endpoint: row.endpoint})
		if (err == nil) != row.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (&Channel{}).Admit(channels.PushAddress{Endpoint: "https://evil.example.org/x"}); !errors.Is(err, ErrService) {
		t.Errorf("a service that is not known gives %v", err)
	}
}

// The list of known services takes hosts and domains; this machine only in tests.
func TestServicesOfTheConfiguration(t *testing.T) {
	for name, row := range map[string]struct {
		service string
		private bool
		want    bool
	}{
		"a host":                     {"push.example.org", false, true},
		"a domain":                   {".example.org", false, true},
		"an address of a page":       {"https://push.example.org", false, false},
		"everything":                 {".", false, false},
		"a whole country":            {".it", false, false},
		"this machine":               {"127.0.0.1", false, false},
		"this machine by name":       {"localhost", false, false},
		"this machine, in a test":    {"127.0.0.1", true, true},
		"by name, in a test":         {"localhost", true, true},
		"an address of a page again": {"http://localhost", true, false},
	} {
		c := config(t)
		c.AllowPrivate, c.Services = row.private, []string{row.service}
		if _, err := c.check("push"); (err == nil) != row.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
