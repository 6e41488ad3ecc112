package dashboards

import (
	"context"
	"errors"
	"net/http"
	"time"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/alerts/lint"
)

// check judges an alert as a submit would, and stores nothing. What this key
// may not send is an obstacle; the form is judged without regard to it.
func (s *Server) check(w http.ResponseWriter, r *http.Request) {
	by := callerOf(r)
	_, message, isJSON, err := s.alertBody(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	media := "application/cap+xml"
	if isJSON {
		media = "application/json"
	}
	v := cap.Check(message, media, s.limitsOf(by.ID), time.Now())
	if errors.Is(v.Err, cap.ErrTooLarge) {
		s.fail(w, r, v.Err)
		return
	}
	if v.Valid {
		if !by.Can(alerts.VerbSubmit) {
			v.Obstacles = append(v.Obstacles, alerts.Problem{Field: "key", Problem: "may not submit alerts", Hint: "send it with a key made with --can submit or --can issue", Level: alerts.LevelError})
		}
		v.Obstacles = append(v.Obstacles, by.Refusals(v.Document.Alert, nil)...)
		v.Obstacles = append(v.Obstacles, s.forgetful(r.Context(), v.Document.Alert)...)
		v.Obstacles = append(v.Obstacles, s.Desk.Policy.Obstacles(v.Document.Alert)...)
		v.Sendable = len(v.Obstacles) == 0
	}
	if v.Problems == nil {
		v.Problems = alerts.Problems{}
	}
	if v.Obstacles == nil {
		v.Obstacles = alerts.Problems{}
	}
	status := http.StatusOK
	if !v.Valid {
		status = http.StatusUnprocessableEntity
	}
	writeJSON(w, status, struct {
		cap.Verdict
		Lint []lint.Hit `json:"lint"`
	}{v, s.lint(r.Context(), v.Document)})
}

// lint reads the words of a message, beside those of the revision that it
// references, where that one is ours. It judges nothing: see package lint.
func (s *Server) lint(ctx context.Context, d *cap.Document) []lint.Hit {
	hits := []lint.Hit{}
	if d == nil || d.Alert == nil {
		return hits
	}
	words := s.words()
	for _, ref := range d.Alert.References {
		if ref.Sender != d.Alert.Sender {
			continue
		}
		if before, err := s.Desk.Store.Find(ctx, ref.Sender, ref.Identifier); err == nil && before.State.Published() && before.Alert.Scope == alerts.ScopePublic {
			words.Previous = before.Alert
		}
		break
	}
	return append(hits, lint.Check(d.Alert, words, time.Now())...)
}

// forgetful is the obstacle of a store that keeps nothing: a submit of an
// Actual is refused there (DECISIONS 1).
func (s *Server) forgetful(ctx context.Context, a *alerts.Alert) alerts.Problems {
	if d, err := s.status.now(ctx); err != nil || !d.Memory || a.Status != alerts.StatusActual {
		return nil
	}
	return alerts.Problems{{Field: "status", Problem: "Actual is not taken by a store that keeps nothing",
		Hint: "send an Exercise, or start the gateway with --redis embedded or a URL", Level: alerts.LevelError}}
}
