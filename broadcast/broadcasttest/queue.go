package broadcasttest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
)

// TestQueue is the contract of broadcast.Work and broadcast.Queue.
func TestQueue(t *testing.T, open Open) {
	for name, check := range map[string]func(*testing.T, *Node){
		"a new channel is not given history":                    noHistory,
		"an entry is planned once, whoever plans it":            planOnce,
		"planning goes on where it stopped":                     planResumes,
		"an urgent job overtakes a backlog":                     overtakes,
		"a task has the channel's messages and spans":           taskOfChannel,
		"a snapshot is read by ordinals":                        snapshot,
		"what was tried is asked for, what is settled skipped":  turns,
		"what is settled stays as it is":                        settledStays,
		"a job that another worker has cannot be begun":         lostJob,
		"a job given back comes again after its delay":          retried,
		"a buried job is visible and comes back by replay":      buried,
		"a newer revision stops what was not sent":              stops,
		"a channel that does not carry the new one goes on":     goesOn,
		"reports move forward only":                             reports,
		"who was busy is called again, so often and no more":    redialled,
		"a report before its message id is kept":                earlyReport,
		"a report knows its message by another spelling":        otherSpelling,
		"a message of several parts is delivered with the last": partsDelivered,
		"deliveries tell what became of everybody":              deliveriesTold,
		"a channel that could not render is a failed delivery":  couldNotRender,
		"the newest post of an event is known by language":      posts,
		"a warning beside a yes is shown":                       noted,
		"a post that comes late is not what others hang on":     newestPost,
		"posts in two languages are both known":                 twoLanguages,
		"what changed earlier posts is no post, and is known":   amended,
		"the pace is shared and exact":                          paced,
		"ten thousand recipients keep their states apart":       manyStates,
		"over whom a message left is kept":                      trailKept,
		"what was surely not taken returns to what was before":  trailTakenBack,
		"what is sent once more is written down before":         sentAgain,
		"a stopped alert is not sent once more":                 notSentAgain,
		"a second provider that is another one is said":         foreignSecond,
		"over whom it left survives its burial and a person":    trailRenewed,
		"reports of a second provider find their delivery":      secondReports,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

// carrier is a queue in a test's hands.
type carrier struct {
	*testing.T
	broadcast.Queue
}

func (n *Node) queue(t *testing.T, channel string) carrier {
	t.Helper()
	q, err := n.Work.Queue(t.Context(), channel)
	if err != nil {
		t.Fatal(err)
	}
	return carrier{t, q}
}

// entry waits for one log entry.
func (c carrier) entry() broadcast.Planned {
	c.Helper()
	for range 10 {
		got, err := c.Entries(c.Context(), 1)
		if err != nil {
			c.Fatal(err)
		}
		if len(got) > 0 {
			return got[0]
		}
	}
	c.Fatal("no entry came")
	return broadcast.Planned{}
}

// plan plans the next entry as one job of n recipients.
func (c carrier) plan(n uint32) broadcast.Planned {
	c.Helper()
	p := c.entry()
	jobs := []broadcast.Job{{V: 1, Alert: p.Record.ID, To: n, Urgent: p.Record.Urgent()}}
	if got, err := c.Plan(c.Context(), p, 0, jobs, true); err != nil || got != 1 {
		c.Fatalf("planned %d, %v", got, err)
	}
	return p
}

// job waits for one job.
func (c carrier) job() broadcast.Job {
	c.Helper()
	for range 10 {
		got, err := c.Take(c.Context(), 1)
		if err != nil {
			c.Fatal(err)
		}
		if len(got) > 0 {
			return got[0]
		}
	}
	c.Fatal("no job came")
	return broadcast.Job{}
}

func (c carrier) begin(j broadcast.Job, ordinals ...uint32) []broadcast.Turn {
	c.Helper()
	got, err := c.Begin(c.Context(), j, ordinals)
	if err != nil {
		c.Fatal(err)
	}
	return got
}

func (c carrier) finish(j broadcast.Job, last bool, results ...broadcast.Result) broadcast.Changed {
	c.Helper()
	changed, err := c.Finish(c.Context(), j, results, last)
	if err != nil {
		c.Fatal(err)
	}
	return changed
}

func (c carrier) want(what string, got, want any) {
	c.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		c.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// numbers are the people 1000, 1001, ...
func numbers(n int) []uint32 {
	out := make([]uint32, n)
	for i := range out {
		out[i] = uint32(1000 + i)
	}
	return out
}

// addressed publishes an alert to n people over sms and gives its first job.
func (n *Node) addressed(t *testing.T, people int) (carrier, *alerts.Record, broadcast.Job) {
	t.Helper()
	q := n.queue(t, "sms")
	r := n.issue(t, NewRecord(alerts.SeverityModerate, "sms"), map[string][]uint32{"sms": numbers(people)})
	q.plan(uint32(people))
	return q, r, q.job()
}

func (n *Node) delivery(t *testing.T, alert alerts.ID, channel string) broadcast.Delivery {
	t.Helper()
	all, err := n.Work.Deliveries(t.Context(), alert)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.Channel == channel {
			return d
		}
	}
	t.Fatalf("no delivery of %s among %+v", channel, all)
	return broadcast.Delivery{}
}

func noHistory(t *testing.T, n *Node) {
	n.issue(t, NewRecord(alerts.SeverityMinor, "web"), nil)
	q := n.queue(t, "web")
	want := n.issue(t, NewRecord(alerts.SeverityMinor, "web"), nil)
	if got := q.entry(); got.Record.ID != want.ID {
		t.Errorf("got %s, want only what came after the channel: %s", got.Record.ID, want.ID)
	}
}

func planOnce(t *testing.T, n *Node) {
	q := n.queue(t, "sms")
	n.issue(t, NewRecord(alerts.SeverityMinor, "sms"), map[string][]uint32{"sms": numbers(1)})
	p := q.entry()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := q.Plan(t.Context(), p, 0, []broadcast.Job{{V: 1, Alert: p.Record.ID, To: 1}}, true); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	d, err := q.Depth(t.Context())
	if err != nil || d.Normal.Jobs != 1 {
		t.Errorf("%d jobs, %v, want 1", d.Normal.Jobs, err)
	}
	if more, err := q.Entries(t.Context(), 1); err != nil || len(more) != 0 {
		t.Errorf("the entry came again: %v, %v", more, err)
	}
}

func planResumes(t *testing.T, n *Node) {
	q := n.queue(t, "sms")
	n.issue(t, NewRecord(alerts.SeverityMinor, "sms"), map[string][]uint32{"sms": numbers(30)})
	p := q.entry()
	jobs := []broadcast.Job{{V: 1, Alert: p.Record.ID, To: 10}, {V: 1, Alert: p.Record.ID, N: 1, From: 10, To: 20}, {V: 1, Alert: p.Record.ID, N: 2, From: 20, To: 30}}
	got, err := q.Plan(t.Context(), p, 0, jobs[:2], false)
	q.want("first", []any{got, err}, []any{2, nil})
	got, err = q.Plan(t.Context(), p, 0, jobs, true) // somebody who does not know
	q.want("again", []any{got, err}, []any{2, nil})
	got, err = q.Plan(t.Context(), p, 2, jobs[2:], true)
	q.want("rest", []any{got, err}, []any{3, nil})
	taken, err := q.Take(t.Context(), 10)
	if err != nil || len(taken) != 3 || taken[2].From != 20 {
		t.Errorf("took %+v, %v", taken, err)
	}
}

func overtakes(t *testing.T, n *Node) {
	q := n.queue(t, "sms")
	slow := n.issue(t, NewRecord(alerts.SeverityMinor, "sms"), map[string][]uint32{"sms": numbers(400)})
	p := q.entry()
	var jobs []broadcast.Job
	for i := range uint32(40) {
		jobs = append(jobs, broadcast.Job{V: 1, Alert: slow.ID, N: int(i), From: 10 * i, To: 10*i + 10})
	}
	if _, err := q.Plan(t.Context(), p, 0, jobs, true); err != nil {
		t.Fatal(err)
	}
	first := q.job()
	urgent := n.issue(t, NewRecord(alerts.SeverityExtreme, "sms"), map[string][]uint32{"sms": numbers(5)})
	q.plan(5)
	got := q.job()
	if first.Alert != slow.ID || got.Alert != urgent.ID || !got.Urgent || got.Lane != "x" {
		t.Errorf("after %s came %+v, want the urgent one", first.Alert, got)
	}
	more := n.issue(t, NewRecord(alerts.SeveritySevere, "sms"), map[string][]uint32{"sms": numbers(5)})
	q.plan(5)
	only, err := q.TakeUrgent(t.Context(), 5)
	if err != nil || len(only) != 1 || only[0].Alert != more.ID {
		t.Errorf("the urgent lane gave %+v, %v", only, err)
	}
	d, err := q.Depth(t.Context())
	if err != nil || d.Urgent.Jobs != 2 || d.Normal.Jobs != 40 {
		t.Errorf("depth %+v, %v, want 2 urgent and 40 normal jobs that are not settled", d, err)
	}
	seen := map[string]bool{first.EntryID: true, got.EntryID: true, only[0].EntryID: true}
	for len(seen) < 42 {
		some, err := q.Take(t.Context(), 7)
		if err != nil || len(some) == 0 || len(some) > 7 {
			t.Fatalf("took %d, %v", len(some), err)
		}
		for _, j := range some {
			if seen[j.EntryID] {
				t.Errorf("job %s came twice", j.EntryID)
			}
			seen[j.EntryID] = true
		}
	}
}

func taskOfChannel(t *testing.T, n *Node) {
	q := n.queue(t, "sms")
	r := NewRecord(alerts.SeverityMinor, "web", "sms")
	p := PublicationOf(n.take(t, r), map[string][]uint32{"sms": numbers(2)})
	german := p.Messages[1]
	german.Language, german.Text = "de", "Gewitter"
	p.Messages = append(p.Messages, german)
	p.Spans = append(p.Spans, broadcast.Span{Channel: "sms", Message: 2, From: 2, To: 5, People: []uint32{7, 8, 9}})
	if err := n.Publisher.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	task, err := q.Task(t.Context(), broadcast.Job{Alert: r.ID})
	if err != nil {
		t.Fatal(err)
	}
	if len(task.Messages) != 2 || task.Messages[1].Text != "Gewitter" || len(task.Spans) != 2 || task.Spans[1].Message != 1 || task.Spans[1].From != 2 || !equal(t, task.Record, p.Record) {
		t.Errorf("got %+v", task)
	}
	other, err := n.queue(t, "mail").Task(t.Context(), broadcast.Job{Alert: r.ID})
	if err != nil || len(other.Messages)+len(other.Spans) != 0 {
		t.Errorf("a channel outside the plan has %+v, %v", other, err)
	}
	unsent := n.take(t, NewRecord(alerts.SeverityMinor, "sms"))
	if _, err := q.Task(t.Context(), broadcast.Job{Alert: unsent.ID}); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("what was not published has a task: %v", err)
	}
}

func snapshot(t *testing.T, n *Node) {
	q, r, _ := n.addressed(t, 1000)
	got, err := q.Recipients(t.Context(), r.ID, 250, 500)
	if err != nil || !slices.Equal(got, numbers(1000)[250:500]) {
		t.Errorf("got %v, %v", got, err)
	}
	web := n.queue(t, "web")
	post := n.issue(t, NewRecord(alerts.SeverityMinor, "web"), nil)
	if got, err := web.Recipients(t.Context(), post.ID, 0, 1); err != nil || got != nil {
		t.Errorf("a post has recipients %v, %v", got, err)
	}
}

func turns(t *testing.T, n *Node) {
	q, _, j := n.addressed(t, 5)
	q.want("at first", q.begin(j, 0, 1, 2), []broadcast.Turn{broadcast.TurnSend, broadcast.TurnSend, broadcast.TurnSend})
	q.finish(j, false, broadcast.Result{Ordinal: 1, State: broadcast.Accepted})
	q.want("after a crash", q.begin(j, 0, 1, 2, 3), []broadcast.Turn{broadcast.TurnAsk, broadcast.TurnSkip, broadcast.TurnAsk, broadcast.TurnSend})
}

func settledStays(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 3)
	q.begin(j, 0, 1, 2)
	results := []broadcast.Result{{Ordinal: 0, State: broadcast.Accepted, Latency: time.Second}, {Ordinal: 1, State: broadcast.Failed, Reason: "no such number"}}
	q.finish(j, false, results...)
	q.finish(j, false, results...)
	q.finish(j, true, broadcast.Result{Ordinal: 0, State: broadcast.Failed, Reason: "late"}, broadcast.Result{Ordinal: 2, State: broadcast.Suppressed})
	d := n.delivery(t, r.ID, "sms")
	q.want("counts", []any{d.State, d.Accepted, d.Failed, d.Suppressed, d.Error}, []any{"partly_failed", 1, 1, 1, "no such number"})
	if left, err := q.Take(t.Context(), 1); err != nil || len(left) != 0 {
		t.Errorf("the job came again: %v, %v", left, err)
	}
	if _, err := q.Finish(t.Context(), j, nil, true); !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("finishing what is done gave %v, want broadcast.ErrLost", err)
	}
}

