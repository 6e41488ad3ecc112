package alerts

import "testing"

// A person's text is in one language: no other one may carry it.
func TestAClosingSpeaksEachLanguage(t *testing.T) {
	over := func(language string, change Change, exercise bool, event string) (string, string) {
		return language + " over: " + event, language + " standard"
	}
	for name, tt := range map[string]struct {
		change Change
		langs  []string
		text   string
		want   []string // descriptions
	}{
		"an all-clear with words": {ChangeEnded, []string{"en-GB", "it-IT"}, "Il torrente scende.", []string{"en-GB standard", "Il torrente scende."}},
		"an all-clear without":    {ChangeEnded, []string{"it-IT", "en-GB"}, "", []string{"it-IT standard", "en-GB standard"}},
		"a Cancel with words":     {ChangeCancelled, []string{"it-IT", "en-GB"}, "Era una prova.", []string{"Era una prova.", "en-GB standard"}},
		"none in the authority's": {ChangeEnded, []string{"de-AT", "en-GB"}, "Vorbei.", []string{"Vorbei.", "en-GB standard"}},
		"two risks in a language": {ChangeEnded, []string{"it-IT", "it"}, "Passata.", []string{"Passata.", "Passata."}},
		"an info that names none": {ChangeEnded, []string{"", "en-GB"}, "Passata.", []string{"Passata.", "en-GB standard"}},
	} {
		d := newDesk(newMemory())
		d.Over = over
		a := flood(minor)
		first := a.Infos[0]
		a.Infos = nil
		for _, lang := range tt.langs {
			in := first
			in.Language, in.Headline = lang, "Go upstairs now"
			a.Infos = append(a.Infos, in)
		}
		by := person("key:a", VerbIssue, VerbApprove)
		r := d.Closing(&Record{ID: "01", Event: "01", Alert: a}, by, tt.change, tt.text, noon)
		for i, in := range r.Alert.Infos {
			tag := tt.langs[i]
			if tag == "" {
				tag = d.Authority.Language
			}
			if in.Description != tt.want[i] || in.Headline != tag+" over: "+first.Event {
				t.Errorf("%s: info %d says %q, %q", name, i, in.Headline, in.Description)
			}
		}
		if a.Infos[0].Headline != "Go upstairs now" {
			t.Errorf("%s: the alert itself was changed", name)
		}
	}
}
