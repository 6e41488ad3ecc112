//go:build linux

package swarm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Swarm is open subscribers. Its methods may be called from many goroutines,
// but there is one measure at a time: [Swarm.Expect], publish, [Swarm.Wait],
// [Swarm.Report].
type Swarm struct {
	cfg     Config
	target  target
	loops   []*loop
	opening atomic.Bool
	changed chan struct{} // somebody has what was expected, or is lost

	mu       sync.Mutex
	expected int // of the measure
	total    int // of all measures
}

// FilesNeeded is how many descriptors a process needs for so many sockets, with
// some for everything else in it.
func FilesNeeded(sockets int) uint64 { return uint64(sockets) + 64 }

// AllowFiles raises the limit of open files so that so many sockets fit. The
// error says how many do.
func AllowFiles(sockets int) error {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return fmt.Errorf("limit of open files: %w", err)
	}
	need := FilesNeeded(sockets)
	if r.Cur >= need {
		return nil
	}
	if r.Max < need {
		return fmt.Errorf("%d sockets do not fit: a process may open %d files here, which leaves %d", sockets, r.Max, max(int64(r.Max)-int64(FilesNeeded(0)), 0))
	}
	r.Cur = r.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return fmt.Errorf("limit of open files: %w", err)
	}
	return nil
}

// Open connects all clients and returns when the last one is in, when one is
// refused for good, or at the end of ctx. A server that answers 503 is asked
// again after the seconds that it names. The clients stay open until
// [Swarm.Close].
func Open(ctx context.Context, cfg Config) (*Swarm, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("swarm: %w", err)
	}
	if err := AllowFiles(cfg.Clients); err != nil {
		return nil, fmt.Errorf("swarm: %w", err)
	}
	to, err := newTarget(ctx, cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("swarm: %w", err)
	}
	s := &Swarm{cfg: cfg, target: to, changed: make(chan struct{}, 1)}
	s.opening.Store(true)
	for i := range cfg.Loops {
		first, end := i*cfg.Clients/cfg.Loops, (i+1)*cfg.Clients/cfg.Loops
		l, err := newLoop(s, end-first, first)
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("swarm: %w", err)
		}
		s.loops = append(s.loops, l)
		go l.run()
	}
	if err := s.gather(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("swarm: %w", err)
	}
	return s, nil
}

// gather waits until all clients are in.
func (s *Swarm) gather(ctx context.Context) error {
	for {
		inside := 0
		var err error
		for _, l := range s.loops {
			look := func() {
				inside += l.door.greeted
				err = errors.Join(err, l.door.err)
			}
			if !l.do(look) {
				look() // the loop ended by an error, and nobody else looks
			}
		}
		if err != nil {
			return err
		}
		if inside == s.cfg.Clients {
			s.opening.Store(false)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d clients are in: %w", inside, s.cfg.Clients, ctx.Err())
		case <-s.changed:
		}
	}
}

// signal wakes whoever waits for the clients.
func (s *Swarm) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Expect begins a measure of n messages that are about to be published. What
// came before belongs to none any more, except in the counts of lost, doubled
// and reordered.
func (s *Swarm) Expect(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected = n
	s.total += n
	for _, l := range s.loops {
		l.do(func() {
			l.ledger.expect(n)
			l.expected = n
			l.nearDone.Store(l.ledger.near == 0)
			l.farDone.Store(l.ledger.far == 0)
			l.hold(s.cfg.Remote)
		})
	}
}

// Wait blocks until every reading client has as many messages as are expected.
// It gives an error at the end of ctx, and at once when a client that should
// read was closed, as it can get nothing any more.
func (s *Swarm) Wait(ctx context.Context) error {
	released := !s.cfg.Remote
	for {
		near, far, lost := true, true, int64(0)
		for _, l := range s.loops {
			near = near && l.nearDone.Load()
			far = far && l.farDone.Load()
			lost += l.lost.Load()
		}
		switch {
		case lost > 0:
			s.hold(false)
			return fmt.Errorf("swarm: %d reading clients were closed", lost)
		case near && !released:
			s.hold(false)
			released = true
			continue
		case near && far:
			return nil
		}
		select {
		case <-ctx.Done():
			s.hold(false)
			return fmt.Errorf("swarm: not everything came: %w", ctx.Err())
		case <-s.changed:
		}
	}
}

func (s *Swarm) hold(yes bool) {
	for _, l := range s.loops {
		l.do(func() { l.hold(yes) })
	}
}

// Close resets all connections and returns when they are closed. A second
// Close does nothing.
func (s *Swarm) Close() error {
	for _, l := range s.loops {
		l.do(func() { l.stopped = true })
		<-l.ended
	}
	return nil
}

// Report tells what came since the last [Swarm.Expect], and the faults since
// Open. It is all zero after Close.
func (s *Swarm) Report() Report {
	s.mu.Lock()
	total := s.total
	s.mu.Unlock()
	var ts []tally
	for _, l := range s.loops {
		l.do(func() { ts = append(ts, l.tally()) })
	}
	return join(ts, total)
}

func (l *loop) tally() tally {
	t := l.ledger.tally()
	t.report.Clients, t.report.Retried = len(l.clients), l.door.retried
	t.report.Gone, t.report.Pongs, t.report.Closed = int(l.gone), int(l.pongs), maps.Clone(l.closed)
	for i := range l.clients {
		switch c := &l.clients[i]; {
		case c.state == silent:
			t.report.Silent++
		case c.entered && !c.mute:
			t.had = append(t.had, c.seen)
		}
	}
	return t
}
