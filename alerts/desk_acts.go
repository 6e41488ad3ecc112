package alerts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Decision is the body of an act of the desk: what the person saw, and why.
type Decision struct {
	Digest Digest `json:"digest"`           // the record's approved digest, as read
	Reason string `json:"reason,omitempty"` // for the record, not for the public; required to return, reject, extend, cancel, issue alone and review
	Text   string `json:"text,omitempty"`   // what to tell people, for cancel and all-clear
	StepUp StepUp `json:"-"`                // from the session, never from what was sent
}

// Approve issues a submitted record. Where the second person is required, by
// must not be its author. Approving again what by approved gives the record.
func (d *Desk) Approve(ctx context.Context, by Person, id ID, with Decision, now time.Time) (*Record, error) {
	r, head, err := d.open(ctx, by, id, with, VerbApprove)
	if err != nil {
		return nil, err
	}
	if r.State.Published() && r.Approver.ID == by.ID {
		return r, nil
	}
	if r.State != StateSubmitted {
		return nil, wrongState(r, "approved")
	}
	if err := d.isAuthor(by, r, head); err != nil {
		return nil, err
	}
	if grave(r, head) || r.Change == ChangeCancelled {
		if err := with.proven(by, r.Approved, now); err != nil {
			return nil, err
		}
	}
	return d.issue(ctx, by, r, "approved", with.Reason, now)
}

// issue publishes a submitted record exactly as it was read.
func (d *Desk) issue(ctx context.Context, by Person, r *Record, verb, reason string, now time.Time) (*Record, error) {
	if obstacles := r.Alert.Obstacles(now); len(obstacles) > 0 {
		return nil, &Refusal{Kind: ErrNotSendable, Problems: obstacles}
	}
	if err := d.late(ctx, r); err != nil {
		return nil, err
	}
	// What leaves must be what was read: channels, wording or subscribers may
	// have changed since.
	if _, changed, err := d.renew(ctx, by, r, now); err != nil || changed {
		return nil, errors.Join(err, stale())
	}
	return d.publish(ctx, by, r, verb, reason, now)
}

// late refuses an Update or Cancel that came before the alert that it names:
// it stands as an event of its own and would leave that alert as it is.
func (d *Desk) late(ctx context.Context, r *Record) error {
	if r.Supersedes != "" || (r.Alert.MsgType != MsgUpdate && r.Alert.MsgType != MsgCancel) {
		return nil
	}
	for _, ref := range r.Alert.References {
		named, err := d.Store.Find(ctx, ref.Sender, ref.Identifier)
		switch {
		case err == nil:
			return &Refusal{Kind: ErrStale, Problems: Problems{{Field: "references", Problem: "name an alert that came after it: " + string(named.Event),
				Hint: "reject this one, and change or cancel that event"}}}
		case !errors.Is(err, ErrNotFound):
			return err
		}
	}
	return nil
}

// Return gives a submitted record back to its author, with a reason.
func (d *Desk) Return(ctx context.Context, by Person, id ID, with Decision, now time.Time) (*Record, error) {
	return d.settle(ctx, by, id, with, StateReturned, now)
}

// Reject ends a submitted record, with a reason.
func (d *Desk) Reject(ctx context.Context, by Person, id ID, with Decision, now time.Time) (*Record, error) {
	return d.settle(ctx, by, id, with, StateRejected, now)
}

// Recall takes a submitted record back before anybody has approved it: by its
// author alone, who writes it anew. Whoever has it open must read what comes
// instead. Recalling again gives the record.
func (d *Desk) Recall(ctx context.Context, by Person, id ID, with Decision, now time.Time) (*Record, error) {
	r, _, err := d.open(ctx, by, id, with, VerbSubmit)
	if err != nil {
		return nil, err
	}
	if r.Author.ID != by.ID {
		return nil, &Refusal{Kind: ErrForbidden, Problems: Problems{{Field: "author", Problem: "is somebody else", Hint: "who may approve it returns or rejects it, with a reason"}}}
	}
	if r.State == StateReturned {
		return r, nil
	}
	if r.State != StateSubmitted {
		return nil, wrongState(r, "taken back to be changed")
	}
	next := r.Clone()
	next.State = StateReturned
	if err := d.Store.Move(ctx, r, next, r.act(by, "recalled", with.Reason, now)); err != nil {
		return nil, err
	}
	return next, nil
}

