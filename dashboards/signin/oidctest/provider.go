package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"
)

// The client that the provider knows.
const (
	ClientID = "martinella"
	Secret   = "a secret of tests: +/%"
)

// Claims are what an ID token says.
type Claims map[string]any

// Provider is one that was started by [Start]. Its fields change what it does;
// they are set between requests.
type Provider struct {
	URL string

	mu      sync.Mutex
	subject string
	bend    func(Claims)
	alg     string
	answers map[string]http.HandlerFunc
	key     *rsa.PrivateKey
	curve   *ecdsa.PrivateKey
	kid     int
	codes   map[string]grant
	asked   url.Values
	calls   map[string]int
	server  *httptest.Server
}

// grant is what a code stands for.
type grant struct {
	nonce, challenge, back, subject string
}

// Start starts a provider on this machine at which subject sits. It ends with
// the test.
func Start(t testing.TB, subject string) *Provider {
	t.Helper()
	p := &Provider{subject: subject, alg: "RS256", codes: map[string]grant{}, answers: map[string]http.HandlerFunc{}, calls: map[string]int{}}
	p.Rotate(t)
	p.server = httptest.NewServer(p)
	p.URL = p.server.URL
	t.Cleanup(p.server.Close)
	return p
}

// Rotate gives the provider new keys; the old ones are gone.
func (p *Provider) Rotate(t testing.TB) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.curve, p.kid = key, curve, p.kid+1
}

// Sits says who is at the provider from now on.
func (p *Provider) Sits(subject string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.subject = subject
}

// Bend changes the claims of every ID token; nil: no more.
func (p *Provider) Bend(f func(Claims)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bend = f
}

// Signs says how ID tokens are signed: RS256, ES256, none, HS256 with the public
// key as the secret, or stranger, which is RS256 with a key that nobody knows.
func (p *Provider) Signs(alg string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alg = alg
}

// Answer answers a path of the provider otherwise; nil: as it should.
func (p *Provider) Answer(path string, f http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[path] = f
}

// Asked is what the last browser came with.
func (p *Provider) Asked() url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// Calls counts the requests to a path.
func (p *Provider) Calls(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[path]
}

// ServeHTTP implements [http.Handler].
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.calls[r.URL.Path]++
	other := p.answers[r.URL.Path]
	p.mu.Unlock()
	if other != nil {
		other(w, r)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		p.JSON(w, p.Document())
	case "/authorize":
		p.authorize(w, r)
	case "/token":
		p.token(w, r)
	case "/keys":
		p.keys(w)
	default:
		http.NotFound(w, r)
	}
}

// Document is what the provider says of itself.
func (p *Provider) Document() map[string]any {
	return map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys", "end_session_endpoint": p.URL + "/out",
		"id_token_signing_alg_values_supported": []string{"RS256", "ES256", "HS256", "none"}, "authorization_response_iss_parameter_supported": true,
	}
}

// JSON answers with a document.
func (p *Provider) JSON(w http.ResponseWriter, content any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(content)
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("state") == "" || q.Get("nonce") == "" {
		http.Error(w, "a bad request: "+r.URL.RawQuery, http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.asked = q
	p.codes[code] = grant{q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri"), p.subject}
	p.mu.Unlock()
	back.RawQuery = url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound) //nolint:gosec // G710: it goes where the test wants
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret) // RFC 6749 section 2.3.1
	code := r.PostFormValue("code")
	p.mu.Lock()
	g, known := p.codes[code]
	delete(p.codes, code)
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case !ok || id != ClientID || subtle.ConstantTimeCompare([]byte(secret), []byte(Secret)) != 1:
		w.WriteHeader(http.StatusUnauthorized)
		p.JSON(w, map[string]string{"error": "invalid_client"})
	case !known || g.back != r.PostFormValue("redirect_uri") || g.challenge != base64.RawURLEncoding.EncodeToString(sum[:]):
		w.WriteHeader(http.StatusBadRequest)
		p.JSON(w, map[string]string{"error": "invalid_grant"})
	default:
		p.JSON(w, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 60, "id_token": p.idToken(g)})
	}
}

func (p *Provider) idToken(g grant) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	c := Claims{"iss": p.URL, "aud": ClientID, "sub": g.subject, "nonce": g.nonce, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "auth_time": now.Unix(), "email": "anna@valdemo.example", "email_verified": true}
	if p.bend != nil {
		p.bend(c)
	}
	alg, kid := p.alg, "rsa"
	switch alg {
	case "ES256":
		kid = "ec"
	case "stranger":
		alg = "RS256"
	}
	signed := part(map[string]string{"alg": alg, "typ": "JWT", "kid": kid + strconv.Itoa(p.kid)}) + "." + part(c)
	return signed + "." + base64.RawURLEncoding.EncodeToString(p.signature(signed))
}

func part(content any) string {
	b, _ := json.Marshal(content) // maps of plain values
	return base64.RawURLEncoding.EncodeToString(b)
}

func (p *Provider) signature(signed string) []byte {
	sum := sha256.Sum256([]byte(signed))
	switch p.alg {
	case "none":
		return nil
	case "HS256": // the public key is known to everybody
		public, _ := x509.MarshalPKIXPublicKey(&p.key.PublicKey)
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
		mac.Write([]byte(signed))
		return mac.Sum(nil)
	case "ES256":
		r, s, _ := ecdsa.Sign(rand.Reader, p.curve, sum[:])
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case "stranger":
		other, _ := rsa.GenerateKey(rand.Reader, 2048)
		b, _ := rsa.SignPKCS1v15(nil, other, crypto.SHA256, sum[:])
		return b
	}
	b, _ := rsa.SignPKCS1v15(nil, p.key, crypto.SHA256, sum[:])
	return b
}

func (p *Provider) keys(w http.ResponseWriter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := base64.RawURLEncoding.EncodeToString
	point, _ := p.curve.PublicKey.Bytes()
	p.JSON(w, map[string]any{"keys": []any{
		map[string]string{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "rsa" + strconv.Itoa(p.kid), "n": text(p.key.N.Bytes()), "e": text(big.NewInt(int64(p.key.E)).Bytes())},
		map[string]string{"kty": "EC", "use": "sig", "alg": "ES256", "kid": "ec" + strconv.Itoa(p.kid), "crv": "P-256", "x": text(point[1:33]), "y": text(point[33:])},
	}})
}
