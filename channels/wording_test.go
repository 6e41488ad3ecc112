package channels_test

import (
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

func words(name, text string) alerts.Value {
	return alerts.Value{Name: "martinella:text:" + name, Value: text}
}

func TestWording(t *testing.T) {
	info := alerts.Info{Parameters: []alerts.Value{{Name: "level", Value: "3"}, words("Facebook", " Per tutti:\r\n salite!\u202e "), words("comune-fb", "Per la pagina"), words("x", " \x00 "), words("public", "{next} {code}")}}
	for name, c := range map[string]struct {
		names []string
		want  string
	}{
		"by its kind, without regard to case": {[]string{"altra", "facebook", "public"}, "Per tutti:\nsalite!"},
		"the channel's name comes first":      {[]string{"comune-fb", "facebook", "public"}, "Per la pagina"},
		"the audience last; no placeholders":  {[]string{"a", "mastodon", "public"}, "(next) (code)"},
		"words of nothing are none":           {[]string{"x"}, ""},
		"nobody":                              {[]string{"", "y"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := channels.Wording(info, c.names...); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWorded(t *testing.T) {
	const link = "\n" + page
	own := func(kind channeltest.Kind, text ...string) *alerts.Record {
		infos := make([]string, len(text))
		for i := range infos {
			infos[i] = "it"
		}
		r := channeltest.Sample(kind, infos...)
		for i, s := range text {
			if s != "" {
				r.Alert.Infos[i].Parameters = append(r.Alert.Infos[i].Parameters, words("facebook", s))
			}
		}
		return r
	}
	several := func(text ...string) *alerts.Record {
		r := own(channeltest.Actual, text...)
		r.Alert.Infos[1].Event, r.Alert.Infos[1].Severity = "Vento", alerts.SeveritySevere
		return r
	}
	bare := channeltest.Sample(channeltest.Bare)
	bare.Replaced = own(channeltest.Actual, "Salite!").Alert
	news := func(text string) *alerts.Record {
		r := own(channeltest.Update, text)
		r.Alert.Infos[0].Parameters = append(r.Alert.Infos[0].Parameters, alerts.Value{Name: alerts.ChangedParameter, Value: "Chiuso il ponte"})
		return r
	}
	for name, c := range map[string]struct {
		record *alerts.Record
		limit  int
		want   string
	}{
		"what an update changed is said first":       {news("Salite."), 0, "AGGIORNAMENTO\nComune di Pistoia\nChiuso il ponte.\nSalite." + link},
		"nothing twice":                              {news("Chiuso il ponte. Salite."), 0, "AGGIORNAMENTO\nComune di Pistoia\nChiuso il ponte. Salite." + link},
		"it gives way where there is no room for it": {news("Salite."), 110, "AGGIORNAMENTO\nComune di Pistoia\nSalite." + link},
		"source and link stay":                       {own(channeltest.Actual, "Salite ai piani alti."), 0, "Comune di Pistoia\nSalite ai piani alti." + link},
		"a source that is said is not said again":    {own(channeltest.Actual, "COMUNE DI PISTOIA: salite."), 0, "COMUNE DI PISTOIA: salite." + link},
		"the exercise mark stays first":              {own(channeltest.Exercise, "Salite."), 0, "ESERCITAZIONE\nComune di Pistoia\nSalite." + link},
		"so does that of an update":                  {own(channeltest.Update, "Salite."), 0, "AGGIORNAMENTO\nComune di Pistoia\nSalite." + link},
		"what is too long ends with a sentence":      {own(channeltest.Actual, "Salite ai piani alti. Non scendete in cantina. Non usate l'auto."), 130, "Comune di Pistoia\nSalite ai piani alti." + link},
		"a copy of the danger's words does not close it": {own(channeltest.AllClear, "Salite!"), 0,
			"CESSATO ALLARME\nComune di Pistoia: Alluvione.\nDove: Pistoia sud, Quarrata.\nL'allarme è cessato." + link},
		"nor does it cancel it": {own(channeltest.Cancel, "Salite!"), 0,
			"ANNULLATA (inviata per errore)\nComune di Pistoia: Alluvione.\nDove: Pistoia sud, Quarrata.\nL'avviso precedente non vale: è stato inviato per errore." + link},
		"a Cancel without words has none from the alert that it cancels": {bare, 0,
			"ANNULLATA (inviata per errore)\nComune di Pistoia: Alluvione.\nDove: Pistoia sud, Quarrata.\nL'avviso precedente non vale: è stato inviato per errore." + link},
		"the further hazard keeps its line": {several("Salite.", ""), 0, "Comune di Pistoia\nSalite.\nInoltre: Vento (Pistoia sud, Quarrata)." + link},
		"or has its own words":              {several("Salite.", "State lontani dagli alberi."), 0, "Comune di Pistoia\nSalite.\nState lontani dagli alberi." + link},
		"words for both are said once":      {several("Salite.", "Salite."), 0, "Comune di Pistoia\nSalite." + link},
		"words of the lesser hazard are not all of it": {several("", "State lontani dagli alberi."), 110,
			"Alluvione.\nSalite subito ai piani alti." + link},
	} {
		t.Run(name, func(t *testing.T) {
			composed := channels.Compose(c.record, "it", channeltest.Settings()).Worded("comune-fb", "facebook", "public")
			got, err := composed.Fit(c.limit, channels.UnitChars.Count)
			if err != nil || got != c.want {
				t.Errorf("got  %q, %v\nwant %q", got, err, c.want)
			}
			if composed.Own == strings.Contains(got, "Alluvione") {
				t.Errorf("own is %v of %q", composed.Own, got)
			}
		})
	}
}

func FuzzWording(f *testing.F) {
	f.Add("facebook", "Salite! 👨‍👩‍👧‍👦 {next}", "Comune", uint16(120))
	f.Add("X", "\u202eabc\r\n\n{{next}next}", "", uint16(0))
	f.Fuzz(func(t *testing.T, name, text, source string, limit uint16) {
		r := channeltest.Sample(channeltest.Exercise, "it")
		r.Alert.Infos[0].SenderName = source
		r.Alert.Infos[0].Parameters = []alerts.Value{{Name: channels.WordingParameter + name, Value: text}}
		got, err := channels.Compose(r, "it", channeltest.Settings()).Worded("facebook", name).Fit(int(limit), channels.UnitGraphemes.Count)
		if err != nil {
			return
		}
		if limit > 0 && channels.UnitGraphemes.Count(got) > int(limit) {
			t.Fatalf("%q is too long for %d", got, limit)
		}
		if !strings.HasPrefix(got, "ESERCITAZIONE\n") || !strings.HasSuffix(got, "\n"+page) {
			t.Fatalf("spoilt: %q", got)
		}
		for _, p := range channels.Placeholders {
			if strings.Contains(got, p) {
				t.Fatalf("a placeholder: %q", got)
			}
		}
	})
}
