package dashboards

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/rdb"
	"martinella/channels"
	"martinella/dashboards/signin"
)

// BenchmarkConsolePages is the server's time for a page of the console with 50
// people signed in and 1,000 past alerts in a real Redis: at most 50 ms each.
// Every page that needs no more in its path than an alert is asked for.
func BenchmarkConsolePages(b *testing.B) {
	const people, past, most = 50, 1000, 50 * time.Millisecond
	r, err := rdb.Open(b.Context(), rdb.Config{Redis: rdb.Embedded, Authority: "valdemo", DataDir: b.TempDir()}, zap.NewNop())
	if err != nil {
		b.Skipf("SKIP: no redis-server here: %v", err)
	}
	b.Cleanup(func() { _ = r.Close() })
	planner := plannerOf(b, r, 20_000)
	g := openDesktop(b, func(c *Config) {
		c.Desk.Store, c.Work, c.Outcomes, c.Desk.Publisher, c.Preview = r.Store(), r, r, planner, planner.Preview
	})
	var newest, waits alerts.ID
	take := func(i int) *alerts.Record {
		rec := broadcasttest.NewRecord(alerts.SeveritySevere, "web", "sms")
		rec.Alert.Identifier = fmt.Sprintf("past-%d", i)
		stored, _, err := r.Store().Intake(b.Context(), rec, []byte("raw"), broadcasttest.NewAct(rec, "submitted"))
		if err != nil {
			b.Fatal(err)
		}
		return stored
	}
	for i := range past {
		rec := take(i)
		if err := r.Publish(b.Context(), broadcasttest.PublicationOf(rec, map[string][]uint32{"sms": {1, 2, 3}})); err != nil {
			b.Fatal(err)
		}
		newest = rec.ID
	}
	for i := range 5 { // real ones, as they would leave by now
		rec := broadcasttest.NewRecord(alerts.SeverityExtreme)
		rec.Channels, rec.Alert.Status, rec.Alert.Identifier = nil, alerts.StatusActual, fmt.Sprintf("waits-%d", i)
		en := rec.Alert.Infos[0]
		en.Language, en.Headline, en.Instruction = "en", "Violent storms this afternoon", "Keep away from streams."
		rec.Alert.Infos = append(rec.Alert.Infos, en)
		if err := planner.Prepare(b.Context(), rec); err != nil {
			b.Fatal(err)
		}
		stored, _, err := r.Store().Intake(b.Context(), rec, []byte("raw"), broadcasttest.NewAct(rec, "submitted"))
		if err != nil {
			b.Fatal(err)
		}
		waits = stored.ID
	}
	visitors := make([]*person, people)
	p, _ := g.colleague("carla", "Carla Bianchi", "approver", "author", "administrator")
	for i := range visitors {
		visitors[i] = g.again(p, i)
	}
	var paths []string
	for _, route := range g.server.console.routes() {
		path := strings.NewReplacer("{id}", string(newest), "{channel}", "sms").Replace(route.Path)
		if route.Method == http.MethodGet && route.Who != forAnybody && !strings.Contains(path, "{") && !strings.HasSuffix(path, "/progress") {
			paths = append(paths, path)
		}
	}
	draft, _ := visitors[0].written(alerts.StatusExercise)
	paths = append(paths, draft, draft+"/versions", "/console/a/"+string(waits), "/console/a/"+string(waits)+"/approve", "/console/a/"+string(newest)+"?part=live")
	if r := visitors[1].get("/console/a/" + string(waits) + "/approve"); strings.Count(r.body, `class="leaves"`) != 3*2 || strings.Count(r.body, "<code>sirens</code>") != 3 || !strings.Contains(r.body, `id="confirm"`) {
		b.Fatalf("the page of approval is not whole: %d %s", r.StatusCode, r.body)
	}
	public := g.server.Public()
	for _, path := range paths {
		b.Run(strings.NewReplacer(string(newest), "{id}", string(waits), "{waiting}", draft, "/console/draft/{written}").Replace(path), func(b *testing.B) {
			n := 0
			for b.Loop() {
				q := httptest.NewRequestWithContext(b.Context(), http.MethodGet, g.site+path, nil)
				q.AddCookie(&http.Cookie{Name: "martinella", Value: visitors[n%people].cookieOf("martinella")})
				n++
				w := httptest.NewRecorder()
				public.ServeHTTP(w, q)
				if w.Code >= 400 && w.Code != http.StatusNotFound {
					b.Fatalf("%s: %d %s", path, w.Code, w.Body)
				}
			}
			if each := b.Elapsed() / time.Duration(max(b.N, 1)); each > most {
				b.Errorf("%s takes %v, want at most %v", path, each, most)
			}
		})
	}
}

// plannerOf plans for six channels that write down what they would say, and one
// that texts people of the roll.
func plannerOf(b *testing.B, r *rdb.Redis, people int) *broadcast.Planner {
	b.Helper()
	list := make([]broadcast.Listing, people)
	for i := range list {
		list[i].Subscriber = broadcast.Subscriber{Contacts: map[string]string{"phone": fmt.Sprintf("+39333%07d", i)}, Language: []string{"it", "en"}[i%2], Areas: []string{"048099"}, Audience: "citizens", Purpose: "emergency"}
	}
	if _, err := r.People().Enter(b.Context(), list, false); err != nil {
		b.Fatal(err)
	}
	if err := r.People().Warm(b.Context()); err != nil {
		b.Fatal(err)
	}
	var routes []broadcast.Route
	for _, name := range []string{"telegram", "mastodon", "bluesky", "facebook", "email", "sirens", "sms"} {
		route := broadcast.Route{Channel: saying(name), Exercise: true}
		if name == "sms" {
			route.Channel = texting{saying(name)}
		}
		routes = append(routes, route)
	}
	return &broadcast.Planner{Routes: routes, Records: r.Store(), People: r.People(), Store: r, Work: r, Queues: broadcast.NewQueues(r), Language: "it", Zone: rome, Log: zap.NewNop()}
}

// saying is a channel that writes the whole text in every language.
type saying string

func (s saying) Name() string { return string(s) }

func (s saying) Render(r *alerts.Record) (all []channels.Message, err error) {
	known := channels.Settings{Authority: "Protezione Civile di Valdemo", Language: "it", Zone: rome}
	for _, language := range channels.Languages(r, known) {
		composed := channels.Compose(r, language, known)
		m := composed.Message(string(s), "public", r)
		if m.Text, err = composed.Fit(0, channels.UnitChars.Count); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func (saying) Send(context.Context, channels.Message) (channels.Receipt, error) {
	return channels.Receipt{}, nil
}

// texting is a channel to telephones.
type texting struct{ channels.Channel }

func (texting) AddressKind() string { return "phone" }

// again is one more session of a member, by a browser of their own.
func (g *consoleGateway) again(p *person, n int) *person {
	g.t.Helper()
	admin := g.memberOf(p)
	token, err := g.office.NewInvitation(g.t.Context(), signin.Invitation{Login: fmt.Sprintf("p%d", n), Name: fmt.Sprintf("Persona %d", n),
		Grant: grantOf(url.Values{"role": {"approver", "author", "administrator"}, "real": {"1"}}), By: alerts.By{ID: admin.ID, Name: admin.Name}}, time.Now())
	if err != nil {
		g.t.Fatal(err)
	}
	one := g.person()
	one.join(token, fmt.Sprintf("p%d", n), fmt.Sprintf("Persona %d", n))
	return one
}
