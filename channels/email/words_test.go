package email

import (
	"reflect"
	"strings"
	"testing"
)

func TestEveryLanguageHasAllWordsOfAMail(t *testing.T) {
	for _, tag := range []string{"it-IT", "en", "de-AT", "sl-SI", "fr"} {
		w := wordsFor(tag, "Comune di Valdemo")
		v := reflect.ValueOf(w)
		for i := range v.NumField() {
			if text := v.Field(i).String(); text == "" || strings.Contains(text, " / ") || strings.Contains(text, "{") {
				t.Errorf("%s: %s is %q", tag, v.Type().Field(i).Name, text)
			}
		}
		if !strings.Contains(w.Why, "Comune di Valdemo") || !strings.Contains(w.Stop, "STOP") || !strings.Contains(w.Help, "112") {
			t.Errorf("%s does not say who writes, STOP or 112: %+v", tag, w)
		}
	}
	if w := wordsFor("hr", "Comune di Valdemo"); !strings.Contains(w.Page, " / ") {
		t.Errorf("a language that is not here: %q", w.Page)
	}
}
