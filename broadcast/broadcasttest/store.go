package broadcasttest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
)

// TestStore is the contract of alerts.Store and broadcast.Publisher.
func TestStore(t *testing.T, open Open) {
	for name, check := range map[string]func(*testing.T, *Node){
		"what is taken comes back whole":                               takenWhole,
		"a hundred equal intakes at once are one record":               hundredIntakes,
		"the same identifier gives the stored record, not the new one": sameIdentifier,
		"another sender may use the same identifier":                   otherSender,
		"nothing is found that was not stored":                         notFound,
		"publishing issues the record and heads its event":             publishHeads,
		"only one of two who publish at once wins":                     publishRace,
		"publishing what changed meanwhile is refused":                 publishStale,
		"a change closes the revision before it":                       changeCloses,
		"a second change of the same revision is refused":              secondChange,
		"an id stands for the revision that is asked for":              latest,
		"a move needs the state that was seen":                         moveCompares,
		"a published record changes in nothing but its state":          moveKeepsIssued,
		"all come newest first, filtered":                              allFiltered,
		"acts have numbers without a gap":                              actsGapless,
		"a note is written once for each name":                         notedOnce,
		"what is to be looked after is found":                          watchedFound,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

func notedOnce(t *testing.T, n *Node) {
	r := n.take(t, NewRecord(alerts.SeveritySevere, "sito"))
	var wg sync.WaitGroup
	var mu sync.Mutex
	first := map[string]int{}
	for i := range 40 {
		name := []string{"opened:a", "opened:b"}[i%2]
		wg.Go(func() {
			wrote, err := n.Store.Note(t.Context(), r.Event, name, NewAct(r, "opened"))
			if err != nil {
				t.Error(err)
			}
			if wrote {
				mu.Lock()
				defer mu.Unlock()
				first[name]++
			}
		})
	}
	wg.Wait()
	if first["opened:a"] != 1 || first["opened:b"] != 1 {
		t.Errorf("written by %v, want one of each", first)
	}
	acts, err := n.Store.Acts(t.Context(), r.Event)
	if err != nil || len(acts) != 3 {
		t.Errorf("%d acts, %v, want submitted and two notes", len(acts), err)
	}
	if _, err := n.Store.Note(t.Context(), NewID(time.Now()), "opened:a", NewAct(r, "opened")); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("a note of nothing: %v", err)
	}
	if got, err := n.Store.Get(t.Context(), r.ID, alerts.Newest); err != nil || !equal(t, got, r) {
		t.Errorf("a note has changed the record: %v, %v", got, err)
	}
}

func watchedFound(t *testing.T, n *Node) {
	began := time.Now().Add(-time.Second)
	due := NewRecord(alerts.SeverityMinor, "sito")
	due.ReviewDue = began.Add(time.Hour).UTC()
	drill := NewRecord(alerts.SeverityExtreme, "sito")
	drill.Alert.Status = alerts.StatusExercise
	var want []alerts.ID
	for _, r := range []*alerts.Record{NewRecord(alerts.SeveritySevere, "sito"), NewRecord(alerts.SeverityMinor, "sito"), due, drill, NewRecord(alerts.SeverityExtreme, "sito")} {
		if r != drill {
			r.Alert.Status = alerts.StatusActual
		}
		n.issue(t, r, nil)
		if r.Watched() {
			want = append(want, r.ID)
		}
	}
	n.take(t, NewRecord(alerts.SeverityExtreme, "sito"))
	all, err := n.Store.Watched(t.Context(), began)
	if err != nil {
		t.Fatal(err)
	}
	var got []alerts.ID
	for _, r := range all {
		got = append(got, r.ID)
	}
	slices.Sort(got)
	slices.Sort(want)
	if len(want) != 3 || !slices.Equal(got, want) {
		t.Errorf("watched %v, want %v", got, want)
	}
	if all, err = n.Store.Watched(t.Context(), time.Now().Add(time.Hour)); err != nil || len(all) != 0 {
		t.Errorf("in an hour %d, %v", len(all), err)
	}
}

func takenWhole(t *testing.T, n *Node) {
	r := NewRecord(alerts.SeveritySevere, "sito")
	r.Warnings = alerts.Problems{{Field: "code", Problem: "is odd", Hint: "look", Level: alerts.LevelWarning}}
	n.take(t, r)
	got, err := n.Store.Get(t.Context(), r.ID, alerts.Exactly)
	if err != nil {
		t.Fatal(err)
	}
	if !equal(t, got, r) {
		t.Errorf("got %s\nwant %s", text(t, got), text(t, r))
	}
	found, err := n.Store.Find(t.Context(), r.Alert.Sender, r.Alert.Identifier)
	if err != nil || found.ID != r.ID {
		t.Errorf("find gave %v, %v", found, err)
	}
	raw, err := n.Store.Raw(t.Context(), r.ID)
	if err != nil || string(raw) != "<alert/>" {
		t.Errorf("raw is %q, %v", raw, err)
	}
}

func hundredIntakes(t *testing.T, n *Node) {
	first := NewRecord(alerts.SeverityMinor, "sito")
	var wg sync.WaitGroup
	var mu sync.Mutex
	fresh, ids := 0, map[alerts.ID]bool{}
	for range 100 {
		wg.Go(func() {
			r := first.Clone()
			r.ID = NewID(time.Now())
			r.Event = r.ID
			stored, new, err := n.Store.Intake(t.Context(), r, nil, NewAct(r, "submitted"))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			ids[stored.ID] = true
			if new {
				fresh++
			}
		})
	}
	wg.Wait()
	if fresh != 1 || len(ids) != 1 {
		t.Errorf("%d intakes were fresh and %d ids were given, want 1 and 1", fresh, len(ids))
	}
	if all := n.all(t, alerts.Filter{}); len(all) != 1 {
		t.Errorf("%d records are stored, want 1", len(all))
	}
}

func sameIdentifier(t *testing.T, n *Node) {
	first := n.take(t, NewRecord(alerts.SeverityMinor, "sito"))
	other := NewRecord(alerts.SeverityExtreme, "sito")
	other.Alert.Identifier = first.Alert.Identifier
	stored, fresh, err := n.Store.Intake(t.Context(), other, nil, NewAct(other, "submitted"))
	if err != nil || fresh {
		t.Fatalf("fresh %v, error %v", fresh, err)
	}
	if stored.ID != first.ID || stored.Content != first.Content {
		t.Errorf("got %s with content %s, want the first one, so that the caller sees the conflict", stored.ID, stored.Content)
	}
	if _, err := n.Store.Get(t.Context(), other.ID, alerts.Exactly); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("the other record is there: %v", err)
	}
	if acts, err := n.Store.Acts(t.Context(), first.Event); err != nil || len(acts) != 1 {
		t.Errorf("%d acts, %v, want the first one only", len(acts), err)
	}
}

