package smpp

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// piece is a part of a citizen's long message.
func piece(reference, total, number byte, words string) *message {
	return &message{source: address{1, 1, "393330001234"}, destination: address{1, 1, "390573000111"}, esmClass: esmUDH,
		text: append([]byte{5, 0, 3, reference, total, number}, words...)}
}

func sar(reference, total, number byte, words string) *message {
	return &message{source: address{1, 1, "393330001234"}, destination: address{1, 1, "390573000111"}, text: []byte(words),
		tlvs: []tlv{{tagSARReference, []byte{0, reference}}, {tagSARTotal, []byte{total}}, {tagSARNumber, []byte{number}}}}
}

func replies(m *memory) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, r := range m.replies {
		out = append(out, r.Text)
	}
	return out
}

func TestTheLongMessagesOfCitizensAreJoined(t *testing.T) {
	long := strings.Repeat("x", longestPart)
	fire := []byte{0xD8, 0x3D, 0xDD, 0x25} // 🔥, cut through by a phone
	for sentence, c := range map[string]struct {
		parts []*message
		want  []string
	}{
		"in their order":      {[]*message{piece(7, 2, 1, "Sono in via "), piece(7, 2, 2, "Roma")}, []string{"Sono in via Roma"}},
		"in another":          {[]*message{piece(7, 3, 3, "c"), piece(7, 3, 1, "a"), piece(7, 3, 2, "b")}, []string{"abc"}},
		"with parameters":     {[]*message{sar(7, 2, 1, "Sono in via "), sar(7, 2, 2, "Roma")}, []string{"Sono in via Roma"}},
		"two at once":         {[]*message{piece(7, 2, 1, "a"), piece(8, 2, 1, "x"), piece(7, 2, 2, "b"), piece(8, 2, 2, "y")}, []string{"ab", "xy"}},
		"a STOP in two parts": {[]*message{piece(1, 2, 1, "ST"), piece(1, 2, 2, "OP")}, []string{"STOP"}},
		"a cut character": {[]*message{
			{source: address{1, 1, "393330001234"}, esmClass: esmUDH, dataCoding: 8, text: append([]byte{5, 0, 3, 1, 2, 1}, fire[:2]...)},
			{source: address{1, 1, "393330001234"}, esmClass: esmUDH, dataCoding: 8, text: append([]byte{5, 0, 3, 1, 2, 2}, fire[2:]...)},
		}, []string{"🔥"}},
		"the long form of the header": {[]*message{
			{source: address{1, 1, "393330001234"}, esmClass: esmUDH, text: []byte("\x06\x08\x04\x01\x02\x02\x01VEN")},
			{source: address{1, 1, "393330001234"}, esmClass: esmUDH, text: []byte("\x06\x08\x04\x01\x02\x02\x02GO")},
		}, []string{"VENGO"}},
		"a header that counts wrong is none": {[]*message{piece(7, 2, 3, "SI"), piece(7, 1, 1, "NO"), piece(7, 0, 0, "FORSE")}, []string{"SI", "NO", "FORSE"}},
		"a part longer than an SMS":          {[]*message{{source: address{1, 1, "393330001234"}, esmClass: esmUDH, tlvs: []tlv{{tagPayload, append([]byte{5, 0, 3, 7, 2, 1}, long...)}}}}, []string{"(1/2) " + long}},
		"more parts than anybody writes":     {[]*message{piece(7, 200, 1, "x")}, []string{"(1/200) x"}},
	} {
		t.Run(sentence, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				s, m := new(smsc), newMemory()
				listen(t, newChannel(t, s, nil), m)
				for n, p := range c.parts {
					s.deliver(uint32(n+1), p)
				}
				synctest.Wait()
				if got := replies(m); fmt.Sprint(got) != fmt.Sprint(c.want) {
					t.Errorf("got %q, want %q", got, c.want)
				}
				for _, a := range s.answered() {
					if a.status != statusOK {
						t.Errorf("part %d is answered %s", a.seq, a.status)
					}
				}
				if n := len(s.answered()); n != len(c.parts) {
					t.Errorf("%d of %d parts are answered", n, len(c.parts))
				}
			})
		})
	}
}

