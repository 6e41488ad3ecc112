package broadcasttest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
)

func callRounds(c *caller) {
	legs := LegsOf(c.now, 0, numbers(callout.RoundSize+5)...)
	for i := range legs {
		legs[i].Due = c.now.Add(-time.Duration(i) * time.Second)
	}
	call := NewCall(c.now)
	_, err := c.Calls.Open(c.Context(), call, legs, CallAct(call, "called", c.now))
	c.must(err)
	r := c.take()
	if len(r.Legs) != callout.RoundSize || r.Legs[0].Number != legs[len(legs)-1].Number {
		c.Fatalf("%d legs, the first %+v", len(r.Legs), r.Legs[0])
	}
	c.must(c.Calls.Page(c.Context(), r, nil, c.next(r), time.Time{}))
	r = c.take()
	c.wants("the rest", []any{len(r.Legs), r.Legs[4].Number}, []any{5, legs[0].Number})
	c.must(c.Calls.Page(c.Context(), r, nil, c.next(r), time.Time{}))
	c.nothing("before the next step")
	c.now = c.now.Add(time.Minute)
	r = c.take()
	c.wants("the next step", []any{len(r.Legs), r.Legs[0].Step}, []any{callout.RoundSize, 1})
}

func callPaged(c *caller) {
	call := c.opened(11, 12, 13)
	r := c.take()
	p := c.page(r, "webpush")
	e := c.entries(call)
	for i, n := range []uint32{11, 12, 13} {
		c.wants("pages", fmt.Sprint(e[n].Pages), fmt.Sprint([]callout.Paged{{Record: p.Record.ID, Channel: "webpush", Ordinal: uint32(i), At: c.now}}))
		c.wants("leg", []any{e[n].Leg.Step, e[n].Leg.Due}, []any{1, c.now.Add(time.Minute)})
	}
	c.wants("turns", c.Begin(p.Record.ID, "webpush", 0, 1, 2), []broadcast.Turn{broadcast.TurnSend, broadcast.TurnSend, broadcast.TurnSend})
	c.wants("acts", c.verbs(call), []string{"called", "called"})
	c.now = c.now.Add(time.Minute)
	r = c.take()
	second := c.page(r, "sms")
	e = c.entries(call)
	c.wants("both pages", []any{len(e[12].Pages), e[12].Pages[1].Record, e[12].Leg.Step, e[12].Leg.Due.IsZero()}, []any{2, second.Record.ID, 2, true})
	public := PageOf(call, c.now, "sms", 11)
	public.Record.Alert.Scope = alerts.ScopePublic
	c.says(call, 11, volunteers.Maybe)
	r = c.take()
	if err := c.Calls.Page(c.Context(), r, public, nil, time.Time{}); err == nil {
		c.Error("a public alert left as a page")
	}
}

func callLost(c *caller) {
	call := c.opened(1, 2)
	lost := c.take()
	c.now = c.now.Add(callLease)
	r := c.take()
	p := PageOf(call, c.now, "sms", 1, 2)
	c.wantErr("page", c.Calls.Page(c.Context(), lost, p, c.next(lost), c.now.Add(time.Hour)), alerts.ErrStale)
	c.wants("untouched", []any{c.entries(call)[1].Leg.Step, len(c.entries(call)[1].Pages), c.verbs(call)}, []any{0, 0, []string{"called"}})
	c.page(r, "sms")
	c.wantErr("page after its round", c.Calls.Page(c.Context(), r, p, nil, time.Time{}), alerts.ErrStale)
	c.wants("pages", len(c.entries(call)[1].Pages), 1)
}

func callOtherStep(c *caller) {
	call := c.opened(1, 2)
	r := c.take()
	p := PageOf(call, c.now, "sms", 1, 2)
	changed := *r
	changed.Legs = []volunteers.Leg{r.Legs[0], r.Legs[1]}
	changed.Legs[1].Step = 1 // as if another round had been there
	c.wantErr("another step", c.Calls.Page(c.Context(), &changed, p, c.next(&changed), time.Time{}), alerts.ErrStale)
	unknown := LegsOf(c.now, 0, 9)
	c.wantErr("a leg that was not in the round", c.Calls.Page(c.Context(), r, p, unknown, time.Time{}), alerts.ErrStale)
	c.wants("untouched", []any{c.entries(call)[1].Leg.Step, len(c.entries(call)[1].Pages)}, []any{0, 0})
	c.page(r, "sms")
}

