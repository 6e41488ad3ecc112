package channels_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/channels"
)

func TestHashtags(t *testing.T) {
	register := channels.Hashtags{
		{Event: "Alluvione", Tags: []string{"alluvionePistoia", "#allertameteoTOS"}},
		{Tags: []string{"AllertameteoTOS"}},
		{Language: "de", Tags: []string{"UnwetterSüdtirol"}},
		{Event: "Vento", Tags: []string{"vento"}},
		{Tags: []string{"ciò_è", "2026", "con spazio", "tratto-no", strings.Repeat("a", 51), ""}},
	}
	for name, c := range map[string]struct {
		event, language, own string
		want                 []string
	}{
		"of the event, then of every one":   {"alluvione ", "it-IT", "", []string{"#alluvionePistoia", "#allertameteoTOS", "#ciò_è"}},
		"of the language":                   {"Frana", "de-AT", "", []string{"#AllertameteoTOS", "#UnwetterSüdtirol", "#ciò_è"}},
		"the author's first":                {"Frana", "it", "#prova  Altra\n##tre x-y", []string{"#prova", "#Altra", "#tre", "#AllertameteoTOS", "#ciò_è"}},
		"each once, without regard to case": {"Alluvione", "it", "ALLERTAMETEOTOS", []string{"#ALLERTAMETEOTOS", "#alluvionePistoia", "#ciò_è"}},
	} {
		t.Run(name, func(t *testing.T) {
			info := alerts.Info{Event: c.event, Parameters: []alerts.Value{{Name: "Martinella:Hashtag", Value: c.own}}}
			if got := register.For(info, c.language); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	endless := alerts.Info{Parameters: []alerts.Value{{Name: channels.HashtagParameter, Value: strings.Repeat("uno due a1 b2 c3 d4 e5 f6 g7 h8 i9 ", 20000)}}}
	if got := register.For(endless, "it"); len(got) != 10 || got[9] != "#h8" {
		t.Errorf("of very many: %q", got)
	}
	if got := channels.Hashtags(nil).For(alerts.Info{}, "it"); len(got) != 0 {
		t.Errorf("of nothing: %q", got)
	}
}

func FuzzHashtags(f *testing.F) {
	f.Add("#allerta meteo", "Alluvione", "it")
	f.Add("##  \u0301x ＃a #1 #è_2", "", "")
	f.Fuzz(func(t *testing.T, own, event, language string) {
		register := channels.Hashtags{{Event: event, Tags: []string{own}}, {Language: language, Tags: []string{"fisso"}}}
		got := register.For(alerts.Info{Event: event, Parameters: []alerts.Value{{Name: channels.HashtagParameter, Value: own}}}, language)
		for i, tag := range got {
			if !strings.HasPrefix(tag, "#") || !channels.CheckHashtag(tag[1:]) || !utf8.ValidString(tag) || slices.ContainsFunc(got[:i], func(x string) bool { return strings.EqualFold(x, tag) }) {
				t.Fatalf("%q among %q", tag, got)
			}
		}
	})
}
