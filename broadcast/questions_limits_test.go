package broadcast

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
)

// quietLine is a channel that nobody hears.
type quietLine struct {
	channels.Channel
	kind string
}

func (c quietLine) Name() string        { return c.kind }
func (c quietLine) AddressKind() string { return c.kind }

func asks(perHour, texts int) *Questions {
	return NewQuestions(QuestionsConfig{PerHour: perHour, TextsPerHour: texts, Log: zap.NewNop(), Routes: []Route{{Channel: quietLine{kind: "phone"}}, {Channel: quietLine{kind: "email"}}}})
}

func whoAt(kind, address string) Subscriber {
	return Subscriber{Contacts: map[string]string{kind: address}}
}

// What is not asked takes nothing from anybody: neither from the contact's three
// a day, nor from the budgets of all.
func TestRefusedSignUpsUseNothingUp(t *testing.T) {
	const anna = "+393331234567"
	for name, row := range map[string]struct {
		perHour, texts int
		before         func(q *Questions) // until it is over, an hour later
	}{
		"the texts of the hour are gone": {100, 2, func(q *Questions) {
			for i := range 2 {
				if err := q.Take(whoAt("phone", fmt.Sprintf("+39333000000%d", i)), ""); err != nil {
					t.Fatal(err)
				}
			}
		}},
		"the questions of the hour are gone": {2, 100, func(q *Questions) {
			for i := range 2 {
				if err := q.Take(whoAt("email", fmt.Sprintf("a%d@posta.example", i)), ""); err != nil {
					t.Fatal(err)
				}
			}
		}},
		"too many wait": {1000, 1000, func(q *Questions) {
			for i := range questionsWaiting {
				q.waiting <- whoAt("phone", fmt.Sprintf("+3933400%05d", i))
			}
		}},
		"no more contacts can be counted": {1000, 1000, func(q *Questions) {
			now := time.Now().Add(-23 * time.Hour)
			for i := range maxAllowed {
				q.contacts.take(fmt.Sprintf("phone %d", i), now)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := asks(row.perHour, row.texts)
				row.before(q)
				for range perContact + 1 {
					if err := q.Take(whoAt("phone", anna), ""); !errors.Is(err, ErrBusy) {
						t.Fatalf("refused with %v, want that too many come", err)
					}
				}
				time.Sleep(time.Hour + time.Minute)
				for len(q.waiting) > 0 {
					<-q.waiting
				}
				for range min(perContact, row.perHour, row.texts) {
					if err := q.Take(whoAt("phone", anna), ""); err != nil {
						t.Errorf("an hour later: %v", err)
					}
				}
				if n, want := q.Waiting(), min(perContact, row.perHour, row.texts); n != want {
					t.Errorf("an hour later %d questions wait, want %d: the refused ones used them up", n, want)
				}
			})
		})
	}
}

// Somebody who signs one contact up again and again takes nothing from the others.
func TestAContactThatIsAskedTooOftenTakesNothingFromOthers(t *testing.T) {
	q := asks(4, 4)
	for range 20 {
		if err := q.Take(whoAt("phone", "+393331234567"), ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Take(whoAt("phone", "+393331234568"), ""); err != nil {
		t.Errorf("another contact: %v", err)
	}
	if n := q.Waiting(); n != perContact+1 {
		t.Errorf("%d wait, want %d", n, perContact+1)
	}
}

// While no contact can be added to the table, those in it get the same answer:
// it must not tell who signed up today.
func TestAFullTableTellsNothingOfAContact(t *testing.T) {
	q := asks(1000, 1000)
	if err := q.Take(whoAt("phone", "+393331234567"), ""); err != nil {
		t.Fatal(err)
	}
	for i := range maxAllowed {
		q.contacts.take(fmt.Sprintf("phone %d", i), time.Now())
	}
	for _, phone := range []string{"+393331234567", "+393331234568"} {
		if err := q.Take(whoAt("phone", phone), ""); !errors.Is(err, ErrBusy) {
			t.Errorf("%s: %v", phone, err)
		}
	}
}

func TestTheLimitOfAContactCountsMailboxes(t *testing.T) {
	for name, row := range map[string]struct {
		addresses []string
		asked     int
	}{
		"tags are one mailbox":           {[]string{"anna@posta.example", "anna+1@posta.example", "anna+2@posta.example", "anna+3@posta.example", "anna+@posta.example"}, perContact},
		"as are capitals":                {[]string{"anna@posta.example", "Anna@posta.example", "ANNA@Posta.Example", "anna+X@POSTA.example"}, perContact},
		"and the dots of Gmail":          {[]string{"annarossi@gmail.com", "anna.rossi@gmail.com", "a.nnarossi@googlemail.com", "an.narossi+9@gmail.com"}, perContact},
		"dots elsewhere are other names": {[]string{"annarossi@posta.example", "anna.rossi@posta.example", "a.nnarossi@posta.example", "an.narossi@posta.example"}, 4},
		"a tag without a name is a name": {[]string{"+1@posta.example", "+2@posta.example", "+3@posta.example", "+4@posta.example"}, 4},
		"another house is another box":   {[]string{"anna@a.example", "anna@b.example", "anna@c.example", "anna@d.example"}, 4},
	} {
		q := asks(100, 100)
		for _, a := range row.addresses {
			if err := q.Take(whoAt("email", a), ""); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if n := q.Waiting(); n != row.asked {
			t.Errorf("%s: %d are asked, want %d", name, n, row.asked)
		}
		for _, typed := range row.addresses[:min(row.asked, len(q.waiting))] {
			if who := <-q.waiting; who.Contacts["email"] != typed {
				t.Errorf("%s: %q is asked, not as it was typed", name, who.Contacts["email"])
			}
		}
	}
}
