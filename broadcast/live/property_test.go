package live_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/live"
)

// TestEveryAlertOnceAndInOrder plays random sequences of what happens to a
// feed, on real sockets, against the model of property_model_test.go: bursts,
// clients that stall, vanish and come back, a log that is ahead of the node,
// that is trimmed, unreadable or made anew. TEST_SEEDS sets how many sequences
// are played on each way (12), TEST_SEED plays a single one.
func TestEveryAlertOnceAndInOrder(t *testing.T) {
	seeds, first := 12, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("TEST_SEEDS")); err == nil {
		seeds = n
	}
	if n, err := strconv.ParseUint(os.Getenv("TEST_SEED"), 10, 64); err == nil {
		seeds, first = 1, n
	}
	eachWay(t, func(t *testing.T, w way) {
		var sum tally
		for i := range uint64(seeds) {
			seed := first + i
			t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
				play(t, w, seed, &sum)
				if t.Failed() {
					t.Logf("run it again with TEST_SEED=%d", seed)
				}
			})
		}
		t.Logf("%d seeds: %+v", seeds, sum)
		// A game in which nothing goes wrong would prove nothing.
		if seeds >= 12 && slices.Min([]int{sum.Alerts, sum.Returns, sum.Gone, sum.Slow, sum.Reads}) == 0 {
			t.Errorf("something never happened in %d seeds: %+v", seeds, sum)
		}
	})
}

// tally counts what the games had in them.
type tally struct{ Sessions, Alerts, Returns, Gone, Slow, Store, Cut, Reads, Begins int }

// askable are the areas that clients ask for; "" is everywhere.
var askable = []string{"", "", "023091", "015146", "IT020"}

// kinds are the changes of the game and whom they concern: each is withheld
// only from who surely is elsewhere.
var kinds = []struct {
	name     string
	set      func(*alerts.Record)
	concerns []string
}{
	{"for no area, so for all", func(*alerts.Record) {}, []string{"", "023091", "015146", "IT020"}},
	{"Verona, a municipality", areas([]string{"023091"}), []string{"", "023091", "IT020"}},
	{"Milan, a municipality", areas([]string{"015146"}), []string{"", "015146", "IT020"}},
	{"both, in two areas", areas([]string{"023091"}, []string{"015146"}), []string{"", "023091", "015146", "IT020"}},
	{"a zone in letters not theirs", areas([]string{"it020"}), []string{"", "023091", "015146", "IT020"}},
	{"another zone", areas([]string{"IT021"}), []string{"", "023091", "015146"}},
	{"a zone and a municipality", areas([]string{"IT021", "015146"}), []string{"", "015146"}},
	{"a third municipality", areas([]string{"058091"}), []string{"", "IT020"}},
	{"a polygon", func(r *alerts.Record) {
		areas([]string{"058091"})(r)
		r.Alert.Infos[0].Areas[0].Polygons = []alerts.Polygon{{{Lat: 45, Lon: 11}, {Lat: 46, Lon: 11}, {Lat: 46, Lon: 12}, {Lat: 45, Lon: 11}}}
	}, []string{"", "023091", "015146", "IT020"}},
	{"a circle in one area of two", func(r *alerts.Record) {
		areas([]string{"058091"}, nil)(r)
		r.Alert.Infos[0].Areas[1].Circles = []alerts.Circle{{Radius: 3}}
	}, []string{"", "023091", "015146", "IT020"}},
	{"an area with words only", areas(nil), []string{"", "023091", "015146", "IT020"}},
	{"a Cancel with its event's codes", func(r *alerts.Record) {
		r.Change, r.Alert.MsgType, r.Alert.Infos = alerts.ChangeCancelled, alerts.MsgCancel, nil
		r.Areas = []alerts.Value{{Name: "code", Value: "023091"}}
	}, []string{"", "023091", "IT020"}},
	{"a code resolved at approval", func(r *alerts.Record) {
		areas([]string{"058091"})(r)
		r.Areas = []alerts.Value{{Name: "code", Value: "058091"}, {Name: "code", Value: "015146"}}
	}, []string{"", "015146", "IT020"}},
	{"a public exercise", func(r *alerts.Record) { r.Alert.Status = alerts.StatusExercise }, []string{"", "023091", "015146", "IT020"}},
	{"restricted", func(r *alerts.Record) { r.Alert.Scope = alerts.ScopeRestricted }, nil},
	{"private, for Verona", func(r *alerts.Record) { areas([]string{"023091"})(r); r.Alert.Scope = alerts.ScopePrivate }, nil},
	{"for machines", func(r *alerts.Record) { r.Alert.Status = alerts.StatusSystem }, nil},
}

