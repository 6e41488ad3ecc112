package channeltest

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/channels"
)

// GoldenPosts compares what a channel that posts to everybody makes of many
// alerts with the files of testdata/posts of its folder, one for each kind of
// sample: every severity in Italian, English and German, every change, an
// exercise, accents and emoji, Arabic and Hebrew, a text that must be cut, the
// author's own words and hashtags, the picture's words; and for a
// [channels.Amender], what earlier posts read once another one took their place.
// Every adapter of a social platform calls it in a test of its own, with a
// channel that was made with [Settings] and no hashtags. Write the files with go
// test -update and read the difference before committing it.
func GoldenPosts(t *testing.T, c channels.Channel) {
	t.Helper()
	for _, s := range postSamples() {
		var b strings.Builder
		for _, r := range s.records {
			messages, err := c.Render(r)
			if err != nil {
				t.Errorf("%s: %v", s.name, err)
				continue
			}
			writePosts(&b, string(r.Severity())+" "+string(r.Change), messages, s.name == "picture")
			for _, m := range messages {
				post(t, c, s.name, r, m)
			}
		}
		compareFile(t, filepath.Join("testdata", "posts", s.name+".golden"), b.String())
	}
	if amender, ok := c.(channels.Amender); ok {
		goldenAmended(t, c, amender)
	}
}

func goldenAmended(t *testing.T, c channels.Channel, amender channels.Amender) {
	t.Helper()
	for _, s := range []struct {
		name          string
		before, after *alerts.Record
	}{
		{"update", Sample(Actual, "it", "en", "de"), Sample(Update, "it", "en", "de")},
		{"cancel", Sample(Actual, "it", "en", "de"), Sample(Cancel, "it", "en", "de")},
		{"all-clear", Sample(Actual, "it", "en", "de"), Sample(AllClear, "it", "en", "de")},
		{"exercise", Sample(Exercise, "it", "en", "de"), practised(Sample(Update, "it", "en", "de"))},
	} {
		messages, err := amender.RenderAmended(s.before, s.after)
		if err != nil {
			t.Errorf("amended by %s: %v", s.name, err)
			continue
		}
		for _, m := range messages {
			if m.Step != channels.StepPoint || m.Alert != s.after.ID || !strings.Contains(m.Text, "{next}") {
				t.Errorf("amended by %s: step %q, alert %s, text %q", s.name, m.Step, m.Alert, m.Text)
			}
			for _, info := range s.before.Alert.Infos {
				if strings.Contains(m.Text, info.Instruction) {
					t.Errorf("amended by %s: what to do is still said: %q", s.name, m.Text)
				}
			}
			if startsWithOne(m.Text, exerciseMarks) != s.before.Alert.Practice() {
				t.Errorf("amended by %s: the exercise mark of %q", s.name, m.Text)
			}
		}
		var b strings.Builder
		writePosts(&b, "amended", messages, false)
		compareFile(t, filepath.Join("testdata", "posts", "amended-"+s.name+".golden"), b.String())
	}
}

// writePosts writes what people read; or, of the pictures, who does not see them.
func writePosts(b *strings.Builder, heading string, messages []channels.Message, picture bool) {
	for _, m := range messages {
		b.WriteString("== " + heading + " " + m.Language + ": " + m.Title + "\n")
		switch {
		case !picture:
			b.WriteString(m.Text + "\n")
		case m.Image != nil:
			b.WriteString(m.Image.Alt + "\n")
		}
	}
}

// post checks what holds for every post.
func post(t *testing.T, c channels.Channel, name string, r *alerts.Record, m channels.Message) {
	t.Helper()
	if marked := startsWithOne(m.Text, exerciseMarks); marked != r.Alert.Practice() {
		t.Errorf("%s: exercise %v, text %q", name, r.Alert.Practice(), m.Text)
	}
	if m.URL == "" || !linked(m.Text, m.URL) {
		t.Errorf("%s: the link %q is not whole, and last but for hashtags, in %q", name, m.URL, m.Text)
	}
	if measurer, ok := c.(channels.Measurer); ok {
		if got := measurer.Measure(m.Text); got.Max > 0 && got.Used > got.Max {
			t.Errorf("%s: %d of %d %s: %q", name, got.Used, got.Max, got.Unit, m.Text)
		}
	}
	if m.Image != nil && (m.Image.Alt == "" || m.Image.Type != "image/png") {
		t.Errorf("%s: the picture is %+v", name, *m.Image)
	}
}

// linked reports whether a text has its link on a line of its own, behind which
// there is nothing but hashtags.
func linked(text, url string) bool {
	lines := strings.Split(text, "\n")
	at := slices.Index(lines, url)
	if at < 0 {
		return false
	}
	for word := range strings.FieldsSeq(strings.Join(lines[at+1:], " ")) {
		if !strings.HasPrefix(word, "#") || !channels.CheckHashtag(word[1:]) {
			return false
		}
	}
	return true
}

type postSample struct {
	name    string
	records []*alerts.Record
}

