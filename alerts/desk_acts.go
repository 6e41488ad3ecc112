package alerts

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Decision is the body of an act of the desk: what the person saw, and why.
type Decision struct {
	Digest Digest `json:"digest"`           // the record's approved digest, as read
	Reason string `json:"reason,omitempty"` // required to return, reject and cancel
	Text   string `json:"text,omitempty"`   // what to tell people, for cancel and all-clear
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
	if by.ID == r.Author.ID && (r.Flagged || d.needsSecond(r, head)) {
		return nil, &Refusal{Kind: ErrSecondPerson, Problems: Problems{{Field: "approver", Problem: "is the author", Hint: "another person must approve it"}}}
	}
	if obstacles := r.Alert.Obstacles(now); len(obstacles) > 0 {
		return nil, &Refusal{Kind: ErrNotSendable, Problems: obstacles}
	}
	// What leaves must be what was read: channels, wording or subscribers may
	// have changed since.
	fresh := r.Clone()
	if err := d.Publisher.Prepare(ctx, fresh); err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	if fresh.Approved != r.Approved {
		if err := d.Store.Move(ctx, r, fresh, fresh.act(by, "rendered", "what would be sent has changed", now)); err != nil {
			return nil, err
		}
		return nil, stale()
	}
	return d.publish(ctx, by, r, "approved", with.Reason, now)
}

// Return gives a submitted record back to its author, with a reason.
func (d *Desk) Return(ctx context.Context, by Person, id ID, with Decision, now time.Time) (*Record, error) {
	return d.settle(ctx, by, id, with, StateReturned, now)
}

// Reject ends a submitted record, with a reason.
func (d *Desk) Reject(ctx context.Context, by Person, id ID, with Decision, now time.Time) (*Record, error) {
	return d.settle(ctx, by, id, with, StateRejected, now)
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

// AllClear says that the danger is over. For an Actual of Severe or Extreme it
// waits for a second person.
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
	if change == ChangeCancelled && with.Reason == "" {
		return nil, "", &Refusal{Kind: ErrInvalid, Problems: Problems{{Field: "reason", Problem: "is missing", Hint: "say why the alert is taken back"}}}
	}
	r := d.closing(head, by, with, change, now)
	if r.Content, err = d.Digest(r.Alert, true); err != nil {
		return nil, "", fmt.Errorf("digest: %w", err)
	}
	if err := d.Publisher.Prepare(ctx, r); err != nil {
		return nil, "", fmt.Errorf("prepare: %w", err)
	}
	stored, fresh, err := d.Store.Intake(ctx, r, nil, r.act(by, "submitted", with.Reason, now))
	if err == nil && !fresh && (stored.State == StateRejected || stored.State == StateReturned) {
		r.Alert.Identifier += "-" + string(r.ID) // refused before: this is another attempt
		if r.Content, err = d.Digest(r.Alert, true); err != nil {
			return nil, "", fmt.Errorf("digest: %w", err)
		}
		if err = d.Publisher.Prepare(ctx, r); err == nil {
			stored, _, err = d.Store.Intake(ctx, r, nil, r.act(by, "submitted", with.Reason, now))
		}
	}
	if err != nil {
		return nil, "", err
	}
	if stored.State.Published() {
		return stored, OutcomeKnown, nil
	}
	if !(d.alone(by, stored, head) || (by.Can(VerbApprove) && !d.needsSecond(stored, head))) {
		return stored, OutcomeWaiting, nil
	}
	r, err = d.publish(ctx, by, stored, string(change), with.Reason, now)
	return r, OutcomeIssued, err
}

// AllClearShown is how long an all-clear stays on the pages (LOOK.md 9).
const AllClearShown = 6 * time.Hour

// closing makes the Cancel or the all-clear of an event: the same areas,
// languages and channels; the wording is that of the channels, with the
// person's text in front.
func (d *Desk) closing(head *Record, by Person, with Decision, change Change, now time.Time) *Record {
	id := d.NewID(now)
	a := head.Alert.Clone()
	// The identifier follows from the event, so that two presses of the button
	// are one message.
	a.Identifier = fmt.Sprintf("%s-%s-%d-%s", d.Authority.Slug, head.Event, head.Revision+1, change)
	a.Sender, a.Sent = d.Authority.Sender, now.Truncate(time.Second)
	a.References = append(a.References, Reference{head.Alert.Sender, head.Alert.Identifier, head.Alert.Sent})
	a.MsgType = MsgUpdate
	if change == ChangeCancelled {
		a.MsgType = MsgCancel
		a.Note = with.Reason
	}
	for i := range a.Infos {
		in := &a.Infos[i]
		in.Urgency, in.Onset, in.Effective = UrgencyPast, time.Time{}, time.Time{}
		in.Expires = now.Add(AllClearShown).Truncate(time.Second)
		in.Instruction, in.Resources = "", nil
		in.Description = with.Text
		if change == ChangeEnded {
			in.ResponseTypes = []ResponseType{ResponseAllClear}
		} else {
			in.ResponseTypes = nil
		}
	}
	return &Record{
		V: RecordVersion, ID: id, Event: head.Event, Revision: head.Revision + 1, Supersedes: head.ID,
		State: StateSubmitted, Change: change, Alert: a, Own: true,
		Channels: slices.Clone(head.Channels), Areas: slices.Clone(head.Areas), Author: by.By(), Via: "api", Received: now,
	}
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
		gateway := Person{ID: "gateway", Name: "gateway"}
		if err := d.Store.Move(ctx, r, next, r.act(gateway, string(next.State), "", now)); err == nil {
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
	if refused := by.Refusals(r.Alert, r.Areas); len(refused) > 0 {
		return nil, nil, &Refusal{Kind: ErrForbidden, Problems: refused}
	}
	if with.Digest == "" {
		return nil, nil, &Refusal{Kind: ErrInvalid, Problems: Problems{{Field: "digest", Problem: "is missing", Hint: "read the alert and send the digest of what you read"}}}
	}
	if with.Digest != r.Approved {
		return nil, nil, stale()
	}
	head, err = d.head(ctx, r)
	return r, head, err
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
