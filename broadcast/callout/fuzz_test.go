package callout_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
	"martinella/channels"
)

// FuzzReply: whatever somebody writes back on any channel, it is an answer to
// one call that they were called for, or stands before the coordinator, or is
// nobody's business here. What is written back fits one message and holds nothing
// of it, and the same text again changes nothing but that a message stands twice.
func FuzzReply(f *testing.F) {
	for _, s := range []string{"SI 20", "NO al lavoro", "V-0001 forse 60", "V-2 si", "v0001 no", "V-0009 SI", "?", "", "\xff\xfesi", "1", "3", "si\u202e20", "> NO\nsi", "👍", "STOP", strings.Repeat("si ", 700)} {
		f.Add(s, uint8(len(s)), false)
		f.Add(s, uint8(2), true)
	}
	f.Fuzz(func(t *testing.T, text string, from uint8, two bool) {
		w := newTown(t, nil)
		one := w.volunteer()
		w.volunteer()
		calls := []*volunteers.Call{w.open(w.draft(2))}
		if two {
			calls = append(calls, w.open(w.draft(2)))
		}
		by := []struct{ channel, address string }{{"sms", phone(one)}, {"mail", "v1@example.org"}, {"voice", phone(one)}, {"push", "push1"}, {"sms", phone(99)}, {"mail", text}}[from%6]
		known := from%6 < 4
		changed := func() (acts int) {
			for _, a := range w.store.Acts() {
				if a.Verb == "answered" {
					acts++
				}
			}
			return acts
		}
		for round := range 2 {
			written := len(w.written)
			err := w.calls.Reply(t.Context(), by.channel, channels.Reply{From: by.address, Text: text})
			if err != nil && !errors.Is(err, broadcast.ErrUnhandled) || known && err != nil {
				t.Fatalf("%q over %s: %v", text, by.channel, err)
			}
			if !known {
				if changed() > 0 || len(w.written) > 0 && err != nil {
					t.Fatalf("a stranger's %q was taken", text)
				}
				continue
			}
			if len(w.written) != written+1 {
				t.Fatalf("%q over %s is answered %d times", text, by.channel, len(w.written)-written)
			}
			back := strings.TrimPrefix(w.written[written], by.channel+" "+by.address+" ")
			if n, fits := channels.Septets(back); !fits || n > channels.SeptetsAlone {
				t.Errorf("what is written back takes %d septets: %q", n, back)
			}
			answers, messages := 0, 0
			for _, c := range calls {
				sheet, err := w.store.Sheet(t.Context(), c.ID)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range sheet {
					switch a := e.Answer; {
					case a == nil:
					case e.Number != one:
						t.Errorf("%q is an answer of person %d", text, e.Number)
					case !utf8.ValidString(a.Note) || a.Minutes < 0:
						t.Errorf("%q is kept as %+v", text, a)
					default:
						answers++
					}
				}
				kept, err := w.store.Messages(t.Context(), c.ID)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range kept {
					if m.Number != one || !utf8.ValidString(m.Text) || utf8.RuneCountInString(m.Text) > 1000 || strings.ContainsAny(m.Text, "\r\n") {
						t.Errorf("%q is kept as %+v", text, m)
					}
				}
				messages += len(kept)
			}
			reading := volunteers.ReadReply(text)
			asked := reading.Clear && two && reading.Code == 0
			switch {
			case answers != changed():
			case asked && (answers == 0 && messages == 2*(round+1) || answers == 2 && messages == 0 && reading.Answer.Kind == volunteers.Cannot):
				continue // which call is meant, or a no to both
			case !asked && answers <= 1 && messages <= round+1 && answers+min(messages, 1) == 1:
				continue
			}
			{
				t.Errorf("%q (%+v), the %d. time: %d answers, %d acts, %d messages", text, reading, round+1, answers, changed(), messages)
			}
		}
	})
}

// FuzzTokens: nothing but the links that were made opens anything, each one call
// for one person, and one board.
func FuzzTokens(f *testing.F) {
	f.Add("", 0, byte(0))
	f.Add("AAAAAQAAAaHKkPBhVJ_FrsZW", 3, byte('A'))
	f.Add("AAAAAQAAAAE\n", 8, byte('='))
	f.Add(strings.Repeat("A", 24), 23, byte('\n'))
	f.Add("\n", 8, byte('\r'))
	f.Fuzz(func(t *testing.T, token string, at int, instead byte) {
		w := newTown(t, nil)
		one, other := w.volunteer(), w.volunteer()
		c := w.open(w.draft(2))
		own, board := w.link(one, c), w.calls.BoardToken(c)
		opens := map[string]uint32{own: one, w.link(other, c): other}
		for _, try := range []string{token, own, board, put(own, at, instead), put(board, at, instead), own + token, token + board, own[:len(own)/2] + token, strings.ToLower(own)} {
			mine, err := w.calls.Own(t.Context(), try)
			if number := opens[try]; number != 0 && (err != nil || mine.Number != number) || number == 0 && !errors.Is(err, callout.ErrToken) {
				t.Errorf("the link %q of a page opens %+v, %v", try, mine, err)
			}
			if _, err := w.calls.Answer(t.Context(), try, volunteers.Answer{Kind: volunteers.Coming}); (err == nil) != (opens[try] != 0) {
				t.Errorf("the link %q takes an answer: %v", try, err)
			}
			if v, err := w.calls.Board(t.Context(), try); try == board && err != nil || try != board && !errors.Is(err, callout.ErrToken) {
				t.Errorf("the link %q of a board opens %+v, %v", try, v, err)
			}
		}
	})
}

// put is the token with another character somewhere.
func put(token string, at int, c byte) string {
	b := []byte(token)
	b[uint(at)%uint(len(b))] = c
	return string(b)
}