func callAnsweredMeanwhile(c *caller) {
	call := c.opened(1, 2, 3)
	c.says(call, 3, volunteers.Maybe)
	r := c.take()
	c.wants("due", len(r.Legs), 2)
	c.says(call, 2, volunteers.Cannot)
	p := PageOf(call, c.now, "sms", 1, 2, 3)
	c.must(c.Calls.Page(c.Context(), r, p, c.next(r), time.Time{}))
	c.wants("turns", c.Begin(p.Record.ID, "sms", 0, 1, 2), []broadcast.Turn{broadcast.TurnSend, broadcast.TurnHalt, broadcast.TurnSend})
	e := c.entries(call)
	c.wants("legs", []bool{e[1].Leg.Due.IsZero(), e[2].Leg.Due.IsZero(), e[3].Leg.Due.IsZero()}, []bool{false, true, true})
	c.wants("pages", []int{len(e[1].Pages), len(e[2].Pages), len(e[3].Pages)}, []int{1, 0, 1})
	r = c.take() // for the answer
	c.must(c.Calls.Page(c.Context(), r, nil, nil, time.Time{}))
	c.now = c.now.Add(time.Hour)
	r = c.take()
	if len(r.Legs) != 1 || r.Legs[0].Number != 1 {
		c.Errorf("due are %+v", r.Legs)
	}
}

func callHalted(c *caller) {
	call := c.opened(1, 2, 3)
	first := c.page(c.take(), "webpush")
	c.wants("turns", c.Begin(first.Record.ID, "webpush", 0, 1), []broadcast.Turn{broadcast.TurnSend, broadcast.TurnSend})
	c.now = c.now.Add(time.Minute)
	second := c.page(c.take(), "sms")
	done := c.says(call, 1, volunteers.Coming)
	c.wants("of one whose push is on its way", []any{done.Before == nil, done.Changed, done.Unavoidable}, []any{true, true, 1})
	done = c.says(call, 3, volunteers.Cannot)
	c.wants("of one whom nothing has left to", done.Unavoidable, 0)
	c.wants("push", c.Begin(first.Record.ID, "webpush", 0, 1, 2), []broadcast.Turn{broadcast.TurnAskHalted, broadcast.TurnAsk, broadcast.TurnHalt})
	c.wants("sms", c.Begin(second.Record.ID, "sms", 0, 1, 2), []broadcast.Turn{broadcast.TurnHalt, broadcast.TurnSend, broadcast.TurnHalt})
	e := c.entries(call)
	c.wants("due", []bool{e[1].Leg.Due.IsZero(), e[3].Leg.Due.IsZero()}, []bool{true, true})
	c.wants("unavoidable", []int{e[1].Unavoidable, e[2].Unavoidable, e[3].Unavoidable}, []int{1, 0, 0})
	done = c.says(call, 1, volunteers.Cannot)
	c.wants("changed", []any{done.Before.Kind, done.Changed, done.Unavoidable}, []any{volunteers.Coming, true, 1})
}

func callHaltedByRound(c *caller) {
	call := c.opened(1, 2, 3)
	first := c.page(c.take(), "webpush")
	c.now = c.now.Add(time.Minute)
	r := c.take()
	r.Halt = []uint32{1, 3}
	second := c.page(r, "sms")
	c.wants("before", c.Begin(first.Record.ID, "webpush", 0, 1, 2), []broadcast.Turn{broadcast.TurnHalt, broadcast.TurnSend, broadcast.TurnHalt})
	c.wants("with it", c.Begin(second.Record.ID, "sms", 0, 1, 2), []broadcast.Turn{broadcast.TurnSend, broadcast.TurnSend, broadcast.TurnSend})
	c.wants("pages", len(c.entries(call)[1].Pages), 2)
}

