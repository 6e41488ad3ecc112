package sms

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestEstimate(t *testing.T) {
	capital := "È caduta la strada: " + strings.Repeat("evitate la zona. ", 5) // 105 characters
	for sentence, c := range map[string]struct {
		text Text
		in   string
		want channels.Estimate
	}{
		"one part with room": {Text{}, "Piove.", channels.Estimate{Text: "Piove.", Encoding: channels.GSM7, Units: 6, Parts: 1, Left: 154}},
		"nothing":            {Text{}, "", channels.Estimate{Encoding: channels.GSM7, Parts: 1, Left: 160}},
		"two parts":          {Text{}, strings.Repeat("a", 161), channels.Estimate{Text: strings.Repeat("a", 161), Encoding: channels.GSM7, Units: 161, Parts: 2, Left: 145}},
		"what the spelling saves": {Text{Transliterate: true}, capital, channels.Estimate{Text: "E'" + capital[len("È"):], Encoding: channels.GSM7, Units: 106, Parts: 1, Left: 54,
			Changes: []channels.Replacement{{From: "È", To: "E'", N: 1}}, SavedParts: 1}},
		"what it would save": {Text{}, capital, channels.Estimate{Text: capital, Encoding: channels.UCS2, Units: 105, Parts: 2, Left: 29,
			Changes: []channels.Replacement{{From: "È", To: "E'", N: 1}}, SavedParts: 1, Kept: true}},
		"nothing is changed that saves nothing": {Text{Transliterate: true}, "È finita", channels.Estimate{Text: "È finita", Encoding: channels.UCS2, Units: 8, Parts: 1, Left: 62}},
		"what forces UCS-2":                     {Text{Transliterate: true}, "È 🔥 e ё, 🔥", channels.Estimate{Text: "È 🔥 e ё, 🔥", Encoding: channels.UCS2, Units: 12, Parts: 1, Left: 58, Forcing: []string{"🔥", "ё"}}},
		"too long":                              {Text{MaxParts: 1}, strings.Repeat("a", 161), channels.Estimate{Text: strings.Repeat("a", 161), Encoding: channels.GSM7, Units: 161, Parts: 2, Left: 145, TooLong: true}},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := c.text.Estimate(c.in); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestEstimateOfMoneyAndTime(t *testing.T) {
	price, err := channels.ParseMoney("0.045")
	if err != nil {
		t.Fatal(err)
	}
	two := Text{Price: price, Rate: 50}.Estimate(strings.Repeat("a", 161))
	if cost, known := two.Cost(5000); !known || cost.String() != "450.00" {
		t.Errorf("5000 recipients of 2 parts at 0.045 cost %v (%v), want 450.00", cost, known)
	}
	if last := two.Last(5000); last != 200*time.Second {
		t.Errorf("the last of 10000 parts at 50/s leaves after %v, want 200s", last)
	}
}

// An author is told what is written otherwise, of exactly what will be sent.
func TestEstimatesAreOfWhatIsRendered(t *testing.T) {
	r := channeltest.Sample(channeltest.Actual, "it", "en", "de")
	r.Alert.Infos[0].Instruction = "È l’ora di salire ai piani alti: l’acqua è già in strada. " + strings.Repeat("Non scendete nei garage. ", 4)
	text := Text{Transliterate: true, MaxParts: 3}
	got, err := text.Estimates(r, channeltest.Settings())
	if err != nil {
		t.Fatal(err)
	}
	messages, err := text.Render("sms", AudienceSubscribers, r, channeltest.Settings())
	if err != nil || len(got) != len(messages) {
		t.Fatalf("%d estimates of %d messages, %v", len(got), len(messages), err)
	}
	for i, m := range messages {
		if got[i].Text != m.Text || got[i].Language != m.Language || got[i].TooLong {
			t.Errorf("got %+v of %q", got[i], m.Text)
		}
	}
	if e := got[0]; e.SavedParts < 1 || !slices.ContainsFunc(e.Changes, func(c channels.Replacement) bool { return c.From == "È" && c.To == "E'" && c.N == 1 }) {
		t.Errorf("nothing is said of the spelling: %+v", e)
	}
	settings := channeltest.Settings()
	settings.PublicURL = "https://" + strings.Repeat("lunghissimo.", 40) + "example"
	if _, err := text.Estimates(r, settings); !errors.Is(err, channels.ErrNoRoom) {
		t.Errorf("got %v, want ErrNoRoom", err)
	}
}

func FuzzEstimate(f *testing.F) {
	for _, s := range []string{"", "È", strings.Repeat("È ora… ", 40), strings.Repeat("👨‍👩‍👧‍👦", 40), "\xff\xfe", strings.Repeat("\u0301", 500), strings.Repeat("a", 152) + "€"} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, transliterate bool) {
		text := Text{Transliterate: transliterate}
		e := text.Estimate(s)
		encoding, segments := channels.Segments(text.Spelled(s))
		if e.Text != text.Spelled(s) || e.Encoding != encoding || e.Parts != len(segments) || e.Left < 0 || e.SavedParts < 0 {
			t.Fatalf("got %+v; sent as %q in %d parts of %s", e, text.Spelled(s), len(segments), encoding)
		}
		if e.SavedParts > 0 && !e.Kept && e.Parts+e.SavedParts != len(second(channels.Segments(s))) {
			t.Fatalf("%+v: as written it has %d parts", e, len(second(channels.Segments(s))))
		}
		if m := text.Measure(s); m.Part != e.Parts || m.Used != e.Units {
			t.Fatalf("measured %+v, estimated %+v", m, e)
		}
		_, _ = channels.ParseMoney(s)
		_ = Mask(s)
	})
}

func second[A, B any](_ A, b B) B { return b }
