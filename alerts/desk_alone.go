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
// Opening it again is the same. It gives the record as it would leave now, with
// another digest where channels, wording or subscribers have changed since.
func (d *Desk) Open(ctx context.Context, by Person, id ID, with Decision, now time.Time) (*Record, error) {
	r, head, err := d.open(ctx, by, id, with, VerbApprove)
	if err != nil {
		return nil, err
	}
	if r.State != StateSubmitted {
		return nil, wrongState(r, verbOpened)
	}
	if err := d.isAuthor(by, r, head); err != nil { // they could not decide on it
		return nil, err
	}
	if r.Author.ID == by.ID {
		return nil, &Refusal{Kind: ErrSecondPerson, Problems: Problems{{Field: "approver", Problem: "is the author", Hint: "it counts when another person opens it"}}}
	}
	if _, err = d.Store.Note(ctx, r.Event, "opened:"+string(r.ID)+":"+by.ID, r.act(by, verbOpened, "", now)); err != nil {
		return nil, err
	}
	r, _, err = d.renew(ctx, by, r, now)
	return r, err
}

// AloneFrom is when the author of a submitted record may issue it alone, as far
// as is known now: an approver who opens it in time moves it once. false:
// never, it is no Actual of Severe or Extreme that waits for its second person.
func (d *Desk) AloneFrom(ctx context.Context, r *Record) (time.Time, bool, error) {
	head, err := d.head(ctx, r)
	if err != nil {
		return time.Time{}, false, err
	}
	if _, may := openedWithin(r, head); !may || r.State != StateSubmitted {
		return time.Time{}, false, nil
	}
	from, _, err := d.aloneFrom(ctx, r, head)
	return from, err == nil, err
}

// openedWithin is how long an approver has to open the record, and as long
// again to decide on it (DECISIONS 4); false where its author never issues it
// alone.
func openedWithin(r, head *Record) (time.Duration, bool) {
	if !grave(r, head) || r.Flagged || r.Change == ChangeCancelled {
		return 0, false
	}
	if weight(r, head) >= SeverityExtreme.Rank() {
		return AloneExtreme, true
	}
	return AloneSevere, true
}

// aloneFrom judges by the acts of the event. Who opened the record in time has
// as long again to decide: one silent person must not hold up a warning for
// ever. opened is the last such act; nil where nobody did.
func (d *Desk) aloneFrom(ctx context.Context, r, head *Record) (from time.Time, opened *Act, err error) {
	wait, _ := openedWithin(r, head)
	from = r.Received.Add(wait)
	acts, err := d.Store.Acts(ctx, r.Event)
	if err != nil {
		return time.Time{}, nil, err
	}
	for i := range acts {
		a := &acts[i]
		if a.Verb == verbOpened && a.Alert == r.ID && !a.At.After(r.Received.Add(wait)) && (opened == nil || !a.At.Before(opened.At)) {
			opened = a
		}
	}
	if opened != nil && opened.At.Add(wait).After(from) {
		from = opened.At.Add(wait)
	}
	return from, opened, nil
}

// IssueAlone issues a submitted Actual of Severe or Extreme that no approver
// has opened in time, or that one opened and did not decide on: by its author, with a reason and a fresh proof. Everyone
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
	if err := d.aloneRefusal(ctx, by, r, head, now); err != nil {
		return nil, err
	}
	if with.Reason == "" {
		return nil, noReason("say why nobody else could be asked; everyone will read it")
	}
	if err := with.proven(by, r.Approved, now); err != nil {
		return nil, err
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

// AloneRefusal is why by may not issue the submitted record alone at now, a
// [Refusal]; nil where they may, with a reason and a fresh proof.
func (d *Desk) AloneRefusal(ctx context.Context, by Person, r *Record, now time.Time) error {
	head, err := d.head(ctx, r)
	if err != nil {
		return err
	}
	if err := mayAct(by, r, head, VerbSubmit); err != nil {
		return err
	}
	return d.aloneRefusal(ctx, by, r, head, now)
}

func (d *Desk) aloneRefusal(ctx context.Context, by Person, r, head *Record, now time.Time) error {
	second := func(field, what, hint string) error {
		return &Refusal{Kind: ErrSecondPerson, Problems: Problems{{Field: field, Problem: what, Hint: hint}}}
	}
	_, may := openedWithin(r, head)
	switch {
	case r.Author.ID != by.ID:
		return second("author", "is somebody else", "approve it instead")
	case !may:
		return second("severity", "is not that of a real alert which its author may issue alone", "it waits for a person who may approve")
	case !by.Session && !by.Rights.SelfApprove:
		return second("key", "may not issue this alone", "a person does it at the console; a key must be made with --self-approve")
	}
	from, opened, err := d.aloneFrom(ctx, r, head)
	switch {
	case err != nil:
		return err
	case !now.Before(from):
		return nil
	case opened != nil:
		return second("approver", fmt.Sprintf("%s opened it at %s and may decide until %s", opened.By.Name, FormatTime(opened.At), FormatTime(from)), "ask that person to decide")
	}
	return second("approver", "may still open it: until "+FormatTime(from), "ask again then")
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

// ReviewRefusal is why by may not review what was issued alone in the record's
// event, a [Refusal]; nil where they may.
func (d *Desk) ReviewRefusal(ctx context.Context, by Person, r *Record) error {
	due, err := d.unreviewed(ctx, r.Event)
	if err != nil {
		return err
	}
	return mayReview(by, r, due)
}

func mayReview(by Person, r *Record, due []Act) error {
	if !by.Can(VerbApprove) {
		return lacks(VerbApprove)
	}
	if refused := by.Refusals(r.Alert, r.named()); len(refused) > 0 {
		return &Refusal{Kind: ErrForbidden, Problems: refused}
	}
	for _, a := range due {
		if a.By.ID == by.ID {
			return &Refusal{Kind: ErrSecondPerson, Problems: Problems{{Field: "reviewer", Problem: "issued it", Hint: "another person must look at it"}}}
		}
	}
	return nil
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
	due, err := d.unreviewed(ctx, r.Event)
	if err != nil {
		return nil, err
	}
	if err := mayReview(by, r, due); err != nil {
		return nil, err
	}
	if with.Digest != r.Approved {
		return nil, stale()
	}
	if with.Reason == "" {
		return nil, noReason("say what you found")
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
