package dashboards

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/channels"
)

// platform is a channel that receives reports.
type platform struct{ forged bool }

func (p platform) Inbound(r *http.Request) ([]channels.DeliveryReport, []channels.Reply, error) {
	if err := r.ParseForm(); err != nil {
		return nil, nil, err
	}
	if p.forged {
		return nil, nil, channels.ErrForged
	}
	return []channels.DeliveryReport{{MessageID: r.Form.Get("id"), State: channels.ReportDelivered}}, []channels.Reply{{From: "+39", Text: "SI"}}, nil
}

// telephone is a platform that waits for words.
type telephone struct{ platform }

func (telephone) HookAnswer(r *http.Request) (string, []byte) {
	if r.Form.Get("digits") == "" {
		return "", nil
	}
	return "text/xml; charset=utf-8", []byte("<Response/>")
}

type sink struct {
	reports []channels.DeliveryReport
	replies []channels.Reply
	err     error
}

func (s *sink) Report(_ context.Context, _ string, r channels.DeliveryReport) error {
	s.reports = append(s.reports, r)
	return s.err
}

func (s *sink) Reply(_ context.Context, _ string, r channels.Reply) error {
	s.replies = append(s.replies, r)
	return s.err
}

func TestHooks(t *testing.T) {
	kept := &sink{}
	g := open(t, func(c *Config) {
		c.Hooks, c.Sink = map[string]channels.Inbound{"sms": platform{}, "forged": platform{forged: true}, "calls": telephone{}}, kept
	})
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	if r := g.do("POST", "/hooks/sms", "id=7", form...); r.StatusCode != 204 || len(kept.reports) != 1 || kept.reports[0].MessageID != "7" || len(kept.replies) != 1 {
		t.Errorf("a report: %d, %v", r.StatusCode, kept)
	}
	if r := g.do("POST", "/hooks/forged", "id=7", form...); r.StatusCode != 403 || len(kept.reports) != 1 {
		t.Errorf("a forged one: %d", r.StatusCode)
	}
	if r := g.do("POST", "/hooks/sms", strings.Repeat("x", 2<<20), form...); r.StatusCode != 400 {
		t.Errorf("a flood: %d", r.StatusCode)
	}
	if r := g.do("POST", "/hooks/calls", "id=9&digits=1", form...); r.StatusCode != 200 || r.body != "<Response/>" || r.Header.Get("Content-Type") != "text/xml; charset=utf-8" || len(kept.reports) != 2 {
		t.Errorf("one that waits for words: %d %s", r.StatusCode, r.body)
	}
	if r := g.do("POST", "/hooks/calls", "id=9", form...); r.StatusCode != 204 || len(kept.reports) != 3 {
		t.Errorf("one that waits for nothing: %d", r.StatusCode)
	}
	kept.err = errors.New("redis at 10.0.0.5 is away")
	if r := g.do("POST", "/hooks/calls", "id=9&digits=1", form...); r.StatusCode != 503 {
		t.Errorf("words for what is not stored: %d", r.StatusCode)
	}
	if r := g.do("POST", "/hooks/sms", "id=8", form...); r.StatusCode != 503 || strings.Contains(r.body, "10.0.0.5") || r.Header.Get("Retry-After") == "" {
		t.Errorf("one that is not stored: %d %s", r.StatusCode, r.body)
	}
}

// written is an outbox with one message.
type written struct{}

func (written) Entries() []OutboxEntry {
	return []OutboxEntry{{At: time.Now(), Channel: "sms", To: "+39 *** 567", Title: "T", Text: "ESERCITAZIONE <b>\nsecond line"}}
}

func TestInPracticeEverybodySeesTheOutbox(t *testing.T) {
	g := open(t, func(c *Config) { c.Outbox, c.Desk.Policy.Practice = written{}, true })
	p := g.page("/outbox")
	p.says(".drill", "Nessuno di questi messaggi è stato inviato")
	p.says("article p", "ESERCITAZIONE <b>")
	p.says("article p", "second line")
	p.says("footer", "Messaggi della dimostrazione")
	if r := open(t, func(c *Config) { c.Desk.Policy.Practice = true }).get("/outbox"); r.StatusCode != 404 {
		t.Errorf("without an outbox: %d", r.StatusCode)
	}
}

// An outbox may carry what is not for everybody.
func TestOutsidePracticeTheOutboxIsForTheAdministrationAlone(t *testing.T) {
	g := open(t, func(c *Config) { c.Outbox = written{} })
	if r := g.get("/outbox"); r.StatusCode != 404 || strings.Contains(r.body, "ESERCITAZIONE") {
		t.Errorf("on the public port: %d %s, want 404", r.StatusCode, r.body)
	}
	if r := g.get("/"); strings.Contains(r.body, `"/outbox"`) {
		t.Error("the public page leads to the outbox")
	}
	admin := httptest.NewServer(g.server.Admin())
	defer admin.Close()
	g.URL = admin.URL
	p := g.page("/outbox")
	p.says("article p", "ESERCITAZIONE <b>")
	for _, a := range p.all("footer a") {
		if to := attr(a, "href"); strings.HasPrefix(to, "/") {
			t.Errorf("%s is not on this port", to)
		}
	}
	if r := g.get("/outbox"); r.Header.Get("Content-Security-Policy") == "" {
		t.Error("there is no content security policy")
	}
	style := attr(p.all("link")[0], "href")
	if r := g.get(style); r.StatusCode != 200 {
		t.Errorf("%s: %d", style, r.StatusCode)
	}
}

