package live_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"martinella/broadcast"
)

// change is one entry of the log. Changes are numbered from 1 through all
// epochs, so that a place is a number here.
type change struct {
	entry broadcast.Entry
	kind  int
}

// game is the model: what was published, and what each client has a right to.
// Its acts are called by one goroutine; each session has one more.
type game struct {
	t        *testing.T
	site     *site
	rnd      *rand.Rand // the acts' only
	bounds   bounds
	visitors []*visitor // the acts' only
	reading  sync.WaitGroup

	mu        sync.Mutex
	moved     chan struct{} // closed when a session has something
	changes   []change
	epochs    []int // the place before the first change of each epoch
	told      int   // the node has heard of everything up to here
	begun     []int // where it began anew
	disturbed int   // times that the log lost something or could not be read
	broken    bool
	stopping  bool
	tally     tally
	story     []string
}

func newGame(t *testing.T, s *site, rnd *rand.Rand, b bounds, old int) *game {
	g := &game{t: t, site: s, rnd: rnd, bounds: b, moved: make(chan struct{}), epochs: []int{0}, told: old}
	for _, e := range s.log.entries {
		g.changes = append(g.changes, change{entry: e})
	}
	return g
}

func (g *game) notef(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sayf(format, args...)
}

func (g *game) sayf(format string, args ...any) {
	if len(g.story) < 2000 {
		g.story = append(g.story, fmt.Sprintf(format, args...))
	}
}

// cursor is that of a place. g.mu is held, as in all that follows here.
func (g *game) cursor(at int) broadcast.Cursor {
	e := len(g.epochs)
	for e > 1 && g.epochs[e-1] > at {
		e--
	}
	return place(e, at-g.epochs[e-1])
}

// at is the place of a cursor; false for one that never was.
func (g *game) at(c broadcast.Cursor) (int, bool) {
	e, n, ok := number(c)
	if !ok || e < 1 || e > len(g.epochs) {
		return 0, false
	}
	n += g.epochs[e-1]
	end := len(g.changes)
	if e < len(g.epochs) {
		end = g.epochs[e]
	}
	return n, n <= end
}

// owed is the first change after a place, up to another, that concerns the
// client; 0 for none.
func (g *game) owed(v *visitor, after, upTo int) int {
	for n := after + 1; n <= upTo; n++ {
		if slices.Contains(kinds[g.changes[n-1].kind].concerns, v.area) {
			return n
		}
	}
	return 0
}

// current reports whether a cursor is of the log's epoch, and so is the node.
func (g *game) current(c broadcast.Cursor) bool {
	e, _, _ := number(c)
	return e == len(g.epochs)
}

// visitor is one client program that comes and goes. Its session is the acts'.
type visitor struct {
	game             *game
	name             string
	area, view, lang string
	events, few      bool
	session          *session         // the last one
	cursor           broadcast.Cursor // guarded by game.mu: what it comes back with
}

func (v *visitor) query(since broadcast.Cursor) string {
	q := url.Values{"area": {v.area}, "view": {v.view}, "lang": {v.lang}}
	if since != "" {
		q.Set("since", string(since))
	}
	return q.Encode()
}

// session is one connection of a visitor.
type session struct {
	*visitor
	since   broadcast.Cursor
	resumes bool          // since is the last one of before
	known   bool          // since was a place when it came
	ready   chan struct{} // closed when the connection is open or refused
	done    chan struct{} // closed when the session is over
	feed    feed          // set before ready is closed; nil when it was refused

	// The rest is guarded by game.mu.
	gate      chan struct{} // while it is open, nothing is read; nil to read
	stalled   bool          // did so at some time
	ended     bool
	left      bool // by itself
	begun     int  // how often the node had begun when it came
	disturbed int

	greeted  bool
	messages int
	place    int  // it has everything up to here
	adrift   bool // after gone: its place is from place up to most
	most     int
	mustGone bool // hello skipped something: gone has to follow
}

// come opens a connection; it does not wait for it.
func (v *visitor) come(since broadcast.Cursor) {
	g := v.game
	s := &session{visitor: v, since: since, ready: make(chan struct{}), done: make(chan struct{})}
	g.mu.Lock()
	s.begun, s.disturbed = len(g.begun), g.disturbed
	if _, s.known = g.at(since); g.broken {
		s.disturbed--
	}
	s.place, s.resumes = g.told, since != "" && since == v.cursor
	g.tally.Sessions++
	if v.session != nil {
		g.tally.Returns++
	}
	g.sayf("%s comes with %q for %q", v.name, since, v.area)
	g.mu.Unlock()
	v.session = s
	g.reading.Go(s.run)
}

func (s *session) run() {
	defer close(s.done)
	f, err := s.connect()
	s.feed = f
	close(s.ready)
	for err == nil {
		s.game.mu.Lock()
		gate := s.gate
		s.game.mu.Unlock()
		if gate != nil {
			<-gate
		}
		var m message
		if m, err = f.next(); err == nil {
			s.take(m)
		}
	}
	if f != nil {
		f.vanish()
	}
	s.over(err)
}

