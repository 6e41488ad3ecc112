package sms

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"martinella/alerts/lexicon"
	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestPage(t *testing.T) {
	taken := Replies{Taken: true}
	for sentence, c := range map[string]struct {
		edit    func(p *channels.Page)
		replies Replies
		want    string
	}{
		"a call that can be answered": {nil, taken,
			"PC Valdemo V-0417: Sacchi in via del Ponte, ritrovo magazzino 18:15. Rispondi SI 20, NO o FORSE 60. https://valdemo.example/d/{person.link}"},
		"nobody reads answers": {nil, Replies{},
			"PC Valdemo V-0417: Sacchi in via del Ponte, ritrovo magazzino 18:15. https://valdemo.example/d/{person.link}"},
		"answers go to another number": {nil, Replies{Taken: true, Number: "+390573000111"},
			"PC Valdemo V-0417: Sacchi in via..., ritrovo magazzino 18:15. SI 20, NO o FORSE 60 al +390573000111. https://valdemo.example/d/{person.link}"},
		"an exercise": {func(p *channels.Page) { p.Exercise = true }, taken,
			"ESERCITAZIONE PC Valdemo V-0417: Sacchi in via del..., ritrovo magazzino 18:15. SI 20, NO o FORSE 60? https://valdemo.example/d/{person.link}"},
		"tomorrow is named": {func(p *channels.Page) { p.Meet, p.Until = p.Meet.Add(24*time.Hour), p.Until.Add(24*time.Hour) }, Replies{},
			"PC Valdemo V-0417: Sacchi in via del Ponte, ritrovo magazzino 23/11 18:15. https://valdemo.example/d/{person.link}"},
		"until after midnight, it may be read tomorrow": {func(p *channels.Page) { p.Until = p.Until.Add(6 * time.Hour) }, Replies{},
			"PC Valdemo V-0417: Sacchi in via del Ponte, ritrovo magazzino 22/11 18:15. https://valdemo.example/d/{person.link}"},
		"nobody knows when it is written": {func(p *channels.Page) { p.At, p.Language = time.Time{}, "en" }, Replies{},
			"PC Valdemo V-0417: Sacchi in via del Ponte, meet at magazzino 22 Nov 18:15. https://valdemo.example/d/{person.link}"},
		"no link": {func(p *channels.Page) { p.Link = "" }, taken,
			"PC Valdemo V-0417: Sacchi in via del Ponte, ritrovo magazzino 18:15. Rispondi SI 20, NO o FORSE 60."},
		"a long text ends at a sentence": {func(p *channels.Page) {
			p.What = "Frana a Borgo. " + strings.Repeat("Portate pale e carriole. ", 5)
		}, taken,
			"PC Valdemo V-0417: Frana a Borgo, ritrovo magazzino 18:15. SI 20, NO o FORSE 60? https://valdemo.example/d/{person.link}"},
		"a long place ends at a word": {func(p *channels.Page) {
			p.Where = "magazzino comunale di via delle Officine Meccaniche dietro la stazione"
		}, taken,
			"PC Valdemo V-0417: Sacchi in via del Ponte, ritrovo magazzino... 18:15. SI 20, NO o FORSE 60? https://valdemo.example/d/{person.link}"},
		"letters that GSM-7 has not": {func(p *channels.Page) { p.What, p.Where = "È ora 🔥: “argine” di Šempeter", "via L’Aquila" }, Replies{},
			"PC Valdemo V-0417: E' ora : \"argine\" di Sempeter, ritrovo via L'Aquila 18:15. https://valdemo.example/d/{person.link}"},
		"enough come": {func(p *channels.Page) { p.Kind, p.Words = channels.PageFilled, "" }, taken,
			"PC Valdemo V-0417: Siamo al completo, grazie. Se non hai già detto sì, non partire. (Sacchi in...) https://valdemo.example/d/{person.link}"},
		"cancelled, and why": {func(p *channels.Page) { p.Kind, p.Words, p.Link = channels.PageCancelled, "Falso allarme", "" }, taken,
			"PC Valdemo V-0417: Chiamata ANNULLATA: non partire. Se sei in viaggio torna indietro. Falso allarme. (Sacchi in via del Ponte)"},
	} {
		t.Run(sentence, func(t *testing.T) {
			p := channeltest.SamplePage(channels.PageCall, "it")
			if c.edit != nil {
				c.edit(&p)
			}
			m, err := Text{}.Page(p, c.replies, channeltest.Settings())
			if err != nil {
				t.Fatal(err)
			}
			if m.Text != c.want {
				t.Errorf("got  %q\nwant %q", m.Text, c.want)
			}
			onePart(t, sentence, m.For(map[string]string{channels.PersonLink: strings.Repeat("x", channels.LongestToken)}))
		})
	}
}

