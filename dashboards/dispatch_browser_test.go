package dashboards

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/callout"
	"martinella/channels"
)

// rollCall is a list of volunteers in memory, by number from 1.
type rollCall struct {
	mu     sync.Mutex
	people []*broadcast.Member
}

func (r *rollCall) Volunteers(context.Context) ([]*broadcast.Member, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*broadcast.Member{}, r.people...), nil
}

func (r *rollCall) Members(_ context.Context, numbers []uint32) ([]*broadcast.Member, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]*broadcast.Member, len(numbers))
	for i, n := range numbers {
		if n > 0 && int(n) <= len(r.people) {
			out[i] = r.people[n-1]
		}
	}
	return out, nil
}

func (*rollCall) Change(context.Context, uint32, *alerts.Act, func(*broadcast.Member) (bool, error)) error {
	return nil
}

func (r *rollCall) Lookup(context.Context, string, string) (uint32, error) {
	return 0, alerts.ErrNotFound
}

func (r *rollCall) MAC(text []byte) []byte {
	h := hmac.New(sha256.New, []byte("a key of this test"))
	h.Write(text)
	return h.Sum(nil)
}

// silentPager is a channel over which calls leave, and nobody hears them.
type silentPager struct{}

func (silentPager) Name() string        { return "sms" }
func (silentPager) AddressKind() string { return "phone" }
func (silentPager) Render(*alerts.Record) ([]channels.Message, error) {
	return nil, errors.New("no alerts here")
}
func (silentPager) Send(context.Context, channels.Message) (channels.Receipt, error) {
	return channels.Receipt{}, nil
}
func (silentPager) RenderPage(p channels.Page) (channels.Message, error) {
	return channels.Message{Language: p.Language, Text: p.Code + " " + p.Link}, nil
}

// realCall is a gateway with the real engine of calls and one open call, whose
// pages are at the addresses: of each volunteer in order, and the board's.
func realCall(t *testing.T, names ...string) (g *gateway, calls *callout.Callouts, id alerts.ID, links []string, board string) {
	t.Helper()
	roll := &rollCall{}
	for i, name := range names {
		m := &broadcast.Member{Number: uint32(i + 1), Subscriber: broadcast.Subscriber{Audience: channels.AudienceVolunteers, Language: "it", Areas: []string{"*"},
			Contacts: map[string]string{"phone": fmt.Sprintf("+39333%07d", i)}, Volunteer: &volunteers.Profile{Name: name, Skills: []volunteers.Skill{{Name: "autista C"}}}}}
		roll.people = append(roll.people, m)
	}
	g = open(t, func(c *Config) {
		calls = callout.New(callout.Config{Store: broadcasttest.NewCallouts(), Roll: roll, Routes: []broadcast.Route{{Channel: silentPager{}, Kind: "sms"}},
			Durability: c.Work.Durability, Authority: c.Authority, Language: "it", Zone: c.Zone, PublicURL: c.PublicURL, Log: c.Logger,
			NewID: func(time.Time) alerts.ID { return alerts.ID(ulid.Make().String()) }}, prometheus.NewRegistry())
		c.Callouts = calls
	})
	anna := alerts.Person{ID: "staff:1", Name: "Anna", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbCall}, Statuses: alerts.Statuses}}
	d := sandbags(time.Now())
	c, err := calls.Open(t.Context(), anna, callout.Draft{Urgent: true, What: d.What, Where: d.Where, Point: d.Point, Meet: d.Meet, Until: d.Until, Bring: d.Bring,
		Needs: []volunteers.Need{{People: 1}, {Skill: "autista C", People: 1}}, Referent: d.Referent})
	if err != nil {
		t.Fatal(err)
	}
	for i := range names {
		links = append(links, strings.TrimPrefix(calls.Link(uint32(i+1), c.Number, ""), g.server.PublicURL))
	}
	return g, calls, c.ID, links, wallPath + calls.BoardToken(c)
}

