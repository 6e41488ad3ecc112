package channeltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// Suite says how a channel is put through [Run].
type Suite struct {
	// New builds the channel against a provider at baseURL (without a slash at
	// the end); "" where the suite has no Platform.
	New func(t testing.TB, baseURL string) channels.Channel

	// Platform makes a fake of the provider that remembers what was posted, so
	// that Find can see it. nil: the channel does not speak HTTP, and only
	// rendering and a plain Send are tested.
	Platform func(t testing.TB) http.Handler

	// Posting tells which requests post something; nil: method POST.
	Posting func(r *http.Request) bool

	// To is the address of the recipient, for channels that have any.
	To string

	// Secrets are the texts that no error may hold.
	Secrets []string

	// Verdicts changes the usual table of statuses for this platform.
	Verdicts map[int]channels.Verdict

	// Areas are what the approved area of the messages is, for a channel that is
	// [channels.AreaBound]: what it covers. nil: [SampleAreas].
	Areas []alerts.Value

	// StatusOnly: the status alone is the platform's word; the body of a yes is
	// not looked at.
	StatusOnly bool

	// Drops: the receiver drops what it has, so Find always says "send again".
	Drops bool

	// NoLink: the text carries no link (machines get it in a field).
	NoLink bool
}

// usual is the table of CHANNELS section 3 for a platform without its own.
var usual = map[int]channels.Verdict{
	400: channels.VerdictPermanent, 401: channels.VerdictUnauthorized, 403: channels.VerdictUnauthorized, 404: channels.VerdictPermanent,
	413: channels.VerdictPermanent, 422: channels.VerdictPermanent, 429: channels.VerdictRetry, 500: channels.VerdictUncertain,
	502: channels.VerdictUncertain, 503: channels.VerdictRetry, 504: channels.VerdictUncertain, 301: channels.VerdictPermanent,
}

// Run is the contract that every channel passes.
func Run(t *testing.T, s Suite) {
	t.Run("rendering", func(t *testing.T) { s.rendering(t) })
	t.Run("sending to a provider that is well", func(t *testing.T) { s.sending(t) })
	t.Run("never further than the approved area", func(t *testing.T) { s.area(t) })
	if s.Platform == nil {
		return
	}
	t.Run("verdicts of statuses", func(t *testing.T) { s.statuses(t) })
	t.Run("verdicts of breaks", func(t *testing.T) { s.breaks(t) })
	t.Run("posted once whatever breaks", func(t *testing.T) { s.once(t) })
	t.Run("many at once", func(t *testing.T) { s.many(t) })
}

// Rendered renders a sample and addresses its first message as the dispatcher
// would.
func (s Suite) Rendered(t testing.TB, c channels.Channel, kind Kind, key string) channels.Message {
	t.Helper()
	messages, err := c.Render(Sample(kind))
	if err != nil || len(messages) == 0 {
		t.Fatalf("render %s: %d messages, %v", kind, len(messages), err)
	}
	m := messages[0].For(map[string]string{"{sent}": "11:00", "{person.link}": "https://allerta.comune.pistoia.example/p/x", "{unsubscribe}": "STOP", "{code}": "K7Q2P"})
	m.Key, m.To, m.Ordinal, m.Sent, m.Areas = key, s.To, 7, SampleSent, slices.Clone(SampleAreas)
	if s.Areas != nil {
		m.Areas = slices.Clone(s.Areas)
	}
	return m
}

func (s Suite) start(t testing.TB) (*Stub, channels.Channel) {
	t.Helper()
	if s.Platform == nil {
		return nil, s.New(t, "")
	}
	stub := StartStub(t, s.Platform(t), s.Posting)
	return stub, s.New(t, stub.URL)
}

