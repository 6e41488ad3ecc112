package imagecard

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"golang.org/x/image/font"

	"martinella/alerts"
	"martinella/channels/channeltest"
)

var update = flag.Lookup("update") // of channeltest: writes the golden files instead of comparing with them

// samples are the cards that are kept as files, by name.
func samples() map[string]func() (*alerts.Record, string) {
	of := func(kind channeltest.Kind, language string, change func(*alerts.Record)) func() (*alerts.Record, string) {
		return func() (*alerts.Record, string) {
			r := channeltest.Sample(kind, language)
			if change != nil {
				change(r)
			}
			return r, language
		}
	}
	level := func(severity alerts.Severity) func(*alerts.Record) {
		return func(r *alerts.Record) {
			for i := range r.Alert.Infos {
				r.Alert.Infos[i].Severity = severity
			}
		}
	}
	shapeless := func(r *alerts.Record) {
		for i := range r.Alert.Infos {
			for j := range r.Alert.Infos[i].Areas {
				r.Alert.Infos[i].Areas[j].Polygons = nil
			}
		}
	}
	return map[string]func() (*alerts.Record, string){
		"extreme-it":   of(channeltest.Actual, "it", nil),
		"severe-en":    of(channeltest.Actual, "en", level(alerts.SeveritySevere)),
		"moderate-de":  of(channeltest.Actual, "de", level(alerts.SeverityModerate)),
		"minor-it":     of(channeltest.Actual, "it", level(alerts.SeverityMinor)),
		"exercise-de":  of(channeltest.Exercise, "de", nil),
		"test-en":      of(channeltest.Test, "en", shapeless),
		"update-it":    of(channeltest.Update, "it", nil),
		"cancel-en":    of(channeltest.Cancel, "en", nil),
		"all-clear-it": of(channeltest.AllClear, "it", nil),
		"bare-it":      of(channeltest.Bare, "it", nil),
		"long-it": of(channeltest.Actual, "it", func(r *alerts.Record) {
			info := &r.Alert.Infos[0]
			info.Headline = "Salite subito ai piani alti, non scendete in cantina, non usate l'auto, e aiutate chi non può muoversi da solo: l'acqua arriva fra le 18 e le 20"
			info.Event = "Rischio idraulico, idrogeologico e temporali forti"
			info.SenderName = "Unione dei Comuni Montani dell'Appennino Pistoiese e della Valle"
			for i := range 12 {
				info.Areas = append(info.Areas, alerts.Area{Description: fmt.Sprintf("San Marcello Piteglio %d", i)})
			}
		}),
		"no-shapes-en": of(channeltest.Actual, "en", shapeless),
	}
}

func decoded(t *testing.T, b []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestGoldenCards(t *testing.T) {
	p := New(channeltest.Settings())
	for name, of := range samples() {
		t.Run(name, func(t *testing.T) {
			r, language := of()
			got, err := p.Card(r, language)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) > 40<<10 {
				t.Errorf("%d bytes", len(got))
			}
			file := filepath.Join("testdata", name+".png")
			if update != nil && update.Value.String() == "true" {
				if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(file, got, 0o644)); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v (go test -update writes it)", err)
			}
			a, b := decoded(t, got), decoded(t, want)
			if a.Bounds() != image.Rect(0, 0, Width, Height) || a.Bounds() != b.Bounds() {
				t.Fatalf("%v, the file has %v", a.Bounds(), b.Bounds())
			}
			off := 0
			for y := range Height {
				for x := range Width {
					if far(a.At(x, y), b.At(x, y)) {
						off++
					}
				}
			}
			if off > Width*Height/2000 { // an edge may be drawn otherwise by another compiler
				t.Errorf("%d pixels differ from %s (go test -update, then look at it)", off, file)
			}
		})
	}
}

func far(a, b color.Color) bool {
	r1, g1, b1, _ := a.RGBA()
	r2, g2, b2, _ := b.RGBA()
	gap := func(x, y uint32) int { return int(math.Abs(float64(x>>8) - float64(y>>8))) }
	return max(gap(r1, r2), gap(g1, g2), gap(b1, b2)) > 64
}

