package smpp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// limits are the times and sizes of a session. Every time is a duration, once.
type limits struct {
	window   int           // requests without an answer
	bind     time.Duration // for the answer to the bind
	answer   time.Duration // for the answer to a request
	write    time.Duration // for one write
	enquire  time.Duration // silence before we ask whether the peer lives
	farewell time.Duration // for requests in flight, and for unbind_resp, when leaving
}

// session is one bound connection. Its goroutines (reader, writer, keeper,
// lanes) end when it ends, for whatever reason; wait returns after that.
type session struct {
	conn       net.Conn
	limits     limits
	inbound    inbound
	role       command // the bind
	log        *zap.Logger
	slots      chan struct{}
	wake       chan struct{}
	done       chan struct{}
	queueLimit int
	lastRead   atomic.Int64 // unix nanoseconds
	wg         sync.WaitGroup

	mu       sync.Mutex
	seq      uint32
	pending  map[uint32]*request
	queue    []*request
	writing  bool  // a batch is on its way into the connection
	leaving  bool  // takes no new requests
	hangUp   error // why to end once the queue is written
	ended    error // why it ended
	lanes    [inboundLanes]chan delivery
	laneSeed maphash.Seed
}

const (
	inboundLanes = 8  // deliver_sm in work at once: a durable write takes a while, many share it
	laneLength   = 64 // waiting in each; beyond that the SMSC is asked to come again
	batchSize    = 64 << 10
)

// bind opens a session on a fresh connection; role is one of the three binds. A refused bind is a *refusal,
// also where the SMSC hangs up right behind it. On an error the connection is
// closed.
func bind(ctx context.Context, conn net.Conn, role command, who bindRequest, l limits, in inbound, log *zap.Logger) (*session, error) {
	s := &session{
		conn: conn, limits: l, inbound: in, role: role, log: log, seq: 1,
		slots: make(chan struct{}, l.window), wake: make(chan struct{}, 1), done: make(chan struct{}),
		queueLimit: l.window + 4096, pending: map[uint32]*request{}, laneSeed: maphash.MakeSeed(),
	}
	r := bufio.NewReaderSize(conn, 32<<10)
	if err := s.greet(ctx, r, who); err != nil {
		conn.Close()
		return nil, err
	}
	s.lastRead.Store(time.Now().UnixNano())
	for i := range s.lanes {
		s.lanes[i] = make(chan delivery, laneLength)
		s.wg.Go(func() { s.work(s.lanes[i]) })
	}
	s.wg.Go(func() { s.read(r) })
	s.wg.Go(s.write)
	s.wg.Go(s.keep)
	return s, nil
}

// greet sends the bind and waits for its answer.
func (s *session) greet(ctx context.Context, r *bufio.Reader, who bindRequest) error {
	stop := context.AfterFunc(ctx, func() { _ = s.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := s.conn.SetDeadline(time.Now().Add(s.limits.bind)); err != nil {
		return err
	}
	frame, err := appendPDU(nil, pdu{command: s.role, seq: s.seq, body: &who})
	if err != nil {
		return err
	}
	if _, err := s.conn.Write(frame); err != nil {
		return fmt.Errorf("send the bind: %w", err)
	}
	var buf []byte
	for range 100 { // an SMSC may say other things first, but not for ever
		if buf, err = readFrame(r, buf); err != nil {
			if errors.Is(err, io.EOF) {
				return errors.New("the SMSC closed the connection without answering the bind")
			}
			return fmt.Errorf("wait for the answer to the bind: %w", err)
		}
		p, err := decodePDU(buf)
		if p.command != s.role.response() && p.command != genericNack {
			continue
		}
		if p.status != statusOK {
			return &refusal{s.role, p.status}
		}
		if err != nil || p.command == genericNack {
			return errors.New("the SMSC's answer to the bind cannot be read")
		}
		if !stop() {
			return context.Cause(ctx)
		}
		return s.conn.SetDeadline(time.Time{})
	}
	return errors.New("the SMSC did not answer the bind")
}

// alive reports whether requests may still be started.
func (s *session) alive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended == nil && !s.leaving
}

// room is how many more requests the window takes at this moment.
func (s *session) room() int { return cap(s.slots) - len(s.slots) }

// reason says why the session ended; nil while it lives.
func (s *session) reason() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

func (s *session) notWritten() error {
	if err := s.reason(); err != nil {
		return fmt.Errorf("%w: %w", errNotWritten, err)
	}
	return fmt.Errorf("%w: the session is being closed", errNotWritten)
}

// end closes the connection and settles every request: written ones may have
// arrived, queued ones surely have not. Nothing is thrown away silently. Only
// the first call counts. Where a write is under way, closing the connection
// ends it, and the writer settles: it alone knows how far it came.
func (s *session) end(why error) {
	s.mu.Lock()
	if s.ended != nil {
		s.mu.Unlock()
		return
	}
	s.ended = why
	s.queue = nil
	if !s.writing {
		s.settleAll()
	}
	close(s.done)
	s.mu.Unlock()
	s.conn.Close()
}

// settleAll gives every request of an ended session its error; the lock is
// held.
func (s *session) settleAll() {
	for seq, r := range s.pending {
		delete(s.pending, seq)
		fate := errNoAnswer
		switch r.stage {
		case settled:
			continue
		case queued:
			fate = errNotWritten
		}
		r.stage = settled
		s.release(r)
		if !r.abandoned {
			r.answer <- answer{err: fmt.Errorf("%w: %w", fate, s.ended)}
		}
	}
}

// wait blocks until every goroutine of an ended session has gone.
func (s *session) wait() { s.wg.Wait() }

var errUnbound = errors.New("the session was closed by us")

// leave waits for the answers in flight, unbinds and ends.
func (s *session) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.limits.farewell)
	defer cancel()
	s.mu.Lock()
	s.leaving = true
	s.mu.Unlock()
	for range cap(s.slots) { // whoever holds one still waits for an answer
		select {
		case s.slots <- struct{}{}:
		case <-s.done:
			return
		case <-ctx.Done():
		}
	}
	if r, err := s.probe(unbind); err == nil {
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.farewell)
		defer cancel()
		_, _ = s.await(bye, r) // whatever it says, we go
	}
	s.end(errUnbound)
}

// probe starts a request that needs no place in the window.
func (s *session) probe(c command) (*request, error) {
	frame, err := appendPDU(nil, pdu{command: c})
	if err != nil {
		return nil, err
	}
	r := &request{command: c, frame: frame, tracked: true, answer: make(chan answer, 1)}
	return r, s.enqueue(r)
}

// keep asks a silent peer whether it lives, and gives up on late answers.
func (s *session) keep() {
	tick := time.NewTicker(min(time.Second, s.limits.enquire, s.limits.answer))
	defer tick.Stop()
	var asked *request
	var since time.Time
	for {
		select {
		case <-s.done:
			return
		case <-tick.C:
		}
		now := time.Now()
		s.sweep(now)
		if asked != nil {
			select {
			case a := <-asked.answer:
				if asked = nil; a.err != nil {
					s.end(errSilent)
					return
				}
			default:
				if now.Sub(since) > s.limits.answer {
					s.end(errSilent)
					return
				}
			}
			continue
		}
		if now.Sub(time.Unix(0, s.lastRead.Load())) >= s.limits.enquire {
			since = now
			asked, _ = s.probe(enquireLink) // an ended session ends the loop
		}
	}
}

var errSilent = errors.New("the SMSC does not answer enquire_link")