func (d *Desk) settle(ctx context.Context, by Person, id ID, with Decision, to State, now time.Time) (*Record, error) {
	r, _, err := d.open(ctx, by, id, with, VerbApprove)
	if err != nil {
		return nil, err
	}
	if r.State == to {
		return r, nil
	}
	if r.State != StateSubmitted {
		return nil, wrongState(r, string(to))
	}
	if with.Reason == "" {
		return nil, &Refusal{Kind: ErrInvalid, Problems: Problems{{Field: "reason", Problem: "is missing", Hint: "tell the author why"}}}
	}
	next := r.Clone()
	next.State = to
	if err := d.Store.Move(ctx, r, next, r.act(by, string(to), with.Reason, now)); err != nil {
		return nil, err
	}
	return next, nil
}

// Cancel takes an issued event back: "sent by mistake". One person who may
// issue or approve is enough; it goes to the same channels and recipients.
func (d *Desk) Cancel(ctx context.Context, by Person, id ID, with Decision, now time.Time) (*Record, Outcome, error) {
	return d.close(ctx, by, id, with, ChangeCancelled, now)
}

// AllClear says that the danger is over. Where the alert needed a second person
// it waits for one too.
func (d *Desk) AllClear(ctx context.Context, by Person, id ID, with Decision, now time.Time) (*Record, Outcome, error) {
	return d.close(ctx, by, id, with, ChangeEnded, now)
}

func (d *Desk) close(ctx context.Context, by Person, id ID, with Decision, change Change, now time.Time) (*Record, Outcome, error) {
	verb := VerbSubmit
	if change == ChangeCancelled && !by.Can(VerbIssue) {
		verb = VerbApprove
	}
	if !by.Can(verb) {
		return nil, "", lacks(verb)
	}
	head, err := d.Store.Get(ctx, id, Published)
	if err != nil {
		return nil, "", err
	}
	if head.Change == change && head.State.Published() {
		return head, OutcomeKnown, nil // done before
	}
	if !head.State.Published() || head.Change == ChangeCancelled || head.Change == ChangeEnded {
		return nil, "", wrongState(head, string(change))
	}
	if with.Digest != head.Approved {
		return nil, "", stale()
	}
	if refused := by.Refusals(head.Alert, head.Areas); len(refused) > 0 {
		return nil, "", &Refusal{Kind: ErrForbidden, Problems: refused}
	}
	if change == ChangeCancelled {
		if with.Reason == "" {
			return nil, "", noReason("say why the alert is taken back")
		}
		if err := with.proven(by, head.Approved, now); err != nil {
			return nil, "", err
		}
	}
	r, err := d.waitingClose(ctx, by, head, with, change, now)
	if err == nil && r == nil {
		r = d.closing(head, by, with, change, now)
		if r.Content, err = d.Digest(r.Alert, true); err != nil {
			return nil, "", fmt.Errorf("digest: %w", err)
		}
		if err = d.prepare(ctx, r); err != nil {
			return nil, "", err
		}
		r, _, err = d.Store.Intake(ctx, r, nil, r.act(by, "submitted", with.Reason, now))
	}
	if err != nil {
		return nil, "", err
	}
	if change != ChangeCancelled && !d.alone(by, r, head) && (!by.Can(VerbApprove) || d.needsSecond(r, head)) {
		return d.ask(ctx, r, now), OutcomeWaiting, nil
	}
	done, err := d.finish(ctx, by, r, string(change), with.Reason, now)
	if errors.Is(err, ErrStale) {
		return d.overtaken(ctx, by, r, err, now)
	}
	return done, OutcomeIssued, err
}

