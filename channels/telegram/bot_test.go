package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/alerts/volunteers"
	"martinella/channels"
	"martinella/channels/channeltest"
)

// anna is a person who has opened the bot.
const anna = "4242"

func botAt(t testing.TB, baseURL string, change func(*BotConfig)) *Bot {
	t.Helper()
	config := BotConfig{URL: baseURL, TokenFile: tokenFile(t, token)}
	if change != nil {
		change(&config)
	}
	b, err := NewBot("bot", config, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func startedBot(t testing.TB) (*telegramServer, *Bot) {
	t.Helper()
	s := newServer(t)
	s.buttons = true
	b := botAt(t, channeltest.StartStub(t, s, posting).URL, nil)
	t.Cleanup(func() { s.clean(t) })
	return s, b
}

func TestBotContract(t *testing.T) {
	channeltest.Run(t, channeltest.Suite{
		New:      func(t testing.TB, baseURL string) channels.Channel { return botAt(t, baseURL, nil) },
		Platform: func(t testing.TB) http.Handler { s := newServer(t); t.Cleanup(func() { s.clean(t) }); return s },
		Posting:  posting,
		To:       anna,
		Secrets:  []string{token, strings.TrimPrefix(token, "7012345678:")},
		// 403 tells of one person alone, and 404 that there is no such bot.
		Verdicts: map[int]channels.Verdict{403: channels.VerdictPermanent, 404: channels.VerdictUnauthorized, 503: channels.VerdictUncertain},
	})
}

func TestBotGolden(t *testing.T) {
	t.Chdir("testdata/bot")
	channeltest.Golden(t, botAt(t, "https://telegram.example", nil))
}

func TestBotPages(t *testing.T) {
	channeltest.Pages(t, channeltest.PagerSuite{
		New:        func(t testing.TB) channels.Pager { return botAt(t, "https://telegram.example", nil) },
		LinkInText: true,
		Fits: func(t testing.TB, name string, m channels.Message) {
			if n := channels.Units16(m.Text); n > mostText {
				t.Errorf("%s: %d units", name, n)
			}
			var rows [][]button
			if len(m.Payload) > 0 {
				if err := json.Unmarshal(m.Payload, &rows); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			for _, one := range slices.Concat(rows...) {
				if len(one.Data) == 0 || len(one.Data) > 64 || one.Text == "" {
					t.Errorf("%s: Telegram takes no button %+v", name, one)
				}
			}
		},
	})
}

func TestBotGoldenPages(t *testing.T) {
	t.Chdir("testdata/bot")
	channeltest.GoldenPages(t, botAt(t, "https://telegram.example", nil))
}

// What a button brings back is read as a text message is: it names the call, and
// leaves no doubt.
func TestWhatAButtonSaysIsUnderstood(t *testing.T) {
	b := botAt(t, "https://telegram.example", nil)
	for kind, want := range map[channels.PageKind][]string{
		channels.PageCall: {"coming 10", "coming 20", "coming 40", "maybe 0", "cannot 0"}, channels.PageNeeded: {"coming 10", "coming 20", "coming 40", "maybe 0", "cannot 0"},
		channels.PageTest: {"coming 0"}, channels.PageFilled: nil, channels.PageClosed: nil, channels.PageCancelled: nil,
	} {
		for _, lang := range []string{"it", "en", "de", "sl", "fr", "hr"} {
			page := channeltest.SamplePage(kind, lang)
			page.Code = "V-0417"
			m, err := b.RenderPage(page)
			if err != nil {
				t.Fatal(err)
			}
			var rows [][]button
			if len(m.Payload) > 0 {
				if err := json.Unmarshal(m.Payload, &rows); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for _, one := range slices.Concat(rows...) {
				r := volunteers.ReadReply(one.Data)
				if !r.Clear || r.Code != 417 {
					t.Errorf("%q is read as %+v", one.Data, r)
				}
				got = append(got, fmt.Sprint(r.Answer.Kind, " ", r.Answer.Minutes))
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s in %s: %q, want %q", kind, lang, got, want)
			}
		}
	}
}

func TestAPageIsOneMessageWithItsButtons(t *testing.T) {
	s, b := startedBot(t)
	m, err := b.RenderPage(channeltest.SamplePage(channels.PageCall, "it"))
	if err != nil {
		t.Fatal(err)
	}
	m = m.For(map[string]string{channels.PersonLink: "https://valdemo.example/d/x"})
	m.To = anna
	r, err := b.Send(t.Context(), m)
	if err != nil || r.ID != anna+"/101" {
		t.Fatalf("%+v, %v", r, err)
	}
	if posts := s.at(anna); len(posts) != 1 || !strings.Contains(posts[0].text, "https://valdemo.example/d/x") || posts[0].silent {
		t.Errorf("%+v", posts)
	}
	var k struct {
		Rows [][]struct {
			Text string `json:"text"`
			Data string `json:"callback_data"`
		} `json:"inline_keyboard"`
	}
	if err := json.Unmarshal([]byte(s.calls[0].fields["reply_markup"]), &k); err != nil || len(k.Rows) != 2 || len(k.Rows[0]) != 3 || k.Rows[0][1].Text != "Vengo: 20 min" {
		t.Errorf("the buttons: %+v, %v", k, err)
	}
	for _, group := range []string{"-55", town, "0", "@comune", "", "4242 "} {
		m.To = group
		if _, err := b.Send(t.Context(), m); err == nil || len(s.at(group)) > 0 {
			t.Errorf("a page went to %q", group)
		}
	}
}

func TestWhoIsGone(t *testing.T) {
	for name, one := range map[string]struct {
		answer http.HandlerFunc
		gone   bool
		want   channels.Verdict
	}{
		"they blocked the bot":              {refused(403, "Forbidden: bot was blocked by the user"), true, channels.VerdictPermanent},
		"they deleted their account":        {refused(403, "Forbidden: user is deactivated"), true, channels.VerdictPermanent},
		"they never opened it":              {refused(400, "Bad Request: chat not found"), true, channels.VerdictPermanent},
		"the text is no text":               {refused(400, "Bad Request: message text is empty"), false, channels.VerdictPermanent},
		"the token is no more":              {refused(401, "Unauthorized"), false, channels.VerdictUnauthorized},
		"too many in a second":              {refused(429, "Too Many Requests: retry after 7", `{"retry_after":7}`), false, channels.VerdictRetry},
		"Telegram is in trouble":            {refused(500, "Internal Server Error"), false, channels.VerdictUncertain},
		"a proxy says no in words of a bot": {refused(502, "Bad Gateway"), false, channels.VerdictUncertain},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := startedBot(t)
			s.fail("sendMessage", one.answer)
			_, err := b.Send(t.Context(), channels.Message{To: anna, Text: "Prova"})
			verdict, wait := channels.VerdictOf(err)
			if verdict != one.want || channels.IsGone(err) != one.gone || one.want == channels.VerdictRetry && wait != 7*time.Second {
				t.Errorf("verdict %v, gone %v, wait %v: %v", verdict, channels.IsGone(err), wait, err)
			}
			if strings.Contains(err.Error(), anna) || strings.Contains(err.Error(), token) {
				t.Errorf("the error tells too much: %v", err)
			}
		})
	}
}

// ear is a sink that keeps what it hears; while it is deaf it stores nothing.
type ear struct {
	mu    sync.Mutex
	heard []channels.Reply
	deaf  int
	news  chan struct{}
}

func newEar() *ear { return &ear{news: make(chan struct{}, 100)} }

func (e *ear) Report(context.Context, string, channels.DeliveryReport) error { return nil }

func (e *ear) Reply(_ context.Context, channel string, r channels.Reply) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.deaf > 0 {
		e.deaf--
		return errors.New("the store is away")
	}
	e.heard = append(e.heard, r)
	e.news <- struct{}{}
	return nil
}

func (e *ear) all() (texts []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.heard {
		texts = append(texts, r.From+" "+r.Text+r.Code)
	}
	return texts
}

// until waits for so many replies, and lets the listener tell that they are done
// with.
func (e *ear) until(t testing.TB, n int) {
	t.Helper()
	for range n {
		select {
		case <-e.news:
		case <-time.After(time.Minute):
			t.Fatalf("only %q was heard", e.all())
		}
	}
}

func touch(id int, chat int64, kind, data string) map[string]any {
	return map[string]any{"update_id": id, "callback_query": map[string]any{"id": fmt.Sprint(id), "data": data, "from": map[string]any{"id": chat},
		"message": map[string]any{"message_id": 7, "date": 0, "chat": map[string]any{"id": chat, "type": kind}}}}
}

func typed(id int, chat int64, kind, text string) map[string]any {
	return map[string]any{"update_id": id, "message": map[string]any{"message_id": id, "date": 1795255200, "text": text, "from": map[string]any{"id": chat}, "chat": map[string]any{"id": chat, "type": kind}}}
}

func TestWhatPeopleSayIsHeardOnce(t *testing.T) {
	s, b := startedBot(t)
	s.updates = []map[string]any{
		touch(10, 4242, "private", "V-0417 SI 20"), typed(11, 4242, "private", "arrivo col furgone"), typed(12, -55, "group", "SI 20"), touch(13, -55, "group", "V-0417 SI 10"),
		typed(14, 77, "private", "/start AbC_-123"), typed(15, 77, "private", "/start"), typed(16, 77, "private", "/STOP@allerta_bot"), typed(17, 77, "private", "/start a b"), typed(18, 77, "private", ""),
		{"update_id": 19, "message": map[string]any{"date": 1795255200, "caption": "guarda", "chat": map[string]any{"id": 77, "type": "private"}}},
		{"update_id": 20, "edited_message": map[string]any{}}, {"update_id": 21, "callback_query": map[string]any{"id": "x", "data": "V-0417 NO"}},
	}
	e := newEar()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.Listen(ctx, e) }()
	e.until(t, 7)
	s.until(t, func() bool { return s.offset == 22 })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	want := []string{"4242 V-0417 SI 20", "4242 arrivo col furgone", "77 AbC_-123", "77 START", "77 STOP", "77 START", "77 guarda"}
	if got := e.all(); !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
	if at := e.heard[1].At; !at.Equal(time.Unix(1795255200, 0)) {
		t.Errorf("it was written at %v", at)
	}
	if calls := s.said(); !slices.Contains(calls, "answerCallbackQuery") {
		t.Errorf("the telephone still waits: %q", calls)
	}
}

