package alerts

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// ExtendAhead is how far from now an alert may be extended.
const ExtendAhead = 72 * time.Hour

// Extend lets an issued alert hold until another time: an Update whose only
// change is expires. One person who may issue or approve is enough, whatever
// the severity (DECISIONS 3). Nothing but a Cancel or an all-clear leaves after
// the end, so it must come before. Of infos with different ends those that end
// last are extended. The same again gives the record.
func (d *Desk) Extend(ctx context.Context, by Person, id ID, with Decision, until, now time.Time) (*Record, Outcome, error) {
	if !by.Can(VerbIssue) && !by.Can(VerbApprove) {
		return nil, "", lacks(VerbIssue)
	}
	head, err := d.Store.Get(ctx, id, Published)
	if err != nil {
		return nil, "", err
	}
	if refused := append(by.Refusals(head.Alert, head.named()), by.overReach(head)...); len(refused) > 0 {
		return nil, "", &Refusal{Kind: ErrForbidden, Problems: refused}
	}
	if with.Digest != head.Approved {
		return d.extended(ctx, head, with, until)
	}
	if err := extendable(head, until, now); err != nil {
		return nil, "", err
	}
	if with.Reason == "" {
		return nil, "", noReason("say why it still holds")
	}
	if d.NeedsProofToExtend(head) {
		if err := with.proven(by, head.Approved, now); err != nil {
			return nil, "", err
		}
	}
	r, err := d.waitingExtension(ctx, by, head, until)
	if err == nil && r == nil {
		r = d.extension(head, by, until, now)
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
	done, err := d.finish(ctx, by, r, "extended", with.Reason, now)
	if errors.Is(err, ErrStale) {
		if moveErr := d.drop(ctx, by, r, "somebody was faster", now); moveErr != nil {
			return nil, "", moveErr
		}
	}
	return done, OutcomeIssued, err
}

// NeedsProofToExtend reports whether who extends the record at the console must
// just have proved who they are: what is Severe or Extreme and warns people,
// a public exercise like an Actual (DECISIONS 13).
func (d *Desk) NeedsProofToExtend(r *Record) bool {
	return d.warns(r.Alert) && weight(r, nil) >= SeveritySevere.Rank()
}

// extended answers an extension of what is no longer the newest revision: known
// where exactly that was done.
func (d *Desk) extended(ctx context.Context, head *Record, with Decision, until time.Time) (*Record, Outcome, error) {
	before, err := d.head(ctx, head)
	if err != nil {
		return nil, "", err
	}
	if before != nil && before.Approved == with.Digest && reflect.DeepEqual(prolonged(before.Alert, until).Infos, head.Alert.Infos) {
		return head, OutcomeKnown, nil
	}
	return nil, "", stale()
}

func extendable(head *Record, until, now time.Time) error {
	end := head.Alert.Expires()
	if head.State != StateIssued || head.Change == ChangeCancelled || head.Change == ChangeEnded {
		return wrongState(head, "extended")
	}
	var ps Problems
	switch {
	case !end.After(now):
		ps.refuse("expires", "is past: "+FormatTime(end), "after its end only a Cancel or an all-clear leaves; issue a new alert")
	case until.IsZero():
		ps.refuse("expires", "is missing", "say until when the alert holds")
	case !until.After(end):
		ps.refuse("expires", "is not after the present end, "+FormatTime(end), "to end it earlier send an Update or the all-clear")
	case until.After(now.Add(ExtendAhead)):
		ps.refuse("expires", "is more than 72 hours ahead", "extend it again when that time comes")
	}
	if len(ps) > 0 {
		return &Refusal{Kind: ErrNotSendable, Problems: ps}
	}
	return nil
}

// prolonged is the alert with another end and nothing else.
func prolonged(of *Alert, until time.Time) *Alert {
	a, end := of.Clone(), of.Expires()
	for i := range a.Infos {
		if a.Infos[i].Expires.Equal(end) {
			a.Infos[i].Expires = until
		}
	}
	return a
}

func (d *Desk) extension(head *Record, by Person, until, now time.Time) *Record {
	id := d.NewID(now)
	a := prolonged(head.Alert, until)
	a.Identifier = d.Authority.Slug + "-" + string(id)
	a.Sender, a.Sent, a.MsgType = d.Authority.Sender, now.Truncate(time.Second), MsgUpdate
	a.References = append(slices.Clone(a.References), Reference{head.Alert.Sender, head.Alert.Identifier, head.Alert.Sent})
	return &Record{
		V: RecordVersion, ID: id, Event: head.Event, Revision: head.Revision + 1, Supersedes: head.ID,
		State: StateSubmitted, Change: ChangeUpdated, Alert: a, Own: true, ReviewDue: head.ReviewDue,
		Channels: slices.Clone(head.Channels), Areas: slices.Clone(head.Areas), Author: by.By(), Via: "api", Received: now,
	}
}

// waitingExtension finds the same extension where an earlier attempt left it.
func (d *Desk) waitingExtension(ctx context.Context, by Person, head *Record, until time.Time) (*Record, error) {
	r, err := d.Store.Get(ctx, head.Event, Newest)
	if err != nil {
		return nil, err
	}
	if r.State != StateSubmitted || r.Supersedes != head.ID || r.Author.ID != by.ID {
		return nil, nil
	}
	if same, err := d.same(r, d.extension(head, by, until, r.Received)); err != nil || !same {
		return nil, err
	}
	return r, nil
}

// same reports whether the stored record is what the desk would make now, but
// for its name and time. An Update that somebody wrote by hand and that waits
// for its second person is not: it may say the same to others.
func (d *Desk) same(r, made *Record) (bool, error) {
	made.Alert.Identifier, made.Alert.Sent = r.Alert.Identifier, r.Alert.Sent
	content, err := d.Digest(made.Alert, true)
	if err != nil {
		return false, fmt.Errorf("digest: %w", err)
	}
	return r.Own && r.Change == made.Change && r.Content == content && slices.Equal(r.Channels, made.Channels) && slices.Equal(r.Areas, made.Areas), nil
}

// drop rejects a submitted record that can no longer be published.
func (d *Desk) drop(ctx context.Context, by Person, r *Record, why string, now time.Time) error {
	next := r.Clone()
	next.State = StateRejected
	err := d.Store.Move(ctx, r, next, r.act(by, string(StateRejected), why, now))
	if errors.Is(err, ErrStale) {
		return nil
	}
	return err
}
