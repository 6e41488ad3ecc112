package broadcast_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/rdb"
	"martinella/channels"
)

// Operators are told of what went out by mail and in a chat, with who said yes,
// what, where, when and the link; staff is not.
func TestOperatorsAreTold(t *testing.T) {
	bubble(t, func(t *testing.T, shared *rdb.Shared) {
		mail := &telephone{phoneBook: phoneBook{name: "mail"}, kind: "email"}
		crew := office{colleague("anna", true, map[string]string{"email": "anna@x.example"}, alerts.VerbApprove)}
		s := newSwitchboard(t, shared, crew, broadcast.Route{Channel: mail, Exercise: true})
		defer s.store.Close()
		var mu sync.Mutex
		var chat []string
		refusals := []error{channels.RetryAfter(context.DeadlineExceeded, time.Second)}
		config := s.RingsConfig
		config.Log = zap.NewNop()
		config.Operators = []broadcast.Operator{
			{Name: "CED", Language: "it", Email: "ced@x.example"},
			{Name: "chat", Language: "en", Hook: func(_ context.Context, subject, text string) error {
				mu.Lock()
				defer mu.Unlock()
				if len(refusals) > 0 {
					refusals = refusals[1:]
					return channels.RetryAfter(context.DeadlineExceeded, time.Second)
				}
				chat = append(chat, subject+": "+text)
				return nil
			}},
		}
		s.Rings = broadcast.NewRings(config, prometheus.NewRegistry())
		if kinds := s.Kinds(); !slices.Equal(kinds, []string{"email"}) {
			t.Errorf("staff is asked for %v, want e-mail alone", kinds)
		}
		var rec *alerts.Record
		s.run(t, func() {
			rec = s.ring(t, alerts.CallOperators, alerts.WhySent, func(r *alerts.Record) {
				r.Approver, r.Published = alerts.By{ID: "b", Name: "Berta Blu"}, time.Date(2026, 11, 22, 21, 40, 0, 0, time.UTC)
			})
			time.Sleep(time.Minute)
		})
		if heard := mail.heard(); len(heard) != 1 || !strings.HasPrefix(heard[0], "ced@x.example: ") {
			t.Fatalf("mails %q, want one to the operator", heard)
		}
		if len(chat) != 1 {
			t.Fatalf("the chat heard %q, want one notice", chat)
		}
		in := rec.Info("it", "")
		for _, text := range []string{mail.heard()[0], chat[0]} {
			for _, want := range []string{in.Headline, in.Areas[0].Description, "Berta Blu", "21:40", "https://allerta.example/console/a/" + string(rec.ID)} {
				if !strings.Contains(text, want) {
					t.Errorf("%q does not say %q", text, want)
				}
			}
		}
		if !strings.HasPrefix(chat[0], "Valdemo: an alert was sent: Sent: ") {
			t.Errorf("the chat heard %q", chat[0])
		}
		if r := s.of(t, rec); !r.Done || r.Widened || len(r.Legs) != 2 {
			t.Errorf("got %+v", r)
		}
	})
}

// Where no operator can be reached, nobody of the staff is woken in their place.
func TestOperatorsAreNotReplacedByStaff(t *testing.T) {
	bubble(t, func(t *testing.T, shared *rdb.Shared) {
		sms := &telephone{phoneBook: phoneBook{name: "sms"}, kind: "phone"}
		s := newSwitchboard(t, shared, office{colleague("anna", true, map[string]string{"phone": "+391"}, alerts.VerbApprove)}, broadcast.Route{Channel: sms})
		defer s.store.Close()
		config := s.RingsConfig
		config.Operators = []broadcast.Operator{{Name: "CED", Email: "ced@x.example"}}
		s.Rings = broadcast.NewRings(config, prometheus.NewRegistry())
		var rec *alerts.Record
		s.run(t, func() {
			rec = s.ring(t, alerts.CallOperators, alerts.WhySent)
			time.Sleep(time.Minute)
		})
		if heard := sms.heard(); len(heard) != 0 {
			t.Errorf("staff heard %q", heard)
		}
		if r := s.of(t, rec); !r.Done || len(r.Legs) != 1 || r.Legs[0].Reason != broadcast.NoContact {
			t.Errorf("got %+v", r)
		}
	})
}
