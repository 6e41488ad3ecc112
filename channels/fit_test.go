package channels

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

func flood() []Piece {
	return []Piece{
		{Kind: PieceMark, Text: "ESERCITAZIONE", Join: "\n", Rank: 0},
		{Kind: PieceSource, Text: "Comune di Pistoia", Join: "\n", Rank: 1},
		{Kind: PieceHazard, Text: "Avviso - pericolo estremo: alluvione.", Join: ": ", Rank: 2},
		{Kind: PieceEffect, Text: "L'Ombrone supera gli argini. L'acqua sale in fretta.", Join: "\n", Rank: 6},
		{Kind: PiecePlace, Label: "Dove: ", Text: "Pistoia sud, Quarrata, Agliana.", Join: "\n", Rank: 4},
		{Kind: PieceAction, Text: "Salite ai piani alti subito. Non scendete in cantina.", Join: "\n", Rank: 0},
		{Kind: PieceTime, Text: "Fino alle 18:30 di sabato 21 novembre.", Short: "Fino alle 18:30 del 21/11.", Join: "\n", Rank: 3},
		{Kind: PieceLink, Text: "https://p.it/a/1", Join: "\n", Rank: 0},
	}
}

func TestFit(t *testing.T) {
	for name, c := range map[string]struct {
		limit int
		want  string
	}{
		"no limit": {0, "ESERCITAZIONE\nComune di Pistoia: Avviso - pericolo estremo: alluvione.\nL'Ombrone supera gli argini. L'acqua sale in fretta.\nDove: Pistoia sud, Quarrata, Agliana.\n" +
			"Salite ai piani alti subito. Non scendete in cantina.\nFino alle 18:30 di sabato 21 novembre.\nhttps://p.it/a/1"},
		"the last sentence of the effect gives way first": {245, "ESERCITAZIONE\nComune di Pistoia: Avviso - pericolo estremo: alluvione.\nL'Ombrone supera gli argini.\nDove: Pistoia sud, Quarrata, Agliana.\n" +
			"Salite ai piani alti subito. Non scendete in cantina.\nFino alle 18:30 del 21/11.\nhttps://p.it/a/1"},
		"an SMS: the list of places is cut at a word": {160, "ESERCITAZIONE\nComune di Pistoia: Avviso - pericolo estremo: alluvione.\nDove: Pistoia...\n" +
			"Salite ai piani alti subito.\nFino alle 18:30 del 21/11.\nhttps://p.it/a/1"},
		"very short: mark, action, link, source":   {78, "ESERCITAZIONE\nComune di Pistoia\nSalite ai piani alti subito.\nhttps://p.it/a/1"},
		"shorter: a cut action keeps mark, link":   {45, "ESERCITAZIONE\nSalite ai...\nhttps://p.it/a/1"},
		"an action of one word, then three points": {40, "ESERCITAZIONE\nSalite...\nhttps://p.it/a/1"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Fit(flood(), c.limit, UnitChars.Count)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			if c.limit > 0 && utf8.RuneCountInString(got) > c.limit {
				t.Errorf("%d characters, limit %d", utf8.RuneCountInString(got), c.limit)
			}
		})
	}
	pieces := flood()
	pieces[1].Rank = 9 // the source has no room
	if got, _ := Fit(pieces, 110, UnitChars.Count); !strings.HasPrefix(got, "ESERCITAZIONE\nAvviso - pericolo estremo: alluvione.\n") {
		t.Errorf("what follows a source that has no room: %q", got)
	}
	pieces = flood()
	pieces[4].Text = strings.Repeat("Contrada alta, ", 50) + "Agliana."
	if got, _ := Fit(pieces, 300, UnitChars.Count); !strings.Contains(got, "Salite ai piani alti subito. Non scendete in cantina.\n") || len(got) < 280 {
		t.Errorf("a long list of places costs what to do: %q", got)
	}
	if _, err := Fit(flood(), 30, UnitChars.Count); !errors.Is(err, ErrNoRoom) {
		t.Errorf("got %v, want ErrNoRoom", err)
	}
}

