package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"martinella/broadcast"
	"martinella/channels/channeltest"
)

// botAPI is a small Bot API: it gives what people do to whoever asks, again
// until it is told that it is done with, and even once more then.
type botAPI struct {
	mu      sync.Mutex
	next    int
	updates []map[string]any
	sent    map[string][]botMessage
	blocked map[string]bool
	busy    int // how many messages are refused for now
	echo    bool
	touched []string
}

type botMessage struct {
	Text    string
	Buttons []string // what they bring back
}

func (b *botAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	switch {
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		_ = json.NewDecoder(r.Body).Decode(&in)
	default:
		_ = r.ParseMultipartForm(1 << 20)
		in = map[string]any{}
		for k := range r.Form {
			in[k] = r.Form.Get(k)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	answer := func(result any) { _ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "result": result}) }
	refuse := func(code int, said, parameters string) {
		w.WriteHeader(code)
		_, _ = fmt.Fprintf(w, `{"ok":false,"error_code":%d,"description":%q,"parameters":%s}`, code, said, parameters)
	}
	w.Header().Set("Content-Type", "application/json")
	switch _, method, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/bot"), "/"); method {
	case "getMe":
		answer(map[string]any{"id": 7, "is_bot": true, "first_name": "Valdemo", "username": "valdemo_bot"})
	case "getWebhookInfo":
		answer(map[string]any{"url": ""})
	case "answerCallbackQuery":
		b.touched = append(b.touched, fmt.Sprint(in["callback_query_id"]))
		answer(true)
	case "getUpdates":
		offset, _ := in["offset"].(float64)
		var fresh []map[string]any
		for _, u := range b.updates {
			if u["update_id"].(int) >= int(offset) {
				fresh = append(fresh, u)
			}
		}
		if len(fresh) == 0 && b.echo {
			fresh, b.echo = b.updates, false // once more, though all is done with
		}
		if len(fresh) == 0 { // a long question, as far as a test goes
			b.mu.Unlock()
			select {
			case <-r.Context().Done():
			case <-time.After(20 * time.Millisecond):
			}
			b.mu.Lock()
		}
		if fresh == nil {
			fresh = []map[string]any{}
		}
		answer(fresh)
	case "sendMessage":
		to := fmt.Sprint(in["chat_id"])
		switch {
		case b.blocked[to]:
			refuse(403, "Forbidden: bot was blocked by the user", "{}")
			return
		case b.busy > 0:
			b.busy--
			refuse(429, "Too Many Requests: retry after 1", `{"retry_after":1}`)
			return
		}
		m := botMessage{Text: fmt.Sprint(in["text"])}
		for _, found := range regexp.MustCompile(`"callback_data":"([^"]+)"`).FindAllStringSubmatch(fmt.Sprint(in["reply_markup"]), -1) {
			m.Buttons = append(m.Buttons, found[1])
		}
		b.sent[to] = append(b.sent[to], m)
		b.next++
		answer(map[string]any{"message_id": b.next, "date": 0, "chat": map[string]any{"id": 1, "type": "private"}})
	default:
		refuse(404, "Not Found", "{}")
	}
}

func (b *botAPI) happens(what string, body map[string]any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	b.updates = append(b.updates, map[string]any{"update_id": b.next, what: body})
}

func (b *botAPI) writes(chat int, text string) {
	b.happens("message", map[string]any{"date": time.Now().Unix(), "text": text, "chat": map[string]any{"id": chat, "type": "private"}})
}

func (b *botAPI) touches(chat int, data string) {
	b.happens("callback_query", map[string]any{"id": data, "data": data, "message": map[string]any{"chat": map[string]any{"id": chat, "type": "private"}}})
}

// at gives the messages of a chat so far.
func (b *botAPI) at(chat int) []botMessage {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]botMessage(nil), b.sent[fmt.Sprint(chat)]...)
}

