package broadcast

import (
	"context"
	"time"

	"martinella/alerts"
)

// Ringing is a ring as it is stored, with whom it reached. It holds names of
// staff and how they were called, never a number or an address.
type Ringing struct {
	V       int         `json:"v"`
	ID      string      `json:"id"` // once for ever: "01J.../rung:approval:01J..."
	Who     alerts.Call `json:"who"`
	Why     alerts.Why  `json:"why"`
	Event   alerts.ID   `json:"event"`             // whose timeline has the act; of an official warning its key, of a call-out its ID
	Alert   alerts.ID   `json:"alert,omitempty"`   // the revision; "" for a warning
	Warning string      `json:"warning,omitempty"` // the key of an official warning
	Callout alerts.ID   `json:"callout,omitempty"` // the call to volunteers
	At      time.Time   `json:"at"`

	Found   bool   `json:"found,omitempty"`   // people were looked for: Legs is complete
	Widened bool   `json:"widened,omitempty"` // of who was meant nobody can be rung, so the whole office was
	Legs    []Leg  `json:"legs,omitempty"`
	Done    bool   `json:"done,omitempty"`
	Over    string `json:"over,omitempty"` // why nobody was called any more: OverSettled, OverLate

	token string // of who has it in hand
}

// RingingVersion is the stored format of [Ringing] that this program writes.
const RingingVersion = 1

// The values of [Ringing.Over].
const (
	OverSettled = "settled" // what it was for had been done
	OverLate    = "late"    // it could not be sent in time
)

// Leg is one call of a ring: to one person, by one kind of contact.
type Leg struct {
	Person   alerts.By `json:"person"`
	Kind     string    `json:"kind"`              // of contact: "phone", "email"; "" where it is only written down
	Channel  string    `json:"channel,omitempty"` // that took it, or tried last
	State    LegState  `json:"state"`
	Attempts int       `json:"attempts,omitempty"`
	At       time.Time `json:"at,omitzero"` // of the last attempt
	Reason   string    `json:"reason,omitempty"`
}

// LegState is what became of a call.
type LegState string

// The values of [LegState].
const (
	LegWaits     LegState = "waits"
	LegAccepted  LegState = "accepted"  // by the provider; whether it was read, nobody knows
	LegUncertain LegState = "uncertain" // sent several times, and no answer ever came
	LegFailed    LegState = "failed"
)

// Holder and Hold are the mark by which the store knows who has the ring in hand.
func (r *Ringing) Holder() string { return r.token }

// Hold sets the mark; stores call it.
func (r *Ringing) Hold(token string) { r.token = token }

// RingStore keeps rings from the moment in which their act is written (see
// [alerts.Store.Ring]) until people were reached, and what came of them for 90
// days. Its methods block until the store answered and may be called from many
// goroutines and nodes.
type RingStore interface {
	// TakeRing gives the ring that is due the longest and keeps it from others
	// for the lease; [alerts.ErrNotFound] where none is due. A node that dies
	// with it loses it when the lease ends: it is sent again, rather twice than
	// never.
	TakeRing(ctx context.Context, lease time.Duration) (*Ringing, error)

	// PutRing writes what came of it. It is due again after next, or never
	// where it is done. [alerts.ErrStale] where another node has taken it.
	PutRing(ctx context.Context, r *Ringing, next time.Duration) error

	// Rings gives the rings of an event, oldest first.
	Rings(ctx context.Context, event alerts.ID) ([]*Ringing, error)

	// LatestRings gives the newest rings of all, the newest first.
	LatestRings(ctx context.Context, most int) ([]*Ringing, error)
}

// NewRinging is the ring as the store keeps it under its name; once is that of
// [alerts.Store.Ring].
func NewRinging(once string, r alerts.Ring) *Ringing {
	out := &Ringing{V: RingingVersion, Who: r.Who, Why: r.Why, Warning: r.Warning, At: r.At.UTC(), Event: alerts.ID(r.Warning)}
	if r.Callout != "" {
		out.Callout, out.Event = r.Callout, r.Callout
	}
	if r.Record != nil {
		out.Alert, out.Event = r.Record.ID, r.Record.Event
	}
	out.ID = string(out.Event) + "/" + once
	return out
}

// Colleague is a member of staff as far as ringing goes.
type Colleague struct {
	alerts.Person
	Language string
	Contacts map[string]string // kind ("phone", "email") to address
	OnDuty   bool
}

// Crew are the members of staff who may be rung now: whose account is open.
type Crew interface {
	// Crew blocks until the store answered.
	Crew(ctx context.Context) ([]Colleague, error)
}
