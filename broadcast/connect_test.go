package broadcast_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/channels"
)

// messenger is a channel whose addresses only the platform knows.
type messenger struct{ unknown bool }

func (*messenger) Name() string        { return "bot" }
func (*messenger) AddressKind() string { return "telegram" }
func (m *messenger) Link(code string) string {
	if m.unknown {
		return ""
	}
	return "https://t.me/bot?start=" + code
}
func (*messenger) Send(context.Context, channels.Message) (channels.Receipt, error) {
	return channels.Receipt{}, nil
}

// joined is a roll of two volunteers and a citizen, with the pages of the first.
type joined struct {
	t     *testing.T
	roll  broadcast.Roll
	pages *broadcast.VolunteerPages
	who   map[string]uint32
	token string
	now   time.Time
}

func newJoined(t *testing.T) *joined {
	store, _, _ := openStore(t)
	j := &joined{t: t, roll: store.People(), who: map[string]uint32{}, now: time.Now()}
	for name, audience := range map[string]string{"Anna": "volunteers", "Bruno": "volunteers", "Carla": "citizens"} {
		s := broadcast.Subscriber{V: 1, Contacts: map[string]string{"phone": fmt.Sprintf("+39333123456%d", len(j.who))}, Language: "en", Areas: []string{"*"}, Audience: audience, Purpose: "emergency"}
		if audience == "volunteers" {
			s.Volunteer = &volunteers.Profile{Name: name, Groups: []string{"AIB"}}
		}
		n, _, err := j.roll.Add(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		j.who[name] = n
	}
	j.pages = broadcast.NewVolunteerPages(broadcast.VolunteerPagesConfig{Roll: j.roll, Routes: []broadcast.Route{{Channel: &fullMessenger{}, Kind: "telegram-bot"}}, PublicURL: "https://x.example", Authority: "PC", Language: "it"})
	j.token = j.tokenOf("Anna")
	return j
}

// fullMessenger is a messenger that can render nothing.
type fullMessenger struct{ messenger }

func (*fullMessenger) Render(*alerts.Record) ([]channels.Message, error) { return nil, nil }

func (j *joined) tokenOf(name string) string {
	j.t.Helper()
	m, err := j.roll.Member(j.t.Context(), j.who[name])
	if err != nil {
		j.t.Fatal(err)
	}
	kind := m.Kinds()[0]
	return j.pages.Token(m.Number, kind, m.Contacts[kind], j.now)
}

func (j *joined) code(token string) string {
	j.t.Helper()
	all, err := j.pages.Connections(j.t.Context(), token, j.now)
	if err != nil || len(all) != 1 || all[0].Kind != "telegram" {
		j.t.Fatal(all, err)
	}
	u, err := url.Parse(all[0].Link)
	if err != nil {
		j.t.Fatal(err)
	}
	return u.Query().Get("start")
}

func (j *joined) connect(code, address string, later time.Duration) string {
	j.t.Helper()
	said, err := j.pages.Connect(j.t.Context(), "telegram", code, address, "bot", j.now.Add(later))
	if err != nil {
		j.t.Fatal(err)
	}
	return said
}

func (j *joined) has(name string) string {
	j.t.Helper()
	m, err := j.roll.Member(j.t.Context(), j.who[name])
	if err != nil {
		j.t.Fatal(err)
	}
	return m.Reachable("telegram")
}

const (
	connected = "Connected to Anna: "
	ended     = "Questo collegamento non vale più"
	taken     = "This Telegram belongs to another person"
)

func TestAChatIsConnectedByItsLink(t *testing.T) {
	for name, one := range map[string]struct {
		do   func(j *joined) string
		said string
		has  string // Anna
	}{
		"the link of one's own page": {func(j *joined) string { return j.connect(j.code(j.token), "4242", 0) }, connected, "4242"},
		"within the hour":            {func(j *joined) string { return j.connect(j.code(j.token), "4242", 59*time.Minute) }, connected, "4242"},
		"after the hour":             {func(j *joined) string { return j.connect(j.code(j.token), "4242", 61*time.Minute) }, ended, ""},
		"made up":                    {func(j *joined) string { return j.connect(strings.Repeat("A", 32), "4242", 0) }, ended, ""},
		"no code at all":             {func(j *joined) string { return j.connect("x", "4242", 0) }, ended, ""},
		"one letter is another":      {func(j *joined) string { return j.connect(swapped(j.code(j.token)), "4242", 0) }, ended, ""},
		"brought twice by the platform": {func(j *joined) string {
			code := j.code(j.token)
			j.connect(code, "4242", 0)
			return j.connect(code, "4242", 0)
		}, connected, "4242"},
		"used by somebody else afterwards": {func(j *joined) string {
			code := j.code(j.token)
			j.connect(code, "4242", 0)
			return j.connect(code, "77", 0)
		}, ended, "4242"},
		"a chat of another volunteer": {func(j *joined) string {
			j.connect(j.code(j.tokenOf("Bruno")), "4242", 0)
			return j.connect(j.code(j.token), "4242", 0)
		}, taken, ""},
		"another chat in the place of the first": {func(j *joined) string {
			j.connect(j.code(j.token), "4242", 0)
			return j.connect(j.code(j.token), "77", 0)
		}, connected, "77"},
		"they have left the roster": {func(j *joined) string {
			code := j.code(j.token)
			if _, err := j.roll.EraseAll(j.t.Context(), []uint32{j.who["Anna"]}, nil, nil); err != nil {
				j.t.Fatal(err)
			}
			said := j.connect(code, "4242", 0)
			j.who["Anna"] = j.who["Bruno"]
			return said
		}, ended, ""},
		"they had stopped it": {func(j *joined) string {
			j.connect(j.code(j.token), "4242", 0)
			if _, err := broadcast.Fulfil(j.t.Context(), j.roll, broadcast.WishStop, "telegram", "4242", "bot", j.now); err != nil {
				j.t.Fatal(err)
			}
			if j.has("Anna") != "" {
				j.t.Error("STOP stops nothing")
			}
			return j.connect(j.code(j.token), "77", 0)
		}, connected, "77"},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJoined(t)
			if said := one.do(j); !strings.HasPrefix(said, one.said) {
				t.Errorf("said %q, want %q", said, one.said)
			}
			if got := j.has("Anna"); got != one.has {
				t.Errorf("Anna is reached at %q, want %q", got, one.has)
			}
		})
	}
}

