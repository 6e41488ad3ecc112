package lint

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/alerts/lexicon"
)

var now = time.Date(2026, 11, 21, 17, 40, 0, 0, time.FixedZone("", 3600))

// register is what the authority of these tests approved.
var register = Context{
	Authority: "Comune di Valdemo", Domains: []string{"valdemo.example"}, Links: []string{"https://regione.example/meteo"}, Phones: []string{"+39 0573 555 0100", "800 12 34 56"},
	Languages: []string{"it-IT"}, Plain: plain,
}

// plain knows a few letters of the GSM alphabet, enough for these tests.
func plain(text string) (string, bool) {
	cheap := !strings.ContainsAny(text, "ÈÀ’–😀ê")
	return strings.NewReplacer("È", "E'", "À", "A'", "’", "'", "–", "-").Replace(text), cheap
}

func codes(hits []Hit) []Code {
	out := []Code{}
	for _, h := range hits {
		out = append(out, h.Code)
	}
	return out
}

func TestTexts(t *testing.T) {
	const it, en = "it-IT", "en"
	type row struct {
		field, lang, text string
		code              Code // "": no hit at all
		at, to            string
	}
	for name, c := range map[string]row{
		"a link to a stranger":                      {"description", it, "Leggete qui: https://truffa.example/a.", ForeignLink, "https://truffa.example/a", ""},
		"the authority's own page":                  {"description", it, "Leggete qui: https://www.valdemo.example/a.", "", "", ""},
		"a name that only ends like ours":           {"description", it, "Leggete: https://evilvaldemo.example", ForeignLink, "https://evilvaldemo.example", ""},
		"our name before an at sign":                {"description", it, "Leggete: https://valdemo.example@truffa.example/", ForeignLink, "https://valdemo.example@truffa.example/", ""},
		"a bare shortener":                          {"description", it, "Tutto su bit.ly/3abc adesso.", ForeignLink, "bit.ly/3abc", ""},
		"a full stop without a space is no link":    {"description", it, "Il ponte è chiuso.Restate lontani.", "", "", ""},
		"an approved page elsewhere":                {"description", it, "Leggete: https://regione.example/meteo/oggi", "", "", ""},
		"another page there":                        {"description", it, "Leggete: https://regione.example/meteorite", ForeignLink, "https://regione.example/meteorite", ""},
		"our page without protection":               {"description", it, "Leggete: http://valdemo.example/a", InsecureLink, "http://valdemo.example/a", "https://valdemo.example/a"},
		"an e-mail address of a stranger":           {"contact", it, "aiuto@truffa.com", ForeignLink, "aiuto@truffa.com", ""},
		"an e-mail address of ours":                 {"contact", it, "aiuto@valdemo.example", "", "", ""},
		"a program to install":                      {"description", it, "Ecco: https://valdemo.example/allerta.apk", AsksDownload, "https://valdemo.example/allerta.apk", ""},
		"a number that nobody approved":             {"instruction", it, "Chiamate lo 0573 999888.", PhoneUnregistered, "0573 999888", ""},
		"the approved number, spaced otherwise":     {"instruction", it, "Chiamate lo 0573 5550100.", "", "", ""},
		"the approved number with its country":      {"instruction", it, "Chiamate il +3905735550100.", "", "", ""},
		"the emergency number":                      {"instruction", it, "Chiamate il 112.", "", "", ""},
		"a short number to call":                    {"instruction", it, "Chiamate il numero 4455.", PhoneUnregistered, "4455", ""},
		"a mobile number":                           {"description", it, "Per aiuto: 333 1234567.", PhoneUnregistered, "333 1234567", ""},
		"a date is no number":                       {"description", it, "La piena arriva il 21/11/2026 alle 18:30.", "", "", ""},
		"hours are no number":                       {"description", it, "Lo sportello apre alle 08.00-18.30.", "", "", ""},
		"a crowd is no number":                      {"description", it, "Nella zona vivono 120 000 persone.", "", "", ""},
		"asks for a password":                       {"instruction", it, "Inserite la password della vostra banca.", AsksData, "Inserite la password della vostra banca.", ""},
		"says to carry a document":                  {"instruction", it, "Portate la carta d'identità.", "", "", ""},
		"asks for data in English":                  {"instruction", en, "Confirm your credit card.", AsksData, "Confirm your credit card.", ""},
		"says never to give data":                   {"description", en, "Nobody will ask you for a password.", "", "", ""},
		"asks to install":                           {"instruction", it, "Scaricate l'app.", AsksDownload, "Scaricate l'app.", ""},
		"says to unload":                            {"instruction", it, "Scaricate lo zaino all'ingresso.", "", "", ""},
		"shouts":                                    {"description", it, "IL FIUME SALE PRESTO.", AllCapitals, "IL FIUME SALE PRESTO.", "Il fiume sale presto."},
		"one key word in capitals":                  {"instruction", it, "NON usate l'ascensore.", "", "", ""},
		"a long key word in capitals":               {"instruction", it, "Restate LONTANI dal fiume.", "", "", ""},
		"exclamation marks":                         {"instruction", it, "Salite!!!", Exclamation, "!!!", "."},
		"an acronym of the office":                  {"description", it, "Il COC è aperto.", Acronym, "COC", "centro comunale di emergenza"},
		"a road's name":                             {"description", it, "La SP 12 è chiusa.", "", "", ""},
		"a province":                                {"description", it, "Montale (PT) è senza luce.", "", "", ""},
		"an unknown acronym":                        {"description", en, "The XKZ is open.", Acronym, "XKZ", ""},
		"an abbreviation":                           {"instruction", it, "Andate in p.zza Duomo.", Abbreviation, "p.zza", "piazza"},
		"the word itself":                           {"instruction", it, "Andate in piazza Duomo.", "", "", ""},
		"office language":                           {"description", it, "C'è rischio di esondazione.", Jargon, "esondazione", "il fiume esce dagli argini"},
		"office language after an article":          {"description", en, "There will be precipitation.", Jargon, "precipitation", "rain"},
		"a code of level":                           {"description", it, "Siamo al livello 2.", LevelCode, "livello 2", ""},
		"the height of the river":                   {"description", it, "Alle 18:30 il livello 3 metri è superato.", "", "", ""},
		"a colour of nobody":                        {"description", it, "C'è un'allerta rossa.", Colour, "allerta rossa", ""},
		"a red house":                               {"description", it, "La casa rossa è vuota.", "", "", ""},
		"a colour of nobody in English":             {"headline", en, "Go upstairs, red alert", Colour, "red alert", ""},
		"green is no warning":                       {"description", it, "Allerta verde.", Green, "Allerta verde", ""},
		"tonight":                                   {"description", it, "La piena arriva stasera.", RelativeTime, "stasera", ""},
		"tonight with its clock":                    {"description", it, "La piena arriva stasera alle 21:30.", "", "", ""},
		"soon":                                      {"description", en, "The water arrives shortly.", RelativeTime, "shortly", ""},
		"at six in the evening":                     {"description", en, "The water arrives tonight at 6 pm.", "", "", ""},
		"a value without its time":                  {"description", it, "Il fiume ha raggiunto 4,2 metri.", ValueWithoutTime, "4,2 metri", ""},
		"a value with its time":                     {"description", it, "Alle 17:30 il fiume ha raggiunto 4,2 metri.", "", "", ""},
		"a distance is no value":                    {"instruction", it, "Restate a 50 metri dai cavi.", "", "", ""},
		"a value in English":                        {"description", en, "The river stands at 4.2 metres.", ValueWithoutTime, "4.2 metres", ""},
		"one and twenty words":                      {"description", it, strings.Repeat("uno due tre ", 7) + ".", LongSentence, strings.Repeat("uno due tre ", 7) + ".", ""},
		"twenty words":                              {"description", it, strings.Repeat("uno due tre ", 6) + "uno due.", "", "", ""},
		"two actions":                               {"instruction", it, "Spegnete la luce e chiudete il gas.", TwoActions, "Spegnete la luce e chiudete il gas.", ""},
		"two things, one action":                    {"instruction", it, "Non usate l'auto e l'ascensore.", "", "", ""},
		"two actions in English":                    {"instruction", en, "Stay inside and close the windows.", TwoActions, "Stay inside and close the windows.", ""},
		"a noun that could be a verb":               {"instruction", en, "Prepare food and drink.", "", "", ""},
		"a headline without an action":              {"headline", it, "Maltempo in arrivo", NoHeadlineAction, "Maltempo in arrivo", ""},
		"a headline that is the action":             {"headline", it, "Salite ai piani alti", "", "", ""},
		"a headline with its place first":           {"headline", it, "Via del Ponte: salite ai piani alti", "", "", ""},
		"a negative headline":                       {"headline", en, "Do not drink tap water", "", "", ""},
		"a negative headline with its short form":   {"headline", en, "Don't drink tap water", "", "", ""},
		"a summer is no action":                     {"headline", it, "Estate sicura", NoHeadlineAction, "Estate sicura", ""},
		"an instruction that explains first":        {"instruction", it, "L'acqua sale in fretta.", VerbFirst, "L'acqua sale in fretta.", ""},
		"an instruction with its condition":         {"instruction", it, "Se siete in strada, entrate in un edificio.", "", "", ""},
		"numbered steps":                            {"instruction", it, "1. Salite ai piani alti.\n2. Chiudete il gas.", "", "", ""},
		"speaks to one person":                      {"instruction", it, "Sali ai piani alti.", Singular, "Sali", "Salite"},
		"a missing accent":                          {"description", it, "La citta è isolata.", Accent, "citta", "città"},
		"an apostrophe in its place":                {"description", it, "La strada e' chiusa.", Accent, "e'", "è"},
		"the E' of text messages":                   {"description", it, "E' chiusa la strada.", "", "", ""},
		"the right accent":                          {"description", it, "La città è isolata perché piove.", "", "", ""},
		"the wrong accent":                          {"description", it, "Piove perchè è autunno.", Accent, "perchè", "perché"},
		"a capital with an accent costs":            {"description", it, "È chiusa la strada.", CostlyCharacter, "È", "E'"},
		"an emoji costs and has no other form":      {"description", it, "Piove 😀.", CostlyCharacter, "😀", ""},
		"a placeholder":                             {"headline", it, "Salite subito in {place}", Placeholder, "{place}", ""},
		"brackets of another kind":                  {"headline", it, "Salite subito {1}", "", "", ""},
		"a sign that turns the writing":             {"headline", it, "Salite \u202eotibus", NotText, "\u202e", ""},
		"the danger by another name":                {"event", it, "Allagamento", HazardName, "Allagamento", "Alluvione"},
		"the danger by its name":                    {"event", it, "Alluvione", "", "", ""},
		"long words in long sentences":              {"description", it, "Conseguentemente l'amministrazione comunale organizza straordinariamente l'approvvigionamento idropotabile alternativo. Indipendentemente dalla disponibilità immediatamente riscontrata proseguiranno distribuzioni supplementari programmate settimanalmente.", HardToRead, "", ""},
		"long words in English":                     {"description", en, "Consequently the administration organises extraordinary distribution arrangements irrespective of the immediately available infrastructural capabilities nearby.", HardToRead, "", ""},
		"plain sentences":                           {"description", en, "The river is high. It may flood the road. The water can rise fast. Cars can float.", "", "", ""},
		"a language that the lexicon does not know": {"description", "fr", "Ce soir, le COC est ouvert.", "", "", ""},
		"a foreign link in such a language":         {"description", "fr", "Lisez: https://truffa.example", ForeignLink, "https://truffa.example", ""},
	} {
		t.Run(name, func(t *testing.T) {
			hits := Text(c.field, c.lang, c.text, register)
			if c.code == "" {
				if len(hits) > 0 {
					t.Errorf("got %v on %q: %+v, want none", codes(hits), c.text, hits[0])
				}
				return
			}
			i := slices.IndexFunc(hits, func(h Hit) bool { return h.Code == c.code })
			if i < 0 || len(hits) != 1 {
				t.Fatalf("got %v on %q, want %s alone", codes(hits), c.text, c.code)
			}
			h := hits[i]
			if h.Text != c.at || h.Suggestion != c.to {
				t.Errorf("got %q -> %q, want %q -> %q", h.Text, h.Suggestion, c.at, c.to)
			}
			holds(t, c.text, h)
		})
	}
}

