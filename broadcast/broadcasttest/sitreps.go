package broadcasttest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// TestSitreps is the contract of alerts.SitrepStore and broadcast.Photos, which
// n.Store implements as well.
func TestSitreps(t *testing.T, open Open) {
	for name, check := range map[string]func(*testing.T, *Node){
		"a report is stored once, with act and entry of the log": sitrepOnce,
		"of fifty who send the same one is written down":         fiftySitreps,
		"what is withdrawn stays, and its photo goes":            sitrepWithdrawn,
		"a correction takes the place of another, once":          sitrepCorrected,
		"another revision makes it stale":                        sitrepStale,
		"an event has at most two hundred":                       sitrepsBounded,
		"channels do not send it":                                sitrepNotSent,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

type sitrepStore interface {
	alerts.SitrepStore
	broadcast.Photos
}

func (n *Node) sitreps(t *testing.T) sitrepStore {
	t.Helper()
	s, ok := n.Store.(sitrepStore)
	if !ok {
		t.Fatal("the store does not keep situation reports")
	}
	return s
}

func sitrepOf(r *alerts.Record, photo []byte) *alerts.Sitrep {
	now := time.Now().UTC().Truncate(time.Millisecond)
	s := &alerts.Sitrep{V: 1, ID: NewID(now), Event: r.Event, Status: r.Alert.Status, Language: "it", Text: "Il torrente è a 20 cm dal ponte", Place: "Ponte di via Roma", Source: "Vigili del Fuoco",
		Observed: now.Truncate(time.Second), Author: alerts.By{ID: "key:1", Name: "Sala"}, Via: "api", Posted: now, Content: "c0ffee"}
	if photo != nil {
		sum := sha256.Sum256(photo)
		s.Photo = &alerts.Photo{Digest: alerts.Digest(hex.EncodeToString(sum[:])), Width: 4, Height: 3, Alt: "Il ponte", JPEG: photo}
	}
	return s
}

func (n *Node) report(t *testing.T, r *alerts.Record, s *alerts.Sitrep) (*alerts.Sitrep, bool, error) {
	t.Helper()
	return n.sitreps(t).AddSitrep(t.Context(), s, r.ID, NewAct(r, "reported"))
}

func (n *Node) verbs(t *testing.T, r *alerts.Record) map[string]int {
	t.Helper()
	acts, err := n.Store.Acts(t.Context(), r.Event)
	if err != nil {
		t.Fatal(err)
	}
	verbs := map[string]int{}
	for _, a := range acts {
		verbs[a.Verb]++
	}
	return verbs
}

func sitrepOnce(t *testing.T, n *Node) {
	r := n.issue(t, NewRecord(alerts.SeverityModerate, "sito"), nil)
	head, err := n.Log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := sitrepOf(r, []byte("a picture"))
	got, fresh, err := n.report(t, r, want)
	if err != nil || !fresh || got.Text != want.Text || got.Photo.Digest != want.Photo.Digest || got.Photo.JPEG != nil || !got.Observed.Equal(want.Observed) {
		t.Fatalf("%+v, %v, %v", got, fresh, err)
	}
	again := *want
	again.Text = "Altro"
	if got, fresh, err = n.report(t, r, &again); err != nil || fresh || got.Text != want.Text {
		t.Errorf("the same id again: %+v, %v, %v", got, fresh, err)
	}
	entries, err := n.Log.After(t.Context(), head, 10)
	if err != nil || len(entries) != 1 || entries[0].Sitrep == nil || entries[0].Sitrep.ID != want.ID || entries[0].Record.ID != r.ID || !entries[0].Cursor.Reached(head) {
		t.Fatalf("in the log: %+v, %v", entries, err)
	}
	next := n.issue(t, NewRecord(alerts.SeverityMinor, "sito"), nil)
	if entries, err = n.Log.After(t.Context(), entries[0].Cursor, 10); err != nil || len(entries) != 1 || entries[0].Sitrep != nil || entries[0].Record.ID != next.ID {
		t.Errorf("after it: %+v, %v", entries, err)
	}
	if v := n.verbs(t, r); v["reported"] != 1 {
		t.Errorf("acts: %v", v)
	}
	all, err := n.sitreps(t).Sitreps(t.Context(), r.Event)
	if err != nil || len(all) != 1 || all[0].ID != want.ID {
		t.Errorf("%+v, %v", all, err)
	}
	b, err := n.sitreps(t).Photo(t.Context(), want.Photo.Digest)
	if err != nil || !bytes.Equal(b, want.Photo.JPEG) {
		t.Errorf("the photo: %q, %v", b, err)
	}
	if _, err := n.sitreps(t).Photo(t.Context(), "none"); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("a photo that nobody sent: %v", err)
	}
	if events, err := n.sitreps(t).Reported(t.Context()); err != nil || len(events) != 1 || !events[r.Event] {
		t.Errorf("events with reports: %v, %v", events, err)
	}
	if none, err := n.sitreps(t).Sitreps(t.Context(), next.Event); err != nil || len(none) != 0 {
		t.Errorf("another event: %+v, %v", none, err)
	}
	stranger := sitrepOf(r, nil)
	stranger.Event = "none"
	if _, _, err := n.report(t, r, stranger); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("of no event: %v", err)
	}
	// A page that follows sees it, and what comes then.
	for e, err := range n.Log.Tail(t.Context(), head) {
		if err != nil || e.Sitrep == nil {
			t.Errorf("followed: %+v, %v", e, err)
		}
		break
	}
}

