package broadcast

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/channels"
)

// Rings brings rings to members of staff: by text message and mail, at once,
// and again until a provider took them. It implements [alerts.Ringer]; what it
// sends it takes from the store, so a ring outlives the node that noted it. A
// doubt whether one left is resolved by sending it again: rung twice is better
// than never. Its methods may be called from many goroutines.
type Rings struct {
	RingsConfig
	bell    *Bell
	lines   []ringLine
	stirred chan struct{}
	calls   *prometheus.CounterVec
	nobody  prometheus.Counter
}

// RingsConfig is what rings need. Every field but Warning and Callout is required.
type RingsConfig struct {
	Store    RingStore
	Records  Records
	Crew     Crew
	Routes   []Route
	Approves func(ctx context.Context, by alerts.Person, r *alerts.Record) (bool, error) // see [alerts.Desk.MayApprove]
	// Warning gives the headline of an official warning, and whether somebody
	// must still answer it. nil: there are none.
	Warning func(ctx context.Context, key string) (headline string, stands bool, err error)
	// Callout gives what is to be said of a call to volunteers that is short of
	// people. nil: there are none.
	Callout func(ctx context.Context, id alerts.ID) (RungCallout, error)

	// Operators are told of every alert that goes out, and of nothing else. Empty:
	// nobody is.
	Operators []Operator
	Zone      *time.Location // of times that operators are told; nil: UTC

	PublicURL, Authority string
	Log                  *zap.Logger
}

var _ alerts.Ringer = (*Rings)(nil)

// ringLine is a channel that can call one person.
type ringLine struct {
	name, kind string // of contact; "": it only writes down
	exercise   bool
	call       func(ctx context.Context, to, subject, text string) error
}

const (
	ringers     = 4                // rings at a time
	ringPoll    = time.Second      // how often a node looks for what others left
	ringLease   = 90 * time.Second // longer than a batch takes
	ringTime    = 25 * time.Second // of one attempt
	ringBatch   = 16               // calls at once; so many at most are repeated after a death
	ringTries   = 30               // of one call: with the waits of backoff about two hours
	ringDoubts  = 3                // attempts after which a call without an answer is left at that
	ringFirst   = 5 * time.Second  // before the second attempt
	ringLongest = 5 * time.Minute
	ringLate    = 24 * time.Hour // nobody is called any more for what happened then
)

// NewRings registers the metrics; it panics where they are registered already.
// Nothing leaves before Run.
func NewRings(c RingsConfig, r prometheus.Registerer) *Rings {
	s := &Rings{RingsConfig: c, bell: NewBell(r, c.Log), stirred: make(chan struct{}, ringers),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "martinella", Name: "ring_calls_total", Help: "Attempts to call a member of staff, by channel and outcome.",
		}, []string{"channel", "outcome"}),
		nobody: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "martinella", Name: "rings_unreached_total", Help: "Calls to people of the authority that reached nobody.",
		}),
	}
	r.MustRegister(s.calls, s.nobody)
	s.lines = append(linesOf(c.Routes), hooks(c.Operators)...)
	for _, l := range s.lines {
		for _, v := range channels.Verdicts {
			s.calls.WithLabelValues(l.name, string(v))
		}
	}
	return s
}

// linesOf finds the channels that can call somebody. What only writes down
// counts where nothing else is there: in practice.
func linesOf(routes []Route) []ringLine {
	var reach, paper []ringLine
	for _, r := range routes {
		l := ringLine{name: r.Name(), kind: r.addressKind(), exercise: r.Exercise}
		if n, ok := r.Channel.(channels.Notifier); ok {
			l.call = n.Notify
		} else if a, ok := r.Channel.(channels.Answerer); ok {
			l.call = func(ctx context.Context, to, _, text string) error { return a.Answer(ctx, to, text) }
		}
		switch {
		case l.call == nil:
		case l.kind != "":
			reach = append(reach, l)
		default:
			paper = append(paper, l)
		}
	}
	if len(reach) == 0 {
		return paper
	}
	return reach
}

// Kinds are the kinds of contact by which somebody can be called here.
func (s *Rings) Kinds() []string {
	var kinds []string
	for _, l := range s.lines {
		if l.kind != "" && l.kind != kindHook && !slices.Contains(kinds, l.kind) {
			kinds = append(kinds, l.kind)
		}
	}
	return kinds
}

