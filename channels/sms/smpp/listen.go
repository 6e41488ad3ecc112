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

// Listen keeps the binds up and passes delivery receipts and citizens' messages
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
	err := c.binds.hold(ctx)
	c.joiner.drop()
	c.binds.leave(context.WithoutCancel(ctx))
	return err
}

// receiveOnce takes one deliver_sm of a bind, unless a bind before it brought it
// and only its answer was lost.
func (c *Channel) receiveOnce(t *tenure, m *message, answer func(status)) {
	if _, is := readReceipt(m); is {
		c.receive(m, answer)
		return
	}
	if t.again(m, time.Now()) {
		c.log.Info("a message came again, whose answer was lost with the connection")
		answer(statusOK)
		return
	}
	c.receive(m, func(st status) {
		if st == statusOK {
			t.answered(m, time.Now())
		}
		answer(st)
	})
}

// receive takes one deliver_sm; answer says what became of it.
func (c *Channel) receive(m *message, answer func(status)) {
	l := c.listening.Load()
	if l == nil {
		answer(statusTemporary)
		return
	}
	if r, ok := readReceipt(m); ok {
		c.report(l, m, r, answer)
		return
	}
	store := func(text string) error {
		return c.kept(l.sink.Reply(l.ctx, c.name, channels.Reply{
			From: m.source.number(), To: m.destination.number(), Text: text, At: time.Now(),
		}))
	}
	f, long := m.fragment()
	switch {
	case !long:
		answer(statusOf(store(decode(m))))
	case !c.joiner.take(m, f, answer, store):
		answer(statusOf(store(numbered(m, int(f.number), int(f.total)))))
	}
}

// kept says in the log what the sink did not store.
func (c *Channel) kept(err error) error {
	if err != nil {
		c.log.Warn("what the SMSC brought is not stored: it will bring it again", zap.Error(err))
	}
	return err
}

// statusOf is what the SMSC is told of something that the sink took, or not.
func statusOf(err error) status {
	if err != nil {
		return statusTemporary
	}
	return statusOK
}

func (c *Channel) report(l *listening, m *message, r receipt, answer func(status)) {
	id := r.messageID()
	if id == "" {
		c.log.Warn("a delivery receipt without an id", zap.String("state", r.code()))
		answer(statusOK) // to bring it again would not give it one
		return
	}
	at := time.Now()
	c.spelling.settle(id, strings.TrimPrefix(m.source.digits, "+"), func(best string, others []string) {
		if r.id != "" && r.id != id && len(others) > 0 {
			others = append(others, r.id)
		}
		answer(statusOf(c.kept(l.sink.Report(l.ctx, c.name, channels.DeliveryReport{
			MessageID: best, Alternatives: others, State: r.report(), Code: r.code(), At: at,
		}))))
	})
}
