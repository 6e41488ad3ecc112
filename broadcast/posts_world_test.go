package broadcast

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// TestSimulationOfPosts runs the life of events on a platform with public posts
// through made-up misfortune: revisions of every kind quickly one after the other,
// answers that are lost, calls that hang, nodes that die. At the end it is asked
// what readers see. TEST_SEEDS and TEST_SEED are those of [TestSimulation].
func TestSimulationOfPosts(t *testing.T) {
	seeds, first := 100, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("TEST_SEEDS")); err == nil {
		seeds = n
	}
	if n, err := strconv.ParseUint(os.Getenv("TEST_SEED"), 10, 64); err == nil {
		seeds, first = 1, n
	}
	for i := range uint64(seeds) {
		seed := first + i
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { simulatePosts(t, seed) })
			if t.Failed() {
				t.Logf("run it again with TEST_SEED=%d", seed)
			}
		})
	}
}

// square is a platform with public posts and its own memory of them.
type square struct {
	dice                      *dice
	memory                    *memory
	amends, finds, withdraws  bool
	trouble, blind, permanent int // percent of calls that go wrong, of questions without an answer, of changes refused for good
	slow                      int // percent of calls that hang

	mu    sync.Mutex
	next  int
	posts map[string]*piece
	wrong []string
}

// piece is one post as readers see it.
type piece struct {
	key, language string
	severity      alerts.Severity
	text          string
	holds         bool           // it reads as if the alert held
	by            int            // the revision whose words it has
	wrote         map[int]bool   // the revisions that made or changed it
	was           map[string]int // the texts that it had
	at            time.Time
	gone          bool
}

var errSquare = errors.New("500")

func (*square) Name() string { return "social" }

func (*square) words(r *alerts.Record, lang string) string {
	return fmt.Sprintf("%s r%d %s %s", r.Change, r.Revision, r.Alert.Severity(), lang)
}

func (s *square) Render(r *alerts.Record) (ms []channels.Message, err error) {
	for _, info := range r.Alert.Infos {
		ms = append(ms, channels.Message{Audience: "public", Language: info.Language, Text: s.words(r, info.Language), URL: "https://valdemo.example/a"})
	}
	return ms, nil
}

// call is one request of a node: it may hang, and what a dead node has in flight
// never arrives.
func (s *square) call(ctx context.Context, node string, act func()) error {
	d := s.dice
	wait := time.Duration(d.below(300)) * time.Millisecond
	if d.percent(s.slow) {
		wait = time.Duration(d.below(29)) * time.Second
	}
	if !pause(ctx, wait) {
		return ctx.Err()
	}
	s.memory.mu.Lock()
	dead := s.memory.dead[node]
	s.memory.mu.Unlock()
	if dead {
		return errors.New("the node is dead")
	}
	if d.percent(s.trouble) {
		switch d.below(4) {
		case 0:
			return errSquare
		case 1:
			return channels.RetryAfter(errSquare, time.Duration(d.below(20_000))*time.Millisecond)
		case 2:
			return channels.Uncertain(errors.New("cut before it arrived"))
		}
		act()
		return channels.Uncertain(errors.New("the answer was lost"))
	}
	act()
	if d.percent(20) { // time to die before anybody hears of it
		pause(ctx, time.Duration(d.below(2000))*time.Millisecond)
	}
	return nil
}

// stall is the platform as one node reaches it.
type stall struct {
	*square
	node string
}

func (c stall) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	var id string
	err := c.call(ctx, c.node, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.square.next++
		id = fmt.Sprintf("p%d", c.square.next)
		c.posts[id] = &piece{key: m.Key, language: m.Language, severity: m.Severity, text: m.Text, holds: m.Change != alerts.ChangeCancelled && m.Change != alerts.ChangeEnded,
			by: m.Revision, wrote: map[int]bool{m.Revision: true}, was: map[string]int{m.Text: 1}, at: time.Now()}
		if m.Previous != "" && c.posts[m.Previous] == nil {
			c.wrong = append(c.wrong, m.Key+" hangs on a post that never was")
		}
	})
	return channels.Receipt{ID: id, URL: "https://square.example/" + id}, err
}