func callOthersGoOn(c *caller) {
	call := c.opened(numbers(300)...)
	p := c.page(c.take(), "sms")
	for n := uint32(0); n < 300; n += 3 {
		c.says(call, 1000+n, volunteers.Coming)
	}
	all := make([]uint32, 300)
	for i := range all {
		all[i] = uint32(i)
	}
	for i, turn := range c.Begin(p.Record.ID, "sms", all...) {
		want := broadcast.TurnSend
		if i%3 == 0 {
			want = broadcast.TurnHalt
		}
		if turn != want {
			c.Fatalf("ordinal %d: %v, want %v", i, turn, want)
		}
	}
}

func callAnsweredTwice(c *caller) {
	call := c.opened(1)
	a := volunteers.Answer{Kind: volunteers.Coming, Minutes: 20, Note: "con il furgone", At: c.now, Via: "sms"}
	for i := range 3 {
		a.At, a.Via = c.now.Add(time.Duration(i)*time.Minute), []string{"sms", "page", "desk"}[i]
		done, err := c.Calls.Answer(c.Context(), call.ID, 1, a, CallAct(call, "answered", c.now))
		c.must(err)
		c.wants("changed", done.Changed, i == 0)
	}
	c.wants("answer", fmt.Sprintf("%+v", *c.entries(call)[1].Answer), fmt.Sprintf("%+v", volunteers.Answer{Kind: volunteers.Coming, Minutes: 20, Note: "con il furgone", At: c.now, Via: "sms"}))
	c.wants("acts", c.verbs(call), []string{"called", "answered"})
	a.Minutes = 30
	done, err := c.Calls.Answer(c.Context(), call.ID, 1, a, CallAct(call, "answered", c.now))
	c.must(err)
	c.wants("another time", []any{done.Changed, done.Before.Minutes}, []any{true, 20})
}

func callManyAnswers(c *caller) {
	people := numbers(60)
	call := c.opened(people...)
	var wait sync.WaitGroup
	for _, n := range people {
		for _, kind := range []volunteers.AnswerKind{volunteers.Coming, volunteers.Cannot} {
			wait.Go(func() {
				a := volunteers.Answer{Kind: kind, At: c.now, Via: "page"}
				if _, err := c.Calls.Answer(c.Context(), call.ID, n, a, CallAct(call, "answered", c.now)); err != nil {
					c.Error(err)
				}
			})
		}
	}
	wait.Wait()
	for n, e := range c.entries(call) {
		if e.Answer == nil || !e.Leg.Due.IsZero() {
			c.Errorf("person %d: %+v", n, e)
		}
	}
	c.wants("acts", len(c.Acts(call.ID)), 1+2*len(people))
}

