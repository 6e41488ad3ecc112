package broadcast

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"martinella/channels"
)

// ending is what came of one recipient in one window: settled, unsent, in
// doubt, or nothing at all (it was settled before).
type ending struct {
	result  Result
	via     Via // over whom it went last
	settled bool
	unsent  bool          // what left last was surely not taken
	doubt   bool          // perhaps taken, now or before
	held    bool          // the channel holds back
	crashed bool          // the channel's program failed
	after   time.Duration // to wait: what the platform asked for, unless held
	reason  string
}

// findTries is how often a platform is asked what became of a message before
// the policy for those that cannot tell applies.
const findTries = 3

// unsentReasons says why a recipient was never sent anything.
var unsentReasons = map[State]string{
	Expired:    "the alert expired before it could be sent",
	Suppressed: "erased, or without such a contact",
	Failed:     "it could not be sent for three days",
}

// doubtful marks an acceptance that may be the second one.
const doubtful = "possible duplicate"

func settle(r Result) ending {
	e := ending{result: r, settled: true}
	if r.State == Failed || r.State == Uncertain {
		e.reason = r.Reason
	}
	return e
}

// replaced is for one that was not tried when all of the alert was stopped.
func (b *batch) replaced(ordinal uint32) ending {
	return settle(Result{Ordinal: ordinal, State: Suppressed, Reason: b.instead() + " before it was sent"})
}

// halted is for one whose recipient answered another page of the same call.
func halted(ordinal uint32) ending {
	return settle(Result{Ordinal: ordinal, State: Suppressed, Reason: "answered before it was sent"})
}

// instead tells why what was stopped leaves no more.
func (b *batch) instead() string {
	if b.task.Record.Call != "" {
		return "the call was over"
	}
	return "replaced by a newer revision"
}

// inDoubt is for one that an earlier attempt may have reached, and that is not
// sent again: why says what came between.
func inDoubt(ordinal uint32, why string) ending {
	return settle(Result{Ordinal: ordinal, State: Uncertain, Reason: why + " while nobody knew whether it was taken"})
}

// message addresses what the recipient gets. contacts begin with the window.
func (b *batch) message(ordinal uint32, contacts []string) (channels.Message, bool) {
	m, known := b.rendered(ordinal)
	if !known {
		return m, false
	}
	r := b.task.Record
	values := Filled(r)
	if m.Step == channels.StepPoint {
		values["{next}"] = b.next(m)
	}
	to := ""
	if i := int(ordinal - b.at); b.kind != "" && i < len(contacts) {
		to = contacts[i]
		if to != "" && i < len(b.numbers) {
			values["{person.link}"] = b.link(b.numbers[i], to)
		}
	} else if i := int(ordinal - b.at); r.Call != "" && i < len(b.numbers) { // what is written down in practice
		values["{person.link}"] = b.link(b.numbers[i], "")
	}
	m = m.For(values)
	m.Key = fmt.Sprintf("%s/%d/%s/%d", r.ID, r.Revision, b.name, ordinal)
	if b.job.Key > 0 { // the platform must not take it for the one that failed
		m.Key += fmt.Sprintf("/%d", b.job.Key)
	}
	m.Ordinal, m.Sent, m.Areas = ordinal, r.Published, r.Areas
	if b.kind == "" {
		b.hang(&m)
		b.picture(&m, r)
	} else {
		m.To = to
	}
	return m, true
}

// link is where the person's own page is: of the call, in a page; "" where
// there is none.
func (b *batch) link(number uint32, address string) string {
	switch r := b.task.Record; {
	case r.Call != "" && b.callPage != nil:
		kind := ""
		if r.CallTest {
			kind = b.kind
		}
		return b.callPage(number, r.CallNumber, kind)
	case r.Call == "" && b.ownPage != nil:
		return b.ownPage(number, b.kind, address, r.Published)
	}
	return ""
}

