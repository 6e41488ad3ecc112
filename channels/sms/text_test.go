package sms

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestRender(t *testing.T) {
	for _, kind := range channeltest.Kinds {
		for most := 1; most <= 3; most++ {
			t.Run(fmt.Sprintf("%s in %d parts", kind, most), func(t *testing.T) {
				text := Text{MaxParts: most, Transliterate: true}
				render := func() []channels.Message {
					got, err := text.Render("sms", AudienceSubscribers, channeltest.Sample(kind, "it", "en", "de"), channeltest.Settings())
					if err != nil {
						t.Fatal(err)
					}
					return got
				}
				got := render()
				if !reflect.DeepEqual(got, render()) {
					t.Error("the same record gives other messages")
				}
				for _, m := range got {
					encoding, segments := channels.Segments(m.Text)
					if len(segments) > most || encoding != channels.GSM7 {
						t.Errorf("%s: %d parts of %s: %s", m.Language, len(segments), encoding, m.Text)
					}
					if !strings.HasSuffix(m.Text, "\n"+m.URL) || m.URL == "" {
						t.Errorf("%s: the link is gone: %s", m.Language, m.Text)
					}
					if m.Channel != "sms" || m.Audience != AudienceSubscribers || m.Title != "" {
						t.Errorf("for %s on %s, title %q", m.Audience, m.Channel, m.Title)
					}
					practice := kind == channeltest.Exercise || kind == channeltest.Test
					if marked := startsWithMark(m.Text); practice && !marked {
						t.Errorf("%s: nothing says that it is an exercise: %s", m.Language, m.Text)
					}
				}
			})
		}
	}
}

func startsWithMark(s string) bool {
	for _, mark := range []string{"ESERCITAZIONE", "EXERCISE", "ÜBUNG", "UBUNG", "TEST"} {
		if strings.HasPrefix(strings.ToUpper(s), mark) {
			return true
		}
	}
	return false
}

// A script that GSM-7 cannot write has less than half of the room; mark and
// link stay, and an emoji costs no more than its place.
func TestRenderInUCS2(t *testing.T) {
	for sentence, words := range map[string]string{
		"another script":   strings.Repeat("Поднимитесь выше. ", 30),
		"an emoji":         strings.Repeat("Salite ai piani alti 🔥. ", 30),
		"families and all": strings.Repeat("👨‍👩‍👧‍👦🇮🇹1️⃣ ", 60),
	} {
		t.Run(sentence, func(t *testing.T) {
			r := channeltest.Sample(channeltest.Exercise, "it")
			r.Alert.Infos[0].Instruction = words
			text := Text{MaxParts: 2, Transliterate: true}
			got, err := text.Render("sms", AudienceSubscribers, r, channeltest.Settings())
			if err != nil {
				t.Fatal(err)
			}
			encoding, segments := channels.Segments(got[0].Text)
			if encoding != channels.UCS2 || len(segments) > 2 || !strings.HasSuffix(got[0].Text, got[0].URL) || !startsWithMark(got[0].Text) {
				t.Errorf("%d parts of %s: %s", len(segments), encoding, got[0].Text)
			}
		})
	}
}

func TestRenderWithoutRoom(t *testing.T) {
	settings := channeltest.Settings()
	settings.PublicURL = "https://" + strings.Repeat("lunghissimo.", 20) + "example"
	if _, err := (Text{MaxParts: 1}).Render("sms", AudienceSubscribers, channeltest.Sample(channeltest.Actual), settings); !errors.Is(err, channels.ErrNoRoom) {
		t.Errorf("got %v, want ErrNoRoom", err)
	}
}

