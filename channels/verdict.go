package channels

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Verdict is what the error of a Send decides. The values are part of the
// metrics.
type Verdict string

// The values of [Verdict].
const (
	VerdictAccepted     Verdict = "accepted"     // nil: the platform confirmed
	VerdictRetry        Verdict = "retry"        // plain error or RetryAfter: surely not taken
	VerdictPermanent    Verdict = "permanent"    // this message or recipient can never succeed
	VerdictUnauthorized Verdict = "unauthorized" // credentials are broken: stop the channel, call the operator
	VerdictUncertain    Verdict = "uncertain"    // perhaps taken: look before sending again
)

// Verdicts lists every value, for metrics that start at 0.
var Verdicts = []Verdict{VerdictAccepted, VerdictRetry, VerdictPermanent, VerdictUnauthorized, VerdictUncertain}

// ErrForged is the error of an inbound request that is not authentic.
var ErrForged = errors.New("the request is not signed by the platform")

type verdictError struct {
	verdict Verdict
	after   time.Duration
	err     error
}

func (e *verdictError) Error() string { return e.err.Error() }
func (e *verdictError) Unwrap() error { return e.err }

// Permanent marks err: this message or recipient can never succeed.
func Permanent(err error) error { return &verdictError{verdict: VerdictPermanent, err: err} }

// RetryAfter marks err: surely not taken, and the platform says to wait d.
// Absurd waits are cut to 15 minutes.
func RetryAfter(err error, d time.Duration) error {
	return &verdictError{verdict: VerdictRetry, after: min(max(d, 0), 15*time.Minute), err: err}
}

// Unauthorized marks err: the credential or a permission is broken.
func Unauthorized(err error) error { return &verdictError{verdict: VerdictUnauthorized, err: err} }

// Uncertain marks err: the message may or may not have been taken.
func Uncertain(err error) error { return &verdictError{verdict: VerdictUncertain, err: err} }

// Gone marks err: [Permanent], and the address itself is no more (a browser that
// unsubscribed): the broadcast takes it off the roll, so that nobody writes to
// it again.
func Gone(err error) error { return Permanent(&goneError{err}) }

// IsGone reports whether an error of Send is marked by [Gone].
func IsGone(err error) bool {
	_, gone := errors.AsType[*goneError](err)
	return gone
}

type goneError struct{ err error }

func (e *goneError) Error() string { return e.err.Error() }
func (e *goneError) Unwrap() error { return e.err }

// Apart marks err, whatever its verdict: it tells of this recipient's own part
// of the platform (a push service that a stranger named), nothing of the rest,
// so it never counts as a failure of the channel.
func Apart(err error) error { return &apartError{err} }

// IsApart reports whether an error of Send is marked by [Apart].
func IsApart(err error) bool {
	_, apart := errors.AsType[*apartError](err)
	return apart
}

type apartError struct{ err error }

func (e *apartError) Error() string { return e.err.Error() }
func (e *apartError) Unwrap() error { return e.err }

// VerdictOf gives the decision of an error of Send and how long the platform
// asked to wait (0: not said).
func VerdictOf(err error) (Verdict, time.Duration) {
	if err == nil {
		return VerdictAccepted, 0
	}
	if v, ok := errors.AsType[*verdictError](err); ok {
		return v.verdict, v.after
	}
	return VerdictRetry, 0
}

// Refused builds the usual error of an adapter: what the platform answered,
// cut to 200 bytes so that a hostile answer floods nothing.
func Refused(platform, code, detail string) error {
	if len(detail) > 200 {
		detail = strings.ToValidUTF8(detail[:200], "") + "..."
	}
	return fmt.Errorf("%s answered %s: %q", platform, code, detail)
}
