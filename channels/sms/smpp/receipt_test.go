package smpp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"martinella/channels"
)

const usualReceipt = "id:1001 sub:001 dlvrd:001 submit date:2611211930 done date:2611211930 stat:DELIVRD err:000 text:ALLERTA"

func TestReadReceipt(t *testing.T) {
	id := func(s string) tlv { return tlv{tagReceiptedID, []byte(s)} }
	state := func(b byte) tlv { return tlv{tagMessageState, []byte{b}} }
	for sentence, c := range map[string]struct {
		esm   byte
		text  string
		tlvs  []tlv
		id    string
		state channels.ReportState
		code  string
	}{
		"text and parameters":                   {4, usualReceipt, []tlv{id("1001\x00"), state(2)}, "1001", channels.ReportDelivered, "DELIVRD"},
		"text alone":                            {4, usualReceipt, nil, "1001", channels.ReportDelivered, "DELIVRD"},
		"parameters alone":                      {4, "", []tlv{id("3e9\x00"), state(5)}, "3e9", channels.ReportFailed, "UNDELIV"},
		"the network's code as a parameter":     {4, "", []tlv{id("7"), state(5), {tagNetworkError, []byte{3, 0, 27}}}, "7", channels.ReportFailed, "UNDELIV err:27"},
		"the parameters win":                    {4, usualReceipt, []tlv{id("7\x00"), state(8)}, "7", channels.ReportFailed, "REJECTD"},
		"in a message_payload":                  {4, "", []tlv{{tagPayload, []byte(usualReceipt)}}, "1001", channels.ReportDelivered, "DELIVRD"},
		"capitals, spaces, another order":       {4, "STAT: undeliv ID: aF09  err:27", nil, "aF09", channels.ReportFailed, "UNDELIV err:27"},
		"what the text says is not the state":   {4, "id:9 stat:EXPIRED err:001 text:x stat:DELIVRD id:8", nil, "9", channels.ReportFailed, "EXPIRED err:001"},
		"accepted by somebody is not yet here":  {4, "id:9 stat:ACCEPTD", nil, "9", channels.ReportEnroute, "ACCEPTD"},
		"unknown is no knowledge":               {4, "id:9 stat:UNKNOWN", nil, "9", channels.ReportEnroute, "UNKNOWN"},
		"an intermediate notice is never final": {0x20, usualReceipt, nil, "1001", channels.ReportEnroute, "ENROUTE"},
		"an SMSC that forgets the type":         {0, "", []tlv{id("5"), state(2)}, "5", channels.ReportDelivered, "DELIVRD"},
	} {
		t.Run(sentence, func(t *testing.T) {
			r, ok := readReceipt(&message{esmClass: c.esm, text: []byte(c.text), tlvs: c.tlvs})
			if !ok {
				t.Fatal("not taken for a receipt")
			}
			if r.messageID() != c.id || r.report() != c.state || r.code() != c.code {
				t.Errorf("got %q %s %q, want %q %s %q", r.messageID(), r.report(), r.code(), c.id, c.state, c.code)
			}
		})
	}
}

func TestACitizenCannotWriteAReceipt(t *testing.T) {
	if _, ok := readReceipt(&message{text: []byte(usualReceipt)}); ok {
		t.Error("a text without the type bits is taken for a receipt")
	}
	for _, kind := range []byte{0x08, 0x10, 0x18} { // a phone's acknowledgements and the end of a dialogue (5.2.12)
		if _, ok := readReceipt(&message{esmClass: kind, text: []byte(usualReceipt), tlvs: []tlv{{tagReceiptedID, []byte("1001")}}}); ok {
			t.Errorf("what a phone says (esm_class %#02x) is taken for a receipt", kind)
		}
	}
}

func TestSpellingIsLearnt(t *testing.T) {
	for sentence, c := range map[string]struct{ answered, reported func(n int) string }{
		"the same in both":                {dec, dec},
		"hexadecimal, then decimal":       {hexa, dec},
		"decimal, then hexadecimal":       {dec, hexa},
		"eight capital digits, then less": {func(n int) string { return fmt.Sprintf("%08X", n) }, dec},
	} {
		t.Run(sentence, func(t *testing.T) {
			var s spelling
			number := func(n int) string { return fmt.Sprintf("39333%07d", n) }
			for n := 4096; n < 4196; n++ {
				s.answered(c.answered(n), number(n))
			}
			for n := 4096; n < 4196; n++ {
				got, sure := s.resolve(c.reported(n), number(n))
				if got != c.answered(n) || !sure {
					t.Fatalf("%s: got %q %v, want %q", c.reported(n), got, sure, c.answered(n))
				}
			}
			if s.recent != nil {
				t.Error("the numbers are kept although the spelling is known")
			}
		})
	}
}

