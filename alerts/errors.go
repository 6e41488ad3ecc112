package alerts

import (
	"errors"
	"time"
)

// The errors that the outside distinguishes; dashboards maps each to one
// status code.
var (
	ErrNotFound     = errors.New("no such alert")
	ErrConflict     = errors.New("the same identifier was used with other content")
	ErrStale        = errors.New("the alert has changed since it was read")
	ErrForbidden    = errors.New("not allowed")
	ErrInvalid      = errors.New("the alert is not valid")
	ErrNotSendable  = errors.New("the alert cannot be sent")
	ErrNotDurable   = errors.New("the store does not keep what it is given")
	ErrUnavailable  = errors.New("the store does not answer")
	ErrSecondPerson = errors.New("a second person must approve this alert")
	ErrStepUp       = errors.New("who acts must prove again who they are")
)

// Refusal is one of the errors above with everything that led to it.
type Refusal struct {
	Kind     error // ErrForbidden, ErrInvalid, ErrNotSendable, ...
	Problems Problems
	Retry    time.Duration // for ErrUnavailable and ErrNotDurable; 0: not known
}

// Error names the kind and every problem.
func (r *Refusal) Error() string {
	if len(r.Problems) == 0 {
		return r.Kind.Error()
	}
	return r.Kind.Error() + ": " + r.Problems.String()
}

// Unwrap gives the kind, for errors.Is.
func (r *Refusal) Unwrap() error { return r.Kind }
