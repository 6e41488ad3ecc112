package compose

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/alerts/lint"
)

// Lint reads the alert that the form made, and says it of the form's fields;
// failures are the channels that cannot carry it, which a person ticks like the
// lint's own findings. What is found of the same field in several languages is
// said once where the field has no language.
func Lint(f Form, a *alerts.Alert, c Context, failures ...Failure) []Finding {
	words := c.Words
	words.Languages = c.languages()
	if words.Authority == "" {
		words.Authority = c.Authority.Name
	}
	if words.Previous = nil; c.Previous != nil && f.Changes == c.Previous.ID {
		words.Previous = c.Previous.Alert
	}
	spoken := f.spoken(a)
	effect := lint.EffectNone
	if a.Severity().Rank() >= alerts.SeveritySevere.Rank() {
		effect = lint.EffectTick
	}
	var all []Finding
	for _, h := range lint.Check(a, words, c.Now) {
		if h.Code == lint.Malformed && h.Field == "identifier" && a.Identifier == "" {
			continue // it gets one when it is sent
		}
		h = f.moved(h, spoken)
		again := slices.ContainsFunc(all, func(o Finding) bool {
			return o.Field == h.Field && o.Code == h.Code && o.Start == h.Start && o.End == h.End && o.Text == h.Text
		})
		if !again {
			all = append(all, Finding{Hit: h})
		}
	}
	for _, one := range failures {
		h := lint.Hit{Code: TooLong, Field: f.tooLong(one.Channel), Level: alerts.LevelError, Effect: effect}
		h.Message = lexicon.Both{It: "Il canale " + one.Channel + " non può portare questo testo.", En: "The channel " + one.Channel + " cannot carry this text."}
		h.Remedy = lexicon.Both{It: "Usate meno parole, oppure scrivete parole apposta per questo canale.", En: "Use fewer words, or write words for this channel alone."}
		h.Text = one.Reason
		all = append(all, Finding{Hit: h, Channel: one.Channel})
	}
	return all
}

// moved says a hit of the form's field.
func (f *Form) moved(h lint.Hit, spoken []int) lint.Hit {
	if h.Code == lint.LanguageMissing {
		if i := f.primary(h.Language); i >= 0 {
			h.Field = fmt.Sprintf("texts[%d]", i)
			return h
		}
	}
	h.Field = f.path(h.Field, spoken)
	var i int
	if n, _ := fmt.Sscanf(h.Field, "texts[%d].description", &i); n != 1 || !strings.HasSuffix(h.Field, "].description") || i >= len(f.Texts) {
		return h
	}
	t := &f.Texts[i]
	if h.Code == lint.NoChangeSaid {
		h.Field = fmt.Sprintf("texts[%d].changed", i)
		return h
	}
	before := saying(t.Changed, "")
	if before == "" || h.End == 0 {
		return h
	}
	if h.Start < len(before) {
		h.Field = fmt.Sprintf("texts[%d].changed", i)
		return h
	}
	shift, runes := len(before)+1, utf8.RuneCountInString(before)+1
	h.Start, h.End, h.RuneStart, h.RuneEnd = h.Start-shift, h.End-shift, h.RuneStart-runes, h.RuneEnd-runes
	return h
}

// primary is the index of the text in the same primary language, -1 without one.
func (f *Form) primary(tag string) int {
	return slices.IndexFunc(f.Texts, func(t Text) bool { return alerts.PrimaryLanguage(t.Language) == alerts.PrimaryLanguage(tag) })
}

// tooLong is the field to shorten: the channel's own words where there are any.
func (f *Form) tooLong(channel string) string {
	for i := range f.Texts {
		if tidy(f.Texts[i].Own[channel]) != "" {
			return fmt.Sprintf("texts[%d].own.%s", i, channel)
		}
	}
	return "texts[0].description"
}

// Check looks for the five elements in the form and the alert that it made, in
// every language that says anything.
func Check(f Form, a *alerts.Alert, c Context) Checklist {
	spoken := f.spoken(a)
	each := func(element Element, name string, there func(in *alerts.Info) bool) Item {
		item := Item{Element: element, Field: "texts[0]." + name, There: len(a.Infos) > 0}
		for i := range a.Infos {
			if !there(&a.Infos[i]) {
				return Item{Element: element, Field: fmt.Sprintf("texts[%d].%s", spoken[i], name)}
			}
		}
		return item
	}
	place := each(Where, "where", func(in *alerts.Info) bool { return len(in.Areas) > 0 && in.Areas[0].Description != "" })
	if !a.HasArea() {
		place = Item{Element: Where, Field: "codes"}
	}
	return Checklist{
		each(Source, "source", func(in *alerts.Info) bool { return in.SenderName != "" || line(c.Authority.Name) != "" }),
		each(Hazard, "description", func(in *alerts.Info) bool { return in.Event != "" && in.Description != "" }),
		place,
		each(Action, "instruction", func(in *alerts.Info) bool { return in.Instruction != "" }),
		{Element: Until, Field: "until", There: a.Expires().After(c.Now)},
	}
}
