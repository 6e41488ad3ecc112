package social_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
	"martinella/channels/social"
)

const page = "https://allerta.comune.pistoia.example/a/01KAK3Z8G0FLD1RST0000000A1"

func posts(change func(*social.Posts)) *social.Posts {
	p := &social.Posts{Name: "comune", Platform: "mastodon", Settings: channeltest.Settings(), Unit: channels.UnitChars, Max: 500}
	if change != nil {
		change(p)
	}
	return p
}

// render gives the messages of a record, which have to be the same twice.
func render(t *testing.T, p *social.Posts, r *alerts.Record) []channels.Message {
	t.Helper()
	got, err := p.Render(r)
	again, _ := p.Render(r.Clone())
	if err != nil || !reflect.DeepEqual(got, again) {
		t.Fatalf("%v; twice the same: %v", err, reflect.DeepEqual(got, again))
	}
	return got
}

func tagged(p *social.Posts) {
	p.Settings.Hashtags = channels.Hashtags{{Event: "Alluvione", Tags: []string{"alluvionePistoia"}}, {Tags: []string{"allertameteoTOS"}}, {Event: "Flood", Language: "en", Tags: []string{"PistoiaFlood"}}}
}

func TestRender(t *testing.T) {
	tag := func(r *alerts.Record) *alerts.Record {
		r.Alert.Infos[0].Parameters = append(r.Alert.Infos[0].Parameters, alerts.Value{Name: channels.HashtagParameter, Value: "Ombrone"})
		return r
	}
	word := func(r *alerts.Record, name, text string) *alerts.Record {
		r.Alert.Infos[0].Parameters = append(r.Alert.Infos[0].Parameters, alerts.Value{Name: channels.WordingParameter + name, Value: text})
		return r
	}
	for name, c := range map[string]struct {
		change func(*social.Posts)
		record *alerts.Record
		want   []string
	}{
		"source, hazard and effect, place, time, what to do, link, tags": {tagged, tag(channeltest.Sample(channeltest.Actual, "it")), []string{
			"Comune di Pistoia: Avviso - pericolo estremo: Alluvione.\nL'Ombrone supera gli argini fra via S. Marco e Pontelungo. L'acqua sale in fretta perché piove da ieri.\n" +
				"Dove: Pistoia sud, Quarrata.\nFino alle 18:30 di sabato 21 novembre.\nSalite subito ai piani alti. Non scendete in cantina né in garage. Non usate l'auto.\n" +
				page + "\n#Ombrone #alluvionePistoia #allertameteoTOS"}},
		"the exercise mark before all, in each language": {func(p *social.Posts) { tagged(p); p.Max = 300 }, channeltest.Sample(channeltest.Exercise, "it", "de"), []string{
			"ESERCITAZIONE\nComune di Pistoia: Avviso - pericolo estremo: Alluvione.\nDove: Pistoia sud, Quarrata.\nFino alle 18:30 del 21/11.\nSalite subito ai piani alti. Non scendete in cantina né in garage. Non usate l'auto.\n" +
				page + "\n#alluvionePistoia",
			"ÜBUNG\nGemeinde Pistoia: Warnung - extreme Gefahr: Überschwemmung.\nGehen Sie sofort nach oben.\nWo: Pistoia Süd, Quarrata.\nBis 21.11., 18:30.\nGehen Sie sofort in höhere Stockwerke. Meiden Sie Keller und Tiefgaragen.\n" +
				page + "\n#allertameteoTOS"}},
		"an account with one language": {func(p *social.Posts) { p.Language, p.Max = "en", 230 }, channeltest.Sample(channeltest.Update, "it", "en"), []string{
			"UPDATE\nMunicipality of Pistoia: Warning - extreme danger: Flood.\nWhere: South Pistoia, Quarrata.\nUntil 18:30, 21 November.\nGo upstairs now.\n" + page}},
		"own words, with a hashtag that is not said twice": {tagged, word(channeltest.Sample(channeltest.Actual, "it"), "mastodon", "Salite! (#AllertaMeteoTOS)"), []string{
			"Comune di Pistoia\nSalite! (#AllertaMeteoTOS)\n" + page + "\n#alluvionePistoia"}},
		"own words for another platform": {func(p *social.Posts) { p.Max = 120 }, word(channeltest.Sample(channeltest.Actual, "it"), "facebook", "Salite!"), []string{
			"Comune di Pistoia\nSalite subito ai piani alti.\n" + page}},
		"sent by mistake": {nil, channeltest.Sample(channeltest.Cancel, "it"), []string{
			"ANNULLATA (inviata per errore)\nComune di Pistoia: Alluvione.\nDove: Pistoia sud, Quarrata.\nL'avviso precedente non vale: è stato inviato per errore.\n" + page}},
	} {
		t.Run(name, func(t *testing.T) {
			p := posts(c.change)
			got := render(t, p, c.record)
			var texts []string
			for _, m := range got {
				texts = append(texts, m.Text)
				if used := p.Measure(m.Text); used.Used > used.Max || used.Unit != "chars" || used.Part != 1 {
					t.Errorf("measured %+v", used)
				}
			}
			if fmt.Sprintf("%q", texts) != fmt.Sprintf("%q", c.want) {
				t.Errorf("got  %q\nwant %q", texts, c.want)
			}
		})
	}
}

