package channeltest

import (
	"context"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/social"
)

// careless is a channel that spoils what [social.Posts] makes.
type careless struct {
	social.Posts
	spoil func(*channels.Message)
}

func (c *careless) Name() string { return c.Posts.Name }

func (c *careless) Send(context.Context, channels.Message) (channels.Receipt, error) {
	return channels.Receipt{}, nil
}

func (c *careless) Render(r *alerts.Record) ([]channels.Message, error) {
	messages, err := c.Posts.Render(r)
	for i := range messages {
		if c.spoil != nil {
			c.spoil(&messages[i])
		}
	}
	return messages, err
}

func careful(unit channels.Unit, most int) *careless {
	return &careless{Posts: social.Posts{Name: "prova", Platform: "prova", Settings: Settings(), Unit: unit, Max: most}}
}

// Every unit of every platform, on the real messages.
func TestRealMessagesFitEverywhere(t *testing.T) {
	counts := StartCounts(t)
	linked := careful(channels.UnitChars, 500)
	linked.Count = channels.CountLinks(channels.UnitChars.Count, 23)
	for name, c := range map[string]struct {
		channel *careless
		bound   Bound
	}{
		"X":                               {careful(channels.UnitWeighted, 280), Bound{"weighted", 280, counts.Weighted}},
		"Bluesky":                         {careful(channels.UnitGraphemes, 300), Bound{"graphemes", 300, counts.Graphemes}},
		"Telegram":                        {careful(channels.UnitUTF16, 4096), Bound{"utf16", 4096, counts.UTF16}},
		"a captioned picture of Telegram": {careful(channels.UnitUTF16, 1024), Bound{"utf16", 1024, counts.UTF16}},
		"Mastodon":                        {linked, Bound{"characters", 500, counts.Linked}},
		"Facebook":                        {careful(channels.UnitChars, 63206), Bound{"characters", 63206, counts.Chars}},
		"Discord":                         {careful(channels.UnitChars, 2000), Bound{"characters", 2000, counts.Chars}},
		"octets":                          {careful(channels.UnitBytes, 700), Bound{"bytes", 700, counts.Bytes}},
	} {
		t.Run(name, func(t *testing.T) { Limits(t, c.channel, counts, c.bound) })
	}
}

// What Limits looks for, it finds.
func TestLimitsFindsWhatIsWrong(t *testing.T) {
	counts := StartCounts(t)
	r := accents()
	r.Alert.Status = alerts.StatusExercise
	r.Alert.Infos[0].Parameters = []alerts.Value{{Name: channels.WordingParameter + "public", Value: strings.Repeat("👨‍👩‍👧‍👦🇮🇹e\u0301", 30)}}
	for name, c := range map[string]struct {
		spoil func(*channels.Message)
		max   int
		want  string
	}{
		"a text as it should be": {nil, 500, ""},
		"one that is too long":   {nil, 100, "the platform takes 100"},
		"a family that is cut": {func(m *channels.Message) {
			m.Text = strings.Replace(m.Text, "👨‍👩‍👧‍👦🇮🇹e\u0301\n", "👨‍👩\n", 1)
		}, 500, "cut within a character"},
		"a flag that is cut":     {func(m *channels.Message) { m.Text = strings.Replace(m.Text, "🇮🇹e\u0301\n", "🇮\n", 1) }, 500, "cut within a character"},
		"an accent that is lost": {func(m *channels.Message) { m.Text = strings.Replace(m.Text, "e\u0301\n", "e\n", 1) }, 500, "cut within a character"},
		"a link that is cut":     {func(m *channels.Message) { m.Text = m.Text[:len(m.Text)-3] }, 500, "no whole link"},
		"words behind the link":  {func(m *channels.Message) { m.Text += "\npiove" }, 500, "no whole link"},
		"no exercise mark":       {func(m *channels.Message) { _, m.Text, _ = strings.Cut(m.Text, "\n") }, 500, "does not begin with"},
		"another language":       {func(m *channels.Message) { m.Language = "fr" }, 500, "none of the record's languages"},
		"another language's mark": {func(m *channels.Message) {
			m.Text = strings.Replace(strings.Replace(m.Text, "ESERCITAZIONE", "ÜBUNG", 1), "EXERCISE", "ÜBUNG", 1)
		}, 500, "does not begin with"},
	} {
		t.Run(name, func(t *testing.T) {
			channel := careful(channels.UnitGraphemes, 300)
			channel.spoil = c.spoil
			wrong := strings.Join(limits(channel, []*alerts.Record{r}, counts, []Bound{{"graphemes", c.max, counts.Graphemes}}), "\n")
			if c.want == "" && wrong != "" || !strings.Contains(wrong, c.want) {
				t.Errorf("got %q, want %q", wrong, c.want)
			}
		})
	}
}
