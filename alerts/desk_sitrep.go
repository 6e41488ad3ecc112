package alerts

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// Report decides whether by may tell what was seen at an event, and publishes
// it. It asks for no second person, because it changes nothing of what people are
// told to do: words that would are refused. It needs submit or issue, and all that
// changing the alert needs. The same report again (by its id) gives the stored one
// and fresh=false.
//
// Of s the words, the time, the photo, the id that makes a repetition harmless,
// Replaces and Via are taken. A photo without bytes is that of the report which s
// replaces.
//
// Where a revision of the alert is published meanwhile, it is judged again by that
// one; [ErrStale] only where that goes on.
func (d *Desk) Report(ctx context.Context, by Person, id ID, s Sitrep, now time.Time) (stored *Sitrep, fresh bool, err error) {
	const tries = 3
	for range tries {
		if stored, fresh, err = d.report(ctx, by, id, s, now); !errors.Is(err, ErrStale) {
			break
		}
	}
	return stored, fresh, err
}

func (d *Desk) report(ctx context.Context, by Person, id ID, s Sitrep, now time.Time) (stored *Sitrep, fresh bool, err error) {
	head, err := d.reportable(ctx, by, id)
	if err != nil {
		return nil, false, err
	}
	s.V, s.Event, s.Status, s.Author, s.Posted, s.Withdrawn = SitrepVersion, head.Event, head.Alert.Status, by.By(), now.UTC().Truncate(time.Millisecond), nil
	s.Text, s.Place, s.Source = strings.TrimSpace(s.Text), strings.TrimSpace(s.Place), strings.TrimSpace(s.Source)
	s.Observed = s.Observed.UTC().Truncate(time.Second)
	if s.Language == "" {
		s.Language = d.Authority.Language
	}
	before, err := d.Sitreps.Sitreps(ctx, head.Event)
	if err != nil {
		return nil, false, err
	}
	if s.Photo != nil {
		photo := *s.Photo
		photo.Alt = strings.TrimSpace(photo.Alt)
		s.Photo = &photo
	}
	ps := s.replaces(before)
	s.Content = s.digest()
	if known := sitrepOf(before, s.ID); known != nil {
		return known, false, d.sameSitrep(by, known, &s)
	}
	ps = append(ps, s.problems(now)...)
	if d.Instructs != nil {
		ps = append(ps, d.Instructs(&s)...)
	}
	if len(ps) > 0 {
		return nil, false, &Refusal{Kind: ErrInvalid, Problems: ps}
	}
	if err := head.unreportable(); err != nil {
		return nil, false, err
	}
	if s.ID == "" {
		s.ID = d.NewID(now)
	}
	act := s.act(by, "reported", string(s.ID), now)
	if s.Replaces != "" {
		act.Verb, act.Reason = "report-corrected", string(s.ID)+" in the place of "+string(s.Replaces)
	}
	act.Alert = head.ID
	stored, fresh, err = d.Sitreps.AddSitrep(ctx, &s, head.ID, act)
	if err != nil || fresh {
		return stored, fresh, err
	}
	return stored, false, d.sameSitrep(by, stored, &s)
}

// Withdraw takes a report back, with a reason that stays in the ledger. It needs
// the same rights as [Desk.Report], and holds also for an event that is over. What
// was withdrawn before stays as it was.
func (d *Desk) Withdraw(ctx context.Context, by Person, event, id ID, reason, via string, now time.Time) (stored *Sitrep, fresh bool, err error) {
	head, err := d.reportable(ctx, by, event)
	if err != nil {
		return nil, false, err
	}
	var ps Problems
	switch n := len([]rune(reason)); {
	case strings.TrimSpace(reason) == "":
		ps.refuse("reason", "is missing", "say in a few words why it no longer holds")
	case n > SitrepReason:
		ps.refuse("reason", "is too long", "say it in fewer words")
	}
	if len(ps) > 0 {
		return nil, false, &Refusal{Kind: ErrInvalid, Problems: ps}
	}
	all, err := d.Sitreps.Sitreps(ctx, head.Event)
	if err != nil {
		return nil, false, err
	}
	s := sitrepOf(all, id)
	if s == nil {
		return nil, false, &Refusal{Kind: ErrNotFound, Problems: Problems{{Field: "report", Problem: "is not one of this event", Hint: "read the event's updates"}}}
	}
	if s.Withdrawn != nil {
		return s, false, nil
	}
	act := s.act(by, "report-withdrawn", string(s.ID)+": "+reason, now)
	act.Alert, act.Via = head.ID, via
	return d.Sitreps.WithdrawSitrep(ctx, head.Event, id, Withdrawal{By: by.By(), At: now.UTC().Truncate(time.Millisecond), Reason: reason}, act)
}