func TestThePicture(t *testing.T) {
	r := channeltest.Sample(channeltest.Actual, "it", "en")
	for _, m := range render(t, posts(nil), r) {
		if m.Image != nil {
			t.Errorf("%s: a picture where none is taken", m.Language)
		}
	}
	for i, m := range render(t, posts(func(p *social.Posts) { p.Image = true }), r) {
		want := []string{"Alluvione", "Flood"}[i]
		if m.Image == nil || m.Image.Type != "image/png" || m.Image.Width != 1200 || m.Image.Height != 630 || !strings.Contains(m.Image.Alt, want) || m.Image.Bytes != nil {
			t.Errorf("%s: %+v", m.Language, m.Image)
		}
	}
}

func TestNoRoom(t *testing.T) {
	p := posts(func(p *social.Posts) { p.Max = 60 })
	r := channeltest.Sample(channeltest.Actual)
	if _, err := p.Render(r); !errors.Is(err, channels.ErrNoRoom) || !strings.Contains(err.Error(), "mastodon comune") {
		t.Errorf("got %v", err)
	}
	if _, err := p.RenderAmended(r, channeltest.Sample(channeltest.Update)); !errors.Is(err, channels.ErrNoRoom) {
		t.Errorf("amended: got %v", err)
	}
}

func TestRenderAmended(t *testing.T) {
	old := "Comune di Pistoia: Avviso - pericolo estremo: Alluvione.\nDove: Pistoia sud, Quarrata.\n" + page
	for name, c := range map[string]struct {
		before, after channeltest.Kind
		lang          string
		title, want   string
	}{
		"another one holds": {channeltest.Actual, channeltest.Update, "it", "SOSTITUITO: Avviso - pericolo estremo: Alluvione", "SOSTITUITO\nLeggete il nuovo avviso: {next}\n" + old},
		"of an exercise":    {channeltest.Exercise, channeltest.Update, "it", "ESERCITAZIONE - SOSTITUITO: Avviso - pericolo estremo: Alluvione", "ESERCITAZIONE - SOSTITUITO\nLeggete il nuovo avviso: {next}\n" + old},
		"sent by mistake":   {channeltest.Actual, channeltest.Cancel, "it", "ANNULLATA (inviata per errore): Avviso - pericolo estremo: Alluvione", "ANNULLATA (inviata per errore)\nQuesto avviso non vale: {next}\n" + old},
		"a Cancel without words": {channeltest.Update, channeltest.Bare, "en", "CANCELLED (sent in error): Warning - extreme danger: Flood",
			"CANCELLED (sent in error)\nThis warning does not hold: {next}\nMunicipality of Pistoia: Warning - extreme danger: Flood.\nWhere: South Pistoia, Quarrata.\n" + page},
		"over": {channeltest.Actual, channeltest.AllClear, "de", "ENTWARNUNG: Warnung - extreme Gefahr: Überschwemmung",
			"ENTWARNUNG\nDie Gefahr ist vorbei: {next}\nGemeinde Pistoia: Warnung - extreme Gefahr: Überschwemmung.\nWo: Pistoia Süd, Quarrata.\n" + page},
		"words in the place of a Cancel's": {channeltest.Cancel, channeltest.Update, "it", "SOSTITUITO: Alluvione", "SOSTITUITO\nLeggete il nuovo avviso: {next}\nComune di Pistoia: Alluvione.\nDove: Pistoia sud, Quarrata.\n" + page},
	} {
		t.Run(name, func(t *testing.T) {
			p := posts(func(p *social.Posts) { p.Image = true; tagged(p) })
			before, after := channeltest.Sample(c.before, c.lang), channeltest.Sample(c.after, "it", "en", "de")
			before.Alert.Infos[0].Parameters = []alerts.Value{{Name: channels.WordingParameter + "mastodon", Value: "Salite!"}}
			got, err := p.RenderAmended(before, after)
			if err != nil || len(got) != 1 {
				t.Fatalf("%d messages, %v", len(got), err)
			}
			m := got[0]
			if m.Text != c.want || m.Title != c.title {
				t.Errorf("got  %q, %q\nwant %q, %q", m.Title, m.Text, c.title, c.want)
			}
			if m.Step != channels.StepPoint || m.Language != c.lang || m.Revision != after.Revision || m.Alert != after.ID || m.Change != after.Change || m.Image != nil || m.URL != page {
				t.Errorf("got %+v", m)
			}
			if m.Exercise != (c.before == channeltest.Exercise) {
				t.Errorf("exercise is %v", m.Exercise)
			}
		})
	}
}

// The address that {next} becomes is longer than the placeholder: the room for
// it is kept, and the placeholder is never cut.
func TestNextIsCountedAsAnAddress(t *testing.T) {
	p := posts(nil)
	before := channeltest.Sample(channeltest.Actual, "it")
	before.Alert.Infos[0].Areas[0].Description = strings.Repeat("Contrada ", 30)
	address := "https://mastodon.example/@comune/" + strings.Repeat("1", 60)
	fitted := 0
	for p.Max = 200; p.Max < 600; p.Max++ {
		got, err := p.RenderAmended(before, channeltest.Sample(channeltest.Update, "it"))
		if errors.Is(err, channels.ErrNoRoom) && fitted == 0 {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		fitted++
		text := got[0].For(map[string]string{"{next}": address}).Text
		if n := len([]rune(text)); n > p.Max || !strings.Contains(text, "Leggete il nuovo avviso: "+address+"\n") || !strings.HasSuffix(text, page) {
			t.Fatalf("%d of %d: %q", n, p.Max, text)
		}
		if used := p.Measure(got[0].Text); used.Used > p.Max || used.Used < len(address) {
			t.Fatalf("measured %+v", used)
		}
	}
	if fitted < 300 {
		t.Errorf("only %d limits had room", fitted)
	}
}
