package alerts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Authority is on whose behalf alerts are issued.
type Authority struct {
	Slug     string // [a-z0-9-]{2,32}, fixed for ever: part of every stored key
	Name     string // "Protezione Civile - Comune di Valdemo"
	Sender   string // CAP sender of own alerts: "protezione.civile@comune.valdemo.example"
	Contact  string
	Language string // of own alerts and of infos that name none, RFC 3066
}

// Policy holds the numbers of the rules that an authority may set.
type Policy struct {
	// SecondPersonReach: an alert or exercise to more than so many recipients
	// needs a second person whatever its severity (DECISIONS 4; default 1,000).
	SecondPersonReach int

	// Practice: the gateway warns nobody (DECISIONS 13, Palestra). An Actual is
	// refused, never taken for an exercise.
	Practice bool
}

// Obstacles lists what keeps the alert from leaving by the authority's own
// choice, beside [Alert.Obstacles].
func (p Policy) Obstacles(a *Alert) Problems {
	var ps Problems
	if p.Practice && a.Status == StatusActual {
		ps.refuse("status", "is Actual, and this gateway only practises: it warns nobody", "send Exercise or Test, or set mode: live in the configuration")
	}
	return ps
}

// SentAhead is how far a sender's clock may run ahead of ours before its alert
// is refused. It is generous: a wrong clock must not silence a warning.
const SentAhead = time.Hour

// Desk decides who may do what with an alert, and nothing else does: API,
// console and feeds all come here. Its methods may be called from many
// goroutines. Errors are a [Refusal] or wrap one of this package's errors.
type Desk struct {
	Authority Authority
	Policy    Policy
	Store     Store
	Publisher Publisher
	Ringer    Ringer // nil: nobody is rung
	// TellSends: the operators get one notice of every revision that goes out to
	// people outside, in earnest or as an exercise on the channels of a gateway
	// that is live.
	TellSends bool
	NewID     func(now time.Time) ID
	// Digest is the content digest over the canonical CAP; own leaves sent out.
	Digest func(a *Alert, own bool) (Digest, error)
	// Suspended tells people in a language that an exercise was stopped since
	// there is a real alert.
	Suspended func(language string) string
	// Over gives the standard words, in a language, of an all-clear or a Cancel of
	// the event; nil: the headline stays, and there is only what a person wrote.
	Over func(language string, change Change, exercise bool, event string) (headline, text string)
	// Sitreps keeps what is seen at events; nil: there is no such thing here.
	Sitreps SitrepStore
	// Instructs finds in a report what only an Update may say: an instruction, a
	// new area, level or time limit. nil: nobody looks.
	Instructs func(s *Sitrep) Problems
}

// Submission is an alert as it came in.
type Submission struct {
	Alert    *Alert
	Raw      []byte   // as received; empty for alerts made here
	Problems Problems // of the form, by the parser
	Own      bool
	Via      string
	// Channels is the plan that the author chose, by configured name; nil takes
	// all that by may use.
	Channels []string
	// Writers are others than by who wrote words of it: a draft goes from hand to
	// hand, and nobody approves what is theirs.
	Writers []By
	// SentWithin refuses an unknown alert that was sent longer ago (or ahead):
	// for senders known by a signature over the alert alone, which could be
	// replayed. 0: no such check.
	SentWithin time.Duration
}

// plan is what the author chose, within what by may use.
func (s Submission) plan(by Person) []string {
	if s.Channels != nil {
		return s.Channels
	}
	return by.Rights.Channels
}

// Outcome says what became of a submission.
type Outcome string

// The values of [Outcome].
const (
	OutcomeIssued  Outcome = "issued"
	OutcomeWaiting Outcome = "waiting" // for a person's yes
	OutcomeKnown   Outcome = "known"   // the same alert came before
)