// The pictures of the README are some of the cards.
func TestPicturesOfTheGuide(t *testing.T) {
	for _, name := range []string{"extreme-it", "severe-en", "exercise-de", "all-clear-it"} {
		file := filepath.Join(channeltest.ModuleDir(t), "dashboards", "guide", "pictures", "card-"+name+".png")
		r, language := samples()[name]()
		b, err := New(channeltest.Settings()).Card(r, language)
		if err != nil {
			t.Fatal(err)
		}
		if update != nil && update.Value.String() == "true" {
			if err := os.WriteFile(file, b, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		have, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%v (go test -update writes it)", err)
		}
		if a, b := decoded(t, b), decoded(t, have); a.Bounds() != b.Bounds() || far(a.At(100, 80), b.At(100, 80)) || far(a.At(5, 300), b.At(5, 300)) {
			t.Errorf("%s is another card (go test -update writes it)", file)
		}
	}
}

func TestTheSameRecordGivesTheSameBytes(t *testing.T) {
	r := channeltest.Sample(channeltest.Actual)
	first, err := New(channeltest.Settings()).Card(r, "it")
	if err != nil {
		t.Fatal(err)
	}
	again, err := New(channeltest.Settings()).Card(r.Clone(), "it")
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("%d and %d bytes, %v", len(first), len(again), err)
	}
	other, err := New(channeltest.Settings()).Card(r, "en")
	if err != nil || bytes.Equal(first, other) {
		t.Errorf("another language gives the same card, %v", err)
	}
}

// What stands on a card tells it apart; what does not, does not.
func TestCardsAreRememberedByWhatStandsOnThem(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*alerts.Record)
		same   bool
	}{
		"its identifier":  {func(r *alerts.Record) { r.ID, r.Alert.Identifier = "01KAK3Z8G0FLD1RST0000000B2", "x" }, true},
		"its description": {func(r *alerts.Record) { r.Alert.Infos[0].Description = "Altro." }, true},
		"its headline":    {func(r *alerts.Record) { r.Alert.Infos[0].Headline = "Altro" }, false},
		"its severity":    {func(r *alerts.Record) { r.Alert.Infos[0].Severity = alerts.SeverityMinor }, false},
		"its end":         {func(r *alerts.Record) { r.Alert.Infos[0].Expires = r.Alert.Infos[0].Expires.Add(3600e9) }, false},
		"its shape":       {func(r *alerts.Record) { r.Alert.Infos[0].Areas[0].Polygons[0][1].Lon += .01 }, false},
		"a circle": {func(r *alerts.Record) {
			r.Alert.Infos[0].Areas[0].Circles = []alerts.Circle{{Centre: alerts.Point{Lat: 43.9, Lon: 10.9}, Radius: 1}}
		}, false},
		"an exercise": {func(r *alerts.Record) { r.Alert.Status = alerts.StatusExercise }, false},
		"an update":   {func(r *alerts.Record) { r.Change = alerts.ChangeUpdated }, false},
	} {
		t.Run(name, func(t *testing.T) {
			one, two := channeltest.Sample(channeltest.Actual, "it"), channeltest.Sample(channeltest.Actual, "it")
			c.change(two)
			a, b := faceOf(one, "it", channeltest.Settings()), faceOf(two, "it", channeltest.Settings())
			if same := a.digest() == b.digest(); same != c.same {
				t.Errorf("the same card: %v", same)
			}
		})
	}
}