func (s *session) connect() (feed, error) {
	if !s.events {
		return s.game.site.socket(s.query(s.since), s.few)
	}
	if s.resumes { // as a browser does it: the address never changes
		return s.game.site.events(s.query("e1-0-0"), string(s.since), s.few)
	}
	return s.game.site.events(s.query(s.since), "", s.few)
}

// take judges one message.
func (s *session) take(m message) {
	g := s.game
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.move()
	s.messages++
	switch {
	case !s.greeted && m.Type != "hello":
		s.wrongf("the first message is %s %s", m.Type, m.Cursor)
	case s.greeted && m.Type == "hello":
		s.wrongf("a second hello")
	case m.Type == "hello":
		s.hello(m)
	case m.Type == "gone":
		s.gone(m)
	case m.Type == "alert":
		s.alert(m)
	default:
		s.wrongf("a message of type %q", m.Type)
	}
}

func (s *session) hello(m message) {
	g := s.game
	at, ok := g.at(m.Cursor)
	if !ok {
		s.wrongf("hello with the cursor %q, which is no place", m.Cursor)
		return
	}
	if _, err := time.Parse(time.RFC3339, m.Time); err != nil {
		s.wrongf("hello at the time %q", m.Time)
	}
	from, known := g.at(s.since)
	switch {
	case s.since == "" && at < s.place && len(g.begun) == s.begun:
		s.wrongf("without a cursor it begins at %d, but the node was at %d", at, s.place)
	case s.since != "":
		// The place may move on only over what is nothing to this client.
		s.mustGone = !known || at < from || g.owed(s.visitor, from, at) != 0
	}
	s.greeted, s.place, s.cursor = true, at, m.Cursor
}

func (s *session) gone(m message) {
	g := s.game
	g.tally.Gone++
	first := s.messages == 2
	from, _ := g.at(s.since)
	missed := len(g.changes) - from
	begun := len(g.begun) > s.begun
	tooMany := s.since != "" && missed > g.bounds.replay // also in the middle of the replay
	switch {
	case begun, g.disturbed > s.disturbed, tooMany:
	case first && s.since != "" && (!s.known || !g.current(s.since) || s.trimmed(from)):
	default:
		s.wrongf("gone without a reason: since %q, %d missed of at most %d", s.since, missed, g.bounds.replay)
	}
	s.mustGone = false
	s.adrift, s.most = true, g.told
	if begun {
		s.most = max(g.begun[len(g.begun)-1], g.told)
		s.cursor = ""
	}
	switch {
	case first && !begun:
		s.most = s.place // hello said where it goes on
	case first, s.messages > 2 && len(g.begun) > s.begun+1:
	case begun && g.disturbed == s.disturbed && !tooMany:
		s.place = g.begun[s.begun] // the one place where the node began anew
		s.most = s.place
	}
	if s.events {
		if _, ok := g.at(m.Cursor); !ok {
			s.wrongf("gone with the id %q, which is no place", m.Cursor)
		}
		s.cursor = m.Cursor
	}
	g.sayf("%s: gone, then from %d to %d", s.name, s.place, s.most)
}

// trimmed reports whether the log does not reach back to a place.
func (s *session) trimmed(at int) bool {
	log := s.game.site.log
	log.mu.Lock()
	defer log.mu.Unlock()
	return at-s.game.epochs[len(s.game.epochs)-1] < log.trimmed
}

func (s *session) alert(m message) {
	g := s.game
	g.tally.Alerts++
	n, ok := g.at(m.Cursor)
	if !ok || n == 0 {
		s.wrongf("an alert with the cursor %q, which was never published", m.Cursor)
		return
	}
	c := g.changes[n-1]
	concerns := kinds[c.kind].concerns
	next := g.owed(s.visitor, s.place, len(g.changes))
	switch {
	case s.mustGone:
		s.wrongf("hello skipped what was missed since %q, but what follows is not gone: alert %d", s.since, n)
	case len(concerns) == 0:
		s.wrongf("alert %d is %s: it must not leave", n, kinds[c.kind].name)
	case !slices.Contains(concerns, s.area):
		s.wrongf("alert %d (%s) is nothing to %s", n, kinds[c.kind].name, s.area)
	case n <= s.place:
		s.wrongf("alert %d after %d: twice or out of order", n, s.place)
	case !s.adrift && n != next:
		s.wrongf("alert %d after %d: %d is missing (%s)", n, s.place, next, kinds[g.changes[next-1].kind].name)
	case s.adrift && g.owed(s.visitor, s.most, n-1) != 0:
		s.wrongf("alert %d after gone at %d: %d is missing", n, s.most, g.owed(s.visitor, s.most, n-1))
	}
	if m.View != s.view || m.Lang != s.lang || m.Spread <= 0 || m.Fill != filled(m.Cursor, len(m.Fill)) {
		s.wrongf("alert %d came as %s in %s, spread %d: %.40s", n, m.View, m.Lang, m.Spread, m.Fill)
	}
	s.place, s.adrift, s.cursor = n, false, m.Cursor
}