func otherSender(t *testing.T, n *Node) {
	first := n.take(t, NewRecord(alerts.SeverityMinor, "sito"))
	other := NewRecord(alerts.SeverityMinor, "sito")
	other.Alert.Identifier, other.Alert.Sender = first.Alert.Identifier, "regione@example"
	n.take(t, other)
	// The border between the two must not move.
	third := NewRecord(alerts.SeverityMinor, "sito")
	third.Alert.Sender, third.Alert.Identifier = "regione@example"+first.Alert.Identifier[:1], first.Alert.Identifier[1:]
	n.take(t, third)
}

func notFound(t *testing.T, n *Node) {
	ctx, id := t.Context(), NewID(time.Now())
	_, err1 := n.Store.Get(ctx, id, alerts.Newest)
	_, err2 := n.Store.Find(ctx, "a", "b")
	_, err3 := n.Store.Raw(ctx, id)
	r := NewRecord(alerts.SeverityMinor)
	err4 := n.Store.Move(ctx, r, r, NewAct(r, "returned"))
	err5 := n.Publisher.Publish(ctx, PublicationOf(r, nil))
	for i, err := range []error{err1, err2, err3, err4, err5} {
		if !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("call %d gave %v, want alerts.ErrNotFound", i+1, err)
		}
	}
	acts, err := n.Store.Acts(ctx, id)
	if err != nil || len(acts) != 0 {
		t.Errorf("acts of nothing: %v, %v", acts, err)
	}
}

