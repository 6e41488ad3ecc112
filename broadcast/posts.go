package broadcast

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

// Post is what a channel posted of one revision: of a correction, the post that
// it changed.
type Post struct {
	Revision int
	ID       string // the platform's
	URL      string // "" where the platform names none
}

// Posts is what a channel has posted of an event in one language.
type Posts struct {
	Of []Post // in any order, at most one for each revision

	// Amended is the last revision that had the earlier posts say what took their
	// place, or had them taken back; 0: none.
	Amended int
}

// Before is the newest post of the revisions before, which a reply hangs on and
// a correction changes; the zero Post where there is none.
func (p Posts) Before(revision int) (last Post) {
	for _, one := range p.Of {
		if one.Revision < revision && one.Revision >= last.Revision {
			last = one
		}
	}
	return last
}

// At is the post of a revision; the zero Post where there is none.
func (p Posts) At(revision int) Post {
	i := slices.IndexFunc(p.Of, func(one Post) bool { return one.Revision == revision })
	if i < 0 {
		return Post{}
	}
	return p.Of[i]
}

// Standing gives the ids of the posts of the revisions before that still read
// as if they held, the oldest first, each once.
func (p Posts) Standing(revision int) (ids []string) {
	of := slices.Clone(p.Of)
	slices.SortFunc(of, func(a, b Post) int { return cmp.Compare(a.Revision, b.Revision) })
	for _, one := range of {
		if one.Revision >= p.Amended && one.Revision < revision && !slices.Contains(ids, one.ID) {
			ids = append(ids, one.ID)
		}
	}
	return ids
}

// Cards draws the picture of an alert, which posts carry. It may be used from
// many goroutines, and blocks while it draws.
type Cards interface {
	// Card gives the same bytes for the same record and language.
	Card(r *alerts.Record, language string) ([]byte, error)
}

// picture gives the message its picture; where it cannot be drawn the words go
// alone.
func (l *line) picture(m *channels.Message, r *alerts.Record) {
	if m.Image == nil {
		return
	}
	image := *m.Image // what is stored is shared
	m.Image = &image
	if l.cards == nil || !m.Step.Posts() {
		return
	}
	err := guard(func() (err error) {
		image.Bytes, err = l.cards.Card(r, m.Language)
		return err
	})
	if err != nil {
		l.log.Warn("the picture of an alert cannot be drawn: its words go alone", zap.String("alert", string(m.Alert)), zap.String("language", m.Language), zap.Error(err))
	}
}

// posted reads what the channel posted before of the event in the languages of
// [from, to), as often as it takes.
func (b *batch) posted(from, to uint32) error {
	if b.task.Record.Supersedes == "" {
		return nil
	}
	b.history = map[string]Posts{}
	for o := from; o < to; o++ {
		m, known := b.rendered(o)
		if _, read := b.history[m.Language]; !known || read {
			continue
		}
		var posts Posts
		err := b.insist(b.flight, "posts", func(ctx context.Context) (err error) {
			posts, err = b.queue.Posts(ctx, b.task.Record.Event, m.Language)
			return err
		})
		if err != nil {
			return err
		}
		b.history[m.Language] = posts
	}
	return nil
}

// rendered is the message of an ordinal as it was approved.
func (b *batch) rendered(ordinal uint32) (channels.Message, bool) {
	for _, s := range b.task.Spans {
		if ordinal >= s.From && ordinal < s.To && s.Message < len(b.task.Messages) {
			return b.task.Messages[s.Message], true
		}
	}
	return channels.Message{}, false
}

// alike is where the posts that come before what is said of earlier ones end:
// those point to them, so they wait until they are out and written down.
func (b *batch) alike(from, to uint32) uint32 {
	first, _ := b.rendered(from)
	for o := from + 1; o < to; o++ {
		if m, _ := b.rendered(o); m.Step.Posts() != first.Step.Posts() {
			return o
		}
	}
	return to
}

// stands reports whether a post of its own is noticed more: what is more severe
// than the revision before hangs on nothing (DECISIONS 7).
func (b *batch) stands() bool {
	r := b.task.Record
	if b.alone == nil {
		alone := false
		if !over(r) && r.Supersedes != "" {
			before, err := b.queue.Task(b.flight, Job{Alert: r.Supersedes})
			alone = err != nil || before.Record.Alert.Severity().Rank() < r.Alert.Severity().Rank()
		}
		b.alone = &alone
	}
	return *b.alone
}

// hang tells a post what it hangs on, changes or points to.
func (b *batch) hang(m *channels.Message) {
	r := b.task.Record
	if r.Supersedes == "" {
		return
	}
	posts := b.history[m.Language]
	m.Standing = posts.Standing(r.Revision)
	switch m.Step {
	case channels.StepPost:
		if !b.stands() {
			m.Previous = posts.Before(r.Revision).ID
		}
	case channels.StepCorrect:
		if m.Previous = posts.Before(r.Revision).ID; m.Previous == "" {
			m.Step = channels.StepPost
		}
	}
}

// next is where the reader of an earlier post is sent.
func (b *batch) next(m channels.Message) string {
	if url := b.history[m.Language].At(b.task.Record.Revision).URL; url != "" {
		return url
	}
	return m.URL
}

// perform does what the message's step says.
func perform(ctx context.Context, ch channels.Channel, m channels.Message) (channels.Receipt, error) {
	editor, edits := ch.(channels.Editor)
	withdrawer, withdraws := ch.(channels.Withdrawer)
	switch {
	case m.Step == channels.StepCorrect && edits && m.Previous != "":
		r, err := editor.Edit(ctx, m.Previous, m)
		if !errors.Is(err, channels.ErrPostGone) {
			r.ID = cmp.Or(r.ID, m.Previous)
			return r, err
		}
		m.Previous = ""
	case m.Step == channels.StepPoint && edits:
		return each(m.Standing, func(id string) (channels.Receipt, error) { return editor.Edit(ctx, id, m) })
	case m.Step == channels.StepWithdraw && withdraws:
		return each(m.Standing, func(id string) (channels.Receipt, error) { return channels.Receipt{}, withdrawer.Withdraw(ctx, id) })
	case !m.Step.Posts(): // the channel's program is an older one, or its settings changed
		return channels.Receipt{}, channels.Permanent(errors.New("the channel cannot change its earlier posts"))
	}
	m.Step = channels.StepPost
	return ch.Send(ctx, m)
}

// each does it to every post that is still there, and ends at the first that
// fails: all of it may be done again.
func each(ids []string, do func(id string) (channels.Receipt, error)) (last channels.Receipt, err error) {
	for _, id := range ids {
		r, err := do(id)
		if err != nil && !errors.Is(err, channels.ErrPostGone) {
			return channels.Receipt{}, err
		}
		if err == nil && r.Note != "" {
			last.Note = r.Note
		}
	}
	return last, nil
}
