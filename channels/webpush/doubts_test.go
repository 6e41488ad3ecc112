package webpush

import (
	"encoding/base64"
	"fmt"
	"testing"
	"time"
)

var rawURL = base64.RawURLEncoding

func TestWhoIsToBlameForARefusal(t *testing.T) {
	start := time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
	type step struct {
		at       time.Duration
		endpoint int // 0: some service accepts
		want     blame
	}
	refusals := func(at time.Duration, n int, want blame) (all []step) {
		for i := range n {
			all = append(all, step{at, i + 1, want})
		}
		return all
	}
	for name, steps := range map[string][]step{
		"the key was accepted a moment ago":                            {{0, 0, 0}, {time.Second, 1, blameSubscription}},
		"a hundred stale ones among others":                            append([]step{{0, 0, 0}}, refusals(time.Minute, 100, blameSubscription)...),
		"the acceptance is long past":                                  {{0, 0, 0}, {2 * time.Hour, 1, blameNobody}},
		"one alone, nothing else is known":                             {{0, 1, blameNobody}, {10 * time.Second, 1, blameNobody}, {30 * time.Second, 1, blameSubscription}},
		"answers of one moment may still be followed by an acceptance": append(refusals(0, 50, blameNobody), step{time.Second, 0, 0}, step{2 * time.Second, 1, blameSubscription}),
		"all refuse, and go on":                                        append(refusals(0, 50, blameNobody), step{3 * time.Second, 1, blameKey}, step{3 * time.Second, 51, blameKey}),
		"four are not enough":                                          append(refusals(0, 4, blameNobody), step{time.Minute, 1, blameNobody}, step{2 * time.Minute, 1, blameSubscription}),
		"a key that works again":                                       append(refusals(0, 5, blameNobody), step{3 * time.Second, 1, blameKey}, step{4 * time.Second, 0, 0}, step{5 * time.Second, 1, blameSubscription}),
	} {
		d := newDoubts()
		for i, s := range steps {
			now := start.Add(s.at)
			if s.endpoint == 0 {
				d.accept(now)
				if d.blamed(now) {
					t.Errorf("%s: step %d: still blamed after an acceptance", name, i)
				}
				continue
			}
			if got := d.refuse(fmt.Sprint(s.endpoint), now); got != s.want {
				t.Errorf("%s: step %d: %v, want %v", name, i, got, s.want)
			}
			if d.blamed(now) != (s.want == blameKey) || d.blamed(now.Add(blameLasting)) {
				t.Errorf("%s: step %d: blamed %v", name, i, d.blamed(now))
			}
		}
	}
}

func TestDoubtsRememberNotWithoutEnd(t *testing.T) {
	d := newDoubts()
	for i := range 3 * mostRefused {
		d.refuse(fmt.Sprint(i), time.Unix(0, 0))
	}
	if len(d.refused) != mostRefused {
		t.Errorf("%d are remembered", len(d.refused))
	}
}