// Nothing is confirmed before it is stored, whole or alone.
func TestAPartWaitsForTheOthersUnanswered(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, m := new(smsc), newMemory()
		listen(t, newChannel(t, s, nil), m)
		s.deliver(1, piece(7, 2, 1, "Sono in via "))
		time.Sleep(holdTime - time.Millisecond)
		synctest.Wait()
		if len(s.answered()) != 0 || len(replies(m)) != 0 {
			t.Fatalf("answered %+v, stored %q", s.answered(), replies(m))
		}
		// An SMSC that sends the next only after an answer: the part is stored
		// alone, then answered, and joined all the same.
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if got := replies(m); len(s.answered()) != 1 || fmt.Sprint(got) != "[(1/2) Sono in via ]" {
			t.Fatalf("answered %+v, stored %q", s.answered(), got)
		}
		s.deliver(2, piece(7, 2, 2, "Roma"))
		synctest.Wait()
		if got := replies(m); len(got) != 2 || got[1] != "Sono in via Roma" || len(s.answered()) != 2 {
			t.Errorf("answered %+v, stored %q", s.answered(), got)
		}
	})
}

func TestAStoreThatIsAwayLosesNoPart(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, m := new(smsc), newMemory()
		listen(t, newChannel(t, s, nil), m)
		s.deliver(1, piece(7, 3, 1, "a"))
		time.Sleep(holdTime) // part 1 is stored alone
		synctest.Wait()
		m.mu.Lock()
		m.fail = 1
		m.mu.Unlock()
		s.deliver(2, piece(7, 3, 2, "b"))
		s.deliver(3, piece(7, 3, 3, "c"))
		synctest.Wait()
		for seq, want := range map[uint32]status{1: statusOK, 2: statusTemporary, 3: statusTemporary} {
			for _, a := range s.answered() {
				if a.seq == seq && a.status != want {
					t.Errorf("part %d is answered %s, want %s", seq, a.status, want)
				}
			}
		}
		s.deliver(4, piece(7, 3, 2, "b")) // they come again
		s.deliver(5, piece(7, 3, 3, "c"))
		synctest.Wait()
		if got := replies(m); len(got) != 2 || got[1] != "abc" {
			t.Errorf("stored %q", got)
		}
		m.mu.Lock()
		m.fail = 1
		m.mu.Unlock()
		s.deliver(6, piece(9, 2, 1, "x"))
		time.Sleep(holdTime)
		synctest.Wait()
		if a := s.answered(); a[len(a)-1].status != statusTemporary {
			t.Errorf("a part that was not stored is answered %s", a[len(a)-1].status)
		}
		s.deliver(7, piece(9, 2, 2, "y")) // the first is with the SMSC again: nothing to join yet
		synctest.Wait()
		if got := replies(m); len(got) != 2 {
			t.Errorf("stored %q", got[2:])
		}
		s.deliver(8, piece(9, 2, 1, "x"))
		synctest.Wait()
		if got := replies(m); len(got) != 3 || got[2] != "xy" {
			t.Errorf("stored %q", got)
		}
	})
}

func TestWhatIsNotCompleteEnds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, m := new(smsc), newMemory()
		c := newChannel(t, s, nil)
		listen(t, c, m)
		s.deliver(1, piece(7, 2, 1, "vecchio "))
		time.Sleep(joinTime + time.Second)
		synctest.Wait()
		c.joiner.mu.Lock()
		left := len(c.joiner.groups)
		c.joiner.mu.Unlock()
		if left != 0 {
			t.Errorf("%d groups are kept for ever", left)
		}
		s.deliver(2, piece(7, 2, 2, "nuovo")) // another message with the same reference
		time.Sleep(holdTime)
		synctest.Wait()
		if got := replies(m); fmt.Sprint(got) != "[(1/2) vecchio  (2/2) nuovo]" {
			t.Errorf("stored %q", got)
		}
	})
}

func TestAFloodOfPartsIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		m := newMemory()
		c := newChannel(t, nil, nil)
		c.listening.Store(&listening{t.Context(), m})
		answered := 0
		for n := range mostGroups + 50 {
			p := piece(1, 2, 1, "x")
			p.source.digits = fmt.Sprint("39333", n)
			c.receive(p, func(st status) {
				if st == statusOK {
					answered++
				}
			})
		}
		if answered != 50 || len(replies(m)) != 50 || len(c.joiner.groups) != mostGroups {
			t.Errorf("%d answered, %d stored, %d waiting", answered, len(replies(m)), len(c.joiner.groups))
		}
		c.joiner.drop()
		if len(c.joiner.groups) != 0 {
			t.Error("groups are left")
		}
	})
}

// A part that waits keeps its text alone: what a peer hangs on it, or repeats,
// costs nothing for long.
func TestAPartThatWaitsIsSmall(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		m := newMemory()
		c := newChannel(t, nil, nil)
		c.listening.Store(&listening{t.Context(), m})
		heavy := func() *message {
			frame, err := appendPDU(nil, pdu{command: deliverSM, body: &message{source: address{1, 1, "393330001234"}, esmClass: esmUDH,
				tlvs: []tlv{{tagPayload, append([]byte{5, 0, 3, 1, 2, 1}, "Sono in "...)}, {0x1400, make([]byte, 60000)}}}})
			if err != nil {
				t.Fatal(err)
			}
			p, err := decodePDU(frame)
			if err != nil {
				t.Fatal(err)
			}
			return p.body.(*message)
		}
		count := map[status]int{}
		for range mostRepeats + 5 {
			c.receive(heavy(), func(st status) { count[st]++ })
		}
		if count[statusTemporary] != 5 || len(count) != 1 {
			t.Errorf("answered %v, want 5 that come again", count)
		}
		for _, g := range c.joiner.groups {
			if p := g.parts[0]; p == nil || len(p.tlvs) != 0 || cap(p.text) > 2*longestPart {
				t.Errorf("kept %d octets and %d parameters", cap(p.text), len(p.tlvs))
			}
		}
		c.receive(&message{source: address{1, 1, "393330001234"}, esmClass: esmUDH, text: append([]byte{5, 0, 3, 1, 2, 2}, "via Roma"...)}, func(st status) { count[st]++ })
		if got := replies(m); fmt.Sprint(got) != "[Sono in via Roma]" || count[statusOK] != mostRepeats+1 {
			t.Errorf("stored %q, answered %v", got, count)
		}
	})
}

func TestEndingTheListeningLeavesThePartsWithTheSMSC(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := newChannel(t, nil, nil)
		c.listening.Store(&listening{t.Context(), newMemory()})
		var got []status
		c.receive(piece(1, 2, 1, "x"), func(st status) { got = append(got, st) })
		c.joiner.drop()
		time.Sleep(joinTime)
		if len(got) != 1 || got[0] != statusTemporary {
			t.Errorf("answered %v", got)
		}
	})
}

// The SMSC is told before we go, so that it brings the part again at once.
func TestTheSMSCIsToldOfPartsThatWaitedWhenWeLeave(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, m := new(smsc), newMemory()
		c := newChannel(t, s, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Listen(ctx, m) }()
		synctest.Wait()
		s.deliver(1, piece(7, 2, 1, "Sono in via "))
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got := s.answered(); len(got) != 1 || got[0].status != statusTemporary || len(replies(m)) != 0 {
			t.Errorf("answered %+v, stored %q", got, replies(m))
		}
	})
}

// Whatever comes as a citizen's message, it is answered once and never crashes
// the reader.
func FuzzReceive(f *testing.F) {
	for _, m := range []*message{piece(7, 2, 1, "a"), sar(1, 2, 2, "b"), receiptFor("1001"), {text: []byte("SI")}, {esmClass: esmUDH, text: []byte{255}}} {
		b, err := appendPDU(nil, pdu{command: deliverSM, body: m})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[headerSize:], b[headerSize:])
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		m := newMemory()
		c := newChannel(t, nil, nil)
		c.listening.Store(&listening{t.Context(), m})
		asked, answered := 0, 0
		for _, b := range [][]byte{one, two, one} {
			var body message
			in := fields{rest: b}
			if body.parse(&in); in.err != nil {
				continue
			}
			asked++
			c.receive(&body, func(status) { answered++ })
		}
		c.joiner.drop()
		if asked != answered {
			t.Errorf("%d of %d are answered", answered, asked)
		}
	})
}