type findingStall struct{ stall }

func (c findingStall) Find(_ context.Context, m channels.Message) (channels.Receipt, bool, error) {
	if c.dice.percent(c.blind) {
		return channels.Receipt{}, false, errSquare
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, p := range c.posts {
		if p.was[m.Text] > 0 && p.language == m.Language && !p.gone && !slices.Contains(m.Standing, id) && id != m.Previous && !p.at.Before(m.Sent.Add(-time.Minute)) {
			return channels.Receipt{ID: id, URL: "https://square.example/" + id}, true, nil
		}
	}
	return channels.Receipt{}, false, nil
}

type withdrawing struct{ stall }

func (c withdrawing) Withdraw(ctx context.Context, id string) error {
	return c.call(ctx, c.node, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.posts[id].gone = true
	})
}

type amending struct{ stall }

func (c amending) Edit(ctx context.Context, id string, m channels.Message) (channels.Receipt, error) {
	if c.permanent > 0 && int(hash(id)%100) < c.permanent {
		return channels.Receipt{}, channels.Permanent(errors.New("too old to be changed"))
	}
	err := c.call(ctx, c.node, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		p := c.posts[id]
		switch {
		case p == nil:
			c.wrong = append(c.wrong, fmt.Sprintf("%s changes a post that never was: %q", m.Key, id))
			return
		case p.language != m.Language:
			c.wrong = append(c.wrong, m.Key+" changes a post in another language")
		case m.Step == channels.StepCorrect && p.severity != m.Severity:
			c.wrong = append(c.wrong, fmt.Sprintf("%s (%s) silently takes the place of %s", m.Key, m.Severity, p.severity))
		case m.Step == channels.StepPoint && p.wrote[m.Revision] && strings.HasPrefix(p.key, string(m.Alert)):
			c.wrong = append(c.wrong, m.Key+" points away from its own post")
		}
		p.text, p.by = m.Text, m.Revision
		p.was[m.Text]++
		p.holds = m.Step == channels.StepCorrect
		p.wrote[m.Revision] = true
	})
	return channels.Receipt{ID: id, URL: "https://square.example/" + id}, err
}

func (c amending) RenderAmended(before, r *alerts.Record) (ms []channels.Message, err error) {
	for _, info := range before.Alert.Infos {
		ms = append(ms, channels.Message{Audience: "public", Language: info.Language, Text: fmt.Sprintf("was r%d, now %s r%d: {next}", before.Revision, r.Change, r.Revision), URL: "https://valdemo.example/a"})
	}
	return ms, nil
}

func (s *square) channel(node string) channels.Channel {
	c := stall{s, node}
	switch {
	case s.amends && s.finds:
		return struct {
			findingStall
			amenderOf
		}{findingStall{c}, amenderOf{amending{c}}}
	case s.amends:
		return amending{c}
	case s.withdraws && s.finds:
		return struct {
			findingStall
			withdrawerOf
		}{findingStall{c}, withdrawerOf{withdrawing{c}}}
	case s.finds:
		return findingStall{c}
	case s.withdraws:
		return withdrawing{c}
	}
	return c
}

// The abilities alone, so that they can be put together.
type (
	amenderOf    struct{ channels.Amender }
	withdrawerOf struct{ channels.Withdrawer }
)

