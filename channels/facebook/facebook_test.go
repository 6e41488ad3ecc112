package facebook

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func secretFile(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func channel(t testing.TB, baseURL string, change func(*Config)) *Channel {
	t.Helper()
	config := Config{Page: pageID, TokenFile: secretFile(t, pageToken), AppID: appID, AppSecretFile: secretFile(t, appSecret), Graph: baseURL}
	if change != nil {
		change(&config)
	}
	c, err := New("comune-facebook", config, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func posting(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/feed")
}

var suite = channeltest.Suite{
	New: func(t testing.TB, baseURL string) channels.Channel { return channel(t, baseURL, nil) },
	Platform: func(t testing.TB) http.Handler {
		f := newGraphStub(t)
		f.proof = true
		return f
	},
	Posting: posting,
	Secrets: []string{pageToken, appSecret, proofOf(pageToken, appSecret)},
}

func TestContract(t *testing.T) { channeltest.Run(t, suite) }

func TestGolden(t *testing.T) {
	c := channel(t, "https://graph.example", nil)
	channeltest.Golden(t, c)
	channeltest.GoldenPosts(t, c)
}

// The platform's limit is said in characters; by every way to count them no post
// is longer.
func TestLimits(t *testing.T) {
	counts := channeltest.StartCounts(t)
	for _, most := range []int{defaultChars, 500} {
		c := channel(t, "https://graph.example", func(c *Config) { c.MaxChars = most })
		channeltest.Limits(t, c, counts,
			channeltest.Bound{Unit: "UTF-16 units", Max: most, Oracle: counts.UTF16}, channeltest.Bound{Unit: "characters", Max: most, Oracle: counts.Chars})
	}
}

// start gives a channel before a fake of the platform.
func start(t testing.TB, change func(*Config)) (*fakeGraph, *Channel) {
	t.Helper()
	f := newGraphStub(t)
	return f, channel(t, channeltest.StartStub(t, f, posting).URL, change)
}

var png = append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{7}, 50_000)...)

// pictured is a message whose card is drawn.
func pictured(t testing.TB, c *Channel, kind channeltest.Kind, key string) channels.Message {
	t.Helper()
	m := suite.Rendered(t, c, kind, key)
	if m.Image == nil {
		t.Fatal("rendered without a picture")
	}
	image := *m.Image
	image.Bytes = png
	m.Image = &image
	return m
}

func TestOnePostWithItsPicture(t *testing.T) {
	f, c := start(t, nil)
	m := pictured(t, c, channeltest.Actual, "a")
	receipt, err := c.Send(t.Context(), m)
	if err != nil || receipt.Note != "" {
		t.Fatalf("%+v, %v", receipt, err)
	}
	if len(f.posts) != 1 || len(f.photos) != 1 {
		t.Fatalf("%d posts, %d pictures", len(f.posts), len(f.photos))
	}
	p := f.posts[0]
	if p.message != m.Text || p.photo == "" || p.link != "" || !p.published || f.alts[0] != m.Image.Alt {
		t.Errorf("posted %+v, shown to the blind as %q", p, f.alts)
	}
	if want := "https://www.facebook.com/" + pageID + "/posts/"; receipt.ID != p.id || !strings.HasPrefix(receipt.URL, want) {
		t.Errorf("receipt %+v", receipt)
	}
}

func TestWithoutAPictureThePageIsShown(t *testing.T) {
	f, c := start(t, nil)
	m := suite.Rendered(t, c, channeltest.Actual, "a") // its card was not drawn
	if _, err := c.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if p := f.posts[0]; p.link != m.URL || p.photo != "" || len(f.photos) != 0 {
		t.Errorf("posted %+v", p)
	}
}

// Hashtags, links, accents, emoji and other scripts arrive as they are.
func TestTheTextArrivesUnchanged(t *testing.T) {
	f, c := start(t, nil)
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	m.Text = "È & più = 100% + \"x\" 🔥👨‍👩‍👧‍👦 #allertameteoTOS\nمرحبا {\"a\":1} https://allerta.example/a?b=c&d=é\r\nfine"
	if _, err := c.Send(t.Context(), m); err != nil || f.posts[0].message != m.Text {
		t.Errorf("%v: posted %q", err, f.posts[0].message)
	}
}

// Whatever happens to the picture, the alert is not lost, and never in doubt.
func TestPictureThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   channels.Verdict
		note   string
	}{
		"it is no picture":               {refuse(400, 324, 1366046, "Missing or invalid image file"), channels.VerdictAccepted, "without its picture"},
		"it is too large":                {channeltest.Status(413, `{}`), channels.VerdictAccepted, "without its picture"},
		"a wrong field":                  {refuse(400, 100, 0, "(#100) param"), channels.VerdictAccepted, "without its picture"},
		"too many calls":                 {refuse(400, 32, 0, "limit"), channels.VerdictRetry, ""},
		"a token that ended":             {refuse(401, 190, 463, "ended"), channels.VerdictUnauthorized, ""},
		"a server in trouble":            {refuse(500, 1, 0, "unknown"), channels.VerdictRetry, ""},
		"a page instead of an answer":    {channeltest.HTML(502), channels.VerdictRetry, ""},
		"an answer that is cut":          {channeltest.Status(200, `{"id":`), channels.VerdictRetry, ""},
		"a yes without an id":            {channeltest.Status(200, `{}`), channels.VerdictRetry, ""},
		"a connection that is lost":      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, channels.VerdictRetry, ""},
		"a photo that it does not know":  {channeltest.Status(200, `{"id":"1"}`), channels.VerdictAccepted, "its words alone"},
		"the page is held back as abuse": {refuse(400, 368, 0, "blocked"), channels.VerdictRetry, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, ch := start(t, nil)
			f.on(http.MethodPost, "/photos", c.answer)
			m := pictured(t, ch, channeltest.Actual, "a")
			receipt, err := ch.Send(t.Context(), m)
			suite.Refuses(t, name, err, c.want)
			if !strings.Contains(receipt.Note, c.note) {
				t.Errorf("note %q, want %q", receipt.Note, c.note)
			}
			want := 0
			if c.want == channels.VerdictAccepted {
				want = 1
			}
			if f.public() != want {
				t.Errorf("%d posts, want %d", f.public(), want)
			}
		})
	}
}

