package broadcasttest

import (
	"context"
	"slices"

	"martinella/broadcast/callout"
)

// Of implements [callout.Store].
func (s *Callouts) Of(_ context.Context, number uint32) (all []callout.Part, err error) {
	err = s.do("of", func() error {
		for _, c := range s.newest() {
			part := callout.Part{Call: c.read(), Entry: callout.Entry{Number: number, Presence: c.present[number], Unavoidable: c.leaving[number]},
				Messages: slices.DeleteFunc(slices.Clone(c.messages), func(m callout.Message) bool { return m.Number != number })}
			l, called := c.legs[number]
			if called {
				part.Leg, part.Pages = &l, slices.Clone(c.paged[number])
			}
			a, answered := c.answers[number]
			if answered {
				part.Answer = &a
			}
			if _, came := c.present[number]; called || answered || came || len(part.Messages) > 0 {
				all = append(all, part)
			}
		}
		return nil
	})
	return all, err
}