// Ring implements [alerts.Ringer]: it is logged and counted, and Run looks at once.
func (s *Rings) Ring(ctx context.Context, r alerts.Ring) {
	s.bell.Ring(ctx, r)
	s.stir()
}

func (s *Rings) stir() {
	select {
	case s.stirred <- struct{}{}:
	default:
	}
}

// Run sends what is due until ctx ends. Any number of nodes may run it.
func (s *Rings) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	tick := time.NewTicker(ringPoll)
	defer tick.Stop()
	for range ringers {
		wg.Go(func() { s.work(ctx, tick.C) })
	}
	wg.Wait()
	return nil
}

// work is one of several who wait for the same tick: whoever finds something
// wakes the next one.
func (s *Rings) work(ctx context.Context, tick <-chan time.Time) {
	said := false
	for ctx.Err() == nil {
		r, err := s.Store.TakeRing(ctx, ringLease)
		if err == nil {
			said = false
			s.stir()
			s.carry(ctx, r)
			continue
		}
		if !errors.Is(err, alerts.ErrNotFound) && ctx.Err() == nil && !said {
			said = true
			s.Log.Error("calls to staff wait: the store does not answer", zap.Error(err))
		}
		select {
		case <-ctx.Done():
		case <-s.stirred:
		case <-tick:
		}
	}
}

// carry does one round of a ring: finds whom to call, calls them, and writes
// down what came of it. Where the store fails, the lease gives the ring back.
func (s *Rings) carry(ctx context.Context, r *Ringing) {
	if err := guard(func() error { return s.round(ctx, r) }); err != nil && ctx.Err() == nil {
		s.Log.Error("a call to staff is not settled; it is repeated", zap.String("ring", r.ID), zap.String("reason", short(err)))
	}
}

