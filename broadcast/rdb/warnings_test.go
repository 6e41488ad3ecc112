package rdb

import (
	"errors"
	"slices"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
)

// official is a warning of another authority.
func official(change ...func(*alerts.Alert)) *broadcast.Warning {
	rec := broadcasttest.NewRecord(alerts.SeveritySevere)
	a := rec.Alert
	a.Sender, a.Infos[0].Headline = "bollettini@regione.example", "Temporali forti "+a.Identifier
	for _, f := range change {
		f(a)
	}
	return &broadcast.Warning{V: broadcast.WarningVersion, Key: broadcast.WarningKey(a), Feed: "regione", Alert: a, Received: time.Now().UTC().Truncate(time.Millisecond),
		Severity: alerts.SeveritySevere, Until: a.Expires().UTC(), State: broadcast.WarningOpen}
}

func actOf(w *broadcast.Warning, verb string) alerts.Act {
	return alerts.Act{V: 1, At: time.Now().UTC(), By: alerts.By{ID: "staff:1", Name: "Anna"}, Verb: verb, Alert: alerts.ID(w.Key), Event: alerts.ID(w.Key)}
}

func TestWarningsAreKeptOnceAndFollowed(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		ctx, s := t.Context(), r.Warnings()
		w := official()
		ring := &alerts.Ring{Who: alerts.CallDuty, Why: alerts.WhyWarning, Warning: w.Key, At: time.Now()}
		take := func(w *broadcast.Warning, ring *alerts.Ring, want bool) {
			t.Helper()
			if fresh, err := s.TakeWarning(ctx, w, actOf(w, "warning-received"), ring); err != nil || fresh != want {
				t.Fatalf("fresh %v, %v", fresh, err)
			}
		}
		take(w, ring, true)
		take(w, ring, false)
		renamed := official(func(a *alerts.Alert) { *a = *w.Alert.Clone(); a.Identifier, a.Sent = "other", a.Sent.Add(time.Minute) })
		take(renamed, nil, false) // the same text under a new name
		got, err := s.Warning(ctx, w.Key)
		if err != nil || got.Headline("it") != w.Headline("it") || got.State != broadcast.WarningOpen || !got.Until.Equal(w.Until) || !got.Stands(time.Now()) {
			t.Fatalf("%+v, %v", got, err)
		}
		if _, err := s.Warning(ctx, renamed.Key); !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("the renamed one: %v", err)
		}
		taken, err := r.TakeRing(ctx, time.Minute)
		if err != nil || taken.Warning != w.Key || taken.Who != alerts.CallDuty {
			t.Fatalf("ring %+v, %v", taken, err)
		}
		if keys, err := s.WarningsOf(ctx, w.Alert.Sender, w.Alert.Identifier); err != nil || !slices.Equal(keys, []string{w.Key}) {
			t.Errorf("of the name: %v, %v", keys, err)
		}

		for i, want := range []bool{true, false} {
			again := alerts.Ring{Who: alerts.CallDuty, Why: alerts.WhyWarningAgain, Warning: w.Key, At: time.Now()}
			if first, err := s.RingWarning(ctx, w.Key, "rung:again", again, actOf(w, "rung")); err != nil || first != want {
				t.Errorf("ring %d: %v, %v", i, first, err)
			}
		}
		act := actOf(w, "acknowledged")
		act.Reason = "we are on it"
		if err := s.AnswerWarning(ctx, w.Key, broadcast.WarningDrafted, act); err != nil {
			t.Fatal(err)
		}
		if err := s.AnswerWarning(ctx, w.Key, broadcast.WarningHandled, act); err != nil {
			t.Fatal(err)
		}
		if err := s.AnswerWarning(ctx, w.Key, broadcast.WarningForeign, act); !errors.Is(err, alerts.ErrStale) {
			t.Errorf("a second answer: %v", err)
		}
		if err := s.AnswerWarning(ctx, "NONE", broadcast.WarningForeign, act); !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("an answer to nothing: %v", err)
		}
		if first, err := s.RingWarning(ctx, w.Key, "rung:everyone", *ring, actOf(w, "rung")); first || err != nil {
			t.Errorf("rung after the answer: %v, %v", first, err)
		}
		if got, _ := s.Warning(ctx, w.Key); got.State != broadcast.WarningHandled || got.Answer == nil || got.Answer.Reason != act.Reason || got.Stands(time.Now()) {
			t.Errorf("answered %+v", got)
		}

		update := official(func(a *alerts.Alert) { a.MsgType = alerts.MsgUpdate })
		update.Follows = []string{w.Key}
		take(update, nil, true)
		cancel := official(func(a *alerts.Alert) { a.MsgType, a.Infos = alerts.MsgCancel, nil })
		cancel.Follows, cancel.Quiet = []string{w.Key, update.Key}, true
		take(cancel, nil, true)
		for _, key := range []string{w.Key, update.Key} {
			if got, _ := s.Warning(ctx, key); got.State != broadcast.WarningCancelled || got.Later != cancel.Key {
				t.Errorf("cancelled %+v", got)
			}
		}
		if all, err := s.LatestWarnings(ctx, time.Now().Add(-time.Hour), 10); err != nil || len(all) != 3 {
			t.Errorf("latest %v, %v", all, err)
		}
		acts, err := r.Store().Acts(ctx, alerts.ID(w.Key))
		if err != nil || len(acts) != 4 {
			t.Errorf("acts %v, %v", acts, err)
		}
	})
}

func TestAFeedIsReadByOneNodeAtATime(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		ctx, s := t.Context(), r.Warnings()
		for i, want := range []bool{true, false} {
			if mine, err := s.TakeTurn(ctx, "regione", 30*time.Millisecond); err != nil || mine != want {
				t.Errorf("turn %d: %v, %v", i, mine, err)
			}
		}
		if mine, err := s.TakeTurn(ctx, "other", time.Minute); err != nil || !mine {
			t.Errorf("another feed: %v, %v", mine, err)
		}
		pause(ctx, 60*time.Millisecond)
		if mine, err := s.TakeTurn(ctx, "regione", time.Millisecond); err != nil || !mine {
			t.Errorf("after its time: %v, %v", mine, err)
		}
		if err := s.HoldTurn(ctx, "regione", time.Minute); err != nil {
			t.Fatal(err)
		}
		pause(ctx, 20*time.Millisecond)
		if mine, err := s.TakeTurn(ctx, "regione", time.Minute); err != nil || mine {
			t.Errorf("while it rests: %v, %v", mine, err)
		}
		state := broadcast.FeedState{ETag: `"x"`, Read: time.Now().UTC().Truncate(time.Millisecond), Failures: 2}
		if got, err := s.FeedState(ctx, "regione"); err != nil || got != (broadcast.FeedState{}) {
			t.Errorf("new: %+v, %v", got, err)
		}
		if err := s.PutFeedState(ctx, "regione", state); err != nil {
			t.Fatal(err)
		}
		if got, err := s.FeedState(ctx, "regione"); err != nil || got != state {
			t.Errorf("got %+v, %v", got, err)
		}
		if err := s.MarkEntries(ctx, "regione", []string{"a", "b"}); err != nil {
			t.Fatal(err)
		}
		if seen, err := s.SeenEntries(ctx, "regione", []string{"c", "a"}); err != nil || !slices.Equal(seen, []bool{false, true}) {
			t.Errorf("seen %v, %v", seen, err)
		}
	})
}
