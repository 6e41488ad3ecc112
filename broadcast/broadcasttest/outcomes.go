package broadcasttest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
)

// TestOutcomes is the contract of broadcast.Outcomes, which n.Work implements
// as well.
func TestOutcomes(t *testing.T, open Open) {
	for name, check := range map[string]func(*testing.T, *Node){
		"failures are told with reason and time, page by page": failuresTold,
		"what failed is sent again, once for each wish":        resent,
		"one recipient is sent again":                          oneResent,
		"uncertain ones are sent again only when asked":        uncertainResent,
		"what is over is not sent again":                       overNotResent,
		"an older job leaves what is sent again alone":         ownedResent,
		"an old report does not undo what is sent again":       oldReport,
		"dead letters are told and come back":                  deadLettersTold,
		"the counts are a recount of the states, always":       recounted,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

func (n *Node) outcomes(t *testing.T) broadcast.Outcomes {
	t.Helper()
	o, ok := n.Work.(broadcast.Outcomes)
	if !ok {
		t.Fatal("the work does not implement broadcast.Outcomes")
	}
	return o
}

// again sends what failed of r once more over sms.
func (n *Node) again(t *testing.T, r *alerts.Record, change ...func(*broadcast.Resend)) broadcast.Resent {
	t.Helper()
	want := broadcast.Resend{Alert: r.ID, Channel: "sms", Act: NewAct(r, "resent")}
	for _, f := range change {
		f(&want)
	}
	got, err := n.outcomes(t).Resend(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func uncertainToo(r *broadcast.Resend) { r.Uncertain = true }

func (n *Node) resentActs(t *testing.T, r *alerts.Record) (count int) {
	t.Helper()
	acts, err := n.Store.Acts(t.Context(), r.Event)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range acts {
		if a.Verb == "resent" {
			count++
		}
	}
	return count
}

func failed(ordinal uint32) broadcast.Result {
	return broadcast.Result{Ordinal: ordinal, State: broadcast.Failed, Reason: fmt.Sprintf("no such number %d", ordinal)}
}

func accepted(ordinal uint32) broadcast.Result {
	return broadcast.Result{Ordinal: ordinal, State: broadcast.Accepted, Latency: time.Second}
}

func failuresTold(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 5)
	q.begin(j, 0, 1, 2, 3, 4)
	before := time.Now().Add(-time.Minute)
	q.finish(j, true, accepted(0), failed(1), broadcast.Result{Ordinal: 2, State: broadcast.Uncertain, Reason: "lost"}, failed(3), failed(4))
	o := n.outcomes(t)
	list, next, more, err := o.Failures(t.Context(), r.ID, "sms", 0, 2, broadcast.Failed, broadcast.Uncertain)
	if err != nil || len(list) != 2 || !more || next != 3 {
		t.Fatalf("first page: %+v, next %d, more %v, %v", list, next, more, err)
	}
	if f := list[0]; f.Ordinal != 1 || f.State != "failed" || f.Reason != "no such number 1" || f.At == nil || f.At.Before(before) || f.At.After(time.Now().Add(time.Minute)) {
		t.Errorf("first failure %+v", f)
	}
	q.want("second", []any{list[1].Ordinal, list[1].State, list[1].Reason}, []any{2, "uncertain", "lost"})
	list, _, more, err = o.Failures(t.Context(), r.ID, "sms", next, 2, broadcast.Failed)
	q.want("rest", []any{len(list), more, err}, []any{2, false, nil})
	states, err := o.States(t.Context(), r.ID, "sms", 1, 6)
	q.want("states", []any{states, err}, []any{[]broadcast.State{broadcast.Failed, broadcast.Uncertain, broadcast.Failed, broadcast.Failed, broadcast.Queued}, nil})
	for what, ask := range map[string]func() error{
		"another channel": func() error { _, err := o.States(t.Context(), r.ID, "telegram", 0, 1); return err },
		"another alert":   func() error { _, _, _, err := o.Failures(t.Context(), "none", "sms", 0, 1); return err },
	} {
		if err := ask(); !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("%s: %v, want alerts.ErrNotFound", what, err)
		}
	}
}

func resent(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 600)
	q.begin(j, numbersFrom(0, 600)...)
	var results []broadcast.Result
	for o := range uint32(600) {
		if o == 7 || o == 300 || o == 599 {
			results = append(results, failed(o))
		} else {
			results = append(results, accepted(o))
		}
	}
	q.finish(j, true, results...)
	wish := func(w *broadcast.Resend) { w.Request = "wish" }
	q.want("counts", n.again(t, r, wish), broadcast.Resent{Failed: 3})
	q.want("the same wish", n.again(t, r, wish), broadcast.Resent{Failed: 3})
	q.want("another wish, with nothing left", n.again(t, r), broadcast.Resent{})
	q.want("acts", n.resentActs(t, r), 1)
	d := n.delivery(t, r.ID, "sms")
	q.want("while it waits", []any{d.Accepted, d.Failed}, []any{597, 0})
	for range 3 {
		again := q.job()
		if again.Again == 0 || again.Key != again.Again || again.Insist || again.Attempt != 1 {
			t.Errorf("job %+v", again)
		}
		var mine []uint32
		for i, turn := range q.begin(again, numbersFrom(again.From, again.To)...) {
			switch turn {
			case broadcast.TurnSend:
				mine = append(mine, again.From+uint32(i))
			case broadcast.TurnSkip:
			default:
				t.Errorf("turn %d", turn)
			}
		}
		q.want("recipients of a job", len(mine), 1)
		q.finish(again, true, accepted(mine[0]))
	}
	d = n.delivery(t, r.ID, "sms")
	q.want("at the end", []any{d.State, d.Accepted, d.Failed}, []any{"done", 600, 0})
	if left, err := q.Take(t.Context(), 5); err != nil || len(left) > 0 {
		t.Errorf("jobs left: %v, %v", left, err)
	}
	// What fails once more is sent once more.
	q.want("nothing to do", n.again(t, r), broadcast.Resent{})
}

func numbersFrom(from, to uint32) (list []uint32) {
	for o := from; o < to; o++ {
		list = append(list, o)
	}
	return list
}

func oneResent(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 3)
	q.begin(j, 0, 1, 2)
	q.finish(j, true, failed(0), failed(1), accepted(2))
	only := func(o uint32) func(*broadcast.Resend) { return func(w *broadcast.Resend) { w.Recipient = &o } }
	q.want("one", n.again(t, r, only(1)), broadcast.Resent{Failed: 1})
	q.want("one who got it", n.again(t, r, only(2)), broadcast.Resent{})
	again := q.job()
	q.want("job", []any{again.From, again.To}, []any{1, 2})
	o := uint32(3)
	if _, err := n.outcomes(t).Resend(t.Context(), broadcast.Resend{Alert: r.ID, Channel: "sms", Recipient: &o}); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("a recipient that there is not: %v", err)
	}
}