// swapped is a code with another letter in the middle.
func swapped(code string) string {
	b := []byte(code)
	if b[16] == 'A' {
		b[16] = 'B'
	} else {
		b[16] = 'A'
	}
	return string(b)
}

// Of many who open the same link at once one is connected.
func TestALinkConnectsOneChat(t *testing.T) {
	j := newJoined(t)
	code := j.code(j.token)
	var wait sync.WaitGroup
	var mu sync.Mutex
	won := map[string]bool{}
	for i := range 8 {
		wait.Go(func() {
			address := fmt.Sprint(4242 + i)
			said, err := j.pages.Connect(t.Context(), "telegram", code, address, "bot", j.now)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			} else if strings.HasPrefix(said, connected) {
				won[address] = true
			}
		})
	}
	wait.Wait()
	if len(won) != 1 || !won[j.has("Anna")] {
		t.Errorf("connected %v, reached at %q", won, j.has("Anna"))
	}
}

func TestAConnectionEnds(t *testing.T) {
	j := newJoined(t)
	ctx := t.Context()
	if err := j.pages.Disconnect(ctx, j.token, "telegram", j.now); err != nil {
		t.Errorf("what is not connected: %v", err)
	}
	j.connect(j.code(j.token), "4242", 0)
	all, err := j.pages.Connections(ctx, j.token, j.now)
	if err != nil || len(all) != 1 || !all[0].Has {
		t.Errorf("%+v, %v", all, err)
	}
	if err := j.pages.Disconnect(ctx, j.token, "phone", j.now); err != nil {
		t.Errorf("a contact that the office keeps: %v", err)
	}
	if err := j.pages.Disconnect(ctx, j.token, "telegram", j.now); err != nil || j.has("Anna") != "" {
		t.Errorf("%v, still reached at %q", err, j.has("Anna"))
	}
	if m, err := j.roll.Member(ctx, j.who["Anna"]); err != nil || m.Contacts["phone"] == "" {
		t.Errorf("the telephone: %+v, %v", m, err)
	}
	if err := j.pages.Disconnect(ctx, strings.Repeat("A", len(j.token)), "telegram", j.now); !errors.Is(err, broadcast.ErrToken) {
		t.Errorf("with another token: %v", err)
	}
	// Who has nothing else keeps it.
	code := j.code(j.tokenOf("Bruno"))
	j.connect(code, "77", 0)
	if err := j.roll.Change(ctx, j.who["Bruno"], nil, func(m *broadcast.Member) (bool, error) { delete(m.Contacts, "phone"); return true, nil }); err != nil {
		t.Fatal(err)
	}
	if err := j.pages.Disconnect(ctx, j.tokenOf("Bruno"), "telegram", j.now); !errors.Is(err, broadcast.ErrLastContact) {
		t.Errorf("the last contact: %v", err)
	}
}

// A code reaches whoever connects, and its answer the chat; neither is in the log.
func TestTheSinkConnects(t *testing.T) {
	j := newJoined(t)
	_, log, text := openStore(t)
	var said []string
	sink := &broadcast.Sink{Metrics: broadcast.NewMetrics(prometheus.NewRegistry(), []string{"bot"}), Roll: j.roll, Connect: j.pages.Connect, Kinds: map[string]string{"bot": "telegram"}, Log: log,
		Answer: func(_ context.Context, channel, to, text string) { said = append(said, channel+" "+to+" "+text) }}
	code := j.code(j.token)
	if err := sink.Reply(t.Context(), "bot", channels.Reply{From: "424242", Code: code}); err != nil {
		t.Fatal(err)
	}
	if len(said) != 1 || !strings.HasPrefix(said[0], "bot 424242 Connected to Anna: ") || j.has("Anna") != "424242" {
		t.Errorf("said %q, reached at %q", said, j.has("Anna"))
	}
	if strings.Contains(text.String(), code) || strings.Contains(text.String(), "424242") {
		t.Errorf("the log tells too much: %s", text)
	}
	if err := sink.Reply(t.Context(), "bot", channels.Reply{From: "424242", Text: "STOP"}); err != nil || j.has("Anna") != "" {
		t.Errorf("STOP: %v, still reached at %q", err, j.has("Anna"))
	}
}
