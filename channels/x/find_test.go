package x

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// All revisions have the same link: the probe must not take the first alert for
// the update whose answer was lost.
func TestFindTellsRevisionsApart(t *testing.T) {
	s := newServer(t)
	c := channel(t, channeltest.StartStub(t, s, posting).URL, nil)
	first, update := suite.Rendered(t, c, channeltest.Actual, "a"), suite.Rendered(t, c, channeltest.Update, "b")
	sent, err := c.Send(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if _, found, err := c.Find(t.Context(), update); found || err != nil {
		t.Errorf("the update: found %v, %v", found, err)
	}
	if r, found, err := c.Find(t.Context(), first); !found || r.ID != sent.ID || err != nil {
		t.Errorf("the alert: %+v, %v, %v", r, found, err)
	}
	later := first // the same text again, published later, is not the earlier post
	later.Sent = first.Sent.Add(time.Hour)
	if _, found, _ := c.Find(t.Context(), later); found {
		t.Error("an older post was taken for a newer one")
	}
	ahead := first // published by a clock that is four minutes ahead
	ahead.Sent = first.Sent.Add(4 * time.Minute)
	if r, found, err := c.Find(t.Context(), ahead); !found || r.ID != sent.ID {
		t.Errorf("ahead of X's clock: %+v, %v, %v", r, found, err)
	}
	second := first // what hangs on a post, or replaces it, is not that post
	second.Previous = sent.ID
	if r, found, _ := c.Find(t.Context(), second); found {
		t.Errorf("the post before it (%s) was taken for it", r.ID)
	}
	second.Previous, second.Standing = "", []string{sent.ID}
	if r, found, _ := c.Find(t.Context(), second); found {
		t.Errorf("a standing post (%s) was taken for it", r.ID)
	}
	other := first // the same words of another event
	other.Text = strings.ReplaceAll(other.Text, "A1", "A9")
	if _, found, _ := c.Find(t.Context(), other); found {
		t.Error("another event's post was taken for it")
	}
}

func TestFindKnowsWhatXMakesOfAText(t *testing.T) {
	s := newServer(t)
	s.limit = 4000
	c := channel(t, channeltest.StartStub(t, s, posting).URL, func(c *Config) { c.MaxWeighted = 4000 })
	for name, text := range map[string]string{
		"signs that HTML escapes":       `Acqua > 2 m & vento < 100 km/h: "attenzione"`,
		"two links and a bare domain":   "Vedi comune.pistoia.it/allerta e https://www.protezionecivile.example/x?a=1&b=2, poi https://allerta.example/a/01K",
		"accents that are not composed": "Perche\u0301 l'acqua sale: e\u0300 tardi",
		"emoji, and what nobody sees":   "\u26a0\ufe0f Allerta\u200b rossa \U0001F525",
		"Arabic with vowel signs":       "تحذير شديد: فَيَضان في بيستويا https://allerta.example/a/01K",
		"a long post":                   strings.Repeat("Non scendete in cantina né in garage. ", 20) + "https://allerta.example/a/01K",
	} {
		m := suite.Rendered(t, c, channeltest.Actual, name)
		m.Text = text
		sent, err := c.Send(t.Context(), m)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if r, found, err := c.Find(t.Context(), m); !found || r.ID != sent.ID || err != nil {
			t.Errorf("%s: %+v, %v, %v", name, r, found, err)
		}
		m.Text = strings.Replace(text, "a", "o", 1)
		if _, found, err := c.Find(t.Context(), m); found && m.Text != text || err != nil {
			t.Errorf("%s: another text was found, %v", name, err)
		}
	}
}

func TestFindTurnsPages(t *testing.T) {
	s := newServer(t)
	stub := channeltest.StartStub(t, s, posting)
	c := channel(t, stub.URL, nil)
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	sent, err := c.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	fill := func(n int, at time.Time) {
		for range n {
			s.next++
			s.posts = append([]tweet{{id: fmt.Sprint(s.next), text: fmt.Sprint("notizia ", s.next), created: at}}, s.posts...)
		}
	}
	fill(60, channeltest.SampleSent.Add(time.Minute))
	s.calls = nil
	if r, found, err := c.Find(t.Context(), m); !found || r.ID != sent.ID || err != nil || len(s.calls) != 4 { // who am I, three pages
		t.Errorf("%+v, %v, %v after %v", r, found, err, s.calls)
	}
	// What is older than the alert ends the search.
	other := m
	other.Text, other.Sent = "altro", channeltest.SampleSent.Add(time.Hour)
	s.calls = nil
	if _, found, err := c.Find(t.Context(), other); found || err != nil || len(s.calls) != 1 {
		t.Errorf("%v, %v after %v", found, err, s.calls)
	}
	// Too many to be sure: no word that it is not there.
	fill(200, channeltest.SampleSent.Add(time.Minute))
	if _, found, err := c.Find(t.Context(), m); found || err == nil {
		t.Errorf("%v, %v", found, err)
	}
}

func TestFindIsNeverUncertainNorWronglySure(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   channels.Verdict
	}{
		"a page":              {channeltest.HTML(200), channels.VerdictRetry},
		"no list":             {channeltest.Status(200, `{}`), channels.VerdictRetry},
		"only errors":         {channeltest.Status(200, `{"errors":[{"title":"x"}]}`), channels.VerdictRetry},
		"the server failed":   {channeltest.Status(500, `{}`), channels.VerdictRetry},
		"too many":            {channeltest.Status(429, `{}`), channels.VerdictRetry},
		"wrong token":         {channeltest.Status(401, `{}`), channels.VerdictUnauthorized},
		"no credit for reads": {channeltest.Status(402, `{}`), channels.VerdictUnauthorized},
	} {
		stub := channeltest.StartStub(t, newServer(t), func(r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/tweets") && r.Method == http.MethodGet
		})
		ch := channel(t, stub.URL, nil)
		stub.Answer(c.answer)
		_, found, err := ch.Find(t.Context(), suite.Rendered(t, ch, channeltest.Actual, "a"))
		suite.Refuses(t, name, err, c.want)
		if found || err == nil {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
}

// X refuses the same words twice: the post is there, or an older one like it.
func TestDuplicates(t *testing.T) {
	s := newServer(t)
	s.duplicates = true
	c := channel(t, channeltest.StartStub(t, s, posting).URL, nil)
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	first, err := c.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Send(t.Context(), m)
	if err != nil || again.ID != first.ID || again.Note != "X had it already" || len(s.posts) != 1 {
		t.Errorf("%+v, %v", again, err)
	}
	later := m
	later.Sent, later.Previous = m.Sent.Add(time.Hour), first.ID
	if same, err := c.Send(t.Context(), later); err != nil || same.ID != first.ID || !strings.Contains(same.Note, "nothing new") || len(s.posts) != 1 {
		t.Errorf("the words of the post before: %+v, %v", same, err)
	}
	between := suite.Rendered(t, c, channeltest.Update, "b")
	second, err := c.Send(t.Context(), between)
	if err != nil {
		t.Fatal(err)
	}
	later.Previous = second.ID
	_, err = c.Send(t.Context(), later)
	suite.Refuses(t, "the words of an older post", err, channels.VerdictPermanent)
	if !strings.Contains(fmt.Sprint(err), first.URL) {
		t.Errorf("%v does not say which", err)
	}
	for name, body := range map[string]string{"X's words": detail(403, "You are not allowed to create a Tweet with duplicate content."), "the older form": `{"errors":[{"code":187,"message":"Status is a duplicate."}]}`} {
		stub := channeltest.StartStub(t, newServer(t), posting)
		stub.Answer(channeltest.Status(403, body))
		c := channel(t, stub.URL, nil)
		_, err := c.Send(t.Context(), m)
		suite.Refuses(t, name+", and it is not to be found", err, channels.VerdictUncertain)
		if !strings.Contains(fmt.Sprint(err), "not to be found") {
			t.Error(err)
		}
	}
	blind := channeltest.StartStub(t, newServer(t), func(*http.Request) bool { return true })
	blind.Answer(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			channeltest.HTML(502)(w, r)
			return
		}
		channeltest.Status(403, detail(403, "You are not allowed to create a Tweet with duplicate content."))(w, r)
	})
	_, err = channel(t, blind.URL, nil).Send(t.Context(), m)
	suite.Refuses(t, "and its posts cannot be read", err, channels.VerdictUncertain)
}

