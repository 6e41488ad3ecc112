package rdb

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/channels"
)

// sentTo publishes an alert to n people, who all get it under these ids; part
// is "" where the message has one.
func sentTo(t testing.TB, r *Redis, n int, id func(o uint32, part string) string, parts ...string) *alerts.Record {
	t.Helper()
	q, err := r.Queue(t.Context(), "sms")
	if err != nil {
		t.Fatal(err)
	}
	rec := broadcasttest.NewRecord(alerts.SeveritySevere, "sms")
	stored, _, err := r.Store().Intake(t.Context(), rec, []byte("raw"), broadcasttest.NewAct(rec, "submitted"))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Publish(t.Context(), broadcasttest.PublicationOf(stored, map[string][]uint32{"sms": make([]uint32, n)})); err != nil {
		t.Fatal(err)
	}
	var results []broadcast.Result
	for o := range uint32(n) {
		res := broadcast.Result{Ordinal: o, State: broadcast.Accepted, Latency: time.Second}
		if len(parts) == 0 {
			res.Receipt.ID = id(o, "")
		}
		for _, p := range parts {
			res.Receipt.Parts = append(res.Receipt.Parts, channels.Part{ID: id(o, p)})
		}
		results = append(results, res)
	}
	_, _ = q.Finish(t.Context(), broadcast.Job{Alert: rec.ID, EntryID: "n:1-1"}, results, false) // recorded also without the job
	return rec
}

// delivered reports a message as delivered.
func delivered(t testing.TB, r *Redis, id string) (known bool, n int) {
	t.Helper()
	q, err := r.Queue(t.Context(), "sms")
	if err != nil {
		t.Fatal(err)
	}
	known, changed, err := q.Report(t.Context(), channels.DeliveryReport{MessageID: id, State: channels.ReportDelivered})
	if err != nil {
		t.Fatal(err)
	}
	return known, changed.Delivered
}

func onBoth(t *testing.T, check func(t *testing.T, r *Redis)) {
	t.Run("in memory", func(t *testing.T) { check(t, open(t, Config{Redis: Memory, Authority: "valdemo"})) })
	t.Run("redis-server", func(t *testing.T) { check(t, openServer(t)) })
}

// A report finds its alert however many are open, also one of which this node
// has not heard yet.
func TestAReportFindsItsRecipientAmongManyAlerts(t *testing.T) {
	onBoth(t, func(t *testing.T, r *Redis) {
		const n = 70
		var all []*alerts.Record
		name := func(k int) func(uint32, string) string {
			return func(o uint32, part string) string { return fmt.Sprintf("id-%d-%d%s", k, o, part) }
		}
		for k := range 3 * newest {
			all = append(all, sentTo(t, r, n, name(k)))
			if known, got := delivered(t, r, fmt.Sprintf("id-%d-%d", k, k)); !known || got != 1 {
				t.Fatalf("alert %d, just sent: known %v, delivered %d", k, known, got)
			}
		}
		for k, rec := range all {
			for _, o := range []int{k, n - 1} {
				if known, got := delivered(t, r, fmt.Sprintf("id-%d-%d", k, o)); !known || (got == 1) != (o != k) {
					t.Errorf("alert %d, recipient %d: known %v, delivered %d", k, o, known, got)
				}
			}
			if ds, err := r.Deliveries(t.Context(), rec.ID); err != nil || ds[0].Delivered != 2 || ds[0].Accepted != n {
				t.Errorf("alert %d: %+v, %v", k, ds, err)
			}
		}
		if known, got := delivered(t, r, "id-0"); known || got != 0 {
			t.Errorf("an id that is the beginning of others: known %v, delivered %d", known, got)
		}
	})
}

func TestAReportThatCameFirstIsAppliedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, r *Redis) {
		_ = sentTo(t, r, 3, func(o uint32, _ string) string { return fmt.Sprint("other-", o) })
		if known, _ := delivered(t, r, "early-1"); known {
			t.Error("known before it was sent")
		}
		rec := sentTo(t, r, 3, func(o uint32, _ string) string { return fmt.Sprint("early-", o) })
		if known, got := delivered(t, r, "early-1"); !known || got != 0 {
			t.Errorf("again: known %v, delivered %d", known, got)
		}
		if ds, err := r.Deliveries(t.Context(), rec.ID); err != nil || ds[0].Delivered != 1 {
			t.Errorf("%+v, %v", ds, err)
		}
	})
}

func TestEachPartOfALongMessageHasItsReport(t *testing.T) {
	onBoth(t, func(t *testing.T, r *Redis) {
		rec := sentTo(t, r, 300, func(o uint32, part string) string { return fmt.Sprint(o, part) }, "a", "b", "c", "d", "e")
		for i, part := range []string{"e", "a", "a", "b", "c", "d"} {
			want := 0
			if i == 5 {
				want = 1
			}
			if known, got := delivered(t, r, "299"+part); !known || got != want {
				t.Errorf("part %s: known %v, delivered %d, want %d", part, known, got, want)
			}
		}
		if ds, err := r.Deliveries(t.Context(), rec.ID); err != nil || ds[0].Delivered != 1 {
			t.Errorf("%+v, %v", ds, err)
		}
	})
}