func (s Suite) sending(t *testing.T) {
	stub, c := s.start(t)
	for _, kind := range Kinds {
		m := s.Rendered(t, c, kind, "a/1/c/"+string(kind))
		receipt, err := c.Send(t.Context(), m)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if receipt.ID == "" && len(receipt.Parts) == 0 && !s.StatusOnly {
			t.Errorf("%s: no id", kind)
		}
	}
	if stub != nil && stub.Posts() != len(Kinds) {
		t.Errorf("%d posts for %d messages", stub.Posts(), len(Kinds))
	}
	if renewer, ok := c.(channels.Renewer); ok {
		// Secrets are read when the channel is made.
		if words := renewer.Renewal(); !strings.Contains(words, "start the gateway again") || slices.ContainsFunc(s.Secrets, func(secret string) bool { return strings.Contains(words, secret) }) {
			t.Errorf("how to renew the credentials: %q", words)
		}
	}
	if checker, ok := c.(channels.Checker); ok {
		posts := 0
		if stub != nil {
			posts = stub.Posts()
		}
		if err := checker.Check(t.Context()); err != nil {
			t.Errorf("check: %v", err)
		}
		if stub != nil && stub.Posts() != posts {
			t.Error("the check posted something")
		}
	}
}

// Refuses checks the verdict of an error and that it holds no secret.
func (s Suite) Refuses(t testing.TB, name string, err error, want channels.Verdict) time.Duration {
	t.Helper()
	got, wait := channels.VerdictOf(err)
	if got != want {
		t.Errorf("%s: got %s (%v), want %s", name, got, err, want)
	}
	if err == nil {
		return wait
	}
	hidden := s.Secrets
	if s.To != "" {
		hidden = append(slices.Clip(hidden), s.To)
	}
	for _, secret := range hidden {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error holds a secret: %q", name, strings.ReplaceAll(err.Error(), secret, "<SECRET>"))
		}
	}
	if len(err.Error()) > 600 {
		t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
	}
	return wait
}

func (s Suite) statuses(t *testing.T) {
	stub, c := s.start(t)
	echo := strings.Join(s.Secrets, " ")
	for status, want := range usual {
		if own, ok := s.Verdicts[status]; ok {
			want = own
		}
		body, _ := json.Marshal(map[string]string{"error": "refused " + echo + strings.Repeat("x", 2000)})
		stub.Answer(Status(status, string(body), "Location", "/elsewhere"))
		_, err := c.Send(t.Context(), s.Rendered(t, c, Actual, fmt.Sprint("a/1/c/", status)))
		s.Refuses(t, fmt.Sprint(status), err, want)
	}
	stub.Answer(Status(429, `{"error":"slow down"}`, "Retry-After", "7"))
	_, err := c.Send(t.Context(), s.Rendered(t, c, Actual, "a/1/c/7"))
	if wait := s.Refuses(t, "429 with Retry-After", err, channels.VerdictRetry); wait != 7*time.Second {
		t.Errorf("429 with Retry-After: wait %v, want 7s", wait)
	}
	stub.Answer(HTML(502))
	_, err = c.Send(t.Context(), s.Rendered(t, c, Actual, "a/1/c/502h"))
	s.Refuses(t, "a page with 502", err, channels.VerdictUncertain)
	if !s.StatusOnly {
		stub.Answer(HTML(200))
		_, err = c.Send(t.Context(), s.Rendered(t, c, Actual, "a/1/c/200h"))
		s.Refuses(t, "a page with 200", err, channels.VerdictUncertain)
		stub.Answer(Status(200, `{"id":`))
		_, err = c.Send(t.Context(), s.Rendered(t, c, Actual, "a/1/c/200t"))
		s.Refuses(t, "JSON that ends too early", err, channels.VerdictUncertain)
		stub.Answer(Status(200, `{}`))
		_, err = c.Send(t.Context(), s.Rendered(t, c, Actual, "a/1/c/200e"))
		s.Refuses(t, "a yes without an id", err, channels.VerdictUncertain)
	}
}

