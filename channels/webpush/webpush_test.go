package webpush

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

// The keys of the examples of RFC 8291 (section 5) and RFC 8292 (section 2.4
// gives a public one only, so the private one is RFC 8291's for the sender).
const (
	authSecret = "BTBZMqHH6r4Tts7J_aSIgg"
	browserKey = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	vapidKey   = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
	vapidOpen  = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
	token1     = "gAAAAABsecret-endpoint-1"
)

// contact is a subscription at an endpoint.
func contact(endpoint string) string {
	return endpoint + "#auth=" + authSecret + "&p256dh=" + browserKey
}

func keyFile(t testing.TB, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vapid.key")
	if err := os.WriteFile(path, []byte(text+"\n"), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func config(t testing.TB) Config {
	return Config{VAPIDKeyFile: keyFile(t, vapidKey, 0o600), Contact: "allerte@comune.pistoia.example.it", AllowPrivate: true}
}

// channel reaches a server at addr whatever an endpoint names.
func channel(t testing.TB, c Config, addr string) *Channel {
	t.Helper()
	ch, err := New("push", c, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ch.call.Client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	t.Cleanup(func() { ch.Close() })
	return ch
}

// service takes everything that has the form of a push message.
func pushService(t testing.TB) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if r.Method == http.MethodPost && (len(b) != 4096 || r.Header.Get("Content-Encoding") != "aes128gcm" || !strings.HasPrefix(r.Header.Get("Authorization"), "vapid t=") ||
			!strings.HasSuffix(r.Header.Get("Authorization"), ", k="+vapidOpen)) {
			t.Errorf("got %d bytes, %v", len(b), r.Header)
		}
		w.Header().Set("Location", "https://push.example/m/1")
		w.WriteHeader(http.StatusCreated)
	})
}

var suite = channeltest.Suite{
	New: func(t testing.TB, baseURL string) channels.Channel {
		c := channel(t, config(t), strings.TrimPrefix(baseURL, "http://"))
		c.doubts.accept(time.Now()) // the key is known to be right: refusals concern the subscription
		c.probes = []string{"http://localhost/"}
		return c
	},
	Platform: pushService,
	To:       contact("http://localhost/wpush/v2/" + token1),
	Secrets:  []string{vapidKey, token1, authSecret, browserKey},
	Verdicts: map[int]channels.Verdict{401: channels.VerdictPermanent, 403: channels.VerdictPermanent},
	// The status alone is the push service's word.
	StatusOnly: true, Drops: true, NoLink: true,
}

func TestContract(t *testing.T) { channeltest.Run(t, suite) }

func TestGolden(t *testing.T) { channeltest.Golden(t, channel(t, config(t), "")) }

// secure is a push service with TLS, answering what script says.
func secure(t *testing.T, c Config, script http.HandlerFunc) *Channel {
	t.Helper()
	server := httptest.NewTLSServer(script)
	t.Cleanup(server.Close)
	c.AllowPrivate = false
	ch := channel(t, c, server.Listener.Addr().String())
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	ch.call.Client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12}
	return ch
}

func message(t testing.TB, c channels.Channel, kind channeltest.Kind, to string) channels.Message {
	t.Helper()
	m := suite.Rendered(t, c, kind, "a/1/push/7")
	m.To = to
	return m
}

