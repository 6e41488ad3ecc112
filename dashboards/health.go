package dashboards

import (
	"context"
	"net/http"
	"sync"
	"time"

	"martinella/broadcast"
)

// status asks the store what it promises, at most once in statusAge: pages and
// answers show it, and must not wait for it each time.
type status struct {
	work broadcast.Work

	mu    sync.Mutex
	asked time.Time
	last  broadcast.Durability
	err   error
}

const (
	statusAge     = 2 * time.Second
	statusTimeout = time.Second
)

// now gives the store's promise, at most two seconds old.
func (s *status) now(ctx context.Context) (broadcast.Durability, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.asked) < statusAge {
		return s.last, s.err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statusTimeout)
	defer cancel()
	s.last, s.err = s.work.Durability(ctx)
	s.asked = time.Now()
	return s.last, s.err
}

func (s *status) durable(ctx context.Context) bool {
	d, err := s.now(ctx)
	return err == nil && d.Durable
}

// healthz says that the process answers.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz says whether alerts can be accepted durably, with every reason why
// not.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	reasons := []string{}
	if s.Ready != nil {
		reasons = append(reasons, s.Ready(r.Context())...)
	} else if d, err := s.status.now(r.Context()); err != nil {
		reasons = append(reasons, "the store does not answer")
	} else if !d.Durable && !d.Accepted {
		reasons = append(reasons, "the store does not keep what it is given: "+d.Reason)
	}
	code := http.StatusOK
	if len(reasons) > 0 {
		code = http.StatusServiceUnavailable
	}
	writeJSON(w, code, struct {
		Ready   bool     `json:"ready"`
		Reasons []string `json:"reasons"`
	}{len(reasons) == 0, reasons})
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.Version)
}
