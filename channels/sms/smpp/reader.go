package smpp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"go.uber.org/zap"
)

// read takes everything that the SMSC says.
func (s *session) read(r *bufio.Reader) {
	var buf []byte
	var err error
	for {
		if buf, err = readFrame(r, buf); err != nil {
			if bad, ok := errors.AsType[*malformed](err); ok {
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
	case p.command == alertNotify: // a phone can be reached again: we asked for none
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