func lostJob(t *testing.T, n *Node) {
	q, _, j := n.addressed(t, 1)
	other := j
	other.EntryID = j.Lane + ":1-1"
	if _, err := q.Begin(t.Context(), other, []uint32{0}); !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("begin gave %v, want broadcast.ErrLost", err)
	}
	if err := q.Retry(t.Context(), other, 0, nil, ""); !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("retry gave %v, want broadcast.ErrLost", err)
	}
	if _, err := q.Bury(t.Context(), other, "x"); !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("bury gave %v, want broadcast.ErrLost", err)
	}
	q.want("the right one", q.begin(j, 0), []broadcast.Turn{broadcast.TurnSend})
}

func retried(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 3)
	q.begin(j, 0, 1, 2)
	q.finish(j, false, broadcast.Result{Ordinal: 0, State: broadcast.Accepted})
	j.Attempt = 4
	if err := q.Retry(t.Context(), j, time.Hour, []uint32{1}, "busy"); err != nil {
		t.Fatal(err)
	}
	d := n.delivery(t, r.ID, "sms")
	if d.State != "retrying" || d.Error != "busy" || d.Attempts != 4 || d.NextAttempt == nil || time.Until(*d.NextAttempt).Round(time.Minute) != time.Hour {
		t.Errorf("delivery %+v, want retrying in an hour, for the fifth time", d)
	}
	if moved, err := q.Move(t.Context(), 10); err != nil || moved != 0 {
		t.Errorf("moved %d before its time, %v", moved, err)
	}

	q2, r2, j2 := n.addressed(t, 3)
	q2.begin(j2, 0, 1, 2)
	j2.Attempt = 1
	if err := q2.Retry(t.Context(), j2, 0, []uint32{1, 2}, "busy"); err != nil {
		t.Fatal(err)
	}
	if moved, err := q2.Move(t.Context(), 10); err != nil || moved != 1 {
		t.Errorf("moved %d, %v, want 1", moved, err)
	}
	again := q2.job()
	q2.want("job", []any{again.Alert, again.Attempt, again.Taken}, []any{r2.ID, 1, 1})
	q2.want("turns", q2.begin(again, 0, 1, 2), []broadcast.Turn{broadcast.TurnAsk, broadcast.TurnSend, broadcast.TurnSend})
}