// over judges how the session ended.
func (s *session) over(err error) {
	g := s.game
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.move()
	s.ended = true
	g.sayf("%s is closed at %d: %v", s.name, s.place, err)
	var refusal refused
	c, announced := errors.AsType[closed](err)
	switch {
	case s.left, g.stopping && (announced && c.code == 1012 || s.events && announced):
	case announced && c.code == 4408:
		g.tally.Slow++
	case announced && s.events: // slow, or the store is away: the stream just ends
		g.tally.Slow++
	case announced && c.code == 1013 && (g.broken || g.disturbed > s.disturbed):
		g.tally.Store++
	case errors.As(err, &refusal) && refusal.StatusCode == http.StatusServiceUnavailable && (g.broken || g.disturbed > s.disturbed):
		g.tally.Store++
	case !announced && s.feed != nil && s.stalled:
		g.tally.Cut++ // closed with 4408 long ago: the rest was lost on the way
	default:
		s.wrongf("ended with %v", err)
	}
}

func (s *session) wrongf(format string, args ...any) {
	s.game.sayf("%s: WRONG", s.name)
	s.game.t.Errorf("%s (area %q, %s, since %q): %s", s.name, s.area, map[bool]string{true: "events", false: "socket"}[s.events], s.since, fmt.Sprintf(format, args...))
}

// settled reports whether the session has everything that it may get now.
func (s *session) settled() bool {
	at := s.place
	if s.adrift {
		at = s.most
	}
	return s.greeted && !s.mustGone && s.game.owed(s.visitor, at, s.game.told) == 0
}

func (g *game) move() {
	close(g.moved)
	g.moved = make(chan struct{})
}

// The acts on a session; g.mu is not held.

func (s *session) pause() {
	s.game.mu.Lock()
	defer s.game.mu.Unlock()
	if s.gate == nil {
		s.gate, s.stalled = make(chan struct{}), true
	}
}

func (s *session) goOn() {
	s.game.mu.Lock()
	defer s.game.mu.Unlock()
	if s.gate != nil {
		close(s.gate)
		s.gate = nil
	}
}

// say sends what fits into the socket: who stalls may be in a quarrel already.
func (s *session) say(b []byte) {
	<-s.ready
	if s.feed != nil {
		s.feed.say(b)
	}
}

func (s *session) end() {
	s.game.mu.Lock()
	s.left = true
	s.game.mu.Unlock()
	s.goOn()
	<-s.ready
	if s.feed != nil {
		s.feed.vanish()
	}
	<-s.done
}

func (s *session) isOver() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// present are the visitors whose session is open; away gives one whose is not.
func (g *game) present() (open []*visitor) {
	for _, v := range g.visitors {
		if !v.session.isOver() {
			open = append(open, v)
		}
	}
	return open
}

func (g *game) away() *visitor {
	for _, i := range g.rnd.Perm(len(g.visitors)) {
		if g.visitors[i].session.isOver() {
			return g.visitors[i]
		}
	}
	return nil
}

// settle lets everybody catch up: who was closed comes back with its cursor.
func (g *game) settle() {
	g.site.log.breaks(nil)
	g.mu.Lock()
	g.broken = false
	g.mu.Unlock()
	g.tell()
	for _, v := range g.visitors {
		v.session.goOn()
	}
	limit := time.After(hang)
	for !g.t.Failed() {
		g.mu.Lock()
		moved := g.moved
		var waits []*visitor
		var back []*visitor
		for _, v := range g.visitors {
			switch s := v.session; {
			case s.ended && !s.left:
				back = append(back, v)
			case !s.ended && !s.settled():
				waits = append(waits, v)
			}
		}
		g.mu.Unlock()
		for _, v := range back {
			<-v.session.done
			g.mu.Lock()
			since := v.cursor
			g.mu.Unlock()
			v.come(since)
		}
		if len(waits)+len(back) == 0 {
			return
		}
		select {
		case <-moved:
		case <-limit:
			g.mu.Lock()
			for _, v := range waits {
				s := v.session
				g.t.Errorf("%s (area %q, events %v, since %q, greeted %v) is at %d of %d and gets nothing more", v.name, v.area, v.events, s.since, s.greeted, s.place, g.told)
			}
			g.mu.Unlock()
		}
	}
}

// close stops the hub; everybody is told to come back later.
func (g *game) close() {
	g.mu.Lock()
	g.stopping = true
	g.mu.Unlock()
	for _, v := range g.visitors {
		v.session.goOn()
	}
	if err := g.site.stop(); err != nil {
		g.t.Errorf("stop: %v", err)
	}
	g.reading.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tally.Reads = g.site.log.reads
}
