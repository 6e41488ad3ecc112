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

	asking sync.Mutex // one at a time; who comes meanwhile takes the last answer

	mu    sync.Mutex
	asked time.Time
	last  broadcast.Durability
	err   error
}

const (
	statusAge     = 2 * time.Second
	statusTimeout = time.Second
)

// now gives the store's promise, about two seconds old at most. One caller
// waits for a new answer, the others do not, unless there is none yet.
func (s *status) now(ctx context.Context) (broadcast.Durability, error) {
	d, age, err := s.known()
	if age < statusAge {
		return d, err
	}
	if age > time.Hour {
		s.asking.Lock()
	} else if !s.asking.TryLock() {
		return d, err
	}
	defer s.asking.Unlock()
	if d, age, err = s.known(); age < statusAge {
		return d, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statusTimeout)
	defer cancel()
	d, err = s.work.Durability(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last, s.err, s.asked = d, err, time.Now()
	return d, err
}

func (s *status) known() (d broadcast.Durability, age time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, time.Since(s.asked), s.err
}

func (s *status) durable(ctx context.Context) bool {
	d, err := s.now(ctx)
	return err == nil && d.Durable
}

// healthz says that the process answers.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// The guarantees: what happens to an accepted alert.
const (
	guaranteeNone       = "none"       // the store does not answer, or keeps nothing
	guaranteeWeak       = "weak"       // a power loss may take the last seconds
	guaranteeDisk       = "disk"       // it survives a crash and a power loss of the store's machine, not its loss
	guaranteeReplicated = "replicated" // it is also on as many other machines as the configuration wants
)

func guarantee(d broadcast.Durability, err error) string {
	switch {
	case err != nil || d.Memory:
		return guaranteeNone
	case !d.Durable:
		return guaranteeWeak
	case d.Replicated():
		return guaranteeReplicated
	}
	return guaranteeDisk
}

// readyz says whether alerts can be accepted durably, with every reason why
// not, and what holds for those accepted now.
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
	d, err := s.status.now(r.Context())
	writeJSON(w, code, struct {
		Ready     bool     `json:"ready"`
		Reasons   []string `json:"reasons"`
		Guarantee string   `json:"guarantee"`
		Replicas  int      `json:"replicas"`        // that follow now
		Wanted    int      `json:"replicas_wanted"` // that an answer waits for
	}{len(reasons) == 0, reasons, guarantee(d, err), max(d.Following, 0), d.Wanted})
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.Version)
}
