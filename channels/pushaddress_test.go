package channels

import (
	"strings"
	"testing"
)

// The keys of RFC 8291, section 5.
const (
	sampleAuth   = "BTBZMqHH6r4Tts7J_aSIgg"
	sampleP256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	sampleKeys   = "#auth=" + sampleAuth + "&p256dh=" + sampleP256DH
)

func TestParsePushAddress(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"as it is kept":               {"https://updates.push.services.mozilla.com/wpush/v2/gAAAA:1_-?a=b%20c" + sampleKeys, true},
		"a port":                      {"https://push.example:8443/x" + sampleKeys, true},
		"tests on this machine":       {"http://127.0.0.1:4711/notify/3f" + sampleKeys, true},
		"the same by name and by six": {"http://[::1]:4711/notify/3f" + sampleKeys, true},
		"no TLS":                      {"http://push.example/x" + sampleKeys, false},
		"a name like this machine's":  {"http://localhost.example/x" + sampleKeys, false},
		"no keys":                     {"https://push.example/x", false},
		"the keys in another order":   {"https://push.example/x#p256dh=" + sampleP256DH + "&auth=" + sampleAuth, false},
		"something behind the keys":   {"https://push.example/x" + sampleKeys + "&more=1", false},
		"padding":                     {"https://push.example/x#auth=" + sampleAuth + "==&p256dh=" + sampleP256DH, false},
		"a secret of 15 bytes":        {"https://push.example/x#auth=" + sampleAuth[:20] + "&p256dh=" + sampleP256DH, false},
		"a point off the curve":       {"https://push.example/x#auth=" + sampleAuth + "&p256dh=" + sampleP256DH[:len(sampleP256DH)-4] + "AAAA", false},
		"a compressed point":          {"https://push.example/x#auth=" + sampleAuth + "&p256dh=AiVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcx", false},
		"a user in it":                {"https://user:pass@push.example/x" + sampleKeys, false},
		"no host":                     {"https:///x" + sampleKeys, false},
		"another scheme":              {"ftp://push.example/x" + sampleKeys, false},
		"a line break":                {"https://push.example/x\r\ny" + sampleKeys, false},
		"too long":                    {"https://push.example/" + strings.Repeat("x", longestEndpoint) + sampleKeys, false},
		"an empty fragment first":     {"https://push.example/x#" + sampleKeys, false},
		"the scheme in capitals":      {"HTTPS://push.example/x" + sampleKeys, false},
		"the host in capitals":        {"https://Push.example/x" + sampleKeys, false},
		"the usual port":              {"https://push.example:443/x" + sampleKeys, false},
		"a port of no digits":         {"https://push.example:/x" + sampleKeys, false},
		"no path":                     {"https://push.example" + sampleKeys, false},
		"nothing":                     {"", false},
	} {
		a, err := ParsePushAddress(c.text)
		if (err == nil) != c.ok || c.ok && a.String() != c.text {
			t.Errorf("%s: got %v, %v", name, a, err)
		}
		if err != nil && strings.Contains(err.Error(), "push.example") {
			t.Errorf("%s: the error repeats the address: %v", name, err)
		}
	}
}

func TestReadPushSubscription(t *testing.T) {
	const want = "https://push.example/x" + sampleKeys
	for name, text := range map[string]string{
		"as browsers write it":         `{"endpoint":"https://push.example/x","expirationTime":null,"keys":{"p256dh":"` + sampleP256DH + `","auth":"` + sampleAuth + `"}}`,
		"with the base64 of old times": `{"endpoint":"https://push.example/x","keys":{"p256dh":"` + strings.NewReplacer("-", "+", "_", "/").Replace(sampleP256DH) + `=","auth":"` + strings.NewReplacer("-", "+", "_", "/").Replace(sampleAuth) + `=="}}`,
	} {
		if a, err := ReadPushSubscription([]byte(text)); err != nil || a.String() != want {
			t.Errorf("%s: got %v, %v", name, a, err)
		}
	}
	for name, text := range map[string]string{
		"nothing": ``, "no keys": `{"endpoint":"https://push.example/x"}`, "a list": `[]`, "a number": `{"endpoint":1}`,
		"a fragment in the endpoint": `{"endpoint":"https://push.example/x#y","keys":{"p256dh":"` + sampleP256DH + `","auth":"` + sampleAuth + `"}}`,
		"too long":                   `{"endpoint":"https://push.example/` + strings.Repeat("x", 5000) + `"}`,
	} {
		if a, err := ReadPushSubscription([]byte(text)); err == nil {
			t.Errorf("%s: taken as %v", name, a)
		}
	}
}

func FuzzPushAddress(f *testing.F) {
	for _, seed := range []string{"https://push.example/x" + sampleKeys, "http://localhost:1/x" + sampleKeys, "https://a@b/x" + sampleKeys, "#auth=&p256dh=", "https://[::1%25eth0]/x" + sampleKeys} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParsePushAddress(text)
		if err != nil {
			return
		}
		if a.String() != text || len(a.Auth) != 16 || len(a.P256DH) != 65 {
			t.Fatalf("%q is %q", text, a)
		}
		if _, err := ReadPushSubscription([]byte(`{"endpoint":"` + a.Endpoint + `"}`)); err == nil {
			t.Fatal("taken without keys")
		}
	})
}
