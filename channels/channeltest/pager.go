package channeltest

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"martinella/alerts/lexicon"
	"martinella/channels"
)

// PageKinds lists what a page can be for.
var PageKinds = []channels.PageKind{channels.PageCall, channels.PageFilled, channels.PageNeeded, channels.PageClosed, channels.PageCancelled, channels.PageTest}

// SamplePage is a page of one call, in a language of [lexicon.PageLanguages];
// each call builds a new one.
func SamplePage(kind channels.PageKind, language string) channels.Page {
	zone := time.FixedZone("CET", 3600)
	p := channels.Page{Kind: kind, Language: language, Authority: "PC Valdemo", Code: "V-0417", What: "Sacchi in via del Ponte", Where: "magazzino",
		Meet: time.Date(2026, 11, 22, 18, 15, 0, 0, zone), Until: time.Date(2026, 11, 22, 22, 0, 0, 0, zone), At: time.Date(2026, 11, 22, 17, 40, 0, 0, zone),
		Bring: "stivali e torcia", Link: "https://valdemo.example/d/" + channels.PersonLink, Event: "01KAK3Z8G0FLD1RST0000000C1"}
	if !p.Calls() {
		p.Words = "Buon lavoro di tutti."
	}
	return p
}

// PagerSuite says how a channel that pages volunteers is put through [Pages].
type PagerSuite struct {
	New func(t testing.TB) channels.Pager

	// Fits judges a message with its link filled; nil: nothing limits it.
	Fits func(t testing.TB, name string, m channels.Message)

	// Where the link stands, once in each of the two.
	LinkInText, LinkInPayload bool

	// Time is what of "18:15" the text has in every language; none: as it is.
	Time []string

	// Codeless: the text does not say the call's code.
	Codeless bool
}

// Pages is the contract that every [channels.Pager] passes: pure, in all kinds
// and languages, an exercise marked first, the person's link once and no other
// placeholder, within the channel's room, whatever a coordinator wrote.
func Pages(t *testing.T, s PagerSuite) {
	if s.Time == nil {
		s.Time = []string{"18:15"}
	}
	c := s.New(t)
	for _, kind := range PageKinds {
		for _, lang := range append([]string{"it-IT", "hr"}, lexicon.PageLanguages...) {
			for _, exercise := range []bool{false, true} {
				p := SamplePage(kind, lang)
				p.Exercise, p.Urgent = exercise, !exercise
				s.page(t, c, fmt.Sprintf("%s %s exercise %v", kind, lang, exercise), p)
				p.Link = ""
				s.page(t, c, fmt.Sprintf("%s %s exercise %v without a link", kind, lang, exercise), p)
			}
		}
	}
	for name, text := range hostile {
		for _, kind := range PageKinds {
			p := SamplePage(kind, "it")
			p.Exercise, p.What, p.Where, p.Bring, p.Words = true, text, text, text, text
			s.page(t, c, fmt.Sprintf("%s of %s", kind, name), p)
			p.Authority = text
			s.page(t, c, fmt.Sprintf("%s of %s, authority too", kind, name), p)
		}
	}
}

// hostile are texts that must not break what is made of them.
var hostile = map[string]string{
	"nothing":                       "",
	"placeholders":                  "{person.link} {sent} {unsubscribe} {code} {next}",
	"placeholders behind what":      "{person\u200b.link} {un\u00adsubscribe} {c\u2060ode}",
	"nested placeholders":           "{{person.link}person.link} {se{code}nt}",
	"a turn of direction":           "via \u202edel\u202c Ponte\u2066 4\u2069\u200f\u061c",
	"control characters":            "via\x00 del\r\nBcc: tutti@example.org\x1b[2J Ponte\u2028e poi\u2029altro\u0085",
	"markup":                        `<script>alert(1)</script><a href="https://evil.example">via</a> ]]> <Say>1</Say> &amp; "'` + "`",
	"a form":                        `"},"url":"https://evil.example","x":{"y":"`,
	"one word":                      strings.Repeat("a", 5000),
	"many words":                    strings.Repeat("sacchi di sabbia ", 400),
	"many sentences":                strings.Repeat("Portate i sacchi. ", 400),
	"signs that cost two":           strings.Repeat("€[~] ", 100),
	"accents that come apart":       strings.Repeat("perche\u0301 e\u0300 cosi\u0300 ", 20),
	"marks without end":             "e" + strings.Repeat("\u0301", 500) + " via",
	"another script":                "Мешки с песком, " + strings.Repeat("улица Моста ", 30),
	"families":                      strings.Repeat("👨‍👩‍👧‍👦🇮🇹1️⃣ ", 60),
	"bytes that are no text":        "via \xff\xfe\xed\xa0\x80 del Ponte",
	"only signs":                    "... --- ,,, ::: !!!",
	"a name that no letter writes":  "Šempeter pri Gorici, Čampore, Łódź, Đakovo, " + strings.Repeat("Ǆ ", 20),
	"what fills the room by itself": strings.Repeat("È ", 80),
}