// Every status of the table, from a service that is known, by its own name or
// the operator's word, and from one that only a stranger knows.
func TestVerdicts(t *testing.T) {
	const known, named, unknown = "https://updates.push.services.mozilla.com/wpush/v2/" + token1, "https://push.comune.example.it/" + token1, "https://evil.example.org/" + token1
	type want struct {
		verdict channels.Verdict
		wait    time.Duration
		gone    bool
		apart   bool
	}
	ok, permanent := want{verdict: channels.VerdictAccepted}, want{verdict: channels.VerdictPermanent}
	gone := want{verdict: channels.VerdictPermanent, gone: true}
	for _, c := range []struct {
		status int
		header string
		body   string
		known  want
		other  want // only Retry and Uncertain must be apart: the breaker counts these
	}{
		{201, "", "", ok, ok},
		{200, "", "", ok, ok},
		{202, "", "", ok, ok},
		{301, "", "", permanent, permanent},
		{400, "", `{"reason":"VapidPkHashMismatch"}`, permanent, permanent},
		{401, "", `{"code":401,"errno":109,"error":"Unauthorized"}`, permanent, permanent},
		{403, "", "the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions.", permanent, permanent},
		{404, "", `{"code":404,"errno":102}`, gone, gone},
		{410, "", `{"reason":"Unregistered"}`, gone, gone},
		{413, "", "", permanent, permanent},
		{429, "600", "", want{channels.VerdictRetry, 10 * time.Minute, false, false}, want{channels.VerdictRetry, 0, false, true}},
		{500, "", "", want{verdict: channels.VerdictUncertain}, want{channels.VerdictUncertain, 0, false, true}},
		{500, "30", "", want{channels.VerdictRetry, 30 * time.Second, false, false}, want{channels.VerdictRetry, 0, false, true}},
		{502, "", "<html>", want{verdict: channels.VerdictUncertain}, want{channels.VerdictUncertain, 0, false, true}},
		{503, "", "", want{verdict: channels.VerdictRetry}, want{channels.VerdictRetry, 0, false, true}},
	} {
		conf := config(t)
		conf.Services = []string{".comune.example.it"}
		ch := secure(t, conf, func(w http.ResponseWriter, _ *http.Request) {
			if c.header != "" {
				w.Header().Set("Retry-After", c.header)
			}
			w.Header().Set("Location", "http://127.0.0.1/elsewhere")
			w.WriteHeader(c.status)
			io.WriteString(w, c.body+" "+token1)
		})
		ch.doubts.accept(time.Now())
		for endpoint, want := range map[string]want{known: c.known, named: c.known, unknown: c.other} {
			_, err := ch.Send(t.Context(), message(t, ch, channeltest.Actual, contact(endpoint)))
			wait := suite.Refuses(t, endpoint, err, want.verdict)
			apart := channels.IsApart(err) && (want.verdict == channels.VerdictRetry || want.verdict == channels.VerdictUncertain)
			if wait != want.wait || channels.IsGone(err) != want.gone || apart != want.apart {
				t.Errorf("%d from %s: %v; wait %v, gone %v, apart %v", c.status, endpoint, err, wait, channels.IsGone(err), channels.IsApart(err))
			}
			if err != nil && strings.Contains(err.Error(), "evil.example") {
				t.Errorf("%d: whose server it is: %v", c.status, err)
			}
		}
	}
}

// A stranger's server that is away, or that keeps us waiting, is its own matter.
func TestAStrangersServerHoldsNobodyBack(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	conf := config(t)
	conf.AllowPrivate = false
	ch := channel(t, conf, addr)
	_, err = ch.Send(t.Context(), message(t, ch, channeltest.Actual, contact("https://evil.example.org/x")))
	if suite.Refuses(t, "away", err, channels.VerdictRetry); !channels.IsApart(err) || strings.Contains(err.Error(), "evil") {
		t.Errorf("away: %v", err)
	}
	_, err = ch.Send(t.Context(), message(t, ch, channeltest.Actual, contact("https://fcm.googleapis.com/x")))
	if suite.Refuses(t, "away", err, channels.VerdictRetry); channels.IsApart(err) {
		t.Errorf("a known service that is away is no trouble of the channel: %v", err)
	}
	hang := make(chan struct{})
	slow := secure(t, config(t), func(http.ResponseWriter, *http.Request) { <-hang })
	t.Cleanup(func() { close(hang) })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = slow.Send(ctx, message(t, slow, channeltest.Actual, contact("https://evil.example.org/x")))
	if v, _ := channels.VerdictOf(err); v == channels.VerdictAccepted || !channels.IsApart(err) {
		t.Errorf("slow: %v", err)
	}
}

func TestWhatIsNoSubscriptionIsRefusedForGood(t *testing.T) {
	conf := config(t)
	conf.AllowPrivate = false
	ch := channel(t, conf, "127.0.0.1:1") // nobody is asked
	for _, to := range []string{"", "+393331234567", "https://push.example/x", contact("http://127.0.0.1:9090/metrics"), contact("https://127.0.0.1/x"), contact("https://[::1]/x"),
		contact("https://10.0.0.5/x"), contact("https://push.example.org:6379/x"), contact("https://gateway/x"), contact("https://printer.local/x"), contact("https://2130706433/x"), contact("https://0x7f.1/x")} {
		_, err := ch.Send(t.Context(), message(t, ch, channeltest.Actual, to))
		suite.Refuses(t, to, err, channels.VerdictPermanent)
		if channels.IsGone(err) {
			t.Errorf("%q: taken off the roll", to)
		}
	}
}