func uncertainResent(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 3)
	q.begin(j, 0, 1, 2)
	lost := func(o uint32) broadcast.Result {
		return broadcast.Result{Ordinal: o, State: broadcast.Uncertain, Reason: "lost"}
	}
	q.finish(j, true, lost(0), failed(1), accepted(2))
	q.want("not asked for", n.again(t, r), broadcast.Resent{Failed: 1})
	fresh := q.job()
	q.begin(fresh, 1)
	q.finish(fresh, true, lost(1))
	q.want("asked for", n.again(t, r, uncertainToo), broadcast.Resent{Uncertain: 2})
	keys := map[int64]bool{}
	for range 2 { // those that went by different keys are asked for by them
		again := q.job()
		keys[again.Key] = true
		if !again.Insist {
			t.Errorf("job %+v does not insist", again)
		}
		for i, turn := range q.begin(again, numbersFrom(again.From, again.To)...) {
			if turn == broadcast.TurnSend || turn == broadcast.TurnStop {
				t.Errorf("ordinal %d: turn %d", int(again.From)+i, turn)
			}
		}
		q.finish(again, true, accepted(again.From))
	}
	q.want("keys", []any{keys[0], keys[fresh.Key], len(keys)}, []any{true, true, 2})
	d := n.delivery(t, r.ID, "sms")
	q.want("at the end", []any{d.State, d.Accepted}, []any{"done", 3})
}