func TestAnXMLSignatureIsACredential(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Regione"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(xml string) string {
		d, err := cap.Parse([]byte(xml), cap.Submit)
		if err != nil {
			t.Fatal(err)
		}
		b, err := cap.Sign(d.Alert, key, certificate)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	g := open(t, func(c *Config) {
		c.Signers = []Signer{{certificate, alerts.Person{ID: "sender:regione", Name: "Regione", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbIssue}, Statuses: alerts.Statuses}}}}
	})
	send := func(body string) reply {
		return g.do("POST", "/api/v1/alerts", body, "Content-Type", "application/cap+xml")
	}
	good := signed(message("sealed"))
	for sentence, tt := range map[string]struct {
		body   string
		status int
	}{
		"nothing signed":                     {message("unsealed"), 401},
		"changed after it was signed":        {strings.Replace(good, "piani alti", "piani bassi", 1), 401},
		"signed an hour ago":                 {signed(message("old", "sent", alerts.FormatTime(time.Now().Add(-time.Hour).In(rome)))), 422},
		"something else sent instead of XML": {"{}", 401},
	} {
		if r := send(tt.body); r.StatusCode != tt.status {
			t.Errorf("%s: %d %s, want %d", sentence, r.StatusCode, r.body, tt.status)
		}
	}
	if r := send(good); r.StatusCode != 201 {
		t.Fatalf("a good one: %d %s", r.StatusCode, r.body)
	}
	if r := send(good); r.StatusCode != 200 {
		t.Errorf("the same again: %d", r.StatusCode)
	}
	if by := g.memory.records[0].Author; by.ID != "sender:regione" {
		t.Errorf("author %v", by)
	}
	if r := open(t).do("POST", "/api/v1/alerts", good, "Content-Type", "application/cap+xml"); r.StatusCode != 401 {
		t.Errorf("where nobody is pinned: %d", r.StatusCode)
	}
}

// region is a pinned sender. How its signature is verified does not matter
// where a test says what comes of it.
func region(c *Config) {
	c.Signers = []Signer{{&x509.Certificate{Raw: []byte("pinned")}, alerts.Person{ID: "sender:regione", Name: "Regione", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbIssue}, Statuses: alerts.Statuses}}}}
	c.Direct = true
}

func TestASignatureThatIsNotVerifiedInTimeIsAskedForAgain(t *testing.T) {
	g := open(t, region)
	busy := true
	g.server.auth.verify = func(_ context.Context, b []byte, pinned []*x509.Certificate, _ time.Time) cap.Signature {
		if busy {
			return cap.Signature{State: cap.SignatureUnsupported, Why: "there was no time", Busy: true}
		}
		doc, err := cap.Parse(b, cap.Submit)
		if err != nil {
			t.Error(err)
		}
		return cap.Signature{State: cap.SignatureValid, Certificate: pinned[0], Document: doc}
	}
	body := message("sealed")
	for range 30 { // more than the failures that an address may have
		r := g.do("POST", "/api/v1/alerts", body, "Content-Type", "application/cap+xml")
		if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || !strings.Contains(r.body, "verified") {
			t.Fatalf("%d, Retry-After %q: %s, want 503", r.StatusCode, r.Header.Get("Retry-After"), r.body)
		}
	}
	busy = false
	if r := g.do("POST", "/api/v1/alerts", body, "Content-Type", "application/cap+xml"); r.StatusCode != 201 {
		t.Errorf("asked again: %d %s, want 201", r.StatusCode, r.body)
	}
}

func TestAnAddressWithTooManyFailuresCostsNoMoreVerification(t *testing.T) {
	g := open(t, region)
	verified := 0
	g.server.auth.verify = func(context.Context, []byte, []*x509.Certificate, time.Time) cap.Signature {
		verified++
		return cap.Signature{State: cap.SignatureInvalid, Why: "it does not fit"}
	}
	last := 0
	for range 60 {
		last = g.do("POST", "/api/v1/alerts", message("forged"), "Content-Type", "application/cap+xml").StatusCode
	}
	if last != 429 || verified > 30 {
		t.Errorf("%d of 60 forged alerts were verified, the last answer is %d; want about 20 and 429", verified, last)
	}
	if r := g.post(issuer, "/api/v1/alerts", message("good")); r.StatusCode != 201 {
		t.Errorf("a good key from the same address: %d %s, want 201", r.StatusCode, r.body)
	}
}

