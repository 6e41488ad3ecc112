package alerts

import "time"

// StepUp is the fresh proof of a person at the console that it is still they
// who decide, bound to the digest of what they decide on. Only the layer that
// keeps sessions makes one.
type StepUp struct {
	Digest Digest
	At     time.Time
}

// StepUpLasts is how long a proof holds: long enough to read and confirm, too
// short for who sits down at an abandoned desk.
const StepUpLasts = 5 * time.Minute

// stepUpAhead is how far the clock of the node that took the proof may be ahead.
const stepUpAhead = 2 * time.Second

// proven refuses a person at the console who has not just proved again who they
// are, for exactly this digest. A key is its own proof.
func (d Decision) proven(by Person, digest Digest, now time.Time) error {
	age := now.Sub(d.StepUp.At)
	switch {
	case !by.Session:
		return nil
	case d.StepUp.Digest != digest:
		return &Refusal{Kind: ErrStepUp, Problems: Problems{{Field: "step_up", Problem: "is missing for what is decided on", Hint: "prove with your passkey, or password and code, that it is you"}}}
	case age > StepUpLasts || age < -stepUpAhead:
		return &Refusal{Kind: ErrStepUp, Problems: Problems{{Field: "step_up", Problem: "is no longer fresh", Hint: "prove again that it is you"}}}
	}
	return nil
}

// grave reports whether who issues the record must be sure of it: an Actual of
// Severe or Extreme, or a change of one.
func grave(r, head *Record) bool {
	return r.Alert.Status == StatusActual && weight(r, head) >= SeveritySevere.Rank()
}
