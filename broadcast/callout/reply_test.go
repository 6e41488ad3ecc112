package callout_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
	"martinella/channels"
)

// reply is what a person writes from their telephone.
func (w *town) reply(number uint32, text string) error {
	return w.calls.Reply(w.t.Context(), "sms", channels.Reply{From: strings.TrimPrefix(phone(number), "+"), Text: text, At: w.now()})
}

// last is the newest text that went back, "" for none.
func (w *town) last() string {
	if len(w.written) == 0 {
		return ""
	}
	return w.written[len(w.written)-1]
}

func (w *town) answer(c *volunteers.Call, number uint32) *volunteers.Answer {
	w.t.Helper()
	sheet, err := w.store.Sheet(w.t.Context(), c.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range sheet {
		if e.Number == number {
			return e.Answer
		}
	}
	return nil
}

func TestAReplyIsTakenAndSaidBack(t *testing.T) {
	w := newTown(t, nil)
	one := w.volunteer()
	c := w.open(w.draft(1))
	w.work()
	if err := w.reply(one, "SI 20"); err != nil {
		t.Fatal(err)
	}
	if a := w.answer(c, one); a == nil || a.Kind != volunteers.Coming || a.Minutes != 20 || a.Via != "sms" {
		t.Errorf("the answer is %+v", a)
	}
	if got, want := w.last(), "sms "+phone(one)+" Hai risposto: vengo fra 20 minuti. V-0001"; got != want {
		t.Errorf("written back %q, want %q", got, want)
	}
	if err := w.reply(one, "domani piove?"); err != nil {
		t.Fatal(err)
	}
	messages, err := w.store.Messages(t.Context(), c.ID)
	if err != nil || len(messages) != 1 || messages[0].Number != one || messages[0].Text != "domani piove?" || !strings.Contains(w.last(), "coordinatore di V-0001") {
		t.Errorf("messages %+v, %v, written back %q", messages, err, w.last())
	}
	if a := w.answer(c, one); a == nil || a.Kind != volunteers.Coming {
		t.Errorf("a message changed the answer to %+v", a)
	}
}

func TestWithTwoOpenCallsTheAnswerIsAskedBackNeverGuessed(t *testing.T) {
	w := newTown(t, nil)
	one := w.volunteer()
	first, second := w.open(w.draft(1)), w.open(w.draft(1))
	if err := w.reply(one, "NO"); err != nil {
		t.Fatal(err)
	}
	if w.answer(first, one) != nil || w.answer(second, one) != nil || !strings.Contains(w.last(), "V-0002, V-0001") {
		t.Fatalf("guessed, or not asked back: %q", w.last())
	}
	if err := w.reply(one, "NO V-0002"); err != nil {
		t.Fatal(err)
	}
	if a := w.answer(second, one); a == nil || a.Kind != volunteers.Cannot || w.answer(first, one) != nil {
		t.Errorf("the call that was named has %+v", a)
	}
	if err := w.reply(one, "NO V-0009"); err != nil || w.answer(first, one) != nil {
		t.Errorf("a call that there is not: %v, taken for another one", err)
	}
}

func TestWhoseRepliesAreNotTaken(t *testing.T) {
	w := newTown(t, nil)
	called, citizen := w.volunteer(), w.volunteer()
	w.roll.people[citizen].Audience = "citizens"
	if err := w.reply(called, "SI"); !errors.Is(err, broadcast.ErrUnhandled) {
		t.Errorf("without an open call: %v", err)
	}
	c := w.open(w.draft(1))
	w.pass(10 * time.Minute)
	for name, err := range map[string]error{
		"a citizen":  w.reply(citizen, "SI"),
		"a stranger": w.reply(99, "SI"),
	} {
		if !errors.Is(err, broadcast.ErrUnhandled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	late := channels.Reply{From: phone(called), Text: "SI", At: noon.Add(-time.Hour)}
	if err := w.calls.Reply(t.Context(), "sms", late); err != nil || w.answer(c, called) != nil {
		t.Errorf("what was written before the call was taken for an answer to it: %v", err)
	}
	if _, err := w.calls.End(t.Context(), anna, c.ID, volunteers.StateClosed, ""); err != nil {
		t.Fatal(err)
	}
	if err := w.reply(called, "SI V-0001"); err != nil || !strings.Contains(w.last(), "V-0001 è finita") {
		t.Errorf("a reply to a call that is over: %v, written back %q", err, w.last())
	}
}

// Everything that is written back fits one text message.
func TestWordsFitOneTextMessage(t *testing.T) {
	for _, language := range []string{"it", "en", "de", "sl", "fr"} {
		w := newTown(t, nil)
		one := w.volunteer()
		w.roll.people[one].Language = language
		w.open(w.draft(1))
		for _, text := range []string{"SI 1440", "NO", "FORSE 90", "boh"} {
			if err := w.reply(one, text); err != nil {
				t.Fatal(err)
			}
		}
		for range 4 {
			w.open(w.draft(1))
		}
		if err := w.reply(one, "SI"); err != nil {
			t.Fatal(err)
		}
		for _, line := range w.written {
			text := strings.SplitN(line, " ", 3)[2]
			if n, ok := channels.Septets(text); n > 160 || !ok {
				t.Errorf("%s: %d septets: %q", language, n, text)
			}
		}
	}
}

func TestTokensOpenOneCallForOnePersonUntilADayAfterItsEnd(t *testing.T) {
	w := newTown(t, nil)
	one, other := w.volunteer(), w.volunteer()
	c := w.open(w.draft(2))
	w.work()
	token := w.link(one, c)
	if len(token) != 24 {
		t.Errorf("the token has %d characters", len(token))
	}
	own, err := w.calls.Own(t.Context(), token)
	if err != nil || own.Number != one || own.Name != "Volontario 1" || own.Needed != 2 {
		t.Fatalf("own page %+v, %v", own, err)
	}
	board := w.calls.BoardToken(c)
	v, err := w.calls.Board(t.Context(), board)
	if err != nil || len(v.People) != 2 || v.People[0].Phone != "" || v.People[0].Name == "" {
		t.Fatalf("board %+v, %v", v, err)
	}
	if full, err := w.calls.View(t.Context(), c.ID); err != nil || full.People[0].Phone == "" {
		t.Errorf("a coordinator sees %+v, %v", full, err)
	}
	forged := []string{"", "x", token[:23], token + "A", w.link(99, c), board, strings.Repeat("A", 24)}
	for i := range token {
		b := []byte(token)
		b[i] = map[bool]byte{true: 'A', false: 'B'}[b[i] != 'A']
		forged = append(forged, string(b))
	}
	for _, one := range forged {
		if _, err := w.calls.Own(t.Context(), one); !errors.Is(err, callout.ErrToken) {
			t.Errorf("%q opens: %v", one, err)
		}
		if _, err := w.calls.Board(t.Context(), one); one != board && !errors.Is(err, callout.ErrToken) {
			t.Errorf("%q opens the board: %v", one, err)
		}
	}
	w.roll.people[other] = nil
	if _, err := w.calls.Own(t.Context(), w.link(other, c)); !errors.Is(err, callout.ErrToken) {
		t.Errorf("the page of who was erased: %v", err)
	}
	if _, err := w.calls.End(t.Context(), anna, c.ID, volunteers.StateClosed, ""); err != nil {
		t.Fatal(err)
	}
	w.pass(23 * time.Hour)
	if _, err := w.calls.Own(t.Context(), token); err != nil {
		t.Errorf("within a day: %v", err)
	}
	w.pass(2 * time.Hour)
	for _, one := range []string{token, board} {
		_, err := w.calls.Own(t.Context(), one)
		_, err2 := w.calls.Board(t.Context(), one)
		if !errors.Is(err, callout.ErrToken) || !errors.Is(err2, callout.ErrToken) {
			t.Errorf("after a day: %v, %v", err, err2)
		}
	}
}

func TestACoordinatorNotesWhatTheyWereTold(t *testing.T) {
	w := newTown(t, nil)
	called, passer := w.volunteer("sub"), w.volunteer()
	d := w.draft(1)
	d.Needs[0].Skill = "sub"
	c := w.open(d)
	before, err := w.calls.View(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.calls.AnswerFor(t.Context(), anna, c.ID, called, volunteers.Answer{Kind: volunteers.Coming, Minutes: 30}); err != nil {
		t.Fatal(err)
	}
	if err := w.calls.AttendFor(t.Context(), anna, c.ID, passer, volunteers.MarkArrived); err != nil {
		t.Fatal(err)
	}
	if err := w.calls.AttendFor(t.Context(), anna, c.ID, 99, volunteers.MarkArrived); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("nobody of the roster arrived: %v", err)
	}
	v, err := w.calls.View(t.Context(), c.ID)
	if err != nil || v.Coming != 2 || v.Arrived != 1 || v.Called != 1 || v.Cursor == before.Cursor || !v.People[0].Fills && !v.People[1].Fills {
		t.Errorf("view %+v, %v", v, err)
	}
	w.pass(3 * time.Hour)
	if v, err = w.calls.View(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	overdue := 0
	for _, p := range v.People {
		if p.Overdue {
			overdue++
		}
	}
	if overdue != 1 {
		t.Errorf("%d are overdue, want who arrived three hours ago", overdue)
	}
	for _, a := range w.store.Acts() {
		if strings.Contains(a.By.Name+a.Reason+a.Of, "Volontario") || a.Event != c.ID {
			t.Errorf("the ledger names a volunteer, or another event: %+v", a)
		}
	}
}

func TestSuggestIsWhatOpenDoes(t *testing.T) {
	w := newTown(t, nil)
	for range 10 {
		w.volunteer()
	}
	w.roll.people[3].Contacts = map[string]string{}
	d := w.draft(2)
	s, ps, err := w.calls.Suggest(t.Context(), d)
	if err != nil || len(ps.Errors()) != 0 || s.Called != 8 || s.Kinds["push"] != 8 || s.Left[volunteers.ReasonNoContact] != 1 || s.Left[volunteers.ReasonEnough] != 1 || s.Skilled[0].Found != 9 {
		t.Errorf("suggestion %+v, %v, %v", s, ps, err)
	}
	if c := w.open(d); c.Waves[0].People != s.Called {
		t.Errorf("%d called, %d suggested", c.Waves[0].People, s.Called)
	}
	d.Needs[0].Skill = "none has it"
	if s, ps, err = w.calls.Suggest(t.Context(), d); err != nil || s.Called != 0 || len(ps.Errors()) != 1 {
		t.Errorf("nobody: %+v, %v, %v", s, ps, err)
	}
}
