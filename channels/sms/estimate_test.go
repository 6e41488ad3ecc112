package sms

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"martinella/channels"
)

func TestEstimate(t *testing.T) {
	capital := "È caduta la strada: " + strings.Repeat("evitate la zona. ", 5) // 105 characters
	for sentence, c := range map[string]struct {
		text Text
		in   string
		want Estimate
	}{
		"one part with room": {Text{}, "Piove.", Estimate{Text: "Piove.", Encoding: channels.GSM7, Units: 6, Parts: 1, Left: 154}},
		"nothing":            {Text{}, "", Estimate{Encoding: channels.GSM7, Parts: 1, Left: 160}},
		"two parts":          {Text{}, strings.Repeat("a", 161), Estimate{Text: strings.Repeat("a", 161), Encoding: channels.GSM7, Units: 161, Parts: 2, Left: 145}},
		"what the spelling saves": {Text{Transliterate: true}, capital, Estimate{Text: "E'" + capital[len("È"):], Encoding: channels.GSM7, Units: 106, Parts: 1, Left: 54,
			Changes: []channels.Replacement{{From: "È", To: "E'", N: 1}}, SavedParts: 1}},
		"what it would save": {Text{}, capital, Estimate{Text: capital, Encoding: channels.UCS2, Units: 105, Parts: 2, Left: 29,
			Changes: []channels.Replacement{{From: "È", To: "E'", N: 1}}, SavedParts: 1, Kept: true}},
		"nothing is changed that saves nothing": {Text{Transliterate: true}, "È finita", Estimate{Text: "È finita", Encoding: channels.UCS2, Units: 8, Parts: 1, Left: 62}},
		"what forces UCS-2":                     {Text{Transliterate: true}, "È 🔥 e ё, 🔥", Estimate{Text: "È 🔥 e ё, 🔥", Encoding: channels.UCS2, Units: 12, Parts: 1, Left: 58, Forcing: []string{"🔥", "ё"}}},
		"too long":                              {Text{MaxParts: 1}, strings.Repeat("a", 161), Estimate{Text: strings.Repeat("a", 161), Encoding: channels.GSM7, Units: 161, Parts: 2, Left: 145, TooLong: true}},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := c.text.Estimate(c.in); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestEstimateOfMoneyAndTime(t *testing.T) {
	price, err := ParseMoney("0.045")
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
	free := Text{}.Estimate("Piove.")
	if cost, known := free.Cost(5000); known || cost != 0 || free.Last(5000) != 0 {
		t.Errorf("without price and rate: %v, %v, %v", cost, known, free.Last(5000))
	}
	if last := (Text{Rate: 1e-9}).Estimate("a").Last(math.MaxInt); last != math.MaxInt64 {
		t.Errorf("for ever is %v", last)
	}
}

func TestMoney(t *testing.T) {
	for in, want := range map[string]string{"0.045": "0.05", "0,05": "0.05", "0.050001": "0.06", "1": "1.00", "12.3": "12.30", "1000": "1000.00", "": "0.00"} {
		if got, err := ParseMoney(in); err != nil || got.String() != want {
			t.Errorf("%q: got %v, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"-1", "0.0000001", "1001", "99999", "1.2.3", "1e3", ".5", "5 cent", "٣", "1,000.5"} {
		if got, err := ParseMoney(in); err == nil {
			t.Errorf("%q is taken for %v", in, got)
		}
	}
	if got := Money(math.MaxInt64/2).Times(3, 7); got != math.MaxInt64 {
		t.Errorf("too much is %d", got)
	}
	if got := Money(45_000).Times(3, 0); got != 0 {
		t.Errorf("nobody costs %v", got)
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
		_, _ = ParseMoney(s)
		_ = Mask(s)
	})
}

func second[A, B any](_ A, b B) B { return b }