// What a gateway kept before the receipts were packed still counts.
func TestReceiptsOfAnEarlierVersionAreFound(t *testing.T) {
	onBoth(t, func(t *testing.T, r *Redis) {
		rec := sentTo(t, r, 3, func(o uint32, _ string) string { return fmt.Sprint("new-", o) })
		if err := r.commands.Set(t.Context(), r.keys.oldReceipt("sms", "old-2"), string(rec.ID)+" 2 0 1", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		if known, got := delivered(t, r, "old-2"); !known || got != 1 {
			t.Errorf("known %v, delivered %d", known, got)
		}
	})
}

func TestWhatAnAlertsReceiptsLeaveEndsWithThem(t *testing.T) {
	onBoth(t, func(t *testing.T, r *Redis) {
		first := sentTo(t, r, 100, func(o uint32, _ string) string { return fmt.Sprint("first-", o) })
		var left []string
		for key := range bucketsOf(100) {
			left = append(left, r.keys.receipt("sms", string(first.ID), key))
		}
		for _, key := range left {
			if ttl, err := r.commands.TTL(t.Context(), key).Result(); err != nil || ttl < 72*time.Hour || ttl > 100*time.Hour {
				t.Errorf("%s is kept for %v, %v; want the validity of 6 h and 3 days", key, ttl, err)
			}
		}
		// The same at its end.
		if err := r.commands.Del(t.Context(), left...).Err(); err != nil {
			t.Fatal(err)
		}
		if err := r.commands.HSet(t.Context(), r.keys.receipts("sms"), string(first.ID), fmt.Sprintf("%d %d", bucketsOf(100), time.Now().Add(-time.Minute).UnixMilli())).Err(); err != nil {
			t.Fatal(err)
		}
		second := sentTo(t, r, 3, func(o uint32, _ string) string { return fmt.Sprint("second-", o) })
		all, err := r.commands.HGetAll(t.Context(), r.keys.receipts("sms")).Result()
		if err != nil || len(all) != 2 || all[string(second.ID)] == "" || !strings.HasPrefix(all["v"], "2.") {
			t.Errorf("open are %v, %v; want the second alert alone", all, err)
		}
		if known, _ := delivered(t, r, "first-1"); known {
			t.Error("a receipt is found that is no more")
		}
		if known, got := delivered(t, r, "second-1"); !known || got != 1 {
			t.Errorf("the second alert's: known %v, delivered %d", known, got)
		}
	})
}

// BenchmarkReport finds the recipients of an alert to 100,000.
func BenchmarkReport(b *testing.B) {
	r := openServer(b)
	_ = sentTo(b, r, 100_000, func(o uint32, _ string) string { return fmt.Sprint("id-", o) })
	n := 0
	for b.Loop() {
		if known, _ := delivered(b, r, fmt.Sprint("id-", n%100_000)); !known {
			b.Fatal(n)
		}
		n++
	}
}

// One provider may carry for several channels of an alert, and each has as many
// people as it has.
func TestReportsOverOneProviderFindTheirChannel(t *testing.T) {
	onBoth(t, func(t *testing.T, r *Redis) {
		sizes := map[string]int{"sms": 3000, "calls": 70, "backup": 500}
		rec := broadcasttest.NewRecord(alerts.SeveritySevere, "sms", "calls", "backup")
		stored, _, err := r.Store().Intake(t.Context(), rec, []byte("raw"), broadcasttest.NewAct(rec, "submitted"))
		if err != nil {
			t.Fatal(err)
		}
		people := map[string][]uint32{}
		for name, n := range sizes {
			people[name] = make([]uint32, n)
		}
		if err := r.Publish(t.Context(), broadcasttest.PublicationOf(stored, people)); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"sms", "calls", "backup"} {
			q, err := r.Queue(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			j := broadcast.Job{Alert: rec.ID, EntryID: "n:1-1"}
			via := broadcast.ViaOwn
			if name != "backup" {
				j.Second, via = "backup", broadcast.ViaSecond
			}
			var results []broadcast.Result
			for o := range uint32(50) {
				results = append(results, broadcast.Result{Ordinal: o, State: broadcast.Accepted, Via: via, Latency: time.Second, Receipt: channels.Receipt{ID: fmt.Sprint(name, "-", o)}})
			}
			_, _ = q.Finish(t.Context(), j, results, false) // recorded also without the job
		}
		q, err := r.Queue(t.Context(), "backup")
		if err != nil {
			t.Fatal(err)
		}
		lost := map[string]int{}
		for name := range sizes {
			for o := range 50 {
				known, changed, err := q.Report(t.Context(), channels.DeliveryReport{MessageID: fmt.Sprint(name, "-", o), State: channels.ReportDelivered})
				if err != nil {
					t.Fatal(err)
				}
				want := name
				if name == "backup" {
					want = ""
				}
				if !known || changed.Delivered != 1 || changed.Channel != want {
					lost[name]++
				}
			}
		}
		if len(lost) > 0 {
			t.Errorf("reports that found nobody: %v", lost)
		}
	})
}

// A replica may take over that lacks the newest alerts: what this node knows of
// them is not what the store has, though it counts as many.
func TestAReportFindsItsAlertAfterTheStoreLostAnother(t *testing.T) {
	onBoth(t, func(t *testing.T, r *Redis) {
		name := func(k string) func(uint32, string) string {
			return func(o uint32, _ string) string { return fmt.Sprint(k, "-", o) }
		}
		_ = sentTo(t, r, 3, name("first"))
		key := newKeys("valdemo").receipts("sms")
		before := r.commands.HGetAll(t.Context(), key).Val()
		_ = sentTo(t, r, 3, name("second"))
		if known, got := delivered(t, r, "second-1"); !known || got != 1 {
			t.Fatalf("known %v, delivered %d", known, got)
		}
		if err := r.commands.Del(t.Context(), key).Err(); err != nil {
			t.Fatal(err)
		}
		if err := r.commands.HSet(t.Context(), key, before).Err(); err != nil {
			t.Fatal(err)
		}
		_ = sentTo(t, r, 3, name("third"))
		if known, got := delivered(t, r, "third-1"); !known || got != 1 {
			t.Errorf("known %v, delivered %d", known, got)
		}
	})
}

// Of several reports that came first the first one holds, whatever its order
// with the others is later.
func TestAReportThatWaitsIsNotReplaced(t *testing.T) {
	onBoth(t, func(t *testing.T, r *Redis) {
		q, err := r.Queue(t.Context(), "sms")
		if err != nil {
			t.Fatal(err)
		}
		for _, state := range []channels.ReportState{channels.ReportDelivered, channels.ReportFailed} {
			if known, _, err := q.Report(t.Context(), channels.DeliveryReport{MessageID: "early-0", State: state}); err != nil || known {
				t.Fatal(known, err)
			}
		}
		rec := sentTo(t, r, 1, func(o uint32, _ string) string { return fmt.Sprint("early-", o) })
		if ds, err := r.Deliveries(t.Context(), rec.ID); err != nil || ds[0].Delivered != 1 || ds[0].Failed != 0 {
			t.Errorf("%+v, %v", ds, err)
		}
	})
}

// An exchange may use an id again: a report that came early is of one message.
func TestAReportThatCameFirstIsOfOneMessage(t *testing.T) {
	onBoth(t, func(t *testing.T, r *Redis) {
		_, _ = delivered(t, r, "id-1")
		name := func(o uint32, _ string) string { return fmt.Sprint("id-", o) }
		for want := 1; want >= 0; want-- {
			rec := sentTo(t, r, 3, name)
			if ds, err := r.Deliveries(t.Context(), rec.ID); err != nil || ds[0].Delivered != want {
				t.Errorf("%+v, %v; want %d delivered", ds, err, want)
			}
		}
	})
}

// While an alert is being sent its receipts are waited for as long as those of
// the last message are.
func TestAnAlertsReceiptsAreOpenAsLongAsTheNewest(t *testing.T) {
	onBoth(t, func(t *testing.T, r *Redis) {
		rec := sentTo(t, r, 3, func(o uint32, _ string) string { return fmt.Sprint("first-", o) })
		key, field := r.keys.receipts("sms"), string(rec.ID)
		at, err := r.commands.HGet(t.Context(), key, field).Result()
		if err != nil {
			t.Fatal(err)
		}
		buckets, ends, _ := strings.Cut(at, " ")
		was, err := strconv.ParseInt(ends, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		// As it was when the first ones were sent, two hours ago.
		if err := r.commands.HSet(t.Context(), key, field, fmt.Sprintf("%s %d", buckets, was-2*time.Hour.Milliseconds())).Err(); err != nil {
			t.Fatal(err)
		}
		q, err := r.Queue(t.Context(), "sms")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = q.Finish(t.Context(), broadcast.Job{Alert: rec.ID, EntryID: "n:1-1"}, []broadcast.Result{{Ordinal: 2, State: broadcast.Accepted, Latency: time.Second, Receipt: channels.Receipt{ID: "later"}}}, false)
		now, err := r.commands.HGet(t.Context(), key, field).Result()
		if err != nil {
			t.Fatal(err)
		}
		_, ends, _ = strings.Cut(now, " ")
		if got, err := strconv.ParseInt(ends, 10, 64); err != nil || got < was-time.Minute.Milliseconds() {
			t.Errorf("open until %d, %v; want at least %d", got, err, was)
		}
	})
}
