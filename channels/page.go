package channels

import (
	"strings"
	"time"
	"unicode"

	"martinella/alerts/lexicon"
)

// How long what a coordinator wrote may be on a page, in characters. Longer
// texts are cut at a sentence or a word: the person's own page has all of it.
const (
	mostPageWhat  = 300
	mostPagePlace = 200
	mostPageWords = 500
	mostPageName  = 100
)

// PersonLink is the placeholder of a person's own link.
const PersonLink = "{person.link}"

// LongestToken is how many characters of [PersonLink] a page of limited length
// reckons with behind an address: 24 bytes as base64url. A longer token may cost
// a second part.
const LongestToken = 32

// LongestLink is how long the link may become, in characters, once it is filled.
// publicURL is that of the authority's pages: a link that is nothing but
// [PersonLink] is filled with an address of /d/ below it.
func (p Page) LongestLink(publicURL string) int {
	if p.Link == PersonLink {
		return len(strings.TrimRight(publicURL, "/")) + len("/d/") + LongestToken
	}
	return len(strings.ReplaceAll(p.Link, PersonLink, strings.Repeat("x", LongestToken)))
}

// NamesDay reports whether a short text must name the day of Meet: unless
// nobody can read it on another day than that one.
func (p Page) NamesDay() bool {
	if p.At.IsZero() {
		return true
	}
	at := p.At.In(p.Meet.Location())
	until := at
	if !p.Until.IsZero() {
		until = p.Until.In(p.Meet.Location())
	}
	return !sameDay(at, p.Meet) || !sameDay(until, p.Meet)
}

func sameDay(a, b time.Time) bool { return a.Year() == b.Year() && a.YearDay() == b.YearDay() }

// Mark is what stands first on an exercise; "" in earnest.
func (p Page) Mark() string {
	if !p.Exercise {
		return ""
	}
	return lexicon.For(p.Language).Exercise
}

// Said is what a page says besides what is to be done, where and when: its mark
// in few words, and the whole. Both are "" for [PageCall].
func (p Page) Said() (mark, text string) {
	w := lexicon.ForPages(p.Language)
	switch p.Kind {
	case PageNeeded:
		return w.Needed, w.NeededText
	case PageFilled:
		return w.Filled, w.FilledText
	case PageClosed:
		return w.Closed, w.ClosedText
	case PageCancelled:
		return w.Cancelled, w.CancelledText
	case PageTest:
		return w.Test, w.TestText
	}
	return "", ""
}

// Asks reports whether a page wants an answer: the others only tell.
func (p Page) Asks() bool { return p.Calls() || p.Kind == PageTest }

// Calls reports whether a page asks somebody to come: it says what is to be
// done, where and when.
func (p Page) Calls() bool { return p.Kind == PageCall || p.Kind == PageNeeded }

// Cleaned is the page with what people wrote on it made harmless: each text on
// one line, of bounded length, without control characters, characters that turn
// the direction of reading or cannot be seen, and without braces, so that no
// text can make or break a placeholder. Every [Pager] begins with it.
func (p Page) Cleaned() Page {
	p.Authority, p.Code = harmless(p.Authority, mostPageName), harmless(p.Code, mostPageName)
	p.What, p.Where = harmless(p.What, mostPageWhat), harmless(p.Where, mostPagePlace)
	p.Bring, p.Words = harmless(p.Bring, mostPagePlace), harmless(p.Words, mostPageWords)
	if p.Kind == PageTest { // there is nothing to do and nowhere to be
		p.What, p.Where, p.Bring, p.Words = "", "", "", ""
	}
	return p
}

// harmless is a text on one line, of at most so many characters.
func harmless(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == '{':
			return '('
		case r == '}':
			return ')'
		case r == '\u200c', r == '\u200d': // within words and emoji
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), r == '\ufffd', r == '\u034f', r == '\u115f', r == '\u1160', r == '\u3164', r == '\uffa0':
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if UnitChars.Count(text) <= most {
		return text
	}
	cut, err := Fit([]Piece{{Kind: PieceHazard, Text: text}}, most, UnitChars.Count)
	if err != nil { // one word without an end
		return string([]rune(text)[:most-len(ellipsis)]) + ellipsis
	}
	return cut
}

// PageText is a cleaned page in the words of its language, for channels whose
// messages have room; whoever pays by length makes its own.
type PageText struct {
	Page
	Mark  string     // ESERCITAZIONE; ""
	Title string     // one line, without the mark: "V-0417: Sacchi in via del Ponte"
	Lead  string     // what is asked or said, one or two sentences
	Facts []PageFact // in the order of reading; each value is one line
	Line  string     // what a touch or a click does: "Rispondi"
}

// PageFact is one line of a [PageText]: "Ritrovo: magazzino".
type PageFact struct{ Label, Value string }

// ComposePage puts a page into words. It is pure.
func ComposePage(p Page) PageText {
	p = p.Cleaned()
	w := lexicon.ForPages(p.Language)
	t := PageText{Page: p, Mark: p.Mark(), Lead: w.Ask, Line: w.Button}
	fact := func(label, value string) {
		if value != "" {
			t.Facts = append(t.Facts, PageFact{label, value})
		}
	}
	mark, said := p.Said()
	t.Title = pairUp(p.Code, pairUp(mark, p.What))
	if p.Kind == PageTest {
		t.Lead, t.Line = said, w.TestButton
		return t
	}
	if !p.Calls() {
		t.Lead, t.Line = said, w.Own
		fact("", p.Words)
		fact(w.What, p.What)
		return t
	}
	if p.Kind == PageNeeded {
		t.Lead = said
	}
	fact(w.What, p.What)
	fact(w.Where, p.Where)
	when := w.When(p.Meet) + "."
	if !p.Until.IsZero() {
		when += " " + lexicon.For(w.Language).Until(p.Until)
	}
	fact(w.Time, when)
	fact(w.Bring, p.Bring)
	return t
}

// Heading is the mark and the title on one line.
func (t PageText) Heading() string {
	if t.Mark == "" {
		return t.Title
	}
	return t.Mark + " - " + t.Title
}

// Text is the page as plain lines, the mark and the authority first, without
// the link.
func (t PageText) Text() string {
	mark, _ := t.Said()
	lines := []string{pairUp(t.Authority, pairUp(t.Code, mark)), t.Lead}
	if t.Mark != "" {
		lines = append([]string{t.Mark}, lines...)
	}
	for _, f := range t.Facts {
		lines = append(lines, pairUp(f.Label, f.Value))
	}
	return strings.Join(lines, "\n")
}

// Message is the page's message with what a channel need not decide.
func (p Page) Message() Message { return Message{Language: p.Language, Exercise: p.Exercise} }