// holds checks what is true of every hit on a text.
func holds(t *testing.T, text string, h Hit) {
	t.Helper()
	if h.Message.It == "" || h.Message.En == "" || h.Remedy.It == "" || h.Remedy.En == "" || h.Level == "" || h.Effect == "" {
		t.Errorf("%s is not told in words: %+v", h.Code, h)
	}
	if h.Start < 0 || h.End > len(text) || h.Start > h.End {
		t.Fatalf("%s stands at %d to %d of %d", h.Code, h.Start, h.End, len(text))
	}
	if h.RuneStart != 0 && h.RuneStart != utf8.RuneCountInString(text[:h.Start]) || h.RuneEnd-h.RuneStart != utf8.RuneCountInString(text[h.Start:h.End]) {
		t.Errorf("%s: runes %d to %d of bytes %d to %d", h.Code, h.RuneStart, h.RuneEnd, h.Start, h.End)
	}
}

func TestOffsetsAreBytesAndRunes(t *testing.T) {
	hits := Text("description", "it", "È già chiusa. La citta è isolata.", Context{})
	if len(hits) != 1 || hits[0].Start != 19 || hits[0].RuneStart != 17 || hits[0].End != 24 || hits[0].RuneEnd != 22 {
		t.Errorf("got %+v", hits)
	}
}

