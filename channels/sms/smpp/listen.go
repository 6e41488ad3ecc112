package smpp

import (
	"context"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
)

// listening is who takes what comes back.
type listening struct {
	ctx  context.Context
	sink channels.Sink
}

// Listen keeps the bind up and passes delivery receipts and citizens' messages
// to the sink until ctx ends; then it unbinds, after the answers in flight. The
// SMSC gets its deliver_sm_resp when the sink has stored them; if the sink
// fails, and while nobody listens, it is told to come again. Blocks; one
// listener at a time.
func (c *Channel) Listen(ctx context.Context, to channels.Sink) error {
	l := &listening{ctx, to}
	if !c.listening.CompareAndSwap(nil, l) {
		return errListening
	}
	defer c.listening.Store(nil)
	err := c.link.hold(ctx)
	c.link.leave(context.WithoutCancel(ctx))
	return err
}

// receive takes one deliver_sm and says what the SMSC is answered.
func (c *Channel) receive(m *message) status {
	l := c.listening.Load()
	if l == nil {
		return statusTemporary
	}
	var err error
	if r, ok := readReceipt(m); ok {
		err = c.report(l, m, r)
	} else {
		err = l.sink.Reply(l.ctx, c.name, channels.Reply{
			From: m.source.number(), To: m.destination.number(), Text: decode(m), At: time.Now(),
		})
	}
	if err != nil {
		c.log.Warn("what the SMSC brought is not stored: it will bring it again", zap.Error(err))
		return statusTemporary
	}
	return statusOK
}

func (c *Channel) report(l *listening, m *message, r receipt) error {
	id := r.messageID()
	if id == "" {
		c.log.Warn("a delivery receipt without an id", zap.String("state", r.code()))
		return nil // to bring it again would not give it one
	}
	best, others := c.spelling.resolve(id, strings.TrimPrefix(m.source.digits, "+"))
	if r.id != "" && r.id != id && len(others) > 0 {
		others = append(others, r.id)
	}
	return l.sink.Report(l.ctx, c.name, channels.DeliveryReport{
		MessageID: best, Alternatives: others, State: r.report(), Code: r.code(), At: time.Now(),
	})
}