func buried(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 4)
	q.begin(j, 0, 1)
	q.finish(j, false, broadcast.Result{Ordinal: 0, State: broadcast.Failed, Reason: "no such number"})
	changed, err := q.Bury(t.Context(), j, "gave up")
	q.want("what the burial ended", []any{changed, err}, []any{broadcast.Changed{Failed: 2, Uncertain: 1}, nil})
	d := n.delivery(t, r.ID, "sms")
	q.want("buried", []any{d.State, d.Failed, d.Uncertain, d.Error}, []any{"uncertain", 3, 1, "gave up"})
	depth, err := q.Depth(t.Context())
	q.want("depth", []any{depth.Dead, depth.Normal.Jobs, err}, []any{1, 0, nil})
	for depth.DeadOldest == 0 && err == nil { // it grows, by milliseconds, until the test's time is over
		if depth, err = q.Depth(t.Context()); depth.DeadOldest > time.Hour {
			t.Errorf("the dead letter is %v old, want some milliseconds", depth.DeadOldest)
		}
	}
	if other, err := q.Replay(t.Context(), n.take(t, NewRecord(alerts.SeverityMinor, "sms")).ID); other != 0 {
		t.Errorf("replaying another alert moved %d, %v", other, err)
	}
	moved, err := q.Replay(t.Context(), r.ID)
	q.want("replayed", []any{moved, err}, []any{1, nil})
	again := q.job()
	q.want("attempt: nobody may think that it is untouched", again.Attempt, 1)
	q.want("turns", q.begin(again, 0, 1, 2, 3), []broadcast.Turn{broadcast.TurnSkip, broadcast.TurnAsk, broadcast.TurnSend, broadcast.TurnSend})
}