// What was not stored is asked for again, and what was is not.
func TestWhatIsNotStoredComesAgain(t *testing.T) {
	s, b := startedBot(t)
	s.updates = []map[string]any{typed(10, 4242, "private", "uno"), typed(11, 4242, "private", "due"), typed(12, 4242, "private", "tre")}
	e := newEar()
	e.deaf = 1
	if err := b.Listen(t.Context(), e); err == nil || !strings.Contains(err.Error(), "asked for again") {
		t.Fatalf("the store was away, and it says %v", err)
	}
	if s.offset > 10 {
		t.Fatal("Telegram was told that it is done with")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.Listen(ctx, e) }()
	e.until(t, 3)
	s.until(t, func() bool { return s.offset == 13 })
	cancel()
	<-ended
	if got := e.all(); !slices.Equal(got, []string{"4242 uno", "4242 due", "4242 tre"}) {
		t.Errorf("heard %q", got)
	}
}

func TestWhyListeningEnds(t *testing.T) {
	for name, one := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"somebody else listens": {refused(409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"), "give the gateway a bot of its own"},
		"the token is no more":  {refused(401, "Unauthorized"), "no longer, that of a bot"},
		"Telegram is away":      {refused(502, "Bad Gateway"), "502"},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := startedBot(t)
			s.fail("getUpdates", one.answer)
			err := b.Listen(t.Context(), newEar())
			if err == nil || !strings.Contains(err.Error(), one.want) || strings.Contains(err.Error(), token) {
				t.Errorf("it ends with %v", err)
			}
		})
	}
}

