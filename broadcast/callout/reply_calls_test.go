package callout_test

import (
	"strings"
	"testing"
	"time"

	"martinella/alerts/volunteers"
	"martinella/channels"
)

// texts are what is kept for the coordinators of a call.
func (w *town) texts(c *volunteers.Call) (texts []string) {
	w.t.Helper()
	kept, err := w.store.Messages(w.t.Context(), c.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range kept {
		text := m.Text
		if m.Doubt {
			text += "?"
		}
		texts = append(texts, text)
	}
	return texts
}

func (w *town) close(c *volunteers.Call) {
	w.t.Helper()
	if _, err := w.calls.End(w.t.Context(), anna, c.ID, volunteers.StateClosed, ""); err != nil {
		w.t.Fatal(err)
	}
	w.work()
}

// A call that ended, another that follows, and a text between the two.
func TestALateTextIsNoAnswerToTheNextCall(t *testing.T) {
	for name, test := range map[string]struct {
		said    string        // to the first call, before it ended
		text    string        // after the second was opened
		sent    time.Duration // when the platform says that it was sent, after the second was opened; 0: it says nothing
		waits   time.Duration // how long after the second was opened it comes
		answers bool          // the second call
		kept    string        // where: "1: text, 2: text?"
		back    string
	}{
		"sent before the second was opened":                   {text: "SI 20", sent: -10 * time.Minute, waits: 5 * time.Minute, kept: "1: SI 20", back: "V-0001 è finita"},
		"comes faster than the second page can be read":       {text: "SI 20", waits: 20 * time.Second, kept: "2: SI 20?", back: "Se rispondi a V-0002"},
		"comes after there was time to read the second page":  {text: "SI 20", waits: 2 * time.Minute, answers: true, back: "vengo fra 20 minuti. V-0002"},
		"comes fast and names the second":                     {text: "SI 20 V-0002", waits: 20 * time.Second, answers: true, back: "vengo fra 20 minuti. V-0002"},
		"names the first":                                     {text: "SI 20 V-0001", waits: 5 * time.Minute, kept: "1: SI 20 V-0001", back: "V-0001 è finita"},
		"comes fast, but the first was answered":              {said: "NO", text: "SI 20", waits: 20 * time.Second, answers: true, back: "vengo fra 20 minuti. V-0002"},
		"sent before the second, but the first was answered":  {said: "NO", text: "SI 20", sent: -10 * time.Minute, waits: 5 * time.Minute, kept: "2: SI 20", back: "coordinatore di V-0002"},
		"is no answer at all and was sent before the second":  {text: "ho la febbre, chiamatemi", sent: -10 * time.Minute, waits: 5 * time.Minute, kept: "1: ho la febbre, chiamatemi", back: "V-0001 è finita"},
		"is no answer at all and comes faster than was read":  {text: "ho la febbre, chiamatemi", waits: 20 * time.Second, kept: "2: ho la febbre, chiamatemi", back: "coordinatore di V-0002"},
		"comes while the clock of the platform is a bit slow": {text: "SI 20", sent: -time.Minute, waits: 5 * time.Minute, kept: "2: SI 20?", back: "Se rispondi a V-0002"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, nil)
			one := w.volunteer()
			first := w.open(w.draft(1))
			w.work()
			if test.said != "" {
				if err := w.reply(one, test.said); err != nil {
					t.Fatal(err)
				}
			}
			w.pass(20 * time.Minute)
			w.close(first)
			second := w.open(w.draft(1))
			w.work()
			opened := w.now()
			w.pass(test.waits)
			r := channels.Reply{From: phone(one), Text: test.text, At: w.now()}
			if test.sent != 0 {
				r.At = opened.Add(test.sent)
			}
			if err := w.calls.Reply(t.Context(), "sms", r); err != nil {
				t.Fatal(err)
			}
			if a := w.answer(second, one); (a != nil) != test.answers {
				t.Errorf("the second call has the answer %+v", a)
			}
			var kept []string
			for i, c := range []*volunteers.Call{first, second} {
				for _, text := range w.texts(c) {
					kept = append(kept, string(rune('1'+i))+": "+text)
				}
			}
			if got := strings.Join(kept, ", "); got != test.kept {
				t.Errorf("kept is %q, want %q", got, test.kept)
			}
			if !strings.Contains(w.last(), test.back) {
				t.Errorf("written back %q, want %q in it", w.last(), test.back)
			}
		})
	}
}

func TestWhoWritesAfterTheEndIsToldSoAndRead(t *testing.T) {
	w := newTown(t, nil)
	one := w.volunteer()
	c := w.open(w.draft(1))
	w.work()
	w.close(c)
	w.pass(time.Hour)
	if err := w.reply(one, "arrivo con la pala"); err != nil || !strings.Contains(w.last(), "V-0001 è finita") {
		t.Errorf("%v, written back %q", err, w.last())
	}
	if got := w.texts(c); len(got) != 1 || got[0] != "arrivo con la pala" {
		t.Errorf("kept is %q", got)
	}
	w.pass(7 * time.Hour)
	if err := w.reply(one, "e adesso?"); err == nil {
		t.Error("seven hours after the end a text is taken for the call")
	}
}

func TestANoToAllEndsAll(t *testing.T) {
	w := newTown(t, nil)
	one := w.volunteer()
	first, second := w.open(w.draft(1)), w.open(w.draft(1))
	w.work()
	if err := w.reply(one, "NO"); err != nil || w.answer(first, one) != nil || w.answer(second, one) != nil {
		t.Errorf("%v, a no to which?", err)
	}
	if a, b := w.texts(first), w.texts(second); len(a) != 1 || a[0] != "NO?" || len(b) != 1 || b[0] != "NO?" {
		t.Errorf("kept are %q and %q", a, b)
	}
	if err := w.reply(one, "No a tutte e due"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*volunteers.Call{first, second} {
		if a := w.answer(c, one); a == nil || a.Kind != volunteers.Cannot {
			t.Errorf("%s has %+v", c.Code(), a)
		}
	}
	if got := w.last(); !strings.Contains(got, "V-0001") || !strings.Contains(got, "V-0002") || !strings.Contains(got, "non posso") {
		t.Errorf("written back %q", got)
	}
}

func TestWhatIsWrittenBackAboutAnExerciseSaysSo(t *testing.T) {
	for language, mark := range map[string]string{"it": "ESERCITAZIONE: ", "en": "EXERCISE: ", "de": "ÜBUNG: "} {
		w := newTown(t, nil)
		one := w.volunteer()
		w.roll.people[one].Language = language
		d := w.draft(1)
		d.Exercise = true
		c := w.open(d)
		w.work()
		for _, text := range []string{"SI 1440", "NO", "FORSE 90", "boh"} {
			if err := w.reply(one, text); err != nil {
				t.Fatal(err)
			}
		}
		w.close(c)
		if err := w.reply(one, "SI V-0001"); err != nil {
			t.Fatal(err)
		}
		for _, line := range w.written {
			text := strings.SplitN(line, " ", 3)[2]
			if !strings.HasPrefix(text, mark) {
				t.Errorf("%s: %q", language, text)
			}
			if n, ok := channels.Septets(text); n > 160 || !ok {
				t.Errorf("%s: %d septets: %q", language, n, text)
			}
		}
		if len(w.written) != 5 {
			t.Errorf("%d texts went back", len(w.written))
		}
	}
}