func stops(t *testing.T, n *Node) {
	q, first, j := n.addressed(t, 4)
	q.begin(j, 0, 1)
	q.finish(j, false, broadcast.Result{Ordinal: 0, State: broadcast.Accepted})
	n.issue(t, Revise(first, alerts.ChangeCancelled), map[string][]uint32{"sms": numbers(4)})
	q.want("turns", q.begin(j, 0, 1, 2, 3), []broadcast.Turn{broadcast.TurnSkip, broadcast.TurnAskStopped, broadcast.TurnStop, broadcast.TurnStop})
	q.finish(j, true, broadcast.Result{Ordinal: 1, State: broadcast.Accepted}, broadcast.Result{Ordinal: 2, State: broadcast.Suppressed}, broadcast.Result{Ordinal: 3, State: broadcast.Suppressed})
	d := n.delivery(t, first.ID, "sms")
	q.want("counts", []any{d.State, d.Accepted, d.Suppressed}, []any{"done", 2, 2})
}

func goesOn(t *testing.T, n *Node) {
	q := n.queue(t, "sms")
	first := n.issue(t, NewRecord(alerts.SeverityModerate, "sms", "web"), map[string][]uint32{"sms": numbers(2)})
	q.plan(2)
	j := q.job()
	second := Revise(first, alerts.ChangeUpdated)
	second.Channels = []string{"web"}
	n.issue(t, second, nil)
	q.want("turns", q.begin(j, 0), []broadcast.Turn{broadcast.TurnSend})
	third := Revise(second, alerts.ChangeUpdated)
	third.Channels = []string{"sms"}
	n.issue(t, third, map[string][]uint32{"sms": numbers(2)})
	q.want("once the third carries it", q.begin(j, 1), []broadcast.Turn{broadcast.TurnStop})
}

