package mastodon

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func tokenFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func channel(t testing.TB, baseURL string, change func(*Config)) *Channel {
	t.Helper()
	config := Config{URL: baseURL, TokenFile: tokenFile(t)}
	if change != nil {
		change(&config)
	}
	c, err := New("comune-mastodon", config, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	c.waits = make([]time.Duration, len(pictureWaits)) // nobody waits in a test
	return c
}

func posting(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == "/api/v1/statuses"
}

var suite = channeltest.Suite{
	New:      func(t testing.TB, baseURL string) channels.Channel { return channel(t, baseURL, nil) },
	Platform: func(t testing.TB) http.Handler { return newServer(t) },
	Posting:  posting,
	Secrets:  []string{token},
}

func TestContract(t *testing.T) { channeltest.Run(t, suite) }

func TestGolden(t *testing.T) { channeltest.Golden(t, channel(t, "https://social.example", nil)) }

// start gives a server and a channel of it.
func start(t *testing.T, change func(*Config)) (*server, *channeltest.Stub, *Channel) {
	t.Helper()
	s := newServer(t)
	stub := channeltest.StartStub(t, s, posting)
	return s, stub, channel(t, stub.URL, change)
}

func send(t *testing.T, c *Channel, m channels.Message) channels.Receipt {
	t.Helper()
	r, err := c.Send(t.Context(), m)
	if err != nil || r.ID == "" {
		t.Fatalf("sent: %+v, %v", r, err)
	}
	return r
}

func TestThreadEditWithdraw(t *testing.T) {
	s, _, c := start(t, func(c *Config) { c.Visibility = "unlisted" })
	first := send(t, c, suite.Rendered(t, c, channeltest.Actual, "a"))
	if first.URL == "" {
		t.Error("no address")
	}
	update := suite.Rendered(t, c, channeltest.Update, "b")
	update.Previous = first.ID
	second := send(t, c, update)
	if p := s.find(second.ID); p.InReplyTo != first.ID || p.Visibility != "unlisted" || p.Language != "it" {
		t.Errorf("posted %+v", p)
	}
	over := suite.Rendered(t, c, channeltest.AllClear, "c")
	for range 2 { // it may be repeated
		if r, err := c.Edit(t.Context(), second.ID, over); err != nil || r.ID != second.ID {
			t.Errorf("edit: %+v, %v", r, err)
		}
	}
	if p := s.find(second.ID); p.EditedAt == nil || !strings.Contains(p.Content, "CESSATO ALLARME") {
		t.Errorf("edited %+v", p)
	}
	for range 2 { // what is gone is gone
		if err := c.Withdraw(t.Context(), first.ID); err != nil {
			t.Error(err)
		}
	}
	again := suite.Rendered(t, c, channeltest.Cancel, "d")
	again.Previous = first.ID
	if third := send(t, c, again); s.find(third.ID).InReplyTo != "" {
		t.Errorf("an answer to a post that is gone: %+v", s.find(third.ID))
	}
}

// GoToSocial says 400 where Mastodon says 404.
func TestThreadThatIsGoneElsewhere(t *testing.T) {
	_, stub, c := start(t, nil)
	m := suite.Rendered(t, c, channeltest.Update, "a")
	m.Previous = "01GONE"
	bodies := 0
	stub.Answer(func(w http.ResponseWriter, r *http.Request) {
		if bodies++; bodies == 1 {
			channeltest.Status(400, `{"error":"Bad Request: cannot reply to status that does not exist"}`)(w, r)
			return
		}
		channeltest.Status(200, `{"id":"5","url":"https://social.example/5"}`)(w, r)
	})
	if r := send(t, c, m); r.ID != "5" || bodies != 2 {
		t.Errorf("%+v after %d posts", r, bodies)
	}
}

func TestAPostThatIsGoneIsToldApart(t *testing.T) {
	s, _, c := start(t, nil)
	m := suite.Rendered(t, c, channeltest.Update, "a")
	words := m
	words.Image = nil
	for name, m := range map[string]channels.Message{"a correction": m, "a pointer": words} {
		_, err := c.Edit(t.Context(), "1", m)
		suite.Refuses(t, name, err, channels.VerdictPermanent)
		if !errorsIsGone(err) || !channels.IsApart(err) {
			t.Errorf("%s: %v is not the error of a post that is gone", name, err)
		}
	}
	if len(s.posts) != 0 {
		t.Error("something was posted")
	}
}

func TestEarlierPostsTellWhatTookTheirPlace(t *testing.T) {
	s, _, c := start(t, nil)
	first := send(t, c, suite.Rendered(t, c, channeltest.Actual, "a"))
	amended, err := c.RenderAmended(channeltest.Sample(channeltest.Actual), channeltest.Sample(channeltest.Update))
	if err != nil || len(amended) != 2 {
		t.Fatalf("%d messages, %v", len(amended), err)
	}
	for i, lang := range []string{"it", "en"} {
		m := amended[i]
		if m.Step != channels.StepPoint || m.Language != lang || !strings.Contains(m.Text, "{next}") || strings.Contains(m.Text, "piani alti") {
			t.Errorf("%s: %s %q", lang, m.Step, m.Text)
		}
	}
	next := "https://social.example/@comune/900"
	if _, err := c.Edit(t.Context(), first.ID, amended[0].For(map[string]string{"{next}": next})); err != nil {
		t.Fatal(err)
	}
	if got := plain(s.find(first.ID).Content); !strings.Contains(got, next) || len(s.find(first.ID).history) != 1 {
		t.Errorf("the post reads %q", got)
	}
}

func TestKeysDifferBetweenLanguages(t *testing.T) {
	s, _, c := start(t, nil)
	messages, err := c.Render(channeltest.Sample(channeltest.Actual))
	if err != nil || len(messages) != 2 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	for range 2 {
		for _, m := range messages {
			m.Key = "a/1/comune-mastodon/"
			send(t, c, m)
		}
	}
	if s.keys[0] == "" || s.keys[0] == s.keys[1] || s.keys[0] != s.keys[2] || s.keys[1] != s.keys[3] {
		t.Errorf("keys %v", s.keys)
	}
}

// The answers are those of Mastodon's documentation and of GoToSocial 0.19.
func TestVerdicts(t *testing.T) {
	reset := time.Now().Add(90 * time.Second).UTC().Format("2006-01-02T15:04:05.000Z")
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   channels.Verdict
		wait   bool
	}{
		"a token that does not hold":    {channeltest.Status(401, `{"error":"The access token is invalid"}`), channels.VerdictUnauthorized, false},
		"no token at all":               {channeltest.Status(401, `{"error":"Unauthorized: token not supplied"}`), channels.VerdictUnauthorized, false},
		"a token without the scope":     {channeltest.Status(403, `{"error":"This action is outside the authorized scopes"}`), channels.VerdictUnauthorized, false},
		"an account that was suspended": {channeltest.Status(403, `{"error":"Your login is currently disabled"}`), channels.VerdictUnauthorized, false},
		"too long, Mastodon":            {channeltest.Status(422, `{"error":"Validation failed: Text character limit of 500 exceeded"}`), channels.VerdictPermanent, false},
		"too long, GoToSocial":          {channeltest.Status(400, `{"error":"Bad Request: text with spoiler exceed max chars (5000)"}`), channels.VerdictPermanent, false},
		"the rate limit":                {channeltest.Status(429, `{"error":"Too many requests"}`, "X-RateLimit-Limit", "300", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", reset), channels.VerdictRetry, true},
		"the rate limit, GoToSocial":    {channeltest.Status(429, `{"error":"rate limit reached"}`, "X-Ratelimit-Reset", reset), channels.VerdictRetry, true},
		"starting":                      {channeltest.Status(503, `<html>`, "Retry-After", "30", "Retry-After", "Sat, 21 Nov 2026 19:49:09 GMT"), channels.VerdictRetry, true},
		"a repeated key":                {channeltest.Status(500, `{"error":"something went wrong"}`), channels.VerdictUncertain, false},
		"a page of the proxy":           {channeltest.HTML(502), channels.VerdictUncertain, false},
		"a post that was scheduled":     {channeltest.Status(200, `{"id":"","scheduled_at":"2026-11-21T19:49:09.000Z"}`), channels.VerdictUncertain, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, stub, ch := start(t, nil)
			stub.Answer(c.answer)
			_, err := ch.Send(t.Context(), suite.Rendered(t, ch, channeltest.Actual, "a"))
			if wait := suite.Refuses(t, name, err, c.want); (wait > 20*time.Second) != c.wait {
				t.Errorf("the wait is %v", wait)
			}
		})
	}
}

func TestLimitKeepsRoomForCorrections(t *testing.T) {
	_, _, c := start(t, nil)
	if got := c.Limit(); got.PerHour != 60 || got.Reserve <= 0 || got.Window != 1 {
		t.Errorf("got %+v", got)
	}
	if got := channel(t, "https://social.example", func(c *Config) { c.PerHour, c.PerSecond = 5, 2 }).Limit(); got.PerHour != 5 || got.PerSecond != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestRehearse(t *testing.T) {
	s, _, c := start(t, nil)
	where, err := c.Rehearse(t.Context(), "Prova per @anna e @anna@altrove.example, scrivete a allerta@comune.example")
	if err != nil || !strings.Contains(where, "taken away") || len(s.posts) != 0 {
		t.Errorf("%q, %v, %d posts left", where, err, len(s.posts))
	}
	if want := []string{"POST /api/v1/statuses", "DELETE /api/v1/statuses/101"}; !slices.Equal(s.calls, want) {
		t.Errorf("calls %v", s.calls)
	}
}

func TestRehearseReachesTheAccountAlone(t *testing.T) {
	_, stub, c := start(t, nil)
	var seen status
	stub.Answer(func(w http.ResponseWriter, r *http.Request) {
		seen, _ = newServer(t).read(w, r, fields)
		channeltest.Status(200, `{"id":"999"}`)(w, r) // the platform has no such post: taking it away is done
	})
	if _, err := c.Rehearse(t.Context(), "Prova per @anna@altrove.example"); err != nil {
		t.Fatal(err)
	}
	if seen.Visibility != "direct" || strings.Contains(seen.Status, "@anna") {
		t.Errorf("rehearsed %+v", seen)
	}
	stub.Answer(channeltest.Status(401, `{"error":"The access token is invalid"}`))
	_, err := c.Rehearse(t.Context(), "Prova")
	suite.Refuses(t, "a bad token", err, channels.VerdictUnauthorized)
}

func TestRehearsalThatCannotBeTakenAwaySaysSo(t *testing.T) {
	s := newServer(t)
	c := channel(t, channeltest.StartStub(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			channeltest.Status(429, `{"error":"Too many requests"}`)(w, r)
			return
		}
		s.ServeHTTP(w, r)
	}), posting).URL, nil)
	where, err := c.Rehearse(t.Context(), "Prova")
	if err != nil || !strings.Contains(where, "still stands") || s.posts[0].Visibility != "direct" {
		t.Errorf("%q, %v", where, err)
	}
}

