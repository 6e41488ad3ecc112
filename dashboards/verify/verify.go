package verify

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"martinella/alerts/compose"
)

// Match says how much a text is like one of ours.
type Match int

// The values of [Match], the better the higher.
const (
	Other   Match = iota // it has little of ours
	Similar              // much of it is ours, and something differs
	Added                // all of ours, and words beside it
	Part                 // only words of ours, in their order, and not all of them
	Whole                // the same
)

// Text is a text that was cut into words. It is never changed, and may be used
// from many goroutines.
type Text struct {
	words  []string
	keys   []string
	joined string // keys, each with the separator before it
	closed string // and one at the end
	pairs  map[string]bool
	lead   bool // made by [PrepareLead]
}

// separator stands before each key; no text holds it, since it is no letter.
const separator = "\x00"

// MostCharacters bounds what is compared; ours are cut there as well.
const MostCharacters = 10_000

// fewWords is how short a text says nothing: "Chiamate il 112".
const fewWords = 4

// Prepare makes a text ready to be compared.
func Prepare(text string) Text {
	if utf8.RuneCountInString(text) > MostCharacters {
		text = string([]rune(text)[:MostCharacters])
	}
	t := Text{words: cut(strings.ToValidUTF8(text, "")), pairs: map[string]bool{}}
	t.keys = make([]string, len(t.words))
	for i, w := range t.words {
		t.keys[i] = key(w)
		if i > 0 {
			t.pairs[t.keys[i-1]+separator+t.keys[i]] = true
		}
	}
	if len(t.keys) > 0 {
		t.closed = separator + strings.Join(t.keys, separator) + separator
		t.joined = t.closed[:len(t.closed)-len(separator)]
	}
	return t
}

// PrepareLead makes the headline of one of ours ready to be compared. It is only
// a part of what we wrote: the same words are [Part], and a text that holds them
// all beside others is [Similar], since the rest of ours is missing.
func PrepareLead(headline string) Text {
	t := Prepare(headline)
	t.lead = true
	return t
}

// Short reports whether the text has too few words to tell whose it is.
func (t Text) Short() bool { return len(t.keys) < fewWords }

// Verdict is what came of a comparison.
type Verdict struct {
	Match Match
	Ours  int     // index of the text of ours that is nearest; -1: there is none
	Score float64 // how much of both is the same neighbouring words, 0 to 1
}

// Nearer reports whether v is a better find than other: the same words before
// a part of them, that before all that differs; there, the one that has more in
// common. A short text of ours that is wholly in theirs is no better than a long
// one of which they changed a word.
func (v Verdict) Nearer(other Verdict) bool {
	a, b := v.Match.rank(), other.Match.rank()
	return a > b || a == b && v.Score > other.Score
}

func (m Match) rank() Match {
	if m == Added {
		return Similar
	}
	return m
}

// half is from which share of the shorter one's neighbouring words on a text is
// [Similar]; fewPairs is how many they must be: less is found in any two
// warnings.
const (
	half     = 0.5
	fewPairs = 6
)

// Best finds the one of ours that is nearest to theirs; of several alike the
// first.
func Best(ours []Text, theirs Text) Verdict {
	best := Verdict{Ours: -1}
	for i, one := range ours {
		shared := one.shared(theirs)
		v := Verdict{Match: one.match(theirs, shared), Ours: i}
		if one.lead {
			switch v.Match {
			case Whole:
				v.Match = Part
			case Added:
				v.Match = Similar
			}
		}
		if both := len(one.pairs) + len(theirs.pairs); both > 0 {
			v.Score = 2 * float64(shared) / float64(both) // Dice's coefficient
		}
		if v.Match == Other && shared >= fewPairs && float64(shared) >= half*float64(min(len(one.pairs), len(theirs.pairs))) {
			v.Match = Similar
		}
		if best.Ours < 0 || v.Nearer(best) {
			best = v
		}
	}
	return best
}

// match is given how many pairs they share: what holds another text whole holds
// all of its pairs, but for a last word that is torn. The rest is not searched.
func (t Text) match(theirs Text, shared int) Match {
	switch {
	case t.Short() || theirs.Short():
		if len(t.keys) > 0 && t.joined == theirs.joined {
			return Whole
		}
	case t.joined == theirs.joined:
		return Whole
	case shared >= len(theirs.pairs)-1 && (strings.Contains(t.closed, theirs.closed) || theirs.torn() && strings.Contains(t.joined, theirs.joined)):
		return Part
	case shared == len(t.pairs) && strings.Contains(theirs.closed, t.closed):
		return Added
	}
	return Other
}

// torn reports whether the last word may be the beginning of a longer one, as
// where a phone shows only so much. The beginning of a number is another number.
func (t Text) torn() bool {
	return !strings.ContainsFunc(t.keys[len(t.keys)-1], unicode.IsDigit)
}

func (t Text) shared(theirs Text) int {
	few, many := t.pairs, theirs.pairs
	if len(few) > len(many) {
		few, many = many, few
	}
	n := 0
	for pair := range few {
		if many[pair] {
			n++
		}
	}
	return n
}

// Difference marks what theirs lacks of ours (removed) and has besides (added).
func Difference(ours, theirs Text) []compose.Piece {
	return compose.Align(ours.words, theirs.words, key)
}
