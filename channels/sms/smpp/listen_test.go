package smpp

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"martinella/channels"
)

// listen starts a Listen that ends with the test.
func listen(t *testing.T, c *Channel, to channels.Sink) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Listen(ctx, to) }()
	synctest.Wait() // it is bound
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("listen: %v", err)
		}
	})
}

func receiptFor(id string) *message {
	return &message{source: address{1, 1, "393330001234"}, destination: address{5, 0, "Comune"}, esmClass: esmReceipt,
		text: fmt.Appendf(nil, "id:%s sub:001 dlvrd:001 submit date:2611211930 done date:2611211930 stat:DELIVRD err:000 text:x", id)}
}

func TestReceiptsReachTheSink(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, m := new(smsc), newMemory()
		c := newChannel(t, s, nil)
		listen(t, c, m)
		if _, err := c.Send(t.Context(), text("k", "Piove.")); err != nil {
			t.Fatal(err)
		}
		s.deliver(1, receiptFor("1001"))
		m.wait(t, 1)
		synctest.Wait()
		want := channels.DeliveryReport{MessageID: "1001", State: channels.ReportDelivered, Code: "DELIVRD", At: time.Now()}
		if got := m.reports[0]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		if got := s.answered(); len(got) != 1 || got[0].status != statusOK || got[0].seq != 1 {
			t.Errorf("answered %+v", got)
		}
	})
}

func TestTheSMSCIsAnsweredAfterTheSink(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, m := new(smsc), newMemory()
		m.fail = 1
		c := newChannel(t, s, nil)
		listen(t, c, m)
		synctest.Wait()
		for seq := range uint32(2) {
			s.deliver(seq+1, receiptFor("1001"))
			synctest.Wait()
		}
		got := s.answered()
		if len(got) != 2 || got[0].status != statusTemporary || got[1].status != statusOK || len(m.reports) != 1 {
			t.Errorf("answered %+v, stored %d", got, len(m.reports))
		}
	})
}

func TestWithoutAListenerTheSMSCKeepsIt(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := new(smsc)
		c := newChannel(t, s, nil)
		if err := c.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.deliver(1, receiptFor("1001"))
		synctest.Wait()
		if got := s.answered(); len(got) != 1 || got[0].status != statusTemporary {
			t.Errorf("answered %+v", got)
		}
		if n := len(s.seen()); n != 0 {
			t.Errorf("the check sent %d messages", n)
		}
	})
}

func TestAReceiptBeforeTheAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		m := newMemory()
		s := &smsc{on: func(c *caller, p pdu) bool {
			if p.command == submitSM {
				c.send(pdu{command: deliverSM, seq: 1, body: receiptFor("1001")})
			}
			return false
		}}
		c := newChannel(t, s, nil)
		listen(t, c, m)
		got, err := c.Send(t.Context(), text("k", "Piove."))
		if err != nil || got.ID != "1001" {
			t.Fatalf("got %+v, %v", got, err)
		}
		m.wait(t, 1)
		if m.reports[0].MessageID != "1001" {
			t.Errorf("reported %+v", m.reports[0])
		}
	})
}

func TestRepliesKeepTheirOrder(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, m := new(smsc), newMemory()
		c := newChannel(t, s, nil)
		listen(t, c, m)
		synctest.Wait()
		for n := range uint32(50) {
			s.deliver(n+1, &message{source: address{1, 1, "393330001234"}, destination: address{1, 1, "390573000111"}, text: []byte(fmt.Sprint("SI ", n))})
		}
		m.wait(t, 50)
		for n, r := range m.replies {
			if r.Text != fmt.Sprint("SI ", n) || r.From != "+393330001234" || r.To != "+390573000111" {
				t.Fatalf("reply %d is %+v", n, r)
			}
		}
	})
}

// slow is a Sink that stores nothing until it is let go.
type slow struct {
	*memory
	let chan struct{}
}

func (s slow) Reply(ctx context.Context, channel string, r channels.Reply) error {
	<-s.let
	return s.memory.Reply(ctx, channel, r)
}

func TestAFloodIsAskedToComeAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, m := new(smsc), slow{newMemory(), make(chan struct{})}
		c := newChannel(t, s, nil)
		listen(t, c, m)
		synctest.Wait()
		const flood = laneLength + 20
		for n := range uint32(flood) {
			s.deliver(n+1, &message{source: address{1, 1, "393330001234"}, text: []byte("SI")})
		}
		synctest.Wait()
		back := s.answered()
		if len(back) != 19 { // one in work, a lane full
			t.Errorf("%d are sent back, want 19", len(back))
		}
		for _, p := range back {
			if p.status != statusTemporary {
				t.Errorf("%d is answered %s, and stored nowhere", p.seq, p.status)
			}
		}
		// Submits are answered all the while.
		if _, err := c.Send(t.Context(), text("k", "Piove.")); err != nil {
			t.Error(err)
		}
		close(m.let)
		m.wait(t, laneLength+1)
		synctest.Wait()
		if got := len(s.answered()); got != flood {
			t.Errorf("%d of %d are answered", got, flood)
		}
	})
}

func TestOneListenerAtATime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := newChannel(t, new(smsc), nil)
		listen(t, c, newMemory())
		synctest.Wait()
		if err := c.Listen(t.Context(), newMemory()); err != errListening {
			t.Errorf("got %v, want %v", err, errListening)
		}
	})
}