func callEnded(c *caller) {
	call := c.opened(1, 2, 3)
	r := c.take()
	p := c.page(r, "sms")
	c.wants("turns", c.Begin(p.Record.ID, "sms", 0), []broadcast.Turn{broadcast.TurnSend})
	c.says(call, 2, volunteers.Coming)
	r = c.take()
	act := CallAct(call, "closed", c.now)
	closing := func(call *volunteers.Call) error {
		call.State, call.Ended, call.EndBy, call.Words = volunteers.StateClosed, c.now, operator, "Grazie"
		return nil
	}
	ended, err := c.Calls.Change(c.Context(), call.ID, nil, &act, closing)
	c.must(err)
	c.wants("state", []any{ended.State, ended.Words}, []any{volunteers.StateClosed, "Grazie"})
	c.wantErr("the round before", c.Calls.Page(c.Context(), r, PageOf(call, c.now, "webpush", 1), nil, time.Time{}), alerts.ErrStale)
	c.wants("turns after", c.Begin(p.Record.ID, "sms", 0, 1, 2), []broadcast.Turn{broadcast.TurnAskStopped, broadcast.TurnStop, broadcast.TurnStop})
	_, err = c.Calls.Answer(c.Context(), call.ID, 1, volunteers.Answer{Kind: volunteers.Coming, At: c.now}, CallAct(call, "answered", c.now))
	c.wantErr("an answer", err, callout.ErrOver)
	_, err = c.Calls.Answer(c.Context(), call.ID, 2, volunteers.Answer{Kind: volunteers.Coming, At: c.now}, CallAct(call, "answered", c.now))
	c.wantErr("the same answer", err, callout.ErrOver)
	_, err = c.Calls.Change(c.Context(), call.ID, LegsOf(c.now, 1, 8), nil, func(*volunteers.Call) error { return nil })
	c.wantErr("a wave", err, callout.ErrOver)
	_, err = c.Calls.Change(c.Context(), call.ID, nil, nil, func(call *volunteers.Call) error { call.State = volunteers.StateOpen; return nil })
	c.wantErr("opened again", err, callout.ErrOver)

	r = c.take()
	c.wants("the round that tells", []any{r.Call.State, len(r.Legs), len(r.Answers)}, []any{volunteers.StateClosed, 0, 1})
	c.now = c.now.Add(callLease) // its node died
	r = c.take()
	thanks := PageOf(call, c.now, "webpush", 2)
	c.must(c.Calls.Page(c.Context(), r, thanks, nil, c.now))
	_, err = c.Calls.Change(c.Context(), call.ID, nil, nil, func(call *volunteers.Call) error { call.Words = "Grazie a tutti"; return nil })
	c.must(err)
	c.wants("thanks", c.Begin(thanks.Record.ID, "webpush", 0), []broadcast.Turn{broadcast.TurnSend})
	c.now = c.now.Add(24 * time.Hour)
	c.nothing("after its end was told")
	c.wants("acts", c.verbs(call), []string{"called", "called", "answered", "closed", "called"})
}

func callAttended(c *caller) {
	call := c.opened(1)
	arrive := func(p *volunteers.Presence) (bool, error) {
		changed := p.Arrived.IsZero()
		if changed {
			p.Arrived = c.now
		}
		return changed, nil
	}
	for _, n := range []uint32{1, 77, 77} {
		act := CallAct(call, "attended", c.now)
		c.must(c.Calls.Attend(c.Context(), call.ID, n, &act, arrive))
	}
	c.wants("acts", c.verbs(call), []string{"called", "attended", "attended"})
	_, err := c.Calls.Change(c.Context(), call.ID, nil, nil, func(call *volunteers.Call) error { call.State = volunteers.StateCancelled; return nil })
	c.must(err)
	c.must(c.Calls.Attend(c.Context(), call.ID, 77, nil, func(p *volunteers.Presence) (bool, error) { p.Left = c.now.Add(time.Hour); return true, nil }))
	e := c.entries(call)
	c.wants("presences", []any{e[1].Presence, e[77].Presence, e[77].Leg == nil}, []any{volunteers.Presence{Arrived: c.now}, volunteers.Presence{Arrived: c.now, Left: c.now.Add(time.Hour)}, true})
}

func callCorrected(c *caller) {
	call := c.opened(1)
	const writers = 6
	var wait sync.WaitGroup
	for i := range writers {
		wait.Go(func() {
			act := CallAct(call, "corrected", c.now)
			to := volunteers.Stay{Arrived: c.now.Add(-time.Duration(i) * time.Minute)}
			err := c.Calls.Attend(c.Context(), call.ID, 1, &act, func(p *volunteers.Presence) (bool, error) {
				p.Corrections = append(slices.Clip(p.Corrections), volunteers.Correction{At: c.now, By: operator, From: p.Stay(), To: to, Reason: "vergessen – scordato"})
				p.Arrived = to.Arrived
				return true, nil
			})
			if err != nil {
				c.Error(err)
			}
		})
	}
	wait.Wait()
	p := c.entries(call)[1].Presence
	c.wants("corrections and acts", []int{len(p.Corrections), len(c.Acts(call.ID))}, []int{writers, 1 + writers})
	was := volunteers.Stay{}
	for _, one := range p.Corrections {
		if !one.From.Equal(was) || one.By != operator || one.Reason != "vergessen – scordato" || !one.At.Equal(c.now) {
			c.Errorf("after %s there is %+v", was, one)
		}
		was = one.To
	}
	c.wants("the newest counts", p.Stay().Equal(was), true)
	parts, err := c.Calls.Of(c.Context(), 1)
	c.must(err)
	c.wants("for their own eyes", []int{len(parts), len(parts[0].Presence.Corrections)}, []int{1, writers})
	c.wants("to who pages", len(c.take().Here[1].Corrections), writers)
}

