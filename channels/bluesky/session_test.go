package bluesky

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// many sends so many messages at once.
func many(t *testing.T, c *Channel, n int, key string) []error {
	t.Helper()
	errs := make([]error, n)
	var wait sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		m := suite.Rendered(t, c, channeltest.Actual, fmt.Sprint(key, i))
		wait.Go(func() {
			<-gate
			_, errs[i] = c.Send(t.Context(), m)
		})
	}
	close(gate)
	wait.Wait()
	return errs
}

func TestWhoSendsAtTheSameMomentSharesOneRenewal(t *testing.T) {
	const n = 64
	for name, c := range map[string]struct {
		before            func(*pds, *Channel)
		signIns, renewals int
		want              channels.Verdict
	}{
		"at the beginning":              {func(*pds, *Channel) {}, 1, 0, channels.VerdictAccepted},
		"when the token has expired":    {func(s *pds, c *Channel) { c.Check(context.Background()); s.forget(true, false) }, 1, 1, channels.VerdictAccepted},
		"when both tokens have expired": {func(s *pds, c *Channel) { c.Check(context.Background()); s.forget(true, true) }, 2, 1, channels.VerdictAccepted},
		"when the password is refused": {func(s *pds, c *Channel) {
			s.script["createSession"] = channeltest.Status(401, `{"error":"AuthenticationRequired","message":"Invalid identifier or password"}`)
		}, 1, 0, channels.VerdictUnauthorized},
		"when the password is refused later": {func(s *pds, c *Channel) {
			c.Check(context.Background())
			s.forget(true, true)
			s.script["createSession"] = channeltest.Status(401, `{"error":"AuthenticationRequired"}`)
		}, 2, 1, channels.VerdictUnauthorized},
		"when there were too many sign-ins": {func(s *pds, c *Channel) {
			s.script["createSession"] = channeltest.Status(429, `{"error":"RateLimitExceeded"}`, "Retry-After", "289")
		}, 1, 0, channels.VerdictRetry},
	} {
		t.Run(name, func(t *testing.T) {
			s, ch := start(t)
			c.before(s, ch)
			for i, err := range many(t, ch, n, "a/") {
				verdict(t, fmt.Sprint(i), err, c.want)
			}
			if a, b := s.count("createSession"), s.count("refreshSession"); a != c.signIns || b != c.renewals {
				t.Errorf("%d sign-ins and %d renewals, want %d and %d", a, b, c.signIns, c.renewals)
			}
			if want := map[bool]int{true: n, false: 0}[c.want == channels.VerdictAccepted]; len(s.records) != want {
				t.Errorf("%d posts, want %d", len(s.records), want)
			}
		})
	}
}

// transport answers without a network, when it is told to.
type transport struct {
	answers chan int
	calls   atomic.Int32
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.calls.Add(1)
	return &http.Response{StatusCode: <-t.answers, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func TestWhoWaitsForARenewalThatFailsSharesTheFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at, away := newServer("https://pds.example.test"), &transport{answers: make(chan int)}
		at.caller.Client = &http.Client{Transport: away}
		s := newSession(at, handle, password, zap.NewNop())
		for round := range 2 {
			errs := make(chan error, 64)
			for range cap(errs) {
				go func() {
					_, err := s.tokens(t.Context(), "")
					errs <- err
				}()
			}
			synctest.Wait() // one calls, the others wait for it
			away.answers <- http.StatusInternalServerError
			for range cap(errs) {
				verdict(t, "an ill server", <-errs, channels.VerdictRetry)
			}
			if n := away.calls.Load(); int(n) != round+1 {
				t.Errorf("%d calls in %d rounds", n, round+1)
			}
		}
	})
}