// good is an alert without a hit.
func good() *alerts.Alert {
	area := []alerts.Area{{Description: "Borgo San Rocco", Geocodes: []alerts.Value{{Name: "ISTAT", Value: "052032"}}}}
	info := alerts.Info{
		Language: "it-IT", Categories: []alerts.Category{"Met"}, Event: "Alluvione", Urgency: "Immediate", Severity: alerts.SeveritySevere, Certainty: "Likely",
		SenderName: "Comune di Valdemo", Headline: "Salite ai piani alti", Description: "Il fiume esce dagli argini. L'acqua può entrare nelle case.", Instruction: "Salite ai piani alti. Non scendete in cantina.",
		Expires: now.Add(6 * time.Hour), Areas: area,
	}
	return &alerts.Alert{Identifier: "v-1", Sender: "valdemo.example", Sent: now, Status: alerts.StatusActual, MsgType: alerts.MsgAlert, Scope: alerts.ScopePublic, Infos: []alerts.Info{info}}
}

func TestWholeAlerts(t *testing.T) {
	type row struct {
		change func(*alerts.Alert, *Context)
		code   Code
		field  string
		effect Effect
	}
	update := func(a *alerts.Alert, c *Context) {
		c.Previous = good()
		c.Previous.Sent = now.Add(-2 * time.Hour)
		a.MsgType = alerts.MsgUpdate
		a.References = []alerts.Reference{{Sender: a.Sender, Identifier: "v-0", Sent: c.Previous.Sent}}
	}
	for name, c := range map[string]row{
		"an alert that says all":           {func(*alerts.Alert, *Context) {}, "", "", ""},
		"no area blocks":                   {func(a *alerts.Alert, _ *Context) { a.Infos[0].Areas[0].Geocodes = nil }, NoArea, "info[0].area", EffectBlock},
		"no expiry blocks":                 {func(a *alerts.Alert, _ *Context) { a.Infos[0].Expires = time.Time{} }, NoExpiry, "info[0].expires", EffectBlock},
		"a past expiry blocks":             {func(a *alerts.Alert, _ *Context) { a.Infos[0].Expires = now.Add(-time.Minute) }, Expired, "expires", EffectBlock},
		"a malformed alert blocks":         {func(a *alerts.Alert, _ *Context) { a.Infos[0].Urgency = "Soon" }, Malformed, "info[0].urgency", EffectBlock},
		"no action is a tick":              {func(a *alerts.Alert, _ *Context) { a.Infos[0].Instruction = "" }, MissingAction, "info[0].instruction", EffectTick},
		"no action is nothing at Moderate": {func(a *alerts.Alert, _ *Context) { a.Infos[0].Instruction = ""; a.Infos[0].Severity = "Moderate" }, MissingAction, "info[0].instruction", EffectNone},
		"no source":                        {func(a *alerts.Alert, c *Context) { a.Infos[0].SenderName = ""; c.Authority = "" }, MissingSource, "info[0].senderName", EffectTick},
		"the authority is the source":      {func(a *alerts.Alert, _ *Context) { a.Infos[0].SenderName = "" }, "", "", ""},
		"no words for the danger":          {func(a *alerts.Alert, _ *Context) { a.Infos[0].Description = " " }, MissingHazard, "info[0].description", EffectTick},
		"a place without a name":           {func(a *alerts.Alert, _ *Context) { a.Infos[0].Areas[0].Description = "" }, MissingPlace, "info[0].area", EffectTick},
		"a colour that the region gave": {func(a *alerts.Alert, _ *Context) {
			a.Infos[0].Description = "C'è un'allerta rossa della Regione."
			a.References = []alerts.Reference{{Sender: "regione.example", Identifier: "7", Sent: now}}
		}, "", "", ""},
		"a colour that we gave ourselves": {func(a *alerts.Alert, _ *Context) {
			a.Infos[0].Description = "C'è un'allerta rossa."
			a.References = []alerts.Reference{{Sender: a.Sender, Identifier: "7", Sent: now}}
		}, Colour, "info[0].description", EffectTick},
		"a picture without words": {func(a *alerts.Alert, _ *Context) {
			a.Infos[0].Resources = []alerts.Resource{{MimeType: "image/png", URI: "x"}}
		}, ImageWithoutAlt, "info[0].resource[0].resourceDesc", EffectTick},
		"a language that should be there": {func(_ *alerts.Alert, c *Context) { c.Languages = []string{"it", "en"} }, LanguageMissing, "info", EffectTick},
		"words for one platform": {func(a *alerts.Alert, _ *Context) {
			a.Infos[0].Parameters = []alerts.Value{{Name: "martinella:text:sms", Value: "Salite. Piove stasera."}}
		}, RelativeTime, "info[0].parameter[0].value", EffectTick},
		"another parameter is not read": {func(a *alerts.Alert, _ *Context) {
			a.Infos[0].Parameters = []alerts.Value{{Name: "x", Value: "stasera"}}
		}, "", "", ""},
		"a link of the info": {func(a *alerts.Alert, _ *Context) { a.Infos[0].Web = "https://truffa.example" }, ForeignLink, "info[0].web", EffectTick},
		"an update that says what is new": {func(a *alerts.Alert, c *Context) {
			update(a, c)
			a.Infos[0].Description = "Ora è chiuso anche il ponte. L'acqua sale."
		}, "", "", ""},
		"an update that does not": {func(a *alerts.Alert, c *Context) {
			update(a, c)
			a.Infos[0].Description = "Il ponte è chiuso. L'acqua sale."
		}, NoChangeSaid, "info[0].description", EffectTick},
		"an update that says it in the parameter": {func(a *alerts.Alert, c *Context) {
			update(a, c)
			a.Infos[0].Description = "Il ponte è chiuso. L'acqua sale."
			a.Infos[0].Parameters = append(a.Infos[0].Parameters, alerts.Value{Name: alerts.ChangedParameter, Value: "Chiuso il ponte."})
		}, "", "", ""},
		"the danger has another name": {func(a *alerts.Alert, c *Context) {
			update(a, c)
			a.Infos[0].Event = "Frana"
			a.Infos[0].Description = "Ora c'è una frana."
		}, HazardRenamed, "info[0].event", EffectTick},
		"a value of two hours ago": {func(a *alerts.Alert, c *Context) {
			update(a, c)
			a.Infos[0].Description = "Alle 15:30 il fiume ha raggiunto 4 metri. Ora piove."
			c.Previous.Infos[0].Description = "Alle 15:30 il fiume ha raggiunto 4 metri."
		}, StaleValue, "info[0].description", EffectTick},
		"a value of half an hour ago": {func(a *alerts.Alert, c *Context) {
			update(a, c)
			c.Previous.Sent = now.Add(-30 * time.Minute)
			a.Infos[0].Description = "Alle 17:30 il fiume ha raggiunto 4 metri. Ora piove."
			c.Previous.Infos[0].Description = "Alle 17:30 il fiume ha raggiunto 4 metri."
		}, "", "", ""},
		"a language that was left behind": {func(a *alerts.Alert, c *Context) {
			update(a, c)
			english(a)
			english(c.Previous)
			a.Infos[0].Description = "Ora il ponte è chiuso."
		}, LanguageStale, "info[1].description", EffectTick},
		"a language that was left out": {func(a *alerts.Alert, c *Context) {
			update(a, c)
			english(c.Previous)
			a.Infos[0].Description = "Ora il ponte è chiuso."
		}, LanguageMissing, "info", EffectTick},
		"a Cancel is never kept": {func(a *alerts.Alert, _ *Context) {
			a.MsgType = alerts.MsgCancel
			a.References = []alerts.Reference{{Sender: "v", Identifier: "1", Sent: now}}
			a.Infos[0].Expires = time.Time{}
			a.Infos[0].Description = "Inviato per errore stasera."
		}, RelativeTime, "info[0].description", EffectNone},
		"an all-clear needs no instruction": {func(a *alerts.Alert, _ *Context) {
			a.MsgType = alerts.MsgUpdate
			a.References = []alerts.Reference{{Sender: "v", Identifier: "1", Sent: now}}
			a.Infos[0].ResponseTypes = []alerts.ResponseType{alerts.ResponseAllClear}
			a.Infos[0].Instruction = ""
			a.Infos[0].Headline = "Il pericolo è finito"
		}, "", "", ""},
		"an exercise is read like the other": {func(a *alerts.Alert, _ *Context) {
			a.Status = alerts.StatusExercise
			a.Note = "x"
			a.Infos[0].Headline = "Pioggia"
		}, NoHeadlineAction, "info[0].headline", EffectTick},
	} {
		t.Run(name, func(t *testing.T) {
			a, ctx := good(), register
			c.change(a, &ctx)
			hits := Check(a, ctx, now)
			if c.code == "" {
				if len(hits) > 0 {
					t.Errorf("got %v: %+v", codes(hits), hits[0])
				}
				return
			}
			if len(hits) != 1 || hits[0].Code != c.code || hits[0].Field != c.field || hits[0].Effect != c.effect {
				t.Errorf("got %v %+v, want %s at %s, %s", codes(hits), hits, c.code, c.field, c.effect)
			}
		})
	}
}

