package smpp

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The answer to a message is lost with the connection, and the SMSC brings it
// again: it counts once. What somebody writes twice counts twice.
func TestAMessageThatComesAgainCountsOnce(t *testing.T) {
	from := func(number, words string) *message {
		return &message{source: address{1, 1, number}, destination: address{1, 1, "390573000111"}, text: []byte(words)}
	}
	const anna, bruno = "393330001234", "393330005678"
	for name, test := range map[string]struct {
		before []*message
		wait   time.Duration // until the connection is lost
		back   time.Duration // until the next message comes
		after  []*message
		want   string
	}{
		"the same after the connection was lost":          {before: []*message{from(anna, "SI")}, after: []*message{from(anna, "SI")}, want: "SI"},
		"the same on the same connection":                 {before: []*message{from(anna, "SI"), from(anna, "SI")}, want: "SI SI"},
		"all that was in hand, in its order":              {before: []*message{from(anna, "SI"), from(anna, "NO")}, after: []*message{from(anna, "SI"), from(anna, "NO")}, want: "SI NO"},
		"the last of two":                                 {before: []*message{from(anna, "SI"), from(anna, "NO")}, after: []*message{from(anna, "NO")}, want: "SI NO"},
		"once more after it came again":                   {before: []*message{from(anna, "SI")}, after: []*message{from(anna, "SI"), from(anna, "SI")}, want: "SI SI"},
		"another word between: they changed their mind":   {before: []*message{from(anna, "SI")}, after: []*message{from(anna, "NO"), from(anna, "SI")}, want: "SI NO SI"},
		"the same of another person":                      {before: []*message{from(anna, "SI")}, after: []*message{from(bruno, "SI")}, want: "SI SI"},
		"another's words end nobody else's memory":        {before: []*message{from(anna, "SI")}, after: []*message{from(bruno, "NO"), from(anna, "SI")}, want: "SI NO"},
		"the same, long before the connection was lost":   {before: []*message{from(anna, "SI")}, wait: 2 * time.Minute, after: []*message{from(anna, "SI")}, want: "SI SI"},
		"the same, long after the connection was lost":    {before: []*message{from(anna, "SI")}, back: 11 * time.Minute, after: []*message{from(anna, "SI")}, want: "SI SI"},
		"the same words in another coding are other ones": {before: []*message{from(anna, "SI")}, after: []*message{{source: address{1, 1, anna}, destination: address{1, 1, "390573000111"}, dataCoding: 3, text: []byte("SI")}}, want: "SI SI"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				s, m := new(smsc), newMemory()
				c := newChannel(t, s, nil)
				listen(t, c, m)
				synctest.Wait()
				seq := uint32(0)
				bring := func(all []*message) {
					for _, one := range all {
						seq++
						s.deliver(seq, one)
						synctest.Wait()
					}
				}
				bring(test.before)
				time.Sleep(test.wait)
				s.newest().Close()
				time.Sleep(time.Minute) // it is bound again
				time.Sleep(test.back)
				synctest.Wait()
				bring(test.after)
				var got []string
				for _, r := range m.replies {
					got = append(got, r.Text)
				}
				if words := strings.Join(got, " "); words != test.want {
					t.Errorf("taken were %q, want %q", words, test.want)
				}
				if answers := s.answered(); len(answers) != len(test.before)+len(test.after) {
					t.Errorf("%d answers to %d messages", len(answers), len(test.before)+len(test.after))
				} else {
					for _, a := range answers {
						if a.status != statusOK {
							t.Errorf("answered %v", a.status)
						}
					}
				}
			})
		})
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	var b brought
	now := time.Unix(1e9, 0)
	for i := range 3 {
		one := b.bound()
		for n := range 3 * mostBrought {
			one.answered(&message{source: address{1, 1, fmt.Sprint(i, n)}, text: []byte("SI")}, now)
		}
		if len(one.took) > mostBrought {
			t.Fatalf("a bind remembers %d messages", len(one.took))
		}
		one.ended(now)
		if b.size > mostBrought || len(b.lost) != b.size {
			t.Fatalf("%d messages of %d numbers are remembered", b.size, len(b.lost))
		}
	}
}