func overNotResent(t *testing.T, n *Node) {
	q, first, j := n.addressed(t, 2)
	q.begin(j, 0)
	q.finish(j, true, failed(0), accepted(1))
	n.issue(t, Revise(first, alerts.ChangeCancelled), map[string][]uint32{"sms": numbers(2)})
	_, err := n.outcomes(t).Resend(t.Context(), broadcast.Resend{Alert: first.ID, Channel: "sms", Act: NewAct(first, "resent")})
	refusal := new(alerts.Refusal)
	if !errors.Is(err, alerts.ErrNotSendable) || !errors.As(err, &refusal) || len(refusal.Problems) == 0 {
		t.Errorf("a cancelled alert: %v", err)
	}
	q.want("acts", n.resentActs(t, first), 0)
	if _, err := n.outcomes(t).Resend(t.Context(), broadcast.Resend{Alert: first.ID, Channel: "telegram"}); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("a channel that is not in the plan: %v", err)
	}
}

// An older job may come back from a worker that died.
func ownedResent(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 4)
	q.begin(j, 0, 1)
	q.finish(j, false, failed(0), failed(1))
	q.want("counts", n.again(t, r), broadcast.Resent{Failed: 2})
	q.want("the older job", q.begin(j, 0, 1, 2, 3), []broadcast.Turn{broadcast.TurnSkip, broadcast.TurnSkip, broadcast.TurnSend, broadcast.TurnSend})
	again := q.job()
	q.want("the one that sends again", q.begin(again, 0, 1), []broadcast.Turn{broadcast.TurnSend, broadcast.TurnSend})
	turn, err := q.Again(t.Context(), j, 0, broadcast.ViaOwn)
	q.want("once more by the older job", []any{turn, err}, []any{broadcast.TurnSkip, nil})
	q.finish(j, false, failed(0)) // late, of the first attempt
	d := n.delivery(t, r.ID, "sms")
	q.want("an old no says nothing", d.Failed, 0)
	changed, err := q.Bury(t.Context(), j, "gave up")
	q.want("burying the older one", []any{changed, err}, []any{broadcast.Changed{Uncertain: 2}, nil})
	q.finish(again, true, accepted(0), accepted(1))
	d = n.delivery(t, r.ID, "sms")
	q.want("at the end", []any{d.Accepted, d.Uncertain, d.Failed}, []any{2, 2, 0})
}

func oldReport(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 2)
	q.begin(j, 0, 1)
	with := func(o uint32, id string) broadcast.Result {
		res := accepted(o)
		res.Receipt = channels.Receipt{ID: id}
		return res
	}
	report := func(id string, state channels.ReportState) {
		t.Helper()
		if _, _, err := q.Report(t.Context(), channels.DeliveryReport{MessageID: id, State: state, Code: "041"}); err != nil {
			t.Fatal(err)
		}
	}
	q.finish(j, true, with(0, "a"), with(1, "b"))
	report("a", channels.ReportFailed)
	report("b", channels.ReportFailed)
	q.want("counts", n.again(t, r), broadcast.Resent{Failed: 2})
	again := q.job()
	q.begin(again, 0, 1)
	q.finish(again, true, with(0, "c"), with(1, "d"))
	report("a", channels.ReportFailed) // doubled
	d := n.delivery(t, r.ID, "sms")
	q.want("after the old failure", []any{d.Accepted, d.Failed}, []any{2, 0})
	report("b", channels.ReportDelivered) // it arrived after all
	report("c", channels.ReportFailed)
	d = n.delivery(t, r.ID, "sms")
	q.want("after all", []any{d.Delivered, d.Failed}, []any{1, 1})
}