// bounds are the sizes of a game, small so that each is exceeded.
type bounds struct{ ring, messages, bytes, replay int }

func play(t *testing.T, w way, seed uint64, sum *tally) {
	rnd := rand.New(rand.NewPCG(seed, 3))
	pick := func(of ...int) int { return of[rnd.IntN(len(of))] }
	b := bounds{ring: pick(1, 4, 16), messages: pick(4, 12, 40), bytes: pick(8, 48, 512) << 10, replay: pick(10, 40, 2000)}
	log := newHistory()
	for range rnd.IntN(8) {
		log.add(warning()) // before this node lived
	}
	old := log.last()
	s := newSite(t, w, log, func(c *live.Config) {
		c.Ring, c.BacklogMessages, c.BacklogBytes, c.Replay = b.ring, b.messages, b.bytes, b.replay
		c.Brief, c.Full = writes("brief", pick(250, 2000)), writes("full", pick(1500, 8000))
		c.PingEvery, c.PongWithin, c.WriteTimeout = hang/1000, 2*hang, 2*hang
	})
	g := newGame(t, s, rnd, b, old)
	for range 60 {
		g.step()
		if t.Failed() {
			break
		}
	}
	g.settle()
	g.append(0, true) // for all: what came twice or out of order shows here at the latest
	g.settle()
	g.close()
	g.mu.Lock()
	defer g.mu.Unlock()
	sum.add(g.tally)
	if t.Failed() {
		t.Logf("bounds %+v, %d changes, told %d, begun at %v", b, len(g.changes), g.told, g.begun)
		for _, line := range g.story {
			t.Log(line)
		}
	}
}

func (s *tally) add(o tally) {
	s.Sessions += o.Sessions
	s.Alerts += o.Alerts
	s.Returns += o.Returns
	s.Gone += o.Gone
	s.Slow += o.Slow
	s.Store += o.Store
	s.Cut += o.Cut
	s.Reads += o.Reads
	s.Begins += o.Begins
}

// step does one of the things that happen.
func (g *game) step() {
	acts := []struct {
		weight int
		act    func()
	}{
		{22, func() { g.burst(1+g.rnd.IntN(6), true) }},
		{8, func() { g.burst(10+g.rnd.IntN(60), true) }},
		{6, func() { g.burst(1+g.rnd.IntN(3), false) }}, // the log is ahead of the node
		{6, g.tell},
		{26, g.arrive},
		{12, g.stall},
		{7, g.resume},
		{7, g.vanish},
		{6, g.chat},
		{4, g.settle},
		{2, g.begin},
		{1, g.anew},
		{2, g.trim},
		{2, g.breakLog},
	}
	n := 0
	for _, a := range acts {
		n += a.weight
	}
	n = g.rnd.IntN(n)
	for _, a := range acts {
		if n -= a.weight; n < 0 {
			a.act()
			return
		}
	}
}

func (g *game) burst(n int, told bool) {
	g.notef("%d changes, told %v", n, told)
	for range n {
		g.append(g.rnd.IntN(len(kinds)), told)
	}
}

// append puts a change into the log; told, the node hears of it and of what
// it had not heard of.
func (g *game) append(kind int, told bool) {
	r := warning(kinds[kind].set)
	g.mu.Lock()
	g.changes = append(g.changes, change{kind: kind})
	g.mu.Unlock()
	e := g.site.log.add(r)
	g.mu.Lock()
	g.changes[len(g.changes)-1].entry = e
	g.mu.Unlock()
	if told {
		g.tell()
	}
}

