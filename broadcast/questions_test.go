package broadcast_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
)

// textLine is a channel that can write to one person.
type textLine struct {
	channels.Channel
	mu   sync.Mutex
	fail []error // one for each of the next texts
	said chan string
}

func (*textLine) Name() string        { return "sms" }
func (*textLine) AddressKind() string { return "phone" }
func (c *textLine) Answer(_ context.Context, to, text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.fail) > 0 {
		err := c.fail[0]
		c.fail = c.fail[1:]
		if err != nil {
			return err
		}
	}
	c.said <- to + " " + text
	return nil
}

func citizen(phone string) broadcast.Subscriber {
	who := anna
	who.Contacts = map[string]string{"phone": phone}
	return who
}

// The limits hold on a clock that the test moves.
func TestLimitsOfSignUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := broadcast.NewQuestions(broadcast.QuestionsConfig{PerHour: 50, TextsPerHour: 10, Log: zap.NewNop(), Routes: []broadcast.Route{{Channel: &textLine{}}}})
		if kinds := q.Kinds(); len(kinds) != 1 || kinds[0] != "phone" {
			t.Errorf("kinds %v", kinds)
		}
		// One contact: three a day; nobody is told of the fourth.
		for range 5 {
			if err := q.Take(citizen("+393331234567"), ""); err != nil {
				t.Fatal(err)
			}
		}
		if n := q.Waiting(); n != 3 {
			t.Errorf("%d questions to one contact, want 3", n)
		}
		// Text messages: ten an hour by all.
		for i := range 7 {
			if err := q.Take(citizen(fmt.Sprintf("+39333000000%d", i)), ""); err != nil {
				t.Fatal(err)
			}
		}
		if err := q.Take(citizen("+393339999999"), ""); !errors.Is(err, broadcast.ErrBusy) {
			t.Errorf("over the budget: %v", err)
		}
		time.Sleep(time.Hour)
		if err := q.Take(citizen("+393339999998"), ""); err != nil {
			t.Errorf("an hour later: %v", err)
		}
		time.Sleep(23 * time.Hour)
		before := q.Waiting()
		if err := q.Take(citizen("+393331234567"), ""); err != nil || q.Waiting() != before+1 {
			t.Errorf("a day later the contact is not asked: %v", err)
		}
		// One address of the network: twenty an hour.
		for i := range 20 {
			if !q.Admit("192.0.2.0/32") {
				t.Errorf("the %d. from one address is refused", i+1)
			}
		}
		if q.Admit("192.0.2.0/32") || !q.Admit("192.0.2.1/32") || !q.Admit("") {
			t.Error("the limit of an address does not hold, or holds for others")
		}
		// Digits: five tries an hour.
		for range 5 {
			if !q.Try("phone", "+393331234567") {
				t.Error("a try is refused")
			}
		}
		if q.Try("phone", "+393331234567") || !q.Try("phone", "+393331234568") {
			t.Error("tries of digits are not bounded for one contact")
		}
		time.Sleep(time.Hour)
		if !q.Try("phone", "+393331234567") {
			t.Error("an hour later no try is left")
		}
	})
}

func openQuestions(t *testing.T, c *textLine) (*broadcast.Questions, *broadcast.SignUps, *bytes.Buffer) {
	t.Helper()
	store, log, text := openStore(t)
	own := &broadcast.SignUps{Roll: store.People()}
	q := broadcast.NewQuestions(broadcast.QuestionsConfig{SignUps: own, Routes: []broadcast.Route{{Channel: c}}, PublicURL: "https://allerta.example", Authority: "Valdemo", Log: log})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = q.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return q, own, text
}

