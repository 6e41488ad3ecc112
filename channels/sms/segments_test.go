package sms

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// boundaries are the places, in units, where a grapheme of the text begins.
func boundaries(text string, encoding channels.Encoding) map[int]bool {
	at := map[int]bool{}
	n, state := 0, -1
	for rest := text; rest != ""; {
		var cluster string
		at[n] = true
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		n += width(cluster, encoding)
	}
	return at
}

func width(text string, encoding channels.Encoding) int {
	if encoding == channels.GSM7 {
		n, _ := channels.Septets(text)
		return n
	}
	return channels.Units16(text)
}

// cutsAt are the places between the parts.
func cutsAt(units []int) []int {
	var at []int
	n := 0
	for _, u := range units[:len(units)-1] {
		n += u
		at = append(at, n)
	}
	return at
}

func unitsOfParts(segments []channels.Segment) []int {
	var units []int
	for _, s := range segments {
		units = append(units, s.Units)
	}
	return units
}

// What people read as one character is never cut.
func TestNoGraphemeIsCut(t *testing.T) {
	for sentence, one := range map[string]string{
		"a family":                  "👨‍👩‍👧‍👦",
		"a flag":                    "🇮🇹",
		"a flag of a region":        "🏴\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F",
		"an emoji with its skin":    "👩🏽‍🚒",
		"a keycap":                  "1️⃣",
		"marks that combine":        "o\u0302\u0301\u0323",
		"Devanagari":                "क्षि",
		"Korean in its pieces":      "\u1112\u1161\u11ab",
		"an emoji and its selector": "⚠️",
		"an escape pair":            "€",
		"the end of a line":         "\r\n",
	} {
		t.Run(sentence, func(t *testing.T) {
			for before := range 160 {
				text := strings.Repeat("a", before) + strings.Repeat(one, 40) + "."
				encoding, segments := channels.Segments(text)
				begins := boundaries(text, encoding)
				if len(segments) < 1 {
					t.Fatal("no part")
				}
				for _, at := range cutsAt(unitsOfParts(segments)) {
					if !begins[at] {
						t.Fatalf("behind %d letters: cut in the middle, at %d of %v", before, at, unitsOfParts(segments))
					}
				}
			}
		})
	}
}

// A "character" that is longer than a message cannot be kept whole; its code
// points are.
func TestAGraphemeLongerThanAMessage(t *testing.T) {
	text := "e" + strings.Repeat("\u0301", 300)
	_, segments := channels.Segments(text)
	if units := unitsOfParts(segments); !slices.Equal(units, []int{67, 67, 67, 67, 33}) {
		t.Errorf("got %v", units)
	}
}

// scraps are what texts of the next test are made of: the alphabet, its
// extension, near misses, and everything that is more than one code point.
var scraps = []string{
	"a", "ALLERTA ", "perché ", "piove. ", "€", "[x]", "{", "~", "^", "|", "\\", "\f", "\n", "@", "Δ", "Ç", "ñ", "§",
	"È", "’", "“", "…", "–", "ç", "ё", "Тревога ", "高", "한국", "🔥", "⚠️", "👍🏽", "👨‍👩‍👧‍👦", "🇮🇹", "🇮🇹🇫🇷", "1️⃣", "e\u0301", "o\u0302\u0301", "क्षि",
	"https://allerta.comune.example/a/01KAK3Z8G0FLD1RST0000000A1 ", "\r\n", "👩‍🚒", "👩🏽‍🚒", "🧑‍🤝‍🧑", "🫠", "🩷", "🐦‍🔥",
}

func composed(r *rand.Rand) string {
	var b strings.Builder
	gsm := r.IntN(3) == 0
	for range 1 + r.IntN(90) {
		s := scraps[r.IntN(len(scraps))]
		if _, ok := channels.Septets(s); gsm && !ok {
			continue
		}
		b.WriteString(strings.Repeat(s, 1+r.IntN(4)))
	}
	return b.String()
}

// Other people's calculator (npm sms-segments-calculator) counts as we do, but
// for one thing: its list of what is one character ends with Unicode 10, so
// that it cuts through newer emoji and through what they join, and it parts
// the two signs of "\r\n". Each difference must be of that kind: a cut of
// theirs in the middle of a grapheme. Without one, the counts are equal.
func TestSegmentsAgreeWithTheirs(t *testing.T) {
	peer := channeltest.StartPeer(t, "segments.js")
	r := rand.New(rand.NewPCG(7, 11))
	differ := map[string]int{}
	texts := 0
	for range 600 {
		text := composed(r)
		peer.Tell(t, text)
		var theirs struct {
			Encoding string
			Units    []int
		}
		peer.Next(t, &theirs)
		encoding, segments := channels.Segments(text)
		ours := unitsOfParts(segments)
		texts++
		if string(encoding) != theirs.Encoding {
			t.Errorf("%q: %s, theirs %s", text, encoding, theirs.Encoding)
			continue
		}
		if slices.Equal(ours, theirs.Units) || len(ours) == 1 && len(theirs.Units) == 1 && ours[0] == theirs.Units[0] {
			continue
		}
		begins, why := boundaries(text, encoding), ""
		for _, at := range cutsAt(theirs.Units) {
			if !begins[at] {
				why = "they cut a grapheme"
			}
		}
		if why == "" || sum(ours) != sum(theirs.Units) {
			t.Errorf("%q: %v, theirs %v", text, ours, theirs.Units)
			continue
		}
		if len(ours) < len(theirs.Units) {
			why += ", and need more parts"
		}
		differ[why]++
	}
	t.Logf("%d texts; differences: %v", texts, differ)
	if len(differ) == 0 {
		t.Log("their list of graphemes is as new as ours now: the comment above can go")
	}
}

func sum(n []int) int {
	total := 0
	for _, x := range n {
		total += x
	}
	return total
}
