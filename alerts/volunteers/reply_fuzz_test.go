package volunteers

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzReadReply(f *testing.F) {
	for _, s := range []string{"SI 20", "no\n> si", "v417 forse 60", "un'ora e mezza", "1h30", "👍🏽", "si\u202e20", "\xff\xfesi", "20-30 min", "si 18:30", "Am 1. schrieb x:\nno", "1,5 ore", "- - -", "'''", "v-", "tra 20 minuti e 1 ora", "è\u0301 sì", "99999999999 h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := ReadReply(text)
		a := got.Answer
		if !got.Clear && a != (Answer{}) {
			t.Errorf("%q is not clear, and says %+v", text, a)
		}
		if got.Clear && a.Kind != Coming && a.Kind != Maybe && a.Kind != Cannot {
			t.Errorf("%q says %q", text, a.Kind)
		}
		if a.Minutes < 0 || a.Minutes > 24*60 || a.Kind == Cannot && a.Minutes != 0 {
			t.Errorf("%q takes %d minutes", text, a.Minutes)
		}
		if !utf8.ValidString(a.Note) || utf8.RuneCountInString(a.Note) > NoteMost || strings.ContainsFunc(a.Note, unseen) || a.Note != strings.TrimSpace(a.Note) {
			t.Errorf("%q has the note %q", text, a.Note)
		}
		// What denies, doubts or asks is no yes, whatever else is said.
		for _, more := range []string{" non so", ", ma non vengo", " ?", " se posso"} {
			if r := ReadReply(ownWords(text) + more); r.Clear && r.Answer.Kind == Coming {
				t.Errorf("%q with %q is %+v", text, more, r)
			}
		}
	})
}

func BenchmarkReadReply(b *testing.B) {
	for b.Loop() {
		if !ReadReply("V-0417 Sì, arrivo tra un'ora e mezza con il furgone").Clear {
			b.Fatal("not clear")
		}
	}
}