// Submit takes an alert: it is stored once, and issued at once where by may do
// so alone. The same alert again gives the stored record.
func (d *Desk) Submit(ctx context.Context, by Person, s Submission, now time.Time) (*Record, Outcome, error) {
	if !by.Can(VerbSubmit) {
		return nil, "", &Refusal{Kind: ErrForbidden, Problems: Problems{{Field: "key", Problem: "may not submit alerts", Hint: "use a key made with --can submit or --can issue"}}}
	}
	if ps := s.Problems.Errors(); len(ps) > 0 {
		return nil, "", &Refusal{Kind: ErrInvalid, Problems: append(slices.Clip(s.Problems), s.Alert.Obstacles(now)...)}
	}
	digest, err := d.Digest(s.Alert, s.Own)
	if err != nil {
		return nil, "", fmt.Errorf("digest: %w", err)
	}
	// Judged again, a known Update would name an event that is over, and a
	// known alert may have expired: what is stored is answered. For a plain
	// alert intake itself finds out, with one question less.
	obstacles := append(s.Alert.Obstacles(now), dates(s, now)...)
	if s.Alert.MsgType != MsgAlert || len(obstacles) > 0 {
		known, err := d.Store.Find(ctx, s.Alert.Sender, s.Alert.Identifier)
		switch {
		case err == nil:
			return d.again(ctx, by, known, s.Alert, digest, now)
		case !errors.Is(err, ErrNotFound):
			return nil, "", err
		}
	}

	r := d.received(by, s, digest, now)
	head, err := d.link(ctx, r)
	if err != nil {
		return nil, "", err
	}
	refused := append(by.Refusals(r.Alert, r.named()), by.overReach(head)...)
	if refused = append(refused, by.planRefusals(s.Channels)...); len(refused) > 0 {
		return nil, "", &Refusal{Kind: ErrForbidden, Problems: refused}
	}
	if len(obstacles) > 0 {
		return nil, "", &Refusal{Kind: ErrNotSendable, Problems: append(obstacles, s.Problems...)}
	}
	if err := d.prepare(ctx, r); err != nil {
		return nil, "", err
	}
	stored, fresh, err := d.Store.Intake(ctx, r, s.Raw, r.act(by, "submitted", "", now))
	if err != nil {
		return nil, "", err
	}
	if !fresh {
		return d.again(ctx, by, stored, s.Alert, digest, now)
	}
	if !d.alone(by, stored, head) {
		return d.ask(ctx, stored, now), OutcomeWaiting, nil
	}
	r, err = d.publish(ctx, by, stored, "issued", "", now)
	return r, OutcomeIssued, err
}

// received is the record of a submission, not linked to its event and not
// rendered.
func (d *Desk) received(by Person, s Submission, digest Digest, now time.Time) *Record {
	id := d.NewID(now)
	return &Record{
		V: RecordVersion, ID: id, Event: id, Revision: 1, State: StateSubmitted, Change: ChangeIssued,
		Alert: s.Alert, Own: s.Own, Warnings: s.Problems.Warnings(), Flagged: !s.Own && len(s.Problems) > 0,
		Content: digest, Channels: s.plan(by), Author: by.By(), Via: s.Via, Received: now,
		Writers: slices.DeleteFunc(slices.Clone(s.Writers), func(one By) bool { return one.ID == by.ID }),
	}
}

// again answers an alert that is known: the stored record as it stands now. An
// earlier attempt may have ended between intake and publishing; then this one
// finishes it.
func (d *Desk) again(ctx context.Context, by Person, r *Record, a *Alert, digest Digest, now time.Time) (*Record, Outcome, error) {
	if refused := by.Refusals(a, r.named()); len(refused) > 0 {
		return nil, "", &Refusal{Kind: ErrForbidden, Problems: refused}
	}
	if r.Content != digest {
		return nil, "", &Refusal{Kind: ErrConflict, Problems: Problems{{Field: "identifier", Problem: "was used before by this sender with other content", Hint: "give a changed alert a new identifier and send it as an Update"}}}
	}
	if r.State != StateSubmitted {
		return r, OutcomeKnown, nil
	}
	head, err := d.head(ctx, r)
	if err != nil {
		return nil, "", err
	}
	if r.Author.ID != by.ID || !d.alone(by, r, head) || len(r.Alert.Obstacles(now)) > 0 || len(by.overReach(head)) > 0 {
		return r, OutcomeKnown, nil
	}
	fresh, _, err := d.renew(ctx, by, r, now)
	if err == nil && !d.alone(by, fresh, head) { // it reaches more people by now
		return d.ask(ctx, fresh, now), OutcomeKnown, nil
	}
	published := fresh
	if err == nil {
		published, err = d.publish(ctx, by, fresh, "issued", "", now)
	}
	if errors.Is(err, ErrStale) { // a parallel attempt was faster, or the event has moved on
		published, err = d.Store.Get(ctx, r.ID, Exactly)
	}
	return published, OutcomeKnown, err
}