func english(a *alerts.Alert) {
	en := a.Infos[0]
	en.Language, en.Event, en.Headline, en.Description, en.Instruction = "en", "Flood", "Go to the upper floors", "The river is over its banks.", "Go to the upper floors."
	a.Infos = append(a.Infos, en)
}

// Every code of the program is told in the lexicon, and the other way round.
func TestEveryCodeHasWords(t *testing.T) {
	all := []Code{Malformed, NoArea, NoExpiry, Expired, MissingSource, MissingHazard, MissingPlace, MissingAction, Placeholder, ForeignLink, InsecureLink, PhoneUnregistered, AsksData, AsksDownload,
		LanguageMissing, LanguageStale, AllCapitals, Exclamation, Acronym, Abbreviation, Jargon, LevelCode, Colour, Green, RelativeTime, ValueWithoutTime, StaleValue, LongSentence, TwoActions, HardToRead,
		NoHeadlineAction, VerbFirst, Singular, Accent, CostlyCharacter, HazardName, HazardRenamed, NoChangeSaid, ImageWithoutAlt, NotText}
	for _, code := range all {
		r, ok := lexicon.Remarks[string(code)]
		if !ok || r.Problem.It == "" || r.Problem.En == "" || r.Remedy.It == "" || r.Remedy.En == "" || (r.Level != alerts.LevelError && r.Level != alerts.LevelWarning) {
			t.Errorf("%s is not told: %+v", code, r)
		}
	}
	if len(lexicon.Remarks) != len(all) {
		t.Errorf("the lexicon tells of %d findings, the program has %d", len(lexicon.Remarks), len(all))
	}
}

