package channels

import "testing"

func TestCount(t *testing.T) {
	for name, c := range map[string]struct {
		unit Unit
		text string
		want int
	}{
		"code points":                        {UnitChars, "perché 👨‍👩‍👧‍👦", 14},
		"what a reader sees":                 {UnitGraphemes, "perché 👨‍👩‍👧‍👦", 8},
		"octets":                             {UnitBytes, "perché", 7},
		"UTF-16 units":                       {UnitUTF16, "è🔥", 3},
		"septets":                            {UnitSeptets, "perché €", 9},
		"septets of what the alphabet lacks": {UnitSeptets, "È 🔥", 4},
		"accents weigh one on X":             {UnitWeighted, "è°–—“’", 6},
		"euro, dots, bullet, arrow weigh 2":  {UnitWeighted, "€…•→№", 10},
		"every emoji weighs 2":               {UnitWeighted, "🔥👨‍👩‍👧‍👦🇮🇹1️⃣⚠️", 10},
		"ideographs weigh 2":                 {UnitWeighted, "中文", 4},
		"mixed signs":                        {UnitWeighted, "€ – … “x”", 11},
		"a link weighs 23":                   {UnitWeighted, "vedi https://comune.pistoia.it/a/01ARZ3NDEKTSV4RRFFQ69G5FAV", 28},
		"a bare domain weighs 23":            {UnitWeighted, "comune.pistoia.it/allerta", 23},
		"nothing weighs nothing":             {UnitWeighted, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.unit.Count(c.text); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestCountLinks(t *testing.T) {
	count := CountLinks(UnitChars.Count, 23)
	for text, want := range map[string]int{
		"":                    0,
		"piove":               5,
		"https://a.it":        23,
		"x https://a.it/b y ": 28,
		"https://alert.example/a/01ARZ3NDEKTSV4RRFFQ69G5FAV http://b.it": 47,
	} {
		if got := count(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

// Whatever a stranger writes is counted, and never as nothing.
func FuzzWeighted(f *testing.F) {
	for _, text := range []string{"\u200d", "👨‍👩‍👧‍👦\u200d", "🇮", "https://a.it/(b(c)d)e)?x=1.", "x.xn--p1ai@", "1\u20e3\ufe0f", "\U0001F3F4\U000E0067", "a.b.c-.it", "\xff.it", "ж.рфж"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n := Weighted(text)
		if n < 0 || n == 0 && text != "" {
			t.Fatalf("%q counts %d", text, n)
		}
		last := 0
		for _, l := range linksOn(text) {
			if l.from < last || l.to <= l.from || l.to > len(text) {
				t.Fatalf("%q: links %v", text, linksOn(text))
			}
			last = l.to
		}
	})
}
