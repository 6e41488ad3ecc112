package verify

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/alerts/compose"
)

const ours = `PC Valdemo
Piena del torrente Rivo: È in arrivo, salite ai piani alti subito.
Non usate l'auto. Informazioni: 0573 371111.
Fino alle 18:30. https://allerta.valdemo.example/a/01JD0000000000000000000000`

func TestWhatCountsAsTheSame(t *testing.T) {
	with := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(ours) }
	for sentence, tt := range map[string]struct {
		theirs string
		want   Match
	}{
		"the same":                              {ours, Whole},
		"lines joined, spaces doubled":          {strings.Join(strings.Fields(ours), "  "), Whole},
		"capitals":                              {strings.ToUpper(strings.ReplaceAll(ours, "https://", "")), Whole},
		"written with the letters of a phone":   {with("È", "E'", "l'auto", "l’auto"), Whole},
		"accents composed otherwise":            {with("È", "E\u0300"), Whole},
		"without an accent":                     {with("È", "e"), Whole},
		"emoji and bullets beside it":           {"🌊 " + with(". Info", "! – Info") + " 🙏", Whole},
		"spaces that nobody sees":               {with("torrente", "tor\u200brente", " 18", "\u00a018"), Whole},
		"cut off by the phone":                  {ours[:90] + "…", Part},
		"cut off within a word":                 {with("subito", "subi\n")[:strings.Index(ours, "subito")+4], Part},
		"a passage from within":                 {"salite ai piani alti subito. Non usate l'auto", Part},
		"a forwarded copy with a remark":        {"Inoltrato: " + ours + "\nMandatelo a tutti!", Added},
		"another number":                        {with("18:30", "19:30"), Similar},
		"one digit of the telephone":            {with("371111", "371112"), Similar},
		"cut off within a number":               {ours[:strings.Index(ours, "371111")+3], Similar},
		"a word less":                           {with("Non usate", "usate"), Similar},
		"another address, one letter":           {with("valdemo.example", "va1demo.example"), Similar},
		"another address, a dash for a dot":     {with("allerta.valdemo", "allerta-valdemo"), Similar},
		"letters of another alphabet":           {with("salite", "sаlite"), Similar}, // the second letter is Cyrillic
		"something else":                        {"Buongiorno, la riunione è spostata a domani alle 18:30 in municipio.", Other},
		"an IT-alert":                           {"IT-alert Protezione Civile: allarme per collasso di una grande diga. Raggiungi subito un luogo elevato e segui le indicazioni delle autorità.", Other},
		"nothing":                               {"", Other},
		"signs alone":                           {"... !!! 🌊", Other},
		"four words of ours":                    {"salite ai piani alti", Part},
		"three words, which many would write":   {"ai piani alti", Other},
		"the beginning and another end":         {"Piena del torrente Rivo: è in arrivo, scendete in cantina e aspettate lì", Similar},
		"the same words in quite another order": {"subito alti piani ai salite arrivo in È Rivo torrente del Piena Valdemo PC", Other},
	} {
		if got := Best([]Text{Prepare("Allerta meteo"), Prepare(ours)}, Prepare(tt.theirs)); got.Match != tt.want {
			t.Errorf("%s: %d, want %d (score %.2f)", sentence, got.Match, tt.want, got.Score)
		}
	}
	if got := Best(nil, Prepare(ours)); got.Ours != -1 || got.Match != Other {
		t.Errorf("without a text of ours: %+v", got)
	}
}

// A forgery takes the headline alone, and puts its own words beside it.
func TestAHeadlineWithOtherWordsIsFound(t *testing.T) {
	lead := PrepareLead("Salite ai piani alti subito!")
	for theirs, want := range map[string]Match{
		"Salite ai piani alti subito! pagate su http://evil.example": Similar,
		"Attenzione: SALITE AI PIANI ALTI SUBITO e pagate 20 euro":   Similar,
		"Salite ai piani alti subito":                                Part,
		"Salite ai piani alti, se potete, subito":                    Other,
		"I piani alti del municipio sono chiusi da subito":           Other,
	} {
		if got := Best([]Text{Prepare(ours[:40]), lead}, Prepare(theirs)); got.Match != want {
			t.Errorf("%q: %d, want %d", theirs, got.Match, want)
		}
	}
}

// The text that a copy was made from is found, and not a shorter one of the same
// message that happens to be in it: the difference is shown against it.
func TestTheNearestIsTheOneThatWasCopied(t *testing.T) {
	short := Prepare("Piena del torrente Rivo: È in arrivo, salite ai piani alti subito. Non usate l'auto.")
	theirs := Prepare(strings.Replace(ours, "valdemo.example", "va1demo.example", 1))
	for _, all := range [][]Text{{short, Prepare(ours)}, {Prepare(ours), short}} {
		if v := Best(all, theirs); len(all[v.Ours].words) == len(short.words) || v.Match != Similar {
			t.Errorf("%+v", v)
		}
	}
}