func onePart(t testing.TB, name string, m channels.Message) {
	t.Helper()
	if encoding, parts := channels.Segments(m.Text); encoding != channels.GSM7 || len(parts) != 1 {
		t.Errorf("%s: %d parts of %s: %q", name, len(parts), encoding, m.Text)
	}
}

// Every way of answering, every length of link up to a long address.
func TestPageContract(t *testing.T) {
	for name, r := range map[string]Replies{"none": {}, "the sender": {Taken: true}, "another number": {Taken: true, Number: "+390573000111"}} {
		t.Run(name, func(t *testing.T) {
			channeltest.Pages(t, channeltest.PagerSuite{New: func(testing.TB) channels.Pager { return pager{Text{MaxParts: 1}, r} }, Fits: onePart, LinkInText: true})
		})
	}
}

type pager struct {
	text    Text
	replies Replies
}

func (p pager) RenderPage(page channels.Page) (channels.Message, error) {
	return p.text.Page(page, p.replies, channeltest.Settings())
}

// What must be there is there in every language, however short the room.
func TestPageKeepsWhatMustBeThere(t *testing.T) {
	for _, lang := range lexicon.PageLanguages {
		p := channeltest.SamplePage(channels.PageCall, lang)
		p.Exercise, p.At, p.Authority, p.What, p.Where = true, time.Time{}, "Protezione Civile della Comunità Montana", strings.Repeat("sacchi di sabbia ", 20), strings.Repeat("magazzino di via Roma ", 20)
		for domain := 5; domain < 40; domain++ {
			p.Link = "https://" + strings.Repeat("v", domain) + ".example/d/" + channels.PersonLink
			m, err := Text{MaxParts: 1}.Page(p, Replies{Taken: true}, channeltest.Settings())
			if err != nil {
				if !errors.Is(err, channels.ErrNoRoom) || domain < 20 {
					t.Fatalf("%s, a domain of %d: %v", lang, domain, err)
				}
				m, err = Text{MaxParts: 2}.Page(p, Replies{Taken: true}, channeltest.Settings())
				if err != nil {
					t.Fatal(err)
				}
			}
			words := lexicon.ForPages(lang)
			short, long := writable(words.Replies("", true)), writable(words.Replies("", false))
			if !strings.HasPrefix(m.Text, lexicon.For(lang).Exercise) || !strings.HasSuffix(m.Text, p.Link) || !strings.Contains(m.Text, "V-0417: ") ||
				!strings.Contains(m.Text, "18:15") || !strings.Contains(m.Text, short) && !strings.Contains(m.Text, long) {
				t.Errorf("%s, a domain of %d: %q", lang, domain, m.Text)
			}
		}
	}
}

