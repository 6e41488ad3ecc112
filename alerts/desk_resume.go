package alerts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// ResumeWithin is how long after a Cancel the same text may be issued again by
// one person.
const ResumeWithin = 30 * time.Minute

// Resume issues again what was just cancelled, with the same text, areas, end
// and channels: one person who may issue or approve is enough, since two had
// agreed on exactly this. A Cancel ends its event, and whoever received it has
// thrown the alert away (CAP 1.2 section 3.2.1, msgType): an Update could not
// bring it back. So it is a new Alert of a new event that references nothing;
// the record names what it resumes. The same again gives the record.
func (d *Desk) Resume(ctx context.Context, by Person, id ID, with Decision, now time.Time) (*Record, Outcome, error) {
	if !by.Can(VerbIssue) && !by.Can(VerbApprove) {
		return nil, "", lacks(VerbIssue)
	}
	closing, err := d.Store.Get(ctx, id, Published)
	if err != nil {
		return nil, "", err
	}
	if closing.Change != ChangeCancelled || !closing.State.Published() {
		return nil, "", wrongState(closing, "resumed")
	}
	if with.Digest != closing.Approved {
		return nil, "", stale()
	}
	before, err := d.head(ctx, closing)
	if err != nil {
		return nil, "", err
	}
	if before == nil {
		return nil, "", wrongState(closing, "resumed")
	}
	if refused := append(by.Refusals(before.Alert, before.named()), by.overReach(before)...); len(refused) > 0 {
		return nil, "", &Refusal{Kind: ErrForbidden, Problems: refused}
	}
	r := d.resumption(closing, before, by, now)
	known, err := d.known(ctx, r)
	if err != nil {
		return nil, "", err
	}
	if known != nil && known.State.Published() {
		return known, OutcomeKnown, nil
	}
	if now.After(closing.Published.Add(ResumeWithin)) {
		return nil, "", &Refusal{Kind: ErrNotSendable, Problems: Problems{{Field: "state", Problem: "was cancelled more than 30 minutes ago", Hint: "send a new Alert"}}}
	}
	if obstacles := r.Alert.Obstacles(now); len(obstacles) > 0 {
		return nil, "", &Refusal{Kind: ErrNotSendable, Problems: obstacles}
	}
	if err := with.proven(by, closing.Approved, now); err != nil {
		return nil, "", err
	}
	if known == nil {
		if r.Content, err = d.Digest(r.Alert, true); err != nil {
			return nil, "", fmt.Errorf("digest: %w", err)
		}
		if err = d.prepare(ctx, r); err != nil {
			return nil, "", err
		}
		if known, _, err = d.Store.Intake(ctx, r, nil, r.act(by, "submitted", with.Reason, now)); err != nil {
			return nil, "", err
		}
		if known.Resumes != closing.Event {
			return nil, "", taken()
		}
	}
	done, err := d.finish(ctx, by, known, "resumed", with.Reason, now)
	return done, OutcomeIssued, err
}

// known finds the resumption that an earlier attempt left.
func (d *Desk) known(ctx context.Context, r *Record) (*Record, error) {
	have, err := d.find(ctx, r.Alert)
	if err != nil || have == nil {
		return nil, err
	}
	if have.Resumes != r.Resumes || have.State == StateRejected || have.State == StateReturned {
		return nil, taken()
	}
	return have, nil
}

func taken() error {
	return &Refusal{Kind: ErrConflict, Problems: Problems{{Field: "identifier", Problem: "of the alert that would be issued again is taken", Hint: "send a new Alert"}}}
}

// derived makes the identifier of what the gateway writes once for a record,
// whichever node does it: nobody who does not know the record can foresee it.
func (d *Desk) derived(r *Record, purpose string) string {
	sum := sha256.Sum256([]byte(purpose + " " + string(r.ID) + " " + string(r.Approved)))
	return d.Authority.Slug + "-" + hex.EncodeToString(sum[:16])
}

func (d *Desk) resumption(closing, before *Record, by Person, now time.Time) *Record {
	id := d.NewID(now)
	a := before.Alert.Clone()
	a.Identifier = d.derived(closing, "resume")
	a.Sender, a.Sent = d.Authority.Sender, now.Truncate(time.Second)
	a.MsgType, a.References = MsgAlert, nil
	return &Record{
		V: RecordVersion, ID: id, Event: id, Revision: 1, State: StateSubmitted, Change: ChangeIssued, Alert: a, Own: true, Resumes: closing.Event,
		Channels: slices.Clone(before.Channels), Areas: slices.Clone(before.Areas), Author: by.By(), Via: "api", Received: now, ReviewDue: time.Time{},
	}
}
