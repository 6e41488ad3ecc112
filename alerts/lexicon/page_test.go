package lexicon

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestVolunteersAreCalledInEveryLanguage(t *testing.T) {
	open := regexp.MustCompile(`\{[a-z_]+\}`)
	if len(pages) != len(PageLanguages) {
		t.Errorf("%d languages, want %d", len(pages), len(PageLanguages))
	}
	at := time.Date(2026, 11, 22, 18, 15, 0, 0, time.UTC)
	for _, lang := range PageLanguages {
		w := ForPages(lang)
		v := reflect.ValueOf(*w)
		for i := range v.NumField() {
			if v.Field(i).String() == "" {
				t.Errorf("%s: %s is missing", lang, v.Type().Field(i).Name)
			}
		}
		for _, text := range []string{w.Meet("magazzino", at, false), w.Meet("magazzino", at, true), w.Meet("", at, true), w.When(at),
			w.Replies("", false), w.Replies("", true), w.Replies("+39055", false), w.Replies("+39055", true), w.Why("PC Valdemo"),
			w.Ask, w.What, w.Where, w.Time, w.Bring, w.Button, w.Own, w.Tap, w.ReplyMail, w.Personal, w.Press, w.Thanks, w.ComingIn(20), w.Perhaps, w.Cannot,
			w.Filled, w.FilledText, w.Needed, w.NeededText, w.Closed, w.ClosedText, w.Cancelled, w.CancelledText,
			w.Confirm(true, "", true), w.Confirm(true, "+39055", false), w.Confirm(false, "", true)} {
			if text == "" || open.MatchString(text) {
				t.Errorf("%s: %q", lang, text)
			}
		}
		for _, text := range []string{w.Meet("", at, false), w.When(at)} {
			if !strings.Contains(text, "18:15") {
				t.Errorf("%s: %q has no time", lang, text)
			}
		}
		if on := w.Meet("", at, true); !strings.Contains(on, "22") || on == w.Meet("", at, false) {
			t.Errorf("%s: %q has no day", lang, on)
		}
		if !strings.Contains(w.Replies("+39055", true), "+39055") || len(w.Replies("", true)) >= len(w.Replies("", false)) {
			t.Errorf("%s: %q, %q", lang, w.Replies("+39055", true), w.Replies("", true))
		}
	}
	for text, got := range map[string]string{"Rispondi OK o apri il link.": ForPages("it").Confirm(true, "", true), "Rispondi OK al +39055.": ForPages("it").Confirm(true, "+39055", false),
		"Apri il link.": ForPages("it").Confirm(false, "+39055", true), "": ForPages("it").Confirm(false, "", false)} {
		if got != text {
			t.Errorf("how a test is confirmed: %q, want %q", got, text)
		}
	}
	if ForPages("hr") != ForPages("it-IT") {
		t.Error("a language that is not there is not the first")
	}
}

// What a coordinator writes is never read as one of our own places.
func TestMeetFillsInOnce(t *testing.T) {
	if got := ForPages("it").Meet("{time} {number}", time.Date(2026, 11, 22, 18, 15, 0, 0, time.UTC), false); got != "ritrovo {time} {number} 18:15" {
		t.Errorf("got %q", got)
	}
}