func reports(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 2)
	q.begin(j, 0, 1)
	q.finish(j, true, broadcast.Result{Ordinal: 0, State: broadcast.Accepted, Receipt: channels.Receipt{ID: "a"}}, broadcast.Result{Ordinal: 1, State: broadcast.Accepted, Receipt: channels.Receipt{ID: "b c:{}"}})
	for i, step := range []struct {
		id    string
		state channels.ReportState
		want  broadcast.Changed
	}{
		{"a", channels.ReportEnroute, broadcast.Changed{}},
		{"a", channels.ReportDelivered, broadcast.Changed{Delivered: 1}},
		{"a", channels.ReportDelivered, broadcast.Changed{}},
		{"a", channels.ReportFailed, broadcast.Changed{}},
		{"a", channels.ReportEnroute, broadcast.Changed{}},
		{"b c:{}", channels.ReportFailed, broadcast.Changed{Failed: 1}},
		{"b c:{}", channels.ReportDelivered, broadcast.Changed{}},
	} {
		known, changed, err := q.Report(t.Context(), channels.DeliveryReport{MessageID: step.id, State: step.state, Code: "041"})
		if err != nil || !known || changed != step.want {
			t.Errorf("report %d: known %v, %+v, %v, want %+v", i, known, changed, err, step.want)
		}
	}
	d := n.delivery(t, r.ID, "sms")
	q.want("counts", []any{d.State, d.Accepted, d.Delivered, d.Failed, d.Error}, []any{"partly_failed", 1, 1, 1, "041"})
}

// redialled is a telephone that is busy, then not there, then taken.
func redialled(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 3)
	q.begin(j, 0, 1, 2)
	q.finish(j, true, broadcast.Result{Ordinal: 0, State: broadcast.Accepted, Receipt: channels.Receipt{ID: "one"}},
		broadcast.Result{Ordinal: 1, State: broadcast.Accepted, Receipt: channels.Receipt{ID: "two"}}, broadcast.Result{Ordinal: 2, State: broadcast.Accepted, Receipt: channels.Receipt{ID: "three"}})
	report := func(id string, state channels.ReportState, want broadcast.Changed) {
		t.Helper()
		known, changed, err := q.Report(t.Context(), channels.DeliveryReport{MessageID: id, State: state, Code: "busy", Again: 2})
		q.want(id, []any{known, changed, err}, []any{true, want, nil})
	}
	ids := []string{"two", "two-2", "two-3"}
	keys := map[int64]bool{0: true}
	for i := range 2 {
		for range 2 { // a report that comes twice is one
			report(ids[i], channels.ReportFailed, broadcast.Changed{})
		}
		d := n.delivery(t, r.ID, "sms")
		q.want("meanwhile", []any{d.State, d.Accepted, d.Failed, d.Error}, []any{"retrying", 2, 0, "busy"})
		moved, err := q.Move(t.Context(), 10)
		q.want("moved", []any{moved, err}, []any{1, nil})
		again := q.job()
		if again.From != 1 || again.To != 2 || again.Attempt == 0 || keys[again.Key] {
			t.Fatalf("it comes again as %+v", again)
		}
		keys[again.Key] = true
		q.want("turn", q.begin(again, 1), []broadcast.Turn{broadcast.TurnSend})
		q.finish(again, true, broadcast.Result{Ordinal: 1, State: broadcast.Accepted, Receipt: channels.Receipt{ID: ids[i+1]}})
	}
	report("two-3", channels.ReportFailed, broadcast.Changed{Failed: 1}) // as often as it was asked for
	report("two-3", channels.ReportFailed, broadcast.Changed{})
	report("one", channels.ReportDelivered, broadcast.Changed{Delivered: 1})
	report("one", channels.ReportFailed, broadcast.Changed{}) // what was heard is not said again

	// What is over is not said again either.
	n.issue(t, Revise(r, alerts.ChangeCancelled), map[string][]uint32{"sms": numbers(3)})
	report("three", channels.ReportFailed, broadcast.Changed{Failed: 1})
	moved, err := q.Move(t.Context(), 10)
	q.want("moved", []any{moved, err}, []any{0, nil})
}

func earlyReport(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 1)
	q.begin(j, 0)
	for range 2 {
		known, changed, err := q.Report(t.Context(), channels.DeliveryReport{MessageID: "early", State: channels.ReportDelivered})
		if err != nil || known || changed != (broadcast.Changed{}) {
			t.Fatalf("known %v, %+v, %v", known, changed, err)
		}
	}
	changed := q.finish(j, true, broadcast.Result{State: broadcast.Accepted, Receipt: channels.Receipt{ID: "early"}})
	q.want("changed", changed, broadcast.Changed{Delivered: 1})
	q.want("delivered", n.delivery(t, r.ID, "sms").Delivered, 1)
	known, changed, err := q.Report(t.Context(), channels.DeliveryReport{MessageID: "early", State: channels.ReportDelivered})
	q.want("afterwards", []any{known, changed, err}, []any{true, broadcast.Changed{}, nil})
}