func TestMeasures(t *testing.T) {
	if got := Gulpease(500, 100, 10); got != 69 { // 89 + (3000 - 5000) / 100
		t.Errorf("Gulpease: got %d, want 69", got)
	}
	if got := ARI(500, 100, 10); got != 7 { // 23.55 + 5 - 21.43 = 7.12
		t.Errorf("ARI: got %d, want 7", got)
	}
	if Gulpease(0, 0, 0) != 100 || ARI(0, 0, 0) != 0 {
		t.Error("no words are not hard to read")
	}
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "Salite! {place} e' p.zza", "https://x:y@[::1]/a.apk www. .it", "+39 0573 1-2/3.4", "È\xff😀\u202e", "LIVELLO 1 E POI", "1. a\n2. b... c", "non non non salite e salite", "l'l'l'e'", "4,2 metri livello"} {
		f.Add(seed, "instruction", "it")
		f.Add(seed, "headline", "en-GB")
	}
	f.Fuzz(func(t *testing.T, text, field, lang string) {
		hits := Text(field, lang, text, register)
		if len(hits) > MaxHits {
			t.Errorf("%d hits", len(hits))
		}
		for _, h := range hits {
			if !utf8.ValidString(text) && h.RuneStart == 0 {
				continue
			}
			holds(t, text, h)
		}
	})
}

// A text made to be slow is read in one walk: twice the text costs about twice
// the time, which the hang limit of the test would not forgive otherwise.
func TestLongTextsAreReadInOneWalk(t *testing.T) {
	for _, unit := range []string{"stasera ", "non ", "salite e ", "0573 ", "l'", "{a", "!", "a.it ", "livello 4 m ", "E ", "P.zza", "inserite pin ", ".", "\u0301"} {
		text := strings.Repeat(unit, 64<<10/len(unit)) + " alle 18:30"
		Text("instruction", "it", text, register)
		Text("headline", "en", text, register)
	}
}

func BenchmarkCheck(b *testing.B) {
	a := good()
	english(a)
	b.ReportAllocs()
	for b.Loop() {
		Check(a, register, now)
	}
}