// TestAVolunteerAnswersInABrowser: on a telephone without scripts somebody says
// that they come, changes their mind, arrives and leaves; the board on the wall
// follows within a second, and says loudly when it does not.
func TestAVolunteerAnswersInABrowser(t *testing.T) {
	needsBrowser(t)
	g, calls, id, links, board := realCall(t, "Marta Rossi", "Bruno Neri")
	phone, wall := openBrowser(t), openBrowser(t)
	phone.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true}, nil)
	phone.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	phone.call("Page.navigate", map[string]any{"url": g.URL + links[0]}, nil)
	phone.sees(`document.querySelector('h2').textContent === 'Ciao Marta Rossi, puoi venire?'`)
	// All of it is on the first screen, and every answer is as high as a thumb.
	if got := phone.eval(`[...document.querySelectorAll('.tap button')].map(b => b.getBoundingClientRect()).filter(r => r.bottom > 844 || r.height < 4 * 17).length`); got != 0.0 {
		t.Errorf("%v answers are below the first screen or too small", got)
	}
	if n := phone.eval(`document.querySelectorAll('.tap button').length`); n != 5.0 {
		t.Errorf("%v answers", n)
	}
	phone.picture("dispatch-open")
	wall.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1920, "height": 1080, "deviceScaleFactor": 1, "mobile": false}, nil)
	wall.open(g.URL + board + "?lang=it")
	wall.until(`document.querySelector('.who p').textContent === 'Ancora nessuno'`)
	wall.eval(`window.same = 1`)

	press := func(value, phoneSees, wallSees string) {
		t.Helper()
		began := time.Now()
		phone.fires(`document.querySelector('button[value="` + value + `"]').click()`)
		wall.until(wallSees)
		t.Logf("%s is on the wall after %v", value, time.Since(began).Round(time.Millisecond)) // the bar is a second; see BenchmarkBoards
		phone.sees(phoneSees)
	}
	press("coming-40", `document.querySelector('#said b').textContent.startsWith('✓ Vengo. Ti aspettiamo: ')`, `document.querySelector('.who li')?.innerText.includes('Marta Rossi')`)
	if got, _ := phone.eval(`location.pathname + location.hash`).(string); got != links[0]+"#said" {
		t.Errorf("leads to %s", got)
	}
	phone.picture("dispatch-coming")
	wall.picture("wall-coming")
	phone.call("Page.reload", nil, nil)
	phone.sees(`document.querySelector('[aria-current]').value === 'coming-40'`)
	press("cannot", `document.querySelector('#said b').textContent.startsWith('✕ Non puoi')`, `document.querySelector('.who p')?.textContent === 'Ancora nessuno' && document.querySelector('.counts').innerText.includes('1')`)
	press("coming-10", `document.querySelector('[aria-current]').value === 'coming-10'`, `document.querySelector('.who li')?.innerText.includes('fra 10\u00a0min')`)
	press("arrived", `document.querySelector('#said b').textContent.startsWith('✓ Sei sul posto')`, `document.querySelector('.here li')?.innerText.includes('Marta Rossi')`)
	phone.picture("dispatch-arrived")
	press("left", `document.querySelector('#said b').textContent.startsWith('✓ Hai lasciato')`, `!document.querySelector('.here')`)
	press("undo-left", `document.querySelector('button[value=safe]')`, `document.querySelector('.here li')?.innerText.includes('Marta Rossi')`)
	if wall.eval(`window.same`) != 1.0 || wall.eval(`document.cookie === ''`) != true {
		t.Error("the board loaded itself again, or has a cookie")
	}
	// Back and forward send nothing again.
	acts := func() string {
		v, err := calls.View(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return v.Cursor
	}
	before := acts()
	for range 2 {
		phone.fires(`history.back()`)
		phone.sees(`document.querySelector('.tap')`)
	}
	if acts() != before {
		t.Error("going back changed something")
	}
	phone.quiet()
	wall.quiet()

	// No network: the board says since when it stands still, and goes on by itself.
	wall.offline(true)
	wall.eval(`{ const real = Date.now; Date.now = () => real() + 11000; } 1`)
	wall.until(`/^DATI FERMI: dalle \d\d:\d\d:\d\d /.test(document.getElementById('stale').innerText) && !document.getElementById('stale').hidden`)
	wall.picture("wall-stale")
	wall.offline(false)
	wall.until(`document.getElementById('stale').hidden`)

	// Cancelled: the telephone says it first, and the board loudly.
	anna := alerts.Person{ID: "staff:1", Name: "Anna", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbCall}, Statuses: alerts.Statuses}}
	if _, err := calls.End(t.Context(), anna, id, volunteers.StateCancelled, "l'acqua cala"); err != nil {
		t.Fatal(err)
	}
	wall.until(`document.querySelector('.loud.red').textContent === 'ANNULLATA' && document.title.startsWith('ANNULLATA')`)
	phone.call("Page.navigate", map[string]any{"url": g.URL + links[1]}, nil)
	phone.sees(`document.title.startsWith('ANNULLATA: non partire') && !document.querySelector('button')`)
	phone.picture("dispatch-cancelled")

	// Without scripts the board loads itself again.
	wall.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	wall.call("Page.navigate", map[string]any{"url": g.URL + board + "?lang=it"}, nil)
	wall.sees(`document.querySelector('noscript meta, meta[http-equiv=refresh]') && document.getElementById('stale').hidden`)
}