func TestManyAskAtOnce(t *testing.T) {
	p := New(channeltest.Settings())
	var wg sync.WaitGroup
	cards := make([][]byte, 12)
	for i := range cards {
		wg.Go(func() {
			r := channeltest.Sample(channeltest.Actual, "it")
			r.Alert.Infos[0].Headline = fmt.Sprint("Numero ", i%3)
			cards[i], _ = p.Card(r, "it")
		})
	}
	wg.Wait()
	for i := range cards {
		if len(cards[i]) == 0 || &cards[i][0] != &cards[i%3][0] {
			t.Errorf("card %d was drawn once more", i)
		}
	}
	for i := range 3 * kept {
		if _, err := p.once([32]byte{byte(i), 1}, func() ([]byte, error) { return nil, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.cards) != kept || len(p.order) != kept {
		t.Errorf("%d cards are kept, %d in order, want %d", len(p.cards), len(p.order), kept)
	}
}

// contrast of two colours (WCAG 2.2, relative luminance).
func contrast(a, b color.RGBA) float64 {
	light := func(c color.RGBA) float64 {
		part := func(v uint8) float64 {
			f := float64(v) / 255
			if f <= 0.04045 {
				return f / 12.92
			}
			return math.Pow((f+0.055)/1.055, 2.4)
		}
		return 0.2126*part(c.R) + 0.7152*part(c.G) + 0.0722*part(c.B)
	}
	x, y := light(a), light(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestEverythingCanBeRead(t *testing.T) {
	pairs := map[string][2]color.RGBA{"text": {ink, paper}, "the mark of an update": {paper, ink}, "the event": {quiet, paper}, "the foot": {paper, navy}, "the exercise": {paper, black}}
	for _, severity := range []alerts.Severity{alerts.SeverityExtreme, alerts.SeveritySevere, alerts.SeverityModerate, alerts.SeverityMinor, alerts.SeverityUnknown} {
		s := signOf(severity, alerts.ChangeIssued)
		pairs["the sign of "+string(severity)] = [2]color.RGBA{s.glyph, s.ground}
	}
	for _, change := range []alerts.Change{alerts.ChangeCancelled, alerts.ChangeEnded} {
		s := signOf(alerts.SeverityExtreme, change)
		pairs["the sign of "+string(change)] = [2]color.RGBA{s.glyph, s.ground}
		if s.ground == red || s.ground == orange || s.ground == yellow {
			t.Errorf("%s has the colour of a danger", change)
		}
	}
	for name, p := range pairs {
		if got := contrast(p[0], p[1]); got < 4.5 {
			t.Errorf("%s has a contrast of %.2f", name, got)
		}
	}
}

// Levels are told apart without colour.
func TestEverySignHasItsShape(t *testing.T) {
	seen := map[string]string{}
	for name, s := range map[string]sign{
		"extreme": signOf(alerts.SeverityExtreme, alerts.ChangeIssued), "severe": signOf(alerts.SeveritySevere, alerts.ChangeIssued),
		"moderate": signOf(alerts.SeverityModerate, alerts.ChangeIssued), "minor": signOf(alerts.SeverityMinor, alerts.ChangeIssued),
		"cancelled": signOf(alerts.SeverityExtreme, alerts.ChangeCancelled), "ended": signOf(alerts.SeverityExtreme, alerts.ChangeEnded),
	} {
		shape := fmt.Sprint(s.shape, s.inner)
		if other, taken := seen[shape]; taken {
			t.Errorf("%s and %s have the same shape", name, other)
		}
		seen[shape] = name
	}
}

func TestAltSaysWhatTheCardShows(t *testing.T) {
	for name, c := range map[string]struct {
		kind     channeltest.Kind
		language string
		want     []string
		never    []string
	}{
		"an alert":     {channeltest.Actual, "it", []string{"Avviso - pericolo estremo: Alluvione.", "Salite subito ai piani alti.", "Dove: Pistoia sud, Quarrata.", "Fino alle 18:30", "Comune di Pistoia.", "Con la mappa della zona. Non sulla mappa: Quarrata."}, []string{"ESERCITAZIONE"}},
		"an exercise":  {channeltest.Exercise, "en", []string{"EXERCISE - ", "Go upstairs now."}, nil},
		"in German":    {channeltest.Test, "de", []string{"ÜBUNG - ", "Gehen Sie sofort nach oben."}, nil},
		"an update":    {channeltest.Update, "it", []string{"AGGIORNAMENTO - Avviso"}, nil},
		"an all-clear": {channeltest.AllClear, "it", []string{"CESSATO ALLARME: Alluvione."}, []string{"Salite", "Fino alle", "pericolo"}},
		"a mistake":    {channeltest.Cancel, "it", []string{"ANNULLATA (inviata per errore): Alluvione."}, []string{"Salite", "Fino alle", "pericolo"}},
		"a bare one":   {channeltest.Bare, "it", []string{"ANNULLATA"}, []string{"Salite", "mappa"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Alt(channeltest.Sample(c.kind, c.language), c.language, channeltest.Settings())
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q does not say %q", got, want)
				}
			}
			for _, never := range c.never {
				if strings.Contains(got, never) {
					t.Errorf("%q says %q", got, never)
				}
			}
			if strings.Contains(got, "..") || utf8.RuneCountInString(got) > longestAlt {
				t.Errorf("%d characters: %q", utf8.RuneCountInString(got), got)
			}
		})
	}
}

// Words of the danger are not said of what is over, whoever wrote it; those of
// whoever closed it are.
func TestWhatIsOverSaysNothingOfTheDanger(t *testing.T) {
	for _, kind := range []channeltest.Kind{channeltest.Cancel, channeltest.AllClear} {
		r := channeltest.Sample(kind, "it")
		r.Alert.Infos[0].Instruction, r.Alert.Infos[0].Description = "Salite subito ai piani alti.", "L'acqua si è ritirata."
		alt := Alt(r, "it", channeltest.Settings())
		if strings.Contains(alt, "Salite") || strings.Contains(alt, "Fino alle") || !strings.Contains(alt, "L'acqua si è ritirata.") {
			t.Errorf("%s: %q", kind, alt)
		}
		f := faceOf(r, "it", channeltest.Settings())
		b, err := New(channeltest.Settings()).Card(r, "it")
		if err != nil || f.until != "" || strings.Contains(f.headline+f.note, "Salite") {
			t.Errorf("%s: %+v, %v", kind, f, err)
		}
		img := decoded(t, b)
		for y := range Height {
			for x := range Width {
				for _, danger := range []color.RGBA{red, orange, yellow} {
					if !far(img.At(x, y), danger) {
						t.Fatalf("%s: the colour of a danger at %d, %d", kind, x, y)
					}
				}
			}
		}
	}
}

// A map of some of the places would tell the others that they are safe.
func TestTheMapShowsEverythingOrSaysWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		shapes  int
		bare    int
		mapped  bool
		missing int
	}{
		"every place has a shape":   {3, 0, true, 0},
		"one has none":              {3, 1, true, 1},
		"none has one":              {0, 3, false, 0},
		"more than a map can carry": {5000, 0, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := channeltest.Sample(channeltest.Actual, "it")
			info := &r.Alert.Infos[0]
			shape := info.Areas[0].Polygons
			info.Areas = nil
			for i := range c.shapes + c.bare {
				a := alerts.Area{Description: fmt.Sprint("Luogo ", i)}
				if i < c.shapes {
					a.Polygons = shape
				}
				info.Areas = append(info.Areas, a)
			}
			f := faceOf(r, "it", channeltest.Settings())
			if got := len(f.areas) > 0; got != c.mapped {
				t.Errorf("a map: %v", got)
			}
			if got := strings.Count(f.offMap, "Luogo"); got != c.missing {
				t.Errorf("%d places are said to be missing: %q", got, f.offMap)
			}
			if got := strings.Contains(Alt(r, "it", channeltest.Settings()), "Con la mappa"); got != c.mapped {
				t.Errorf("the words tell of a map: %v", got)
			}
			if _, err := New(channeltest.Settings()).Card(r, "it"); err != nil {
				t.Error(err)
			}
		})
	}
}