func callArrived(c *caller) {
	call := c.opened(1, 2, 3)
	p := c.page(c.take(), "sms")
	c.now = c.now.Add(time.Minute)
	r := c.take()
	arrive := func(p *volunteers.Presence) (bool, error) { p.Arrived = c.now; return true, nil }
	for _, n := range []uint32{1, 77} {
		act := CallAct(call, "attended", c.now)
		c.must(c.Calls.Attend(c.Context(), call.ID, n, &act, arrive))
	}
	c.wants("turns", c.Begin(p.Record.ID, "sms", 0, 1), []broadcast.Turn{broadcast.TurnHalt, broadcast.TurnSend})
	c.wantErr("the round before", c.Calls.Page(c.Context(), r, PageOf(call, c.now, "webpush", 1, 2), c.next(r), time.Time{}), alerts.ErrStale)
	r = c.take()
	c.wants("who is due", []any{len(r.Legs), r.Legs[0].Number, r.Legs[1].Number, len(r.Here), r.Here[77].Arrived.Equal(c.now)}, []any{2, 2, 3, 2, true})
	c.must(c.Calls.Page(c.Context(), r, nil, c.next(r), time.Time{}))
	c.nothing("after that")
	c.must(c.Calls.Attend(c.Context(), call.ID, 77, nil, func(p *volunteers.Presence) (bool, error) { p.Safe = c.now; return true, nil }))
	c.nothing("after a sign of life")
	c.must(c.Calls.Attend(c.Context(), call.ID, 77, nil, func(p *volunteers.Presence) (bool, error) { *p = volunteers.Presence{}; return true, nil }))
	c.wants("who is there", len(c.take().Here), 2)
}

func callHurried(c *caller) {
	call := c.opened(1, 2, 3, 4, 5)
	c.page(c.take(), "sms")
	c.nothing("while all wait")
	legs := c.entries(call)
	step := legs[1].Leg.Step
	c.says(call, 4, volunteers.Cannot)
	c.must(c.Calls.Page(c.Context(), c.take(), nil, nil, time.Time{})) // the round of that answer
	c.must(c.Calls.Hurry(c.Context(), call.ID, map[uint32]int{1: step, 2: step + 1, 4: step, 77: step}, c.now))
	r := c.take()
	c.wants("who is due", []any{len(r.Legs), r.Legs[0].Number, r.Legs[0].Step}, []any{1, uint32(1), step})
	// A round that is under way goes on, and finds who was hurried meanwhile afterwards.
	c.must(c.Calls.Hurry(c.Context(), call.ID, map[uint32]int{3: step}, c.now))
	held := r.Legs[0].Hold(c.now.Add(time.Hour))
	c.must(c.Calls.Page(c.Context(), r, nil, []volunteers.Leg{held}, time.Time{}))
	r = c.take()
	c.wants("who is due next", []any{len(r.Legs), r.Legs[0].Number}, []any{1, uint32(3)})
	c.must(c.Calls.Page(c.Context(), r, nil, c.next(r), time.Time{}))
	c.must(c.Calls.Hurry(c.Context(), call.ID, map[uint32]int{1: held.Step}, c.now))
	c.nothing("of who has quiet hours")
}