func TestRenewalNamesServerAndFile(t *testing.T) {
	c := channel(t, "https://social.example", nil)
	for _, want := range []string{"https://social.example", c.config.TokenFile, "write:media"} {
		if !strings.Contains(c.Renewal(), want) {
			t.Errorf("%q does not say %q", c.Renewal(), want)
		}
	}
}

func TestCheckComparesWithTheServer(t *testing.T) {
	for name, c := range map[string]struct {
		server func(*server)
		config func(*Config)
		want   []string // of the error; none: it passes
	}{
		"all is well":               {func(*server) {}, nil, nil},
		"an older server":           {func(s *server) { s.v1 = true }, nil, nil},
		"shorter posts":             {func(s *server) { s.limit = 300 }, nil, []string{"set it to 300"}},
		"shorter posts, configured": {func(s *server) { s.limit = 300 }, func(c *Config) { c.MaxChars = 300 }, nil},
		"Pleroma's way to say it":   {func(s *server) { s.limit, s.instance = 0, map[string]any{"max_toot_chars": 200} }, nil, []string{"set it to 200"}},
		"no PNG and small posts":    {func(s *server) { s.types, s.limit = []string{"image/jpeg"}, 400 }, nil, []string{"set no_image", "set it to 400"}},
		"no PNG, words alone":       {func(s *server) { s.types = []string{"image/jpeg"} }, func(c *Config) { c.NoImage = true }, nil},
		"tiny pictures":             {func(s *server) { s.size = 1000 }, nil, []string{"at most 1000 bytes"}},
		"longer links": {func(s *server) {
			s.instance = map[string]any{"configuration": map[string]any{"statuses": map[string]any{"characters_reserved_per_url": 40}}}
		}, nil, []string{"link_chars is 23: set it to 40"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, ch := start(t, c.config)
			c.server(s)
			err := ch.Check(t.Context())
			if (err == nil) != (len(c.want) == 0) {
				t.Fatalf("got %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(fmt.Sprint(err), want) {
					t.Errorf("%v does not say %q", err, want)
				}
			}
		})
	}
	_, _, other := start(t, nil)
	other.header.Set("Authorization", "Bearer other")
	if v, _ := channels.VerdictOf(other.Check(t.Context())); v != channels.VerdictUnauthorized {
		t.Errorf("a wrong token: %s", v)
	}
}

func TestAccountOfOneLanguage(t *testing.T) {
	c := channel(t, "https://social.example", func(c *Config) { c.Language = "en" })
	for languages, want := range map[string]string{"it en": "en", "it de": "it", "de": "de"} {
		messages, err := c.Render(channeltest.Sample(channeltest.Actual, strings.Fields(languages)...))
		if err != nil || len(messages) != 1 || messages[0].Language != want {
			t.Errorf("%s: got %+v, %v", languages, messages, err)
		}
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	_, err := New("M", Config{URL: "social.example", Visibility: "pubblico", MaxChars: 20, LinkChars: -1}, channeltest.Settings(), zap.NewNop())
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{"name", "url", "visibility", "max_chars", "link_chars", "token_file"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}
