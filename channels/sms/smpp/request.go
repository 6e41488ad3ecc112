package smpp

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What a request without an answer means.
var (
	// errNotWritten: nothing of it reached the SMSC.
	errNotWritten = errors.New("not sent")
	// errNoAnswer: it was written; the SMSC may have taken it.
	errNoAnswer = errors.New("sent, but the SMSC did not answer")
)

// stage is how far a request has come.
type stage uint8

const (
	queued  stage = iota // waits for the writer
	written              // handed to the connection: from here on it may arrive
	settled              // its answer, or its error, was given
)

// request is one PDU on its way out. Its fields belong to the session's lock.
type request struct {
	command command
	seq     uint32
	frame   []byte
	stage   stage
	at      time.Time // when it was written
	slot    bool      // holds a place in the window
	tracked bool      // waits in the session's pending for an answer
	end     int       // of its octets in the batch being written

	answer    chan answer // capacity 1; nil when nobody waits
	abandoned bool        // whoever asked has gone
	late      func(pdu)   // takes an answer that came after that; may be nil

	last error // not nil: the session ends, for this reason, once it is written
}

type answer struct {
	pdu pdu
	err error
}

// start queues a request and gives it its own sequence number, registered
// before a single octet is written. It waits while the window is full; its
// error is always an errNotWritten. late takes an answer that arrives when
// await has already given up.
func (s *session) start(ctx context.Context, c command, b body, late func(pdu)) (*request, error) { //nolint:unparam // what is asked of the SMSC is read where it is called
	frame, err := appendPDU(make([]byte, 0, 320), pdu{command: c, body: b})
	if err != nil {
		return nil, err
	}
	select {
	case <-s.done:
		return nil, s.notWritten()
	default:
	}
	select {
	case s.slots <- struct{}{}:
	case <-s.done:
		return nil, s.notWritten()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: waiting for the window: %w", errNotWritten, context.Cause(ctx))
	}
	r := &request{command: c, frame: frame, slot: true, tracked: true, answer: make(chan answer, 1), late: late}
	return r, s.enqueue(r)
}

// enqueue registers the request and wakes the writer.
func (s *session) enqueue(r *request) error {
	s.mu.Lock()
	if s.ended != nil || (s.leaving && r.slot) {
		s.release(r)
		s.mu.Unlock()
		return s.notWritten()
	}
	if r.tracked {
		r.seq = s.nextSequence()
		putSequence(r.frame, r.seq)
		s.pending[r.seq] = r
	}
	s.queue = append(s.queue, r)
	flood := len(s.queue) > s.queueLimit
	s.mu.Unlock()
	if flood {
		s.end(errors.New("the SMSC does not read what it is sent"))
		return nil // the request was settled by end
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// nextSequence gives 1..0x7FFFFFFF (5.1.4), never one that still waits.
func (s *session) nextSequence() uint32 {
	for {
		s.seq = s.seq%0x7FFFFFFF + 1
		if _, busy := s.pending[s.seq]; !busy {
			return s.seq
		}
	}
}

// await blocks for the answer. errNotWritten and errNoAnswer say what became
// of a request without one.
func (s *session) await(ctx context.Context, r *request) (pdu, error) {
	select {
	case a := <-r.answer:
		return a.pdu, a.err
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case a := <-r.answer: // it came together with the end of ctx
		return a.pdu, a.err
	default:
	}
	if r.stage == queued {
		delete(s.pending, r.seq)
		r.stage = settled // the writer passes it over
		s.release(r)
		return pdu{}, fmt.Errorf("%w: %w", errNotWritten, context.Cause(ctx))
	}
	r.abandoned = true
	return pdu{}, fmt.Errorf("%w: %w", errNoAnswer, context.Cause(ctx))
}

// reply queues a PDU that nobody answers.
func (s *session) reply(p pdu) {
	frame, err := appendPDU(nil, p)
	if err != nil {
		return // our own replies always encode
	}
	_ = s.enqueue(&request{command: p.command, seq: p.seq, frame: frame}) // an ended session needs no reply
}

// settle gives the request its answer. The lock is held; the returned function
// runs without it.
func (s *session) settle(r *request, a answer) (after func()) {
	delete(s.pending, r.seq)
	first := r.stage != settled
	r.stage = settled
	s.release(r)
	if first && !r.abandoned {
		r.answer <- a
		return nil
	}
	if r.late != nil && a.err == nil {
		return func() { r.late(a.pdu) }
	}
	return nil
}

// release gives the request's place in the window back, once.
func (s *session) release(r *request) {
	if r.slot {
		r.slot = false
		<-s.slots
	}
}

// sweep gives up on requests that wait too long. They stay registered for a
// while, for answers that come late after all.
func (s *session) sweep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for seq, r := range s.pending {
		switch waited := now.Sub(r.at); {
		case r.stage == queued || waited < s.limits.answer:
		case r.stage == settled && waited > lateFactor*s.limits.answer:
			delete(s.pending, seq)
		case r.stage == written:
			r.stage = settled
			s.release(r)
			if !r.abandoned {
				r.answer <- answer{err: fmt.Errorf("%w for %v", errNoAnswer, s.limits.answer)}
			}
		}
	}
}

// lateFactor times the patience for an answer is how long a late one is still
// taken.
const lateFactor = 10