func TestHeaders(t *testing.T) {
	got := make(chan http.Header, 1)
	ch := secure(t, config(t), func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Clone()
		w.WriteHeader(http.StatusCreated)
	})
	m := message(t, ch, channeltest.Update, contact("https://web.push.apple.com/"+token1))
	m.Expires = time.Now().Add(90 * time.Minute)
	if _, err := ch.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	h := <-got
	left, err := strconv.Atoi(h.Get("TTL"))
	if h.Get("Topic") != string(m.Event) || h.Get("Urgency") != "high" || err != nil || left > 5400 || left < 5000 {
		t.Errorf("got %v", h)
	}
	// RFC 8292, section 2: whom it is for, until when, and who asks.
	signature, _, _ := strings.Cut(strings.TrimPrefix(h.Get("Authorization"), "vapid t="), ",")
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	decodeSegment(t, strings.Split(signature, ".")[1], &claims)
	if left := time.Until(time.Unix(claims.Exp, 0)); claims.Aud != "https://web.push.apple.com" || claims.Sub != "mailto:allerte@comune.pistoia.example.it" || left > 24*time.Hour || left < time.Hour {
		t.Errorf("claims %+v", claims)
	}
}

func TestTTLAndUrgency(t *testing.T) {
	now := time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		m       channels.Message
		ttl     time.Duration
		urgency string
	}{
		"until it ends":                  {channels.Message{Severity: alerts.SeverityExtreme, Expires: now.Add(time.Hour)}, time.Hour, "high"},
		"severe":                         {channels.Message{Severity: alerts.SeveritySevere, Expires: now.Add(time.Hour)}, time.Hour, "high"},
		"never for longer than is kept":  {channels.Message{Severity: alerts.SeverityModerate, Expires: now.AddDate(1, 0, 0)}, longestTTL, "normal"},
		"an end just reached":            {channels.Message{Severity: alerts.SeverityMinor, Expires: now}, time.Second, "low"},
		"nobody knows how grave":         {channels.Message{Severity: alerts.SeverityUnknown, Expires: now.Add(time.Hour)}, time.Hour, "normal"},
		"a Cancel finds who was away":    {channels.Message{Severity: alerts.SeverityMinor, Change: alerts.ChangeCancelled}, closingTTL, "high"},
		"an all-clear of what was minor": {channels.Message{Severity: alerts.SeverityMinor, Change: alerts.ChangeEnded, Expires: now.Add(time.Hour)}, time.Hour, "high"},
	} {
		if got := ttl(c.m, now); got != c.ttl {
			t.Errorf("%s: TTL %v, want %v", name, got, c.ttl)
		}
		if got := urgency(c.m); string(got) != c.urgency {
			t.Errorf("%s: urgency %s, want %s", name, got, c.urgency)
		}
	}
}

func TestTopic(t *testing.T) {
	for event, same := range map[alerts.ID]bool{"01KAK3Z8G0FLD1RST0000000A1": true, "flood 2026": false, "": false, alerts.ID(strings.Repeat("a", 33)): false} {
		got := topic(event)
		if len(got) > 32 || got == "" || (got == string(event)) != same || got != topic(event) {
			t.Errorf("%q has the topic %q", event, got)
		}
	}
	if topic("flood 1") == topic("flood 2") {
		t.Error("two events have one topic")
	}
}