// Half an address leads nowhere: it stands on the card whole or not at all, and
// nothing is written over the edge.
func TestTheFootHoldsAnyAddress(t *testing.T) {
	for _, host := range []string{"a.it", "protezionecivile.comune.sanmarcellopiteglio.pt.example", strings.Repeat("molto-lungo.", 12) + "example", ""} {
		s := channeltest.Settings()
		s.PublicURL = "https://" + host
		f := faceOf(channeltest.Sample(channeltest.Actual, "it"), "it", s)
		b, err := New(s).Card(channeltest.Sample(channeltest.Actual, "it"), "it")
		if err != nil || f.address != host {
			t.Fatalf("%q: %v", f.address, err)
		}
		img := decoded(t, b)
		for y := range Height {
			if far(img.At(Width-1, y), img.At(Width-20, y)) {
				t.Errorf("%q: something at the right edge, in row %d", host, y)
				break
			}
		}
	}
}

// hostile makes the worst of a record's words.
func hostile(text string, areas int) *alerts.Record {
	r := channeltest.Sample(channeltest.Actual, "it")
	info := &r.Alert.Infos[0]
	info.Headline, info.Event, info.Instruction, info.SenderName = text, text, text, text
	for i := range areas {
		info.Areas = append(info.Areas, alerts.Area{Description: fmt.Sprint(text, i), Polygons: info.Areas[0].Polygons})
	}
	return r
}

