package dashboards

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"martinella/broadcast"
)

// messenger is a channel that people connect by a link; without a name it has
// not reached its platform yet.
type messenger struct {
	postOffice
	name string
}

func (*messenger) Name() string        { return "bot" }
func (*messenger) AddressKind() string { return "telegram" }
func (m *messenger) Link(code string) string {
	if m.name == "" {
		return ""
	}
	return "https://t.me/" + m.name + "?start=" + code
}

func TestAVolunteerConnectsTelegramOnTheOwnPage(t *testing.T) {
	g := openRoster(t)
	at := g.link()
	if r := g.get(at); strings.Contains(r.body, "Telegram") {
		t.Error("the page offers what is not there")
	}
	bot := &messenger{}
	g.pages.Routes = append(g.pages.Routes, broadcast.Route{Channel: bot})
	if r := g.get(at + "?lang=it"); !strings.Contains(r.body, "Telegram non risponde ora") || strings.Contains(r.body, "t.me") {
		t.Errorf("before the bot has a name: %s", r.body)
	}
	bot.name = "valdemo_bot"
	r := g.get(at + "?lang=it")
	link := regexp.MustCompile(`<a class="button" href="https://t\.me/valdemo_bot\?start=([A-Za-z0-9_-]{32})" rel="noreferrer" target="_blank">Collega Telegram</a>`).FindStringSubmatch(r.body)
	if link == nil {
		t.Fatalf("no link: %s", r.body)
	}
	said, err := g.pages.Connect(t.Context(), "telegram", link[1], "424242", "bot", time.Now())
	if err != nil || !strings.HasPrefix(said, "Collegato a Anna Prato") {
		t.Fatal(said, err)
	}
	r = g.get(at + "?lang=it")
	if !strings.Contains(r.body, "Telegram è collegato.") || strings.Contains(r.body, "t.me") || strings.Contains(r.body, "424242") {
		t.Errorf("once it is connected: %s", r.body)
	}
	// It is one of the contacts whose order the volunteer decides.
	if !strings.Contains(r.body, `<option value="telegram">Telegram</option>`) {
		t.Error("it has no place in the order of contacts")
	}
	if r := g.form(at+"?lang=it", "do", "disconnect"); r.StatusCode != 200 || !strings.Contains(r.body, "Collega Telegram") || g.anna().Contacts["telegram"] != "" {
		t.Errorf("disconnected: %d %v", r.StatusCode, g.anna().Contacts)
	}
	if r := g.form("/v/"+strings.Repeat("A", 32), "do", "disconnect"); r.StatusCode != 404 {
		t.Errorf("with another token: %d", r.StatusCode)
	}
	// The only contact stays.
	err = g.roll.Change(t.Context(), g.number, nil, func(m *broadcast.Member) (bool, error) {
		m.Contacts = map[string]string{"telegram": "424242"}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	at = "/v/" + g.pages.Token(g.number, "telegram", "424242", time.Now())
	if r := g.form(at+"?lang=it", "do", "disconnect"); r.StatusCode != 409 || !strings.Contains(r.body, "unico contatto") || g.anna().Contacts["telegram"] == "" {
		t.Errorf("the only contact: %d %v", r.StatusCode, g.anna().Contacts)
	}
}
