package dashboards

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
)

// paper is an account that people post to, under the name that every alert of
// these tests goes to.
type paper struct{ channels.Channel }

func (paper) Name() string   { return "outbox" }
func (paper) ByHand() string { return "instagram" }

// kitShelf keeps one text for each alert.
type kitShelf struct {
	m     *memory
	mu    sync.Mutex
	ticks map[alerts.ID]broadcast.Posted
	down  error
}

func (k *kitShelf) Kit(_ context.Context, id alerts.ID, _ string) ([]broadcast.KitPost, string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := broadcast.KitPost{Language: "it-IT", Title: "Avviso", Text: "Salite ai piani alti. https://allerta.valdemo.example/a/" + string(id), Link: "https://allerta.valdemo.example/a/" + string(id), Alt: "Avviso", State: "accepted"}
	if t, ticked := k.ticks[id]; ticked {
		p.State, p.Posted = "delivered", &t
	}
	return []broadcast.KitPost{p}, "", k.down
}

func (k *kitShelf) Posted(ctx context.Context, t broadcast.Tick) (broadcast.Ticked, error) {
	if t.Language == "de" {
		return broadcast.Ticked{}, &alerts.Refusal{Kind: alerts.ErrNotFound, Problems: alerts.Problems{{Field: "language", Problem: "is not one of this alert on this channel: de"}}}
	}
	k.mu.Lock()
	_, before := k.ticks[t.Alert]
	if !before {
		k.ticks[t.Alert] = broadcast.Posted{By: t.Act.By, At: t.Act.At, URL: t.URL}
		k.m.mu.Lock()
		k.m.act(t.Act)
		k.m.mu.Unlock()
	}
	k.mu.Unlock()
	posts, _, err := k.Kit(ctx, t.Alert, t.Channel)
	done := broadcast.Ticked{Posts: posts, Replicated: k.m.copied}
	if !before {
		done.New = 1
	}
	return done, err
}

// blank draws an empty picture.
type blank struct{}

func (blank) Card(*alerts.Record, string) ([]byte, error) {
	var b bytes.Buffer
	err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 2, 1)))
	return b.Bytes(), err
}

func withKits(shelf **kitShelf) func(*Config) {
	return func(c *Config) {
		m := c.Work.(*memory)
		*shelf = &kitShelf{m: m, ticks: map[alerts.ID]broadcast.Posted{}}
		c.Kits = &broadcast.Kits{Routes: []broadcast.Route{{Channel: paper{}}}, Records: m, Store: *shelf, Metrics: broadcast.NewMetrics(prometheus.NewRegistry(), []string{"outbox"})}
		c.Cards = blank{}
	}
}

func TestAKitIsReadAndTicked(t *testing.T) {
	var shelf *kitShelf
	g := open(t, withKits(&shelf))
	issued := g.issue(message("kit-1"))
	id, digest := issued["id"].(string), issued["digest"].(string)
	read := func() map[string]any {
		t.Helper()
		r := g.get("/api/v1/alerts/"+id+"/kits", "Authorization", "Bearer "+author)
		if r.StatusCode != 200 {
			t.Fatalf("%d %s", r.StatusCode, r.body)
		}
		return r.json(t)
	}
	v := read()
	kit := v["kits"].([]any)[0].(map[string]any)
	post := kit["posts"].([]any)[0].(map[string]any)
	if v["digest"] != digest || kit["channel"] != "outbox" || kit["platform"] != "instagram" || post["state"] != "accepted" || post["posted"] != nil {
		t.Errorf("kit %v", v)
	}
	picture, language, _ := strings.Cut(strings.TrimPrefix(kit["card"].(string), "https://allerta.valdemo.example"), "{language}")
	r := g.get(picture+"it"+language, "Authorization", "Bearer "+author)
	if _, err := png.Decode(strings.NewReader(r.body)); err != nil || r.Header.Get("Content-Type") != "image/png" || r.Header.Get("Content-Language") != "it-IT" {
		t.Errorf("card: %d %v %v", r.StatusCode, r.Header, err)
	}
	body := `{"digest":"` + digest + `","url":"https://instagram.example/p/1","reason":"by phone"}`
	first := g.act(author, id, "kits/outbox", body)
	if v := first.json(t); first.StatusCode != 200 || v["new"] != 1.0 {
		t.Fatalf("%d %s", first.StatusCode, first.body)
	}
	again := g.act(issuer, id, "kits/outbox", body).json(t)
	by := again["posts"].([]any)[0].(map[string]any)["posted"].(map[string]any)
	if again["new"] != 0.0 || by["url"] != "https://instagram.example/p/1" || by["by"].(map[string]any)["name"] != "Autrice" {
		t.Errorf("again: %v", again)
	}
	timeline := g.get("/api/v1/alerts/"+id+"/timeline", "Authorization", "Bearer "+author).body
	if strings.Count(timeline, `"verb":"posted"`) != 1 || !strings.Contains(timeline, "channel outbox: by phone") {
		t.Errorf("timeline %s", timeline)
	}
	if g.logs.FilterMessage("posted by hand").Len() != 1 {
		t.Error("the log does not say it once")
	}
	// What was posted is shown with the kit of what takes its place.
	g.issue(message("kit-2", "msgType", "Update", "<scope>", "<note>x</note><scope>", "<info>", "<references>protezione.civile@comune.valdemo.example,kit-1,"+sentOf(g, id)+"</references><info>"))
	earlier := read()["kits"].([]any)[0].(map[string]any)["earlier"].([]any)
	if e := earlier[0].(map[string]any); len(earlier) != 1 || e["revision"] != 1.0 || e["url"] != "https://instagram.example/p/1" {
		t.Errorf("earlier %v", earlier)
	}
	old := g.act(author, id, "kits/outbox", body)
	if old.StatusCode != http.StatusConflict || !strings.Contains(old.body, "revision 2 took its place") {
		t.Errorf("the old text: %d %s", old.StatusCode, old.body)
	}
}

