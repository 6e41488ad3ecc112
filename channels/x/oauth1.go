package x

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 5849 section 3.4.2 has no other hash, and X takes no other method
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"martinella/channels"
)

// userToken signs each call for the account's access token: OAuth 1.0a,
// RFC 5849. It may be used from many goroutines.
type userToken struct {
	consumerKey, consumerSecret string
	token, tokenSecret          string

	call *channels.Caller
}

func newUserToken(u userToken) *userToken {
	u.call = channels.NewCaller(platform, redacted(u.consumerKey, u.consumerSecret, u.token, u.tokenSecret)...)
	return &u
}

func (u *userToken) authorize(_ context.Context, method, address string) (string, *channels.Caller, error) {
	own := parameters{
		{"oauth_consumer_key", u.consumerKey},
		{"oauth_nonce", rand.Text()},
		{"oauth_signature_method", "HMAC-SHA1"},
		{"oauth_timestamp", strconv.FormatInt(time.Now().Unix(), 10)},
		{"oauth_token", u.token},
		{"oauth_version", "1.0"},
	}
	base, err := signatureBase(method, address, own)
	if err != nil {
		return "", nil, channels.Permanent(err)
	}
	own = append(own, parameter{"oauth_signature", sign(base, u.consumerSecret, u.tokenSecret)})
	return own.header(), u.call, nil
}

// refused has nothing to offer: these tokens are right or wrong.
func (u *userToken) refused(string) bool { return false }

func (u *userToken) trouble() error { return nil }

func (u *userToken) renewal() string {
	return "Sign in at console.x.com as the owner of the application, open it, see under user authentication settings that it may read and write, and make the access token and secret anew under Keys and tokens. Put them into the files of token_file and token_secret_file (and the API key and secret into consumer_key_file and consumer_secret_file, if they were made anew), then start the gateway again."
}

// parameter is a name and a value, decoded.
type parameter struct{ name, value string }

type parameters []parameter

// header is the value of Authorization (RFC 5849 section 3.5.1).
func (ps parameters) header() string {
	parts := make([]string, 0, len(ps))
	for _, p := range ps {
		parts = append(parts, encode(p.name)+`="`+encode(p.value)+`"`)
	}
	return "OAuth " + strings.Join(parts, ", ")
}

// signatureBase builds the string that is signed (RFC 5849 section 3.4.1): the
// method, the address without its query, and the parameters of the query and of
// the header. A body counts only where it is a form (section 3.4.1.3.1), which
// no signed call of ours has.
func signatureBase(method, address string, more parameters) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("x: an address that cannot be signed")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", fmt.Errorf("x: an address with a query that cannot be signed")
	}
	pairs := make([]string, 0, len(more)+len(query))
	for _, p := range more {
		pairs = append(pairs, encode(p.name)+"="+encode(p.value))
	}
	for name, values := range query {
		for _, v := range values {
			pairs = append(pairs, encode(name)+"="+encode(v))
		}
	}
	// By encoded name, then by encoded value; "=" is not in either, and "%" and
	// "&" sort before it, so whole pairs must not be compared.
	slices.SortFunc(pairs, func(a, b string) int {
		an, av, _ := strings.Cut(a, "=")
		bn, bv, _ := strings.Cut(b, "=")
		if n := strings.Compare(an, bn); n != 0 {
			return n
		}
		return strings.Compare(av, bv)
	})
	return strings.ToUpper(method) + "&" + encode(baseAddress(u)) + "&" + encode(strings.Join(pairs, "&")), nil
}

// baseAddress is the address as it is signed (RFC 5849 section 3.4.1.2): small
// letters in scheme and host, no usual port, no query.
func baseAddress(u *url.URL) string {
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	for usual, port := range map[string]string{"http": ":80", "https": ":443"} {
		if scheme == usual {
			host = strings.TrimSuffix(host, port)
		}
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + path
}

// sign is HMAC-SHA1 under both secrets (RFC 5849 section 3.4.2).
func sign(base, consumerSecret, tokenSecret string) string {
	mac := hmac.New(sha1.New, []byte(encode(consumerSecret)+"&"+encode(tokenSecret)))
	mac.Write([]byte(base))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// encode escapes every byte but letters, digits and "-._~" (RFC 5849 section
// 3.6), which net/url does not quite do.
func encode(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

// redacted gives secrets in every spelling that an answer could repeat.
func redacted(secrets ...string) []string {
	var all []string
	for _, s := range secrets {
		if s == "" {
			continue
		}
		all = append(all, s)
		if e := encode(s); e != s {
			all = append(all, e)
		}
		if e := url.QueryEscape(s); e != s && e != encode(s) {
			all = append(all, e)
		}
	}
	return all
}

var _ credential = (*userToken)(nil)

// skew says when the platform's clock and ours differ so much that it refuses
// signatures; "" where they do not.
func skew(header http.Header, now time.Time) string {
	at, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return ""
	}
	if d := now.Sub(at).Round(time.Minute); d >= 2*time.Minute || d <= -2*time.Minute {
		return fmt.Sprintf("; this machine's clock differs from X's by %s: set it, or no signature is believed", d)
	}
	return ""
}