func postSamples() []postSample {
	all := []string{"it", "en", "de"}
	var severities []*alerts.Record
	for _, s := range []alerts.Severity{alerts.SeverityExtreme, alerts.SeveritySevere, alerts.SeverityModerate, alerts.SeverityMinor, alerts.SeverityUnknown} {
		severities = append(severities, changed(Sample(Actual, all...), func(in *alerts.Info) { in.Severity = s }))
	}
	parameter := func(name string, value ...string) func(*alerts.Info) {
		return func(in *alerts.Info) {
			for _, v := range value {
				in.Parameters = append(in.Parameters, alerts.Value{Name: name, Value: v})
			}
		}
	}
	own := "Il Comune chiede a tutti: salite ai piani alti 🏠. Aiutate chi è solo! " + strings.Repeat("Chi può ospitare lo dica al centralino. ", 40)
	return []postSample{
		{"severity", severities},
		{"update", []*alerts.Record{Sample(Update, all...)}},
		{"cancel", []*alerts.Record{Sample(Cancel, all...), Sample(Bare, all...)}},
		{"all-clear", []*alerts.Record{Sample(AllClear, all...)}},
		{"exercise", []*alerts.Record{Sample(Exercise, all...), Sample(Test, all...), practised(Sample(Update, all...)), practised(Sample(Cancel, all...)), practised(Sample(AllClear, all...))}},
		{"accents", []*alerts.Record{accents()}},
		{"rtl", []*alerts.Record{rightToLeft(Actual), rightToLeft(Exercise)}},
		{"long", []*alerts.Record{endless()}},
		{"wording", []*alerts.Record{
			changed(Sample(Actual, "it"), parameter(channels.WordingParameter+"public", "Salite subito ai piani alti. Portate con voi le medicine 💊.")),
			changed(Sample(Exercise, "it"), parameter(channels.WordingParameter+"public", "Comune di Pistoia: è una prova, non fate nulla.")),
			changed(Sample(Update, "it"), parameter(channels.WordingParameter+"public", own)),
		}},
		{"hashtags", []*alerts.Record{
			changed(Sample(Actual, all...), parameter(channels.HashtagParameter, "allertameteoTOS #Pistoia")),
			changed(Sample(Actual, "it"), parameter(channels.HashtagParameter, strings.Repeat("alluvione", 5), "Città_2026 non-questo", strings.Repeat("piena", 9), "Ombrone Bisenzio Quarrata Agliana Montale")),
		}},
		{"picture", []*alerts.Record{Sample(Actual, all...), Sample(Exercise, "it"), Sample(AllClear, "it")}},
	}
}

// practised makes an exercise of a sample.
func practised(r *alerts.Record) *alerts.Record {
	r.Alert.Status, r.Alert.Note = alerts.StatusExercise, "Prova di allertamento"
	return r
}

func changed(r *alerts.Record, change func(*alerts.Info)) *alerts.Record {
	for i := range r.Alert.Infos {
		change(&r.Alert.Infos[i])
	}
	return r
}

// accents has what counts differently on every platform: precomposed and
// combining accents, a family, flags, keycaps, a tag sequence, a skin tone.
func accents() *alerts.Record {
	r := Sample(Actual, "it", "en", "de")
	for i, text := range []string{
		"Perche\u0301 l'acqua è già nelle vie più basse, n. 1️⃣ e 2️⃣: «portate» i bambini 👨‍👩‍👧‍👦 e gli animali 🐕‍🦺 – subito… €",
		"Ca\u0301ll ☎️ neighbours 👩🏽‍🚒; visitors 🇮🇹🇩🇪🏴󠁧󠁢󠁥󠁮󠁧󠁿 too — “now” • № 3️⃣.",
		"Größere Brücken gesperrt ⚠️ – Fähre ⛴️ fährt nicht. Fußgänger 🚶🏿‍♀️ über „Süd“, Nr. 3️⃣.",
	} {
		r.Alert.Infos[i].Description = text
		r.Alert.Infos[i].Instruction = "🔥🚨 " + r.Alert.Infos[i].Instruction + " 👨‍👩‍👧‍👦!"
	}
	return r
}

// rightToLeft is worded in Arabic and in Hebrew.
func rightToLeft(kind Kind) *alerts.Record {
	r := Sample(kind, "it", "it")
	for i, in := range []alerts.Info{
		{Language: "ar", Event: "فيضان", Headline: "اصعدوا الآن", SenderName: "بلدية بستويا", Description: "يتجاوز نهر أومبروني ضفافه. هل تسكنون قرب النهر؟ لا تنتظروا.",
			Instruction: "اصعدوا فورًا إلى الطوابق العليا. لا تنزلوا إلى الأقبية. اتصلوا بالرقم 112."},
		{Language: "he", Event: "שיטפון", Headline: "עלו עכשיו", SenderName: "עיריית פיסטויה", Description: "נהר אומברונה עולה על גדותיו. המים עולים מהר.",
			Instruction: "עלו מיד לקומות העליונות. אל תרדו למרתפים. חייגו 112."},
	} {
		to := &r.Alert.Infos[i]
		to.Language, to.Event, to.Headline, to.SenderName, to.Description, to.Instruction = in.Language, in.Event, in.Headline, in.SenderName, in.Description, in.Instruction
	}
	return r
}

// endless fits nowhere whole.
func endless() *alerts.Record {
	r := Sample(Actual, "it", "en", "de")
	for i, text := range []string{"Il fiume sale perché piove da ieri 🔥. ", "The river is rising 👨‍👩‍👧‍👦 quickly. ", "Der Fluss steigt über die Ufer 🇮🇹. "} {
		in := &r.Alert.Infos[i]
		in.Description = strings.Repeat(text, 2000)
		in.Instruction += " " + strings.Repeat(text, 500)
		for n := range 60 {
			in.Areas = append(in.Areas, alerts.Area{Description: []string{"Agliana", "Montale", "Serravalle Pistoiese", "San Marcello Piteglio"}[n%4] + strings.Repeat(" alta", n/4), Geocodes: in.Areas[1].Geocodes})
		}
	}
	return r
}