// waitingClose finds the same closing of the event where an earlier attempt
// left it; nil without one. One with another text is rejected: it would say
// what nobody wants said any more.
func (d *Desk) waitingClose(ctx context.Context, by Person, head *Record, with Decision, change Change, now time.Time) (*Record, error) {
	r, err := d.Store.Get(ctx, head.Event, Newest)
	if err != nil {
		return nil, err
	}
	if !r.Own || r.State != StateSubmitted || r.Change != change || r.Supersedes != head.ID {
		return nil, nil
	}
	if same, err := d.same(r, d.closing(head, by, with, change, r.Received)); err != nil || same {
		return r, err
	}
	next := r.Clone()
	next.State = StateRejected
	return nil, d.Store.Move(ctx, r, next, r.act(by, string(StateRejected), "replaced by another text", now))
}

// overtaken settles a closing that came second: the event as it stands is the
// answer where it was closed the same way, else why is.
func (d *Desk) overtaken(ctx context.Context, by Person, r *Record, why error, now time.Time) (*Record, Outcome, error) {
	head, err := d.Store.Get(ctx, r.Event, Published)
	if err != nil {
		return nil, "", err
	}
	if head.ID == r.ID {
		return head, OutcomeKnown, nil
	}
	next := r.Clone()
	next.State = StateRejected
	if err := d.Store.Move(ctx, r, next, r.act(by, string(StateRejected), "somebody was faster", now)); err != nil && !errors.Is(err, ErrStale) {
		return nil, "", err
	}
	if head.Change == r.Change {
		return head, OutcomeKnown, nil
	}
	return nil, "", why
}

// AllClearShown is how long an all-clear stays on the pages (LOOK.md 9).
const AllClearShown = 6 * time.Hour

// Closing is the Cancel (change is [ChangeCancelled]) or the all-clear
// ([ChangeEnded]) that by would make of the record with a text, whether it is
// issued yet or not: for showing the way back before anything leaves. It stores
// nothing.
func (d *Desk) Closing(r *Record, by Person, change Change, text string, now time.Time) *Record {
	return d.closing(r, by, Decision{Text: text}, change, now)
}

// closing makes the Cancel or the all-clear of an event: the same areas,
// languages and channels. The person's text stands in the infos of one language
// alone, the authority's, since nobody has put it into the others: those say the
// standard words (DECISIONS 6: never half a message in a wrong language).
func (d *Desk) closing(head *Record, by Person, with Decision, change Change, now time.Time) *Record {
	id := d.NewID(now)
	a := head.Alert.Clone()
	// The identifier is new and cannot be foreseen: nobody can have taken it.
	a.Identifier = d.Authority.Slug + "-" + string(id)
	a.Sender, a.Sent = d.Authority.Sender, now.Truncate(time.Second)
	a.References = append(a.References, Reference{head.Alert.Sender, head.Alert.Identifier, head.Alert.Sent})
	a.MsgType = MsgUpdate
	if change == ChangeCancelled {
		a.MsgType = MsgCancel
	}
	written := d.writtenIn(a)
	for i := range a.Infos {
		in := &a.Infos[i]
		in.Urgency, in.Onset, in.Effective = UrgencyPast, time.Time{}, time.Time{}
		in.Expires = now.Add(AllClearShown).Truncate(time.Second)
		in.Instruction, in.Resources = "", nil
		in.Description = ""
		if d.Over != nil {
			in.Headline, in.Description = d.Over(cmp.Or(in.Language, d.Authority.Language), change, a.Practice(), in.Event)
		}
		if with.Text != "" && PrimaryLanguage(cmp.Or(in.Language, d.Authority.Language)) == written {
			in.Description = with.Text
		}
		in.dropWording()
		if change == ChangeEnded {
			in.ResponseTypes = []ResponseType{ResponseAllClear}
		} else {
			in.ResponseTypes = nil
		}
	}
	return &Record{
		V: RecordVersion, ID: id, Event: head.Event, Revision: head.Revision + 1, Supersedes: head.ID,
		State: StateSubmitted, Change: change, Alert: a, Own: true,
		Channels: slices.Clone(head.Channels), Areas: slices.Clone(head.Areas), Author: by.By(), Via: "api", Received: now, ReviewDue: head.ReviewDue,
	}
}