func publishHeads(t *testing.T, n *Node) {
	r := n.issue(t, NewRecord(alerts.SeveritySevere, "sito"), nil)
	if r.Cursor == "" || r.State != alerts.StateIssued {
		t.Errorf("publish left cursor %q and state %s in the record", r.Cursor, r.State)
	}
	got, err := n.Store.Get(t.Context(), r.Event, alerts.Published)
	if err != nil {
		t.Fatal(err)
	}
	if !equal(t, got, r) {
		t.Errorf("got %s\nwant %s", text(t, got), text(t, r))
	}
}

func publishRace(t *testing.T, n *Node) {
	r := n.take(t, NewRecord(alerts.SeveritySevere, "sito"))
	const approvers = 8
	var wg sync.WaitGroup
	errs := make([]error, approvers)
	for i := range approvers {
		wg.Go(func() { errs[i] = n.Publisher.Publish(t.Context(), PublicationOf(r, nil)) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, alerts.ErrStale):
			t.Errorf("the loser got %v, want alerts.ErrStale", err)
		}
	}
	if won != 1 {
		t.Errorf("%d published, want 1", won)
	}
	if entries, err := n.Log.After(t.Context(), "", 10); err != nil || len(entries) != 1 {
		t.Errorf("%d log entries, %v, want 1", len(entries), err)
	}
	if acts, err := n.Store.Acts(t.Context(), r.Event); err != nil || len(acts) != 2 {
		t.Errorf("%d acts, %v, want submitted and issued", len(acts), err)
	}
}

func publishStale(t *testing.T, n *Node) {
	for name, change := range map[string]func(*alerts.Record){
		"content":  func(r *alerts.Record) { r.Content = "other" },
		"approved": func(r *alerts.Record) { r.Approved = "other" },
	} {
		r := n.take(t, NewRecord(alerts.SeverityMinor, "sito"))
		change(r)
		if err := n.Publisher.Publish(t.Context(), PublicationOf(r, nil)); !errors.Is(err, alerts.ErrStale) {
			t.Errorf("another %s digest: %v, want alerts.ErrStale", name, err)
		}
	}
	r := n.take(t, NewRecord(alerts.SeverityMinor, "sito"))
	returned := r.Clone()
	returned.State = alerts.StateReturned
	if err := n.Store.Move(t.Context(), r, returned, NewAct(r, "returned")); err != nil {
		t.Fatal(err)
	}
	if err := n.Publisher.Publish(t.Context(), PublicationOf(r, nil)); !errors.Is(err, alerts.ErrStale) {
		t.Errorf("a returned record: %v, want alerts.ErrStale", err)
	}
	if entries, err := n.Log.After(t.Context(), "", 10); err != nil || len(entries) != 0 {
		t.Errorf("%d log entries, %v, want none", len(entries), err)
	}
}

func changeCloses(t *testing.T, n *Node) {
	for change, want := range map[alerts.Change]alerts.State{
		alerts.ChangeUpdated: alerts.StateSuperseded, alerts.ChangeCancelled: alerts.StateCancelled, alerts.ChangeEnded: alerts.StateEnded,
	} {
		first := n.issue(t, NewRecord(alerts.SeveritySevere, "sito"), nil)
		second := n.issue(t, Revise(first, change), nil)
		got, err := n.Store.Get(t.Context(), first.ID, alerts.Exactly)
		if err != nil || got.State != want || got.Closed != second.ID {
			t.Errorf("%s: the earlier revision is %s, closed by %s (%v), want %s by %s", change, got.State, got.Closed, err, want, second.ID)
		}
	}
}

