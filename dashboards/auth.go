package dashboards

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/dashboards/signin"
)

// caller is who sent a request, and how that is known.
type caller struct {
	alerts.Person
	// SentWithin is for signatures over the alert alone, which could be
	// replayed (DECISIONS 18); 0 for the others.
	SentWithin time.Duration
	// Verified is the alert read from what an XML signature covers; nil for
	// the others.
	Verified *cap.Document
	// Session is that of a member of staff; nil for the others.
	Session *signin.Session
}

// Signer is somebody who is known by the certificate with which their alerts
// are signed.
type Signer struct {
	Certificate *x509.Certificate // pinned: equal, not chained
	Person      alerts.Person
}

// signedWithin is how far the date of an alert that is known by its XML
// signature alone may be from now (DECISIONS 18).
const signedWithin = 10 * time.Minute

// headerTolerance is how far the t of Martinella-Signature may be from now.
const headerTolerance = 5 * time.Minute

// errUnauthenticated says that nobody known sent the request; detail is for
// the sender and tells no secret.
type errUnauthenticated struct{ detail string }

func (e errUnauthenticated) Error() string { return e.detail }

// errBarred says that too many requests without a valid credential came from
// this address.
type errBarred struct{ wait time.Duration }

func (e errBarred) Error() string { return "too many attempts without a valid key from this address" }

// authenticator finds out who calls. The token is compared by looking up its
// SHA-256, so the time of an answer tells nothing about a token that is almost
// right.
type authenticator struct {
	s        *Server
	perKey   *buckets
	failures *buckets // by address; nil where addresses are not known
	verify   func(ctx context.Context, b []byte, pinned []*x509.Certificate, now time.Time) cap.Signature
}

func newAuthenticator(s *Server) *authenticator {
	a := &authenticator{s: s, verify: cap.NewVerifier().Verify}
	if s.KeyRate > 0 {
		a.perKey = newBuckets(s.KeyRate, s.KeyBurst)
	}
	if s.Direct || len(s.TrustedProxies) > 0 {
		a.failures = newBuckets(1.0/3, 20)
	}
	return a
}

type callerKey struct{}

// require lets a request pass to serve when its sender is known and may do
// verb at all. What exactly a person may do, the desk decides.
func (a *authenticator) require(verb alerts.Verb, serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := a.identify(w, r)
		var unknown errUnauthenticated
		var barred errBarred
		switch {
		case errors.As(err, &barred):
			a.s.tooMany(w, barred.wait, barred.Error())
			return
		case errors.As(err, &unknown):
			if wait := a.failed(r, (*buckets).take); wait > 0 {
				a.s.tooMany(w, wait, errBarred{}.Error())
				return
			}
			a.s.unauthorized(w, unknown.detail)
			return
		case err != nil:
			a.s.fail(w, r, err)
			return
		}
		if a.perKey != nil {
			if wait := a.perKey.take(c.ID); wait > 0 {
				a.s.tooMany(w, wait, "this key sends too many requests")
				return
			}
		}
		if !c.Can(verb) {
			a.s.fail(w, r, &alerts.Refusal{Kind: alerts.ErrForbidden, Problems: alerts.Problems{{Field: "key", Problem: "lacks the right to " + string(verb), Hint: "use a key made with --can " + string(verb)}}})
			return
		}
		serve(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
	})
}

// failed asks the bucket of the failures from the request's address; 0 where
// addresses are not known.
func (a *authenticator) failed(r *http.Request, ask func(*buckets, string) time.Duration) time.Duration {
	address, known := a.s.address(r)
	if !known || a.failures == nil {
		return 0
	}
	return ask(a.failures, address.String())
}

// callerOf gives who passed [authenticator.require].
func callerOf(r *http.Request) *caller { return r.Context().Value(callerKey{}).(*caller) }

// identify reads the credentials. For a signature it has to read the body,
// which it puts back.
func (a *authenticator) identify(w http.ResponseWriter, r *http.Request) (*caller, error) {
	now := time.Now()
	if token, given, err := bearer(r.Header.Values("Authorization")); given || err != nil {
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256([]byte(token))
		key, err := a.s.Keys.ByToken(r.Context(), hex.EncodeToString(sum[:]))
		if errors.Is(err, alerts.ErrNotFound) || (err == nil && !key.Live(now)) {
			return nil, errUnauthenticated{"the key is not known here, or no longer valid"}
		}
		if err != nil {
			return nil, err
		}
		return &caller{Person: key.Person}, nil
	}
	if c := a.s.console; c != nil && c.token(r) != "" {
		return c.caller(r)
	}
	if !signable(r) {
		return nil, errUnauthenticated{"no key was given"}
	}
	if header := r.Header.Get("Martinella-Signature"); header != "" {
		return a.signed(w, r, header, now)
	}
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); len(a.s.Signers) > 0 && strings.HasSuffix(media, "xml") {
		return a.sealed(w, r)
	}
	return nil, errUnauthenticated{"no key and no signature were given"}
}