// finish publishes what an earlier attempt has left, as it is rendered now:
// channels or wording may have changed since.
func (d *Desk) finish(ctx context.Context, by Person, r *Record, verb, reason string, now time.Time) (*Record, error) {
	fresh, _, err := d.renew(ctx, by, r, now)
	if err != nil {
		return nil, err
	}
	return d.publish(ctx, by, fresh, verb, reason, now)
}

// prepare renders the record; whatever is published went through here. What
// the store has against it is said before what the policy has.
func (d *Desk) prepare(ctx context.Context, r *Record) error {
	if err := d.Publisher.Prepare(ctx, r); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	if ps := d.Policy.Obstacles(r.Alert); len(ps) > 0 {
		return &Refusal{Kind: ErrNotSendable, Problems: ps}
	}
	return nil
}

// renew renders a waiting record again. Where that gives another digest the
// store gets it, and changed is true.
func (d *Desk) renew(ctx context.Context, by Person, r *Record, now time.Time) (fresh *Record, changed bool, err error) {
	fresh = r.Clone()
	if err := d.prepare(ctx, fresh); err != nil {
		return nil, false, err
	}
	if fresh.Approved == r.Approved {
		same := r.Clone()
		same.Reach = fresh.Reach // the digest covers who is meant, not how many they are by now
		return same, false, nil
	}
	return fresh, true, d.Store.Move(ctx, r, fresh, fresh.act(by, "rendered", "what would be sent has changed", now))
}

// publish asks the Publisher and gives the stored record as published.
func (d *Desk) publish(ctx context.Context, by Person, r *Record, verb, reason string, now time.Time) (*Record, error) {
	r = r.Clone()
	r.Approver = by.By()
	err := d.Publisher.Publish(ctx, r, r.act(by, verb, reason, now))
	if errors.Is(err, ErrStale) {
		current, getErr := d.Store.Get(ctx, r.ID, Exactly)
		if getErr == nil && current.State.Published() && current.Content == r.Content {
			return current, nil // somebody else published exactly this
		}
	}
	if err != nil {
		return nil, err
	}
	if r.Change == ChangeCancelled && r.Alert.Status == StatusActual {
		d.call(ctx, r, CallOffice, WhyCancelled, now)
	}
	d.tellSend(ctx, r, now)
	return r, nil
}

// alone reports whether by may issue the record without anybody else.
func (d *Desk) alone(by Person, r *Record, head *Record) bool {
	if r.Change == ChangeCancelled && head != nil && !r.Flagged && !by.Session { // a session proves itself at [Desk.Cancel]
		return by.Can(VerbIssue) || by.Can(VerbApprove) // a cancellation never waits
	}
	if !by.Can(VerbIssue) || r.Flagged {
		return false
	}
	return !d.needsSecond(r, head) || (by.Rights.SelfApprove && !by.Session)
}

// needsSecond is the second-person rule (DECISIONS 4, 5 and 13): an Actual of
// Severe or Extreme, or to many recipients, and an exercise or test that leaves
// by the same channels; an update or all-clear counts as severe as what it
// replaces. A Cancel needs one person, and so does all that only practises.
func (d *Desk) needsSecond(r *Record, head *Record) bool {
	if !d.warns(r.Alert) || (r.Change == ChangeCancelled && head != nil) {
		return false
	}
	return weight(r, head) >= SeveritySevere.Rank() || r.Reach > d.Policy.SecondPersonReach
}

// warns reports whether people outside may get the alert: in earnest, or as an
// exercise on the channels of a gateway that is live.
func (d *Desk) warns(a *Alert) bool {
	return a.Status == StatusActual || (a.Practice() && !d.Policy.Practice)
}

// weight is the rank of the severity that decides who must say yes: a change
// weighs as much as what it replaces.
func weight(r, head *Record) int {
	rank := r.Alert.Severity().Rank()
	if head != nil {
		rank = max(rank, head.Alert.Severity().Rank())
	}
	return rank
}

