package broadcast

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast/crash"
	"martinella/channels"
)

// ending is what came of one recipient in one window: settled, unsent, in
// doubt, or nothing at all (it was settled before).
type ending struct {
	result  Result
	settled bool
	unsent  bool          // surely not taken
	doubt   bool          // perhaps taken
	held    bool          // the channel holds back
	crashed bool          // the channel's program failed
	after   time.Duration // that the platform asked to wait
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

func stopped(ordinal uint32) ending {
	return settle(Result{Ordinal: ordinal, State: Suppressed, Reason: "replaced by a newer revision before it was sent"})
}

// inDoubt is stopped for one that an earlier attempt may have reached.
func inDoubt(ordinal uint32) ending {
	return settle(Result{Ordinal: ordinal, State: Uncertain, Reason: "replaced by a newer revision while nobody knew whether it was taken"})
}

// message addresses what the recipient gets. contacts begin with the window.
func (b *batch) message(ordinal uint32, contacts []string) (channels.Message, bool) {
	r := b.task.Record
	for _, s := range b.task.Spans {
		if ordinal < s.From || ordinal >= s.To || s.Message >= len(b.task.Messages) {
			continue
		}
		m := b.task.Messages[s.Message].For(map[string]string{"{sent}": alerts.FormatTime(r.Published.In(r.Alert.Sent.Location()).Truncate(time.Second))})
		m.Key = fmt.Sprintf("%s/%d/%s/%d", r.ID, r.Revision, b.name, ordinal)
		if b.job.Key > 0 { // the platform must not take it for the one that failed
			m.Key += fmt.Sprintf("/%d", b.job.Key)
		}
		m.Ordinal, m.Sent, m.Areas = ordinal, r.Published, r.Areas
		if b.kind == "" {
			m.Previous = b.earlierPost(m.Language)
		} else if i := int(ordinal - b.at); i < len(contacts) {
			m.To = contacts[i]
		}
		return m, true
	}
	return channels.Message{}, false
}

// earlierPost is what an update or a Cancel hangs on. What is more severe than
// the post before it stands alone, so that it is noticed (DECISIONS 7).
func (b *batch) earlierPost(language string) string {
	r := b.task.Record
	if r.Supersedes == "" {
		return ""
	}
	if id, known := b.previous[language]; known {
		return id
	}
	b.previous[language] = ""
	if !over(r) {
		before, err := b.queue.Task(b.flight, Job{Alert: r.Supersedes})
		if err != nil || before.Record.Alert.Severity().Rank() < r.Alert.Severity().Rank() {
			return ""
		}
	}
	id, err := b.queue.Post(b.flight, r.Event, language)
	if err != nil {
		b.log.Warn("the earlier post is not known: this one stands alone", zap.String("alert", string(r.ID)), zap.Error(err))
		return ""
	}
	b.previous[language] = id
	return id
}

// deliver brings one message as far as it goes now. instead is Queued where it
// may be sent, else the state that it ends in if the platform does not have it.
func (b *batch) deliver(m channels.Message, turn Turn, instead State) ending {
	double := false // an earlier attempt may have been taken
	if turn == TurnAsk || turn == TurnAskStopped {
		again := turn == TurnAsk && instead == Queued && b.job.Taken <= 2
		e, send, unknown := b.ask(m, question{again: again, last: instead != Queued, why: "an attempt was cut off, and nobody knows whether it was taken"})
		if !send {
			return e
		}
		double = unknown
		if turn == TurnAskStopped { // the platform does not have it, and shall not get it
			return stopped(m.Ordinal)
		}
		if instead == Queued {
			if e, send := b.stillWanted(m.Ordinal, double); !send {
				return e
			}
		}
	}
	if instead != Queued {
		return settle(Result{Ordinal: m.Ordinal, State: instead, Reason: unsentReasons[instead]})
	}
	for {
		if !b.inTime() { // the store may have kept us waiting
			if double {
				return settle(Result{Ordinal: m.Ordinal, State: Uncertain, Reason: "trying ended while nobody knew whether it was taken"})
			}
			return settle(Result{Ordinal: m.Ordinal, State: b.end, Reason: unsentReasons[b.end]})
		}
		if err := b.queue.Fenced(); err != nil {
			// Another node may send it by now: nothing leaves here until the
			// store has said whose job it is.
			return ending{result: Result{Ordinal: m.Ordinal}, unsent: !double, doubt: double, held: true, after: storePause, reason: "this node was away for too long"}
		}
		r, err := b.send(m)
		verdict, after := channels.VerdictOf(err)
		reason := ""
		if err != nil {
			reason = short(err)
		}
		open := ending{result: Result{Ordinal: m.Ordinal}, unsent: !double, doubt: double, after: after, reason: reason}
		switch {
		case errors.Is(err, errPanic):
			b.log.Error("the channel's program failed", zap.String("alert", string(m.Alert)), zap.Error(err))
			open.unsent, open.doubt, open.crashed = false, true, true
			open.reason = errPanic.Error()
			return open
		case errors.Is(err, errHeld):
			open.held, open.after = true, tripFor
			return open
		case verdict == channels.VerdictAccepted:
			return b.accepted(m, r, double)
		case verdict == channels.VerdictPermanent:
			return settle(Result{Ordinal: m.Ordinal, State: Failed, Reason: reason})
		case verdict == channels.VerdictUnauthorized:
			b.breaker.halt(reason)
			open.held, open.after = true, haltRecheck
			return open
		case verdict == channels.VerdictRetry:
			return open
		}
		e, send, unknown := b.ask(m, question{again: !double, doubled: double, why: reason})
		if !send {
			return e
		}
		if !unknown { // it did not arrive: an ordinary failure
			open.unsent, open.doubt = true, false
			return open
		}
		double = true
		if e, send := b.stillWanted(m.Ordinal, double); !send {
			return e
		}
	}
}

// stillWanted reads again, after a question that took its time, whether the
// alert goes on here: what was cancelled meanwhile is never sent once more.
func (b *batch) stillWanted(ordinal uint32, double bool) (e ending, send bool) {
	turns, err := b.queue.Begin(b.flight, b.job, []uint32{ordinal})
	switch {
	case err != nil || len(turns) != 1: // the store does not tell, so it is not sent now
		return ending{result: Result{Ordinal: ordinal}, unsent: !double, doubt: double, reason: "the store does not tell whether the alert goes on"}, false
	case turns[0] == TurnAsk:
		return e, true
	case turns[0] == TurnAskStopped && double:
		return inDoubt(ordinal), false
	case turns[0] == TurnAskStopped:
		return stopped(ordinal), false
	}
	return e, false // settled by somebody else
}

// question is a message in doubt.
type question struct {
	again   bool   // it may be sent once more where nobody can tell
	doubled bool   // it was
	last    bool   // it is never asked about again
	why     string // for people
}

// ask finds out about a message in doubt: the platform where it can tell, else
// the policy. What is urgent is sent once more, since a double is better than
// silence; the rest stays uncertain and is shown so (RELIABILITY 10). send
// says to send it (again); unknown, that the platform may have it already.
func (b *batch) ask(m channels.Message, q question) (e ending, send, unknown bool) {
	if b.finder != nil {
		r, found, err := b.find(m)
		switch {
		case err == nil && found:
			// Where the policy below was applied before, this may be the second.
			return b.accepted(m, r, q.doubled || (b.job.Attempt >= findTries && b.insists())), false, false
		case err == nil:
			return ending{}, true, false
		case !q.last && b.job.Attempt < findTries:
			return ending{result: Result{Ordinal: m.Ordinal}, doubt: true, reason: "the platform does not tell what became of it: " + short(err)}, false, false
		}
	}
	if q.again && b.inTime() && b.insists() {
		return ending{}, true, true
	}
	return settle(Result{Ordinal: m.Ordinal, State: Uncertain, Reason: q.why}), false, false
}

// insists reports whether a double is better than silence: what is urgent, and
// what somebody asked to send again knowing that.
func (b *batch) insists() bool { return b.task.Record.Urgent() || b.job.Insist }

// inTime reports whether the alert may still be sent.
func (b *batch) inTime() bool { return b.expires.IsZero() || time.Now().Before(b.expires) }

func (b *batch) accepted(m channels.Message, r channels.Receipt, double bool) ending {
	res := Result{Ordinal: m.Ordinal, State: Accepted, Receipt: r, Latency: max(time.Since(m.Sent), 0)}
	if double {
		res.Reason = doubtful
	}
	return settle(res)
}

// send hands the message to the channel, through the breaker, with an end to
// the waiting.
func (l *line) send(m channels.Message) (r channels.Receipt, err error) {
	done, err := l.breaker.allow()
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(l.flight, sendTimeout)
	defer cancel()
	err = guard(func() (err error) {
		if bound, ok := l.channel.(channels.AreaBound); ok {
			if err := channels.WithinArea(bound, m); err != nil {
				return err // not left to the channel alone
			}
		}
		r, err = l.channel.Send(ctx, m)
		return err
	})
	crash.At(crash.AfterSubmit)
	done(err)
	verdict, _ := channels.VerdictOf(err)
	if errors.Is(err, errPanic) {
		verdict = channels.VerdictUncertain
	}
	l.metrics.attempts.WithLabelValues(l.name, string(verdict)).Inc()
	return r, err
}

func (l *line) find(m channels.Message) (r channels.Receipt, found bool, err error) {
	ctx, cancel := context.WithTimeout(l.flight, findTimeout)
	defer cancel()
	err = guard(func() (err error) {
		r, found, err = l.finder.Find(ctx, m)
		return err
	})
	return r, found, err
}

// short is an error for people: one line, at most 200 bytes, whole characters.
func short(err error) string {
	if errors.Is(err, errPanic) {
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
