package sms

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"martinella/alerts/lexicon"
	"martinella/channels"
)

// Replies says how people can answer what a contract sends.
type Replies struct {
	Taken  bool   // somebody reads them: else nobody is told to answer
	Number string // to write to; "": the sender's own
}

// RepliesTo is how people answer a source: a number takes answers itself unless
// there is another one for them, an alias never does (DECISIONS 16).
func RepliesTo(source, number string) Replies {
	switch {
	case number != "" && strings.TrimPrefix(number, "+") != strings.TrimPrefix(source, "+"):
		return Replies{Taken: true, Number: number}
	case IsNumber(source):
		return Replies{Taken: true}
	}
	return Replies{}
}

// leastRoom is how many septets what and where should have together, before the
// authority is left out for them.
const leastRoom = 24

// Page writes a page as one part of GSM-7, its link filled: exercise mark,
// authority, code, what, where, time, how to answer, link. Where that is too
// much, how to answer is said in its short form; then what and where end at a
// sentence or a word; where they would have next to no room, the authority is
// left out. Mark, code, time, how to answer and link never are. Characters
// outside GSM-7 are written otherwise whatever
// Transliterate says, since a part without them has not half of the room; a word
// that cannot be written is left out.
//
// Where an address or a name is so long that even this is too much, the text
// takes as many parts as the contract allows; one that asks nothing goes without
// its link rather than not at all. The error wraps [channels.ErrNoRoom].
func (t Text) Page(p channels.Page, r Replies, s channels.Settings) (channels.Message, error) {
	m := p.Message()
	longest := p.LongestLink(s.PublicURL)
	p = p.Cleaned()
	if _, gsm := channels.Septets(strings.ReplaceAll(p.Link, channels.PersonLink, "")); !gsm {
		return m, fmt.Errorf("sms: a link with characters that no text message has: %w", channels.ErrNoRoom)
	}
	f := pageFitting{page: p, replies: r, words: lexicon.ForPages(p.Language), link: longest}
	for _, limit := range []int{channels.SeptetsAlone, t.room()} {
		if text, ok := f.within(limit); ok {
			m.Text = text
			return m, nil
		}
	}
	if (!p.Asks() || r.Taken) && !p.Calls() && p.Link != "" { // that it is over counts more than the link
		p.Link = ""
		return t.Page(p, r, s)
	}
	return m, fmt.Errorf("sms: a page in %s: %w", p.Language, channels.ErrNoRoom)
}

// pageFitting brings a page into a number of septets.
type pageFitting struct {
	page    channels.Page
	replies Replies
	words   *lexicon.PageWords
	link    int // its septets once it is filled

	short    bool // how to answer
	nameless bool // without the authority
}

// within tries ever shorter forms of what is not the coordinator's.
func (f *pageFitting) within(limit int) (string, bool) {
	what, where := writable(strings.TrimRight(f.page.What, ". ")), writable(strings.TrimRight(f.page.Where, ". "))
	if !f.page.Calls() {
		what, where = writable(f.page.Words), what
	}
	f.nameless = false
	for _, short := range []bool{false, true} {
		if f.short = short; f.cost(what, where) <= limit {
			return f.text(what, where), true
		}
	}
	if f.page.Kind == channels.PageTest { // an answer costs nothing to who has no network for a page
		if f.short, f.nameless = false, true; f.cost("", "") <= limit {
			return f.text("", ""), true
		}
		f.short, f.nameless = true, false
	}
	f.nameless = f.cost("", "") > limit || f.room(limit) < leastRoom && f.page.Calls()
	if f.cost("", "") > limit {
		return "", false
	}
	return f.fill(what, where, limit), true
}

// room is how many septets both of what can be cut have together, beside the
// words that stand around them.
func (f *pageFitting) room(limit int) int {
	const one = "x"
	return limit - f.cost(one, one) + 2*len(one)
}