func (s Suite) breaks(t *testing.T) {
	stub, c := s.start(t)
	stub.Answer(stub.Cut())
	_, err := c.Send(t.Context(), s.Rendered(t, c, Actual, "a/1/c/cut"))
	s.Refuses(t, "closed before the answer", err, channels.VerdictUncertain)

	stub.Answer(stub.Truncated())
	_, err = c.Send(t.Context(), s.Rendered(t, c, Actual, "a/1/c/trunc"))
	if !s.StatusOnly {
		s.Refuses(t, "an answer that breaks off", err, channels.VerdictUncertain)
	}

	stub.Answer(stub.Silent())
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		before := stub.Posts()
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		_, err = c.Send(ctx, s.Rendered(t, c, Actual, "a/1/c/slow"))
		cancel()
		// On a machine that is busy the time may be over before anything is
		// written: then "surely not taken" is right, and tells nothing.
		if v, _ := channels.VerdictOf(err); v != channels.VerdictRetry || stub.Posts() != before || wait > 10*time.Second {
			break
		}
	}
	s.Refuses(t, "no answer in time", err, channels.VerdictUncertain)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no answer in time: %v is no context.DeadlineExceeded", err)
	}

	stub.Answer(nil)
	posts := stub.Posts()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Send(ctx, s.Rendered(t, c, Actual, "a/1/c/cancelled"))
	s.Refuses(t, "cancelled before", err, channels.VerdictRetry)
	if stub.Posts() != posts {
		t.Error("cancelled before: posted")
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	l.Close()
	away := s.New(t, closed)
	_, err = away.Send(t.Context(), s.Rendered(t, away, Actual, "a/1/c/refused"))
	s.Refuses(t, "nobody listens", err, channels.VerdictRetry)
	if checker, ok := away.(channels.Checker); ok {
		if err := checker.Check(t.Context()); err == nil {
			t.Error("nobody listens: the check passes")
		} else if v, _ := channels.VerdictOf(err); v != channels.VerdictRetry {
			t.Errorf("nobody listens: the check says %s", v)
		}
	}
}

// once: each fault on a connection that is already in use, where net/http would
// repeat a request that it takes for repeatable.
func (s Suite) once(t *testing.T) {
	for name, fault := range map[string]Fault{"dropped": Drop(), "reset": Reset(), "cut short": Truncate(12)} {
		t.Run(name, func(t *testing.T) {
			stub := StartStub(t, s.Platform(t), s.Posting)
			proxy := StartProxy(t, stub.Addr())
			c := s.New(t, "http://"+proxy.Addr())
			if _, err := c.Send(t.Context(), s.Rendered(t, c, Actual, "a/1/c/first")); err != nil {
				t.Fatal(err)
			}
			before := stub.Posts()
			m := s.Rendered(t, c, Update, "b/2/c/second")
			proxy.Break(fault, 1)
			_, err := c.Send(t.Context(), m)
			s.Refuses(t, name, err, channels.VerdictUncertain)
			if n := stub.Posts() - before; n != 1 {
				t.Errorf("%d posts for one Send", n)
			}
			finder, ok := c.(channels.Finder)
			if !ok {
				return
			}
			receipt, found, err := finder.Find(t.Context(), m)
			if err != nil || found == s.Drops || found && receipt.ID == "" {
				t.Errorf("find: %+v, %v, %v", receipt, found, err)
			}
			other := s.Rendered(t, c, Actual, "c/1/c/third")
			other.Text = strings.ReplaceAll(other.Text, other.URL, other.URL+"X")
			other.URL, other.Event, other.Alert = other.URL+"X", other.Event+"X", other.Alert+"X"
			if _, found, err := finder.Find(t.Context(), other); err != nil || found {
				t.Errorf("find of what was never sent: %v, %v", found, err)
			}
			if n := stub.Posts() - before; n != 1 {
				t.Errorf("%d posts after Find", n)
			}
		})
	}
}

func (s Suite) many(t *testing.T) {
	const n = 16
	stub, c := s.start(t)
	errs := make([]error, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			_, errs[i] = c.Send(t.Context(), s.Rendered(t, c, Actual, fmt.Sprint("a/1/c/", i)))
			if measurer, ok := c.(channels.Measurer); ok {
				measurer.Measure("piove")
			}
		})
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if stub.Posts() != n {
		t.Errorf("%d posts for %d messages", stub.Posts(), n)
	}
}
