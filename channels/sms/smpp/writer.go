package smpp

import (
	"fmt"
	"time"
)

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
			n, err := 0, s.conn.SetWriteDeadline(time.Now().Add(s.limits.write))
			if err == nil {
				n, err = s.conn.Write(batch)
			}
			s.wrote(sent, n, err)
			if err != nil {
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
	s.writing = len(batch) > 0
	rest := copy(s.queue, s.queue[n:])
	clear(s.queue[rest:])
	s.queue = s.queue[:rest]
	return batch, sent
}

// wrote notes how far a batch came. What a broken write left behind returns to
// the state queued: a PDU whose last octet never entered the connection cannot
// have been understood.
func (s *session) wrote(sent []*request, n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing = false
	if err != nil {
		for _, r := range sent {
			if r.stage == written && r.end > n {
				r.stage = queued
			}
		}
	}
	if s.ended != nil { // the session ended meanwhile and left this to us
		s.settleAll()
	}
}