func simulatePosts(t *testing.T, seed uint64) {
	d := &dice{r: rand.New(rand.NewPCG(seed, 6))}
	s := &square{dice: d, posts: map[string]*piece{}, amends: d.percent(70), finds: d.percent(60), trouble: d.below(40)}
	s.withdraws = !s.amends && d.percent(50)
	for _, one := range []*int{&s.blind, &s.permanent, &s.slow} {
		if d.percent(30) {
			*one = d.below(40)
		}
	}
	withdraw := s.withdraws && d.percent(50)
	route := func(node string) Route { return Route{Channel: s.channel(node), Withdraw: withdraw} }
	h := newHouse(t, route("planner"), Route{Channel: &platform{name: "other"}})
	s.memory = h.memory
	if d.percent(40) {
		weak := d.below(8)
		h.fault = func(_, node string) (bool, bool) {
			if node == "planner" || node == "" || !d.percent(weak) {
				return false, false
			}
			before := d.percent(50)
			return before, !before
		}
	}
	type running struct {
		name string
		stop context.CancelFunc
		done <-chan struct{}
	}
	var nodes []running
	start := func() {
		name := fmt.Sprintf("node%d", len(nodes)+1)
		ctx, stop := context.WithCancel(t.Context())
		_, done := h.dispatch(ctx, name, route(name))
		nodes = append(nodes, running{name, stop, done})
	}
	for range 1 + d.below(2) {
		start()
	}
	severity := func() alerts.Severity { return alerts.Severities[d.below(4)] }
	last := h.record(severity(), 48*time.Hour)
	if d.percent(50) {
		last.Alert.Infos = last.Alert.Infos[:1]
	}
	issued := []*alerts.Record{h.issue(last)}
	for range 1 + d.below(7) {
		pace := []int{100, 3000, 30_000, 300_000}[d.below(4)]
		time.Sleep(time.Duration(d.below(pace)) * time.Millisecond)
		if d.percent(30) {
			n := nodes[len(nodes)-1]
			h.kill(n.name)
			n.stop()
			start()
		}
		var r *alerts.Record
		switch roll := d.below(100); {
		case roll < 45:
			r = corrected(h, last)
		case roll < 85:
			r = h.next(last, alerts.ChangeUpdated, severity())
			if d.percent(30) {
				r.Channels = []string{"other"}
			}
		default:
			r = h.next(last, []alerts.Change{alerts.ChangeCancelled, alerts.ChangeEnded}[d.below(2)], last.Alert.Severity())
		}
		for i := range r.Alert.Infos {
			if r.Change != alerts.ChangeUpdated || !r.Alert.Infos[i].Expires.Equal(last.Alert.Infos[0].Expires) {
				r.Alert.Infos[i].Expires = time.Now().Add(48 * time.Hour).Truncate(time.Second)
			}
		}
		if d.percent(25) {
			r.Alert.Infos = r.Alert.Infos[:1]
		}
		last = h.issue(r)
		issued = append(issued, last)
		if over(last) {
			break
		}
	}
	h.settle("social", 60*time.Hour)
	for _, n := range nodes {
		n.stop()
		<-n.done
	}
	s.check(t, h, issued, withdraw)
}

// says reports whether the record has words in the language.
func says(r *alerts.Record, lang string) bool {
	return slices.ContainsFunc(r.Alert.Infos, func(i alerts.Info) bool { return i.Language == lang })
}

