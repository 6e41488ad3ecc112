package smpp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/sms"
)

// Send submits every part of m to one recipient and blocks until the SMSC has
// answered each, the session is lost, or ctx ends. It is accepted when all
// parts are. Otherwise the receipt lists the parts that were taken, and a
// further Send with the same Key, in the same process, submits only the others.
//
// The verdict of several parts: Permanent if one can never be taken, since the
// text would stay in pieces; else Uncertain if one may have been taken; else
// what the others say. A part that was surely refused for now leaves the whole
// a plain retry, also where others were taken.
//
// SMPP cannot find a message whose answer was lost: there is no Finder.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	s, err := c.sending(m)
	if err != nil {
		return channels.Receipt{}, err
	}
	s.progress = c.unfinished.of(m.Key, len(s.parts))
	err = s.run(ctx)
	got := s.progress.receipt()
	if err == nil {
		c.unfinished.done(m.Key)
		if c.flashes(m) {
			c.flash(ctx, m)
		}
		return got, nil
	}
	if v, _ := channels.VerdictOf(err); len(got.Parts) > 0 || v == channels.VerdictUncertain {
		c.unfinished.keep(m.Key, s.progress)
	}
	return got, s.finish(err)
}

// sending prepares an attempt; its error is Permanent.
func (c *Channel) sending(m channels.Message) (*sending, error) {
	to, err := recipient(m.To)
	if err != nil {
		return nil, channels.Permanent(err)
	}
	if !m.Expires.IsZero() && !time.Now().Before(m.Expires) {
		return nil, channels.Permanent(errExpired)
	}
	source := c.sourceOf(m)
	parts, err := encode(m.Text, reference(source.digits, to.digits, m))
	if err != nil {
		return nil, channels.Permanent(err)
	}
	return &sending{channel: c, message: m, source: source, to: to, parts: parts, forms: make([]int32, len(parts)), progress: newProgress(len(parts))}, nil
}

var errExpired = errors.New("it has expired")

// sourceOf: whom the text asks for an answer must see a sender that takes one.
func (c *Channel) sourceOf(m channels.Message) address {
	if m.Audience == sms.AudienceSubscribers {
		return c.source
	}
	return c.answerTo
}

// sending is one attempt at one message.
type sending struct {
	channel  *Channel
	message  channels.Message
	source   address
	to       address
	parts    []part
	forms    []int32 // of the end that was written, by part
	progress *progress

	// unrecorded: it belongs to no delivery. No receipt is asked for.
	unrecorded bool
}

// finish gives an error its words: to whom, without the number.
func (s *sending) finish(err error) error {
	if err == nil {
		return nil
	}
	return wrap(err, "sms to "+sms.Mask(s.message.To))
}

func (s *sending) run(ctx context.Context) error {
	session, waiting := (*session)(nil), make([]*request, len(s.parts))
	var verdicts verdicts
	for n := range s.parts {
		if s.progress.has(n) {
			continue
		}
		if session == nil {
			var err error
			if session, err = s.channel.binds.session(ctx, false); err != nil {
				return err
			}
		}
		r, err := s.submit(ctx, session, n)
		if err != nil {
			verdicts.add(n, len(s.parts), err)
			break // the session is lost or ctx ended: the rest has not been written either
		}
		waiting[n] = r
	}
	for n, r := range waiting {
		if r == nil {
			continue
		}
		answer, err := session.await(ctx, r)
		if err = s.channel.judge(answer, err, s.forms[n]); err != nil {
			verdicts.add(n, len(s.parts), err)
		} else {
			s.took(n, answer)
		}
		if !s.unrecorded {
			s.channel.spelling.landed(s.to.digits)
		}
	}
	return verdicts.worst
}

