package alerts

import (
	"context"
	"fmt"
	"time"
)

// The times of DECISIONS 4.
const (
	AloneExtreme = 3 * time.Minute  // an approver has so long to open an Extreme
	AloneSevere  = 10 * time.Minute // and a Severe
	ReviewWithin = 24 * time.Hour
)

// The verbs of acts that rules look for again.
const (
	verbOpened   = "opened"
	verbAlone    = "issued-alone"
	verbReviewed = "reviewed"
)

// Open notes that somebody who could approve the submitted record looks at it.
// Opening it again is the same.
func (d *Desk) Open(ctx context.Context, by Person, id ID, with Decision, now time.Time) (*Record, error) {
	r, _, err := d.open(ctx, by, id, with, VerbApprove)
	if err != nil {
		return nil, err
	}
	if r.State != StateSubmitted {
		return nil, wrongState(r, verbOpened)
	}
	if r.Author.ID == by.ID {
		return nil, &Refusal{Kind: ErrSecondPerson, Problems: Problems{{Field: "approver", Problem: "is the author", Hint: "it counts when another person opens it"}}}
	}
	_, err = d.Store.Note(ctx, r.Event, "opened:"+string(r.ID)+":"+by.ID, r.act(by, verbOpened, "", now))
	return r, err
}

// AloneFrom is when the author of a submitted record may issue it alone unless
// an approver opens it before. false: never, it is no Actual of Severe or
// Extreme that waits for its second person.
func (d *Desk) AloneFrom(ctx context.Context, r *Record) (time.Time, bool, error) {
	head, err := d.head(ctx, r)
	if err != nil {
		return time.Time{}, false, err
	}
	from, may := aloneFrom(r, head)
	return from, may && r.State == StateSubmitted, nil
}

func aloneFrom(r, head *Record) (time.Time, bool) {
	if !grave(r, head) || r.Flagged || r.Change == ChangeCancelled {
		return time.Time{}, false
	}
	if weight(r, head) >= SeverityExtreme.Rank() {
		return r.Received.Add(AloneExtreme), true
	}
	return r.Received.Add(AloneSevere), true
}

// IssueAlone issues a submitted Actual of Severe or Extreme that no approver
// has opened in time: by its author, with a reason and a fresh proof. Everyone
// is rung, and a second person must review it within 24 hours. A key needs the
// flag that lets it issue alone. Doing it again gives the record.
func (d *Desk) IssueAlone(ctx context.Context, by Person, id ID, with Decision, now time.Time) (*Record, error) {
	r, head, err := d.open(ctx, by, id, with, VerbSubmit)
	if err != nil {
		return nil, err
	}
	if r.State.Published() && r.Author.ID == by.ID && r.Approver.ID == by.ID {
		return r, nil
	}
	if r.State != StateSubmitted {
		return nil, wrongState(r, "issued")
	}
	second := func(field, what, hint string) error {
		return &Refusal{Kind: ErrSecondPerson, Problems: Problems{{Field: field, Problem: what, Hint: hint}}}
	}
	from, may := aloneFrom(r, head)
	switch {
	case r.Author.ID != by.ID:
		return nil, second("author", "is somebody else", "approve it instead")
	case !may:
		return nil, second("severity", "is not that of a real alert which its author may issue alone", "it waits for a person who may approve")
	case !by.Session && !by.Rights.SelfApprove:
		return nil, second("key", "may not issue this alone", "a person does it at the console; a key must be made with --self-approve")
	case with.Reason == "":
		return nil, noReason("say why nobody else could be asked; everyone will read it")
	case now.Before(from):
		return nil, second("approver", "may still open it: until "+FormatTime(from), "ask again then")
	}
	if err := with.proven(by, r.Approved, now); err != nil {
		return nil, err
	}
	acts, err := d.Store.Acts(ctx, r.Event)
	if err != nil {
		return nil, err
	}
	for _, a := range acts {
		if a.Verb == verbOpened && a.Alert == r.ID && !a.At.After(from) {
			return nil, second("approver", fmt.Sprintf("%s opened it at %s", a.By.Name, FormatTime(a.At)), "ask that person to decide")
		}
	}
	alone := r.Clone()
	alone.ReviewDue = now.Add(ReviewWithin)
	done, err := d.issue(ctx, by, alone, verbAlone, with.Reason, now)
	if err != nil {
		return nil, err
	}
	if done.Approver.ID == by.ID {
		d.call(ctx, done, CallEveryone, WhyAlone, now)
	}
	return done, nil
}

// ReviewDue is until when somebody must look at what was issued alone in the
// record's event; zero where nothing was, or all was looked at.
func (d *Desk) ReviewDue(ctx context.Context, r *Record) (time.Time, error) {
	if r.ReviewDue.IsZero() {
		return time.Time{}, nil
	}
	due, err := d.unreviewed(ctx, r.Event)
	if err != nil || len(due) == 0 {
		return time.Time{}, err
	}
	return due[0].At.Add(ReviewWithin), nil
}

// unreviewed gives the acts of the event by which something was issued alone
// that nobody has reviewed, oldest first.
func (d *Desk) unreviewed(ctx context.Context, event ID) ([]Act, error) {
	acts, err := d.Store.Acts(ctx, event)
	if err != nil {
		return nil, err
	}
	reviewed := map[ID]bool{}
	for _, a := range acts {
		if a.Verb == verbReviewed {
			reviewed[a.Alert] = true
		}
	}
	var due []Act
	for _, a := range acts {
		if a.Verb == verbAlone && !reviewed[a.Alert] {
			due = append(due, a)
		}
	}
	return due, nil
}

// Review notes what a second person found who looked at all that was issued
// alone in the event: not one who issued it. Where nothing is due it changes
// nothing.
func (d *Desk) Review(ctx context.Context, by Person, id ID, with Decision, now time.Time) (*Record, error) {
	if !by.Can(VerbApprove) {
		return nil, lacks(VerbApprove)
	}
	r, err := d.Store.Get(ctx, id, Published)
	if err != nil {
		return nil, err
	}
	if refused := by.Refusals(r.Alert, r.named()); len(refused) > 0 {
		return nil, &Refusal{Kind: ErrForbidden, Problems: refused}
	}
	if with.Digest != r.Approved {
		return nil, stale()
	}
	if with.Reason == "" {
		return nil, noReason("say what you found")
	}
	due, err := d.unreviewed(ctx, r.Event)
	if err != nil {
		return nil, err
	}
	for _, a := range due {
		if a.By.ID == by.ID {
			return nil, &Refusal{Kind: ErrSecondPerson, Problems: Problems{{Field: "reviewer", Problem: "issued it", Hint: "another person must look at it"}}}
		}
	}
	for _, a := range due {
		act := r.act(by, verbReviewed, with.Reason, now)
		act.Alert, act.Digest = a.Alert, a.Digest
		if _, err := d.Store.Note(ctx, r.Event, verbReviewed+":"+string(a.Alert), act); err != nil {
			return nil, err
		}
	}
	return r, nil
}