func otherSpelling(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 2)
	q.begin(j, 0, 1)
	q.finish(j, true, broadcast.Result{Ordinal: 0, State: broadcast.Accepted, Receipt: channels.Receipt{ID: "3e9"}}, broadcast.Result{Ordinal: 1, State: broadcast.Accepted, Receipt: channels.Receipt{ID: "1002"}})
	for _, step := range []struct {
		id     string
		others []string
		known  bool
		want   broadcast.Changed
	}{
		{"1001", []string{"3E9", "3e9", "4097"}, true, broadcast.Changed{Delivered: 1}},
		{"1002", []string{"3e9", "3ea"}, true, broadcast.Changed{Delivered: 1}}, // its own spelling comes first
		{"1003", []string{"3eb", "4099"}, false, broadcast.Changed{}},
	} {
		known, changed, err := q.Report(t.Context(), channels.DeliveryReport{MessageID: step.id, Alternatives: step.others, State: channels.ReportDelivered})
		if err != nil || known != step.known || changed != step.want {
			t.Errorf("report of %s: known %v, %+v, %v", step.id, known, changed, err)
		}
	}
	q.want("delivered", n.delivery(t, r.ID, "sms").Delivered, 2)
}

func partsDelivered(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 2)
	q.begin(j, 0, 1)
	two := func(a, b string) channels.Receipt {
		return channels.Receipt{ID: a, Parts: []channels.Part{{ID: a}, {ID: b}}}
	}
	q.finish(j, true, broadcast.Result{Ordinal: 0, State: broadcast.Accepted, Receipt: two("p0", "p1")}, broadcast.Result{Ordinal: 1, State: broadcast.Accepted, Receipt: two("q0", "q1")})
	for _, step := range []struct {
		id    string
		state channels.ReportState
		want  broadcast.Changed
	}{
		{"p1", channels.ReportDelivered, broadcast.Changed{}},
		{"p1", channels.ReportDelivered, broadcast.Changed{}},
		{"p0", channels.ReportDelivered, broadcast.Changed{Delivered: 1}},
		{"q0", channels.ReportDelivered, broadcast.Changed{}},
		{"q1", channels.ReportFailed, broadcast.Changed{Failed: 1}},
	} {
		_, changed, err := q.Report(t.Context(), channels.DeliveryReport{MessageID: step.id, State: step.state})
		if err != nil || changed != step.want {
			t.Errorf("%s %s: %+v, %v, want %+v", step.id, step.state, changed, err, step.want)
		}
	}
	d := n.delivery(t, r.ID, "sms")
	q.want("counts", []any{d.Accepted, d.Delivered, d.Failed}, []any{1, 1, 1})
}

func deliveriesTold(t *testing.T, n *Node) {
	q := n.queue(t, "sms")
	r := n.issue(t, NewRecord(alerts.SeverityModerate, "web", "sms"), map[string][]uint32{"sms": numbers(200)})
	all, err := n.Work.Deliveries(t.Context(), r.ID)
	if err != nil || len(all) != 2 || all[0].Channel != "web" || all[1].Channel != "sms" {
		t.Fatalf("got %+v, %v, want web and sms in plan order", all, err)
	}
	q.want("before", []any{all[1].State, all[1].Total, all[1].FirstMS}, []any{"queued", 200, (*int64)(nil)})
	q.plan(200)
	j := q.job()
	var ordinals []uint32
	var results []broadcast.Result
	for i := range uint32(200) {
		ordinals = append(ordinals, i)
		results = append(results, broadcast.Result{Ordinal: i, State: broadcast.Accepted, Latency: time.Duration(i+1) * 10 * time.Millisecond})
	}
	q.begin(j, ordinals...)
	q.want("while", n.delivery(t, r.ID, "sms").State, "sending")
	q.finish(j, true, results...)
	d := n.delivery(t, r.ID, "sms")
	if d.State != "done" || d.Accepted != 200 || d.FirstMS == nil || *d.FirstMS != 10 || d.LastMS == nil || *d.LastMS != 2000 {
		t.Errorf("got %+v", d)
	}
	if d.P50MS == nil || *d.P50MS < 1000 || *d.P50MS > 1200 || d.P99MS == nil || *d.P99MS < 1980 || *d.P99MS > 2000 {
		t.Errorf("p50 %v and p99 %v, want within a fifth above 1000 and 1980 ms", *d.P50MS, *d.P99MS)
	}
	if waiting, err := n.Work.Deliveries(t.Context(), n.take(t, NewRecord(alerts.SeverityMinor, "web")).ID); err != nil || len(waiting) != 0 {
		t.Errorf("what waits has deliveries %v, %v", waiting, err)
	}
	if _, err := n.Work.Deliveries(t.Context(), NewID(time.Now())); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("deliveries of nothing: %v, want alerts.ErrNotFound", err)
	}
}