func TestARefusedSignInIsNotTriedAgainAtOnce(t *testing.T) {
	s, c := start(t)
	s.answer("createSession", channeltest.Status(401, `{"error":"AuthenticationRequired","message":"Invalid identifier or password"}`))
	for range 3 {
		err := c.Check(t.Context())
		if verdict(t, "refused", err, channels.VerdictUnauthorized); !strings.Contains(err.Error(), handle) {
			t.Errorf("%v does not say whose", err)
		}
	}
	if n := s.count("createSession"); n != 1 {
		t.Errorf("%d sign-ins", n)
	}
	s.answer("createSession", nil)
	c.session.mu.Lock()
	c.session.rest = time.Now().Add(-time.Second)
	c.session.mu.Unlock()
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTooManySignInsWaitAsLongAsTheServerSays(t *testing.T) {
	s, c := start(t)
	s.answer("createSession", channeltest.Status(429, `{"error":"RateLimitExceeded","message":"Rate Limit Exceeded"}`, "RateLimit-Limit", "30", "RateLimit-Remaining", "0",
		"RateLimit-Policy", "30;w=300", "Retry-After", "200"))
	for i := range 3 {
		wait := verdict(t, "too many", c.Check(t.Context()), channels.VerdictRetry)
		if wait < 100*time.Second || wait > 301*time.Second {
			t.Errorf("call %d: wait %v", i, wait)
		}
	}
	if n := s.count("createSession"); n != 1 {
		t.Errorf("%d sign-ins", n)
	}
}

func TestWhatASignInAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   channels.Verdict
	}{
		"a wrong password":         {channeltest.Status(401, `{"error":"AuthenticationRequired","message":"Invalid identifier or password"}`), channels.VerdictUnauthorized},
		"a second factor":          {channeltest.Status(401, `{"error":"AuthFactorTokenRequired"}`), channels.VerdictUnauthorized},
		"an account taken down":    {channeltest.Status(401, `{"error":"AccountTakedown"}`), channels.VerdictUnauthorized},
		"a handle that is none":    {channeltest.Status(400, `{"error":"InvalidRequest"}`), channels.VerdictUnauthorized},
		"another kind of server":   {channeltest.HTML(404), channels.VerdictUnauthorized},
		"a server that moved":      {channeltest.Status(301, `{}`, "Location", "https://elsewhere.example.test"), channels.VerdictUnauthorized},
		"a page with 200":          {channeltest.HTML(200), channels.VerdictRetry},
		"JSON without tokens":      {channeltest.Status(200, `{"did":"did:plc:x"}`), channels.VerdictRetry},
		"JSON that ends too early": {channeltest.Status(200, `{"accessJwt":`), channels.VerdictRetry},
		"an error of the server":   {channeltest.Status(500, `{"error":"InternalServerError"}`), channels.VerdictRetry},
		"a server that starts":     {channeltest.HTML(503), channels.VerdictRetry},
		"a cut connection":         {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, channels.VerdictRetry},
	} {
		t.Run(name, func(t *testing.T) {
			s, ch := start(t)
			s.answer("createSession", c.answer)
			m := suite.Rendered(t, ch, channeltest.Actual, "a")
			_, err := ch.Send(t.Context(), m)
			verdict(t, "send", err, c.want)
			if v, _ := channels.VerdictOf(ch.Withdraw(t.Context(), uriOf("3lalertabcdef"))); v != c.want {
				t.Errorf("withdraw: %s", v)
			}
			if _, found, err := ch.Find(t.Context(), m); found || err == nil {
				t.Errorf("find: %v, %v", found, err)
			}
			if n := s.count("putRecord"); n != 0 {
				t.Errorf("%d posts without a session", n)
			}
		})
	}
}

func TestARenewalThatIsNotAnsweredIsNoSignIn(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"an error of the server": channeltest.Status(500, `{"error":"InternalServerError"}`),
		"a server that starts":   channeltest.HTML(503),
		"too many requests":      channeltest.Status(429, `{"error":"RateLimitExceeded"}`, "Retry-After", "3"),
		"a cut connection":       func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a page":                 channeltest.HTML(200),
	} {
		t.Run(name, func(t *testing.T) {
			s, c := start(t)
			first := sent(t, c, suite.Rendered(t, c, channeltest.Actual, "a"))
			s.forget(true, false)
			s.answer("refreshSession", h)
			_, err := c.Send(t.Context(), suite.Rendered(t, c, channeltest.Update, "b"))
			verdict(t, "send", err, channels.VerdictRetry)
			s.answer("refreshSession", nil)
			second := sent(t, c, suite.Rendered(t, c, channeltest.Update, "b"))
			if n := s.count("createSession"); n != 1 || first.ID == second.ID {
				t.Errorf("%d sign-ins", n)
			}
		})
	}
}

func TestTokensAreRenewedBeforeTheyEnd(t *testing.T) {
	s, c := start(t)
	s.skew = 3 * time.Hour // a clock that is wrong changes nothing
	sent(t, c, suite.Rendered(t, c, channeltest.Actual, "a"))
	if left := time.Until(c.session.have.until); left < time.Hour || left > 119*time.Minute {
		t.Errorf("renewed in %v", left)
	}
	c.session.have.until = time.Now().Add(-time.Millisecond)
	sent(t, c, suite.Rendered(t, c, channeltest.Actual, "b"))
	if s.count("refreshSession") != 1 || s.count("createSession") != 1 || s.count("putRecord") != 2 {
		t.Errorf("calls %v", s.calls)
	}
}