func TestTheDifferenceIsMarkedAsItStandsInItsText(t *testing.T) {
	theirs := strings.NewReplacer("371111", "371112", "È", "E'", "Non ", "").Replace(ours)
	var removed, added []string
	for _, p := range Difference(Prepare(ours), Prepare(theirs)) {
		switch p.Kind {
		case compose.Removed:
			removed = append(removed, strings.TrimSpace(p.Text))
		case compose.Added:
			added = append(added, strings.TrimSpace(p.Text))
		}
	}
	if !slices.Equal(removed, []string{"Non", "371111."}) || !slices.Equal(added, []string{"371112."}) {
		t.Errorf("removed %q, added %q", removed, added)
	}
}

func TestHints(t *testing.T) {
	const id = "01JD0000000000000000000000"
	for text, want := range map[string]struct {
		codes []string
		ids   []alerts.ID
	}{
		"k7 q2-p":                     {[]string{"K7Q2P"}, nil},
		"Codice: K7Q2P.":              {[]string{"K7Q2P"}, nil},
		"codice k7q2p, piena":         {[]string{"K7Q2P"}, nil},
		"SALTE sulle scale":           {nil, nil}, // L is in no code
		"SANTE e santi":               {[]string{"SANTE"}, nil},
		"piena in corso":              {nil, nil},
		"x.example/verify?code=k7q2p": {[]string{"K7Q2P"}, nil},
		"https://x.example/a/" + strings.ToLower(id) + "?lang=it": {nil, []alerts.ID{id}},
		"": {nil, nil},
	} {
		codes, ids := Hints(text)
		if !slices.Equal(codes, want.codes) || !slices.Equal(ids, want.ids) {
			t.Errorf("%q gives %v %v, want %v %v", text, codes, ids, want.codes, want.ids)
		}
	}
}

func FuzzPastedText(f *testing.F) {
	for _, s := range []string{"", ours, ours[:40], "Salite ai piani alti subito! pagate su http://evil.example", "\x00\xff\u202e", strings.Repeat("è", 3000), "a.b@c://d", strings.Repeat("a.b/ ", 2000), "K7Q2P " + strings.Repeat("Z", 26), "\u0301\u200b \u0301"} {
		f.Add(s)
	}
	mine := Prepare(ours)
	f.Fuzz(func(t *testing.T, pasted string) {
		theirs := Prepare(pasted)
		if whole := strings.Join(theirs.words, ""); len(theirs.words) > 0 && utf8.RuneCountInString(pasted) <= MostCharacters && whole != strings.ToValidUTF8(pasted, "") {
			t.Errorf("cut, %q became %q", pasted, whole)
		}
		v := Best([]Text{mine}, theirs)
		if v.Score < 0 || v.Score > 1 {
			t.Errorf("score %v", v.Score)
		}
		var back strings.Builder
		for _, p := range Difference(mine, theirs) {
			if p.Kind != compose.Removed {
				back.WriteString(p.Text)
			}
		}
		if back.String() != strings.Join(theirs.words, "") {
			t.Errorf("the difference does not hold their text: %q", back.String())
		}
		if len(theirs.keys) > 0 {
			if got := Best([]Text{theirs}, Prepare(pasted)); got.Match != Whole {
				t.Errorf("%q is not like itself: %d", pasted, got.Match)
			}
		}
		codes, ids := Hints(pasted)
		for _, code := range codes {
			if again, ok := alerts.ReadCode(code); !ok || again != code {
				t.Errorf("%q gave the code %q", pasted, code)
			}
		}
		if len(codes) > mostHints || len(ids) > mostHints {
			t.Errorf("%d codes, %d ids", len(codes), len(ids))
		}
	})
}

// The longest text against sixty messages of ten texts each: what one question
// costs at most. BenchmarkBest says how long; times fail no build.
func BenchmarkBest(b *testing.B) {
	var all []Text
	for i := range 600 {
		all = append(all, Prepare(strings.ReplaceAll(ours, "Rivo", "Rivo "+string(rune('A'+i%26)))))
	}
	pasted := strings.Repeat("uno due tre quattro cinque sei sette otto nove dieci ", MostCharacters)[:MostCharacters]
	for name, text := range map[string]string{"longest": pasted, "altered": strings.Replace(ours, "Non", "", 1)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Best(all, Prepare(text))
			}
		})
	}
}
