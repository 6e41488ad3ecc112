package x

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
)

var suite = channeltest.Suite{
	New:      func(t testing.TB, baseURL string) channels.Channel { return channel(t, baseURL, nil) },
	Platform: func(t testing.TB) http.Handler { return newServer(t) },
	Posting:  posting,
	Secrets:  []string{consumerKey, consumerSecret, userKey, userSecret, encode(consumerSecret), encode(userSecret)},
	Verdicts: map[int]channels.Verdict{403: channels.VerdictPermanent},
}

func TestContract(t *testing.T) { channeltest.Run(t, suite) }

func TestGolden(t *testing.T) { channeltest.GoldenPosts(t, channel(t, "https://api.x.example", nil)) }

func TestThreadWithdraw(t *testing.T) {
	s := newServer(t)
	c := channel(t, channeltest.StartStub(t, s, posting).URL, nil)
	first, err := c.Send(t.Context(), suite.Rendered(t, c, channeltest.Actual, "a"))
	if err != nil || first.URL != "https://x.com/i/web/status/"+first.ID || first.Note != "" {
		t.Fatalf("%+v, %v", first, err)
	}
	update := suite.Rendered(t, c, channeltest.Update, "b")
	update.Previous = first.ID
	second, err := c.Send(t.Context(), update)
	if err != nil {
		t.Fatal(err)
	}
	if p := s.posts[s.find(second.ID)]; p.reply != first.ID || p.text != update.Text {
		t.Errorf("posted %+v", p)
	}
	for range 2 { // what is gone is gone
		if err := c.Withdraw(t.Context(), first.ID); err != nil {
			t.Error(err)
		}
	}
	if s.find(first.ID) >= 0 {
		t.Error("the post is still there")
	}
	over := suite.Rendered(t, c, channeltest.Cancel, "d")
	over.Previous = first.ID
	third, err := c.Send(t.Context(), over)
	if err != nil || s.posts[s.find(third.ID)].reply != "" || !strings.Contains(third.Note, "on its own") {
		t.Errorf("an answer to a post that is gone: %+v, %v", third, err)
	}
	bare := suite.Rendered(t, c, channeltest.AllClear, "e")
	bare.Previous = "urn:of-another-platform"
	if fourth, err := c.Send(t.Context(), bare); err != nil || s.posts[s.find(fourth.ID)].reply != "" || fourth.Note != "" {
		t.Errorf("a thread with no id of X: %+v, %v", fourth, err)
	}
	if err := c.Withdraw(t.Context(), "urn:of-another-platform"); err != nil {
		t.Errorf("withdraw of what X never had: %v", err)
	}
	if _, ok := any(c).(channels.Editor); ok {
		t.Error("readers of X see no edits, and it is an Editor")
	}
}

func TestWithdrawIsJudged(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   channels.Verdict
	}{
		"deleted, without a body":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, channels.VerdictAccepted},
		"not deleted":               {channeltest.Status(200, `{"data":{"deleted":false}}`), channels.VerdictRetry},
		"a page":                    {channeltest.HTML(200), channels.VerdictUncertain},
		"gone, said with yes":       {channeltest.Status(200, `{"errors":[{"type":"https://api.twitter.com/2/problems/resource-not-found","title":"Not Found Error"}]}`), channels.VerdictAccepted},
		"gone, in the older form":   {channeltest.Status(403, `{"errors":[{"code":144,"message":"No status found with that ID."}]}`), channels.VerdictAccepted},
		"somebody else's":           {channeltest.Status(403, `{"detail":"You are not authorized to delete this Tweet.","type":"about:blank","title":"Forbidden","status":403}`), channels.VerdictPermanent},
		"wrong token":               {channeltest.Status(401, `{}`), channels.VerdictUnauthorized},
		"too many":                  {channeltest.Status(429, `{}`), channels.VerdictRetry},
		"the server failed":         {channeltest.Status(500, `{}`), channels.VerdictUncertain},
		"the server is overwhelmed": {channeltest.Status(503, `{}`), channels.VerdictRetry},
	} {
		t.Run(name, func(t *testing.T) {
			stub := channeltest.StartStub(t, newServer(t), func(*http.Request) bool { return true })
			stub.Answer(c.answer)
			suite.Refuses(t, name, channel(t, stub.URL, nil).Withdraw(t.Context(), "99"), c.want)
		})
	}
}

