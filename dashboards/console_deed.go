package dashboards

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/dashboards/signin"
)

// deedRoutes are what the acts on an alert have in common.
func (c *console) deedRoutes() []consoleRoute {
	return []consoleRoute{{"POST", "/console/a/{id}/proof/{act}", forStaff, c.proveDeed}}
}

// proofOf is where a passkey proves who does the act on the alert as it is
// shown: for the block "prove" of the pages.
func proofOf(id alerts.ID, act string, shown alerts.Digest) string {
	return "/console/a/" + string(id) + "/proof/" + act + "?digest=" + url.QueryEscape(string(shown))
}

// proveDeed begins and ends proving with a passkey who decides on an alert.
func (c *console) proveDeed(v *visit) {
	a, ok := c.passkey(v)
	if !ok {
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	deed := signin.Deed{Act: v.r.PathValue("act"), Digest: alerts.Digest(v.r.URL.Query().Get("digest"))}
	if !gravest[deed.Act] || len(deed.Digest) > 64 {
		c.answer(v, http.StatusBadRequest, map[string]string{"wrong": v.l.must("console_unread")})
		return
	}
	if a.ID == "" {
		ceremony, err := c.office.AskProof(ctx, v.member, v.session, deed)
		c.asked(v, ceremony, err)
		return
	}
	if err := c.office.ProveByPasskey(ctx, v.member, v.session, deed, a.ID, a.Answer, v.now); err != nil {
		c.passkeyWrong(v, err)
		return
	}
	c.answer(v, http.StatusOK, struct{}{})
}

// decide has the desk act on what a form says: digest, reason, text, and a
// fresh code where no passkey has proved the deed before. The visit's form must
// have been read.
func (c *console) decide(v *visit, name string, do act) (*alerts.Record, alerts.Outcome, error) {
	form := v.r.PostForm
	return c.decideWith(v, name, alerts.Decision{Digest: alerts.Digest(form.Get("digest")), Reason: form.Get("reason"), Text: form.Get("text")}, do)
}

func (c *console) decideWith(v *visit, name string, with alerts.Decision, do act) (*alerts.Record, alerts.Outcome, error) {
	ctx, cancel := actContext(v.r)
	defer cancel()
	id := alerts.ID(v.r.PathValue("id"))
	by := v.caller()
	if code := v.r.PostForm.Get("code"); code != "" && gravest[name] {
		if err := c.office.ProveByCode(ctx, v.member, v.session, signin.Deed{Act: name, Digest: with.Digest}, code, v.now); err != nil {
			return nil, "", err
		}
	}
	if err := c.s.proved(ctx, by, name, id, with.Digest); err != nil {
		return nil, "", err
	}
	with.StepUp = alerts.StepUp{Digest: with.Digest, At: v.now} // it has just been proved where it must be
	record, outcome, err := do(ctx, by.Person, id, with, v.now)
	if err == nil {
		c.s.Logger.Info("act of the desk", zap.String("act", name), zap.String("alert", string(record.ID)), zap.String("event", string(record.Event)),
			zap.String("state", string(record.State)), zap.String("by", by.ID))
	}
	return record, outcome, err
}

// caller is the member who sits at the browser, for the desk.
func (v *visit) caller() *caller {
	person := v.member.Person()
	person.Session = true
	return &caller{Person: person, Session: v.session}
}

// needsProof reports whether the act on the record needs a fresh proof.
func (s *Server) needsProof(r *alerts.Record, act string) bool {
	if act == "extend" {
		return s.Desk.NeedsProofToExtend(r)
	}
	if !gravest[act] || r.Alert.Status != alerts.StatusActual {
		return false
	}
	return act == "cancel" || r.Severity().Rank() >= alerts.SeveritySevere.Rank()
}

// refusal is why something was not done: a sentence in the reader's language,
// and what the desk found, in its own words.
type refusal struct {
	Text     string
	Code     int
	Problems alerts.Problems
}

// refusalWords is the sentence for a kind of refusal; "" for what is none.
func refusalWords(l *locale, err error) (text string, code int) {
	switch {
	case errors.Is(err, alerts.ErrSecondPerson):
		return l.must("refused_second"), http.StatusForbidden
	case errors.Is(err, alerts.ErrStepUp):
		return l.must("proof_needed"), http.StatusForbidden
	case errors.Is(err, alerts.ErrStale), errors.Is(err, alerts.ErrConflict):
		return l.must("refused_stale"), http.StatusConflict
	case errors.Is(err, alerts.ErrNotDurable):
		return l.must("refused_not_durable"), http.StatusServiceUnavailable
	case errors.Is(err, alerts.ErrNotSendable):
		return l.must("refused_not_sendable"), http.StatusUnprocessableEntity
	case errors.Is(err, alerts.ErrInvalid):
		return l.must("refused_invalid"), http.StatusBadRequest
	case errors.Is(err, alerts.ErrForbidden):
		return l.must("refused_forbidden"), http.StatusForbidden
	case errors.Is(err, alerts.ErrNotFound):
		return l.must("refused_missing"), http.StatusNotFound
	}
	return "", 0
}

// refused says why an act was not done; false where the error is no refusal but
// a failure.
func (c *console) refused(v *visit, err error) (refusal, bool) {
	if wrong, code := c.unproved(v, err); wrong != "" {
		return refusal{Text: wrong, Code: code}, true
	}
	var out refusal
	if one, ok := errors.AsType[*alerts.Refusal](err); ok {
		out.Problems = one.Problems
		if len(one.Problems) > 0 && one.Problems[0].Field == "proof" {
			return refusal{Text: v.l.must("proof_needed"), Code: http.StatusForbidden}, true
		}
	}
	out.Text, out.Code = refusalWords(v.l, err)
	return out, out.Text != ""
}

// recordOf reads the alert that the path names, as far as the member may read
// it.
func (c *console) recordOf(ctx context.Context, v *visit, which alerts.Latest) (*alerts.Record, error) {
	r, err := c.s.Desk.Store.Get(ctx, alerts.ID(v.r.PathValue("id")), which)
	if err != nil {
		return nil, err
	}
	if !v.caller().Can(alerts.VerbRead) {
		return nil, &alerts.Refusal{Kind: alerts.ErrForbidden}
	}
	return r, nil
}