func fiftySitreps(t *testing.T, n *Node) {
	r := n.issue(t, NewRecord(alerts.SeverityModerate, "sito"), nil)
	want := sitrepOf(r, []byte("a picture"))
	var wg sync.WaitGroup
	var mu sync.Mutex
	written := 0
	for range 50 {
		wg.Go(func() {
			_, fresh, err := n.report(t, r, want)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if fresh {
				written++
			}
		})
	}
	wg.Wait()
	if v := n.verbs(t, r); written != 1 || v["reported"] != 1 {
		t.Errorf("written %d times, acts %v", written, v)
	}
}

func (n *Node) withdraw(t *testing.T, r *alerts.Record, id alerts.ID) (*alerts.Sitrep, bool, error) {
	t.Helper()
	return n.sitreps(t).WithdrawSitrep(t.Context(), r.Event, id, alerts.Withdrawal{By: alerts.By{ID: "key:2", Name: "Capo"}, At: time.Now().UTC(), Reason: "luogo sbagliato"}, NewAct(r, "report-withdrawn"))
}

func sitrepWithdrawn(t *testing.T, n *Node) {
	r := n.issue(t, NewRecord(alerts.SeverityModerate, "sito"), nil)
	first, second := sitrepOf(r, []byte("the same picture")), sitrepOf(r, []byte("the same picture"))
	for _, s := range []*alerts.Sitrep{first, second} {
		if _, _, err := n.report(t, r, s); err != nil {
			t.Fatal(err)
		}
	}
	head, _ := n.Log.Head(t.Context())
	got, fresh, err := n.withdraw(t, r, first.ID)
	if err != nil || !fresh || got.Withdrawn == nil || got.Withdrawn.Reason != "luogo sbagliato" || got.Withdrawn.By.ID != "key:2" {
		t.Fatalf("%+v, %v, %v", got, fresh, err)
	}
	if _, fresh, err = n.withdraw(t, r, first.ID); err != nil || fresh {
		t.Errorf("again: %v, %v", fresh, err)
	}
	if _, err := n.sitreps(t).Photo(t.Context(), first.Photo.Digest); err != nil {
		t.Errorf("the photo that another report shows: %v", err)
	}
	entries, err := n.Log.After(t.Context(), head, 10)
	if err != nil || len(entries) != 1 || entries[0].Sitrep == nil || entries[0].Sitrep.Withdrawn == nil {
		t.Errorf("in the log: %+v, %v", entries, err)
	}
	if _, _, err = n.withdraw(t, r, second.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := n.sitreps(t).Photo(t.Context(), first.Photo.Digest); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("the photo that no report shows any more: %v", err)
	}
	all, err := n.sitreps(t).Sitreps(t.Context(), r.Event)
	if err != nil || len(all) != 2 || all[0].Withdrawn == nil || all[0].ID != first.ID {
		t.Errorf("what stays: %+v, %v", all, err)
	}
	if v := n.verbs(t, r); v["report-withdrawn"] != 2 {
		t.Errorf("acts: %v", v)
	}
	if _, _, err = n.withdraw(t, r, "none"); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("of nothing: %v", err)
	}
}