// signable: signatures are accepted where alerts come in, and nowhere else
// (DECISIONS 34).
func signable(r *http.Request) bool {
	return r.Method == http.MethodPost && (r.URL.Path == "/api/v1/alerts" || r.URL.Path == "/api/v1/alerts/check")
}

// bearer reads Authorization: Bearer mk_... (RFC 6750 section 2.1).
func bearer(headers []string) (token string, given bool, err error) {
	if len(headers) == 0 {
		return "", false, nil
	}
	if len(headers) > 1 {
		return "", true, errUnauthenticated{"more than one Authorization header was given"}
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(token, "mk_") || len(token) > 200 {
		return "", true, errUnauthenticated{"the Authorization header is not Bearer mk_..."}
	}
	return token, true, nil
}

func (a *authenticator) signed(w http.ResponseWriter, r *http.Request, header string, now time.Time) (*caller, error) {
	sig, err := parseSignature(header)
	if err != nil {
		return nil, err
	}
	key, secret, err := a.s.Keys.BySigner(r.Context(), sig.key)
	if errors.Is(err, alerts.ErrNotFound) || (err == nil && (!key.Live(now) || len(secret) == 0)) {
		return nil, errUnauthenticated{"the signing key is not known here, or no longer valid"}
	}
	if err != nil {
		return nil, err
	}
	body, err := a.body(w, r, key.Person.ID)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(sig.stamp + "."))
	mac.Write(body)
	if !hmac.Equal(mac.Sum(nil), sig.mac) {
		return nil, errUnauthenticated{"the signature does not fit the body"}
	}
	if d := now.Sub(sig.at); d > headerTolerance || d < -headerTolerance {
		return nil, errUnauthenticated{"the signature was not made within 5 minutes of " + now.UTC().Format(time.RFC3339)}
	}
	return &caller{Person: key.Person}, nil
}

// sealed knows the sender by an XML signature of a pinned certificate. An
// address with too many failures is refused before the work: verifying costs
// far more than looking up a key, which is why a good key is never refused for
// what others do at its address.
func (a *authenticator) sealed(w http.ResponseWriter, r *http.Request) (*caller, error) {
	if wait := a.failed(r, (*buckets).ask); wait > 0 {
		return nil, errBarred{wait}
	}
	body, err := a.body(w, r, "")
	if err != nil {
		return nil, err
	}
	pinned := make([]*x509.Certificate, len(a.s.Signers))
	for i, signer := range a.s.Signers {
		pinned[i] = signer.Certificate
	}
	ctx, cancel := context.WithTimeout(r.Context(), actTimeout)
	defer cancel()
	sig := a.verify(ctx, body, pinned, time.Now())
	if sig.Busy { // nothing is known of it: that is no failure of the sender
		return nil, refuse(errBusy, "signature", "was not verified: "+sig.Why, "send the alert again in a moment, or with a key")
	}
	if sig.State == cap.SignatureValid {
		for _, signer := range a.s.Signers {
			if signer.Certificate.Equal(sig.Certificate) {
				return &caller{Person: signer.Person, SentWithin: signedWithin, Verified: sig.Document}, nil
			}
		}
	}
	return nil, errUnauthenticated{"no key was given, and the alert is not signed with a certificate that is known here"}
}

// body reads the whole body within the sender's limit and puts it back.
func (a *authenticator) body(w http.ResponseWriter, r *http.Request, sender string) ([]byte, error) {
	b, err := a.s.readBody(w, r, a.s.limitsOf(sender).Bytes)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	return b, nil
}

// signature is what Martinella-Signature says.
type signature struct {
	stamp string // t as written: what was signed
	at    time.Time
	key   string
	mac   []byte
}

// parseSignature reads "t=UNIX,kid=KEY,v1=HEX"; unknown fields are left for
// later versions.
func parseSignature(header string) (signature, error) {
	var s signature
	bad := errUnauthenticated{"Martinella-Signature is not t=UNIX,kid=KEY,v1=HEX"}
	if len(header) > 500 {
		return s, bad
	}
	seen := map[string]bool{}
	for field := range strings.SplitSeq(header, ",") {
		name, value, found := strings.Cut(strings.TrimSpace(field), "=")
		if !found || value == "" || seen[name] {
			return s, bad
		}
		seen[name] = true
		switch name {
		case "t":
			seconds, err := strconv.ParseInt(value, 10, 64)
			if err != nil || seconds < 0 || seconds > 1<<40 || strconv.FormatInt(seconds, 10) != value {
				return s, bad
			}
			s.stamp, s.at = value, time.Unix(seconds, 0)
		case "kid":
			s.key = value
		case "v1":
			mac, err := hex.DecodeString(value)
			if err != nil || len(mac) != sha256.Size {
				return s, bad
			}
			s.mac = mac
		}
	}
	if s.stamp == "" || s.key == "" || s.mac == nil {
		return s, bad
	}
	return s, nil
}