// MayReport gives the event's published revision where by may report on it now with
// [Desk.Report], and says why not, before anybody writes a word.
func (d *Desk) MayReport(ctx context.Context, by Person, id ID) (*Record, error) {
	head, err := d.reportable(ctx, by, id)
	if err == nil {
		err = head.unreportable()
	}
	return head, err
}

// unreportable is why nothing is told of the event, whoever asks; nil where
// something may be.
func (r *Record) unreportable() error {
	var ps Problems
	switch {
	case !r.State.Published():
		ps.refuse("state", "is "+string(r.State)+": it is not public yet", "issue it first")
	case r.Alert.Scope != ScopePublic:
		ps.refuse("scope", "is "+string(r.Alert.Scope)+": a live update is for everybody", "tell those who have the alert by an Update of it")
	case r.Change == ChangeCancelled || r.Change == ChangeEnded || r.State == StateCancelled || r.State == StateEnded:
		ps.refuse("state", "is over", "send a new alert if there is danger again")
	default:
		return nil
	}
	return &Refusal{Kind: ErrNotSendable, Problems: ps}
}

// reportable gives the event's published revision where by may report on it.
func (d *Desk) reportable(ctx context.Context, by Person, id ID) (*Record, error) {
	if d.Sitreps == nil {
		return nil, &Refusal{Kind: ErrNotFound, Problems: Problems{{Field: "updates", Problem: "are not kept by this gateway"}}}
	}
	if !by.Can(VerbSubmit) {
		return nil, lacks(VerbSubmit)
	}
	head, err := d.Store.Get(ctx, id, Published)
	if err != nil {
		return nil, err
	}
	refused := by.Refusals(head.Alert, head.named())
	if len(refused) == 0 {
		refused = by.overReach(head)
	}
	if len(refused) > 0 {
		return nil, &Refusal{Kind: ErrForbidden, Problems: refused}
	}
	return head, nil
}

// replaces checks what s takes the place of, and takes over its photo where s has
// one without bytes.
func (s *Sitrep) replaces(before []*Sitrep) (ps Problems) {
	old := sitrepOf(before, s.Replaces)
	if s.Replaces != "" && old == nil {
		ps.refuse("replaces", "is no report of this event", "read the event's updates")
		return ps
	}
	if s.Photo == nil || len(s.Photo.JPEG) > 0 {
		return nil
	}
	if old == nil || old.Photo == nil {
		ps.refuse("photo", "is missing", "send the picture, or words alone")
		return ps
	}
	kept := *old.Photo
	if s.Photo.Alt != "" {
		kept.Alt = s.Photo.Alt
	}
	s.Photo = &kept
	return nil
}

// sameSitrep judges a report that came before: the same words from the same
// person are no second one.
func (d *Desk) sameSitrep(by Person, known, s *Sitrep) error {
	if known.Content == s.Content && known.Author.ID == by.ID {
		return nil
	}
	return &Refusal{Kind: ErrConflict, Problems: Problems{{Field: "id", Problem: "was used before for another report", Hint: "correct that one, or leave the id out"}}}
}

func sitrepOf(all []*Sitrep, id ID) *Sitrep {
	if id == "" {
		return nil
	}
	if i := slices.IndexFunc(all, func(s *Sitrep) bool { return s.ID == id }); i >= 0 {
		return all[i]
	}
	return nil
}

func (s *Sitrep) act(by Person, verb, reason string, now time.Time) Act {
	return Act{V: 1, At: now, By: by.By(), Verb: verb, Event: s.Event, Digest: s.Content, Reason: reason, Via: s.Via}
}
