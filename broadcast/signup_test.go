package broadcast_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/rdb"
	"martinella/channels"
)

// openStore opens a store that keeps nothing and writes its log to a buffer.
func openStore(t *testing.T) (*rdb.Redis, *zap.Logger, *bytes.Buffer) {
	t.Helper()
	var text bytes.Buffer
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.Lock(zapcore.AddSync(&text)), zapcore.DebugLevel))
	store, err := rdb.Open(t.Context(), rdb.Config{Redis: rdb.Memory, Authority: "valdemo"}, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store, log, &text
}

var anna = broadcast.Subscriber{Contacts: map[string]string{"phone": "+393331234567"}, Language: "de", Areas: []string{"*"}, Audience: "citizens", Purpose: "emergency"}

func address(t *testing.T, roll broadcast.Roll, number uint32) string {
	t.Helper()
	got, err := roll.Contacts(t.Context(), "phone", []uint32{number})
	if err != nil {
		t.Fatal(err)
	}
	return got[0]
}

func TestASignUpIsNothingUntilConfirmed(t *testing.T) {
	store, _, _ := openStore(t)
	roll := store.People()
	s := broadcast.SignUps{Roll: roll}
	now := time.Now()
	asked, err := s.Ask(t.Context(), anna, now)
	if err != nil || asked.Number == 0 || len(asked.Token) != 32 {
		t.Fatalf("asked %+v, %v", asked, err)
	}
	if got := address(t, roll, asked.Number); got != "" {
		t.Errorf("who has not confirmed is written to at %s", got)
	}
	raw, err := base64.RawURLEncoding.DecodeString(asked.Token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		for _, bit := range []byte{1, 0x80} {
			forged := bytes.Clone(raw)
			forged[i] ^= bit
			if _, err := s.Confirm(t.Context(), base64.RawURLEncoding.EncodeToString(forged), now); !errors.Is(err, broadcast.ErrToken) {
				t.Fatalf("with byte %d changed: %v", i, err)
			}
		}
	}
	for name, token := range map[string]string{"nothing": "", "half": asked.Token[:16], "too much": asked.Token + "AAAA", "not base64": strings.Repeat("?", 32)} {
		if _, err := s.Confirm(t.Context(), token, now); !errors.Is(err, broadcast.ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Confirm(t.Context(), asked.Token, now.Add(broadcast.SignUpTime+time.Minute)); !errors.Is(err, broadcast.ErrToken) {
		t.Errorf("too late: %v", err)
	}
	for range 2 { // a second time changes nothing
		if number, err := s.Confirm(t.Context(), asked.Token, now.Add(time.Hour)); err != nil || number != asked.Number {
			t.Errorf("confirmed %d, %v", number, err)
		}
	}
	if got := address(t, roll, asked.Number); got != "+393331234567" {
		t.Errorf("confirmed, and written to at %q", got)
	}
	if n, err := store.Store().ActCount(t.Context()); err != nil || n != 1 {
		t.Errorf("%d acts, %v", n, err)
	}
}

func TestASignUpDoesNotChangeAnybodyElse(t *testing.T) {
	store, _, _ := openStore(t)
	roll := store.People()
	s := broadcast.SignUps{Roll: roll}
	now := time.Now()
	first, err := s.Ask(t.Context(), anna, now)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := anna
	elsewhere.Areas = []string{"001001"}
	second, err := s.Ask(t.Context(), elsewhere, now)
	if err != nil || second.Number != first.Number {
		t.Fatalf("asked again %+v, %v", second, err)
	}
	if _, err := s.Confirm(t.Context(), first.Token, now); !errors.Is(err, broadcast.ErrToken) {
		t.Errorf("the first token confirms what somebody else asked for: %v", err)
	}
	if _, err := s.Confirm(t.Context(), second.Token, now); err != nil {
		t.Error(err)
	}
	stranger, err := s.Ask(t.Context(), anna, now)
	if err != nil || stranger.Token != "" {
		t.Errorf("a stranger signs up who is in: %+v, %v", stranger, err)
	}
	if m, err := roll.Member(t.Context(), first.Number); err != nil || m.Areas[0] != "001001" || m.Consent != broadcast.ConsentGiven {
		t.Errorf("the person is now %+v, %v", m, err)
	}
	two := anna
	two.Contacts = map[string]string{"phone": "+393331234567", "email": "a@example.org"}
	if _, err := s.Ask(t.Context(), two, now); err == nil {
		t.Error("two contacts were to be confirmed by one token")
	}
}

func TestSignUpsThatNobodyConfirmedAreErased(t *testing.T) {
	store, _, _ := openStore(t)
	roll := store.People()
	s := broadcast.SignUps{Roll: roll}
	now := time.Now()
	ask := func(phone string, at time.Time) broadcast.Asked {
		t.Helper()
		who := anna
		who.Contacts = map[string]string{"phone": phone}
		asked, err := s.Ask(t.Context(), who, at)
		if err != nil {
			t.Fatal(err)
		}
		return asked
	}
	old, confirmed, fresh := ask("+393331234501", now), ask("+393331234502", now), ask("+393331234503", now.Add(6*24*time.Hour))
	if _, err := s.Confirm(t.Context(), confirmed.Token, now); err != nil {
		t.Fatal(err)
	}
	list, _, err := roll.Add(t.Context(), broadcast.Subscriber{Contacts: map[string]string{"phone": "+393331234504"}, Language: "it", Areas: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Sweep(t.Context(), now.Add(broadcast.SignUpTime-time.Hour)); err != nil || n != 0 {
		t.Errorf("erased %d too early, %v", n, err)
	}
	if n, err := s.Sweep(t.Context(), now.Add(broadcast.SignUpTime+time.Hour)); err != nil || n != 1 {
		t.Errorf("erased %d, %v, want one", n, err)
	}
	for number, want := range map[uint32]error{old.Number: alerts.ErrNotFound, confirmed.Number: nil, fresh.Number: nil, list: nil} {
		if _, err := roll.Member(t.Context(), number); !errors.Is(err, want) {
			t.Errorf("person %d: %v, want %v", number, err, want)
		}
	}
}

// TestStopIsHonoured brings replies through the sink, as platforms do.
func TestStopIsHonoured(t *testing.T) {
	store, log, text := openStore(t)
	roll := store.People()
	number, _, err := roll.Add(t.Context(), anna)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	sink := &broadcast.Sink{
		Queues: broadcast.NewQueues(store), Metrics: broadcast.NewMetrics(prometheus.NewRegistry(), []string{"sms"}), Log: log,
		Roll: roll, Kinds: map[string]string{"sms": "phone"},
		Answer: func(_ context.Context, channel, to, text string) { said = append(said, channel+" "+to+" "+text) },
	}
	reply := func(from, text string) error {
		return sink.Reply(t.Context(), "sms", channels.Reply{From: from, Text: text})
	}
	for _, step := range []struct {
		from, text, address, says string
	}{
		{"393331234567", "Stop.", "", "START"},
		{"+393331234567", "ABBESTELLEN", "", "START"}, // again changes nothing, and is answered
		{"+393331234567", "start", "+393331234567", "STOP antworten"},
		{"00393331234567", "Cancella grazie", "", "112"},
		{"+393331234567", "Start", "+393331234567", "STOP antworten"},
	} {
		said = nil
		if err := reply(step.from, step.text); err != nil {
			t.Fatal(err)
		}
		if got := address(t, roll, number); got != step.address {
			t.Errorf("after %q the address is %q, want %q", step.text, got, step.address)
		}
		if len(said) != 1 || !strings.Contains(said[0], step.says) || !strings.HasPrefix(said[0], "sms +393331234567 ") {
			t.Errorf("after %q it says %q", step.text, said)
		}
	}
	if n, err := store.Store().ActCount(t.Context()); err != nil || n != 4 {
		t.Errorf("%d acts, %v, want one for each change", n, err)
	}
	if err := reply("+393339999999", "STOP"); err != nil {
		t.Errorf("somebody who is not a subscriber: %v", err)
	}
	if err := reply("+393331234567", "quando finisce?"); err != nil {
		t.Errorf("another reply, which nobody takes: %v", err)
	}
	sink.Replies = func(context.Context, string, channels.Reply) error { return nil }
	if err := reply("+393331234567", "quando finisce?"); err != nil {
		t.Errorf("another reply, which somebody takes: %v", err)
	}
	if strings.Contains(text.String(), "3331234567") || !strings.Contains(text.String(), "wish was carried out") {
		t.Errorf("the log says %s", text)
	}
}

// TestWhoStoppedIsWelcomeAgain signs up anew after a STOP.
func TestWhoStoppedIsWelcomeAgain(t *testing.T) {
	store, _, _ := openStore(t)
	roll := store.People()
	number, _, err := roll.Add(t.Context(), anna)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	stop := func(at time.Time) {
		t.Helper()
		if done, err := broadcast.Fulfil(t.Context(), roll, broadcast.WishStop, "phone", "+393331234567", "sms", at); err != nil || !done.Changed || done.Number != number || done.Language != "de" {
			t.Fatalf("stopped %+v, %v", done, err)
		}
	}
	stop(now)
	s := broadcast.SignUps{Roll: roll}
	asked, err := s.Ask(t.Context(), anna, now)
	if err != nil || asked.Token == "" || address(t, roll, number) != "" {
		t.Fatalf("asked %+v, %v", asked, err)
	}
	if _, err := s.Confirm(t.Context(), asked.Token, now); err != nil || address(t, roll, number) == "" {
		t.Errorf("confirmed, %v", err)
	}
	stop(now.Add(time.Hour))
	if _, err := s.Confirm(t.Context(), asked.Token, now); !errors.Is(err, broadcast.ErrToken) || address(t, roll, number) != "" {
		t.Errorf("an old link took a later STOP back: %v", err)
	}
	if _, err := broadcast.Fulfil(t.Context(), roll, broadcast.WishStop, "phone", "+393330000000", "sms", now); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("nobody stopped: %v", err)
	}
}