func TestSentences(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"two":                       {"Piove. Salite!", []string{"Piove. ", "Salite!"}},
		"a saint is no end":         {"In piazza S. Marco si sale. Via.", []string{"In piazza S. Marco si sale. ", "Via."}},
		"a number is no end":        {"Strada n. 5 chiusa. Girate.", []string{"Strada n. 5 chiusa. ", "Girate."}},
		"German short words":        {"Meiden Sie z. B. Keller. Gehen Sie hoch.", []string{"Meiden Sie z. B. Keller. ", "Gehen Sie hoch."}},
		"decimals":                  {"Livello 3.5 metri. Salite.", []string{"Livello 3.5 metri. ", "Salite."}},
		"a line break ends":         {"Prima riga\nseconda riga", []string{"Prima riga\n", "seconda riga"}},
		"a quotation":               {"Disse «via!» Poi andò.", []string{"Disse «via!» ", "Poi andò."}},
		"lower case goes on":        {"Attenzione. anche qui", []string{"Attenzione. anche qui"}},
		"a year ends":               {"Fino al 2026. Poi vedremo.", []string{"Fino al 2026. ", "Poi vedremo."}},
		"no space after it":         {"请上楼。不要开车！好。", []string{"请上楼。", "不要开车！", "好。"}},
		"Arabic":                    {"هل أنت بخير؟ اصعد الآن. ابق.", []string{"هل أنت بخير؟ ", "اصعد الآن. ", "ابق."}},
		"nothing is one empty text": {"  ", []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Sentences(c.text); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

var units6 = []Unit{UnitChars, UnitGraphemes, UnitWeighted, UnitSeptets, UnitUTF16, UnitBytes}

func FuzzFit(f *testing.F) {
	f.Add("Salite ai piani alti subito. Non scendete in cantina.", "L'Ombrone supera gli argini perché piove da ieri.", "Pistoia, Quarrata", uint16(60), byte(0))
	f.Add("Meiden Sie Keller! Gehen Sie in höhere Stockwerke.", "Überschwemmungsgefahrenbereich: größte Vorsicht.", "Bozen/Bolzano", uint16(70), byte(3))
	f.Add("🔥🔥 Via di qui 👨‍👩‍👧‍👦!", "⚠️ 1️⃣ 🇮🇹🇮🇹", "città", uint16(33), byte(1))
	f.Add("避难。请上楼。", "洪水正在上涨，请注意安全。", "北京", uint16(50), byte(2))
	f.Add("a\u0301 \u0301b", "\u0600 x", "\n\n", uint16(45), byte(4))
	f.Fuzz(func(t *testing.T, action, effect, place string, limit uint16, unit byte) {
		count := units6[int(unit)%len(units6)].Count
		action, effect, place = clean(action), clean(effect), clean(place)
		pieces := []Piece{
			{Kind: PieceMark, Text: "ESERCITAZIONE", Join: "\n", Rank: 0},
			{Kind: PieceSource, Text: "Comune", Join: "\n", Rank: 1},
			{Kind: PieceEffect, Text: effect, Join: ": ", Rank: 6},
			{Kind: PiecePlace, Text: place, Join: "\n", Rank: 4},
			{Kind: PieceAction, Text: action, Join: "\n", Rank: 0},
			{Kind: PieceLink, Text: "https://p.it/a/1", Join: "\n", Rank: 0},
		}
		got, err := Fit(pieces, int(limit), count)
		if err != nil {
			if limit == 0 || limit >= 80 && action == "" {
				t.Fatalf("limit %d: %v", limit, err)
			}
			return
		}
		if limit > 0 && count(got) > int(limit) {
			t.Fatalf("%q counts %d, limit %d", got, count(got), limit)
		}
		if !strings.HasPrefix(got, "ESERCITAZIONE") || !strings.HasSuffix(got, "https://p.it/a/1") || !utf8.ValidString(got) {
			t.Fatalf("spoilt: %q", got)
		}
		if again, _ := Fit(pieces, int(limit), count); again != got {
			t.Fatalf("first %q, then %q", got, again)
		}
		checkCuts(t, got, []string{action, effect, place})
	})
}

// checkCuts: each line that ends in three points is the beginning of one of the
// texts, and the text goes on with a space or in a script without spaces.
func checkCuts(t *testing.T, got string, texts []string) {
	t.Helper()
	for line := range strings.SplitSeq(got, "\n") {
		begin, cut := strings.CutSuffix(line, ellipsis)
		begin = strings.TrimPrefix(begin, "Comune: ")
		if !cut || begin == "" {
			continue
		}
		good := false
		for _, text := range texts {
			for from := 0; from <= len(text)-len(begin); from++ { // a text of several lines may be cut in any
				at := strings.Index(text[from:], begin)
				if at < 0 {
					break
				}
				rest := text[from+at+len(begin):]
				next, _ := utf8.DecodeRuneInString(rest)
				last, _ := utf8.DecodeLastRuneInString(begin)
				whole := uniseg.GraphemeClusterCount(begin+rest) == uniseg.GraphemeClusterCount(begin)+uniseg.GraphemeClusterCount(rest)
				inWord := (unicode.IsLetter(next) || unicode.IsDigit(next)) && !unicode.Is(unicode.Han, last) && !unicode.In(last, unicode.Hiragana, unicode.Katakana)
				good = good || strings.HasPrefix(rest, ellipsis) || (whole && !inWord)
				from += at
			}
		}
		if !good {
			t.Fatalf("%q is cut in a word or a grapheme", line)
		}
	}
}

// A text of very many sentences is cut in a moment.
func TestFitAsksTheCounterSeldom(t *testing.T) {
	asked := 0
	count := func(s string) int { asked++; return len(s) }
	pieces := flood()
	pieces[3].Text = strings.Repeat("Piove. ", 30000)
	got, err := Fit(pieces, 60000, count)
	if err != nil || len(got) < 59990 || asked > 100 {
		t.Errorf("%d octets after %d counts, %v", len(got), asked, err)
	}
}
