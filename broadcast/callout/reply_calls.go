package callout

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"martinella/alerts/volunteers"
)

const (
	// endedFor is how long after its end a call still gets replies: phones that
	// were off and slow networks bring them hours later.
	endedFor = 6 * time.Hour
	// soonest is how fast somebody can have read a page and answered it. What
	// comes sooner, while a call of theirs has just ended, may be the answer to
	// that one.
	soonest = time.Minute
	// newestCalls is how many calls are looked through for those that ended.
	newestCalls = 50
)

// ended is the call that ended last and had paged a volunteer without an answer,
// if what they wrote at a time may be that; nil: there is none.
func (s *Callouts) ended(ctx context.Context, number uint32, at, now time.Time) (*volunteers.Call, error) {
	calls, err := s.Store.Calls(ctx, newestCalls)
	if err != nil {
		return nil, fmt.Errorf("a reply: %w", err)
	}
	var last *volunteers.Call
	for _, c := range calls {
		end := c.Ended
		if end.IsZero() {
			end = c.Until
		}
		if c.Test || c.Paging(now) || now.Sub(end) > endedFor || last != nil && c.Ended.Before(last.Ended) {
			continue
		}
		entry, err := s.entry(ctx, c, number)
		if err != nil {
			return nil, err
		}
		if entry != nil && entry.Answer == nil && len(entry.Pages) > 0 && !entry.Pages[0].At.After(at.Add(replySkew)) {
			last = c
		}
	}
	return last, nil
}

// entry is what a call has of a volunteer; nil: nothing.
func (s *Callouts) entry(ctx context.Context, c *volunteers.Call, number uint32) (*Entry, error) {
	sheet, err := s.Store.Sheet(ctx, c.ID)
	if err != nil {
		return nil, fmt.Errorf("a reply: %w", err)
	}
	i := slices.IndexFunc(sheet, func(e Entry) bool { return e.Number == number })
	if i < 0 {
		return nil, nil
	}
	return &sheet[i], nil
}

// early reports whether a text was written before somebody can have read a page
// of a call; where the store does not say, it is taken for that.
func (s *Callouts) early(ctx context.Context, c *volunteers.Call, number uint32, at time.Time) bool {
	entry, err := s.entry(ctx, c, number)
	return err != nil || entry == nil || len(entry.Pages) == 0 || at.Sub(entry.Pages[0].At) < soonest
}

// calledFirst leaves the calls that a reply may mean: who is called answers that,
// and no test of contacts, unless the test is newer and the word is the one that
// tests ask for.
func calledFirst(meant []*volunteers.Call, reading volunteers.Reading) []*volunteers.Call {
	call := slices.IndexFunc(meant, func(c *volunteers.Call) bool { return !c.Test })
	if call < 0 {
		return meant
	}
	bare := reading.Clear && reading.Answer.Kind == volunteers.Coming && reading.Answer.Minutes == 0 && reading.Answer.Note == ""
	return slices.DeleteFunc(meant, func(c *volunteers.Call) bool {
		return c.Test && !(bare && c.Opened.After(meant[call].Opened))
	})
}

// keepReply keeps a text for the coordinators of a call.
func (s *Callouts) keepReply(ctx context.Context, from said, c *volunteers.Call, doubt bool) error {
	err := s.Store.Message(ctx, c.ID, Message{Number: from.number, At: s.now().UTC(), Via: from.channel, Text: cut(from.text, longestReply), Doubt: doubt})
	if err != nil {
		return fmt.Errorf("keep a reply: %w", err)
	}
	return nil
}

// allOfThem are the words by which somebody says no to every call at once.
var allOfThem = []string{"tutti", "tutte", "entrambe", "entrambi", "nessuna", "both", "beide", "beiden", "beides", "obe", "vse", "toutes", "tous"}

// saysNoToAll reports whether a clear no is one to every call.
func saysNoToAll(r volunteers.Reading) bool {
	return r.Clear && r.Answer.Kind == volunteers.Cannot && slices.ContainsFunc(strings.Fields(strings.ToLower(r.Answer.Note)), func(word string) bool {
		return slices.Contains(allOfThem, strings.Trim(word, ".,;!"))
	})
}

// answerAll writes a no down for every call.
func (s *Callouts) answerAll(ctx context.Context, from said, calls []*volunteers.Call, a volunteers.Answer) error {
	var codes []string
	for _, c := range calls {
		switch _, err := s.answer(ctx, c, from.number, a, person(from.number), ""); {
		case overNow(err):
		case err != nil:
			return err // the same text comes again, and changes nothing where it is written
		default:
			codes = append(codes, c.Code())
		}
	}
	if len(codes) == 0 {
		s.write(ctx, from, from.words.of(calls[0], fmt.Sprintf(from.words.over, calls[0].Code())))
		return nil
	}
	s.write(ctx, from, from.words.of(calls[0], from.words.echo(a, strings.Join(codes[:min(len(codes), mostNamed)], ", "))))
	return nil
}