func callSheet(c *caller) {
	call := c.opened(3, 1)
	c.says(call, 3, volunteers.Maybe)
	c.must(c.Calls.Attend(c.Context(), call.ID, 2, nil, func(p *volunteers.Presence) (bool, error) { p.Safe = c.now; return true, nil }))
	sheet, err := c.Calls.Sheet(c.Context(), call.ID)
	c.must(err)
	if len(sheet) != 3 || sheet[0].Number != 1 || sheet[1].Number != 2 || sheet[2].Number != 3 {
		c.Fatalf("the sheet is %+v", sheet)
	}
	c.wants("legs", fmt.Sprintf("%+v", *sheet[0].Leg), fmt.Sprintf("%+v", LegsOf(c.now, 0, 1)[0]))
	c.wants("answers", []any{sheet[0].Answer == nil, sheet[2].Answer.Kind}, []any{true, volunteers.Maybe})
	r := c.take()
	held := r.Legs[0].Hold(c.now.Add(time.Hour))
	c.must(c.Calls.Page(c.Context(), r, nil, []volunteers.Leg{held}, time.Time{}))
	c.wants("who has quiet hours", fmt.Sprintf("%+v", *c.entries(call)[held.Number].Leg), fmt.Sprintf("%+v", held))
	c.nothing("within quiet hours")
}

func callOpenOf(c *caller) {
	first, second, _ := c.opened(1, 2), c.opened(1), c.opened(2)
	all, err := c.Calls.OpenOf(c.Context(), 1)
	c.must(err)
	if len(all) != 2 || all[0].ID != second.ID || all[1].ID != first.ID {
		c.Errorf("open are %+v", all)
	}
	_, err = c.Calls.Change(c.Context(), second.ID, nil, nil, func(call *volunteers.Call) error { call.State = volunteers.StateExpired; return nil })
	c.must(err)
	all, err = c.Calls.OpenOf(c.Context(), 1)
	c.must(err)
	c.wants("open", len(all), 1)
}

func callOf(c *caller) {
	first, second, other := c.opened(1, 2), c.opened(2), c.opened(2)
	page := c.page(c.take(), "sms")
	c.says(first, 1, volunteers.Coming)
	c.says(first, 2, volunteers.Cannot)
	here := func(p *volunteers.Presence) (bool, error) { p.Arrived = c.now; return true, nil }
	c.must(c.Calls.Attend(c.Context(), second.ID, 1, nil, here))
	c.must(c.Calls.Attend(c.Context(), other.ID, 2, nil, here))
	for _, number := range []uint32{1, 2} {
		c.must(c.Calls.Message(c.Context(), first.ID, callout.Message{Number: number, At: c.now, Via: "sms", Text: fmt.Sprint("testo ", number)}))
	}
	_, err := c.Calls.Change(c.Context(), first.ID, nil, nil, func(call *volunteers.Call) error { call.State = volunteers.StateClosed; return nil })
	c.must(err)
	all, err := c.Calls.Of(c.Context(), 1)
	c.must(err)
	if len(all) != 2 || all[0].Call.ID != second.ID || all[1].Call.ID != first.ID {
		c.Fatalf("of the person there are %+v", all)
	}
	c.wants("where they only came", []any{all[0].Number, all[0].Leg == nil, all[0].Answer == nil, all[0].Presence.Arrived.Equal(c.now), len(all[0].Messages)}, []any{uint32(1), true, true, true, 0})
	c.wants("messages", fmt.Sprint(all[1].Messages), fmt.Sprint([]callout.Message{{Number: 1, At: c.now, Via: "sms", Text: "testo 1"}}))
	c.wants("where they were called", fmt.Sprintf("%+v", *all[1].Leg), fmt.Sprintf("%+v", *c.entries(first)[1].Leg))
	c.wants("state", all[1].Call.State, volunteers.StateClosed)
	if all[1].Answer == nil || all[1].Answer.Kind != volunteers.Coming || len(all[1].Pages) != 1 || all[1].Pages[0].Record != page.Record.ID {
		c.Errorf("they said %+v to %+v", all[1].Answer, all[1].Pages)
	}
	c.must(c.Calls.Forget(c.Context(), 1))
	all, err = c.Calls.Of(c.Context(), 1)
	c.must(err)
	c.wants("after forgetting", len(all), 0)
}