// deliver brings one message as far as it goes now, over via where it is sent.
// instead is Queued where it may be sent, else the state that it ends in if
// nobody has it.
func (b *batch) deliver(m channels.Message, turn Turn, instead State, via Via) ending {
	var before []Via // who may have it from earlier
	if turn.asks() {
		do := turn.Do()
		e, send, left := b.ask(m, question{trail: turn.Trail().Vias(), foreign: turn.Foreign(), renewed: turn.Renewed(),
			again: do == TurnAsk && instead == Queued, last: instead != Queued, why: "an attempt was cut off, and nobody knows whether it was taken"})
		if !send {
			return e
		}
		if do == TurnAskStopped { // nobody has it, and nobody shall get it
			return b.replaced(m.Ordinal)
		}
		if do == TurnAskHalted {
			return halted(m.Ordinal)
		}
		if instead == Queued {
			before = left
			if e, send := b.again(m.Ordinal, via, before); !send {
				return e
			}
		}
	}
	if instead != Queued {
		return settle(Result{Ordinal: m.Ordinal, State: instead, Reason: unsentReasons[instead]})
	}
	for {
		double := len(before) > 0
		if !b.inTime() { // the store may have kept us waiting
			if double {
				return settle(Result{Ordinal: m.Ordinal, State: Uncertain, Reason: "trying ended while nobody knew whether it was taken"})
			}
			return settle(Result{Ordinal: m.Ordinal, State: b.end, Reason: unsentReasons[b.end]})
		}
		open := ending{result: Result{Ordinal: m.Ordinal}, via: via, unsent: true, doubt: double}
		if err := b.queue.Fenced(); err != nil {
			// Another node may send it by now: nothing leaves here until the
			// store has said whose job it is.
			open.held, open.after, open.reason = true, storePause, "this node was away for too long"
			return open
		}
		p := b.provider(via)
		r, err := b.send(p, m)
		verdict, after := channels.VerdictOf(err)
		open.reason = short(err)
		if channels.IsGone(err) {
			b.unlist(m)
		}
		switch {
		case errors.Is(err, errPanic):
			b.log.Error("the channel's program failed", zap.String("alert", string(m.Alert)), zap.Error(err))
			open.unsent, open.doubt, open.crashed = false, true, true
			open.reason = errPanic.Error()
			return open
		case errors.Is(err, errHeld):
			return b.orElse(open, tripFor)
		case verdict == channels.VerdictAccepted:
			return b.accepted(m, r, via, double)
		case m.Step == channels.StepCorrect && errors.Is(err, channels.ErrPostGone):
			var e ending
			var send bool
			if before, e, send = b.anew(&m, turn, via, before); !send {
				return e
			}
			continue
		case verdict == channels.VerdictPermanent && slices.ContainsFunc(before, func(v Via) bool { return v != via }):
			return settle(Result{Ordinal: m.Ordinal, State: Uncertain, Reason: open.reason}) // the other one may have reached them
		case verdict == channels.VerdictPermanent:
			return settle(Result{Ordinal: m.Ordinal, State: Failed, Reason: open.reason})
		case verdict == channels.VerdictUnauthorized:
			p.breaker.halt(open.reason)
			if why, _ := p.breaker.holds(true); why != "" {
				open.reason = why // with how to renew them
			}
			return b.orElse(open, haltRecheck)
		case verdict == channels.VerdictRetry:
			open.after = after
			return open
		}
		e, send, left := b.ask(m, question{trail: append(slices.Clone(before), via), ask: []Via{via}, again: true, why: open.reason})
		if !send {
			return e
		}
		if !slices.Contains(left, via) { // it did not arrive: an ordinary failure
			open.after, open.doubt = after, len(left) > 0
			return open
		}
		before = left
		if e, send := b.again(m.Ordinal, via, before); !send {
			return e
		}
	}
}

// orElse is what becomes of a message that a provider does not carry now: the
// other one takes it with the next attempt, or the job waits.
func (b *batch) orElse(e ending, wait time.Duration) ending {
	if !b.otherwise(e.via) {
		e.held, e.after = true, wait
	}
	return e
}

// insists reports whether a double is better than silence: what is urgent, and
// what somebody asked to send again knowing that.
func (b *batch) insists() bool { return b.task.Record.Urgent() || b.job.Insist }

// inTime reports whether the alert may still be sent.
func (b *batch) inTime() bool { return b.expires.IsZero() || time.Now().Before(b.expires) }

func (b *batch) accepted(m channels.Message, r channels.Receipt, via Via, double bool) ending {
	if b.early && !m.Step.Posts() { // what comes still has to be changed as well
		return ending{result: Result{Ordinal: m.Ordinal}, via: via, unsent: true, reason: earlyReason}
	}
	res := Result{Ordinal: m.Ordinal, State: Accepted, Receipt: r, Via: via, Latency: max(time.Since(m.Sent), 0)}
	if double {
		res.Reason = doubtful
	}
	return settle(res)
}

// short is an error for people: one line, at most 200 bytes, whole characters.
// "" for none.
func short(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errPanic):
		return errPanic.Error()
	}
	s := strings.Join(strings.Fields(strings.ToValidUTF8(err.Error(), "?")), " ")
	if len(s) <= 200 {
		return s
	}
	cut := 197
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
