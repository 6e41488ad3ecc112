package copykit

import (
	"strings"
	"testing"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

func kit(t testing.TB, c Config) *Channel {
	t.Helper()
	ch, err := New("comune-instagram", c, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

var suite = channeltest.Suite{New: func(t testing.TB, _ string) channels.Channel { return kit(t, Config{Platform: "instagram"}) }}

func TestContract(t *testing.T) { channeltest.Run(t, suite) }

func TestGolden(t *testing.T) { channeltest.Golden(t, kit(t, Config{Platform: "instagram"})) }

func TestNothingLeavesAndTheReceiptSaysSo(t *testing.T) {
	c := kit(t, Config{Platform: "paper"})
	m := suite.Rendered(t, c, channeltest.Actual, "a/1/comune-instagram/0")
	sent, err := c.Send(t.Context(), m)
	if err != nil || sent.ID == "" || sent.Note != Ready || sent.URL != "" {
		t.Errorf("got %+v, %v", sent, err)
	}
	found, ok, err := c.Find(t.Context(), m)
	if err != nil || !ok || found.ID != sent.ID {
		t.Errorf("found %+v, %v, %v", found, ok, err)
	}
	if c.ByHand() != "paper" {
		t.Errorf("by hand on %q", c.ByHand())
	}
}

func TestTheTextFitsThePlatform(t *testing.T) {
	for name, test := range map[string]struct {
		config Config
		unit   channels.Unit
		max    int
	}{
		"a caption on Instagram":     {Config{Platform: "instagram"}, channels.UnitChars, 2200},
		"a description on YouTube":   {Config{Platform: "youtube"}, channels.UnitBytes, 5000},
		"a platform without a limit": {Config{Platform: "whatsapp"}, channels.UnitChars, 0},
		"a limit of the operator":    {Config{Platform: "instagram", Max: 300, Unit: "graphemes"}, channels.UnitGraphemes, 300},
		"a paper notice":             {Config{Platform: "paper", Max: 1000}, channels.UnitChars, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			c := kit(t, test.config)
			r := channeltest.Sample(channeltest.Actual, "it", "en")
			r.Alert.Infos[0].Description = strings.Repeat("L'acqua sale perché piove. 🔥 ", 500)
			messages, err := c.Render(r)
			if err != nil || len(messages) != 2 {
				t.Fatalf("%d messages, %v", len(messages), err)
			}
			for _, m := range messages {
				got := c.Measure(m.Text)
				if got.Unit != string(test.unit) || got.Max != test.max || (test.max > 0 && got.Used > test.max) {
					t.Errorf("%s: %+v", m.Language, got)
				}
				if m.Image == nil || !strings.Contains(m.Text, m.URL) {
					t.Errorf("%s: picture %v, link %q in %q", m.Language, m.Image, m.URL, m.Text)
				}
			}
		})
	}
	if m := suite.Rendered(t, kit(t, Config{Platform: "paper", NoImage: true}), channeltest.Actual, "k"); m.Image != nil {
		t.Error("a picture nobody wants")
	}
	if all, _ := kit(t, Config{Platform: "paper", Language: "en"}).Render(channeltest.Sample(channeltest.Actual)); len(all) != 1 || all[0].Language != "en" {
		t.Errorf("one language: %d", len(all))
	}
}

func TestTheAuthorsOwnWordsForThePlatform(t *testing.T) {
	r := channeltest.Sample(channeltest.Actual, "it")
	r.Alert.Infos[0].Parameters = append(r.Alert.Infos[0].Parameters, alerts.Value{Name: channels.WordingParameter + "instagram", Value: "Salite! Link in bio."})
	m, err := kit(t, Config{Platform: "instagram"}).Render(r)
	if err != nil || !strings.Contains(m[0].Text, "Salite! Link in bio.") {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	_, err := New("X", Config{Platform: "In stagram", Max: 20, Unit: "words", Language: "it it"}, channels.Settings{}, zap.NewNop())
	for _, want := range []string{"copykit X", "platform \"In stagram\"", "max is 20", "unit \"words\"", "language \"it it\""} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named: %v", want, err)
		}
	}
	if _, err := New("kit", Config{}, channels.Settings{}, zap.NewNop()); err == nil || !strings.Contains(err.Error(), "platform is missing") {
		t.Errorf("got %v", err)
	}
}
