package channels_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// counted is the table of texts that platforms count in other ways than one
// expects.
var counted = []string{
	"", "è", "°", "–", "—", "“", "’", "€", "…", "•", "→", "№", "🔥", "👨‍👩‍👧‍👦", "🇮🇹", "1️⃣", "⚠️", "中文", "€ – … “x”", "perché\npiove",
	"comune.pistoia.it/allerta", "Vedi comune.pistoia.it/allerta, poi https://comune.pistoia.it/a/01KAK3Z8G0FLD1RST0000000A1.", "https://allerta.comune.pistoia.example/a/1",
	"http://localhost:8080/a/1", "https://10.0.0.1/a", "a.info x.app y.org", "test.museum", "città.it", "x.it.", "a@b.it", "S.Marco p.zza dott.ssa ecc.", "abc.zip", "10.it", "-a.it-", "_a.it_", "a_b.it",
	"e.it/a?b=1.", "(https://a.it/b_(c)) https://a.it/b,c; HTTPS://A.IT", "https://a.it/è?q=1#x x.co.uk/a", "www.governo.it:443/x", "https://a.it/b!https://c.it", "пример.рф x.рф", "北京.cn x.cn北京", "#a.it $a.it @a.it ＠a.it",
	"https://a_b.c.it a.b_c.it", "https://xn--citt-2na.it a.xn--p1ai", "a.it.com.b è.a.it", "https://a.it/(b(c)d)e)", "A.IT/PIPPO/", "x.it/@y/z x.it/?a", "x.ité a.itх", "mail: a.b@c.it;d.it",
	"©", "®", "©️", "™", "‼️", "ℹ️", "⚠", "☎️", "⛴️", "❤", "❤️", "#️⃣", "*⃣", "🅰️", "㊗️", "a\ufe0f", "中\ufe0f", "℃", "🀄", "🎖️", "🫠", "🫩",
	"👍🏽", "🔥🏽", "👩🏽‍🚒", "👨‍⚕️", "🧑‍⚕️", "👷‍♀️", "👷🏿‍♂️", "🕵️‍♀️", "🕵🏽‍♀️", "🚶🏿‍♀️", "👯‍♂️", "🏳️‍🌈", "🏴‍☠️", "👁‍🗨", "👁️‍🗨️", "👩‍❤️‍💋‍👨", "👨‍👦‍👦", "👨‍👩‍👦‍👧", "👩‍👨‍👦", "🐕‍🦺", "🐦‍🔥", "❤️‍🔥", "🧑‍🤝‍🧑",
	"🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁵󠁳󠁴󠁸󠁿", "🇽🇽", "🇮", "🇮🇹🇮", "🇮🇹🇩🇪🇪🇺", "e\u0301", "a\u0302\u0323", "Å", "각", "क्षि", "ไทย", "مرحبا بالعالم", "שלום", "\u200f\u202bab", "한국어", "👋🏻👋🏼 👨‍👩‍👧‍👦👨‍👩‍👧‍👦",
}

func TestCountersAgreeWithOtherPeoples(t *testing.T) {
	counts := channeltest.StartCounts(t)
	mastodon := channels.CountLinks(channels.UnitChars.Count, 23)
	for _, text := range counted {
		want := counts.Of(text)
		if got := channels.Weighted(text); got != want.Weighted {
			t.Errorf("%q: weighted %d, twitter-text %d", text, got, want.Weighted)
		}
		for unit, n := range map[channels.Unit]int{channels.UnitChars: want.Chars, channels.UnitBytes: want.Bytes, channels.UnitUTF16: want.UTF16} {
			if got := unit.Count(text); got != n {
				t.Errorf("%q: %s %d, want %d", text, unit, got, n)
			}
		}
		if got := channels.UnitGraphemes.Count(text); got != want.Graphemes && text != "क्षि" || got < want.Graphemes {
			t.Errorf("%q: graphemes %d, ICU %d", text, got, want.Graphemes)
		}
		if got := mastodon(text); got != want.Linked {
			t.Errorf("%q: with links %d, want %d", text, got, want.Linked)
		}
	}
}

// Random texts: never fewer than the platform counts, and nearly always as many.
func TestCountersNeverCountLess(t *testing.T) {
	counts := channeltest.StartCounts(t)
	bits := append([]string{" ", " ", ".", ",", "\n", "-", "/", "(", ")", "it", "com", "example", "https://", "http://", "a", "Via", "x.", "@", "#", "\u200d", "\ufe0f", "🏽", "\u20e3", "1", "👩", "👨", "👧", "♀️", "🇮", "🇹", "é", "e\u0301", "?a=", "_", "ж", "ك", "語"}, counted...)
	random := rand.New(rand.NewPCG(6, 2026))
	more, all := 0, 3000
	for range all {
		var b strings.Builder
		for range 1 + random.IntN(8) {
			b.WriteString(bits[random.IntN(len(bits))])
		}
		text := b.String()
		want := counts.Of(text)
		switch got := channels.Weighted(text); {
		case got < want.Weighted:
			t.Errorf("%q: weighted %d, twitter-text %d", text, got, want.Weighted)
		case got > want.Weighted:
			more++
		}
		if got := channels.UnitGraphemes.Count(text); got < want.Graphemes {
			t.Errorf("%q: graphemes %d, ICU %d", text, got, want.Graphemes)
		}
		if got := channels.UnitUTF16.Count(text); got != want.UTF16 {
			t.Errorf("%q: utf16 %d, want %d", text, got, want.UTF16)
		}
	}
	if more > all/20 {
		t.Errorf("%d of %d random texts count more than on X", more, all)
	}
}
