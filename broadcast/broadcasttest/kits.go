package broadcasttest

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
)

// TestKits is the contract of broadcast.KitStore, which n.Work implements as
// well.
func TestKits(t *testing.T, open Open) {
	for name, check := range map[string]func(*testing.T, *Node){
		"what was posted is ticked once, with who and when": tickedOnce,
		"one language at a time":                            tickedByLanguage,
		"what is not ready is not ticked":                   notReadyTicked,
		"what was replaced is not ticked":                   replacedTicked,
		"of fifty who tick at once one is written down":     fiftyTicks,
		"what was written is kept, and filled in alike":     writtenKept,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

func (n *Node) kits(t *testing.T) broadcast.KitStore {
	t.Helper()
	k, ok := n.Work.(broadcast.KitStore)
	if !ok {
		t.Fatal("the work does not implement broadcast.KitStore")
	}
	return k
}

// ready publishes an alert in Italian and German on the channel kit, and makes
// it ready as a dispatcher would.
func (n *Node) ready(t *testing.T) (carrier, *alerts.Record) {
	t.Helper()
	q := n.queue(t, "kit")
	p := PublicationOf(n.take(t, NewRecord(alerts.SeverityModerate, "kit")), nil)
	p.Messages[0].Text, p.Messages[0].URL = "Temporali dalle {sent}", "https://allerta.example/a/x"
	p.Messages[0].Image = &channels.Image{Type: "image/png", Alt: "Temporali forti", Width: 1200, Height: 630}
	german := p.Messages[0]
	german.Language, german.Image = "de-DE", nil
	p.Messages = append(p.Messages, german)
	p.Spans = append(p.Spans, broadcast.Span{Channel: "kit", Message: 1, From: 1, To: 2})
	if err := n.Publisher.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return q, p.Record
}

func (c carrier) readied() {
	c.Helper()
	c.plan(2)
	j := c.job()
	c.begin(j, 0, 1)
	note := channels.Receipt{ID: "kit", Note: "ready to copy"}
	c.finish(j, true, broadcast.Result{State: broadcast.Accepted, Receipt: note}, broadcast.Result{Ordinal: 1, State: broadcast.Accepted, Receipt: note})
}

// writtenKept: who checks a text later reads what was approved, and the text
// that people copy has the code of its revision.
func writtenKept(t *testing.T, n *Node) {
	all, ok := n.Work.(broadcast.Rendered)
	if !ok {
		t.Fatal("the work does not implement broadcast.Rendered")
	}
	n.queue(t, "kit")
	p := PublicationOf(n.take(t, NewRecord(alerts.SeverityModerate, "kit")), nil)
	p.Messages[0].Text = "Temporali dalle {sent}. {code}"
	if err := n.Publisher.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	got, err := all.Rendered(t.Context(), p.Record.ID)
	if err != nil || len(got) != 1 || got[0].Channel != "kit" || got[0].Text != p.Messages[0].Text || got[0].Language != "it" {
		t.Errorf("written: %+v, %v", got, err)
	}
	if none, err := all.Rendered(t.Context(), "01JNOTPUBLISHED0000000000A"); err != nil || len(none) != 0 {
		t.Errorf("of nothing: %+v, %v", none, err)
	}
	posts, _, err := n.kits(t).Kit(t.Context(), p.Record.ID, "kit")
	if err != nil || len(posts) != 1 || !strings.HasSuffix(posts[0].Text, ". "+alerts.CodeOf(p.Record.ID)) {
		t.Errorf("to copy: %+v, %v", posts, err)
	}
}

func tickOf(r *alerts.Record) broadcast.Tick {
	return broadcast.Tick{Alert: r.ID, Channel: "kit", Act: NewAct(r, "posted")}
}

func (n *Node) postedActs(t *testing.T, r *alerts.Record) (count int) {
	t.Helper()
	acts, err := n.Store.Acts(t.Context(), r.Event)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range acts {
		if a.Verb == "posted" {
			count++
		}
	}
	return count
}

func tickedOnce(t *testing.T, n *Node) {
	q, r := n.ready(t)
	q.readied()
	k := n.kits(t)
	posts, failure, err := k.Kit(t.Context(), r.ID, "kit")
	if err != nil || failure != "" || len(posts) != 2 {
		t.Fatalf("%+v, %q, %v", posts, failure, err)
	}
	first := posts[0]
	q.want("ready", []any{first.Language, first.Text, first.Link, first.Alt, first.State, first.Posted == nil, posts[1].Alt},
		[]any{"it", "Temporali dalle " + alerts.FormatTime(r.Published.In(r.Alert.Sent.Location()).Truncate(time.Second)), "https://allerta.example/a/x", "Temporali forti", "accepted", true, ""})
	if d := n.delivery(t, r.ID, "kit"); d.Accepted != 2 || d.Delivered != 0 || d.Note == "" || d.By != nil || d.At != nil {
		t.Errorf("before: %+v", d)
	}
	want := tickOf(r)
	want.URL = "https://instagram.example/p/1"
	done, err := k.Posted(t.Context(), want)
	if err != nil || done.New != 2 || len(done.Posts) != 2 || done.Posts[0].State != "delivered" {
		t.Fatalf("%+v, %v", done, err)
	}
	by := done.Posts[1].Posted
	if by == nil || by.By != want.Act.By || !by.At.Equal(want.Act.At) || by.URL != want.URL {
		t.Errorf("who: %+v", by)
	}
	d := n.delivery(t, r.ID, "kit")
	if d.State != "done" || d.Accepted != 2 || d.Delivered != 2 || d.Note != "" || d.By == nil || *d.By != want.Act.By || d.At == nil || !d.At.Equal(want.Act.At) || d.PostedURL != want.URL {
		t.Errorf("after: %+v", d)
	}
	later := tickOf(r)
	later.Act.By, later.Act.At = alerts.By{ID: "key:other", Name: "Another"}, want.Act.At.Add(time.Hour)
	done, err = k.Posted(t.Context(), later)
	if err != nil || done.New != 0 || len(done.Posts) != 2 || done.Posts[0].Posted.By != want.Act.By {
		t.Errorf("again: %+v, %v", done, err)
	}
	// The same one once more, as when its answer was lost.
	if done, err = k.Posted(t.Context(), want); err != nil || done.New != 2 {
		t.Errorf("the same again: %+v, %v", done, err)
	}
	q.want("acts", n.postedActs(t, r), 1)
	// Nothing takes it back.
	if _, _, err := q.Report(t.Context(), channels.DeliveryReport{MessageID: "kit", State: channels.ReportFailed}); err != nil {
		t.Fatal(err)
	}
	q.want("delivered", n.delivery(t, r.ID, "kit").Delivered, 2)
}

func tickedByLanguage(t *testing.T, n *Node) {
	q, r := n.ready(t)
	q.readied()
	k := n.kits(t)
	want := tickOf(r)
	want.Language = "de"
	done, err := k.Posted(t.Context(), want)
	if err != nil || done.New != 1 || len(done.Posts) != 1 || done.Posts[0].Language != "de-DE" {
		t.Fatalf("%+v, %v", done, err)
	}
	d := n.delivery(t, r.ID, "kit")
	q.want("half of it", []any{d.Accepted, d.Delivered, d.Note != "", d.By != nil}, []any{2, 1, true, true})
	posts, _, err := k.Kit(t.Context(), r.ID, "kit")
	q.want("which", []any{posts[0].State, posts[1].State, err}, []any{"accepted", "delivered", nil})
	if done, err = k.Posted(t.Context(), tickOf(r)); err != nil || done.New != 1 || len(done.Posts) != 2 {
		t.Errorf("the rest: %+v, %v", done, err)
	}
	q.want("acts", n.postedActs(t, r), 2)
	want.Language = "sl"
	if _, err = k.Posted(t.Context(), want); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("a language that it has not: %v", err)
	}
}

func notReadyTicked(t *testing.T, n *Node) {
	q, r := n.ready(t)
	k := n.kits(t)
	if done, err := k.Posted(t.Context(), tickOf(r)); !errors.Is(err, alerts.ErrNotSendable) {
		t.Errorf("before it is ready: %+v, %v", done, err)
	}
	for what, change := range map[string]func(*broadcast.Tick){
		"another alert":   func(w *broadcast.Tick) { w.Alert = "none" },
		"another channel": func(w *broadcast.Tick) { w.Channel = "telegram" },
	} {
		want := tickOf(r)
		change(&want)
		if _, err := k.Posted(t.Context(), want); !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("%s: %v, want alerts.ErrNotFound", what, err)
		}
		if _, _, err := k.Kit(t.Context(), want.Alert, want.Channel); !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("the kit of %s: %v, want alerts.ErrNotFound", what, err)
		}
	}
	q.want("acts", n.postedActs(t, r), 0)
	// People who are reached one by one have no kit.
	_, sms, _ := n.addressed(t, 3)
	if _, _, err := k.Kit(t.Context(), sms.ID, "sms"); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("the kit of SMS: %v", err)
	}
}

func replacedTicked(t *testing.T, n *Node) {
	q, r := n.ready(t)
	q.readied()
	n.issue(t, Revise(r, alerts.ChangeUpdated), nil)
	done, err := n.kits(t).Posted(t.Context(), tickOf(r))
	if !errors.Is(err, alerts.ErrNotSendable) {
		t.Errorf("%+v, %v", done, err)
	}
	q.want("acts", n.postedActs(t, r), 0)
	q.want("delivered", n.delivery(t, r.ID, "kit").Delivered, 0)
}

func fiftyTicks(t *testing.T, n *Node) {
	q, r := n.ready(t)
	q.readied()
	k := n.kits(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	fresh := 0
	for i := range 50 {
		wg.Go(func() {
			want := tickOf(r)
			want.Act.At = want.Act.At.Add(time.Duration(i) * time.Second)
			done, err := k.Posted(t.Context(), want)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			fresh += done.New
		})
	}
	wg.Wait()
	q.want("new, acts, delivered", []any{fresh, n.postedActs(t, r), n.delivery(t, r.ID, "kit").Delivered}, []any{2, 1, 2})
}
