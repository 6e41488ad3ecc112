package smpp

import "hash/maphash"

// inbound takes a deliver_sm and calls answer once, now or later, when its
// content is durable or surely not kept. It may be called from several
// goroutines; answer too, also after the session has ended.
type inbound func(m *message, answer func(status))

// delivery is one deliver_sm that waits for its answer.
type delivery struct {
	seq     uint32
	message *message
}

// hand passes a deliver_sm to its lane. Messages from one number share a lane,
// so that a person's "SI" and "NO" stay in their order. The reader never waits:
// when the lane is full the SMSC is asked to come again.
func (s *session) hand(d delivery) {
	lane := s.lanes[maphash.String(s.laneSeed, d.message.source.digits)%inboundLanes]
	select {
	case lane <- d:
	default:
		s.answerDelivery(d.seq, statusTemporary)
	}
}

func (s *session) work(lane chan delivery) {
	for {
		select {
		case <-s.done:
			return
		case d := <-lane:
			s.inbound(d.message, func(st status) { s.answerDelivery(d.seq, st) })
		}
	}
}

func (s *session) answerDelivery(seq uint32, st status) {
	s.reply(pdu{command: deliverSM.response(), status: st, seq: seq, body: &messageAnswer{}})
}