// writtenIn is the language, without its region, in which a person's text for
// the alert is taken to be: the authority's, or that of the first info where
// there is none in it.
func (d *Desk) writtenIn(a *Alert) string {
	own := PrimaryLanguage(d.Authority.Language)
	for i := range a.Infos {
		if PrimaryLanguage(cmp.Or(a.Infos[i].Language, d.Authority.Language)) == own {
			return own
		}
	}
	if len(a.Infos) == 0 {
		return own
	}
	return PrimaryLanguage(a.Infos[0].Language)
}

// Lapse marks every issued event whose time is over without an all-clear. It
// is called now and then by every node; only one of them writes each act.
func (d *Desk) Lapse(ctx context.Context, now time.Time) (int, error) {
	lapsed := 0
	for r, err := range d.Store.All(ctx, Filter{States: []State{StateIssued}}) {
		if err != nil {
			return lapsed, err
		}
		end := r.Alert.Expires()
		if end.IsZero() || end.After(now) {
			continue
		}
		next := r.Clone()
		next.State = StateLapsed
		if r.Change == ChangeEnded || r.Change == ChangeCancelled {
			next.State = StateEnded
		}
		if next.State == StateLapsed && r.Alert.Status == StatusActual && r.Severity().Rank() >= SeveritySevere.Rank() {
			d.call(ctx, r, CallDuty, WhyLapsed, now)
		}
		if err := d.Store.Move(ctx, r, next, r.act(gatewayPerson, string(next.State), "", now)); err == nil {
			lapsed++
		}
	}
	return lapsed, nil
}

// open reads the newest revision for an act and checks right, limits and that
// the person has seen this very record.
func (d *Desk) open(ctx context.Context, by Person, id ID, with Decision, verb Verb) (r, head *Record, err error) {
	if !by.Can(verb) {
		return nil, nil, lacks(verb)
	}
	if r, err = d.Store.Get(ctx, id, Newest); err != nil {
		return nil, nil, err
	}
	if head, err = d.head(ctx, r); err != nil {
		return nil, nil, err
	}
	if err := mayAct(by, r, head, verb); err != nil {
		return nil, nil, err
	}
	if with.Digest == "" {
		return nil, nil, &Refusal{Kind: ErrInvalid, Problems: Problems{{Field: "digest", Problem: "is missing", Hint: "read the alert and send the digest of what you read"}}}
	}
	if with.Digest != r.Approved {
		return nil, nil, stale()
	}
	return r, head, nil
}

func noReason(hint string) error {
	return &Refusal{Kind: ErrInvalid, Problems: Problems{{Field: "reason", Problem: "is missing", Hint: hint}}}
}

func lacks(v Verb) error {
	return &Refusal{Kind: ErrForbidden, Problems: Problems{{Field: "key", Problem: "lacks the right to " + string(v), Hint: "use a key made with --can " + string(v)}}}
}

func stale() error {
	return &Refusal{Kind: ErrStale, Problems: Problems{{Field: "digest", Problem: "is not that of the alert as it stands", Hint: "read it again and decide on what you see"}}}
}

func wrongState(r *Record, wanted string) error {
	return &Refusal{Kind: ErrStale, Problems: Problems{{Field: "state", Problem: fmt.Sprintf("is %s: it cannot be %s", r.State, wanted), Hint: "read the alert again"}}}
}
