package rdb

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/callout"
	"martinella/channels"
)

// calling opens a call to people and pages them by a channel.
func calling(t testing.TB, r *Redis, channel string, people ...uint32) (*volunteers.Call, *callout.Page) {
	t.Helper()
	now := time.Now()
	call := broadcasttest.NewCall(now)
	stored, err := r.Callouts().Open(t.Context(), call, broadcasttest.LegsOf(now, 0, people...), broadcasttest.CallAct(call, "called", now))
	if err != nil {
		t.Fatal(err)
	}
	return stored, paging(t, r, channel)
}

// paging pages the legs that are due by a channel.
func paging(t testing.TB, r *Redis, channel string) *callout.Page {
	t.Helper()
	round, err := r.Callouts().Take(t.Context(), time.Now(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	legs, people := make([]volunteers.Leg, len(round.Legs)), make([]uint32, len(round.Legs))
	for i, l := range round.Legs {
		people[i] = l.Number
		l.Step, l.Due = l.Step+1, time.Now().Add(time.Hour)
		legs[i] = l
	}
	p := broadcasttest.PageOf(round.Call, time.Now(), channel, people...)
	if err := r.Callouts().Page(t.Context(), round, p, legs, time.Time{}); err != nil {
		t.Fatal(err)
	}
	return p
}

func answering(t testing.TB, r *Redis, call *volunteers.Call, number uint32, note string) callout.Answered {
	t.Helper()
	a := volunteers.Answer{Kind: volunteers.Coming, At: time.Now(), Via: "page", Note: note}
	done, err := r.Callouts().Answer(t.Context(), call.ID, number, a, broadcasttest.CallAct(call, "answered", time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestAPageIsNoAlert(t *testing.T) {
	r := openMemory(t)
	if _, err := r.Queue(t.Context(), "sms"); err != nil {
		t.Fatal(err)
	}
	before, err := r.Log().Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, page := calling(t, r, "sms", 1, 2)
	rec := broadcasttest.NewRecord(alerts.SeverityMinor, "sms")
	stored, _, err := r.Store().Intake(t.Context(), rec, nil, broadcasttest.NewAct(rec, "submitted"))
	if err == nil {
		err = r.Publish(t.Context(), broadcasttest.PublicationOf(stored, nil))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, which := range []alerts.Latest{alerts.Exactly, alerts.Newest, alerts.Published} {
		if got, err := r.Store().Get(t.Context(), page.Record.ID, which); !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("read as an alert: %v, %v", got, err)
		}
	}
	if got, err := r.Store().Find(t.Context(), page.Record.Alert.Sender, page.Record.Alert.Identifier); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("found as an alert: %v, %v", got, err)
	}
	for got, err := range r.Store().All(t.Context(), alerts.Filter{}) {
		if err != nil || got.ID != rec.ID {
			t.Errorf("listed: %v, %v", got, err)
		}
	}
	if all, err := r.Store().Watched(t.Context(), time.Now().Add(-time.Hour)); err != nil || len(all) > 0 {
		t.Errorf("watched: %v, %v", all, err)
	}
	for _, most := range []int{1, 10} { // the page stands before the alert in the log
		entries, err := r.Log().After(t.Context(), before, most)
		if err != nil || len(entries) != 1 || entries[0].Record.ID != rec.ID {
			t.Errorf("the log gives %v, %v", entries, err)
		}
	}
	for e, err := range r.Log().Tail(t.Context(), before) {
		if err != nil || e.Record.ID != rec.ID {
			t.Errorf("the log's tail gives %v, %v", e, err)
		}
		break
	}
	_, paged := calling(t, r, "sms", 3)
	for e, err := range r.Log().Tail(t.Context(), broadcast.Cursor(page.Record.Cursor)) {
		if err == nil && e.Record == nil { // the cursor goes on over the page behind the alert
			if e.Cursor != broadcast.Cursor(paged.Record.Cursor) {
				t.Errorf("the cursor is %s, want %s", e.Cursor, paged.Record.Cursor)
			}
			break
		}
		if err != nil || e.Record.ID != rec.ID {
			t.Fatalf("the log's tail gives %v, %v", e, err)
		}
	}
	if d, err := r.Deliveries(t.Context(), page.Record.ID); err != nil || len(d) != 1 || d[0].Total != 2 {
		t.Errorf("how it goes: %+v, %v", d, err)
	}
}

func TestWhatNamesVolunteersIsSealed(t *testing.T) {
	r := openMemory(t)
	call, _ := calling(t, r, "sms", 1)
	answering(t, r, call, 1, "al lavoro in fonderia")
	if err := r.Callouts().Message(t.Context(), call.ID, callout.Message{Number: 1, At: time.Now(), Via: "sms", Text: "sono in fonderia"}); err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, suffix := range []string{"", ":answers", ":messages", ":legs", ":paged", ":present"} {
		fields, err := r.commands.HGetAll(t.Context(), r.keys.call(call.ID)+suffix).Result()
		if err != nil {
			t.Fatal(err)
		}
		all = fmt.Append(all, fields)
	}
	for _, word := range []string{"fonderia", "Referente", "+39040", "via del Ponte", "Sala operativa"} {
		if bytes.Contains(all, []byte(word)) {
			t.Errorf("%q is stored in plain", word)
		}
	}
	if len(all) < 500 {
		t.Errorf("only %d bytes were looked at", len(all))
	}
}

// What is tried and halted is asked for, and never sent again; who is busy and
// has answered otherwise is not called once more; a retry brings nothing back.
func TestHaltedPagesComeBackByNoWay(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *Redis{"in memory": openMemory, "on redis-server": openServer} {
		t.Run(name, func(t *testing.T) {
			r := open(t)
			q, err := r.Queue(t.Context(), "voice")
			if err != nil {
				t.Fatal(err)
			}
			call, page := calling(t, r, "voice", 1, 2, 3, 4)
			id := page.Record.ID
			take := func() broadcast.Job {
				t.Helper()
				jobs, err := q.Take(t.Context(), 1)
				if err != nil || len(jobs) != 1 {
					t.Fatalf("%d jobs, %v", len(jobs), err)
				}
				return jobs[0]
			}
			begin := func(j broadcast.Job, want ...broadcast.Turn) {
				t.Helper()
				got, err := q.Begin(t.Context(), j, []uint32{0, 1, 2, 3})
				if err != nil || !slices.Equal(got, want) {
					t.Fatalf("turns %v, %v, want %v", got, err, want)
				}
			}
			entries, err := q.Entries(t.Context(), 1)
			if err != nil || len(entries) != 1 || entries[0].Record.ID != id {
				t.Fatalf("entries %v, %v", entries, err)
			}
			if _, err := q.Plan(t.Context(), entries[0], 0, []broadcast.Job{{V: 1, Alert: id, To: 4, Urgent: true}}, true); err != nil {
				t.Fatal(err)
			}
			j := take()
			begin(j, broadcast.TurnSend, broadcast.TurnSend, broadcast.TurnSend, broadcast.TurnSend)
			if _, err := q.Finish(t.Context(), j, []broadcast.Result{{Ordinal: 3, State: broadcast.Accepted, Receipt: channels.Receipt{ID: "call-4"}}}, false); err != nil {
				t.Fatal(err)
			}
			for n := uint32(1); n <= 4; n++ {
				want := 1
				if n == 4 { // it was settled
					want = 0
				}
				if done := answering(t, r, call, n, ""); done.Unavoidable != want {
					t.Errorf("person %d: %d unavoidable, want %d", n, done.Unavoidable, want)
				}
			}
			if turn, err := q.Again(t.Context(), j, 1); err != nil || turn.Do() != broadcast.TurnAskHalted {
				t.Errorf("once more: %v, %v", turn, err)
			}
			if _, _, err := q.Report(t.Context(), channels.DeliveryReport{MessageID: "call-4", State: channels.ReportFailed, Again: 3, Code: "busy", At: time.Now()}); err != nil {
				t.Fatal(err)
			}
			j.Attempt++
			if err := q.Retry(t.Context(), j, 0, []uint32{0}, "no room"); err != nil {
				t.Fatal(err)
			}
			for {
				n, err := q.Move(t.Context(), 10)
				if err != nil {
					t.Fatal(err)
				}
				if n > 0 {
					break
				}
			}
			begin(take(), broadcast.TurnHalt, broadcast.TurnAskHalted, broadcast.TurnAskHalted, broadcast.TurnSkip)
			if d, err := q.Depth(t.Context()); err != nil || d.Delayed != 0 {
				t.Errorf("who was busy and has answered is called again: %+v, %v", d, err)
			}
		})
	}
}

// A person is erased, and the node dies before calls have forgotten them.
func TestErasureIsFinishedInCalls(t *testing.T) {
	r := openMemory(t)
	number, _, err := r.People().Add(t.Context(), broadcast.Subscriber{V: 1, Contacts: map[string]string{"phone": "+393330000001"}, Language: "it", Areas: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	call, _ := calling(t, r, "sms", number, 77)
	answering(t, r, call, number, "al lavoro")
	forgotten := func(want bool) {
		t.Helper()
		sheet, err := r.Callouts().Sheet(t.Context(), call.ID)
		if err != nil || (len(sheet) == 1 && sheet[0].Number == 77) != want {
			t.Fatalf("the sheet is %+v, %v", sheet, err)
		}
	}
	script := r.scripts.forgetcalled
	r.scripts.forgetcalled = r.scripts.head // the node dies before this one
	if err := r.People().Erase(t.Context(), number); err != nil {
		t.Fatal(err)
	}
	forgotten(false)
	r.scripts.forgetcalled = script
	if err := r.Callouts().forgetErased(t.Context()); err != nil {
		t.Fatal(err)
	}
	forgotten(true)
	if n, err := r.commands.Exists(t.Context(), r.keys.callsForget()).Result(); err != nil || n != 0 {
		t.Errorf("it is asked for still: %d, %v", n, err)
	}
	// A node that knew them comes late.
	now := time.Now()
	if _, err := r.Callouts().Change(t.Context(), call.ID, broadcasttest.LegsOf(now, 1, number), nil, func(*volunteers.Call) error { return nil }); err != nil {
		t.Fatal(err)
	}
	err = r.Callouts().Attend(t.Context(), call.ID, number, nil, func(p *volunteers.Presence) (bool, error) { p.Arrived = now; return true, nil })
	if !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("the presence of one who was erased: %v", err)
	}
	if err := r.Callouts().Message(t.Context(), call.ID, callout.Message{Number: number}); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("a message of one who was erased: %v", err)
	}
	forgotten(true)
}

func TestLegsEndAndCallsStay(t *testing.T) {
	r := openServer(t)
	q, err := r.Queue(t.Context(), "sms")
	if err != nil {
		t.Fatal(err)
	}
	call, page := calling(t, r, "sms", 1, 2)
	answering(t, r, call, 1, "")
	entries, err := q.Entries(t.Context(), 1)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	if _, err := q.Plan(t.Context(), entries[0], 0, []broadcast.Job{{V: 1, Alert: page.Record.ID, To: 2}}, true); err != nil {
		t.Fatal(err)
	}
	if err := r.Callouts().Attend(t.Context(), call.ID, 1, nil, func(p *volunteers.Presence) (bool, error) { p.Arrived = call.Meet; return true, nil }); err != nil {
		t.Fatal(err)
	}
	k, id := r.keys, page.Record.ID
	ends, stays := time.Until(call.Until)+broadcast.KeepDeliveries, time.Duration(-1)
	for key, want := range map[string]time.Duration{
		k.callLegs(call.ID): ends, k.callDue(call.ID): ends, k.callPages(call.ID): ends, k.callPaged(call.ID): ends,
		k.record(id): ends, k.out(id): ends, k.tally(id, "sms"): ends, k.snapshot(id, "sms"): ends, k.reasons(id, "sms"): ends,
		k.call(call.ID): stays, k.callAnswers(call.ID): stays, k.callPresent(call.ID): stays, k.calls(): stays,
	} {
		got, err := r.commands.PTTL(t.Context(), key).Result()
		if err != nil || want < 0 && got != want || want > 0 && (got > want+time.Minute || got < want-time.Minute) {
			t.Errorf("%s ends after %v, %v, want %v", key, got, err, want)
		}
	}
}
