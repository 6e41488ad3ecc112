package twilio

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio signs with it
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// SignatureHeader carries the signature of a request of Twilio to us.
const SignatureHeader = "X-Twilio-Signature"

// Verify reports whether Twilio signed a POST to the address: HMAC-SHA1 under
// the account's auth token over the address as Twilio was given it, and the
// parameters of the form in their order, each name with its value
// (twilio.com/docs/usage/security, "Validating requests"). A proxy in front of
// us changes host and scheme, so address is made of the configured public one,
// with the query of the request; the scheme's own port may stand in it or not.
// Nothing is true of an empty token. The comparison takes the same time whatever
// is wrong.
func Verify(authToken, address string, form url.Values, signature string) bool {
	given, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || authToken == "" {
		return false
	}
	var params strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			params.WriteString(name + v)
		}
	}
	ok := false
	for _, a := range spellings(address) {
		ok = hmac.Equal(given, sign(authToken, a+params.String())) || ok
	}
	return ok
}

func sign(authToken, text string) []byte {
	mac := hmac.New(sha1.New, []byte(authToken))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// spellings gives an address as it is, and with or without its scheme's port.
func spellings(address string) []string {
	u, err := url.Parse(address)
	if err != nil {
		return []string{address}
	}
	port := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	prefix := u.Scheme + "://" + u.Host
	rest, plain := strings.CutPrefix(address, prefix)
	switch {
	case !plain || port == "":
		return []string{address}
	case u.Port() == "":
		return []string{address, prefix + ":" + port + rest}
	case u.Port() == port:
		return []string{address, strings.TrimSuffix(prefix, ":"+port) + rest}
	}
	return []string{address}
}
