package channels

import (
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestNamesDay(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 30, 0, 0, zone) }
	for sentence, c := range map[string]struct {
		p    Page
		want bool
	}{
		"all on one day":                       {Page{At: at(22, 17), Meet: at(22, 18), Until: at(22, 22)}, false},
		"nobody knows when it is written":      {Page{Meet: at(22, 18), Until: at(22, 22)}, true},
		"tomorrow":                             {Page{At: at(22, 17), Meet: at(23, 18), Until: at(23, 22)}, true},
		"it goes on after midnight":            {Page{At: at(22, 17), Meet: at(22, 18), Until: at(23, 2)}, true},
		"people are called after it began":     {Page{At: at(23, 0), Meet: at(22, 18), Until: at(23, 2)}, true},
		"a clock in another zone, the day too": {Page{At: at(22, 0).UTC(), Meet: at(22, 8), Until: at(22, 22).UTC()}, false},
		"no end is known":                      {Page{At: at(22, 17), Meet: at(22, 18)}, false},
		"the same day of another year":         {Page{At: at(22, 17).AddDate(-1, 0, 0), Meet: at(22, 18), Until: at(22, 22)}, true},
	} {
		if got := c.p.NamesDay(); got != c.want {
			t.Errorf("%s: got %v", sentence, got)
		}
	}
}

func TestLongestLink(t *testing.T) {
	for link, want := range map[string]int{
		"":                                  0,
		PersonLink:                          len("https://valdemo.example/d/") + LongestToken,
		"https://v.example/d/" + PersonLink: len("https://v.example/d/") + LongestToken,
	} {
		if got := (Page{Link: link}).LongestLink("https://valdemo.example/"); got != want {
			t.Errorf("%q: got %d, want %d", link, got, want)
		}
	}
}

func TestComposePage(t *testing.T) {
	p := Page{Kind: PageCall, Language: "de", Authority: "PC Valdemo", Code: "V-0417", What: "Sandsäcke\n{sent}", Where: "Lager", Meet: time.Date(2026, 11, 22, 18, 15, 0, 0, time.UTC), Exercise: true}
	got := ComposePage(p)
	want := "ÜBUNG\nPC Valdemo: V-0417\nKannst du kommen?\nWas: Sandsäcke (sent)\nTreffpunkt: Lager\nWann: Sonntag, 22. November, 18:15 Uhr."
	if got.Text() != want || got.Heading() != "ÜBUNG - V-0417: Sandsäcke (sent)" {
		t.Errorf("got %q, %q", got.Text(), got.Heading())
	}
}

// Nothing that people write makes a placeholder, turns a line or is endless, and
// what is clean stays as it is.
func FuzzCleaned(f *testing.F) {
	f.Add("Sacchi in via del Ponte")
	f.Add("{person\u200b.link}\u202e\r\n\x00\xff" + strings.Repeat("a", 4000))
	f.Add(strings.Repeat("👨‍👩‍👧‍👦 ", 200))
	f.Fuzz(func(t *testing.T, text string) {
		p := Page{What: text, Where: text, Authority: text, Code: text, Bring: text, Words: text}.Cleaned()
		for most, got := range map[int]string{mostPageWhat: p.What, mostPagePlace: p.Where, mostPageName: p.Authority, mostPageWords: p.Words} {
			if UnitChars.Count(got) > most || strings.ContainsAny(got, "{}\n\r") || strings.TrimSpace(got) != got {
				t.Errorf("%d: %q", most, got)
			}
			if at := strings.IndexFunc(got, func(r rune) bool {
				return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d'
			}); at >= 0 {
				t.Errorf("%q holds what cannot be seen", got)
			}
		}
		if again := p.Cleaned(); again != p {
			t.Errorf("twice gives %+v, once %+v", again, p)
		}
	})
}