func deadLettersTold(t *testing.T, n *Node) {
	q, r, j := n.addressed(t, 4)
	q.begin(j, 0, 1)
	q.finish(j, false, accepted(0))
	if _, err := q.Bury(t.Context(), j, "gave up"); err != nil {
		t.Fatal(err)
	}
	o := n.outcomes(t)
	for what, alert := range map[string]alerts.ID{"of the alert": r.ID, "of all": ""} {
		dead, err := o.DeadLetters(t.Context(), alert, "", 10)
		if err != nil || len(dead) != 1 {
			t.Fatalf("%s: %+v, %v", what, dead, err)
		}
		d := dead[0]
		if d.Channel != "sms" || d.Alert != r.ID || d.From != 0 || d.To != 4 || d.Failed != 2 || d.Uncertain != 1 || d.Reason != "gave up" || d.Taken != 1 || time.Since(d.Since).Abs() > time.Minute {
			t.Errorf("%s: %+v", what, d)
		}
	}
	other := n.issue(t, NewRecord(alerts.SeverityMinor, "sms"), map[string][]uint32{"sms": numbers(1)})
	dead, err := o.DeadLetters(t.Context(), other.ID, "sms", 10)
	q.want("of another alert", []any{len(dead), err}, []any{0, nil})

	q.want("what surely failed", n.again(t, r), broadcast.Resent{Failed: 2})
	dead, err = o.DeadLetters(t.Context(), r.ID, "sms", 10)
	q.want("one is still in doubt", []any{len(dead), err}, []any{1, nil})
	again := q.job()
	q.begin(again, 2, 3)
	q.finish(again, true, failed(2), accepted(3))
	// A replay of the dead letter opens nothing that another job has.
	moved, err := q.Replay(t.Context(), r.ID)
	q.want("replayed", []any{moved, err}, []any{1, nil})
	back := q.job()
	q.want("turns", q.begin(back, 0, 1, 2, 3), []broadcast.Turn{broadcast.TurnSkip, broadcast.TurnAsk, broadcast.TurnSkip, broadcast.TurnSkip})
	if _, err := q.Bury(t.Context(), back, "gave up again"); err != nil {
		t.Fatal(err)
	}
	q.want("all", n.again(t, r, uncertainToo), broadcast.Resent{Failed: 1, Uncertain: 1})
	dead, err = o.DeadLetters(t.Context(), r.ID, "", 10)
	q.want("none is left", []any{len(dead), err}, []any{0, nil})
}

// recounted plays random games and recounts after each move.
func recounted(t *testing.T, n *Node) {
	const people, moves = 40, 150
	for range 3 {
		seed := rand.Uint64()
		q, r, j := n.addressed(t, people)
		g := &game{n: n, dice: rand.New(rand.NewPCG(seed, 1)), q: q, r: r, jobs: []broadcast.Job{j}}
		if depth, err := q.Depth(t.Context()); err == nil {
			g.others = depth.Normal.Jobs - 1
		}
		for move := range moves {
			what := g.move(t)
			states, err := n.outcomes(t).States(t.Context(), r.ID, "sms", 0, people)
			if err != nil {
				t.Fatal(err)
			}
			count := map[broadcast.State]int{}
			for _, s := range states {
				count[s]++
			}
			d := n.delivery(t, r.ID, "sms")
			trying, err := q.Trying(t.Context(), r.ID)
			got := fmt.Sprint(trying, d.Accepted, d.Delivered, d.Failed, d.Uncertain, d.Expired, d.Suppressed)
			want := fmt.Sprint(count[broadcast.Trying], count[broadcast.Accepted]+count[broadcast.Delivered], count[broadcast.Delivered], count[broadcast.Failed],
				count[broadcast.Uncertain], count[broadcast.Expired], count[broadcast.Suppressed])
			if err != nil || got != want {
				t.Fatalf("seed %d, move %d (%s): the counts say %s, the states %s, %v", seed, move, what, got, want, err)
			}
			list, _, more, err := n.outcomes(t).Failures(t.Context(), r.ID, "sms", 0, people, broadcast.Failed)
			if err != nil || more || len(list) != count[broadcast.Failed] {
				t.Fatalf("seed %d, move %d (%s): %d failures are listed of %d, %v", seed, move, what, len(list), count[broadcast.Failed], err)
			}
		}
	}
}