// TestVolunteersAnswerByTelegram: a volunteer connects Telegram on the own page,
// is called there, touches a button, changes their mind in words; who has blocked
// the bot gets a text message at once.
func TestVolunteersAnswerByTelegram(t *testing.T) {
	needRedis(t)
	const annaChat, brunoChat = 424201, 424202
	smsc := &carrier{channeltest.StartPeer(t, "smsc.js"), map[string][]sent{}}
	api := &botAPI{next: 100, sent: map[string][]botMessage{}, blocked: map[string]bool{}}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	secrets := t.TempDir()
	const token = "7012345678:AAFq-martinella_test_key_000000000000"
	dir, config := settle(t, fmt.Sprintf(`
  - {name: sms, kind: smpp, addr: "%s", system_id: gw, password_file: %s, source: "+393390000000"}
  - {name: bot, kind: telegram-bot, token_file: %s, url: "%s"}
public_url: %s
`, smsc.Addr(), write(t, filepath.Join(secrets, "smpp"), "secret"), write(t, filepath.Join(secrets, "telegram"), token), server.URL, publicSite))
	g := open(t, dir, config)
	must(t, "people", "import", write(t, filepath.Join(dir, "volontari.csv"), `Cognome;Nome;Cellulare;Area;Canali
Rossi;Anna;333 123 4501;*;telegram,phone
Neri;Bruno;333 123 4502;*;telegram,phone
`), "--config", config, "--audience", "volunteers")
	calls, opened := fastNode(t, g, 0)
	pages := broadcast.NewVolunteerPages(broadcast.VolunteerPagesConfig{Roll: opened.People()})
	own := func(number string) string {
		t.Helper()
		n, address, err := broadcast.Writer(t.Context(), opened.People(), "phone", "+"+number)
		if err != nil {
			t.Fatal(err)
		}
		return "/v/" + pages.Token(n, "phone", address, time.Now())
	}
	d := signedIn(t, g)

	// The own page has the link, once Telegram has told the bot's name.
	link := regexp.MustCompile(`href="https://t\.me/valdemo_bot\?start=([A-Za-z0-9_-]{32})"`)
	for number, chat := range map[string]int{"393331234501": annaChat, "393331234502": brunoChat} {
		var code string
		eventually(t, "the link of the bot", func() bool {
			r := d.do(t, http.MethodGet, own(number)+"?lang=it", nil)
			found := link.FindSubmatch(r.body)
			if r.status == http.StatusOK && found != nil {
				code = string(found[1])
			}
			return code != ""
		})
		api.writes(chat, "/start "+code)
		eventually(t, "the welcome", func() bool { return len(api.at(chat)) == 1 })
		if said := api.at(chat)[0].Text; !strings.HasPrefix(said, "Collegato a ") {
			t.Errorf("the bot says %q", said)
		}
		if r := d.do(t, http.MethodGet, own(number)+"?lang=it", nil); !strings.Contains(string(r.body), "Telegram è collegato") || strings.Contains(string(r.body), fmt.Sprint(chat)) {
			t.Errorf("the own page: %d %s", r.status, r.body)
		}
	}

	// Both are called there; the first try is one too many in a second.
	api.mu.Lock()
	api.busy, api.blocked[fmt.Sprint(brunoChat)] = 1, true
	api.mu.Unlock()
	id := newID(time.Now())
	form := url.Values{"do": {"call"}, "id": {string(id)}, "what": {"Alberi sulla strada"}, "where": {"Piazza Grande"}, "meet": {"+1 h"}, "until": {"+5 h"},
		"skill": {""}, "people": {"2"}, "times": {"4"}, "second": {"none"}, "urgent": {"1"}}
	if r := d.do(t, http.MethodPost, "/console/d/new?lang=it", form); r.status != http.StatusSeeOther {
		t.Fatalf("opened: %d %s", r.status, r.body)
	}
	eventually(t, "Anna's page", func() bool { return len(api.at(annaChat)) == 2 })
	page := api.at(annaChat)[1]
	if !strings.Contains(page.Text, "Alberi sulla strada") || !strings.Contains(page.Text, publicSite+"/d/") || len(page.Buttons) != 5 || page.Buttons[1] != "V-0001 SI 20" {
		t.Errorf("Anna's page is %+v", page)
	}
	smsc.until(t, "393331234502", 1) // Bruno's, at once and not after five minutes

	// A touch is an answer, also where the platform brings it twice.
	api.mu.Lock()
	api.echo = true
	api.mu.Unlock()
	api.touches(annaChat, page.Buttons[1])
	eventually(t, "Anna's answer", func() bool { return answersIn(t, calls, id)["Anna Rossi"].Minutes == 20 })
	if a := answersIn(t, calls, id)["Anna Rossi"]; a.Via != "telegram" {
		t.Errorf("her answer came %+v", a)
	}
	eventually(t, "the words that are said back", func() bool { return len(api.at(annaChat)) == 3 })
	if said := api.at(annaChat)[2].Text; said != "Hai risposto: vengo fra 20 minuti. V-0001" {
		t.Errorf("said back: %q", said)
	}
	view := string(d.do(t, http.MethodGet, "/console/d/"+string(id)+"?lang=it", nil).body)
	if !strings.Contains(view, "con Telegram") {
		t.Error("the coordinator does not see by which way she answered")
	}
	// Words are read as those of a text message.
	api.writes(annaChat, "no, febbre")
	eventually(t, "her other answer", func() bool { return answersIn(t, calls, id)["Anna Rossi"].Kind == "cannot" })
	api.writes(annaChat, "/stop")
	eventually(t, "the end", func() bool {
		all := api.at(annaChat)
		return strings.HasPrefix(all[len(all)-1].Text, "Non riceverai più")
	})

	// Whose bot is blocked has no Telegram any more; nothing tells the token.
	eventually(t, "Bruno's Telegram is taken off", func() bool {
		r := d.do(t, http.MethodGet, own("393331234502")+"?lang=it", nil)
		return link.Match(r.body)
	})
	if log := g.log.String(); strings.Contains(log, token) || strings.Contains(log, token[11:]) || strings.Contains(log, fmt.Sprint(annaChat)) {
		t.Error("the log tells too much")
	}
	if len(api.touched) == 0 {
		t.Error("the telephone still shows a clock")
	}
}