func TestEndOfAToken(t *testing.T) {
	now := time.Unix(1_795_000_000, 0)
	encode := func(payload string) string {
		return "h." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".s"
	}
	for token, want := range map[string]time.Duration{
		encode(`{"iat":1795000000,"exp":1795007200}`): 119 * time.Minute,
		encode(`{"iat":1600000000,"exp":1600007200}`): 119 * time.Minute, // their clock
		encode(`{"iat":1795000000,"exp":1795000030}`): 15 * time.Second,
		encode(`{"exp":1795007200}`):                  0,
		encode(`{"iat":1795000000,"exp":1}`):          0,
		encode(`{"iat":1,"exp":9223372036854775807}`): 0,
		encode(`{"iat":1,"exp":99999999999}`):         0,
		encode(`{"iat":"x"}`):                         0,
		"h.%%%.s":                                     0,
		"no token":                                    0,
	} {
		got := endOf(token, now)
		if want == 0 && !got.IsZero() || want != 0 && got.Sub(now) != want {
			t.Errorf("%s: %v, want %v", token, got, want)
		}
	}
}

// Whoever leaves while the session is renewed spoils nothing for the others.
func TestALeaverSpoilsNothing(t *testing.T) {
	s, c := start(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	s.answer("createSession", func(w http.ResponseWriter, r *http.Request) {
		s.answer("createSession", nil)
		close(arrived)
		select {
		case <-r.Context().Done():
		case <-release:
		}
	})
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := c.Send(ctx, suite.Rendered(t, c, channeltest.Actual, "a"))
		left <- err
	}()
	<-arrived
	stayed := make(chan error)
	go func() {
		_, err := c.Send(t.Context(), suite.Rendered(t, c, channeltest.Actual, "b"))
		stayed <- err
	}()
	waiting, stop := context.WithCancel(t.Context())
	stop()
	_, err := c.Send(waiting, suite.Rendered(t, c, channeltest.Actual, "c"))
	verdict(t, "left while waiting", err, channels.VerdictRetry)
	leave()
	verdict(t, "left", <-left, channels.VerdictRetry)
	verdict(t, "stayed", <-stayed, channels.VerdictAccepted)
	close(release)
	if len(s.records) != 1 {
		t.Errorf("%d posts", len(s.records))
	}
}

func TestNothingOfTheSessionIsShown(t *testing.T) {
	s := newPDS(t)
	stub := channeltest.StartStub(t, s, func(*http.Request) bool { return false })
	core, logs := observer.New(zapcore.DebugLevel)
	c, err := New("comune-bluesky", Config{PDS: stub.URL, Handle: handle, PasswordFile: secretFile(t, ownWord)}, channeltest.Settings(), zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	note := func(r channels.Receipt, err error) {
		fmt.Fprintln(&shown, r, err)
		fmt.Fprintf(&shown, "%+v %#v\n", err, err)
	}
	// A server that says again all that it was told.
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body := make([]byte, 4096)
			n, _ := r.Body.Read(body)
			channeltest.Status(status, fmt.Sprintf(`{"error":"X","message":%q}`, r.Header.Get("Authorization")+" "+string(body[:n])))(w, r)
		}
	}
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	m.Previous, m.Image.Bytes = uriOf("3lalertabcdef"), onePixel
	for _, method := range []string{"createSession", "putRecord", "uploadBlob", "getRecord", "getSession", "deleteRecord", "resolveHandle", "describeServer"} {
		for _, status := range []int{400, 401, 403, 413, 429, 500, 200} {
			s.answer(method, echo(status))
			c.session.rest = time.Time{}
			if method == "createSession" {
				c.session.have = tokens{}
			}
			note(c.Send(t.Context(), m))
			r, _, err := c.Find(t.Context(), m)
			note(r, err)
			note(channels.Receipt{}, c.Check(t.Context()))
			note(channels.Receipt{}, c.Withdraw(t.Context(), uriOf("3lalertabcdef")))
		}
		s.answer(method, nil)
	}
	sent(t, c, m)
	s.forget(true, false)
	s.answer("refreshSession", echo(400))
	sent(t, c, m)
	for _, e := range logs.All() {
		fmt.Fprintln(&shown, e.Message, e.ContextMap())
	}
	if logs.FilterMessageSnippet("account's own").Len() == 0 {
		t.Error("nobody is told that this is the account's own password")
	}
	for _, secret := range []string{ownWord, "s1gn4tur3", "eyJ0eXAi"} {
		if i := strings.Index(shown.String(), secret); i >= 0 {
			t.Errorf("%q was shown: %q", secret, shown.String()[max(0, i-200):i+20])
		}
	}
}
