package smpp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
)

var testLimits = limits{window: 4, bind: time.Second, answer: 5 * time.Second, write: 3 * time.Second, enquire: 30 * time.Second, farewell: 2 * time.Second}

func testSession(t *testing.T, s *smsc) *session {
	t.Helper()
	s.password = testPassword
	conn, _ := s.dial(t.Context(), "")
	se, err := bind(t.Context(), conn, bindTransceiver, bindRequest{systemID: "gw", password: testPassword}, testLimits, func(_ *message, answer func(status)) { answer(statusOK) }, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { se.end(errUnbound); se.wait() })
	return se
}

func TestAFullWindowWaits(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var held []pdu
		var mu sync.Mutex
		s := &smsc{on: func(_ *caller, p pdu) bool {
			if p.command == submitSM {
				mu.Lock()
				held = append(held, p)
				mu.Unlock()
			}
			return p.command == submitSM
		}}
		se := testSession(t, s)
		var waiting []*request
		for range testLimits.window {
			r, err := se.start(t.Context(), submitSM, &message{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			waiting = append(waiting, r)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := se.start(ctx, submitSM, &message{}, nil)
		if !errors.Is(err, errNotWritten) || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Fatalf("got %v after %v, want to have waited a second without writing", err, time.Since(start))
		}
		go func() {
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			s.newest().take(held[0])
		}()
		start = time.Now()
		if _, err := se.start(t.Context(), submitSM, &message{}, nil); err != nil || time.Since(start) != time.Second {
			t.Errorf("got %v after %v, want a place when one answer came", err, time.Since(start))
		}
		synctest.Wait()
		if n := len(s.seen()); n != testLimits.window+1 {
			t.Errorf("%d submits, want %d", n, testLimits.window+1)
		}
		if p, err := se.await(t.Context(), waiting[0]); err != nil || p.body.(*messageAnswer).id != "1001" {
			t.Errorf("got %+v, %v", p, err)
		}
	})
}

func TestSequenceNumbersAreOfOneRequestEach(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := new(smsc)
		se := testSession(t, s)
		se.seq = 0x7FFFFFFF - 50 // around the end
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				r, err := se.start(t.Context(), submitSM, &message{text: []byte("x")}, nil)
				if err != nil {
					t.Error(err)
					return
				}
				if p, err := se.await(t.Context(), r); err != nil || p.seq != r.seq {
					t.Errorf("request %d got the answer of %d, %v", r.seq, p.seq, err)
				}
			})
		}
		wg.Wait()
		seen := map[uint32]bool{}
		for _, p := range s.seen() {
			if seen[p.seq] || p.seq == 0 || p.seq > 0x7FFFFFFF {
				t.Errorf("sequence number %#x twice, or out of range", p.seq)
			}
			seen[p.seq] = true
		}
		if len(seen) != 100 {
			t.Errorf("%d requests, want 100", len(seen))
		}
	})
}

// A number that still waits for its answer is passed over when the numbers come
// round: the answer would be given to another text.
func TestASequenceNumberThatWaitsIsNotGivenAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		se := testSession(t, &smsc{on: func(_ *caller, p pdu) bool { return p.command == submitSM }})
		first, err := se.start(t.Context(), submitSM, &message{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		se.mu.Lock()
		se.seq = first.seq - 1
		se.mu.Unlock()
		second, err := se.start(t.Context(), submitSM, &message{}, nil)
		if err != nil || second.seq == first.seq {
			t.Errorf("both have the number %d (%v)", first.seq, err)
		}
	})
}