func TestAddresses(t *testing.T) {
	proxy := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	tests := map[string]struct {
		direct    bool
		trusted   []netip.Prefix
		remote    string
		forwarded string
		want      string
	}{
		"nothing is known":                    {false, nil, "192.0.2.1:5", "", ""},
		"a direct one":                        {true, nil, "192.0.2.1:5", "198.51.100.1", "192.0.2.1/32"},
		"behind a proxy":                      {false, proxy, "10.0.0.1:5", "198.51.100.1", "198.51.100.1/32"},
		"behind two proxies":                  {false, proxy, "10.0.0.1:5", "198.51.100.1, 10.0.0.2", "198.51.100.1/32"},
		"a lie before the proxy's own word":   {false, proxy, "10.0.0.1:5", "203.0.113.9, 198.51.100.1", "198.51.100.1/32"},
		"a stranger who claims to be a proxy": {false, proxy, "192.0.2.1:5", "203.0.113.9", "192.0.2.1/32"},
		"nonsense from the proxy":             {false, proxy, "10.0.0.1:5", "nobody", "10.0.0.1/32"},
		"a household of IPv6":                 {true, nil, "[2001:db8:1:2:3:4:5:6]:5", "", "2001:db8:1:2::/64"},
		"an IPv4 address in the form of IPv6": {true, nil, "[::ffff:192.0.2.1]:5", "", "192.0.2.1/32"},
		"no address at all":                   {true, nil, "pipe", "", ""},
	}
	for sentence, tt := range tests {
		s := &Server{Config: Config{Direct: tt.direct, TrustedProxies: tt.trusted}}
		r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{}}
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		got, known := s.address(r)
		if !known {
			if tt.want != "" {
				t.Errorf("%s: not known, want %s", sentence, tt.want)
			}
			continue
		}
		if got.String() != tt.want {
			t.Errorf("%s: %s, want %q", sentence, got, tt.want)
		}
	}
}

func TestBuckets(t *testing.T) {
	b := newBuckets(2, 3)
	now := time.Unix(1000, 0)
	for i, want := range []time.Duration{0, 0, 0, 500 * time.Millisecond} {
		if got := b.takeAt("a", now); got != want {
			t.Errorf("take %d waits %v, want %v", i, got, want)
		}
	}
	if got := b.takeAt("b", now); got != 0 {
		t.Errorf("another one waits %v", got)
	}
	if got := b.takeAt("a", now.Add(500*time.Millisecond)); got != 0 {
		t.Errorf("after half a second: %v", got)
	}
	b.takeAt("c", now.Add(2*time.Minute))
	if len(b.by) != 1 {
		t.Errorf("%d buckets are kept, want 1", len(b.by))
	}
	for i := range 2 * maxBuckets {
		b.takeAt(itoa(i), now.Add(2*time.Minute))
	}
	if len(b.by) > maxBuckets+1 {
		t.Errorf("%d buckets are kept", len(b.by))
	}
}

// letters is a channel whose links stand in mails.
type letters struct{ platform }

func (letters) Confirm(r *http.Request) (map[string]string, error) {
	if r.URL.Query().Get("u") != "ticket" {
		return nil, channels.ErrForged
	}
	return map[string]string{"List-Unsubscribe": "One-Click", "id": `7"><b>`}, nil
}

// A person who opens the link of a mail is asked; only the button does it, and
// says so.
func TestALinkInAMailAsks(t *testing.T) {
	kept := &sink{}
	g := open(t, func(c *Config) {
		c.Hooks, c.Sink = map[string]channels.Inbound{"mail": letters{}, "sms": platform{}}, kept
	})
	p := g.page("/hooks/mail?u=ticket")
	p.says("h1", "Non ricevere più i nostri avvisi qui?")
	p.says("form button", "Sì, non scrivetemi più")
	if r := g.get("/hooks/mail?u=ticket"); r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(r.body, `value="7&#34;&gt;&lt;b&gt;"`) ||
		strings.Contains(r.body, "ticket") {
		t.Errorf("the page: %v %s", r.Header, r.body)
	}
	if len(kept.reports)+len(kept.replies) != 0 {
		t.Error("opening the link did it")
	}
	for _, path := range []string{"/hooks/mail?u=another", "/hooks/mail", "/hooks/sms?u=ticket", "/hooks/none"} {
		if r := g.get(path); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	form := []string{"Content-Type", "application/x-www-form-urlencoded", "Accept-Language", "en"}
	if r := g.do("POST", "/hooks/mail?u=ticket", "List-Unsubscribe=One-Click&page=1", form...); r.StatusCode != 200 || !strings.Contains(r.body, "We will write no more") || len(kept.replies) != 1 {
		t.Errorf("the button: %d %v %s", r.StatusCode, kept, r.body)
	}
	if r := g.do("POST", "/hooks/mail?u=ticket", "List-Unsubscribe=One-Click", form...); r.StatusCode != 204 {
		t.Errorf("a mail provider: %d", r.StatusCode)
	}
	kept.err = errors.New("away")
	if r := g.do("POST", "/hooks/mail?u=ticket", "List-Unsubscribe=One-Click&page=1", form...); r.StatusCode != 503 {
		t.Errorf("what is not stored: %d", r.StatusCode)
	}
}
