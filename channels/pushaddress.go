package channels

import (
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// PushAddress is where one browser is reached by Web Push: the contact of kind
// "push". It is kept as one text, of which there is only one spelling, so that
// a person is found by it:
//
//	https://push.example/wpush/v2/gAAAA...#auth=BTBZMqHH6r4Tts7J_aSIgg&p256dh=BCVxsr7N...
//
// that is the endpoint (RFC 8030), and behind it, where no server sees it, the
// two keys of RFC 8291 in base64url without padding.
type PushAddress struct {
	Endpoint string // https; http for this machine alone, which tests use
	Auth     []byte // the authentication secret, 16 bytes
	P256DH   []byte // the browser's public key, an uncompressed point of P-256, 65 bytes
}

// ErrPushAddress is the error of what is no [PushAddress]. It does not repeat
// the text: an endpoint is a capability.
var ErrPushAddress = errors.New("it is not the subscription of a browser: an https endpoint with the keys auth and p256dh")

// The sizes of a push address. Endpoints in use have up to about 800 bytes.
const (
	longestEndpoint = 2048
	authSize        = 16 // RFC 8291, section 3.2
)

// ParsePushAddress reads a contact of kind "push", strictly.
func ParsePushAddress(text string) (PushAddress, error) {
	endpoint, keys, _ := strings.Cut(text, "#")
	rest, ok := strings.CutPrefix(keys, "auth=")
	auth, p256dh, also := strings.Cut(rest, "&p256dh=")
	if !ok || !also {
		return PushAddress{}, ErrPushAddress
	}
	a, err := newPushAddress(endpoint, auth, p256dh)
	if err != nil || a.String() != text {
		return PushAddress{}, ErrPushAddress
	}
	return a, nil
}

// ReadPushSubscription reads what a browser gives of its subscription
// (PushSubscription.toJSON of the Push API).
func ReadPushSubscription(b []byte) (PushAddress, error) {
	var in struct {
		Endpoint string `json:"endpoint"`
		Keys     struct {
			Auth   string `json:"auth"`
			P256DH string `json:"p256dh"`
		} `json:"keys"`
	}
	if len(b) > 2*longestEndpoint || json.Unmarshal(b, &in) != nil {
		return PushAddress{}, ErrPushAddress
	}
	return newPushAddress(in.Endpoint, unpadded(in.Keys.Auth), unpadded(in.Keys.P256DH))
}

// unpadded turns the base64 of older browsers into base64url.
func unpadded(s string) string {
	return strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(s, "="))
}

func newPushAddress(endpoint, auth, p256dh string) (PushAddress, error) {
	a := PushAddress{Endpoint: endpoint}
	var errA, errP error
	a.Auth, errA = base64.RawURLEncoding.Strict().DecodeString(auth)
	a.P256DH, errP = base64.RawURLEncoding.Strict().DecodeString(p256dh)
	if errA != nil || errP != nil || len(a.Auth) != authSize || !endpointForm(endpoint) {
		return PushAddress{}, ErrPushAddress
	}
	if _, err := ecdh.P256().NewPublicKey(a.P256DH); err != nil { // also not a point of the curve
		return PushAddress{}, ErrPushAddress
	}
	return a, nil
}

// endpointForm judges the form of an endpoint, not where it leads.
func endpointForm(endpoint string) bool {
	if len(endpoint) > longestEndpoint || strings.ContainsFunc(endpoint, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return false
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Opaque != "" || u.Fragment != "" || strings.HasSuffix(endpoint, "#") {
		return false
	}
	if !strings.HasPrefix(endpoint, u.Scheme+"://"+strings.ToLower(u.Host)+"/") || u.Port() == "443" || strings.HasSuffix(u.Host, ":") {
		return false // another spelling than the one that browsers give (WHATWG URL, section 4.5)
	}
	return u.Scheme == "https" || u.Scheme == "http" && hereOnly(u.Hostname())
}

// hereOnly tells names of this machine, without asking anybody.
func hereOnly(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// String is the contact as it is kept. It is personal data: never log it.
func (a PushAddress) String() string {
	return a.Endpoint + "#auth=" + base64.RawURLEncoding.EncodeToString(a.Auth) + "&p256dh=" + base64.RawURLEncoding.EncodeToString(a.P256DH)
}