// A link of nothing but the placeholder is filled with the whole address.
func TestPageReckonsWithTheWholeAddress(t *testing.T) {
	p := channeltest.SamplePage(channels.PageCall, "it")
	p.Link, p.What = channels.PersonLink, strings.Repeat("sacchi ", 30)
	settings := channeltest.Settings()
	m, err := Text{}.Page(p, Replies{Taken: true}, settings)
	if err != nil {
		t.Fatal(err)
	}
	onePart(t, "filled", m.For(map[string]string{channels.PersonLink: settings.PublicURL + "/d/" + strings.Repeat("x", channels.LongestToken)}))
}

func TestRepliesTo(t *testing.T) {
	for _, c := range []struct {
		source, number string
		want           Replies
	}{
		{"Comune", "", Replies{}},
		{"Comune", "+390573000111", Replies{true, "+390573000111"}},
		{"+390573000111", "", Replies{Taken: true}},
		{"390573000111", "+390573000111", Replies{Taken: true}},
		{"48583", "+390573000111", Replies{true, "+390573000111"}},
		{"", "", Replies{}},
	} {
		if got := RepliesTo(c.source, c.number); got != c.want {
			t.Errorf("%q, %q: got %+v, want %+v", c.source, c.number, got, c.want)
		}
	}
}

// Whatever is written: one part of GSM-7 with code, time, how to answer and
// link, and no word cut in two.
func FuzzPage(f *testing.F) {
	f.Add("Sacchi in via del Ponte", "magazzino", "PC Valdemo", byte(0), byte(0))
	f.Add(strings.Repeat("€", 90), "e"+strings.Repeat("\u0301", 90), "Città", byte(1), byte(7))
	f.Add("{person.link}{code}", "\u202e\x00", "👨‍👩‍👧‍👦", byte(2), byte(3))
	f.Add("Frana. Portate pale! Subito?", strings.Repeat("a", 200), strings.Repeat("Comune ", 30), byte(3), byte(12))
	f.Fuzz(func(t *testing.T, what, where, authority string, kind, more byte) {
		p := channeltest.SamplePage(channeltest.PageKinds[int(kind)%4], lexicon.PageLanguages[int(more)%5])
		p.What, p.Where, p.Authority, p.Words, p.Exercise = what, where, authority, where, more&8 != 0
		if more&16 != 0 {
			p.At = time.Time{}
		}
		m, err := Text{MaxParts: 1}.Page(p, Replies{Taken: true}, channeltest.Settings())
		if err != nil {
			t.Fatal(err)
		}
		onePart(t, "filled", m.For(map[string]string{channels.PersonLink: strings.Repeat("x", channels.LongestToken)}))
		if strings.Count(m.Text, channels.PersonLink) != 1 || !strings.HasSuffix(m.Text, " "+p.Link) || !strings.Contains(m.Text, "V-0417: ") || strings.ContainsAny(strings.TrimSuffix(m.Text, channels.PersonLink), "{}") {
			t.Errorf("%q", m.Text)
		}
		if p.Kind != channels.PageCall {
			return
		}
		words := lexicon.ForPages(p.Language)
		if !strings.Contains(m.Text, "18:15. ") || !strings.Contains(m.Text, writable(words.Replies("", true))) && !strings.Contains(m.Text, writable(words.Replies("", false))) {
			t.Errorf("%q", m.Text)
		}
		// What stands before three dots of ours ends where a word of theirs does.
		whole := writable(p.Cleaned().What) + "  " + writable(p.Cleaned().Where)
		parts := strings.Split(m.Text, "...")
		for _, part := range parts[:len(parts)-1] {
			fields := strings.Fields(part)
			if len(fields) == 0 {
				continue
			}
			last, within := fields[len(fields)-1], false
			for rest := whole; strings.Contains(rest, last); {
				_, rest, _ = strings.Cut(rest, last)
				next, _ := utf8.DecodeRuneInString(rest)
				if within = unicode.IsLetter(next) || unicode.IsDigit(next); !within {
					break
				}
			}
			if within {
				t.Errorf("%q ends within a word of %q: %q", last, whole, m.Text)
			}
		}
	})
}
