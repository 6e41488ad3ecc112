package broadcast

import (
	"context"
	"slices"

	"martinella/channels"
)

// again writes down, before it leaves, that the message goes over via and who
// may have it already, so that whoever comes after a crash does not send a
// third one. It tells as well whether the alert goes on: what was cancelled
// meanwhile is never sent once more.
func (b *batch) again(ordinal uint32, via Via, before []Via) (e ending, send bool) {
	double := len(before) > 0
	if double && b.provider(via).holds() { // it would not leave, and must not count as if it had
		return b.orElse(ending{result: Result{Ordinal: ordinal}, via: via, doubt: true, reason: errHeld.Error()}, tripFor), false
	}
	var turn Turn
	err := b.insist(b.flight, "again", func(ctx context.Context) (err error) {
		turn, err = b.queue.Again(ctx, b.over(via), ordinal, before...)
		return err
	})
	switch {
	case err != nil: // the store does not tell, so it is not sent now
		return ending{result: Result{Ordinal: ordinal}, unsent: !double, doubt: double, reason: "the store does not tell whether the alert goes on"}, false
	case turn.Do() == TurnAsk:
		return e, true
	case turn.Do() == TurnAskStopped && double:
		return inDoubt(ordinal, b.instead()), false
	case turn.Do() == TurnAskHalted && double:
		return inDoubt(ordinal, "answered"), false
	case turn.Do() == TurnAskStopped:
		return b.replaced(ordinal), false
	case turn.Do() == TurnAskHalted:
		return halted(ordinal), false
	}
	return e, false // settled by somebody else
}

// question is a message in doubt.
type question struct {
	trail   []Via // over whom it left
	ask     []Via // who is asked; nil: all of them
	foreign bool  // the second provider of the trail is not the one that is configured now
	renewed bool  // a person asked for it to be sent again though it was already
	again   bool  // it may be sent once more where nobody can tell
	last    bool  // it is never asked about again
	why     string
}

// ask finds out about a message in doubt: the providers where they can tell,
// else the policy. What is urgent is sent once more and never a third time,
// since a double is better than silence; the rest stays uncertain and is shown
// so (RELIABILITY 10). send says to go on, and left who may have it already.
func (b *batch) ask(m channels.Message, q question) (e ending, send bool, left []Via) {
	if !m.Step.Posts() || m.Step == channels.StepCorrect && b.own.finder == nil {
		return ending{}, true, nil // to change a post twice is to change it once
	}
	asked := q.ask
	if asked == nil {
		asked = slices.Compact(slices.Sorted(slices.Values(q.trail)))
	}
	left = q.trail
	waiting, unanswered, reason := false, false, ""
	for _, via := range asked {
		p := b.provider(via)
		if p == nil || p.finder == nil || (via == ViaSecond && q.foreign) {
			continue
		}
		patient := !b.insists() && !q.last // it is asked as long as that takes
		if patient && p.holds() {
			waiting, reason = true, "its provider does not answer, and may have it"
			continue
		}
		r, found, err := b.find(p, m)
		switch {
		case err != nil:
			waiting = waiting || patient && p.breaker.probing()
			unanswered, reason = true, "the platform does not tell what became of it: "+short(err)
		case found:
			return b.accepted(m, r, via, len(q.trail) > 1), false, nil
		default:
			left = slices.DeleteFunc(slices.Clone(left), func(v Via) bool { return v == via })
		}
	}
	switch {
	case len(left) == 0 || len(left) < len(q.trail) && q.ask != nil:
		return ending{}, true, left
	case waiting, unanswered && !q.last && b.job.Attempt < findTries:
		return ending{result: Result{Ordinal: m.Ordinal}, doubt: true, reason: reason}, false, nil
	case q.again && (len(left) == 1 || q.renewed) && b.inTime() && b.insists():
		if len(left) > 1 { // the one that can be asked again is remembered
			left = []Via{left[b.askable(left)]}
		}
		return ending{}, true, left
	}
	return settle(Result{Ordinal: m.Ordinal, State: Uncertain, Reason: q.why}), false, nil
}

// askable is the place of the first that can be asked, else 0.
func (b *batch) askable(vias []Via) int {
	return max(0, slices.IndexFunc(vias, func(v Via) bool { p := b.provider(v); return p != nil && p.finder != nil }))
}
