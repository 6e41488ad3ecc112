package broadcast

import (
	"errors"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// paid is a channel that knows what its texts cost.
type paid struct {
	phones
	estimates []channels.Estimate
	err       error
}

func (c paid) Estimate(*alerts.Record) ([]channels.Estimate, error) {
	if c.estimates == nil && c.err == nil {
		panic("the program is wrong")
	}
	return c.estimates, c.err
}

// What a text costs and how it is spelled is said before approval, in the
// language that it concerns, with how many read it.
func TestTheApproverKnowsWhatATextCosts(t *testing.T) {
	price, err := channels.ParseMoney("0.05")
	if err != nil {
		t.Fatal(err)
	}
	plain := channels.Estimate{Language: "en", Parts: 1}
	for name, test := range map[string]struct {
		it   channels.Estimate
		err  error
		says []string
	}{
		"one part as typed: nothing": {it: channels.Estimate{Language: "it", Parts: 1, Price: price, Rate: 1}},
		"several parts": {it: channels.Estimate{Language: "it", Parts: 3, Price: price, Rate: 2},
			says: []string{"channels[sms].it takes 3 parts for each of 40 recipients, 6.00 euro; at the contract's speed the last leaves after 1m0s"}},
		"a flash copy, no price": {it: channels.Estimate{Language: "it", Parts: 1, Copies: 1},
			says: []string{"channels[sms].it takes 2 parts for each of 40 recipients (a shorter"}},
		"written otherwise": {it: channels.Estimate{Language: "it", Parts: 1, SavedParts: 2, Changes: []channels.Replacement{{From: "È", To: "E'", N: 1}, {From: "’", To: "'", N: 3}}},
			says: []string{`channels[sms].it writes "È" as "E'", "’" as "'", which saves 2 parts for each recipient`}},
		"not allowed to be": {it: channels.Estimate{Language: "it", Parts: 1, SavedParts: 1, Kept: true, Changes: []channels.Replacement{{From: "È", To: "E'", N: 1}}},
			says: []string{`channels[sms].it takes 1 part more because writing "È" as "E'" is not allowed`}},
		"an emoji": {it: channels.Estimate{Language: "it", Parts: 1, Forcing: []string{"🔥"}},
			says: []string{`channels[sms].it holds "🔥": a part has room for 67 characters instead of 153`}},
		"it cannot be told": {err: errors.New("no room")},
		"it panics":         {},
	} {
		t.Run(name, func(t *testing.T) {
			c := paid{phones: phones{&platform{name: "sms"}}, err: test.err}
			if test.it.Parts > 0 {
				c.estimates = []channels.Estimate{test.it, plain}
			}
			h := newHouse(t, Route{Channel: c})
			h.subscribe(40, "it")
			h.subscribe(2, "en")
			r := h.record(alerts.SeverityMinor, time.Hour)
			if err := h.planner.Prepare(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, w := range r.Warnings {
				if strings.HasPrefix(w.Field, "channels[sms]") {
					said = append(said, w.Error())
				}
			}
			if len(said) != len(test.says) {
				t.Fatalf("says %q, want %q", said, test.says)
			}
			for i := range said {
				if !strings.HasPrefix(said[i], test.says[i]) {
					t.Errorf("says %q, want %q", said[i], test.says[i])
				}
			}
		})
	}
}