// game is one channel of one alert in the hands of chance.
type game struct {
	n    *Node
	q    carrier
	r    *alerts.Record
	dice *rand.Rand
	jobs []broadcast.Job // in hand
	ids  []string        // of messages that were accepted

	others int // jobs of earlier games
}

func (g *game) some(j broadcast.Job) (list []uint32) {
	for o := j.From; o < j.To; o++ {
		if g.dice.IntN(4) == 0 {
			list = append(list, o)
		}
	}
	return list
}

func (g *game) results(ordinals []uint32) (list []broadcast.Result) {
	ends := []broadcast.State{broadcast.Accepted, broadcast.Accepted, broadcast.Failed, broadcast.Uncertain, broadcast.Expired, broadcast.Suppressed}
	for _, o := range ordinals {
		res := broadcast.Result{Ordinal: o, State: ends[g.dice.IntN(len(ends))], Reason: "r"}
		if res.State == broadcast.Accepted {
			for range 1 + g.dice.IntN(2) {
				id := fmt.Sprintf("%s-%d", g.r.ID, len(g.ids))
				g.ids = append(g.ids, id)
				res.Receipt.Parts = append(res.Receipt.Parts, channels.Part{ID: id})
			}
			res.Latency = time.Duration(g.dice.IntN(5000)) * time.Millisecond
		}
		list = append(list, res)
	}
	return list
}

func (g *game) move(t *testing.T) string {
	t.Helper()
	ctx := t.Context()
	known := func(err error) {
		t.Helper()
		if err != nil && !errors.Is(err, broadcast.ErrLost) {
			t.Fatal(err)
		}
	}
	drop := func(i int) { g.jobs = append(g.jobs[:i:i], g.jobs[i+1:]...) }
	at := 0
	if len(g.jobs) > 0 {
		at = g.dice.IntN(len(g.jobs))
	}
	switch dice := g.dice.IntN(12); {
	case dice < 3 && len(g.jobs) > 0:
		if some := g.some(g.jobs[at]); len(some) > 0 {
			_, err := g.q.Begin(ctx, g.jobs[at], some)
			known(err)
		}
		return "begin"
	case dice < 6 && len(g.jobs) > 0:
		last := g.dice.IntN(8) == 0
		_, err := g.q.Finish(ctx, g.jobs[at], g.results(g.some(g.jobs[at])), last)
		known(err)
		if last {
			drop(at)
		}
		return "finish"
	case dice == 6 && len(g.jobs) > 0:
		j := g.jobs[at]
		known(g.q.Retry(ctx, j, 0, g.some(j), "busy"))
		drop(at)
		_, err := g.q.Move(ctx, 10)
		known(err)
		return "retry"
	case dice == 7 && len(g.jobs) > 0:
		_, err := g.q.Bury(ctx, g.jobs[at], "gave up")
		known(err)
		drop(at)
		return "bury"
	case dice == 8 && len(g.ids) > 0:
		state := []channels.ReportState{channels.ReportDelivered, channels.ReportFailed}[g.dice.IntN(2)]
		_, _, err := g.q.Report(ctx, channels.DeliveryReport{MessageID: g.ids[g.dice.IntN(len(g.ids))], State: state, Code: "041"})
		known(err)
		return "report"
	case dice == 9:
		_, err := g.q.Replay(ctx, g.r.ID)
		known(err)
		return "replay"
	case dice == 10:
		g.n.again(t, g.r, func(w *broadcast.Resend) { w.Uncertain = g.dice.IntN(2) == 0 })
		return "resend"
	}
	depth, err := g.q.Depth(ctx)
	known(err)
	if depth.Normal.Jobs > len(g.jobs)+g.others { // else taking would wait
		jobs, err := g.q.Take(ctx, 1)
		known(err)
		for _, j := range jobs {
			if j.Alert == g.r.ID {
				g.jobs = append(g.jobs, j)
			}
		}
	}
	return "take"
}