// TestABoardOfManyInABrowser: whom a screen of 1920 by 1080 shows it shows
// without being touched.
func TestABoardOfManyInABrowser(t *testing.T) {
	needsBrowser(t)
	b := openBrowser(t)
	g, f := openCall(t)
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1920, "height": 1080, "deviceScaleFactor": 1, "mobile": false}, nil)
	for _, people := range []int{6, 14, 90} {
		f.set(func(f *fakeCallouts) {
			f.view = crew(f.own.Call, time.Now())
			one, lost := f.view.People[0], f.view.People[4]
			f.view.People = []callout.Seen{lost}
			for i := range people {
				one.Name, one.Expect = fmt.Sprintf("Mariangela Colombo %d", i), time.Now().Add(time.Duration(i)*time.Minute)
				if one.Presence = (volunteers.Presence{}); i%3 == 2 {
					one.Presence.Arrived = time.Now()
				}
				f.view.People = append(f.view.People, one)
			}
		})
		b.open(g.URL + wallPath + wallsToken + "?lang=it")
		if high := b.eval(`document.documentElement.scrollHeight`).(float64); high > 1080 {
			t.Errorf("%d people take %v px", people, high)
		}
		b.picture(fmt.Sprintf("wall-many-%d", people))
	}
}

// TestThePagesOfCallsInABrowser: in every state nothing scrolls sideways, no
// target is small, axe finds nothing; the Tab key comes to the answers before
// the footer.
func TestThePagesOfCallsInABrowser(t *testing.T) {
	needsBrowser(t)
	b := openBrowser(t)
	g, f := openCall(t)
	d, w := dispatchPath+martasToken, wallPath+wallsToken
	b.looks(g.URL, map[string]string{"dispatch-open": d, "wall-open": w + "?lang=it"})
	f.set(func(f *fakeCallouts) {
		f.own.Answer = &volunteers.Answer{Kind: volunteers.Coming, Minutes: 20, At: time.Now(), Note: "arrivo con il furgone"}
		f.own.Spare, f.own.Call.Exercise = true, true
		f.own.Call.What = strings.Repeat("Donaudampfschifffahrtsgesellschaft", 3)
		f.view.People[0].Name, f.view.Call.Short = strings.Repeat("Donaudampfschifffahrtsgesellschaft", 2), time.Now()
	})
	b.looks(g.URL, map[string]string{"dispatch-spare": d + "?lang=de", "wall-exercise": w + "?lang=de"})
	f.set(func(f *fakeCallouts) {
		f.own.Presence.Arrived = time.Now()
		f.own.Call.State = volunteers.StateClosed
		f.own.Call.Ended = time.Now()
	})
	b.looks(g.URL, map[string]string{"dispatch-closed": d + "?lang=sl", "wall-closed": w + "?lang=sl", "dispatch-wrong": dispatchPath + "x?lang=fr"})
	b.mu.Lock()
	b.said = nil // the 404 that was meant
	b.mu.Unlock()

	f.set(func(f *fakeCallouts) {
		f.own.Answer, f.own.Spare, f.own.Presence = nil, false, volunteers.Presence{}
		f.own.Call.State, f.own.Call.Exercise, f.own.Call.What = volunteers.StateOpen, false, "Sacchi"
	})
	var halts []string
	for _, s := range b.tabs(g.URL + d + "?lang=it") {
		if !s.Seen {
			t.Errorf("%s does not show that it has the focus", s.What)
		}
		if s.Foot {
			break
		}
		halts = append(halts, s.What)
	}
	want := "Magazzino comunale, via delle Fornaci 4|+390400000000|✓ Vengo, 10 min|✓ Vengo, 20 min|✓ Vengo, 40 min|? Forse, 60 min|✕ Non posso"
	if got := strings.Join(halts, "|"); got != want {
		t.Errorf("the Tab key goes\n%s, want\n%s", got, want)
	}
	for _, s := range b.tabs(g.URL + w) {
		t.Errorf("the board, which nobody touches, has %s", s.What)
	}
	b.quiet()
}