// head gives the published revision that r replaces, nil for a new event.
func (d *Desk) head(ctx context.Context, r *Record) (*Record, error) {
	if r.Supersedes == "" {
		return nil, nil
	}
	return d.Store.Get(ctx, r.Supersedes, Exactly)
}

// link finds the event that an Update or Cancel belongs to and fills Event,
// Revision, Supersedes, Change and Areas. It gives the revision that is
// replaced, nil for a new event.
func (d *Desk) link(ctx context.Context, r *Record) (*Record, error) {
	a := r.Alert
	switch {
	case a.MsgType == MsgCancel:
		r.Change = ChangeCancelled
	case a.MsgType == MsgUpdate && a.AllClear():
		r.Change = ChangeEnded
	case a.MsgType == MsgUpdate:
		r.Change = ChangeUpdated
	}
	for _, ref := range a.References {
		if a.MsgType != MsgUpdate && a.MsgType != MsgCancel {
			break // an Alert may refer to others without replacing them
		}
		named, err := d.Store.Find(ctx, ref.Sender, ref.Identifier)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if ref.Sender != a.Sender && !r.Own {
			return nil, &Refusal{Kind: ErrForbidden, Problems: Problems{{Field: "references", Problem: "name an alert of another sender", Hint: "only its own sender or a person at the desk may change an alert"}}}
		}
		return d.join(ctx, r, named)
	}
	if a.MsgType == MsgUpdate || a.MsgType == MsgCancel {
		r.Flagged = true
		r.Warnings.flag("references", "name no alert that is known here", "a person decides whether it may leave")
	}
	return nil, nil
}

func (d *Desk) join(ctx context.Context, r *Record, named *Record) (*Record, error) {
	head, err := d.Store.Get(ctx, named.Event, Published)
	if err != nil {
		return nil, err
	}
	var ps Problems
	switch {
	case !head.State.Published():
		ps.refuse("references", "name an alert that was not issued yet", "return or reject that one instead")
	case head.State == StateCancelled || head.State == StateEnded || head.Change == ChangeCancelled || head.Change == ChangeEnded:
		ps.refuse("references", "name an event that is over", "send a new Alert")
	case head.Alert.Scope != r.Alert.Scope:
		// Who saw the alert must see what becomes of it, and nobody else.
		ps.refuse("scope", fmt.Sprintf("is %s, but that of the alert that it changes is %s", r.Alert.Scope, head.Alert.Scope), "a change goes to those who had the alert: give it the same scope")
	case head.Alert.Status != r.Alert.Status:
		ps.refuse("status", fmt.Sprintf("is %s, but the alert that it changes is %s", r.Alert.Status, head.Alert.Status), "an exercise never changes a real alert, nor the other way round")
	}
	if len(ps) > 0 {
		return nil, &Refusal{Kind: ErrNotSendable, Problems: ps}
	}
	r.Event, r.Revision, r.Supersedes, r.ReviewDue = head.Event, head.Revision+1, head.ID, head.ReviewDue
	if !r.Alert.HasArea() {
		r.Areas = head.Areas
	}
	if len(r.Alert.Infos) == 0 {
		r.Replaced = head.Alert
	}
	return head, nil
}

// dates finds times that cannot be meant.
func dates(s Submission, now time.Time) Problems {
	var ps Problems
	sent := s.Alert.Sent
	if !s.Own && sent.After(now.Add(SentAhead)) {
		ps.refuse("sent", "lies in the future: "+FormatTime(sent), "check the sender's clock; here it is "+FormatTime(now))
	}
	if s.SentWithin > 0 && (sent.Before(now.Add(-s.SentWithin)) || sent.After(now.Add(s.SentWithin))) {
		ps.refuse("sent", "is not within "+s.SentWithin.String()+" of now", "sign and send the alert anew; here it is "+FormatTime(now))
	}
	return ps
}

func (r *Record) act(by Person, verb, reason string, now time.Time) Act {
	return Act{V: 1, At: now, By: by.By(), Verb: verb, Alert: r.ID, Event: r.Event, Digest: r.Approved, Reason: reason, Via: r.Via}
}
