package channels

import (
	"errors"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Piece is one element of a message. A message is its pieces in the order of
// reading: mark, source, hazard and effect, place, what to do, time, link.
type Piece struct {
	Kind  PieceKind
	Text  string
	Short string // a shorter form: of a time as soon as anything must give way, of others before they are cut
	Label string // stands before the text and is never alone: "Dove: "
	// Join separates it from the piece before: "\n", " " or ": ".
	Join string
	// Rank says what gives way first: pieces of rank 0 are kept, the others
	// come in by rising rank while there is room.
	Rank int
}

// PieceKind names an element.
type PieceKind string

// The values of [PieceKind].
const (
	PieceMark   PieceKind = "mark"   // ESERCITAZIONE, AGGIORNAMENTO, CESSATO ALLARME: whole or not at all
	PieceSource PieceKind = "source" // who says it
	PieceHazard PieceKind = "hazard"
	PieceEffect PieceKind = "effect"
	PiecePlace  PieceKind = "place"
	PieceAction PieceKind = "action" // what to do
	PieceTime   PieceKind = "time"
	PieceTags   PieceKind = "tags" // hashtags: each whole or not at all
	PieceLink   PieceKind = "link" // whole or not at all
)

// whole reports whether a cut would spoil the piece.
func (k PieceKind) whole() bool { return k == PieceMark || k == PieceLink || k == PieceTime }

// divisible reports whether some words of a sentence are better than none.
func (k PieceKind) divisible() bool {
	return k == PieceHazard || k == PiecePlace || k == PieceAction
}

// ErrNoRoom says that not even the mark, a few words of what to do and the link
// fit. The channel cannot carry the alert.
var ErrNoRoom = errors.New("the text does not fit: there is no room for the mark, what to do and the link")

// ellipsis ends a text that was cut at a word. Three dots, because the single
// character would make an SMS UCS-2.
const ellipsis = "..."

// Fit joins the pieces into a text of at most limit, as count counts it; a
// limit of 0 is none. It keeps the pieces of rank 0 and of what to do at least
// the beginning; the others begin by rank, then every piece goes on as far as
// it can, effects last: two hundred places never cost what to do. A piece is
// cut at the end of a sentence; hazard, place and what to do, where no sentence
// fits, at a word, marked with three dots. No word and no grapheme is ever cut.
//
// The error is [ErrNoRoom].
func Fit(pieces []Piece, limit int, count func(string) int) (string, error) {
	f := fitting{limit: limit, count: count}
	for _, p := range pieces {
		if strings.TrimSpace(p.Text) == "" {
			continue
		}
		f.pieces = append(f.pieces, p)
		f.units = append(f.units, units(p))
		f.taken = append(f.taken, "")
	}
	if whole := f.whole(); limit <= 0 || count(whole) <= limit {
		return whole, nil
	}
	return f.shorten()
}

type fitting struct {
	limit  int
	count  func(string) int
	pieces []Piece
	units  [][]string // of each piece: its sentences, each with the space that follows it
	taken  []string   // of each piece: what is in
}

func (f *fitting) whole() string {
	for i := range f.pieces {
		f.taken[i] = strings.TrimSpace(f.pieces[i].Text)
	}
	return f.text()
}

// text joins what is in. A colon belongs to the piece before it: where that one
// is out, what follows begins as it would have.
func (f *fitting) text() string {
	var b strings.Builder
	for i, s := range f.taken {
		if s == "" {
			continue
		}
		if b.Len() > 0 {
			join := f.pieces[i].Join
			if join == ": " && f.taken[i-1] == "" {
				join = f.pieces[i-1].Join
			}
			b.WriteString(join)
		}
		b.WriteString(f.pieces[i].Label)
		b.WriteString(s)
	}
	return b.String()
}

// try puts s in place i and keeps it there if it fits.
func (f *fitting) try(i int, s string) bool {
	before := f.taken[i]
	f.taken[i] = s
	if f.count(f.text()) <= f.limit {
		return true
	}
	f.taken[i] = before
	return false
}

func (f *fitting) shorten() (string, error) {
	clear(f.taken)
	for i, p := range f.pieces {
		if p.Short != "" && p.Kind.whole() {
			f.pieces[i].Text, f.units[i] = p.Short, []string{p.Short}
		}
	}
	order := make([]int, len(f.pieces))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return f.pieces[a].Rank - f.pieces[b].Rank })
	// What cannot be cut goes in first, so that what can be cut knows its room.
	var later []int
	for _, i := range order {
		p := f.pieces[i]
		if p.Rank > 0 || !p.Kind.whole() {
			later = append(later, i)
			continue
		}
		if !f.try(i, strings.TrimSpace(p.Text)) {
			return "", ErrNoRoom
		}
	}
	var effects []int
	for _, i := range later {
		if f.pieces[i].Kind == PieceEffect {
			effects = append(effects, i)
			continue
		}
		if !f.begin(i) && f.pieces[i].Rank == 0 {
			return "", ErrNoRoom
		}
	}
	for _, i := range later {
		if f.pieces[i].Kind != PieceEffect {
			f.goOn(i)
		}
	}
	for _, i := range effects {
		if f.begin(i) {
			f.goOn(i)
		}
	}
	return f.text(), nil
}