func TestSpellingGuessesLast(t *testing.T) {
	var s spelling
	for id, want := range map[string]string{"1001": "[3e9 3E9 000003e9 000003E9 4097]", "a-uuid": "[]"} {
		if got, sure := s.resolve(id, "39333"); sure {
			t.Errorf("%s is surely %q", id, got)
		}
		if got := fmt.Sprint(otherWays(id)); got != want {
			t.Errorf("%s: got %s, want %s", id, got, want)
		}
	}
	// 3e9 was given to somebody else: nobody's delivery is credited to him.
	s.answered("3e9", "39334")
	if got, sure := s.resolve("1001", "39333"); sure {
		t.Errorf("got %q, the id of another number", got)
	}
	for n := range 3 * mostRecent {
		s.answered(dec(n), "39335")
	}
	if len(s.recent) > mostRecent || len(s.order) > mostRecent {
		t.Errorf("%d ids are remembered, want at most %d", len(s.recent), mostRecent)
	}
}

// A receipt that comes before the answer waits for it, in whichever spelling;
// one for which no answer is awaited goes on with all of them.
func TestAReceiptWaitsForTheSpelling(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var s spelling
		got := make(chan string, 10)
		done := func(best string, others []string) { got <- fmt.Sprint(best, others) }
		says := func(want ...string) {
			t.Helper()
			synctest.Wait()
			var all []string
			for len(got) > 0 {
				all = append(all, <-got)
			}
			if slices.Sort(all); !slices.Equal(all, want) {
				t.Errorf("got %q, want %q", all, want)
			}
		}
		s.settle("1003", "39334", done)
		says("1003[3eb 3EB 000003eb 000003EB 4099]")
		s.submitted("39333") // two parts
		s.submitted("39333")
		s.settle("1001", "39333", done)
		s.settle("1002", "39333", done)
		s.answered("3e9", "39333")
		s.answered("3ea", "39335") // of another number
		s.landed("39333")
		says()
		s.answered("3ea", "39333")
		s.landed("39333")
		says("3e9[]", "3ea[]")
		s.submitted("39333")
		s.settle("1004", "39333", done) // of another message
		time.Sleep(holdTime)
		says("1004[3ec 3EC 000003ec 000003EC 4100]")
		s.settle("1004", "39333", done)
		s.landed("39333") // refused
		says("1004[3ec 3EC 000003ec 000003EC 4100]")
		if s.held != 0 || len(s.waiting) != 0 || len(s.flying) != 0 {
			t.Errorf("%d are held, %v fly", s.held, s.flying)
		}
		s.submitted("39336")
		for n := range mostHeld + 5 {
			s.settle(dec(5000+n), "39336", func(string, []string) {})
		}
		if s.held != mostHeld {
			t.Errorf("%d are held, want at most %d", s.held, mostHeld)
		}
	})
}

func dec(n int) string  { return fmt.Sprint(n) }
func hexa(n int) string { return fmt.Sprintf("%x", n) }

// Whatever an SMSC writes: no panic, nothing out of bounds, nothing that floods
// a log; and a receipt by the book gives back what was put in.
func FuzzReceipt(f *testing.F) {
	for _, s := range []string{usualReceipt, "", "id:", "id: ", "stat:", "id:1 text:stat:DELIVRD", "ID:\x00\xff STAT:delivrd", " : :: id::x", "text"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := parseReceipt(s)
		if len(r.id) > maxMessageID || len(r.stat) > 16 || len(r.err) > 16 || plain(r.code()) != strings.NewReplacer(" ", "", ":", "").Replace(r.code()) {
			t.Fatalf("out of bounds: %+v", r)
		}
		if r.id == "" || strings.ContainsAny(r.id, " ") {
			return
		}
		again := parseReceipt(fmt.Sprintf("id:%s sub:001 dlvrd:001 submit date:2611211930 done date:2611211930 stat:%s err:%s text:%s", r.id, "X"+r.stat, "0"+r.err, s))
		if again.id != r.id || again.stat != cut("X"+r.stat, 16) || again.err != cut("0"+r.err, 16) {
			t.Errorf("got %+v, want %+v", again, r)
		}
	})
}