// The answer is lost fifty times, each time in another way: one post each.
func TestLostAnswersLeaveOnePost(t *testing.T) {
	s := newServer(t)
	s.duplicates = true
	stub := channeltest.StartStub(t, s, posting)
	proxy := channeltest.StartProxy(t, stub.Addr())
	c := channel(t, "http://"+proxy.Addr(), nil)
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	faults := []channeltest.Fault{channeltest.Drop(), channeltest.Reset(), channeltest.Truncate(12), channeltest.Truncate(200)}
	for i := range 50 {
		m := suite.Rendered(t, c, channeltest.Actual, "a")
		m.Text = strings.ReplaceAll(m.Text, "A1", fmt.Sprintf("B%02d", i))
		m.Sent = channeltest.SampleSent.Add(time.Duration(len(s.posts)) * time.Second)
		proxy.Break(faults[i%len(faults)], 1)
		_, err := c.Send(t.Context(), m)
		suite.Refuses(t, fmt.Sprint(i), err, channels.VerdictUncertain)
		r, found, err := c.Find(t.Context(), m)
		if err != nil || !found || s.posts[0].id != r.ID || len(s.posts) != i+1 {
			t.Fatalf("%d: %+v, %v, %v, %d posts", i, r, found, err, len(s.posts))
		}
		if i%10 == 0 { // and if it is sent all the same, X says that it has it
			if again, err := c.Send(t.Context(), m); err != nil || again.ID != r.ID || len(s.posts) != i+1 {
				t.Fatalf("%d: %+v, %v", i, again, err)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	s := newServer(t)
	stub := channeltest.StartStub(t, s, posting)
	if err := channel(t, stub.URL, nil).Check(t.Context()); err != nil || stub.Posts() != 0 {
		t.Errorf("%v, %d posts", err, stub.Posts())
	}
	err := channel(t, stub.URL, func(c *Config) { c.MaxWeighted = 1000 }).Check(t.Context())
	suite.Refuses(t, "long posts without Premium", err, channels.VerdictPermanent)
	if !strings.Contains(fmt.Sprint(err), "set it to 280") {
		t.Error(err)
	}
	s.plan = "PremiumPlus"
	if err := channel(t, stub.URL, func(c *Config) { c.MaxWeighted = 1000 }).Check(t.Context()); err != nil {
		t.Error(err)
	}
	s.access = "read"
	err = channel(t, stub.URL, nil).Check(t.Context())
	suite.Refuses(t, "a token that may only read", err, channels.VerdictUnauthorized)
	if !strings.Contains(fmt.Sprint(err), "read and write") {
		t.Error(err)
	}
	err = channel(t, stub.URL, func(c *Config) { c.TokenFile = secretFile(t, "t", "another") }).Check(t.Context())
	suite.Refuses(t, "a wrong token", err, channels.VerdictUnauthorized)
	nobody := channeltest.StartStub(t, newServer(t), func(*http.Request) bool { return true })
	nobody.Answer(channeltest.Status(200, `{"data":{}}`))
	if v, _ := channels.VerdictOf(channel(t, nobody.URL, nil).Check(t.Context())); v != channels.VerdictRetry {
		t.Errorf("no account: %s", v)
	}
	if r := channel(t, stub.URL, nil).Renewal(); !strings.Contains(r, "token_secret_file") || !strings.Contains(r, "console.x.com") {
		t.Error(r)
	}
}

func TestSurely(t *testing.T) {
	inner := errors.New("broke")
	if err := surely(channels.Uncertain(inner)); err != inner {
		t.Errorf("got %v", err)
	}
	if v, _ := channels.VerdictOf(surely(fmt.Errorf("more: %w", channels.Uncertain(inner)))); v != channels.VerdictRetry {
		t.Errorf("wrapped: %s", v)
	}
	if v, _ := channels.VerdictOf(surely(channels.Unauthorized(inner))); v != channels.VerdictUnauthorized {
		t.Errorf("got %s", v)
	}
	if surely(nil) != nil {
		t.Error("nil is an error")
	}
}

func FuzzWhole(f *testing.F) {
	f.Add("Vedi https://t.co/aaa &amp; https://t.co/bbb", "https://t.co/aaa", "https://x.it/a?b=1")
	f.Add("https://t.co/", "", "")
	f.Fuzz(func(_ *testing.T, text, short, long string) {
		p := posted{Text: text}
		p.Entities.URLs = append(p.Entities.URLs, struct {
			URL      string `json:"url"`
			Expanded string `json:"expanded_url"`
			MediaKey string `json:"media_key"`
		}{short, long, ""})
		words(p.whole())
	})
}