// A peer that asks and asks, and reads nothing, does not fill the memory.
func TestAPeerThatOnlyAsksIsLeft(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		go func() {
			if _, err := readFrame(bufio.NewReader(theirs), nil); err != nil {
				return
			}
			bound, _ := appendPDU(nil, pdu{command: bindTransceiver.response(), seq: 1, body: &bindAnswer{}})
			ask, _ := appendPDU(nil, pdu{command: enquireLink, seq: 2})
			_, err := theirs.Write(bound)
			for n := 0; n < 20_000 && err == nil; n++ { // more than a batch and the queue
				_, err = theirs.Write(ask)
			}
		}()
		l := testLimits
		l.write = time.Hour
		se, err := bind(t.Context(), ours, bindTransceiver, bindRequest{}, l, func(_ *message, answer func(status)) { answer(statusOK) }, zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		limit := time.AfterFunc(time.Minute, func() { se.end(errors.New("still there after a minute")) })
		defer limit.Stop()
		<-se.done
		se.wait()
		if got := se.reason().Error(); got != "the SMSC does not read what it is sent" {
			t.Errorf("left because %s", got)
		}
	})
}

func TestALostConnectionTellsTheWrittenFromTheQueued(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		stuck := make(chan struct{})
		s := &smsc{on: func(c *caller, p pdu) bool {
			if p.command == submitSM && len(c.smsc.seen()) == 2 {
				<-stuck // reads no more: what comes now stays with the sender
				return true
			}
			return p.command == submitSM
		}}
		defer close(stuck)
		se := testSession(t, s)
		var requests []*request
		for range 4 {
			r, err := se.start(t.Context(), submitSM, &message{text: []byte("x")}, nil)
			if err != nil {
				t.Fatal(err)
			}
			requests = append(requests, r)
			synctest.Wait()
		}
		for i, r := range requests {
			want := errNoAnswer
			if i >= 2 { // the third filled the pipe, no octet of it was taken; the fourth never left the queue
				want = errNotWritten
			}
			if _, err := se.await(t.Context(), r); !errors.Is(err, want) {
				t.Errorf("request %d: got %v, want %v", i, err, want)
			}
		}
		if _, err := se.start(t.Context(), submitSM, &message{}, nil); !errors.Is(err, errNotWritten) {
			t.Errorf("on an ended session: got %v, want %v", err, errNotWritten)
		}
	})
}

// The same where the session ends while a write is under way: how far it came is
// known to the writer alone.
func TestAnEndDuringAWriteTellsTheWrittenFromTheQueued(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		stuck := make(chan struct{})
		defer close(stuck)
		se := testSession(t, &smsc{on: func(c *caller, p pdu) bool {
			if p.command == submitSM && len(c.smsc.seen()) == 2 {
				<-stuck // reads no more
			}
			return p.command == submitSM
		}})
		var requests []*request
		for range 4 {
			r, err := se.start(t.Context(), submitSM, &message{text: []byte("x")}, nil)
			if err != nil {
				t.Fatal(err)
			}
			requests = append(requests, r)
			synctest.Wait()
		}
		se.end(errSilent)
		for i, r := range requests {
			want := errNoAnswer
			if i >= 2 {
				want = errNotWritten
			}
			if _, err := se.await(t.Context(), r); !errors.Is(err, want) {
				t.Errorf("request %d: got %v, want %v", i, err, want)
			}
		}
	})
}

func TestSMSCClosesWithRequestsInFlight(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := &smsc{on: func(c *caller, p pdu) bool {
			if p.command == submitSM && len(c.smsc.seen()) == 3 {
				c.Close()
			}
			return p.command == submitSM
		}}
		c := newChannel(t, s, nil)
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				_, err := c.Send(t.Context(), text(fmt.Sprint(i), "Piove."))
				verdict(t, err, channels.VerdictUncertain)
			})
		}
		wg.Wait()
	})
}

