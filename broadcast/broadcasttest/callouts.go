package broadcasttest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// TestCallouts is the contract of callout.Store.
func TestCallouts(t *testing.T, open func(t *testing.T) *CalloutsNode) {
	for name, check := range map[string]func(*caller){
		"a call is read as opened, under the next number":            callOpened,
		"a call that is opened twice is one":                         callOpenedOnce,
		"a call that nobody opened is not found":                     callMissing,
		"changes follow on one another, and each is kept":            callChanged,
		"a change that fails changes nothing":                        callEditFails,
		"of a new wave who has a leg keeps it":                       callWave,
		"a call is with one node until its lease ends":               callTaken,
		"a new and an answered call are looked at, then left alone":  callLooked,
		"what is due comes in the order of its time, so many":        callRounds,
		"a page leaves with the steps, and is counted where it went": callPaged,
		"a page of a lost lease leaves nothing":                      callLost,
		"a page for a leg of another step leaves nothing":            callOtherStep,
		"who answers while a round is decided gets no page":          callAnsweredMeanwhile,
		"an answer stops what has not left, and counts what leaves":  callHalted,
		"an answer halts nobody else of the page":                    callOthersGoOn,
		"a round may halt what was written before it":                callHaltedByRound,
		"the same answer again changes nothing":                      callAnsweredTwice,
		"a contact that was confirmed stays so with the next one":    callConfirmed,
		"answers of many at once are all kept, each with its act":    callManyAnswers,
		"a call that ended stops all, and tells once":                callEnded,
		"a presence is kept also of who was not called":              callAttended,
		"who arrives is asked no more, and takes the round away":     callArrived,
		"a correction is kept whole, of many at once each":           callCorrected,
		"who is hurried is due now, and nobody else":                 callHurried,
		"the sheet has everybody of the call":                        callSheet,
		"open calls of a person are found":                           callOpenOf,
		"what all calls have of a person is found, and of no other":  callOf,
		"a person is forgotten in every call":                        callForgotten,
		"messages are kept in their order, of many the newest":       callMessages,
		"what waits too long shows as lag":                           callLag,
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now().UTC().Truncate(time.Millisecond)
			check(&caller{T: t, CalloutsNode: open(t), now: now})
		})
	}
}

// caller is a store of calls in a test's hands.
type caller struct {
	*testing.T
	*CalloutsNode
	now time.Time
}

const callLease = 20 * time.Second