func callForgotten(c *caller) {
	calls := []*volunteers.Call{c.opened(1, 2), c.opened(1, 2)}
	var pages []*callout.Page
	for range calls {
		pages = append(pages, c.page(c.take(), "sms"))
	}
	for _, call := range calls {
		c.says(call, 1, volunteers.Coming)
		c.must(c.Calls.Attend(c.Context(), call.ID, 1, nil, func(p *volunteers.Presence) (bool, error) { p.Arrived = c.now; return true, nil }))
		c.must(c.Calls.Message(c.Context(), call.ID, callout.Message{Number: 1, At: c.now, Via: "sms", Text: "dove?"}))
		c.must(c.Calls.Message(c.Context(), call.ID, callout.Message{Number: 2, At: c.now, Via: "sms", Text: "quando?"}))
	}
	c.must(c.Calls.Attend(c.Context(), calls[0].ID, 2, nil, func(p *volunteers.Presence) (bool, error) { p.Safe = c.now; return true, nil }))
	for range 2 {
		c.must(c.Calls.Forget(c.Context(), 1))
	}
	for i, call := range calls {
		e := c.entries(call)
		if _, there := e[1]; there || e[2].Leg == nil {
			c.Errorf("the sheet of call %d is %+v", call.Number, e)
		}
		messages, err := c.Calls.Messages(c.Context(), call.ID)
		c.must(err)
		c.wants("messages", fmt.Sprint(messages), fmt.Sprint([]callout.Message{{Number: 2, At: c.now, Via: "sms", Text: "quando?"}}))
		c.wants("turns", c.Begin(pages[i].Record.ID, "sms", 0, 1), []broadcast.Turn{broadcast.TurnHalt, broadcast.TurnSend})
	}
	all, err := c.Calls.OpenOf(c.Context(), 1)
	c.must(err)
	c.wants("open calls", len(all), 0)
}

func callMessages(c *caller) {
	call := c.opened(1)
	for i := range mostMessages + 3 {
		c.must(c.Calls.Message(c.Context(), call.ID, callout.Message{Number: 1, At: c.now, Via: "sms", Text: fmt.Sprint(i)}))
	}
	all, err := c.Calls.Messages(c.Context(), call.ID)
	c.must(err)
	if len(all) != mostMessages || all[0].Text != "3" || all[mostMessages-1].Text != fmt.Sprint(mostMessages+2) {
		c.Errorf("%d messages, from %q", len(all), all[0].Text)
	}
}

func callLag(c *caller) {
	lag := func(want time.Duration) {
		c.Helper()
		got, err := c.Calls.Lag(c.Context(), c.now)
		c.must(err)
		c.wants("lag", got, want)
	}
	lag(0)
	call := c.opened(1)
	c.now = c.now.Add(40 * time.Second)
	lag(40 * time.Second)
	r := c.take()
	lag(40 * time.Second)
	c.must(c.Calls.Page(c.Context(), r, nil, c.next(r), c.now.Add(30*time.Second)))
	lag(0)
	c.now = c.now.Add(45 * time.Second)
	lag(15 * time.Second)
	c.now = c.now.Add(45 * time.Second)
	lag(time.Minute)
	_, err := c.Calls.Change(c.Context(), call.ID, nil, nil, func(call *volunteers.Call) error { call.State = volunteers.StateClosed; return nil })
	c.must(err)
	lag(0)
}

func callConfirmed(c *caller) {
	test := NewCall(c.now)
	test.Test, test.Needs = true, nil
	stored, err := c.Calls.Open(c.Context(), test, LegsOf(c.now, 0, 1, 2), CallAct(test, "called", c.now))
	c.must(err)
	c.wants("a test is one", stored.Test, true)
	for i, one := range []struct{ contact, want string }{{"phone", "phone"}, {"email", "phone email"}, {"phone", "phone email"}} {
		done, err := c.Calls.Answer(c.Context(), test.ID, 1, volunteers.Answer{Kind: volunteers.Coming, At: c.now, Via: "sms", Contacts: one.contact}, CallAct(test, "answered", c.now))
		c.must(err)
		c.wants("changed", done.Changed, i < 2)
		c.wants("confirmed", c.entries(test)[1].Answer.Contacts, one.want)
	}
	c.wants("acts", c.verbs(test), []string{"called", "answered", "answered"})
}
