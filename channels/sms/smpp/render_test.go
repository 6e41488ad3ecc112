package smpp

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestRender(t *testing.T) {
	for _, kind := range channeltest.Kinds {
		for most := 1; most <= 3; most++ {
			t.Run(fmt.Sprintf("%s in %d parts", kind, most), func(t *testing.T) {
				c := newChannel(t, nil, func(c *Config) { c.MaxParts = most })
				got, err := c.Render(channeltest.Sample(kind, "it", "en", "de"))
				if err != nil {
					t.Fatal(err)
				}
				again, _ := c.Render(channeltest.Sample(kind, "it", "en", "de"))
				if !reflect.DeepEqual(got, again) {
					t.Error("the same record gives other messages")
				}
				for _, m := range got {
					encoding, segments := channels.Segments(m.Text)
					if len(segments) > most || encoding != channels.GSM7 {
						t.Errorf("%s: %d parts of %s: %s", m.Language, len(segments), encoding, m.Text)
					}
					if !strings.HasSuffix(m.Text, m.URL) || m.URL == "" {
						t.Errorf("%s: the link is gone: %s", m.Language, m.Text)
					}
					if m.Channel != "sms" || m.Audience != AudienceSubscribers {
						t.Errorf("for %s on %s", m.Audience, m.Channel)
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
	} {
		t.Run(sentence, func(t *testing.T) {
			ch := newChannel(t, nil, func(config *Config) {
				if on := false; c.off {
					config.Transliterate = &on
				}
			})
			if got := ch.spelled(c.text); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestMeasure(t *testing.T) {
	c := newChannel(t, nil, nil)
	for text, want := range map[string]channels.Measure{
		"Piove.":                 {Unit: "septets", Used: 6, Max: 160, Part: 1},
		strings.Repeat("a", 161): {Unit: "septets", Used: 161, Max: 153, Part: 2},
		"ё":                      {Unit: "utf16", Used: 1, Max: 70, Part: 1},
		strings.Repeat("ё", 71):  {Unit: "utf16", Used: 71, Max: 67, Part: 2},
	} {
		if got := c.Measure(text); got != want {
			t.Errorf("%.20q: got %+v, want %+v", text, got, want)
		}
	}
}

// A text fits exactly when its cost is within the room.
func FuzzCost(f *testing.F) {
	for _, s := range []string{"", strings.Repeat("€", 230), strings.Repeat("ё", 66) + "🔥", strings.Repeat("È", 153), strings.Repeat("a", 459), strings.Repeat("a", 152) + strings.Repeat("€", 154)} {
		f.Add(s, byte(2))
	}
	f.Fuzz(func(t *testing.T, s string, most byte) {
		c := &Channel{config: Config{MaxParts: int(most%10) + 1}}
		s = strings.ToValidUTF8(s, "")
		_, segments := channels.Segments(c.spelled(s))
		if fits := c.cost(s) <= c.room(); fits != (len(segments) <= c.config.MaxParts) {
			t.Errorf("%d parts of at most %d, yet it costs %d of %d", len(segments), c.config.MaxParts, c.cost(s), c.room())
		}
	})
}