func sitrepCorrected(t *testing.T, n *Node) {
	r := n.issue(t, NewRecord(alerts.SeverityModerate, "sito"), nil)
	first := sitrepOf(r, []byte("a picture"))
	if _, _, err := n.report(t, r, first); err != nil {
		t.Fatal(err)
	}
	second := sitrepOf(r, nil)
	second.Replaces, second.Text = first.ID, "Il torrente è a 40 cm dal ponte"
	kept := *first.Photo
	kept.JPEG = nil // it goes on with the picture that is there
	second.Photo = &kept
	if _, fresh, err := n.report(t, r, second); err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	all, err := n.sitreps(t).Sitreps(t.Context(), r.Event)
	if err != nil || len(all) != 2 || all[0].Withdrawn == nil || all[0].Withdrawn.Replaced != second.ID || all[1].Withdrawn != nil {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := n.sitreps(t).Photo(t.Context(), kept.Digest); err != nil {
		t.Errorf("the photo that it goes on with: %v", err)
	}
	third := sitrepOf(r, nil)
	third.Replaces = first.ID
	if _, _, err := n.report(t, r, third); !errors.Is(err, alerts.ErrConflict) {
		t.Errorf("in the place of what was replaced: %v", err)
	}
	lost := sitrepOf(r, []byte("never sent"))
	lost.Photo.JPEG = nil
	if _, _, err := n.report(t, r, lost); !errors.Is(err, alerts.ErrNotSendable) {
		t.Errorf("with a photo that is not there: %v", err)
	}
}

func sitrepStale(t *testing.T, n *Node) {
	r := n.issue(t, NewRecord(alerts.SeverityModerate, "sito"), nil)
	next := n.issue(t, Revise(r, alerts.ChangeCancelled), nil)
	if _, _, err := n.report(t, r, sitrepOf(r, nil)); !errors.Is(err, alerts.ErrStale) {
		t.Errorf("judged by what was cancelled: %v", err)
	}
	if all, err := n.sitreps(t).Sitreps(t.Context(), next.Event); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

func sitrepsBounded(t *testing.T, n *Node) {
	r := n.issue(t, NewRecord(alerts.SeverityModerate, "sito"), nil)
	for i := range alerts.SitrepsMost {
		s := sitrepOf(r, nil)
		s.ID = alerts.ID(fmt.Sprintf("%026d", alerts.SitrepsMost-i)) // the order is that in which they came
		if _, _, err := n.report(t, r, s); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := n.report(t, r, sitrepOf(r, nil)); !errors.Is(err, alerts.ErrNotSendable) {
		t.Errorf("one too many: %v", err)
	}
	all, err := n.sitreps(t).Sitreps(t.Context(), r.Event)
	if err != nil || len(all) != alerts.SitrepsMost {
		t.Fatalf("%d, %v", len(all), err)
	}
	for i, s := range all {
		if want := alerts.ID(fmt.Sprintf("%026d", alerts.SitrepsMost-i)); s.ID != want {
			t.Fatalf("number %d is %s, want %s", i, s.ID, want)
		}
	}
}

func sitrepNotSent(t *testing.T, n *Node) {
	q := n.queue(t, "sito")
	r := n.issue(t, NewRecord(alerts.SeverityModerate, "sito"), nil)
	if _, _, err := n.report(t, r, sitrepOf(r, nil)); err != nil {
		t.Fatal(err)
	}
	next := n.issue(t, NewRecord(alerts.SeverityMinor, "sito"), nil)
	var planned []alerts.ID
	for len(planned) < 2 {
		some, err := q.Entries(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range some {
			planned = append(planned, p.Record.ID)
			if p.Sitrep != nil {
				t.Errorf("a channel is to send what was seen: %+v", p.Sitrep)
			}
			if _, err := q.Plan(t.Context(), p, 0, nil, true); err != nil {
				t.Fatal(err)
			}
		}
	}
	if planned[0] != r.ID || planned[1] != next.ID {
		t.Errorf("planned %v", planned)
	}
}