// Where Facebook takes words and no pictures, the words go with the second try.
func TestWordsDoNotWaitForPicturesForEver(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a server in trouble":         refuse(500, 2, 0, "temporary"),
		"a page instead of an answer": channeltest.HTML(502),
		"nobody answers": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // else nobody notices that the caller left
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, c := start(t, nil)
			c.uploadTime = 100 * time.Millisecond
			f.on(http.MethodPost, "/photos", answer)
			m := pictured(t, c, channeltest.Actual, "a")
			_, err := c.Send(t.Context(), m)
			suite.Refuses(t, "the first try", err, channels.VerdictRetry)
			receipt, err := c.Send(t.Context(), m)
			if err != nil || f.public() != 1 || !strings.Contains(receipt.Note, "without its picture") {
				t.Errorf("%+v, %v, %d posts", receipt, err, f.public())
			}
		})
	}
}

// A page that Facebook cannot look at must not hold the alert back.
func TestLinkThatCannotBeShown(t *testing.T) {
	f, c := start(t, nil)
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	m.URL = "http://allerta.example/a/1"
	receipt, err := c.Send(t.Context(), m)
	if err != nil || f.public() != 1 || f.posts[0].link != "" || !strings.Contains(receipt.Note, "Error posting link") {
		t.Errorf("%+v, %v, %d posts", receipt, err, f.public())
	}
}

func TestAddressThatIsNotTold(t *testing.T) {
	f, c := start(t, nil)
	f.on(http.MethodGet, "", channeltest.HTML(502))
	receipt, err := c.Send(t.Context(), suite.Rendered(t, c, channeltest.Actual, "a"))
	if err != nil || receipt.URL != "https://www.facebook.com/"+receipt.ID {
		t.Errorf("%+v, %v", receipt, err)
	}
}

