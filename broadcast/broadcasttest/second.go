package broadcasttest

import (
	"errors"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
)

// over is the job as it leaves over a second provider of this name.
func over(j broadcast.Job, second string) broadcast.Job {
	j.Second, j.Over = second, broadcast.ViaSecond
	return j
}

// beside is the job as it leaves over the channel's own provider, while there
// is a second one.
func beside(j broadcast.Job, second string) broadcast.Job {
	j.Second = second
	return j
}

func asks(t broadcast.Trail) broadcast.Turn {
	return broadcast.NewTurn(broadcast.TurnAsk, t, false, false)
}

func (c carrier) again(j broadcast.Job, ordinal uint32, before ...broadcast.Via) broadcast.Turn {
	c.Helper()
	got, err := c.Again(c.Context(), j, ordinal, before...)
	if err != nil {
		c.Fatal(err)
	}
	return got
}

func trailKept(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 9)
	q.begin(beside(j, "backup"), 0, 1)
	q.want("over the second one", q.begin(over(j, "backup"), 2, 3), []broadcast.Turn{broadcast.TurnSend, broadcast.TurnSend})
	want := []broadcast.Turn{broadcast.TurnAsk, broadcast.TurnAsk, asks(broadcast.TrailSecond), asks(broadcast.TrailSecond), broadcast.TurnSend}
	q.want("after a crash", q.begin(beside(j, "backup"), 0, 1, 2, 3, 4), want)
	want[4] = broadcast.TurnAsk
	q.want("and again, over the other one", q.begin(over(j, "backup"), 0, 1, 2, 3, 4), want)
	trying, err := q.Trying(t.Context(), r.ID)
	q.want("being tried", []any{trying, err}, []any{5, nil})
	states, err := n.outcomes(t).States(t.Context(), r.ID, "sms", 0, 6)
	q.want("states", []any{states, err}, []any{[]broadcast.State{broadcast.Trying, broadcast.Trying, broadcast.Trying, broadcast.Trying, broadcast.Trying, broadcast.Queued}, nil})
	reached, err := q.Reached(t.Context(), r.ID, 2, 6)
	q.want("reached", []any{reached, err}, []any{[]bool{true, true, true, false}, nil})
	q.finish(over(j, "backup"), false, broadcast.Result{Ordinal: 2, State: broadcast.Accepted, Via: broadcast.ViaSecond}, broadcast.Result{Ordinal: 0, State: broadcast.Accepted},
		broadcast.Result{Ordinal: 3, State: broadcast.Failed, Reason: "no such number"})
	d := n.delivery(t, r.ID, "sms")
	q.want("told", []any{d.State, d.Accepted, d.Failed, d.Second, d.SecondAccepted}, []any{"sending", 2, 1, "backup", 1})
}

func trailTakenBack(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 6)
	second := over(j, "backup")
	q.begin(beside(j, "backup"), 0, 1, 2)
	q.begin(second, 3, 4, 5)
	q.want("own, then own", q.again(beside(j, "backup"), 1, broadcast.ViaOwn), broadcast.TurnAsk)
	q.want("own, then second", q.again(second, 2, broadcast.ViaOwn), broadcast.TurnAsk)
	q.want("second, then own", q.again(beside(j, "backup"), 4, broadcast.ViaSecond), broadcast.TurnAsk)
	q.want("second, then second", q.again(second, 5, broadcast.ViaSecond), broadcast.TurnAsk)
	if err := q.Retry(t.Context(), j, 0, []uint32{0, 1, 2, 3, 4, 5}, "nothing left"); err != nil {
		t.Fatal(err)
	}
	q.move(1)
	back := q.job()
	q.want("afterwards", q.begin(beside(back, "backup"), 0, 1, 2, 3, 4, 5),
		[]broadcast.Turn{broadcast.TurnSend, broadcast.TurnAsk, broadcast.TurnAsk, broadcast.TurnSend, asks(broadcast.TrailSecond), asks(broadcast.TrailSecond)})
	trying, err := q.Trying(t.Context(), r.ID)
	q.want("being tried", []any{trying, err}, []any{6, nil})
}

// move brings due jobs back until there were so many.
func (c carrier) move(want int) {
	c.Helper()
	for range 200 {
		n, err := c.Move(c.Context(), 10)
		if err != nil {
			c.Fatal(err)
		}
		if want -= n; want <= 0 {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	c.Fatal("no job came back")
}

func sentAgain(t *testing.T, n *Node) {
	q, _, j := n.addressed(t, 3)
	q.begin(j, 0, 1, 2)
	for range 2 { // its answer may get lost
		q.want("once more", q.again(j, 0, broadcast.ViaOwn), broadcast.TurnAsk)
	}
	q.want("after a crash", q.begin(j, 0, 1), []broadcast.Turn{asks(broadcast.TrailOwnOwn), broadcast.TurnAsk})
	q.want("nobody has it: it leaves as the first", q.again(j, 0), broadcast.TurnAsk)
	q.want("after another crash", q.begin(j, 0), []broadcast.Turn{broadcast.TurnAsk})
	q.finish(j, false, broadcast.Result{Ordinal: 1, State: broadcast.Accepted})
	q.want("of what is settled", q.again(j, 1, broadcast.ViaOwn), broadcast.TurnSkip)
	other := j
	other.EntryID = j.Lane + ":1-1"
	if _, err := q.Again(t.Context(), other, 2, broadcast.ViaOwn); !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("of a job that is another one's: %v, want broadcast.ErrLost", err)
	}
	q.want("which changed nothing", q.begin(j, 2), []broadcast.Turn{broadcast.TurnAsk})
}

func notSentAgain(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 2)
	q.begin(over(j, "backup"), 0)
	n.issue(t, Revise(r, alerts.ChangeCancelled), map[string][]uint32{"sms": numbers(2)})
	q.want("once more", q.again(over(j, "backup"), 0, broadcast.ViaSecond), broadcast.TurnAskStopped)
	q.want("turns", q.begin(beside(j, "backup"), 0, 1), []broadcast.Turn{broadcast.NewTurn(broadcast.TurnAskStopped, broadcast.TrailSecond, false, false), broadcast.TurnStop})
}