func sentOf(g *gateway, id string) string {
	r, err := g.memory.Get(g.t.Context(), alerts.ID(id), alerts.Exactly)
	if err != nil {
		g.t.Fatal(err)
	}
	return alerts.FormatTime(r.Alert.Sent)
}

func TestWhoMayTickAndWhat(t *testing.T) {
	var shelf *kitShelf
	g := open(t, withKits(&shelf))
	issued := g.issue(message("tick-1"))
	id, digest := issued["id"].(string), issued["digest"].(string)
	for name, tt := range map[string]struct {
		token, channel, rest string
		status               int
		says                 string
	}{
		"an author":                   {author, "outbox", "", 200, `"posts"`},
		"an approver":                 {approver, "outbox", "", 200, `"posts"`},
		"who issues":                  {issuer, "outbox", "", 200, `"posts"`},
		"a key for exercises":         {practice, "outbox", "", 403, "Actual is not allowed"},
		"nobody":                      {"mk_nobody", "outbox", "", 401, ""},
		"another channel":             {author, "sms", "", 404, "does not carry this alert"},
		"a script instead of a post":  {author, "outbox", `,"url":"javascript:alert(1)"`, 400, "is not the address of a post"},
		"an address with a password":  {author, "outbox", `,"url":"https://a:b@instagram.example/"`, 400, "is not the address of a post"},
		"an address without an end":   {author, "outbox", `,"url":"https://instagram.example/` + strings.Repeat("x", 600) + `"`, 400, "is not the address of a post"},
		"a language that it has not":  {author, "outbox", `,"language":"de"`, 404, "is not one of this alert"},
		"a misspelt field":            {author, "outbox", `,"link":"x"`, 400, "is not a field"},
		"a digest of something else":  {author, "outbox", `,"digest":"` + strings.Repeat("0", 64) + `"`, 409, "is not that of the alert"},
		"no digest":                   {author, "outbox", `,"digest":""`, 422, "is missing"},
		"an alert that there is none": {author, "none/x", "", 404, ""},
	} {
		r := g.act(tt.token, id, "kits/"+tt.channel, `{"digest":"`+digest+`"`+tt.rest+`}`)
		if r.StatusCode != tt.status || !strings.Contains(r.body, tt.says) {
			t.Errorf("%s: %d %s, want %d and %q", name, r.StatusCode, r.body, tt.status, tt.says)
		}
	}
	waiting := g.post(author, "/api/v1/alerts", message("tick-2")).json(t)
	if r := g.act(author, waiting["id"].(string), "kits/outbox", `{"digest":"`+waiting["digest"].(string)+`"}`); r.StatusCode != 422 {
		t.Errorf("what nobody approved: %d %s", r.StatusCode, r.body)
	}
	if v := g.get("/api/v1/alerts/"+waiting["id"].(string)+"/kits", "Authorization", "Bearer "+author).json(t); len(v["kits"].([]any)) != 0 {
		t.Errorf("what nobody approved has a kit: %v", v)
	}
	shelf.down = alerts.ErrUnavailable
	if r := g.get("/api/v1/alerts/"+id+"/kits", "Authorization", "Bearer "+author); r.StatusCode != 503 {
		t.Errorf("the store is away: %d", r.StatusCode)
	}
}

func TestWithoutKitsThereIsNothingToTick(t *testing.T) {
	g := open(t)
	issued := g.issue(message("none"))
	id := issued["id"].(string)
	if v := g.get("/api/v1/alerts/"+id+"/kits", "Authorization", "Bearer "+author).json(t); len(v["kits"].([]any)) != 0 {
		t.Errorf("kits %v", v)
	}
	if r := g.act(author, id, "kits/outbox", `{"digest":"`+issued["digest"].(string)+`"}`); r.StatusCode != 404 || !strings.Contains(r.body, "is no copy kit") {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if r := g.get("/api/v1/alerts/"+id+"/card.png", "Authorization", "Bearer "+author); r.StatusCode != 404 {
		t.Errorf("card: %d", r.StatusCode)
	}
	kits := &broadcast.Kits{Routes: []broadcast.Route{{Channel: paper{}}}, Store: &kitShelf{}, Metrics: broadcast.NewMetrics(prometheus.NewRegistry(), nil)}
	if _, err := kits.Posted(t.Context(), &alerts.Record{Channels: []string{"sms"}}, broadcast.Tick{Channel: "sms"}); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("what the gateway posts itself: %v", err)
	}
}
