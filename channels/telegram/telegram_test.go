package telegram

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

func tokenFile(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(content+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func channel(t testing.TB, baseURL string, change func(*Config)) *Channel {
	t.Helper()
	config := Config{URL: baseURL, TokenFile: tokenFile(t, token), Chat: town}
	if change != nil {
		change(&config)
	}
	c, err := New("canale", config, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// started is a channel with its server, which is checked at the end.
func started(t testing.TB, change func(*Config)) (*telegramServer, *Channel) {
	t.Helper()
	s := newServer(t)
	c := channel(t, channeltest.StartStub(t, s, posting).URL, change)
	t.Cleanup(func() { s.clean(t) })
	return s, c
}

func no() *bool { return new(bool) }

// card is a picture of w x h.
func card(t testing.TB, w, h int) *channels.Image {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return &channels.Image{Type: "image/png", Width: w, Height: h, Alt: "Avviso", Bytes: b.Bytes()}
}

var suite = channeltest.Suite{
	New:      func(t testing.TB, baseURL string) channels.Channel { return channel(t, baseURL, nil) },
	Platform: func(t testing.TB) http.Handler { s := newServer(t); t.Cleanup(func() { s.clean(t) }); return s },
	Posting:  posting,
	Secrets:  []string{token, strings.TrimPrefix(token, "7012345678:")},
	Verdicts: map[int]channels.Verdict{404: channels.VerdictUnauthorized, 503: channels.VerdictUncertain},
}

func TestContract(t *testing.T) { channeltest.Run(t, suite) }

func TestGolden(t *testing.T) {
	channeltest.GoldenPosts(t, channel(t, "https://telegram.example", nil))
}

// Every real message is as long as a caption or a text may be, as Node counts.
func TestLimits(t *testing.T) {
	counts := channeltest.StartCounts(t)
	channeltest.Limits(t, channel(t, "https://telegram.example", nil), counts, channeltest.Bound{Unit: "UTF-16 units", Max: 1024, Oracle: counts.UTF16})
	channeltest.Limits(t, channel(t, "https://telegram.example", func(c *Config) { c.Image = no() }), counts, channeltest.Bound{Unit: "UTF-16 units", Max: 4096, Oracle: counts.UTF16})
}

// What is bold of every real message ends within its text, at the end of a
// line, as the server of these tests counts.
func TestRealMessagesArePosted(t *testing.T) {
	records := channeltest.RealMessages(t)
	s, c := started(t, func(c *Config) { c.Pin = no() })
	for i, r := range records {
		messages, err := c.Render(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			if i%10 == 0 {
				m.Image = card(t, 1200, 630)
			} else {
				m.Image = nil
			}
			sent(t, c, m)
			posts := s.at(town)
			got := posts[len(posts)-1]
			if marked := strings.TrimPrefix(got.marked(), "bold "); got.text != m.Text || marked == "" || !strings.HasPrefix(got.text+"\n", marked+"\n") {
				t.Errorf("message %d: marked %q of %q", i, got.marked(), got.text)
			}
		}
	}
	t.Logf("%d real messages", len(records))
}

// sent renders a sample, sends it and gives the receipt.
func sent(t testing.TB, c *Channel, m channels.Message) channels.Receipt {
	t.Helper()
	r, err := c.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAPictureGoesAlongInOneMessage(t *testing.T) {
	s, c := started(t, nil)
	m := suite.Rendered(t, c, channeltest.Update, "a")
	m.Image = card(t, 1200, 630)
	r := sent(t, c, m)
	if r.ID != town+"/p101" || r.URL != "https://t.me/comune_pistoia/101" || r.Note != "" {
		t.Errorf("receipt %+v", r)
	}
	if got := s.said(); !slices.Equal(got, []string{"sendPhoto", "pinChatMessage"}) {
		t.Errorf("calls %v", got)
	}
	got := s.at(town)[0]
	if !bytes.Equal(got.photo, m.Image.Bytes) || got.text != m.Text || got.silent || !got.pinned {
		t.Errorf("posted %+v", got)
	}
	if want := "bold AGGIORNAMENTO\nComune di Pistoia: Avviso - pericolo estremo: Alluvione."; got.marked() != want {
		t.Errorf("marked %q, want %q", got.marked(), want)
	}
}

func TestWordsAlone(t *testing.T) {
	s, c := started(t, nil)
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	r := sent(t, c, m) // the picture could not be drawn
	if r.ID != town+"/101" || r.Note != "" {
		t.Errorf("receipt %+v", r)
	}
	s.mu.Lock()
	fields := s.calls[0].fields
	s.mu.Unlock()
	if fields["link_preview_options"] != `{"is_disabled":true}` {
		t.Errorf("preview %q", fields["link_preview_options"])
	}
	if got := s.at(town)[0]; got.text != m.Text || got.marked() != "bold Comune di Pistoia: Avviso - pericolo estremo: Alluvione." {
		t.Errorf("posted %+v", got)
	}
}

// Whatever is wrong with the picture, the words go out, once.
// Over a thin line the picture takes longer than anybody waits for an answer,
// and the words do not: whoever sends it once more sends the words.
func TestASecondTryGoesWithoutThePicture(t *testing.T) {
	for name, of := range map[string]struct {
		answer http.HandlerFunc
		want   channels.Verdict
		photo  bool // the second try has its picture
	}{
		"a page of something in between": {channeltest.HTML(502), channels.VerdictUncertain, false},
		"a connection that is lost":      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, channels.VerdictUncertain, false},
		"too fast":                       {refused(429, "Too Many Requests: retry after 3", `{"retry_after":3}`), channels.VerdictRetry, true},
		"the bot was removed":            {refused(403, "Forbidden: bot was kicked from the channel chat"), channels.VerdictUnauthorized, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := started(t, nil)
			s.fail("sendPhoto", of.answer)
			m := suite.Rendered(t, c, channeltest.Actual, "a")
			m.Image = card(t, 1200, 630)
			_, err := c.Send(t.Context(), m)
			suite.Refuses(t, "the first try", err, of.want)
			s.fail("sendPhoto")
			r := sent(t, c, m)
			if got := s.at(town); len(got) != 1 || (got[0].photo != nil) != of.photo || of.photo == strings.Contains(r.Note, "without the picture") {
				t.Errorf("posts %+v, note %q", got, r.Note)
			}
			next := suite.Rendered(t, c, channeltest.Actual, "b")
			next.Image = m.Image
			if sent(t, c, next); s.at(town)[1].photo == nil {
				t.Error("the next alert has no picture")
			}
		})
	}
}

func TestARefusedPictureLosesNothing(t *testing.T) {
	for name, refuse := range map[string]http.HandlerFunc{
		"its size":               refused(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"),
		"what it is":             refused(400, "Bad Request: IMAGE_PROCESS_FAILED"),
		"too many bytes":         refused(413, "Request Entity Too Large"),
		"too many for the proxy": channeltest.HTML(413),
		"no pictures here":       refused(400, "Bad Request: not enough rights to send photos to the chat"),
		"forbidden here":         refused(403, "Forbidden: CHAT_SEND_PHOTOS_FORBIDDEN"),
	} {
		t.Run(name, func(t *testing.T) {
			s, c := started(t, nil)
			s.fail("sendPhoto", refuse)
			m := suite.Rendered(t, c, channeltest.Actual, "a")
			m.Image = card(t, 1200, 630)
			r := sent(t, c, m)
			if r.ID != town+"/101" || !strings.Contains(r.Note, "without the picture") {
				t.Errorf("receipt %+v", r)
			}
			if got := s.at(town); len(got) != 1 || got[0].photo != nil || got[0].text != m.Text || !got[0].pinned {
				t.Errorf("posts %+v", got)
			}
		})
	}
	t.Run("really not a picture", func(t *testing.T) {
		s, c := started(t, nil)
		m := suite.Rendered(t, c, channeltest.Actual, "a")
		m.Image = &channels.Image{Type: "image/png", Bytes: []byte("no picture")}
		if r := sent(t, c, m); !strings.Contains(r.Note, "IMAGE_PROCESS_FAILED") || len(s.at(town)) != 1 {
			t.Errorf("receipt %+v", r)
		}
	})
	for name, of := range map[string]struct {
		refuse http.HandlerFunc
		want   channels.Verdict
	}{
		"too fast":          {refused(429, "Too Many Requests: retry after 7", `{"retry_after":7}`), channels.VerdictRetry},
		"a page with 502":   {channeltest.HTML(502), channels.VerdictUncertain},
		"not the bot's":     {refused(403, "Forbidden: bot was kicked from the channel chat"), channels.VerdictUnauthorized},
		"the group is away": {refused(400, "Bad Request: group chat was upgraded to a supergroup chat", `{"migrate_to_chat_id":-1005}`), channels.VerdictUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := started(t, nil)
			s.fail("sendPhoto", of.refuse)
			m := suite.Rendered(t, c, channeltest.Actual, "a")
			m.Image = card(t, 1200, 630)
			_, err := c.Send(t.Context(), m)
			suite.Refuses(t, name, err, of.want)
			if got := s.said(); !slices.Equal(got, []string{"sendPhoto"}) {
				t.Errorf("calls %v: the words went out as well", got)
			}
		})
	}
}

func TestATextThatIsTooLongForACaptionGoesAlone(t *testing.T) {
	s, c := started(t, nil)
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	m.Image = card(t, 1200, 630)
	m.Text += strings.Repeat(" 🔥", 400) // 3 UTF-16 units each
	r := sent(t, c, m)
	if got := s.at(town); len(got) != 1 || got[0].photo != nil || !strings.Contains(r.Note, "too long for a caption") {
		t.Errorf("%+v, %+v", r, got)
	}
}

func TestTextsAreAsLongAsTheirKindOfPost(t *testing.T) {
	long := channeltest.Sample(channeltest.Actual, "it")
	long.Alert.Infos[0].Description = strings.Repeat("Il fiume sale 🔥 da ieri. ", 500)
	for i := range 200 {
		long.Alert.Infos[0].Areas = append(long.Alert.Infos[0].Areas, alerts.Area{Description: fmt.Sprintf("Frazione %d", i)})
	}
	for name, of := range map[string]struct {
		image *bool
		most  int
	}{"with pictures": {nil, 1024}, "without": {no(), 4096}} {
		t.Run(name, func(t *testing.T) {
			s, c := started(t, func(c *Config) { c.Image = of.image })
			messages, err := c.Render(long)
			if err != nil {
				t.Fatal(err)
			}
			m := messages[0]
			if n := channels.Units16(m.Text); n > of.most || n < of.most-100 {
				t.Errorf("%d UTF-16 units, want nearly %d", n, of.most)
			}
			if (m.Image != nil) != (of.image == nil) || c.Measure("x").Max != of.most || c.Measure("x").Unit != "utf16" {
				t.Errorf("picture %v, %+v", m.Image, c.Measure("x"))
			}
			if m.Image != nil {
				m.Image = card(t, 1200, 630)
			}
			sent(t, c, m)
			if got := s.at(town); len(got) != 1 || (got[0].photo != nil) != (of.image == nil) {
				t.Errorf("posts %+v", got)
			}
			// What it comes to say later fits it either way.
			later, err := c.RenderAmended(long, channeltest.Sample(channeltest.AllClear, "it"))
			if err != nil || len(later) != 1 || later[0].Image != nil || channels.Units16(later[0].Text) > 1024 {
				t.Errorf("%+v, %v", later, err)
			}
		})
	}
}

func TestWhatMakesASound(t *testing.T) {
	for name, of := range map[string]struct {
		severity alerts.Severity
		change   alerts.Change
		step     channels.Step
		silent   bool
	}{
		"extreme":                          {alerts.SeverityExtreme, alerts.ChangeIssued, channels.StepPost, false},
		"severe":                           {alerts.SeveritySevere, alerts.ChangeUpdated, channels.StepPost, false},
		"moderate":                         {alerts.SeverityModerate, alerts.ChangeIssued, channels.StepPost, false},
		"unknown":                          {alerts.SeverityUnknown, alerts.ChangeIssued, channels.StepPost, false},
		"minor":                            {alerts.SeverityMinor, alerts.ChangeIssued, channels.StepPost, true},
		"a correction of something severe": {alerts.SeveritySevere, alerts.ChangeUpdated, channels.StepCorrect, false},
		"a correction":                     {alerts.SeverityModerate, alerts.ChangeUpdated, channels.StepCorrect, true},
		"a Cancel":                         {alerts.SeverityExtreme, alerts.ChangeCancelled, channels.StepPost, false},
		"an all-clear that calls itself minor, after who knows what": {alerts.SeverityMinor, alerts.ChangeEnded, channels.StepPost, false},
	} {
		s, c := started(t, nil)
		m := suite.Rendered(t, c, channeltest.Actual, "a")
		m.Severity, m.Change, m.Step = of.severity, of.change, of.step
		sent(t, c, m)
		if got := s.at(town)[0].silent; got != of.silent {
			t.Errorf("%s: silent %v, want %v", name, got, of.silent)
		}
	}
}

func TestTheFirstLinesAreBold(t *testing.T) {
	for name, of := range map[string]struct {
		m    channels.Message
		text string
		want int // UTF-16 units
	}{
		"one line of an alert":         {channels.Message{Revision: 1}, "Più 🔥\nSalite.", 6},
		"two lines of an update":       {channels.Message{Revision: 2}, "ÀÈ\nPiù 🔥\nSalite.", 9},
		"two lines of an exercise":     {channels.Message{Revision: 1, Exercise: true}, "ESERCITAZIONE\n🔥\nSalite.", 16},
		"one line of what points away": {channels.Message{Revision: 2, Step: channels.StepPoint}, "SOSTITUITA 🔥\nhttps://t.me/x/5", 13},
		"a text of one line":           {channels.Message{Revision: 2}, "🔥🔥", 4},
		"no text":                      {channels.Message{}, "", 0},
	} {
		got := bold(of.m, of.text)
		if of.want == 0 && got == nil {
			continue
		}
		if len(got) != 1 || got[0].Offset != 0 || got[0].Length != of.want || got[0].Type != "bold" {
			t.Errorf("%s: %+v, want %d", name, got, of.want)
		}
	}
}

func TestRepliesHangOnTheEarlierPost(t *testing.T) {
	s, c := started(t, nil)
	first := sent(t, c, suite.Rendered(t, c, channeltest.Actual, "a"))
	for name, of := range map[string]struct {
		previous string
		reply    int
	}{
		"an earlier post":           {first.ID, 101},
		"one with a picture":        {town + "/p101", 101},
		"one that is gone":          {town + "/99", 0},
		"one of another chat":       {closed + "/101", 0},
		"what is no id of ours":     {"12", 0},
		"an id with something else": {town + "/101x", 0},
	} {
		m := suite.Rendered(t, c, channeltest.Update, "b")
		m.Previous = of.previous
		sent(t, c, m)
		posts := s.at(town)
		if got := posts[len(posts)-1].reply; got != of.reply {
			t.Errorf("%s: answers %d, want %d", name, got, of.reply)
		}
	}
}

func TestAddresses(t *testing.T) {
	for chat, want := range map[string]string{town: "https://t.me/comune_pistoia/101", "@comune_pistoia": "https://t.me/comune_pistoia/101", closed: "https://t.me/c/9876543210/101", group: ""} {
		_, c := started(t, func(c *Config) { c.Chat = chat; c.Pin = no() })
		if r := sent(t, c, suite.Rendered(t, c, channeltest.Actual, "a")); r.URL != want || strings.HasPrefix(r.ID, "@") {
			t.Errorf("%s: %+v, want %q", chat, r, want)
		}
	}
}

func TestIdsAreReadBack(t *testing.T) {
	for _, id := range []string{town + "/57", town + "/p57", "@comune_pistoia/1", "4242/p9"} {
		if p, err := parsePost(id); err != nil || p.String() != id {
			t.Errorf("%s: %+v, %v", id, p, err)
		}
	}
	for _, id := range []string{"", "57", "/57", town, town + "/", town + "/p", town + "/0", town + "/-5", town + "/+5", town + "/05", town + "/5/6", "x y/5", "../5/5"} {
		if p, err := parsePost(id); err == nil {
			t.Errorf("%q was read as %+v", id, p)
		}
	}
}

func FuzzPostIds(f *testing.F) {
	for _, id := range []string{town + "/57", "@a_b_c/p1", "", "/", "1/pp1", "-0/1"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if p, err := parsePost(id); err == nil && (p.String() != id || p.message <= 0) {
			t.Errorf("%q became %+v", id, p)
		}
	})
}

func TestLimitKeepsRoom(t *testing.T) {
	l := channel(t, "https://telegram.example", nil).Limit()
	if l.PerSecond != 1 || l.Window != 1 || l.PerHour != 1200 || l.Reserve <= 0 {
		t.Errorf("%+v", l)
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	_, err := New("T", Config{URL: "telegram.example", Chat: "comune", TestChat: "x y"}, channeltest.Settings(), zap.NewNop())
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{"name", "url", "chat is neither", "test_chat", "token_file"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	for want, c := range map[string]Config{
		"chat is missing":       {TokenFile: tokenFile(t, token)},
		"the public would see":  {TokenFile: tokenFile(t, token), Chat: "@Comune", TestChat: "@comune"},
		"comes from @BotFather": {TokenFile: tokenFile(t, "12:tooshort-secret"), Chat: town},
	} {
		_, err := New("canale", c, channeltest.Settings(), zap.NewNop())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		} else if strings.Contains(err.Error(), "tooshort") {
			t.Errorf("the error holds the token: %v", err)
		}
	}
}

func TestRenewalSaysWhereTheTokenGoes(t *testing.T) {
	c := channel(t, "https://telegram.example", nil)
	if got := c.Renewal(); !strings.Contains(got, "@BotFather") || !strings.Contains(got, c.config.TokenFile) || strings.Contains(got, token) {
		t.Errorf("got %q", got)
	}
}