func (s *Rings) round(ctx context.Context, r *Ringing) error {
	about, stands, err := s.about(ctx, r)
	if err != nil {
		return err
	}
	now := time.Now()
	switch {
	case !stands:
		return s.end(ctx, r, OverSettled)
	case now.Sub(r.At) > ringLate:
		return s.end(ctx, r, OverLate)
	}
	crew, err := s.Crew.Crew(ctx)
	if err != nil {
		return err
	}
	if r.Who == alerts.CallOperators {
		crew = s.operators()
	}
	if !r.Found {
		if err := s.find(ctx, r, about, crew); err != nil {
			return err
		}
	}
	var wait time.Duration
	for some := range slices.Chunk(s.waiting(r), ringBatch) {
		// What follows is repeated if this node dies now, and nothing before it.
		if err := s.Store.PutRing(ctx, r, ringLease); err != nil {
			return err
		}
		var wg sync.WaitGroup
		waits := make([]time.Duration, len(some))
		for i, leg := range some {
			wg.Go(func() { waits[i] = s.call(ctx, r, leg, about, crew) })
		}
		wg.Wait()
		wait = max(wait, slices.Max(waits))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(s.waiting(r)) == 0 {
		return s.end(ctx, r, "")
	}
	return s.Store.PutRing(ctx, r, wait)
}

func (s *Rings) waiting(r *Ringing) (legs []*Leg) {
	for i := range r.Legs {
		if r.Legs[i].State == LegWaits {
			legs = append(legs, &r.Legs[i])
		}
	}
	return legs
}

// end closes the ring, and says so where it reached nobody.
func (s *Rings) end(ctx context.Context, r *Ringing, over string) error {
	r.Done, r.Over = true, over
	for _, leg := range s.waiting(r) {
		leg.State, leg.Reason = LegFailed, over
	}
	reached := slices.ContainsFunc(r.Legs, func(l Leg) bool { return l.State != LegFailed })
	if err := s.Store.PutRing(ctx, r, 0); err != nil {
		return err
	}
	if !reached && over != OverSettled {
		s.nobody.Inc()
		s.Log.Error("NOBODY WAS REACHED: call people by hand, and let staff enter a telephone and an e-mail address on the page of their account",
			zap.String("who", string(r.Who)), zap.String("why", string(r.Why)), zap.String("alert", string(r.Alert)), zap.String("warning", r.Warning), zap.String("callout", string(r.Callout)))
	}
	return nil
}

// subject is what a ring is about.
type subject struct {
	record   *alerts.Record // nil for a warning and a call-out
	headline func(lang string) string
	path     string
	exercise bool
	callout  *RungCallout // nil unless it is for one
	sent     bool         // it went out, and operators are told how
}

// RungCallout is a call to volunteers as a ring tells it. It names no volunteer.
type RungCallout struct {
	Headline func(lang string) string // "V-0417: 3 of 8, missing 2 × pilot"
	Exercise bool
	Stands   bool   // too few still come
	Opener   string // the ID of who opened it, who is rung with or without the right
	Referent string // the telephone of who leads on the spot, E.164; rung where it is a member's
}

// about reads what a ring is about, and whether anybody must still be called.
func (s *Rings) about(ctx context.Context, r *Ringing) (subject, bool, error) {
	if r.Warning != "" {
		if s.Warning == nil {
			return subject{}, false, nil
		}
		headline, stands, err := s.Warning(ctx, r.Warning)
		if errors.Is(err, alerts.ErrNotFound) {
			return subject{}, false, nil
		}
		return subject{headline: func(string) string { return headline }, path: "/console/warnings/" + r.Warning}, stands, err
	}
	if r.Callout != "" {
		if s.Callout == nil {
			return subject{}, false, nil
		}
		c, err := s.Callout(ctx, r.Callout)
		if errors.Is(err, alerts.ErrNotFound) {
			return subject{}, false, nil
		}
		return subject{headline: c.Headline, path: "/console/d/" + string(r.Callout), exercise: c.Exercise, callout: &c}, c.Stands, err
	}
	rec, err := s.Records.Get(ctx, r.Alert, alerts.Exactly)
	if err != nil {
		return subject{}, false, err
	}
	of := subject{record: rec, path: "/console/a/" + string(r.Alert), headline: func(lang string) string {
		if in := rec.Info(lang, ""); in != nil {
			return in.Headline
		}
		return rec.Alert.Identifier
	}}
	stands := true
	switch r.Why {
	case alerts.WhySent:
		of.exercise, of.sent = rec.Alert.Practice(), true
	case alerts.WhyApproval:
		of.path += "/approve"
		of.exercise = rec.Alert.Practice()
		stands = rec.State == alerts.StateSubmitted
	case alerts.WhyExpires60, alerts.WhyExpires15:
		stands = rec.State == alerts.StateIssued
	}
	return of, stands, nil
}

// find fills the legs of a ring. Where nobody of who is meant can be called, the
// whole office is.
func (s *Rings) find(ctx context.Context, r *Ringing, about subject, crew []Colleague) error {
	var meant, others []Colleague
	for _, c := range crew {
		wanted, err := s.meant(ctx, r, about, c)
		switch {
		case err != nil:
			return err
		case wanted:
			meant = append(meant, c)
		case about.record == nil || r.Why != alerts.WhyApproval || c.ID != about.record.Author.ID:
			others = append(others, c)
		}
	}
	legs, reachable := s.legs(meant, about)
	if !reachable && r.Who != alerts.CallOperators {
		more, _ := s.legs(others, about)
		legs, r.Widened = append(legs, more...), true
		s.Log.Error("nobody of who should be called can be: the whole office is", zap.String("who", string(r.Who)), zap.String("why", string(r.Why)), zap.Int("people", len(others)))
	}
	r.Legs, r.Found = legs, true
	return nil
}

func (s *Rings) meant(ctx context.Context, r *Ringing, about subject, c Colleague) (bool, error) {
	switch r.Who {
	case alerts.CallDuty:
		return c.OnDuty, nil
	case alerts.CallEveryone:
		return c.Can(alerts.VerbApprove) || c.Can(alerts.VerbIssue), nil
	case alerts.CallCallers:
		of := about.callout
		return c.Can(alerts.VerbCall) || of != nil && (c.ID == of.Opener || of.Referent != "" && c.Contacts["phone"] == of.Referent), nil
	case alerts.CallOperators:
		return true, nil
	case alerts.CallApprovers:
		return s.Approves(ctx, c.Person, about.record)
	}
	return true, nil
}

// NoContact is the reason of a leg to somebody who has entered no contact that
// a channel here can call.
const NoContact = "no contact"

// legs are the calls to these people; reachable: there is at least one.
func (s *Rings) legs(people []Colleague, about subject) (legs []Leg, reachable bool) {
	for _, c := range people {
		n := len(legs)
		for _, l := range s.lines {
			has := l.kind == "" || c.Contacts[l.kind] != ""
			known := slices.ContainsFunc(legs[n:], func(leg Leg) bool { return leg.Kind == l.kind })
			if has && !known && (l.exercise || !about.exercise) {
				legs = append(legs, Leg{Person: c.By(), Kind: l.kind, State: LegWaits})
			}
		}
		if len(legs) == n {
			legs = append(legs, Leg{Person: c.By(), State: LegFailed, Reason: NoContact})
		} else {
			reachable = true
		}
	}
	return legs, reachable
}

// call makes one attempt at a leg and gives how long to wait for the next one.
func (s *Rings) call(ctx context.Context, r *Ringing, leg *Leg, about subject, crew []Colleague) time.Duration {
	i := slices.IndexFunc(crew, func(c Colleague) bool { return c.ID == leg.Person.ID })
	if i < 0 || leg.Kind != "" && crew[i].Contacts[leg.Kind] == "" {
		leg.State, leg.Reason = LegFailed, NoContact
		return 0
	}
	c := crew[i]
	lang := c.Language
	text := lexicon.Ring(lang, r.Why, about.headline(lang), s.Authority)
	switch {
	case about.sent:
		if mark := lexicon.For(lang).Mark(about.record.Change, about.exercise); mark != "" {
			text = mark + " - " + text
		}
	case about.exercise:
		text = lexicon.For(lang).Exercise + " - " + text
	}
	subject := lexicon.RingSubject(lang, s.Authority)
	if about.sent {
		subject = lexicon.RingSentSubject(lang, s.Authority)
		text += " " + s.how(lang, about.record)
	}
	if r.Widened {
		text += " " + lexicon.RingNobody(lang)
	}
	return s.try(ctx, leg, c, subject, text+" "+s.PublicURL+about.path, about.exercise)
}

// try goes through the channels of the leg's kind until one takes the text.
func (s *Rings) try(ctx context.Context, leg *Leg, c Colleague, subject, text string, exercise bool) time.Duration {
	leg.Attempts++
	leg.At = time.Now().UTC()
	wait, final, doubt := min(ringLongest, ringFirst<<min(leg.Attempts-1, 10)), true, false
	for _, l := range s.lines {
		if l.kind != leg.Kind || exercise && !l.exercise {
			continue
		}
		leg.Channel = l.name
		limited, cancel := context.WithTimeout(ctx, ringTime)
		err := guard(func() error {
			return l.call(limited, c.Contacts[leg.Kind], subject, text)
		})
		cancel()
		if ctx.Err() != nil {
			leg.Attempts-- // this node stops: another one goes on
			return wait
		}
		verdict, after := channels.VerdictOf(err)
		s.calls.WithLabelValues(l.name, string(verdict)).Inc()
		if verdict == channels.VerdictAccepted {
			leg.State, leg.Reason = LegAccepted, ""
			return 0
		}
		s.Log.Warn("a call to staff did not get through", zap.String("channel", l.name), zap.String("member", leg.Person.ID), zap.String("verdict", string(verdict)), zap.String("reason", short(err)))
		leg.Reason = short(err)
		final = final && verdict == channels.VerdictPermanent
		doubt = doubt || verdict == channels.VerdictUncertain
		wait = max(wait, after)
	}
	switch {
	case doubt && leg.Attempts >= ringDoubts:
		leg.State = LegUncertain
	case final, leg.Attempts >= ringTries:
		leg.State = LegFailed
	}
	return wait
}

// Test calls one member of staff at once, by every contact, and gives what came
// of it. Nothing is repeated. It blocks until the providers answered.
func (s *Rings) Test(ctx context.Context, c Colleague) []Leg {
	legs, _ := s.legs([]Colleague{c}, subject{})
	text := lexicon.Ring(c.Language, "test", "", s.Authority) + " " + s.PublicURL + "/console"
	var wg sync.WaitGroup
	for i := range legs {
		if leg := &legs[i]; leg.State == LegWaits {
			wg.Go(func() {
				s.try(ctx, leg, c, lexicon.RingSubject(c.Language, s.Authority), text, false)
				if leg.State == LegWaits {
					leg.State = LegFailed
				}
			})
		}
	}
	wg.Wait()
	return legs
}
