package email

import (
	"math"
	"slices"
	"testing"

	"github.com/emersion/go-imap/v2"
)

// What a server answers to a search is not believed to have an end.
func TestWhatASearchFinds(t *testing.T) {
	var s skipped
	s.of(1)
	s.add(4, replyTries)
	s.add(5, 1)
	for name, c := range map[string]struct {
		found imap.NumSet
		want  []imap.UID
	}{
		"nothing":                       {nil, nil},
		"one by one, without a skipped": {imap.UIDSetNum(2, 4, 5, 9), []imap.UID{2, 5, 9}},
		"a range":                       {imap.UIDSet{{Start: 3, Stop: 6}}, []imap.UID{3, 5, 6}},
		"the last number there is":      {imap.UIDSet{{Start: math.MaxUint32 - 1, Stop: math.MaxUint32}}, []imap.UID{math.MaxUint32 - 1, math.MaxUint32}},
		"a range without an end":        {imap.UIDSet{{Start: 3, Stop: 0}}, nil},
		"nothing but the end":           {imap.UIDSet{{Start: 0, Stop: 0}}, nil},
		"numbers of another kind":       {imap.SeqSetNum(1), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.without(c.found); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	all := s.without(imap.UIDSet{{Start: 1, Stop: math.MaxUint32}})
	if len(all) != maxWaiting || all[0] != 1 || slices.Contains(all, 4) {
		t.Errorf("of all numbers %d are taken, from %d", len(all), all[0])
	}
}