func (c *caller) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *caller) wants(what string, got, want any) {
	c.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		c.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func (c *caller) wantErr(what string, got, want error) {
	c.Helper()
	if !errors.Is(got, want) {
		c.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func (c *caller) opened(people ...uint32) *volunteers.Call {
	c.Helper()
	call := NewCall(c.now)
	stored, err := c.Calls.Open(c.Context(), call, LegsOf(c.now, 0, people...), CallAct(call, "called", c.now))
	c.must(err)
	return stored
}

func (c *caller) take() *callout.Round {
	c.Helper()
	r, err := c.Calls.Take(c.Context(), c.now, callLease)
	c.must(err)
	return r
}

func (c *caller) nothing(what string) {
	c.Helper()
	if r, err := c.Calls.Take(c.Context(), c.now, callLease); !errors.Is(err, alerts.ErrNotFound) {
		c.Errorf("%s: got a round %+v, %v", what, r, err)
	}
}

// next are the legs of a round after their step.
func (c *caller) next(r *callout.Round) []volunteers.Leg {
	legs := slices.Clone(r.Legs)
	for i := range legs {
		legs[i].Step++
		legs[i].Due = time.Time{}
		if legs[i].Step < len(legs[i].Kinds) {
			legs[i].Due = c.now.Add(time.Minute)
		}
	}
	return legs
}

// page writes a round with a page by a channel to its legs.
func (c *caller) page(r *callout.Round, channel string) *callout.Page {
	c.Helper()
	people := make([]uint32, len(r.Legs))
	for i, l := range r.Legs {
		people[i] = l.Number
	}
	p := PageOf(r.Call, c.now, channel, people...)
	c.must(c.Calls.Page(c.Context(), r, p, c.next(r), time.Time{}))
	return p
}

func (c *caller) says(call *volunteers.Call, number uint32, kind volunteers.AnswerKind) callout.Answered {
	c.Helper()
	a := volunteers.Answer{Kind: kind, At: c.now, Via: "page"}
	done, err := c.Calls.Answer(c.Context(), call.ID, number, a, CallAct(call, "answered", c.now))
	c.must(err)
	return done
}

func (c *caller) entries(call *volunteers.Call) map[uint32]callout.Entry {
	c.Helper()
	sheet, err := c.Calls.Sheet(c.Context(), call.ID)
	c.must(err)
	all := map[uint32]callout.Entry{}
	for _, e := range sheet {
		all[e.Number] = e
	}
	return all
}

func (c *caller) verbs(call *volunteers.Call) (verbs []string) {
	for _, a := range c.Acts(call.ID) {
		verbs = append(verbs, a.Verb)
	}
	return verbs
}

func callOpened(c *caller) {
	first, second := c.opened(1), c.opened(2)
	c.wants("numbers", []uint32{first.Number, second.Number}, []uint32{1, 2})
	got, err := c.Calls.Call(c.Context(), first.ID)
	c.must(err)
	want := *first
	want.Number, want.Revision = 1, 1
	c.wants("what", []any{got.What, got.Referent, *got.Point, got.Meet, got.Until, got.State, got.Revision, got.Needs, got.By}, []any{want.What, want.Referent, *want.Point, want.Meet, want.Until, want.State, want.Revision, want.Needs, want.By})
	got, err = c.Calls.ByNumber(c.Context(), 2)
	c.must(err)
	c.wants("by its number", got.ID, second.ID)
	all, err := c.Calls.Calls(c.Context(), 1)
	c.must(err)
	if len(all) != 1 || all[0].ID != second.ID {
		c.Errorf("the newest calls are %v", all)
	}
	c.wants("acts", c.verbs(first), []string{"called"})
}

func callOpenedOnce(c *caller) {
	call := NewCall(c.now)
	for range 3 {
		stored, err := c.Calls.Open(c.Context(), call, LegsOf(c.now, 0, 1, 2), CallAct(call, "called", c.now))
		c.must(err)
		c.wants("number", stored.Number, 1)
	}
	c.wants("acts", c.verbs(call), []string{"called"})
	all, err := c.Calls.Calls(c.Context(), 10)
	c.must(err)
	c.wants("calls", len(all), 1)
}

func callMissing(c *caller) {
	ctx, id := c.Context(), NewID(c.now)
	_, err := c.Calls.Call(ctx, id)
	c.wantErr("call", err, alerts.ErrNotFound)
	_, err = c.Calls.ByNumber(ctx, 7)
	c.wantErr("number", err, alerts.ErrNotFound)
	_, err = c.Calls.Sheet(ctx, id)
	c.wantErr("sheet", err, alerts.ErrNotFound)
	_, err = c.Calls.Messages(ctx, id)
	c.wantErr("messages", err, alerts.ErrNotFound)
	c.wantErr("message", c.Calls.Message(ctx, id, callout.Message{Number: 1}), alerts.ErrNotFound)
	_, err = c.Calls.Answer(ctx, id, 1, volunteers.Answer{Kind: volunteers.Coming}, alerts.Act{})
	c.wantErr("answer", err, alerts.ErrNotFound)
	_, err = c.Calls.Change(ctx, id, nil, nil, func(*volunteers.Call) error { return nil })
	c.wantErr("change", err, alerts.ErrNotFound)
	err = c.Calls.Attend(ctx, id, 1, nil, func(p *volunteers.Presence) (bool, error) { p.Arrived = c.now; return true, nil })
	c.wantErr("presence", err, alerts.ErrNotFound)
	call := c.opened(1)
	_, err = c.Calls.Answer(ctx, call.ID, 9, volunteers.Answer{Kind: volunteers.Coming}, alerts.Act{})
	c.wantErr("the answer of one who was not called", err, alerts.ErrNotFound)
	all, err := c.Calls.Calls(ctx, 0)
	c.must(err)
	c.wants("no calls", len(all), 0)
}

func callChanged(c *caller) {
	call := c.opened(1)
	var wait sync.WaitGroup
	const writers = 8
	for range writers {
		wait.Go(func() {
			act := CallAct(call, "wave", c.now)
			_, err := c.Calls.Change(c.Context(), call.ID, nil, &act, func(call *volunteers.Call) error {
				call.Waves = append(call.Waves, volunteers.Wave{At: c.now, People: 1, By: operator})
				return nil
			})
			if err != nil {
				c.Error(err)
			}
		})
	}
	wait.Wait()
	got, err := c.Calls.Call(c.Context(), call.ID)
	c.must(err)
	c.wants("waves, revision and acts", []int{len(got.Waves), int(got.Revision), len(c.Acts(call.ID))}, []int{1 + writers, 1 + writers, 1 + writers})
	got, err = c.Calls.Change(c.Context(), call.ID, nil, nil, func(call *volunteers.Call) error {
		call.Number, call.Revision, call.ID = 99, 99, "x"
		return nil
	})
	c.must(err)
	c.wants("what nobody may change", []any{got.ID, got.Number, got.Revision}, []any{call.ID, call.Number, 2 + writers})
}

func callEditFails(c *caller) {
	call, wrong := c.opened(1), errors.New("wrong")
	act := CallAct(call, "wave", c.now)
	_, err := c.Calls.Change(c.Context(), call.ID, LegsOf(c.now, 1, 2), &act, func(call *volunteers.Call) error {
		call.What = "else"
		return wrong
	})
	c.wantErr("change", err, wrong)
	got, err := c.Calls.Call(c.Context(), call.ID)
	c.must(err)
	c.wants("the call", []any{got.What, got.Revision, len(c.entries(call)), len(c.Acts(call.ID))}, []any{call.What, 1, 1, 1})
	err = c.Calls.Attend(c.Context(), call.ID, 1, &act, func(p *volunteers.Presence) (bool, error) { p.Arrived = c.now; return true, wrong })
	c.wantErr("presence", err, wrong)
	c.wants("presence", c.entries(call)[1].Presence.Arrived.IsZero(), true)
}

func callWave(c *caller) {
	call := c.opened(1, 2)
	r := c.take()
	c.page(r, "webpush")
	_, err := c.Calls.Change(c.Context(), call.ID, LegsOf(c.now, 1, 2, 3), nil, func(call *volunteers.Call) error { return nil })
	c.must(err)
	e := c.entries(call)
	c.wants("waves and steps", []int{e[2].Leg.Wave, e[2].Leg.Step, e[3].Leg.Wave, e[3].Leg.Step}, []int{0, 1, 1, 0})
	r = c.take()
	if len(r.Legs) != 1 || r.Legs[0].Number != 3 {
		c.Errorf("due are %+v", r.Legs)
	}
}

func callTaken(c *caller) {
	call := c.opened(1)
	first := c.take()
	c.wants("legs", fmt.Sprintf("%+v", first.Legs), fmt.Sprintf("%+v", LegsOf(c.now, 0, 1)))
	c.wants("call", []any{first.Call.ID, first.Call.Number, first.Call.What}, []any{call.ID, 1, call.What})
	c.nothing("while it is in hand")
	c.now = c.now.Add(callLease)
	second := c.take()
	if second.Token == first.Token || second.Call.ID != call.ID {
		c.Errorf("taken over: %q, %q", first.Token, second.Token)
	}
	c.wantErr("the first one's page", c.Calls.Page(c.Context(), first, nil, nil, time.Time{}), alerts.ErrStale)
	c.must(c.Calls.Page(c.Context(), second, nil, c.next(second), time.Time{}))
}

func callLooked(c *caller) {
	call := c.opened()
	r := c.take()
	c.wants("legs", len(r.Legs), 0)
	timer := c.now.Add(10 * time.Minute)
	c.must(c.Calls.Page(c.Context(), r, nil, nil, timer))
	c.nothing("before its timer")
	c.now = timer
	r = c.take()
	c.must(c.Calls.Page(c.Context(), r, nil, nil, time.Time{}))
	_, err := c.Calls.Change(c.Context(), call.ID, LegsOf(c.now.Add(time.Hour), 1, 5), nil, func(*volunteers.Call) error { return nil })
	c.must(err)
	r = c.take()
	c.says(call, 5, volunteers.Coming) // while the round is decided
	c.must(c.Calls.Page(c.Context(), r, nil, nil, time.Time{}))
	r = c.take()
	c.wants("answers", r.Answers[5].Kind, volunteers.Coming)
	c.must(c.Calls.Page(c.Context(), r, nil, nil, time.Time{}))
	c.now = c.now.Add(2 * time.Hour)
	c.nothing("with nothing left")
}