func secondChange(t *testing.T, n *Node) {
	first := n.issue(t, NewRecord(alerts.SeveritySevere, "sito"), nil)
	one, two := n.take(t, Revise(first, alerts.ChangeUpdated)), n.take(t, Revise(first, alerts.ChangeCancelled))
	if err := n.Publisher.Publish(t.Context(), PublicationOf(one, nil)); err != nil {
		t.Fatal(err)
	}
	if err := n.Publisher.Publish(t.Context(), PublicationOf(two, nil)); !errors.Is(err, alerts.ErrStale) {
		t.Errorf("got %v, want alerts.ErrStale", err)
	}
	// A first revision cannot be published twice over an event either.
	fresh := n.take(t, NewRecord(alerts.SeverityMinor, "sito"))
	fresh.Event = first.Event
	if err := n.Publisher.Publish(t.Context(), PublicationOf(fresh, nil)); !errors.Is(err, alerts.ErrStale) {
		t.Errorf("over the head of another event: %v, want alerts.ErrStale", err)
	}
}

func latest(t *testing.T, n *Node) {
	first := n.issue(t, NewRecord(alerts.SeveritySevere, "sito"), nil)
	waiting := n.take(t, Revise(first, alerts.ChangeUpdated))
	is := func(id alerts.ID, which alerts.Latest, want alerts.ID) {
		t.Helper()
		got, err := n.Store.Get(t.Context(), id, which)
		if err != nil || got.ID != want {
			t.Errorf("got %v, %v, want %s", got, err, want)
		}
	}
	is(first.ID, alerts.Exactly, first.ID)
	is(first.Event, alerts.Published, first.ID)
	is(first.Event, alerts.Newest, waiting.ID)
	is(waiting.ID, alerts.Exactly, waiting.ID)
	is(waiting.ID, alerts.Published, first.ID)

	rejected := waiting.Clone()
	rejected.State = alerts.StateRejected
	if err := n.Store.Move(t.Context(), waiting, rejected, NewAct(waiting, "rejected")); err != nil {
		t.Fatal(err)
	}
	is(first.Event, alerts.Newest, first.ID)

	second := n.issue(t, Revise(first, alerts.ChangeUpdated), nil)
	is(first.ID, alerts.Exactly, first.ID)
	is(first.ID, alerts.Published, second.ID)
	is(first.ID, alerts.Newest, second.ID)

	alone := n.take(t, NewRecord(alerts.SeverityMinor, "sito"))
	is(alone.ID, alerts.Published, alone.ID)
	is(alone.ID, alerts.Newest, alone.ID)
}

func moveCompares(t *testing.T, n *Node) {
	r := n.take(t, NewRecord(alerts.SeverityMinor, "sito"))
	next := r.Clone()
	next.Approved, next.Warnings = "fresh", alerts.Problems{{Field: "x", Problem: "is new", Level: alerts.LevelWarning}}
	if err := n.Store.Move(t.Context(), r, next, NewAct(r, "rendered")); err != nil {
		t.Fatal(err)
	}
	got, err := n.Store.Get(t.Context(), r.ID, alerts.Exactly)
	if err != nil || got.Approved != "fresh" || len(got.Warnings) != 1 || got.State != alerts.StateSubmitted {
		t.Errorf("got %s, %v", text(t, got), err)
	}
	rejected := r.Clone()
	rejected.State = alerts.StateRejected
	if err := n.Store.Move(t.Context(), r, rejected, NewAct(r, "rejected")); !errors.Is(err, alerts.ErrStale) {
		t.Errorf("with the old digest: %v, want alerts.ErrStale", err)
	}
	rejected.Approved = got.Approved
	if err := n.Store.Move(t.Context(), got, rejected, NewAct(got, "rejected")); err != nil {
		t.Error(err)
	}
	if err := n.Store.Move(t.Context(), got, rejected, NewAct(got, "rejected")); !errors.Is(err, alerts.ErrStale) {
		t.Errorf("from the old state: %v, want alerts.ErrStale", err)
	}
}

