package dashboards

import (
	"context"
	"net/http"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
)

// act is one method of the desk.
type act func(ctx context.Context, by alerts.Person, id alerts.ID, with alerts.Decision, now time.Time) (*alerts.Record, alerts.Outcome, error)

// settled makes an act of one that has a single outcome.
func settled(f func(context.Context, alerts.Person, alerts.ID, alerts.Decision, time.Time) (*alerts.Record, error)) act {
	return func(ctx context.Context, by alerts.Person, id alerts.ID, with alerts.Decision, now time.Time) (*alerts.Record, alerts.Outcome, error) {
		r, err := f(ctx, by, id, with, now)
		return r, alerts.OutcomeKnown, err
	}
}

func (s *Server) approve(w http.ResponseWriter, r *http.Request) {
	s.act(w, r, "approve", settled(s.Desk.Approve))
}

func (s *Server) giveBack(w http.ResponseWriter, r *http.Request) {
	s.act(w, r, "return", settled(s.Desk.Return))
}

func (s *Server) recall(w http.ResponseWriter, r *http.Request) {
	s.act(w, r, "recall", settled(s.Desk.Recall))
}

func (s *Server) reject(w http.ResponseWriter, r *http.Request) {
	s.act(w, r, "reject", settled(s.Desk.Reject))
}

func (s *Server) cancel(w http.ResponseWriter, r *http.Request) {
	s.act(w, r, "cancel", s.Desk.Cancel)
}

func (s *Server) allClear(w http.ResponseWriter, r *http.Request) {
	s.act(w, r, "all-clear", s.Desk.AllClear)
}

func (s *Server) opened(w http.ResponseWriter, r *http.Request) {
	s.act(w, r, "open", settled(s.Desk.Open))
}

func (s *Server) issueAlone(w http.ResponseWriter, r *http.Request) {
	s.act(w, r, "issue-alone", settled(s.Desk.IssueAlone))
}

func (s *Server) review(w http.ResponseWriter, r *http.Request) {
	s.act(w, r, "review", settled(s.Desk.Review))
}

func (s *Server) resume(w http.ResponseWriter, r *http.Request) {
	s.act(w, r, "resume", s.Desk.Resume)
}

func (s *Server) act(w http.ResponseWriter, r *http.Request, name string, do act) {
	var with alerts.Decision
	if err := s.decode(w, r, &with); err != nil {
		s.fail(w, r, err)
		return
	}
	s.decide(w, r, name, with, do)
}

// decide has the desk act and answers with what came of it.
func (s *Server) decide(w http.ResponseWriter, r *http.Request, name string, with alerts.Decision, do act) {
	by := callerOf(r)
	ctx, cancel := actContext(r)
	defer cancel()
	if err := s.proved(ctx, by, name, alerts.ID(r.PathValue("id")), with.Digest); err != nil {
		s.fail(w, r, err)
		return
	}
	if by.Session != nil { // it has just been proved where it must be
		with.StepUp = alerts.StepUp{Digest: with.Digest, At: time.Now()}
	}
	record, outcome, err := do(ctx, by.Person, alerts.ID(r.PathValue("id")), with, time.Now())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.Logger.Info("act of the desk", zap.String("act", name), zap.String("alert", string(record.ID)), zap.String("event", string(record.Event)),
		zap.String("state", string(record.State)), zap.String("by", by.ID))
	s.acted(w, r, record, outcome)
}