func TestCheck(t *testing.T) {
	ch := secure(t, config(t), func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotFound) })
	if err := ch.Check(t.Context()); err != nil {
		t.Errorf("they answer: %v", err)
	}
	now := time.Now()
	for i := range blameAt {
		ch.doubts.refuse(strings.Repeat("x", i+1), now.Add(-2*blameAfter))
	}
	ch.doubts.refuse("y", now)
	if v, _ := channels.VerdictOf(ch.Check(t.Context())); v != channels.VerdictUnauthorized {
		t.Errorf("the key was just refused: %s", v)
	}
	ch.doubts.accept(now)
	if err := ch.Check(t.Context()); err != nil {
		t.Errorf("the key was accepted: %v", err)
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	good := keyFile(t, vapidKey, 0o600)
	for name, c := range map[string]struct {
		name   string
		config Config
		want   []string
	}{
		"nothing given":        {"", Config{}, []string{"name", "vapid_key_file is missing", "martinella keys vapid", "contact is missing"}},
		"all of it wrong":      {"Push!", Config{VAPIDKeyFile: keyFile(t, vapidKey, 0o644), Contact: "mailto:a@example.it", PerSecond: -1, Services: []string{"https://x"}}, []string{"name", "chmod 600", "without mailto", "per_second", "services"}},
		"a short key":          {"push", Config{VAPIDKeyFile: keyFile(t, vapidKey[:20], 0o600), Contact: "a@comune.example.it"}, []string{"32 bytes"}},
		"the public part":      {"push", Config{VAPIDKeyFile: keyFile(t, vapidOpen, 0o600), Contact: "a@comune.example.it"}, []string{"32 bytes"}},
		"a key that is zero":   {"push", Config{VAPIDKeyFile: keyFile(t, strings.Repeat("A", 43), 0o600), Contact: "a@comune.example.it"}, []string{"32 bytes"}},
		"Apple refuses .local": {"push", Config{VAPIDKeyFile: good, Contact: "a@gateway.local"}, []string{"one machine only"}},
		"and localhost":        {"push", Config{VAPIDKeyFile: good, Contact: "a@localhost"}, []string{"not a mail address"}},
		"a name and address":   {"push", Config{VAPIDKeyFile: good, Contact: "Sala <a@comune.example.it>"}, []string{"not a mail address"}},
		"a page without TLS":   {"push", Config{VAPIDKeyFile: good, Contact: "http://comune.example.it"}, []string{"not a mail address"}},
	} {
		_, err := New(c.name, c.config, channeltest.Settings(), zap.NewNop())
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", name, err, want)
			}
		}
		if strings.Contains(err.Error(), vapidKey[:20]) {
			t.Errorf("%s: %q holds a secret", name, err)
		}
	}
	c, err := New("push", Config{VAPIDKeyFile: good, Contact: "https://comune.example.it/contatti"}, channeltest.Settings(), zap.NewNop())
	if err != nil || c.PublicKey() != vapidOpen || len(c.Notes()) != 0 || len(channel(t, config(t), "").Notes()) != 1 {
		t.Errorf("a page as contact: %v", err)
	}
	if key, err := NewKey(); err != nil || len(key.Private()) != 43 || len(key.Public()) != 87 || strings.Contains(key.String(), key.Private()) {
		t.Errorf("a new key: %v, %v", key, err)
	}
}

func decodeSegment(t *testing.T, text string, into any) {
	t.Helper()
	b, err := rawURL.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The signature opens every subscription at its service for half a day.
func TestTheSignatureIsNotTold(t *testing.T) {
	ch := secure(t, config(t), func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		io.WriteString(w, r.Header.Get("Authorization"))
	})
	_, err := ch.Send(t.Context(), message(t, ch, channeltest.Actual, contact("https://fcm.googleapis.com/fcm/send/"+token1)))
	suite.Refuses(t, "an answer that repeats the signature", err, channels.VerdictPermanent)
	if !strings.Contains(err.Error(), "vapid t=***") {
		t.Errorf("got %v", err)
	}
}

// One rendered message is sent to many at once: nobody writes into it.
func TestTheMessageIsNotWrittenTo(t *testing.T) {
	s := httptest.NewServer(pushService(t))
	defer s.Close()
	ch := channel(t, config(t), s.Listener.Addr().String())
	m := message(t, ch, channeltest.Actual, contact("http://127.0.0.1/"+token1))
	roomy := make([]byte, 5000)
	for i := range roomy {
		roomy[i] = 'x'
	}
	m.Payload = roomy[:copy(roomy, m.Payload)]
	if _, err := ch.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if behind := string(roomy[len(m.Payload):]); strings.Trim(behind, "x") != "" {
		t.Errorf("behind the payload stands %q", strings.Trim(behind, "x"))
	}
}