func TestTransliterateOnlyWhereItSaves(t *testing.T) {
	long := "È caduta la strada: " + strings.Repeat("evitate la zona. ", 5)
	for sentence, c := range map[string]struct {
		text, want string
		off        bool
	}{
		"a short text keeps its letters":   {"È finita", "È finita", false},
		"a long one saves a part":          {long, "E'" + strings.TrimPrefix(long, "È"), false},
		"not where it is switched off":     {long, long, true},
		"not where it would save nothing":  {long + "🔥", long + "🔥", false},
		"what GSM-7 has is left as it is":  {strings.Repeat("perché è così ", 20), strings.Repeat("perché è così ", 20), false},
		"typographic marks cost no length": {strings.Repeat("l’acqua – ", 9), strings.Repeat("l'acqua - ", 9), false},
		"accents that come apart":          {strings.Repeat("perche\u0301 ", 12), strings.Repeat("perché ", 12), false},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := (Text{Transliterate: !c.off}).Spelled(c.text); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestMeasure(t *testing.T) {
	for text, want := range map[string]channels.Measure{
		"Piove.":                 {Unit: "septets", Used: 6, Max: 160, Part: 1},
		strings.Repeat("a", 161): {Unit: "septets", Used: 161, Max: 153, Part: 2},
		"ё":                      {Unit: "utf16", Used: 1, Max: 70, Part: 1},
		strings.Repeat("ё", 71):  {Unit: "utf16", Used: 71, Max: 67, Part: 2},
	} {
		if got := (Text{}).Measure(text); got != want {
			t.Errorf("%.20q: got %+v, want %+v", text, got, want)
		}
	}
}

// A text fits exactly when its cost is within the room.
func FuzzCost(f *testing.F) {
	for _, s := range []string{"", strings.Repeat("€", 230), strings.Repeat("ё", 66) + "🔥", strings.Repeat("È", 153), strings.Repeat("a", 459), strings.Repeat("a", 152) + strings.Repeat("€", 154), strings.Repeat("a", 152) + strings.Repeat("€", 153)} {
		f.Add(s, byte(2))
	}
	f.Fuzz(func(t *testing.T, s string, most byte) {
		text := Text{MaxParts: int(most%10) + 1, Transliterate: true}
		s = strings.ToValidUTF8(s, "")
		_, segments := channels.Segments(text.Spelled(s))
		if fits := text.cost(s) <= text.room(); fits != (len(segments) <= text.MaxParts) {
			t.Errorf("%d parts of at most %d, yet it costs %d of %d", len(segments), text.MaxParts, text.cost(s), text.room())
		}
	})
}

// Whatever an author writes: what to do and the link are there, whole, and
// nothing is longer than allowed.
func FuzzRender(f *testing.F) {
	f.Add("Allagamenti", "Salite ai piani alti.", byte(1))
	f.Add("👨‍👩‍👧‍👦", strings.Repeat("È ora di uscire… ", 50), byte(2))
	f.Add("Überflutung", "e"+strings.Repeat("\u0301", 200), byte(3))
	f.Fuzz(func(t *testing.T, event, instruction string, most byte) {
		r := channeltest.Sample(channeltest.Actual, "it")
		r.Alert.Infos = []alerts.Info{r.Alert.Infos[0]}
		r.Alert.Infos[0].Event, r.Alert.Infos[0].Instruction = event, instruction
		text := Text{MaxParts: int(most%4) + 1, Transliterate: true}
		got, err := text.Render("sms", AudienceSubscribers, r, channeltest.Settings())
		if err != nil {
			if !errors.Is(err, channels.ErrNoRoom) {
				t.Fatal(err)
			}
			return // one word of what to do is longer than the room
		}
		for _, m := range got {
			if _, segments := channels.Segments(m.Text); len(segments) > text.MaxParts {
				t.Errorf("%d parts of at most %d: %q", len(segments), text.MaxParts, m.Text)
			}
			if !strings.HasSuffix(m.Text, m.URL) {
				t.Errorf("the link is gone: %q", m.Text)
			}
		}
	})
}

// The author's own words for texts stand in the place of ours; mark, source and
// link stay.
func TestRenderInTheAuthorsWords(t *testing.T) {
	r := channeltest.Sample(channeltest.Exercise, "it")
	r.Alert.Infos[0].Parameters = []alerts.Value{{Name: channels.WordingParameter + "sms", Value: "Salite ai piani alti. " + strings.Repeat("Non usate l'auto. ", 30)}}
	text := Text{MaxParts: 1, Transliterate: true}
	got, err := text.Render("sms", AudienceSubscribers, r, channeltest.Settings())
	if err != nil {
		t.Fatal(err)
	}
	want := "ESERCITAZIONE\nComune di Pistoia\nSalite ai piani alti. Non usate l'auto. Non usate l'auto.\n" + got[0].URL
	if got[0].Text != want {
		t.Errorf("got  %q\nwant %q", got[0].Text, want)
	}
	estimates, err := text.Estimates(r, channeltest.Settings())
	if err != nil || len(estimates) != 1 || estimates[0].Text != want {
		t.Errorf("estimated %+v, %v", estimates, err)
	}
}