// tell gives the node what is in the log and it has not heard of.
func (g *game) tell() {
	for {
		g.mu.Lock()
		if g.told == len(g.changes) {
			g.mu.Unlock()
			return
		}
		e := g.changes[g.told].entry
		g.told++ // before it is: a client may have it before Publish returns
		g.mu.Unlock()
		g.site.Publish(e)
	}
}

// arrive brings one client in, or back.
func (g *game) arrive() {
	v := g.away()
	if v == nil {
		if len(g.visitors) >= 14 {
			return
		}
		v = &visitor{
			game: g, name: fmt.Sprintf("client %d", len(g.visitors)+1), area: askable[g.rnd.IntN(len(askable))],
			view: []string{"brief", "full"}[g.rnd.IntN(2)], lang: []string{"it", "en"}[g.rnd.IntN(2)],
			events: g.rnd.IntN(4) == 0, few: g.rnd.IntN(3) > 0,
		}
		g.visitors = append(g.visitors, v)
	}
	g.mu.Lock()
	since := v.cursor
	switch x := g.rnd.IntN(20); {
	case x < 2:
		since = ""
	case x < 4: // loaded the page on this node
		since = g.cursor(g.told)
	case x < 6: // comes from a node that is ahead of this one
		since = g.cursor(len(g.changes))
	case x < 9: // was away for long
		since = g.cursor(g.rnd.IntN(len(g.changes) + 1))
	case x < 10:
		since = []broadcast.Cursor{"e9-1-0", "nonsense", place(g.site.log.epoch, g.site.log.last()+50), "e1-00-"}[g.rnd.IntN(4)]
	}
	g.mu.Unlock()
	v.come(since)
}

// stall stops clients from reading, and gives them too much.
func (g *game) stall() {
	for _, v := range g.present() {
		if g.rnd.IntN(2) == 0 {
			g.notef("%s stalls", v.name)
			v.session.pause()
		}
	}
	g.burst(g.rnd.IntN(80), true)
}

func (g *game) resume() {
	for _, v := range g.present() {
		if g.rnd.IntN(2) == 0 {
			v.session.goOn()
		}
	}
}

func (g *game) vanish() {
	if open := g.present(); len(open) > 0 {
		v := open[g.rnd.IntN(len(open))]
		g.notef("%s vanishes", v.name)
		v.session.end()
	}
}

// chat says something small: a ping, a text, a text in pieces.
func (g *game) chat() {
	for _, v := range g.present() {
		switch g.rnd.IntN(3) {
		case 0:
			v.session.say(masked(fin|ping, []byte("are you there?")))
		case 1:
			v.session.say(masked(fin|text, []byte("{}")))
		case 2:
			v.session.say(slices.Concat(masked(text, []byte("{")), masked(fin|ping, nil), masked(fin|more, []byte("}"))))
		}
	}
}

// begin is a tail that lost its place: the node goes on at the log's end.
func (g *game) begin() {
	g.mu.Lock()
	at := len(g.changes)
	g.told = at
	g.begun = append(g.begun, at)
	g.tally.Begins++
	c := g.cursor(at)
	g.mu.Unlock()
	g.notef("the node begins anew at %s", c)
	g.site.Begin(c)
}

// anew is a log that was lost and starts another epoch.
func (g *game) anew() {
	g.notef("the log is made anew")
	g.mu.Lock()
	g.epochs = append(g.epochs, len(g.changes))
	g.disturbed++
	g.mu.Unlock()
	c := g.site.log.anew()
	if g.rnd.IntN(2) == 0 {
		g.append(0, false)
	}
	g.mu.Lock()
	at := g.epochs[len(g.epochs)-1]
	g.told = at
	g.begun = append(g.begun, at)
	g.tally.Begins++
	g.mu.Unlock()
	g.site.Begin(c)
}

func (g *game) trim() {
	g.notef("the log is trimmed")
	g.mu.Lock()
	g.disturbed++
	g.mu.Unlock()
	g.site.log.trim(g.rnd.IntN(20))
}

func (g *game) breakLog() {
	g.mu.Lock()
	g.broken = true
	g.disturbed++
	g.mu.Unlock()
	g.notef("the log cannot be read")
	g.site.log.breaks(errors.New("the store is away"))
	g.arrive()
	g.arrive()
	g.burst(2, true)
}