func TestOneLanguage(t *testing.T) {
	c := channel(t, "https://api.x.example", func(c *Config) { c.Language = "en" })
	for languages, want := range map[string]string{"it en": "en", "it de": "it", "de": "de"} {
		messages, err := c.Render(channeltest.Sample(channeltest.Actual, strings.Fields(languages)...))
		if err != nil || len(messages) != 1 || messages[0].Language != want {
			t.Errorf("%s: got %+v, %v", languages, messages, err)
		}
	}
}

func TestPremiumPostsAreLonger(t *testing.T) {
	long := channeltest.Sample(channeltest.Actual, "it")
	long.Alert.Infos[0].Description = strings.Repeat("L'acqua sale ancora. ", 60)
	usual, premium := channel(t, "https://api.x.example", nil), channel(t, "https://api.x.example", func(c *Config) { c.MaxWeighted = 4000 })
	short, err := usual.Render(long)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := premium.Render(long)
	if err != nil {
		t.Fatal(err)
	}
	if got := usual.Measure(short[0].Text); got.Used > 280 || got.Max != 280 || got.Unit != "weighted" {
		t.Errorf("usual: %+v", got)
	}
	if got := premium.Measure(whole[0].Text); got.Used < 1000 || got.Max != 4000 {
		t.Errorf("premium: %+v", got)
	}
}

func TestPicturesCanBeLeftOut(t *testing.T) {
	for _, without := range []bool{false, true} {
		messages, err := channel(t, "https://api.x.example", func(c *Config) { c.NoImage = without }).Render(channeltest.Sample(channeltest.Actual))
		if err != nil || (messages[0].Image == nil) != without {
			t.Errorf("no_image %v: %+v, %v", without, messages[0].Image, err)
		}
	}
}

func TestLimitKeepsRoomForCorrections(t *testing.T) {
	if got := channel(t, "https://api.x.example", nil).Limit(); got != (channels.Limit{PerSecond: 0.1, Burst: 10, Window: 1, PerDay: 100, Reserve: 0.2}) {
		t.Errorf("got %+v", got)
	}
	if got := channel(t, "https://api.x.example", func(c *Config) { c.PerDay, c.PerSecond = 20, 1 }).Limit(); got.PerDay != 20 || got.PerSecond != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestNoPlaceForRehearsals(t *testing.T) {
	stub := channeltest.StartStub(t, newServer(t), nil)
	if _, err := channel(t, stub.URL, nil).Rehearse(context.Background(), "Prova"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
	if stub.Posts() != 0 {
		t.Error("something was posted")
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		want   []string
	}{
		"no way to sign in":   {Config{URL: "api.x.com", MaxWeighted: 20, PerDay: -1}, []string{"name", "url", "max_weighted", "per_day", "consumer_key_file", "refresh_token_file"}},
		"two ways to sign in": {Config{TokenFile: "t", RefreshTokenFile: "r"}, []string{"two ways", "OAuth 1.0a", "OAuth 2.0"}},
		"one file of four":    {Config{TokenFile: "/nowhere"}, []string{"consumer_key_file is missing", "consumer_secret_file is missing", "token_secret_file is missing", "token_file: /nowhere"}},
		"no client":           {Config{RefreshTokenFile: "/nowhere", ClientSecretFile: "/nowhere"}, []string{"client_id", "client_secret_file", "refresh_token_file"}},
		"too long for anyone": {Config{MaxWeighted: 30000, PerSecond: -1}, []string{"max_weighted", "per_second"}},
	} {
		_, err := New("X", c.config, channeltest.Settings(), zap.NewNop())
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", name, err, want)
			}
		}
	}
}