// begin puts in the first sentence of a piece, or words of it.
func (f *fitting) begin(i int) bool {
	p := f.pieces[i]
	if f.try(i, joined(f.units[i][:1])) {
		return true
	}
	if p.Short != "" && f.try(i, p.Short) {
		f.units[i] = []string{p.Short}
		return true
	}
	if !p.Kind.divisible() {
		return false
	}
	// A first sentence that is too long leaves half of the room to the others.
	room := f.limit - (f.limit-f.count(f.text()))/2
	return f.cut(i, room) || f.cut(i, f.limit)
}

// goOn adds to a piece that has its beginning what still fits.
func (f *fitting) goOn(i int) {
	if f.taken[i] == "" {
		return
	}
	if f.taken[i] != joined(f.units[i][:1]) {
		f.cut(i, f.limit)
		return
	}
	begun := f.taken[i]
	n := 1 + sort.Search(len(f.units[i])-1, func(k int) bool {
		f.taken[i] = joined(f.units[i][:k+2])
		return f.count(f.text()) > f.limit
	})
	f.taken[i] = begun
	for ; n > 1 && !f.try(i, joined(f.units[i][:n])); n-- {
	}
}

// cut puts in as many whole words of the piece's first sentence as fit into
// room, and reports whether there is at least one.
func (f *fitting) cut(i, room int) bool {
	sentence, before := f.units[i][0], f.taken[i]
	ends := wordEnds(sentence)
	fits := func(n int) bool {
		f.taken[i] = shortened(sentence[:ends[n]])
		return f.taken[i] != "" && f.count(f.text()) <= room
	}
	n := sort.Search(len(ends), func(n int) bool { f.taken[i] = shortened(sentence[:ends[n]]); return f.count(f.text()) > room })
	for n--; n >= 0; n-- {
		if fits(n) {
			return true
		}
	}
	f.taken[i] = before
	return false
}

// shortened marks a text as cut; "" if nothing but signs is left.
func shortened(text string) string {
	text = strings.TrimRightFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;:-–—(«\"“", r) })
	if text == "" {
		return ""
	}
	return text + ellipsis
}

func joined(units []string) string { return strings.TrimSpace(strings.Join(units, "")) }

func units(p Piece) []string {
	if p.Kind.whole() {
		return []string{strings.TrimSpace(p.Text)}
	}
	if p.Kind == PieceTags {
		return strings.SplitAfter(strings.TrimSpace(p.Text), " ")
	}
	return Sentences(p.Text)
}

// wordEnds gives the places where a text may be cut: before each run of space,
// and in scripts without spaces after each character.
func wordEnds(text string) []int {
	var ends []int
	for i, r := range text {
		if i == 0 {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		space := unicode.IsSpace(r) && !unicode.IsSpace(before)
		ideograph := unicode.In(before, unicode.Han, unicode.Hiragana, unicode.Katakana) && !unicode.IsPunct(r)
		if (space || ideograph) && aloneAt(text, i) {
			ends = append(ends, i)
		}
	}
	return ends
}

// aloneAt reports whether a grapheme starts at byte i. It looks at the two
// characters around i only, which is enough beside a space or an ideograph.
func aloneAt(text string, i int) bool {
	if i >= len(text) {
		return true
	}
	_, before := utf8.DecodeLastRuneInString(text[:i])
	_, after := utf8.DecodeRuneInString(text[i:])
	first, _, _, _ := uniseg.FirstGraphemeClusterInString(text[i-before:i+after], -1)
	return len(first) == before
}