func TestBotCheck(t *testing.T) {
	s, b := startedBot(t)
	if b.Link("abc") != "" {
		t.Error("a link without the bot's name")
	}
	if err := b.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.Link("AbC_-1"); got != "https://t.me/allerta_bot?start=AbC_-1" {
		t.Errorf("the link is %s", got)
	}
	for _, bad := range []string{"", "a b", "a&b=c", strings.Repeat("a", 65)} {
		if got := b.Link(bad); got != "" {
			t.Errorf("%q gives the link %s", bad, got)
		}
	}
	s.hook = "https://elsewhere.example/hook"
	if err := b.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "webhook") || strings.Contains(err.Error(), "elsewhere") {
		t.Errorf("with a webhook: %v", err)
	}
}

func TestEveryMistakeOfABotIsNamed(t *testing.T) {
	_, err := NewBot("Bot!", BotConfig{TokenFile: tokenFile(t, "secret"), URL: "ftp://x", PerSecond: 31}, channels.Settings{}, zap.NewNop())
	for _, want := range []string{"name", "url", "no token of a bot", "per_second is 31"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the token is shown: %v", err)
	}
	b := botAt(t, "", nil)
	if l := b.Limit(); l.PerSecond != 25 || b.config.URL != server {
		t.Errorf("%+v at %s", l, b.config.URL)
	}
}

// Whatever stands in an update, what reaches the sink is of a chat with one
// person, and a code has the form of one.
func FuzzUpdate(f *testing.F) {
	for _, u := range []map[string]any{touch(10, 4242, "private", "V-0417 SI 20"), typed(11, -55, "group", "SI 20"), typed(12, 77, "private", "/start AbC_-123"), typed(13, 77, "private", "/stop@bot now")} {
		b, err := json.Marshal(u)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	b := botAt(f, "https://telegram.example", nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		var u update
		if json.Unmarshal(body, &u) != nil {
			return
		}
		e := newEar()
		if err := b.take(t.Context(), &u, e); err != nil {
			t.Fatal(err)
		}
		for _, r := range e.heard {
			if r.Code != "" && (r.Text != "" || !codeForm.MatchString(r.Code)) || r.Code == "" && r.Text == "" {
				t.Errorf("%q: %+v", body, r)
			}
			private := u.Message != nil && u.Message.Chat.Type == "private" || u.Touch != nil && u.Touch.Message != nil && u.Touch.Message.Chat.Type == "private"
			if !private || r.From == "" {
				t.Errorf("%q: what is not of one person is heard: %+v", body, r)
			}
		}
	})
}