func foreignSecond(t *testing.T, n *Node) {
	q, _, j := n.addressed(t, 4)
	q.begin(over(j, "backup"), 0)
	foreign := broadcast.NewTurn(broadcast.TurnAsk, broadcast.TrailSecond, false, true)
	q.want("without a second one", q.begin(j, 0), []broadcast.Turn{foreign})
	q.want("with another one", q.begin(over(j, "other"), 0, 1), []broadcast.Turn{foreign, broadcast.TurnSend})
	q.want("the first one again, and nobody knows which was meant", q.begin(over(j, "backup"), 0, 1), []broadcast.Turn{foreign, foreign})
}

func trailRenewed(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 3)
	second := over(j, "backup")
	q.begin(second, 0, 1)
	q.begin(beside(j, "backup"), 2)
	q.again(beside(j, "backup"), 1, broadcast.ViaSecond)
	q.finish(second, false, broadcast.Result{Ordinal: 0, State: broadcast.Uncertain, Reason: "lost"})
	if changed, err := q.Bury(t.Context(), j, "poison"); err != nil || changed.Uncertain != 2 {
		t.Fatalf("buried %+v, %v", changed, err)
	}
	n.again(t, r, uncertainToo)
	back := beside(q.job(), "backup")
	renewed := func(t broadcast.Trail) broadcast.Turn {
		return broadcast.NewTurn(broadcast.TurnAsk, t, true, false)
	}
	for range 2 {
		q.want("asked for again", q.begin(back, 0, 1, 2), []broadcast.Turn{renewed(broadcast.TrailSecond), renewed(broadcast.TrailSecondOwn), broadcast.TurnAsk})
	}
	q.want("and sent", q.again(back, 1, broadcast.ViaSecond), broadcast.TurnAsk)
	q.want("after a crash", q.begin(back, 1), []broadcast.Turn{asks(broadcast.TrailSecondOwn)})
}

func secondReports(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 4)
	second, backup := over(j, "backup"), n.queue(t, "backup")
	report := func(q carrier, id string, state channels.ReportState, known bool, want broadcast.Changed) {
		t.Helper()
		got, changed, err := q.Report(t.Context(), channels.DeliveryReport{MessageID: id, State: state, Code: "041"})
		if err != nil || got != known || changed != want {
			t.Errorf("report of %s: known %v, %+v, %v, want %v, %+v", id, got, changed, err, known, want)
		}
	}
	report(backup, "early", channels.ReportDelivered, false, broadcast.Changed{})
	q.begin(second, 0, 1, 2)
	q.begin(beside(j, "backup"), 3)
	changed := q.finish(second, true,
		broadcast.Result{Ordinal: 0, State: broadcast.Accepted, Via: broadcast.ViaSecond, Receipt: channels.Receipt{ID: "1"}},
		broadcast.Result{Ordinal: 1, State: broadcast.Accepted, Via: broadcast.ViaSecond, Receipt: channels.Receipt{ID: "early"}},
		broadcast.Result{Ordinal: 2, State: broadcast.Accepted, Via: broadcast.ViaSecond, Receipt: channels.Receipt{ID: "2"}},
		broadcast.Result{Ordinal: 3, State: broadcast.Accepted, Receipt: channels.Receipt{ID: "1"}})
	q.want("an early one", changed, broadcast.Changed{Delivered: 1})
	report(q, "2", channels.ReportFailed, false, broadcast.Changed{}) // the channel's own provider gave no such id
	report(q, "1", channels.ReportFailed, true, broadcast.Changed{Failed: 1})
	report(backup, "1", channels.ReportDelivered, true, broadcast.Changed{Delivered: 1, Channel: "sms"})
	report(backup, "1", channels.ReportDelivered, true, broadcast.Changed{Channel: "sms"})
	report(backup, "2", channels.ReportFailed, true, broadcast.Changed{Failed: 1, Channel: "sms"})
	d := n.delivery(t, r.ID, "sms")
	q.want("counts", []any{d.Accepted, d.Delivered, d.Failed, d.SecondAccepted}, []any{2, 2, 2, 3})
	states, err := n.outcomes(t).States(t.Context(), r.ID, "sms", 0, 4)
	q.want("states", []any{states, err}, []any{[]broadcast.State{broadcast.Delivered, broadcast.Delivered, broadcast.Failed, broadcast.Failed}, nil})
}
