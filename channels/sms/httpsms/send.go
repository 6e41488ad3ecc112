package httpsms

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/sms"
)

var (
	errNotANumber = errors.New("the recipient has no phone number in international form")
	errExpired    = errors.New("it has expired")
	errNobody     = errors.New("no provider serves this number")
	errPace       = errors.New("the provider's pace is used up")
	errResting    = errors.New("the provider asked to wait")
)

// elsewhereError is a permanent refusal that is about this provider and this
// number: another provider may take it.
type elsewhereError struct{ err error }

func (e *elsewhereError) Error() string { return e.err.Error() }
func (e *elsewhereError) Unwrap() error { return e.err }

func elsewhere(err error) error { return channels.Permanent(&elsewhereError{err}) }

func isElsewhere(err error) bool {
	_, ok := errors.AsType[*elsewhereError](err)
	return ok
}

// Send hands m to the first provider that serves the number, and to the next
// one where that surely did not take it; never to another after an answer that
// was lost. It blocks until a provider answered or ctx ended. The receipt's id
// begins with the provider's name.
//
// With several providers the verdict is never Unauthorized: the others go on.
// Which one refuses us is logged once, and [Channel.Check] says it.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	if !sms.IsE164(m.To) {
		return channels.Receipt{}, channels.Permanent(errNotANumber)
	}
	if !m.Expires.IsZero() && !time.Now().Before(m.Expires) {
		return channels.Receipt{}, channels.Permanent(errExpired)
	}
	id, err := c.carry(ctx, text{Message: m, parts: weigh(m.Text)}, m.Audience == sms.AudienceSubscribers)
	if err != nil {
		return channels.Receipt{}, c.worded(err, m.To)
	}
	return channels.Receipt{ID: id}, nil
}

// Answer writes back to whoever wrote, from the number that takes answers. No
// receipt is asked for.
func (c *Channel) Answer(ctx context.Context, to, words string) error {
	if !sms.IsE164(to) {
		return channels.Permanent(errNotANumber)
	}
	m := channels.Message{Channel: c.name, To: to, Text: c.text.Spelled(words), Key: "answer/" + rand.Text()}
	_, err := c.carry(ctx, text{Message: m, answer: true, parts: weigh(m.Text)}, false)
	if err != nil {
		return c.worded(err, to)
	}
	return nil
}

func (c *Channel) worded(err error, to string) error {
	worded := wrap(err, "sms to "+sms.Mask(to))
	if channels.IsApart(err) {
		return channels.Apart(worded)
	}
	return worded
}

// carry goes through the providers of the number.
func (c *Channel) carry(ctx context.Context, t text, alias bool) (string, error) {
	var refusals []error
	for _, r := range c.serving(t.To) {
		id, err := c.try(ctx, r, t, alias)
		if err == nil {
			return id, nil
		}
		if len(c.routes) > 1 && !strings.HasPrefix(err.Error(), r.name+" ") {
			err = wrap(err, r.name) // which of several it was
		}
		refusals = append(refusals, err)
		switch v, _ := channels.VerdictOf(err); {
		case v == channels.VerdictUncertain:
			c.doubts.note(t.Key, r.name)
			return "", err
		case v == channels.VerdictPermanent && !isElsewhere(err), ctx.Err() != nil:
			return "", err
		}
	}
	return "", c.verdict(refusals)
}

func (c *Channel) serving(number string) []*route {
	var out []*route
	for _, r := range c.routes {
		if r.serves(number) {
			out = append(out, r)
		}
	}
	return out
}

// refusedRest is how long a provider that refused our credentials is left
// alone where there are others.
const refusedRest = time.Minute

// try makes one attempt at one provider.
func (c *Channel) try(ctx context.Context, r *route, t text, alias bool) (string, error) {
	several := len(c.routes) > 1
	if several {
		if wait, refused := r.resting(time.Now()); wait > 0 {
			if refused {
				return "", channels.Unauthorized(fmt.Errorf("%w: it refused our credentials", errResting))
			}
			return "", channels.RetryAfter(errResting, wait)
		}
	}
	if !r.pace.wait(ctx, t.parts) {
		if ctx.Err() != nil {
			return "", fmt.Errorf("%w: %w", errPace, ctx.Err())
		}
		return "", errPace
	}
	if t.from = r.source; !alias && r.reply != "" {
		t.from = r.reply // whom the text asks for an answer must see a sender that takes one
	}
	id, err := r.carrier.send(ctx, t)
	if err == nil {
		if r.well() {
			c.log.Info("the provider takes our credentials again", zap.String("provider", r.name))
		}
		if id == "" { // it has the message already, and does not say under which id
			return "", nil
		}
		return r.name + ":" + id, nil
	}
	switch v, wait := channels.VerdictOf(err); {
	case several && v == channels.VerdictUnauthorized:
		if r.rest(refusedRest, true) {
			c.log.Error("the provider refuses our credentials: its numbers take the next one, where there is one", zap.String("provider", r.name), zap.Error(err))
		}
	case several && v == channels.VerdictRetry && wait > 0:
		r.rest(wait, false)
	}
	return "", err
}

// verdict is what several refusals mean together: none of the providers took
// the message. What can be tried again is; a wait for the whole channel is
// asked for only where every provider rests.
func (c *Channel) verdict(refusals []error) error {
	switch len(refusals) {
	case 0:
		return channels.Permanent(errNobody)
	case 1:
		if len(c.routes) == 1 {
			return refusals[0]
		}
	}
	worded := errors.Join(refusals...)
	again := false
	for _, err := range refusals {
		v, _ := channels.VerdictOf(err)
		again = again || v != channels.VerdictPermanent
	}
	if !again {
		return channels.Permanent(worded)
	}
	plain := errors.New(worded.Error()) // without the verdicts of its parts
	shortest := time.Duration(-1)
	for _, r := range c.routes {
		wait, _ := r.resting(time.Now())
		if wait == 0 {
			return channels.Apart(plain)
		}
		if shortest < 0 || wait < shortest {
			shortest = wait
		}
	}
	return channels.RetryAfter(plain, shortest)
}