func TestStrangeWordsAreDrawnOrLeftOut(t *testing.T) {
	faces, err := loadTypefaces()
	if err != nil {
		t.Fatal(err)
	}
	s := &setter{typefaces: faces}
	for name, c := range map[string]struct{ text, want string }{
		"Italian":               {"Perché è così? L’àncora – «sì»", "Perché è così? L’àncora – «sì»"},
		"Slovene":               {"Močan veter, žled in šotor", "Močan veter, žled in šotor"},
		"Greek":                 {"Πλημμύρα", "Πλημμύρα"},
		"Cyrillic":              {"Наводнение", "Наводнение"},
		"an emoji":              {"Piove 🔥 forte 👨‍👩‍👧‍👦!", "Piove forte !"},
		"Arabic":                {"فيضان: اصعدوا إلى الطوابق العليا", ""},
		"Hebrew":                {"שיטפון", ""},
		"Chinese":               {"洪水警報", ""},
		"one name in Arabic":    {"Salite subito ai piani alti del palazzo, non scendete in cantina né in garage ق", "Salite subito ai piani alti del palazzo, non scendete in cantina né in garage"},
		"letters with a mark":   {"Perche\u0301 Bucureșt\u200bi", "Perché București"},
		"two marks":             {"Cảnh báo lũ lụt", "Canh báo lũ lut"},
		"half Arabic":           {"Salite فيضان اصعدوا إلى", ""},
		"control characters":    {"Salite\x00 \u202eai\u2066 piani\n\talti\ufeff", "Salite ai piani alti"},
		"nothing but an emoji":  {"🔥", ""},
		"what is no character":  {"a\xffb", "ab"},
		"an object replacement": {"x\ufffcy\ufffd", "xy"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.settable(c.text); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	p := New(channeltest.Settings())
	for name, text := range map[string]string{
		"a very long headline": strings.Repeat("Salite subito ai piani alti. ", 400), "a word without end": strings.Repeat("x", 10_000),
		"only signs": "!!! ??? ...", "nothing": "", "Arabic": "فيضان", "line breaks": strings.Repeat("a\n", 500),
	} {
		t.Run(name, func(t *testing.T) {
			for _, areas := range []int{0, 30} {
				b, err := p.Card(hostile(text, areas), "it")
				if err != nil {
					t.Fatal(err)
				}
				if img := decoded(t, b); img.Bounds().Dx() != Width || img.Bounds().Dy() != Height {
					t.Errorf("%v", img.Bounds())
				}
			}
			if alt := Alt(hostile(text, 500), "it", channeltest.Settings()); utf8.RuneCountInString(alt) > longestAlt || !strings.Contains(alt, "Avviso") {
				t.Errorf("alt: %q", alt)
			}
		})
	}
}

func TestLinesStayWithinTheirWidth(t *testing.T) {
	faces, err := loadTypefaces()
	if err != nil {
		t.Fatal(err)
	}
	s := &setter{typefaces: faces, faces: map[faceKey]font.Face{}}
	face := s.face(true, 44)
	for _, text := range []string{strings.Repeat("Salite subito ai piani alti ", 30), strings.Repeat("x", 300), "uno", strings.Repeat("a ", 200) + strings.Repeat("y", 90)} {
		for _, most := range []int{1, 2, 4} {
			lines, whole := wrap(text, face, 500, most)
			if len(lines) > most || whole != (strings.Join(lines, " ") == strings.TrimSpace(text) || strings.ReplaceAll(strings.Join(lines, ""), "-", "") == text) {
				t.Errorf("%q in %d lines: %q, whole %v", text[:3], most, lines, whole)
			}
			if slices.ContainsFunc(lines, func(l string) bool { return measure(face, l) > 500+measure(face, "…") }) {
				t.Errorf("%q is wider than 500", lines)
			}
			if !whole && !strings.HasSuffix(lines[len(lines)-1], "…") {
				t.Errorf("%q does not say that it goes on", lines)
			}
		}
	}
}

func FuzzCard(f *testing.F) {
	for _, seed := range []string{"Salite", "فيضان", "🔥\x00\xff", strings.Repeat("x", 500), "a-b c…", ""} {
		f.Add(seed, "it", 43.9, 10.9, 1.0)
	}
	p := New(channeltest.Settings())
	f.Fuzz(func(t *testing.T, text, language string, lat, lon, radius float64) {
		r := hostile(text, 1)
		r.Alert.Infos[0].Language = language
		r.Alert.Infos[0].Areas[0].Polygons[0][0] = alerts.Point{Lat: lat, Lon: lon}
		r.Alert.Infos[0].Areas[0].Circles = []alerts.Circle{{Centre: alerts.Point{Lat: lat, Lon: lon}, Radius: radius}}
		b, err := p.Card(r, language)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > MaxBytes {
			t.Errorf("%d bytes", len(b))
		}
		if alt := Alt(r, language, channeltest.Settings()); !utf8.ValidString(alt) || utf8.RuneCountInString(alt) > longestAlt {
			t.Errorf("alt: %q", alt)
		}
	})
}

func BenchmarkCard(b *testing.B) {
	p := New(channeltest.Settings())
	f := faceOf(channeltest.Sample(channeltest.Actual), "it", p.settings)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.paint(&f); err != nil {
			b.Fatal(err)
		}
	}
}
