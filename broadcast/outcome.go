package broadcast

import (
	"context"
	"errors"
	"time"

	"martinella/alerts"
)

// Outcomes tells what became of single recipients, and sends again what did not
// arrive. Its methods may be called from many goroutines and nodes; they block
// until the store answered or ctx ended. alerts.ErrNotFound where the alert was
// not published or the channel is not in its plan.
type Outcomes interface {
	// States gives the state of the ordinals [from, to) of a channel; one that
	// was never touched, and one that is past the end, is Queued.
	States(ctx context.Context, alert alerts.ID, channel string, from, to uint32) ([]State, error)

	// Failures gives up to max recipients from the ordinal on that are in one
	// of these states, in their order, and where to go on. more is false at
	// the end. ErrForgotten where single recipients are no longer kept.
	Failures(ctx context.Context, alert alerts.ID, channel string, from uint32, max int, states ...State) (page []Failure, next uint32, more bool, err error)

	// DeadLetters gives up to max jobs that were given up, the oldest first:
	// of one alert, or of all for "", of one channel, or of all for "".
	DeadLetters(ctx context.Context, alert alerts.ID, channel string, max int) ([]DeadLetter, error)

	// Resend opens what failed and puts jobs for it into the channel's lane,
	// and appends the act where there is anything. Asking again with the same
	// request changes nothing and gives the first one's answer. An
	// alerts.Refusal where the alert is over, or where there is no message.
	Resend(ctx context.Context, r Resend) (Resent, error)
}

// ErrForgotten is the error for the states of single recipients that are no
// longer kept; the counts are.
var ErrForgotten = errors.New("what became of single recipients is no longer kept")

// Failure is one recipient who was not reached, or perhaps not. It holds no
// personal data.
type Failure struct {
	Ordinal uint32     `json:"ordinal"` // within alert and channel
	State   string     `json:"state"`
	Reason  string     `json:"reason,omitempty"`
	At      *time.Time `json:"at"` // nil: not written down
}

// DeadLetter is a job that was given up: the recipients of [From, To) that were
// open then.
type DeadLetter struct {
	ID        string    `json:"id"` // within the channel
	Channel   string    `json:"channel"`
	Alert     alerts.ID `json:"alert"`
	From      uint32    `json:"from"`
	To        uint32    `json:"to"` // exclusive
	Failed    int       `json:"failed"`
	Uncertain int       `json:"uncertain"`
	Reason    string    `json:"reason"`
	Taken     int       `json:"taken"`    // how often a worker had it
	Attempts  int       `json:"attempts"` // how often it had been tried again
	Since     time.Time `json:"since"`
}

// Resend asks to send once more what did not arrive.
type Resend struct {
	Alert   alerts.ID
	Channel string
	// Recipient limits it to one ordinal; nil: all that failed.
	Recipient *uint32
	// Uncertain takes in those of whom nobody knows whether they got it. The
	// platform is asked first where it can tell; else they may get it twice,
	// and such an acceptance is marked.
	Uncertain bool
	// Request names this wish: the same one again is not done twice. "" is a
	// wish of its own.
	Request string
	Act     alerts.Act // Seq is set by the store
}

// Resent is what came of it.
type Resent struct {
	Failed    int `json:"failed"`    // to be sent again
	Uncertain int `json:"uncertain"` // to be asked for, and sent again where nobody can tell
	// Replicated says whether as many replicas had the wish in time as the
	// configuration wants; nil where it wants none.
	Replicated *bool `json:"replicated,omitempty"`
}

// Over reports whether the channel has come to its end, as far as sending goes:
// reports of the platform may still move it.
func (d Delivery) Over() bool {
	switch d.State {
	case "done", "partly_failed", "failed", "uncertain", "expired":
		return true
	}
	return false
}

// Resendable says why nothing of the published record may be sent again: an
// alerts.Refusal with everything that is against it, or nil. The store checks
// once more when it writes.
func Resendable(r *alerts.Record, now time.Time) error {
	var ps alerts.Problems
	refuse := func(problem, hint string) {
		ps = append(ps, alerts.Problem{Field: "state", Problem: problem, Hint: hint})
	}
	end := r.Expires()
	if over(r) && !r.Published.IsZero() { // a Cancel or all-clear is tried for a while
		end = r.Published.Add(closingTime)
	}
	switch {
	case !r.State.Published():
		refuse("is "+string(r.State)+": nothing of it was sent", "issue it first")
	case r.State != alerts.StateIssued:
		refuse("is "+string(r.State)+": what is over is not sent again", "send an update, or nothing")
	case !end.IsZero() && !now.Before(end):
		refuse("has expired", "extend the alert with an update, which reaches everybody again")
	}
	if len(ps) == 0 {
		return nil
	}
	return &alerts.Refusal{Kind: alerts.ErrNotSendable, Problems: ps}
}