// fill puts in as much of both as there is room for: the second has a third of
// it, more where that is not a word, and each has what the other one leaves.
func (f *pageFitting) fill(first, second string, limit int) string {
	room := max(0, f.room(limit))
	if !f.page.Calls() { // a word of a reason is none
		a := worthwhile(cut(first, room))
		return f.text(a, worthwhile(cut(second, room-septets(a))))
	}
	b := ""
	for share := 3; share <= 6 && b == ""; share++ { // of nine
		b = cut(second, max(room*share/9, room-septets(first)))
	}
	a := cut(first, room-septets(b))
	b = cut(second, room-septets(a))
	if f.cost(a, b) > limit { // one fits without the other
		b = ""
	}
	if f.cost(a, b) > limit {
		a = ""
	}
	return f.text(a, b)
}

// worthwhile is a text unless a cut left next to nothing of it.
func worthwhile(text string) string {
	const least = 12 // septets: two short words
	if strings.HasSuffix(text, "...") && septets(text) < least {
		return ""
	}
	return text
}

// text is the page with first and second: what and where, or the words of who
// ended it and what it was about.
func (f *pageFitting) text(first, second string) string {
	p := f.page
	head := []string{p.Mark(), p.Authority, p.Code}
	if f.nameless {
		head = []string{p.Mark(), p.Code}
	}
	text := writable(strings.Join(head, " ")) + ": "
	if !p.Calls() {
		_, said := p.Said()
		text += writable(said)
		if p.Kind == channels.PageTest {
			text += " " + writable(f.words.Confirm(f.replies.Taken && (!f.short || p.Link == ""), f.replies.Number, p.Link != ""))
			text = strings.TrimRight(text, " ")
		}
		if first != "" {
			text += " " + ended(first)
		}
		if second != "" {
			text += " (" + second + ")"
		}
	} else {
		if mark, _ := p.Said(); mark != "" {
			text += writable(mark) + ". "
		}
		meet := writable(f.words.Meet(second, p.Meet, p.NamesDay()))
		if first != "" {
			text += first + between(first)
		}
		text += meet + "."
		if f.replies.Taken {
			text += " " + writable(f.words.Replies(f.replies.Number, f.short))
		}
	}
	if p.Link != "" {
		text += " " + p.Link
	}
	return text
}

// cost is how many septets the text has once its link is filled.
func (f *pageFitting) cost(first, second string) int {
	text := f.text(first, second)
	return septets(strings.TrimSuffix(text, f.page.Link)) + f.link
}

// between separates a text from what follows it.
func between(text string) string {
	if strings.HasSuffix(text, "...") || !strings.ContainsAny(text[len(text)-1:], "!?,;:") {
		return ", "
	}
	return " "
}

func ended(text string) string {
	if strings.ContainsAny(text[len(text)-1:], ".!?") {
		return text
	}
	return text + "."
}

// cut is as much of a text as fits: up to the end of a sentence, else of a word.
func cut(text string, room int) string {
	if septets(text) <= room {
		return text
	}
	if room <= 0 {
		return ""
	}
	out, err := channels.Fit([]channels.Piece{{Kind: channels.PieceHazard, Text: text}}, room, septets)
	if err != nil {
		return "" // not one word
	}
	if !strings.HasSuffix(out, "...") {
		out = strings.TrimRight(out, ". ")
	}
	return out
}

// septets counts a text of GSM-7.
func septets(text string) int {
	n, _ := channels.Septets(text)
	return n
}

// writable is a text in the letters of GSM-7. Signs that it cannot write are
// left out, and whole words that have such letters.
func writable(text string) string {
	var out []string
	for word := range strings.FieldsSeq(norm.NFC.String(text)) {
		kept := strings.Map(func(r rune) rune {
			if _, gsm := channels.Septets(string(r)); gsm || len(channels.Foreign(string(r), 1)) == 0 {
				return r
			}
			if unicode.IsLetter(r) || unicode.IsNumber(r) {
				return '\ufffd' // stays: the word goes
			}
			return -1
		}, word)
		if strings.ContainsRune(kept, '\ufffd') {
			continue
		}
		kept, _ = channels.Transliterate(kept)
		out = append(out, strings.Fields(kept)...)
	}
	return strings.Join(out, " ")
}
