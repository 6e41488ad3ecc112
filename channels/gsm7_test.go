package channels

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

func TestSegments(t *testing.T) {
	for name, c := range map[string]struct {
		text     string
		encoding Encoding
		units    []int
	}{
		"nothing is one empty part":              {"", GSM7, []int{0}},
		"160 septets are one message":            {strings.Repeat("a", 160), GSM7, []int{160}},
		"161 septets are two":                    {strings.Repeat("a", 161), GSM7, []int{153, 8}},
		"a long Italian text":                    {strings.Repeat("ALLERTA METEO ROSSA perché piove. ", 8), GSM7, []int{153, 119}},
		"one Cyrillic letter makes it UCS-2":     {strings.Repeat("ALLERTA METEO ROSSA perché piove. ", 8) + "ё", UCS2, []int{67, 67, 67, 67, 5}},
		"the euro counts two":                    {strings.Repeat("€", 80), GSM7, []int{160}},
		"an escape pair is never cut":            {strings.Repeat("€", 81), GSM7, []int{152, 10}},
		"a surrogate pair is never cut":          {strings.Repeat("ё", 66) + "🔥" + "abcde", UCS2, []int{66, 7}},
		"70 units are one message":               {strings.Repeat("ё", 70), UCS2, []int{70}},
		"71 units are two":                       {strings.Repeat("ё", 71), UCS2, []int{67, 4}},
		"a family of emoji stays together":       {strings.Repeat("ё", 65) + "👨‍👩‍👧‍👦", UCS2, []int{65, 11}},
		"accents that the alphabet has are free": {"àèéìòùÉÇñü§@_¿\n", GSM7, []int{15}},
		"a capital È is not in the alphabet":     {"È", UCS2, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			encoding, parts := Segments(c.text)
			var units []int
			var text strings.Builder
			for _, p := range parts {
				units = append(units, p.Units)
				text.WriteString(p.Text)
			}
			if encoding != c.encoding || !reflect.DeepEqual(units, c.units) {
				t.Errorf("got %s %v, want %s %v", encoding, units, c.encoding, c.units)
			}
			if text.String() != c.text {
				t.Errorf("the parts joined are %q", text.String())
			}
		})
	}
}

func TestSegmentOctets(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []byte
	}{
		"the alphabet's own codes": {"@è\nÉ a€", []byte{0x00, 0x04, 0x0A, 0x1F, 0x20, 0x61, 0x1B, 0x65}},
		"big-endian with a pair":   {"ё🔥", []byte{0x04, 0x51, 0xD8, 0x3D, 0xDD, 0x25}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, parts := Segments(c.text); !reflect.DeepEqual(parts[0].Data, c.want) {
				t.Errorf("got % x, want % x", parts[0].Data, c.want)
			}
		})
	}
}

func TestGSMAlphabetIsComplete(t *testing.T) {
	if len(gsmBasic) != 128 {
		t.Fatalf("the alphabet has %d places, want 128", len(gsmBasic))
	}
	for code, r := range gsmBasic {
		if code != gsmEscape && septetsOf(r) != 1 {
			t.Errorf("code %#x: %q is listed twice", code, r)
		}
	}
}

func TestTransliterate(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
		changes    []Replacement
	}{
		"nothing to do":               {"perché no €", "perché no €", nil},
		"Italian capitals and quotes": {"È l’ora… «via»", `E' l'ora... "via"`, []Replacement{{"È", "E'", 1}, {"’", "'", 1}, {"…", "...", 1}, {"«", `"`, 1}, {"»", `"`, 1}}},
		"counts":                      {"È È", "E' E'", []Replacement{{"È", "E'", 2}}},
		"Slovene loses its carons":    {"Pojdite na višje ležeče", "Pojdite na visje lezece", []Replacement{{"š", "s", 1}, {"ž", "z", 1}, {"č", "c", 1}}},
		"accents apart are joined":    {"perche\u0301", "perché", nil},
		"Cyrillic stays as it is":     {"«тревога»", "«тревога»", nil},
		"an emoji keeps the rest too": {"È 🔥", "È 🔥", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, changes := Transliterate(c.text)
			if got != c.want || !reflect.DeepEqual(changes, c.changes) {
				t.Errorf("got %q %v, want %q %v", got, changes, c.want, c.changes)
			}
		})
	}
	for from, to := range gsmSubstitutes {
		if _, ok := Septets(to); !ok {
			t.Errorf("the substitute of %q is %q, which is not in the alphabet", from, to)
		}
		if septetsOf(from) > 0 {
			t.Errorf("%q is in the alphabet and needs no substitute", from)
		}
	}
}

// graphemes are the bytes at which a part may begin: of each grapheme the
// first, and every code point of one that is longer than a part.
func graphemes(text string, part int) map[int]bool {
	begins := map[int]bool{0: true}
	for at, g := 0, uniseg.NewGraphemes(text); g.Next(); {
		cluster := g.Str()
		begins[at] = true
		if Units16(cluster) > part {
			for i := range cluster {
				begins[at+i] = true
			}
		}
		at += len(cluster)
	}
	return begins
}

func FuzzSegments(f *testing.F) {
	for _, s := range []string{"", "perché", strings.Repeat("€", 81), strings.Repeat("ё", 66) + "🔥abcde", strings.Repeat("👨‍👩‍👧‍👦", 20),
		"e" + strings.Repeat("\u0301", 300), "\xff\xfe", strings.Repeat("a", 159) + "\r\n", "È l’ora…"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		encoding, parts := Segments(text)
		alone, part := SeptetsAlone, SeptetsPart
		if encoding == UCS2 {
			alone, part = UnitsAlone, UnitsPart
		}
		if len(parts) > 1 {
			alone = part
		}
		begins := graphemes(text, part)
		var joined, decoded strings.Builder
		for i, p := range parts {
			if !begins[joined.Len()] {
				t.Fatalf("part %d begins in the middle of a grapheme", i)
			}
			if p.Units > alone || (len(parts) > 1 && p.Units == 0) {
				t.Fatalf("part %d of %d has %d units", i, len(parts), p.Units)
			}
			joined.WriteString(p.Text)
			switch encoding {
			case GSM7:
				if len(p.Data) != p.Units {
					t.Fatalf("part %d: %d octets for %d septets", i, len(p.Data), p.Units)
				}
				decoded.WriteString(DecodeSeptets(p.Data))
			case UCS2:
				if len(p.Data) != 2*p.Units {
					t.Fatalf("part %d: %d octets for %d units", i, len(p.Data), p.Units)
				}
				decoded.WriteString(DecodeUCS2(p.Data))
			}
		}
		if joined.String() != text {
			t.Fatalf("the parts joined are %q, want %q", joined.String(), text)
		}
		if want := strings.ToValidUTF8(text, "\uFFFD"); utf8.ValidString(text) && decoded.String() != want {
			t.Fatalf("the octets read back as %q, want %q", decoded.String(), want)
		}
		short, changes := Transliterate(text)
		if _, ok := Septets(short); ok && short != text && len(changes) == 0 && utf8.ValidString(text) && Units16(short) >= Units16(text) {
			t.Fatalf("changed %q to %q and did not say so", text, short)
		}
	})
}
