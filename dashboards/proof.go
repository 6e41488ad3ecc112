package dashboards

import (
	"context"
	"errors"
	"net/http"

	"martinella/alerts"
	"martinella/dashboards/signin"
)

// caller knows the sender by the session of a member of staff. What other
// sites send with the browser's cookie is refused.
func (c *console) caller(r *http.Request) (*caller, error) {
	if err := c.cross.Check(r); err != nil {
		return nil, refuse(alerts.ErrForbidden, "origin", "is another site's", "send the request from these pages, or with a key")
	}
	m, s, err := c.office.Who(r.Context(), c.token(r))
	if errors.Is(err, signin.ErrRefused) {
		return nil, errUnauthenticated{"the session has ended: sign in again"}
	}
	if err != nil {
		return nil, err
	}
	person := m.Person()
	person.Session = true
	return &caller{Person: person, Session: s}, nil
}

// gravest are the acts for which a session alone is not enough where the alert
// is a real one: any Cancel, and the rest from Severe on (DECISIONS 3 to 5).
var gravest = map[string]bool{"approve": true, "cancel": true, "all-clear": true, "issue-alone": true, "extend": true, "resume": true}

// proved uses up the fresh proof that a grave act of a member of staff needs.
// Keys prove nothing more: they are given their rights one by one.
func (s *Server) proved(ctx context.Context, by *caller, act string, id alerts.ID, shown alerts.Digest) error {
	if by.Session == nil || !gravest[act] {
		return nil
	}
	which := alerts.Published // what is closed or extended, whatever waits beside it
	if act == "approve" || act == "issue-alone" {
		which = alerts.Newest
	}
	r, err := s.Desk.Store.Get(ctx, id, which)
	if err != nil {
		return err
	}
	needed := s.needsProof(r, act)
	if which == alerts.Newest { // the desk weighs a change by what it replaces too
		if needed, err = s.Desk.NeedsProof(ctx, r); err != nil {
			return err
		}
	}
	if !needed {
		return nil
	}
	err = s.console.office.Spend(ctx, by.Session, signin.Deed{Act: act, Digest: shown})
	if errors.Is(err, signin.ErrRefused) {
		return refuse(alerts.ErrForbidden, "proof", "is missing: this act needs a fresh passkey or code for the alert as it was shown", "confirm who you are for this alert and this act")
	}
	return err
}