func TestDuplicateIsLookedFor(t *testing.T) {
	f, c := start(t, nil)
	f.duplicates = true
	m := pictured(t, c, channeltest.Actual, "a")
	first, err := c.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Send(t.Context(), m)
	if err != nil || again.ID != first.ID || again.URL != first.URL || f.public() != 1 {
		t.Errorf("again: %+v, %v, %d posts; first %+v", again, err, f.public(), first)
	}
	// The same words of an older alert are not this one.
	later := m
	later.Sent = m.Sent.Add(24 * time.Hour)
	_, err = c.Send(t.Context(), later)
	suite.Refuses(t, "an older post of the same words", err, channels.VerdictUncertain)
	f.on(http.MethodGet, "/published_posts", channeltest.HTML(502))
	_, err = c.Send(t.Context(), m)
	suite.Refuses(t, "nobody can look", err, channels.VerdictUncertain)
	if f.public() != 1 {
		t.Errorf("%d posts", f.public())
	}
}

// An update that says nothing new in one of its languages is refused as a
// duplicate as often as it is tried: the post before stays and says it.
func TestAnUpdateInTheSameWords(t *testing.T) {
	for name, hang := range map[string]func(m *channels.Message, id string){
		"it hangs on the post":          func(m *channels.Message, id string) { m.Previous, m.Standing = id, []string{id} },
		"it stands for itself":          func(m *channels.Message, id string) { m.Standing = []string{"104567890123456_1", id} },
		"some time after the post said": func(m *channels.Message, id string) { m.Previous, m.Sent = id, m.Sent.Add(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			f, c := start(t, nil)
			f.duplicates = true
			m := pictured(t, c, channeltest.Actual, "a")
			first, err := c.Send(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			hang(&m, first.ID)
			again, err := c.Send(t.Context(), m)
			if err != nil || again.ID != first.ID || !strings.Contains(again.Note, "says the same") || f.public() != 1 {
				t.Errorf("%+v, %v, %d posts", again, err, f.public())
			}
			if r, found, err := c.Find(t.Context(), m); found || err != nil {
				t.Errorf("found %+v, %v", r, err) // nobody has said yet that Facebook refuses it
			}
		})
	}
}

func TestEditAndWithdraw(t *testing.T) {
	f, c := start(t, nil)
	first, err := c.Send(t.Context(), pictured(t, c, channeltest.Actual, "a"))
	if err != nil {
		t.Fatal(err)
	}
	over := suite.Rendered(t, c, channeltest.AllClear, "b")
	over.Image = nil
	for range 2 {
		if r, err := c.Edit(t.Context(), first.ID, over); err != nil || r.ID != first.ID || r.Note != "" {
			t.Errorf("edit: %+v, %v", r, err)
		}
	}
	if p := f.find(first.ID); p.message != over.Text || p.photo == "" || f.public() != 1 {
		t.Errorf("edited %+v", p)
	}
	update := pictured(t, c, channeltest.Update, "b")
	if r, err := c.Edit(t.Context(), first.ID, update); err != nil || !strings.Contains(r.Note, "picture") {
		t.Errorf("edit: %+v, %v", r, err)
	}
	for range 2 { // what is gone is gone
		if err := c.Withdraw(t.Context(), first.ID); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Edit(t.Context(), first.ID, over); !errors.Is(err, channels.ErrPostGone) {
		t.Errorf("a post that is gone: %v", err)
	}
}

// Facebook says "does not exist" of what it hides from us, too.
func TestWhatIsHiddenIsNotGone(t *testing.T) {
	f, c := start(t, nil)
	f.posts = []*fakePost{{id: pageID + "_1", message: "by hand", published: true}}
	m := suite.Rendered(t, c, channeltest.Update, "b")
	_, err := c.Edit(t.Context(), pageID+"_1", m)
	suite.Refuses(t, "a post of another app", err, channels.VerdictPermanent)
	if errors.Is(err, channels.ErrPostGone) {
		t.Error("it is taken for gone")
	}
	suite.Refuses(t, "deleting it", c.Withdraw(t.Context(), pageID+"_1"), channels.VerdictPermanent)
	f.away = true
	_, err = c.Edit(t.Context(), pageID+"_1", m)
	suite.Refuses(t, "the page is hidden", err, channels.VerdictUnauthorized)
	suite.Refuses(t, "deleting it", c.Withdraw(t.Context(), pageID+"_1"), channels.VerdictUnauthorized)
	f.on(http.MethodGet, "", channeltest.HTML(502))
	suite.Refuses(t, "nobody can look", c.Withdraw(t.Context(), pageID+"_1"), channels.VerdictRetry)
}

func TestAmendedPostPointsToTheNewOne(t *testing.T) {
	f, c := start(t, nil)
	first, err := c.Send(t.Context(), pictured(t, c, channeltest.Actual, "a"))
	if err != nil {
		t.Fatal(err)
	}
	amended, err := c.RenderAmended(channeltest.Sample(channeltest.Actual), channeltest.Sample(channeltest.Update))
	if err != nil || len(amended) != 2 || amended[0].Step != channels.StepPoint {
		t.Fatalf("%+v, %v", amended, err)
	}
	m := amended[0].For(map[string]string{"{next}": "https://www.facebook.com/x"})
	if _, err := c.Edit(t.Context(), first.ID, m); err != nil {
		t.Fatal(err)
	}
	if p := f.find(first.ID); !strings.Contains(p.message, "https://www.facebook.com/x") || strings.Contains(p.message, "Salite") {
		t.Errorf("it reads %q", p.message)
	}
}

func TestPageOfOneLanguage(t *testing.T) {
	c := channel(t, "https://graph.example", func(c *Config) { c.Language = "en" })
	for languages, want := range map[string]string{"it en": "en", "it de": "it", "de": "de"} {
		messages, err := c.Render(channeltest.Sample(channeltest.Actual, strings.Fields(languages)...))
		if err != nil || len(messages) != 1 || messages[0].Language != want {
			t.Errorf("%s: got %+v, %v", languages, messages, err)
		}
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	two := secretFile(t, "two words")
	_, err := New("F", Config{Page: "comune.valdemo", AppID: "x", Version: "25", Graph: "graph.example", TokenFile: two, MaxChars: 20, PerSecond: -1, Reserve: 1}, channeltest.Settings(), zap.NewNop())
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{"name", "page", "app_id \"x\"", "without app_secret_file", "version", "graph", "token_file", "max_chars", "per_second", "reserve"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "two words") {
		t.Error("the secret is told")
	}
	if _, err := New("facebook", Config{Page: pageID}, channeltest.Settings(), zap.NewNop()); err == nil || !strings.Contains(err.Error(), "token_file is missing") {
		t.Errorf("without a token: %v", err)
	}
	c := channel(t, "", func(c *Config) { c.Graph, c.AppID, c.AppSecretFile = "", "", "" })
	if l := c.Limit(); l.PerSecond != 0.5 || l.PerHour != 60 || l.Reserve != 0.3 || l.Window != 1 || c.graph.address != "https://graph.facebook.com/v25.0" || c.graph.proof != "" {
		t.Errorf("defaults: %+v, %s", l, c.graph.address)
	}
}

// Every real message arrives whole, with its link, within what the platform
// takes, and is found again.
func TestRealMessagesArePosted(t *testing.T) {
	records := channeltest.RealMessages(t)
	f, c := start(t, nil)
	posts := 0
	for _, r := range records {
		messages, err := c.Render(r)
		if err != nil {
			t.Errorf("%s: %v", r.Alert.Identifier, err)
			continue
		}
		for _, m := range messages {
			m = m.For(nil)
			m.Key, m.Sent = string(m.Alert)+m.Language, channeltest.SampleSent
			receipt, err := c.Send(t.Context(), m)
			if err != nil {
				t.Errorf("%s %s: %v", r.Alert.Identifier, m.Language, err)
				continue
			}
			posts++
			if p := f.find(receipt.ID); p.message != m.Text || !strings.Contains(p.message, m.URL) || !utf8.ValidString(p.message) || receipt.Note != "" {
				t.Errorf("%s %s: %q, note %q", r.Alert.Identifier, m.Language, p.message, receipt.Note)
			}
			if found, ok, err := c.Find(t.Context(), m); err != nil || !ok || found.ID != receipt.ID {
				t.Errorf("%s %s: found %+v, %v, %v", r.Alert.Identifier, m.Language, found, ok, err)
			}
		}
	}
	if f.public() != posts || posts < len(records) {
		t.Errorf("%d posts of %d messages of %d alerts", f.public(), posts, len(records))
	}
	t.Logf("%d posts of %d real alerts", posts, len(records))
}