func TestWhoSignsUpIsAskedAtTheContact(t *testing.T) {
	c := &textLine{said: make(chan string, 9)}
	q, own, log := openQuestions(t, c)
	ask := func() string {
		t.Helper()
		if err := q.Take(citizen("+393331234567"), ""); err != nil {
			t.Fatal(err)
		}
		select {
		case said := <-c.said:
			return said
		case <-t.Context().Done():
			return ""
		}
	}
	first := ask()
	if !strings.HasPrefix(first, "+393331234567 Valdemo: ") || !strings.Contains(first, "https://allerta.example/s/") {
		t.Fatalf("asked %q", first)
	}
	digits := strings.Fields(first[strings.Index(first, "Code ")+5:])[0]
	if _, err := own.ConfirmDigits(t.Context(), "phone", "+393331234568", digits, time.Now()); !errors.Is(err, broadcast.ErrToken) {
		t.Errorf("the digits of another contact: %v", err)
	}
	for _, wrong := range []string{"", "000000x", digits + "0", string(digits[0]^1) + digits[1:]} {
		if _, err := own.ConfirmDigits(t.Context(), "phone", "+393331234567", wrong, time.Now()); !errors.Is(err, broadcast.ErrToken) {
			t.Errorf("%q confirms: %v", wrong, err)
		}
	}
	if _, err := own.ConfirmDigits(t.Context(), "phone", "+393331234567", digits, time.Now().Add(2*broadcast.CodeTime)); !errors.Is(err, broadcast.ErrToken) {
		t.Errorf("old digits: %v", err)
	}
	number, err := own.ConfirmDigits(t.Context(), "phone", "+393331234567", digits, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	// Nothing waits any more: digits are no way to the page of a subscriber.
	if again, err := own.ConfirmDigits(t.Context(), "phone", "+393331234567", digits, time.Now()); !errors.Is(err, broadcast.ErrToken) {
		t.Errorf("a second time: %d, %v", again, err)
	}
	// Who subscribes already is told so, with the way to the own page.
	again := ask()
	_, token, found := strings.Cut(again, "https://allerta.example/p/")
	if !found {
		t.Fatalf("asked again %q", again)
	}
	if m, kind, err := own.Own(t.Context(), strings.Fields(token)[0], time.Now()); err != nil || kind != "phone" || m.Number != number {
		t.Errorf("the own page: %v, %s, %v", m, kind, err)
	}
	if strings.Contains(log.String(), "3331234567") || strings.Contains(log.String(), digits) {
		t.Errorf("the log says %s", log)
	}
}

func TestAQuestionIsNotAskedTwiceInDoubt(t *testing.T) {
	c := &textLine{said: make(chan string, 9), fail: []error{channels.Uncertain(errors.New("the answer was lost"))}}
	q, _, _ := openQuestions(t, c)
	if err := q.Take(citizen("+393331234501"), ""); err != nil {
		t.Fatal(err)
	}
	if err := q.Take(citizen("+393331234502"), ""); err != nil {
		t.Fatal(err)
	}
	if said := <-c.said; !strings.HasPrefix(said, "+39333123450") {
		t.Errorf("said %q", said)
	}
	if len(c.said) != 0 {
		t.Errorf("more was said: %q", <-c.said)
	}
}

func TestTheLinkToTheOwnPage(t *testing.T) {
	store, _, _ := openStore(t)
	own := &broadcast.SignUps{Roll: store.People()}
	number, _, err := own.Roll.Add(t.Context(), anna)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	token := own.OwnToken(number, "phone", "+393331234567", now)
	if token != own.OwnToken(number, "phone", "+393331234567", now.Add(time.Second)) && now.Unix()/86400 == now.Add(time.Second).Unix()/86400 {
		t.Error("a repeated message has another link")
	}
	if _, kind, err := own.Own(t.Context(), token, now); err != nil || kind != "phone" {
		t.Fatalf("%s, %v", kind, err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		forged := bytes.Clone(raw)
		forged[i] ^= 1
		bad := base64.RawURLEncoding.EncodeToString(forged)
		if _, _, err := own.Own(t.Context(), bad, now); !errors.Is(err, broadcast.ErrToken) {
			t.Fatalf("with byte %d changed: %v", i, err)
		}
		if err := own.Leave(t.Context(), bad, now); !errors.Is(err, broadcast.ErrToken) {
			t.Fatalf("with byte %d changed it erases: %v", i, err)
		}
	}
	if _, _, err := own.Own(t.Context(), token, now.Add(broadcast.OwnPageTime+25*time.Hour)); !errors.Is(err, broadcast.ErrToken) {
		t.Errorf("an old one: %v", err)
	}
	choices := broadcast.Choices{Areas: []string{"099001"}, MinSeverity: alerts.SeveritySevere, Language: "sl"}
	for range 2 {
		if err := own.Choose(t.Context(), token, choices, now); err != nil {
			t.Fatal(err)
		}
	}
	if m, _, err := own.Own(t.Context(), token, now); err != nil || m.Areas[0] != "099001" || m.Language != "sl" || m.MinSeverity != alerts.SeveritySevere {
		t.Errorf("chosen %+v, %v", m, err)
	}
	if n, err := store.Store().ActCount(t.Context()); err != nil || n != 1 {
		t.Errorf("%d acts, %v: one change is one", n, err)
	}
	// A sign-up's token opens no page, and the page's confirms nothing.
	asked, err := own.Ask(t.Context(), citizen("+393331234599"), now)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := own.Own(t.Context(), asked.Token, now); !errors.Is(err, broadcast.ErrToken) {
		t.Errorf("the token of a sign-up opens the page: %v", err)
	}
	if _, err := own.Confirm(t.Context(), own.OwnToken(asked.Number, "phone", "+393331234599", now), now); !errors.Is(err, broadcast.ErrToken) {
		t.Errorf("the token of the page confirms: %v", err)
	}
	if err := own.Leave(t.Context(), token, now); err != nil {
		t.Fatal(err)
	}
	if err := own.Leave(t.Context(), token, now); !errors.Is(err, broadcast.ErrToken) {
		t.Errorf("who is erased is erased again: %v", err)
	}
	if next, _, err := own.Roll.Add(t.Context(), anna); err != nil || next == number {
		t.Errorf("the number is given again: %d, %v", next, err)
	}
	if _, _, err := own.Own(t.Context(), token, now); !errors.Is(err, broadcast.ErrToken) {
		t.Errorf("who signs up again after erasing is seen by an old link: %v", err)
	}
}

// Two who confirm at once are one change, and one who is erased meanwhile stays so.
func TestConfirmingAtOnce(t *testing.T) {
	store, _, _ := openStore(t)
	own := &broadcast.SignUps{Roll: store.People()}
	asked, err := own.Ask(t.Context(), anna, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := own.Confirm(t.Context(), asked.Token, time.Now()); err != nil {
				t.Errorf("confirmed at once: %v", err)
			}
		})
	}
	wg.Wait()
	if n, err := store.Store().ActCount(t.Context()); err != nil || n != 1 {
		t.Errorf("%d acts, %v", n, err)
	}
	for range 20 {
		other, err := own.Ask(t.Context(), citizen("+393331234511"), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { _, _ = own.Confirm(t.Context(), other.Token, time.Now()) }) // either comes first
		wg.Go(func() {
			if _, err := own.Roll.EraseAll(t.Context(), []uint32{other.Number}, nil, nil); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if _, err := own.Roll.Member(t.Context(), other.Number); !errors.Is(err, alerts.ErrNotFound) {
			t.Fatalf("who was erased is back: %v", err)
		}
	}
}

func TestABrowserEnrols(t *testing.T) {
	store, _, _ := openStore(t)
	own := &broadcast.SignUps{Roll: store.People()}
	who := anna
	who.Contacts = map[string]string{"push": "https://push.example/x#auth=a&p256dh=b"}
	first, err := own.Enrol(t.Context(), who, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	who.Areas = []string{"099001"}
	second, err := own.Enrol(t.Context(), who, time.Now())
	if err != nil || second != first {
		t.Fatalf("%d then %d, %v", first, second, err)
	}
	if m, err := own.Roll.Member(t.Context(), first); err != nil || m.Areas[0] != "099001" || m.Consent != broadcast.ConsentGiven {
		t.Errorf("%+v, %v", m, err)
	}
}