func (s PagerSuite) page(t *testing.T, c channels.Pager, name string, p channels.Page) {
	t.Helper()
	m, err := c.RenderPage(p)
	if err != nil {
		t.Errorf("%s: refused: %v", name, err)
		return
	}
	if again, err := c.RenderPage(p); err != nil || !reflect.DeepEqual(m, again) {
		t.Errorf("%s: rendering twice gives two texts (%v)", name, err)
	}
	callers := channels.Message{Language: p.Language, Exercise: p.Exercise, Title: m.Title, Text: m.Text, Payload: m.Payload}
	if !reflect.DeepEqual(m, callers) {
		t.Errorf("%s: sets what is the caller's: %+v", name, m)
	}
	if mark := lexicon.For(p.Language).Exercise; p.Exercise != strings.HasPrefix(m.Text, mark) || m.Title != "" && p.Exercise != strings.HasPrefix(m.Title, mark) {
		t.Errorf("%s: title %q, text %q", name, m.Title, m.Text)
	}
	if !s.Codeless && !strings.Contains(m.Text, p.Code) {
		t.Errorf("%s: the code is gone: %q", name, m.Text)
	}
	for _, figure := range s.Time {
		if p.Calls() && !strings.Contains(m.Text, figure) {
			t.Errorf("%s: the time is gone: %q", name, m.Text)
		}
	}
	s.placeholders(t, name, p, m)
	for _, text := range []string{m.Title, m.Text} {
		if at := strings.IndexFunc(text, unsafe); at >= 0 {
			t.Errorf("%s: %U stands in %q", name, []rune(text[at:])[0], text)
		}
	}
	if len(m.Payload) > 0 && m.Payload[0] == '{' && !json.Valid(m.Payload) {
		t.Errorf("%s: the payload is broken: %s", name, m.Payload)
	}
	if s.Fits != nil {
		m = m.For(map[string]string{channels.PersonLink: strings.Repeat("W", channels.LongestToken)})
		m.Audience = channels.AudienceVolunteers
		s.Fits(t, name, m)
	}
}

// placeholders looks for the person's link where it belongs, and for others.
func (s PagerSuite) placeholders(t *testing.T, name string, p channels.Page, m channels.Message) {
	t.Helper()
	for part, linked := range map[string]bool{m.Title + "\x00": false, m.Text: s.LinkInText && p.Link != "", string(m.Payload): s.LinkInPayload && p.Link != ""} {
		want := 0
		if linked {
			want = 1
		}
		if n := strings.Count(part, channels.PersonLink); n != want {
			t.Errorf("%s: the person's link stands %d times, want %d: %q", name, n, want, part)
		}
		for _, other := range channels.Placeholders {
			if other != channels.PersonLink && strings.Contains(part, other) {
				t.Errorf("%s: %s stands in %q", name, other, part)
			}
		}
	}
}

// unsafe are characters that must not come out of a text.
func unsafe(r rune) bool {
	return r != '\n' && unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || slices.Contains([]rune{'\u200e', '\u200f', '\u061c', '\u2028', '\u2029', '\ufeff', '\ufffd'}, r)
}

// GoldenPages compares what a channel makes of the sample pages in Italian and
// English with testdata/page-KIND.golden of its folder, the exercise last: see
// [Golden].
func GoldenPages(t *testing.T, c channels.Pager) {
	t.Helper()
	for _, kind := range PageKinds {
		var b strings.Builder
		for _, lang := range []string{"it", "en"} {
			for _, exercise := range []bool{false, true} {
				p := SamplePage(kind, lang)
				p.Exercise, p.Urgent = exercise, true
				m, err := c.RenderPage(p)
				if err != nil {
					t.Errorf("%s: %v", kind, err)
					continue
				}
				b.WriteString("== " + m.Language + ": " + m.Title + "\n" + m.Text + "\n")
				b.WriteString(tidied(m.Payload))
			}
		}
		compareFile(t, filepath.Join("testdata", "page-"+string(kind)+".golden"), b.String())
	}
}
