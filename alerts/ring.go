package alerts

import (
	"context"
	"time"
)

// Call is who is rung.
type Call string

// The values of [Call].
const (
	CallDuty     Call = "duty"     // who is on duty
	CallOffice   Call = "office"   // who works at the desk
	CallEveryone Call = "everyone" // all who may decide
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
)

// Whys lists the values of [Why].
var Whys = []Why{WhyExpires60, WhyExpires15, WhyLapsed, WhyAlone, WhyUnreviewed, WhyCancelled, WhySuspended}

// Ring is one call to people of the authority. That it happened is an act of
// the event, written before.
type Ring struct {
	Who    Call
	Why    Why
	Record *Record
	At     time.Time
}

// Ringer reaches people of the authority. Ring must not block for long; what
// went wrong it says itself. It may be called from many goroutines.
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
	first, err := d.Store.Note(ctx, r.Event, "rung:"+string(why)+":"+string(r.ID), act)
	if err != nil || !first {
		return false
	}
	if d.Ringer != nil {
		d.Ringer.Ring(ctx, Ring{Who: who, Why: why, Record: r, At: now})
	}
	return true
}

// ViaGateway is the way of what no person asked for.
const ViaGateway = "gateway"