// Who leaves takes nothing more, and what comes is told so at once.
func TestASessionThatLeavesTakesNothingMore(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := &smsc{on: func(c *caller, p pdu) bool {
			if p.command == submitSM {
				go func() { time.Sleep(time.Second); c.take(p) }()
			}
			return p.command == submitSM
		}}
		se := testSession(t, s)
		r, err := se.start(t.Context(), submitSM, &message{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		gone := make(chan struct{})
		go func() { se.leave(t.Context()); close(gone) }()
		synctest.Wait()
		for range 2 * testLimits.window {
			go func() {
				if _, err := se.start(t.Context(), submitSM, &message{}, nil); !errors.Is(err, errNotWritten) {
					t.Errorf("got %v, want %v", err, errNotWritten)
				}
			}()
		}
		synctest.Wait()
		if se.alive() {
			t.Error("others would still choose it")
		}
		if _, err := se.await(t.Context(), r); err != nil {
			t.Errorf("what was in flight: %v", err)
		}
		<-gone
		if n := len(s.seen()); n != 1 || s.unbinds() != 1 {
			t.Errorf("%d submits, %d unbinds", n, s.unbinds())
		}
	})
}

// Requests that are never answered are kept for a while, for late answers, and
// not for ever.
func TestWhatIsNeverAnsweredIsForgotten(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		se := testSession(t, &smsc{on: func(_ *caller, p pdu) bool { return p.command == submitSM }})
		for range testLimits.window {
			r, err := se.start(t.Context(), submitSM, &message{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := se.await(t.Context(), r); !errors.Is(err, errNoAnswer) {
				t.Fatalf("got %v", err)
			}
		}
		kept := func() int {
			se.mu.Lock()
			defer se.mu.Unlock()
			return len(se.pending)
		}
		if n := kept(); n != testLimits.window {
			t.Errorf("%d wait for a late answer, want %d", n, testLimits.window)
		}
		time.Sleep((lateFactor + 1) * testLimits.answer)
		if n := kept(); n != 0 {
			t.Errorf("%d are kept for ever", n)
		}
	})
}

func TestASilentPeerIsAskedAndLeft(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		asked := 0
		s := &smsc{on: func(_ *caller, p pdu) bool {
			if p.command == enquireLink {
				asked++
			}
			return p.command == enquireLink
		}}
		se := testSession(t, s)
		start := time.Now()
		<-se.done
		synctest.Wait()
		if took := time.Since(start); took < 35*time.Second || took > 38*time.Second || asked != 1 || se.reason() != errSilent {
			t.Errorf("left after %v and %d questions because %v", took, asked, se.reason())
		}
	})
}

func TestALivingPeerIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := new(smsc)
		se := testSession(t, s)
		time.Sleep(10 * time.Minute)
		if err := se.reason(); err != nil {
			t.Errorf("ended: %v", err)
		}
		s.newest().send(pdu{command: enquireLink, seq: 9}) // and it may ask us
		synctest.Wait()
	})
}

// talk runs a session against a peer that the test plays by hand.
func talk(t *testing.T, inbound func(*message) status) (se *session, say func(pdu), hear func() pdu) {
	t.Helper()
	ours, theirs := net.Pipe()
	r := bufio.NewReader(theirs)
	hear = func() pdu {
		frame, err := readFrame(r, nil)
		if err != nil {
			t.Fatalf("nothing to hear: %v", err)
		}
		p, err := decodePDU(frame)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	say = func(p pdu) {
		b, err := appendPDU(nil, p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := theirs.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	bound := make(chan struct{})
	go func() {
		defer close(bound)
		hear()
		say(pdu{command: enquireLink, seq: 77}) // too early: passed over
		say(pdu{command: bindTransceiver.response(), seq: 1, body: &bindAnswer{}})
	}()
	se, err := bind(t.Context(), ours, bindTransceiver, bindRequest{}, testLimits, func(m *message, answer func(status)) { answer(inbound(m)) }, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	<-bound
	t.Cleanup(func() { theirs.Close(); se.end(errUnbound); se.wait() })
	return se, say, hear
}

func TestEveryRequestOfThePeerIsAnswered(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		_, say, hear := talk(t, func(m *message) status {
			if string(m.text) == "later" {
				return statusTemporary
			}
			return statusOK
		})
		for _, c := range []struct {
			ask  pdu
			want pdu
		}{
			{pdu{command: enquireLink, seq: 5}, pdu{command: enquireLink.response(), seq: 5}},
			{pdu{command: deliverSM, seq: 6, body: &message{}}, pdu{command: deliverSM.response(), seq: 6}},
			{pdu{command: deliverSM, seq: 7, body: &message{text: []byte("later")}}, pdu{command: deliverSM.response(), seq: 7, status: statusTemporary}},
			{pdu{command: querySM, seq: 8, body: &query{}}, pdu{command: genericNack, seq: 8, status: statusInvalidCommand}},
			{pdu{command: 0x103, seq: 9}, pdu{command: genericNack, seq: 9, status: statusInvalidCommand}},
			{pdu{command: deliverSM, seq: 10}, pdu{command: genericNack, seq: 10, status: statusInvalidLength}},
			{pdu{command: unbind, seq: 11}, pdu{command: unbind.response(), seq: 11}},
		} {
			say(pdu{command: alertNotify, seq: 4}) // never answered
			say(c.ask)
			got := hear()
			got.body = nil
			if got != c.want {
				t.Errorf("%s: got %+v, want %+v", c.ask.command, got, c.want)
			}
		}
	})
}

func TestALengthThatNoPDUHasEndsTheSession(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := &smsc{on: func(c *caller, p pdu) bool {
			if p.command == submitSM {
				c.Write([]byte{0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1})
			}
			return p.command == submitSM
		}}
		c := newChannel(t, s, nil)
		_, err := c.Send(t.Context(), text("k", "Piove."))
		verdict(t, err, channels.VerdictUncertain)
	})
}