// submit starts the request of part n. Its turn may come too late: nothing
// leaves after the alert's end.
func (s *sending) submit(ctx context.Context, over *session, n int) (r *request, err error) {
	if expires := s.message.Expires; !expires.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, expires, errExpired)
		defer cancel()
		defer func() {
			if errors.Is(err, errExpired) {
				r, err = nil, channels.Permanent(err)
			}
		}()
	}
	if err := s.channel.pace.wait(ctx); err != nil {
		return nil, err
	}
	if ctx.Err() != nil { // the bind, or the clock, took longer
		return nil, fmt.Errorf("%w: %w", errNotWritten, context.Cause(ctx))
	}
	p := s.parts[n]
	s.forms[n] = s.channel.validity.Load()
	body := &message{
		source: s.source, destination: s.to,
		esmClass: p.esmClass, dataCoding: p.coding, text: p.text,
		validity: validityPeriod(s.forms[n], s.message.Expires, time.Now()),
	}
	if !s.unrecorded {
		body.registered = 1 // receipt for success and failure (5.2.17)
		body.tlvs = []tlv{{tagUserReference, binary.BigEndian.AppendUint16(nil, uint16(s.message.Ordinal))}}
	}
	if !s.unrecorded {
		s.channel.spelling.submitted(s.to.digits) // before the answer can come
	}
	r, err = over.start(ctx, submitSM, body, func(late pdu) {
		if late.command == submitSM.response() && late.status == statusOK {
			s.took(n, late)
		}
	})
	if err != nil && !s.unrecorded {
		s.channel.spelling.landed(s.to.digits)
	}
	if err != nil && !errors.Is(err, errNotWritten) {
		return nil, channels.Permanent(err)
	}
	return r, err
}

func (s *sending) took(n int, p pdu) {
	id := ""
	if answer, ok := p.body.(*messageAnswer); ok {
		id = answer.id
	}
	s.progress.took(n, id)
	s.channel.spelling.answered(id, s.to.digits)
	s.channel.pace.taken()
}

// judge turns the answer to a submit_sm into a verdict; form is how its end was
// written.
func (c *Channel) judge(p pdu, err error, form int32) error {
	switch {
	case errors.Is(err, errNoAnswer):
		return channels.Uncertain(err)
	case err != nil:
		return err
	case p.status == statusOK:
		return nil
	}
	refused := &refusal{submitSM, p.status}
	switch v := p.status.verdict(); {
	case p.status == statusThrottled || p.status == statusQueueFull:
		return channels.RetryAfter(refused, c.pace.throttled())
	case p.status == statusInvalidExpiry:
		c.otherValidity(form)
		return refused
	case p.command == genericNack && v == channels.VerdictUncertain:
		return refused // it did not even understand it
	case v == channels.VerdictPermanent:
		return channels.Permanent(refused)
	case v == channels.VerdictUnauthorized:
		return channels.Unauthorized(refused)
	case v == channels.VerdictRetry:
		return refused
	}
	return channels.Uncertain(refused)
}

// otherValidity changes how the expiry is written: an alert must not fail
// because the SMSC reads only one of the two forms, or none. Of many that were
// on their way with the refused form, the first changes it.
func (c *Channel) otherValidity(refused int32) {
	next := validityRelative
	switch {
	case refused == validityNone:
		return
	case refused == validityRelative && c.config.Validity != "relative":
		next = validityNone
	case refused == validityRelative:
		next = validityAbsolute
	case c.config.Validity == "relative":
		next = validityNone
	}
	if c.validity.CompareAndSwap(refused, next) {
		c.log.Warn("the SMSC refuses the form of validity_period: another one is tried", zap.Int32("form", next))
	}
}

// verdicts collects what became of the parts.
type verdicts struct{ worst error }

var gravity = map[channels.Verdict]int{
	channels.VerdictPermanent: 4, channels.VerdictUncertain: 3, channels.VerdictUnauthorized: 2, channels.VerdictRetry: 1,
}

func (v *verdicts) add(n, total int, err error) {
	if total > 1 {
		err = wrap(err, fmt.Sprintf("part %d of %d", n+1, total))
	}
	have, haveWait := channels.VerdictOf(v.worst)
	got, gotWait := channels.VerdictOf(err)
	if gravity[got] > gravity[have] || (got == have && gotWait > haveWait) {
		v.worst = err
	}
}
