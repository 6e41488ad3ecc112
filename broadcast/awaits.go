package broadcast

import (
	"context"
	"slices"

	"martinella/channels"
)

// underway reports whether a revision before is still on its way to the
// platform, so that what changes earlier posts may not see all of them, or may be
// overtaken by an older change.
func (b *batch) underway(from, to uint32) (bool, error) {
	changes := false
	for o := from; o < to; o++ {
		m, known := b.rendered(o)
		changes = changes || known && m.Step != channels.StepPost
	}
	if !changes || b.job.Attempt >= earlyTries {
		return false, nil
	}
	for _, one := range b.past {
		var n int
		err := b.insist(b.flight, "trying", func(ctx context.Context) (err error) {
			n, err = b.queue.Trying(ctx, one.ID)
			return err
		})
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}

// awaits says why the message, which changes earlier posts, is not for now: the
// post that it shall point to is to come, or the one that it shall change. Of
// the earlier ones those that are there are changed at once, and again when
// all are.
func (b *batch) awaits(m channels.Message) (why string) {
	approved, _ := b.rendered(m.Ordinal) // a correction that finds no post is none any more
	switch {
	case b.early && (approved.Step == channels.StepCorrect || !m.Step.Posts() && len(m.Standing) == 0):
		return earlyReason
	case m.Step == channels.StepPoint && b.job.Attempt < pointTries:
		for _, o := range slices.Concat(b.unsent, b.doubts) {
			if post, _ := b.rendered(o); post.Step.Posts() && post.Language == m.Language {
				return "the post that it points to is not out yet"
			}
		}
	}
	return ""
}

const (
	// earlyTries is how many attempts what changes earlier posts waits for those
	// that are still on their way; then something must be wrong with them.
	earlyTries = 20
	// pointTries is how many attempts an earlier post waits for the one that it
	// shall point to; then it points to the alert's page.
	pointTries = 3

	earlyReason = "an earlier post of the event is still on its way"
)

// anew makes a post of a correction whose post somebody took away; before are
// those who may have it. Where an attempt before may have come as far and nobody
// was asked, the doubt is that of a post.
func (b *batch) anew(m *channels.Message, turn Turn, via Via, before []Via) (left []Via, e ending, send bool) {
	m.Step, m.Previous = channels.StepPost, ""
	if turn.Do() != TurnAsk || b.provider(via).finder != nil {
		return before, e, true
	}
	e, send, left = b.ask(*m, question{trail: turn.Trail().Vias(), again: true, why: "an attempt was cut off, and nobody knows whether it was taken"})
	if send {
		e, send = b.again(m.Ordinal, via, left)
	}
	return left, e, send
}