func TestStrangeAnswers(t *testing.T) {
	for sentence, c := range map[string]struct {
		answer func(seq uint32) pdu
		want   channels.Verdict
	}{
		"refused with generic_nack":           {func(seq uint32) pdu { return pdu{command: genericNack, status: statusInvalidCommand, seq: seq} }, channels.VerdictPermanent},
		"not understood, for reasons unknown": {func(seq uint32) pdu { return pdu{command: genericNack, status: 0xFF, seq: seq} }, channels.VerdictRetry},
		"generic_nack without a status":       {func(seq uint32) pdu { return pdu{command: genericNack, seq: seq} }, channels.VerdictUncertain},
		"an answer to another kind":           {func(seq uint32) pdu { return pdu{command: enquireLink.response(), seq: seq} }, channels.VerdictUncertain},
		"an answer to another request": {func(seq uint32) pdu {
			return pdu{command: submitSM.response(), seq: seq + 1, body: &messageAnswer{"1"}}
		}, channels.VerdictUncertain},
		"taken, without any id": {func(seq uint32) pdu { return pdu{command: submitSM.response(), seq: seq} }, channels.VerdictAccepted},
	} {
		t.Run(sentence, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				s := &smsc{on: func(caller *caller, p pdu) bool {
					if p.command == submitSM {
						caller.send(c.answer(p.seq))
					}
					return p.command == submitSM
				}}
				_, err := newChannel(t, s, nil).Send(t.Context(), text("k", "Piove."))
				verdict(t, err, c.want)
			})
		})
	}
}

func TestBindGivesUp(t *testing.T) {
	for sentence, on := range map[string]func(c *caller, p pdu) bool{
		"closes without a word": func(c *caller, p pdu) bool { c.Close(); return true },
		"says nothing":          func(c *caller, p pdu) bool { return true },
		"talks of other things": func(c *caller, p pdu) bool {
			for range 200 {
				c.send(pdu{command: enquireLink, seq: 1})
			}
			return true
		},
		"answers nonsense":  func(c *caller, p pdu) bool { c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")); return true },
		"says generic_nack": func(c *caller, p pdu) bool { c.send(pdu{command: genericNack, seq: p.seq}); return true },
	} {
		t.Run(sentence, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				start := time.Now()
				_, err := newChannel(t, &smsc{on: on}, nil).Send(t.Context(), text("k", "Piove."))
				verdict(t, err, channels.VerdictRetry)
				if took := time.Since(start); took > bindTime {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}
