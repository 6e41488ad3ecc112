package alerts

import (
	"context"
	"time"
)

// Call is who is rung.
type Call string

// The values of [Call].
const (
	CallDuty      Call = "duty"      // who is on duty
	CallOffice    Call = "office"    // who works at the desk
	CallEveryone  Call = "everyone"  // all who may decide
	CallApprovers Call = "approvers" // all who may approve this one: see [Desk.MayApprove]
	CallCallers   Call = "callers"   // all who may call volunteers out, who opened the call, and who leads on the spot
	CallOperators Call = "operators" // who runs the gateway, as its configuration names them; nobody else in their place
)

// Why is what somebody is rung for.
type Why string

// The values of [Why].
const (
	WhyExpires60  Why = "expires-60" // at most 60 minutes are left, and nobody has extended or lifted it
	WhyExpires15  Why = "expires-15"
	WhyLapsed     Why = "lapsed"             // expired without an all-clear
	WhyAlone      Why = "issued-alone"       // by its author, without a second person
	WhyUnreviewed Why = "review-overdue"     // nobody has looked at what was issued alone
	WhyCancelled  Why = "cancelled"          // taken back as sent by mistake
	WhySuspended  Why = "exercise-suspended" // by a real alert
	WhyApproval   Why = "approval"           // it waits for its second person

	WhyWarning          Why = "warning"            // of somebody else came in that concerns us
	WhyWarningAgain     Why = "warning-unanswered" // and nobody has acknowledged it
	WhyWarningEscalated Why = "warning-escalated"  // and still nobody has

	WhyShort Why = "callout-short" // too few volunteers come to a call

	WhySent Why = "sent" // it went out to people outside, see [Desk.TellSends]
)

// Whys lists the values of [Why].
var Whys = []Why{WhyExpires60, WhyExpires15, WhyLapsed, WhyAlone, WhyUnreviewed, WhyCancelled, WhySuspended, WhyApproval, WhyWarning, WhyWarningAgain, WhyWarningEscalated, WhyShort, WhySent}

// Ring is one call to people of the authority. That it happened is an act of
// the event, written before.
type Ring struct {
	Who    Call
	Why    Why
	Record *Record // nil for the warning of somebody else, and for a call-out
	At     time.Time
	// Warning is the key of somebody else's warning; "" for an own alert.
	Warning string
	// Callout is the call to volunteers that it is for; "" otherwise.
	Callout ID
}

// Ringer is told of rings that the store has: see [Store.Ring]. Ring must not
// block for long; what went wrong it says itself. It may be called from many
// goroutines.
type Ringer interface {
	Ring(ctx context.Context, r Ring)
}

// gatewayPerson is who acts where the gateway itself does.
var gatewayPerson = Person{ID: "gateway", Name: "gateway"}

// call rings once for each revision and cause, whichever node and however often
// it is asked. Where the store does not answer nobody is rung now; [Desk.Watch]
// asks again.
func (d *Desk) call(ctx context.Context, r *Record, who Call, why Why, now time.Time) bool {
	act := r.act(gatewayPerson, "rung", string(who)+": "+string(why), now)
	act.Via = ViaGateway
	ring := Ring{Who: who, Why: why, Record: r, At: now}
	first, err := d.Store.Ring(ctx, "rung:"+string(why)+":"+string(r.ID), ring, act)
	if err != nil || !first {
		return false
	}
	if d.Ringer != nil {
		d.Ringer.Ring(ctx, ring)
	}
	return true
}

// MayApprove reports whether by may be the second person of a waiting record:
// the right to approve, every limit, and no words of it are theirs.
func (d *Desk) MayApprove(ctx context.Context, by Person, r *Record) (bool, error) {
	if !by.Can(VerbApprove) || r.wrote(by) || len(by.Refusals(r.Alert, r.named())) > 0 {
		return false, nil
	}
	head, err := d.head(ctx, r)
	if err != nil {
		return false, err
	}
	return len(by.overReach(head)) == 0, nil
}

// ask rings who may approve a record that waits, and gives it.
func (d *Desk) ask(ctx context.Context, r *Record, now time.Time) *Record {
	d.call(ctx, r, CallApprovers, WhyApproval, now)
	return r
}

// ViaGateway is the way of what no person asked for.
const ViaGateway = "gateway"

// tellSend tells the operators once that a revision went out to people outside.
func (d *Desk) tellSend(ctx context.Context, r *Record, now time.Time) {
	if d.TellSends && d.warns(r.Alert) {
		d.call(ctx, r, CallOperators, WhySent, now)
	}
}