func couldNotRender(t *testing.T, n *Node) {
	r := n.take(t, NewRecord(alerts.SeverityModerate, "siren", "web"))
	p := PublicationOf(r, nil)
	p.Messages, p.Spans = p.Messages[1:], []broadcast.Span{{Channel: "web", To: 1}}
	p.Failures = map[string]string{"siren": "the text does not fit"}
	if err := n.Publisher.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	for channel, want := range map[string]string{"siren": "the text does not fit", "web": ""} {
		task, err := n.queue(t, channel).Task(t.Context(), broadcast.Job{Alert: r.ID})
		if err != nil || task.Failure != want {
			t.Errorf("the task of %s: %+v, %v, want the failure %q", channel, task, err, want)
		}
	}
	d := n.delivery(t, r.ID, "siren")
	if d.State != "failed" || d.Error != "the text does not fit" || d.Failed != 1 {
		t.Errorf("got %+v", d)
	}
	if d := n.delivery(t, r.ID, "web"); d.State != "queued" {
		t.Errorf("the other channel: %+v", d)
	}
}

func posts(t *testing.T, n *Node) {
	q := n.queue(t, "web")
	r := n.issue(t, NewRecord(alerts.SeverityModerate, "web"), nil)
	posts, err := q.Posts(t.Context(), r.Event, "it")
	q.want("before", []any{posts, err}, []any{broadcast.Posts{}, nil})
	q.plan(1)
	j := q.job()
	q.begin(j, 0)
	q.finish(j, true, broadcast.Result{State: broadcast.Accepted, Receipt: channels.Receipt{ID: "110", URL: "https://social.example/110"}})
	posts, err = q.Posts(t.Context(), r.Event, "it")
	q.want("after", []any{posts, err}, []any{broadcast.Posts{Of: []broadcast.Post{{Revision: 1, ID: "110", URL: "https://social.example/110"}}}, nil})
	posts, err = q.Posts(t.Context(), r.Event, "de")
	q.want("another language", []any{posts, err}, []any{broadcast.Posts{}, nil})
	q.want("url", n.delivery(t, r.ID, "web").URL, "https://social.example/110")
}

func noted(t *testing.T, n *Node) {
	q := n.queue(t, "web")
	r := n.issue(t, NewRecord(alerts.SeveritySevere, "web"), nil)
	q.plan(1)
	j := q.job()
	q.begin(j, 0)
	q.finish(j, true, broadcast.Result{State: broadcast.Accepted, Receipt: channels.Receipt{ID: "110", Note: "nobody listens: " + strings.Repeat("è", 400)}})
	d := n.delivery(t, r.ID, "web")
	q.want("state", []any{d.State, d.Accepted, d.Error}, []any{"done", 1, ""})
	if !strings.HasPrefix(d.Note, "nobody listens: è") || len(d.Note) > 310 || !utf8.ValidString(d.Note) {
		t.Errorf("note of %d bytes: %q", len(d.Note), d.Note)
	}
}

func newestPost(t *testing.T, n *Node) {
	q := n.queue(t, "web")
	first := n.issue(t, NewRecord(alerts.SeverityModerate, "web"), nil)
	q.plan(1)
	slow := q.job()
	q.begin(slow, 0)
	trying, err := q.Trying(t.Context(), first.ID)
	q.want("being tried", []any{trying, err}, []any{1, nil})
	n.issue(t, Revise(first, alerts.ChangeCancelled), nil)
	q.plan(1)
	j := q.job()
	q.begin(j, 0)
	q.finish(j, true, broadcast.Result{State: broadcast.Accepted, Receipt: channels.Receipt{ID: "120"}})
	q.finish(slow, true, broadcast.Result{State: broadcast.Accepted, Receipt: channels.Receipt{ID: "110"}})
	posts, err := q.Posts(t.Context(), first.Event, "it")
	q.want("what the third hangs on", []any{posts.Before(3).ID, err}, []any{"120", nil})
	q.want("what the second hangs on", posts.Before(2).ID, "110")
	trying, err = q.Trying(t.Context(), first.ID)
	q.want("being tried at the end", []any{trying, err}, []any{0, nil})
}

func twoLanguages(t *testing.T, n *Node) {
	q := n.queue(t, "web")
	p := PublicationOf(n.take(t, NewRecord(alerts.SeverityModerate, "web")), nil)
	german := p.Messages[0]
	german.Language = "de"
	p.Messages = append(p.Messages, german)
	p.Spans = append(p.Spans, broadcast.Span{Channel: "web", Message: 1, From: 1, To: 2})
	if err := n.Publisher.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	q.plan(2)
	j := q.job()
	q.begin(j, 0, 1)
	q.finish(j, true, broadcast.Result{State: broadcast.Accepted, Receipt: channels.Receipt{ID: "1"}}, broadcast.Result{Ordinal: 1, State: broadcast.Accepted, Receipt: channels.Receipt{ID: "2"}})
	for language, want := range map[string]string{"it": "1", "de": "2"} {
		posts, err := q.Posts(t.Context(), p.Record.Event, language)
		q.want(language, []any{posts.At(1).ID, err}, []any{want, nil})
	}
}