// check compares what readers see with what became of the revisions.
func (s *square) check(t *testing.T, h *house, issued []*alerts.Record, withdraw bool) {
	for _, wrong := range s.wrong {
		t.Error(wrong)
	}
	c := h.channel("social")
	// What stands behind each message: its state, by key; and the last revision
	// that the channel was given.
	type outcome struct {
		state  State
		reason string
		m      channels.Message
	}
	outcomes, spoilt, uncertain, unknown := map[string]outcome{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	var newest *alerts.Record
	for _, r := range issued {
		if slices.Contains(r.Channels, "social") {
			newest = r
		}
		p := h.pubs[r.ID]
		for _, span := range p.Spans {
			if span.Channel != "social" {
				continue
			}
			m, at := p.Messages[span.Message], fmt.Sprintf("%s/%d", r.ID, span.From)
			o := outcome{c.states[r.ID][span.From], c.reasons[at], m}
			key := fmt.Sprintf("%s/%d/social/%d", r.ID, r.Revision, span.From)
			outcomes[key] = o
			if o.state == Queued || o.state.Plain() == Trying {
				t.Errorf("%s (%s %s) did not come to an end", key, m.Step, m.Language)
			}
			if m.Step.Posts() && (o.state == Uncertain || o.reason == doubtful) {
				uncertain[key], unknown[m.Language] = true, true // the delivery says that nobody knows
			}
			if o.state == Failed || o.state == Uncertain || o.state == Expired {
				spoilt[m.Language] = true // the delivery says so
			}
		}
	}
	times, holding := map[string]int{}, map[string][]string{}
	for id, p := range s.posts {
		times[p.key]++
		if p.holds && !p.gone && !uncertain[p.key] {
			holding[p.language] = append(holding[p.language], fmt.Sprintf("%s %q", id, p.text))
		}
	}
	for key, n := range times {
		o := outcomes[key]
		switch {
		case n > 1 && s.finds && s.blind == 0 && len(c.dead) == 0:
			t.Errorf("%s was posted %d times, and the platform can be asked", key, n)
		case n > 2, n > 1 && o.state != Uncertain && o.reason != doubtful:
			t.Errorf("%s was posted %d times without a word: %s %q", key, n, o.state, o.reason)
		case o.m.Step == channels.StepPoint || o.m.Step == channels.StepWithdraw:
			t.Errorf("%s was posted, and is about earlier ones", key)
		}
	}
	for key, o := range outcomes {
		if o.m.Step.Posts() && o.state == Suppressed && times[key] > 0 {
			t.Errorf("%s was posted, and is called %s: %q", key, o.state, o.reason)
		}
	}
	defer func() {
		if t.Failed() {
			t.Logf("amends %v, finds %v, withdraws %v (%v), %d%% trouble, %d%% blind, %d%% refused, %d%% slow", s.amends, s.finds, s.withdraws, withdraw, s.trouble, s.blind, s.permanent, s.slow)
			for key, o := range outcomes {
				t.Logf("%s %s %q %s: %s %q", key, o.m.Language, o.m.Step, o.m.Text, o.state, o.reason)
			}
			for id, p := range s.posts {
				t.Logf("%s %s holds %v, gone %v: %q of %v", id, p.key, p.holds, p.gone, p.text, p.wrote)
			}
		}
	}()
	for _, lang := range []string{"it-IT", "en-GB"} {
		posts := c.posts[string(issued[0].Event)+"/"+lang]
		for _, post := range posts.Of {
			if p := s.posts[post.ID]; p == nil || p.language != lang || !p.wrote[post.Revision] {
				t.Errorf("the post of revision %d in %s is kept as %q, which is another one: %+v", post.Revision, lang, post.ID, p)
			}
		}
		if spoilt[lang] || len(c.dead) > 0 {
			continue
		}
		switch {
		case withdraw && newest.Change == alerts.ChangeCancelled && len(holding[lang]) > 0:
			t.Errorf("in %s there stands after the Cancel: %v", lang, holding[lang])
		case !s.amends:
		case over(newest) && len(holding[lang]) > 0:
			t.Errorf("in %s readers see after the end: %v", lang, holding[lang])
		case len(holding[lang]) > 1:
			t.Errorf("in %s several posts read as if they held: %v", lang, holding[lang])
		case !over(newest) && says(newest, lang) && !unknown[lang] &&
			(len(holding[lang]) != 1 || !strings.Contains(holding[lang][0], s.words(newest, lang))):
			t.Errorf("in %s readers see %v, want %q", lang, holding[lang], s.words(newest, lang))
		case !over(newest) && !says(newest, lang) && len(holding[lang]) > 0:
			t.Errorf("in %s nothing is said any more, and readers see %v", lang, holding[lang])
		}
	}
}
