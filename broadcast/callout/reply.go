package callout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/channels"
)

// longestReply is how much of a message that nobody could read is kept, in
// characters.
const longestReply = 1000

// replySkew is how much earlier than a call a reply to it may be dated: clocks
// of platforms differ.
const replySkew = 2 * time.Minute

// Reply takes what a volunteer wrote on a channel, and is a [broadcast.Replies].
// What is clear is an answer, and is said back to them; with two open calls and
// none named, or so early that it may answer one that has just ended, they are
// asked which one is meant, and it is kept as doubtful; anything else is kept for
// the coordinator, also of a call that is over. What comes from nobody of a call
// is not taken ([broadcast.ErrUnhandled]). Taking the same twice changes nothing but that a
// message stands twice. The log gets neither text nor address.
func (s *Callouts) Reply(ctx context.Context, channel string, r channels.Reply) error {
	kind := cmp.Or(broadcast.AddressKinds(s.Routes)[channel], "phone")
	number, address, err := broadcast.Writer(ctx, s.Roll, kind, r.From)
	if errors.Is(err, alerts.ErrNotFound) {
		return broadcast.ErrUnhandled
	} else if err != nil {
		return fmt.Errorf("a reply: %w", err)
	}
	open, err := s.Store.OpenOf(ctx, number)
	if err != nil {
		return fmt.Errorf("a reply: %w", err)
	}
	people, err := s.members(ctx, []uint32{number}, s.now())
	if err != nil {
		return err
	}
	m := people[number]
	if m == nil {
		return broadcast.ErrUnhandled
	}
	said := said{channel: channel, via: viaOf(s.Routes, channel), address: address, contact: contactVia(s.Routes, channel, kind), number: number, text: r.Text, words: wordsFor(s.language(m), s.Language)}
	reading := volunteers.ReadReply(r.Text)
	now := s.now()
	open = slices.DeleteFunc(open, func(c *volunteers.Call) bool { return !c.Paging(now) })
	at := now
	if !r.At.IsZero() && r.At.Before(now) {
		at = r.At
	}
	ended, err := s.ended(ctx, number, at, now)
	if err != nil {
		return err
	}
	if len(open) == 0 {
		return s.replyOver(ctx, said, reading, ended)
	}
	// What was written before a call was opened is no answer to it.
	meant := slices.DeleteFunc(slices.Clone(open), func(c *volunteers.Call) bool { return at.Before(c.Opened.Add(-replySkew)) })
	if len(meant) == 0 && reading.Code == 0 && ended != nil {
		return s.replyOver(ctx, said, reading, ended)
	}
	if reading.Code != 0 && !slices.ContainsFunc(open, func(c *volunteers.Call) bool { return c.Number == reading.Code }) {
		if err := s.replyOver(ctx, said, reading, nil); !errors.Is(err, broadcast.ErrUnhandled) {
			return err
		}
	}
	meant = slices.DeleteFunc(meant, func(c *volunteers.Call) bool { return reading.Code != 0 && reading.Code != c.Number })
	meant = calledFirst(meant, reading)
	clear := reading.Clear
	if len(meant) > 0 && meant[0].Test { // a no may come from whoever has the number by now: somebody reads it
		if clear = clear && reading.Answer.Kind == volunteers.Coming; clear {
			return s.replyTests(ctx, said, meant)
		}
	}
	switch {
	case !clear || len(meant) == 0:
		return s.unclear(ctx, said, open, meant)
	case len(meant) > 1 && saysNoToAll(reading):
		a := reading.Answer
		a.Via = said.via
		return s.answerAll(ctx, said, meant, a)
	case len(meant) > 1 || reading.Code == 0 && ended != nil && s.early(ctx, meant[0], number, at):
		for _, c := range meant {
			if err := s.keepReply(ctx, said, c, true); err != nil {
				return err
			}
		}
		s.metrics.answers.WithLabelValues(said.via, "which").Inc()
		s.write(ctx, said, said.words.which(meant, ended))
		return nil
	}
	a := reading.Answer
	a.Via = said.via
	if _, err := s.answer(ctx, meant[0], number, a, person(number), ""); overNow(err) {
		s.write(ctx, said, said.words.of(meant[0], fmt.Sprintf(said.words.over, meant[0].Code())))
		return nil
	} else if err != nil {
		return err
	}
	s.write(ctx, said, said.words.of(meant[0], said.words.echo(a, meant[0].Code())))
	return nil
}

// unclear keeps what nobody here can read as an answer for the coordinator of the
// call that it is likely about.
func (s *Callouts) unclear(ctx context.Context, from said, open, meant []*volunteers.Call) error {
	about := open[0]
	if i := slices.IndexFunc(open, func(c *volunteers.Call) bool { return !c.Test }); i >= 0 {
		about = open[i]
	}
	if len(meant) > 0 {
		about = meant[0]
	}
	if err := s.keepReply(ctx, from, about, false); err != nil {
		return err
	}
	s.metrics.answers.WithLabelValues(from.via, "unclear").Inc()
	unclear := from.words.unclear
	if about.Test {
		unclear = from.words.untested
	}
	s.write(ctx, from, from.words.of(about, fmt.Sprintf(unclear, about.Code())))
	return nil
}

// replyTests confirms the contact that a reply came by.
func (s *Callouts) replyTests(ctx context.Context, from said, tests []*volunteers.Call) error {
	for _, c := range tests {
		err := s.confirm(ctx, c, from.number, from.via, from.contact)
		if overNow(err) {
			s.write(ctx, from, from.words.of(c, fmt.Sprintf(from.words.testOver, c.Code())))
			return nil
		} else if err != nil {
			return err
		}
	}
	s.write(ctx, from, from.words.of(tests[0], fmt.Sprintf(from.words.tested, tests[0].Code())))
	return nil
}

// said is a reply with whom it is from.
type said struct {
	channel, via, address string
	contact               string // the kind of contact that it came by
	number                uint32
	text                  string
	words                 words
}

// replyOver answers who writes to a call that is over: the one that they name,
// else the one that ended last. Their text is kept with it. What comes from
// nobody of such a call is not taken.
func (s *Callouts) replyOver(ctx context.Context, from said, reading volunteers.Reading, ended *volunteers.Call) error {
	c := ended
	if reading.Code != 0 {
		var err error
		if c, err = s.linked(ctx, reading.Code); errors.Is(err, ErrToken) {
			c = nil
		} else if err != nil {
			return err
		} else if entry, err := s.entry(ctx, c, from.number); err != nil {
			return err
		} else if entry == nil {
			c = nil
		}
	}
	if c == nil {
		return broadcast.ErrUnhandled
	}
	if !c.Test {
		if err := s.keepReply(ctx, from, c, false); err != nil && !overNow(err) {
			return err
		}
	}
	over := from.words.over
	if c.Test {
		over = from.words.testOver
	}
	s.metrics.answers.WithLabelValues(from.via, "late").Inc()
	s.write(ctx, from, from.words.of(c, fmt.Sprintf(over, c.Code())))
	return nil
}

func (s *Callouts) write(ctx context.Context, to said, text string) {
	s.Log.Debug("a reply of a volunteer was taken", zap.String("channel", to.channel), zap.Uint32("person", to.number))
	if s.Write != nil {
		s.Write(ctx, to.channel, to.address, text)
	}
}
