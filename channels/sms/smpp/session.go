package smpp

import (
	"bufio"
	"bytes"
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
	inbound    func(*message) status // a deliver_sm; blocks until its content is durable
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

// bind opens a session on a fresh connection. A refused bind is a *refusal,
// also where the SMSC hangs up right behind it. On an error the connection is
// closed.
func bind(ctx context.Context, conn net.Conn, who bindRequest, l limits, inbound func(*message) status, log *zap.Logger) (*session, error) {
	s := &session{
		conn: conn, limits: l, inbound: inbound, log: log, seq: 1,
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
	stop := context.AfterFunc(ctx, func() { s.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := s.conn.SetDeadline(time.Now().Add(s.limits.bind)); err != nil {
		return err
	}
	frame, err := appendPDU(nil, pdu{command: bindTransceiver, seq: s.seq, body: &who})
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
		if p.command != bindTransceiver.response() && p.command != genericNack {
			continue
		}
		if p.status != statusOK {
			return &refusal{bindTransceiver, p.status}
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
// the first call counts.
func (s *session) end(why error) {
	s.mu.Lock()
	if s.ended != nil {
		s.mu.Unlock()
		return
	}
	s.ended = why
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
			r.answer <- answer{err: fmt.Errorf("%w: %w", fate, why)}
		}
	}
	s.queue = nil
	close(s.done)
	s.mu.Unlock()
	s.conn.Close()
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

// write takes what is queued, all together, to the connection.
func (s *session) write() {
	var batch []byte
	var sent []*request
	for {
		select {
		case <-s.done:
			return
		case <-s.wake:
		}
		for {
			batch, sent = s.nextBatch(batch[:0], sent[:0])
			if len(batch) == 0 {
				break
			}
			if err := s.conn.SetWriteDeadline(time.Now().Add(s.limits.write)); err != nil {
				s.end(err)
				return
			}
			if n, err := s.conn.Write(batch); err != nil {
				s.takeBack(sent, n)
				s.end(fmt.Errorf("write: %w", err))
				return
			}
			clear(sent)
		}
		s.mu.Lock()
		why := s.hangUp
		s.mu.Unlock()
		if why != nil {
			s.end(why)
			return
		}
	}
}

func (s *session) nextBatch(batch []byte, sent []*request) ([]byte, []*request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, n := time.Now(), 0
	for _, r := range s.queue {
		if len(batch) >= batchSize {
			break
		}
		n++
		if r.stage == settled {
			continue
		}
		r.stage, r.at = written, now
		batch = append(batch, r.frame...)
		r.frame, r.end = nil, len(batch)
		if r.last != nil {
			s.hangUp = r.last
		}
		sent = append(sent, r)
	}
	rest := copy(s.queue, s.queue[n:])
	clear(s.queue[rest:])
	s.queue = s.queue[:rest]
	return batch, sent
}

// takeBack returns to the state queued what a broken write left behind: a PDU
// whose last octet never entered the connection cannot have been understood.
func (s *session) takeBack(sent []*request, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range sent {
		if r.stage == written && r.end > n {
			r.stage = queued
		}
	}
}

// read takes everything that the SMSC says.
func (s *session) read(r *bufio.Reader) {
	var buf []byte
	var err error
	for {
		if buf, err = readFrame(r, buf); err != nil {
			var bad *malformed
			if errors.As(err, &bad) {
				s.hangUpAfter(pdu{command: genericNack, status: bad.status}, err)
				return
			}
			if errors.Is(err, io.EOF) {
				err = errors.New("the SMSC closed the connection")
			}
			s.end(err)
			return
		}
		s.lastRead.Store(time.Now().UnixNano())
		s.take(buf)
	}
}

// hangUpAfter writes what is queued and then p, and ends.
func (s *session) hangUpAfter(p pdu, why error) {
	frame, err := appendPDU(nil, p)
	if err != nil {
		s.end(why)
		return
	}
	s.mu.Lock()
	s.leaving = true
	s.mu.Unlock()
	_ = s.enqueue(&request{command: p.command, seq: p.seq, frame: frame, last: why}) // nothing to do for an ended session
}

// take handles one PDU; frame is only valid during the call.
func (s *session) take(frame []byte) {
	p, err := decodePDU(frame)
	if p.command.isResponse() {
		s.match(p, err)
		return
	}
	switch {
	case err != nil:
		var bad *malformed
		errors.As(err, &bad)
		s.log.Warn("the SMSC sent what cannot be read", zap.Stringer("command", p.command), zap.Error(err))
		s.reply(pdu{command: genericNack, status: bad.status, seq: p.seq})
	case p.command == enquireLink:
		s.reply(pdu{command: enquireLink.response(), seq: p.seq})
	case p.command == unbind:
		s.hangUpAfter(pdu{command: unbind.response(), seq: p.seq}, errors.New("the SMSC ended the session"))
	case p.command == deliverSM:
		again, _ := decodePDU(bytes.Clone(frame)) // it outlives the buffer
		s.hand(delivery{p.seq, again.body.(*message)})
	default: // a request that only an SMSC serves
		s.reply(pdu{command: genericNack, status: statusInvalidCommand, seq: p.seq})
	}
}

// match gives an answer to the request that waits for it.
func (s *session) match(p pdu, err error) {
	s.mu.Lock()
	r := s.pending[p.seq]
	if r == nil || (p.command != r.command.response() && p.command != genericNack) {
		s.mu.Unlock()
		s.log.Warn("the SMSC answered something that nobody asked", zap.Stringer("command", p.command), zap.Uint32("sequence", p.seq), zap.Stringer("status", p.status))
		return
	}
	a := answer{pdu: p}
	switch {
	case err != nil && p.status == statusOK: // it said yes to something, but not under which id
		a.err = fmt.Errorf("%w readably: %w", errNoAnswer, err)
	case p.command == genericNack && p.status == statusOK:
		a.err = fmt.Errorf("%w: generic_nack without a status", errNoAnswer)
	}
	after := s.settle(r, a)
	s.mu.Unlock()
	if after != nil {
		after()
	}
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