func amended(t *testing.T, n *Node) {
	q := n.queue(t, "web")
	first := n.issue(t, NewRecord(alerts.SeverityModerate, "web"), nil)
	q.plan(1)
	j := q.job()
	q.begin(j, 0)
	q.finish(j, true, broadcast.Result{State: broadcast.Accepted, Receipt: channels.Receipt{ID: "110", URL: "https://social.example/110"}, Latency: time.Second})
	p := PublicationOf(n.take(t, Revise(first, alerts.ChangeUpdated)), nil)
	point := p.Messages[0]
	point.Step = channels.StepPoint
	p.Messages = append(p.Messages, point)
	p.Spans = append(p.Spans, broadcast.Span{Channel: "web", Message: 1, From: 1, To: 2})
	if err := n.Publisher.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	q.plan(2)
	j = q.job()
	q.begin(j, 0)
	q.finish(j, false, broadcast.Result{State: broadcast.Accepted, Receipt: channels.Receipt{ID: "120", URL: "https://social.example/120"}, Latency: time.Second})
	posts, err := q.Posts(t.Context(), first.Event, "it")
	q.want("before", []any{posts.Standing(2), posts.At(2).URL, posts.Amended, err}, []any{[]string{"110"}, "https://social.example/120", 0, nil})
	q.begin(j, 1)
	q.finish(j, true, broadcast.Result{Ordinal: 1, State: broadcast.Accepted, Receipt: channels.Receipt{ID: "110", URL: "https://social.example/110"}, Latency: time.Hour})
	posts, err = q.Posts(t.Context(), first.Event, "it")
	q.want("after", []any{posts.Standing(2), posts.Standing(3), posts.Before(3).ID, posts.Amended, err}, []any{[]string(nil), []string{"120"}, "120", 2, nil})
	posts, err = q.Posts(t.Context(), first.Event, "de")
	q.want("another language", []any{posts, err}, []any{broadcast.Posts{}, nil})
	d := n.delivery(t, p.Record.ID, "web")
	if d.LastMS == nil || *d.LastMS > time.Minute.Milliseconds() {
		t.Errorf("the change of an earlier post counts as a late one: %+v", d)
	}
	q.want("url", []any{d.URL, d.Accepted}, []any{"https://social.example/120", 2})
}

func paced(t *testing.T, n *Node) {
	q := n.queue(t, "sms")
	limit := channels.Limit{PerSecond: 50, Burst: 10}
	if g, err := q.Pace(t.Context(), limit, broadcast.Ask{N: 10}); err != nil || g.N != 10 {
		t.Errorf("the burst gets %+v, %v", g, err)
	}
	g, err := q.Pace(t.Context(), limit, broadcast.Ask{N: 10})
	if err != nil || g.N != 0 || g.Wait <= 0 || g.Wait > 200*time.Millisecond || g.Why != broadcast.HoldingPace {
		t.Errorf("the next ten get %+v, %v, want a wait of at most 200ms", g, err)
	}
	if g, err := q.Pace(t.Context(), channels.Limit{}, broadcast.Ask{N: 10}); err != nil || g.N != 10 {
		t.Errorf("without a limit: %+v, %v", g, err)
	}
}

func manyStates(t *testing.T, n *Node) {
	const people = 10_000
	q, r, j := n.addressed(t, people)
	ordinals := make([]uint32, people)
	for i := range ordinals {
		ordinals[i] = uint32(i)
	}
	for i, turn := range q.begin(j, ordinals...) {
		if turn != broadcast.TurnSend {
			t.Fatalf("ordinal %d: turn %d", i, turn)
		}
	}
	ends := []broadcast.State{broadcast.Accepted, broadcast.Failed, broadcast.Uncertain, broadcast.Expired, broadcast.Suppressed}
	var results []broadcast.Result
	for i := range ordinals {
		if i%7 != 0 { // every seventh stays open
			results = append(results, broadcast.Result{Ordinal: uint32(i), State: ends[i%5], Reason: "r"})
		}
	}
	q.finish(j, false, results...)
	counts := map[broadcast.State]int{}
	for _, res := range results {
		counts[res.State]++
	}
	d := n.delivery(t, r.ID, "sms")
	q.want("counts", []int{d.Accepted, d.Failed, d.Uncertain, d.Expired, d.Suppressed},
		[]int{counts[broadcast.Accepted], counts[broadcast.Failed], counts[broadcast.Uncertain], counts[broadcast.Expired], counts[broadcast.Suppressed]})
	for i, turn := range q.begin(j, ordinals...) {
		want := broadcast.TurnSkip
		if i%7 == 0 {
			want = broadcast.TurnAsk
		}
		if turn != want {
			t.Fatalf("ordinal %d: turn %d, want %d", i, turn, want)
		}
	}
}