func moveKeepsIssued(t *testing.T, n *Node) {
	r := n.issue(t, NewRecord(alerts.SeverityMinor, "sito"), nil)
	lapsed := r.Clone()
	lapsed.State, lapsed.Approved, lapsed.Alert.Infos[0].Headline = alerts.StateLapsed, "forged", "forged"
	if err := n.Store.Move(t.Context(), r, lapsed, NewAct(r, "lapsed")); err != nil {
		t.Fatal(err)
	}
	got, err := n.Store.Get(t.Context(), r.ID, alerts.Exactly)
	if err != nil {
		t.Fatal(err)
	}
	want := r.Clone()
	want.State = alerts.StateLapsed
	if !equal(t, got, want) {
		t.Errorf("got %s\nwant %s", text(t, got), text(t, want))
	}
}

func allFiltered(t *testing.T, n *Node) {
	var ids []alerts.ID
	for i := range 450 { // more than a page
		r := NewRecord(alerts.SeverityMinor, "sito")
		r.Received = time.UnixMilli(int64(1_000_000 * i)).UTC()
		if _, _, err := n.Store.Intake(t.Context(), r, nil, NewAct(r, "submitted")); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
		if i == 7 {
			if err := n.Publisher.Publish(t.Context(), PublicationOf(r, nil)); err != nil {
				t.Fatal(err)
			}
		}
	}
	slices.Reverse(ids)
	var got []alerts.ID
	for _, r := range n.all(t, alerts.Filter{}) {
		got = append(got, r.ID)
	}
	if !slices.Equal(got, ids) {
		t.Errorf("%d records came, not the %d newest first", len(got), len(ids))
	}
	if issued := n.all(t, alerts.Filter{States: []alerts.State{alerts.StateIssued}}); len(issued) != 1 || issued[0].ID != ids[len(ids)-8] {
		t.Errorf("%d issued, want the eighth", len(issued))
	}
	if late := n.all(t, alerts.Filter{Since: time.UnixMilli(1_000_000 * 440)}); len(late) != 10 {
		t.Errorf("%d received since, want 10", len(late))
	}
	if few := n.all(t, alerts.Filter{Limit: 3}); len(few) != 3 || few[0].ID != ids[0] {
		t.Errorf("a limit of 3 gave %d", len(few))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range n.Store.All(ctx, alerts.Filter{}) {
		if err == nil {
			t.Error("an ended context gave a record")
		}
	}
}

func actsGapless(t *testing.T, n *Node) {
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			r := NewRecord(alerts.SeverityMinor, "sito")
			stored, _, err := n.Store.Intake(t.Context(), r, nil, NewAct(r, "submitted"))
			if err == nil {
				err = n.Publisher.Publish(t.Context(), PublicationOf(stored, nil))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	seen := map[int64]bool{}
	for _, r := range n.all(t, alerts.Filter{}) {
		acts, err := n.Store.Acts(t.Context(), r.Event)
		if err != nil || len(acts) != 2 || acts[0].Verb != "submitted" || acts[1].Verb != "issued" || acts[0].Seq >= acts[1].Seq {
			t.Fatalf("acts of %s: %+v, %v", r.Event, acts, err)
		}
		if acts[0].By != operator || acts[0].Alert != r.ID || acts[0].Digest != r.Approved {
			t.Errorf("the act says %+v", acts[0])
		}
		seen[acts[0].Seq], seen[acts[1].Seq] = true, true
	}
	for i := int64(1); i <= 40; i++ {
		if !seen[i] {
			t.Errorf("act %d is missing", i)
		}
	}
}

func (n *Node) all(t *testing.T, f alerts.Filter) (out []*alerts.Record) {
	t.Helper()
	for r, err := range n.Store.All(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}
