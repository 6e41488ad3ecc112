package social_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
	"martinella/channels/social"
)

// Whatever the author writes, a post is within its limit, has its link whole,
// and behind it nothing but whole hashtags.
func FuzzPosts(f *testing.F) {
	f.Add("Salite ai piani alti. Non scendete.", "allerta #Pistoia Città_2026", "", uint16(280), byte(0))
	f.Add("👨‍👩‍👧‍👦🇮🇹1️⃣ https://a.it", "##x y-z 1 ＃a", "Tutti su! {next} #allerta", uint16(300), byte(1))
	f.Add("\u202eابق\u200f", "é\u0301 #é", "x.рф a@b.it", uint16(120), byte(2))
	units := []channels.Unit{channels.UnitWeighted, channels.UnitGraphemes, channels.UnitUTF16, channels.UnitChars, channels.UnitBytes}
	f.Fuzz(func(t *testing.T, action, tags, own string, limit uint16, unit byte) {
		p := &social.Posts{Name: "prova", Platform: "prova", Settings: channeltest.Settings(), Unit: units[int(unit)%len(units)], Max: int(limit)}
		p.Settings.Hashtags = channels.Hashtags{{Tags: strings.Fields(tags)}}
		before, r := channeltest.Sample(channeltest.Exercise, "it"), channeltest.Sample(channeltest.Exercise, "it")
		for _, in := range []*alerts.Info{&before.Alert.Infos[0], &r.Alert.Infos[0]} {
			in.Instruction = action
			in.Parameters = []alerts.Value{{Name: channels.HashtagParameter, Value: tags}, {Name: channels.WordingParameter + "prova", Value: own}}
		}
		wanted := channels.Hashtags{}.For(r.Alert.Infos[0], "it")
		messages, err := p.Render(r)
		if err == nil {
			text := messages[0].Text
			if limit > 0 && p.Measure(text).Used > int(limit) {
				t.Fatalf("%d of %d: %q", p.Measure(text).Used, limit, text)
			}
			body, behind, whole := strings.Cut(text, "\n"+page)
			if !whole || !strings.HasPrefix(body, "ESERCITAZIONE\n") || !utf8.ValidString(text) || strings.Contains(text, "{next}") {
				t.Fatalf("spoilt: %q", text)
			}
			for tag := range strings.FieldsSeq(behind) {
				if !slices.Contains(wanted, tag) {
					t.Fatalf("%q is none of %q in %q", tag, wanted, text)
				}
			}
		}
		amended, err := p.RenderAmended(before, r)
		if err == nil && (!strings.Contains(amended[0].Text, ": {next}\n") || !strings.HasSuffix(amended[0].Text, page) || limit > 0 && p.Measure(amended[0].Text).Used > int(limit)) {
			t.Fatalf("amended: %q", amended[0].Text)
		}
	})
}
