package rdb

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/channels"
)

// taken is what the keys of the authority take in Redis, by kind.
func taken(t testing.TB, r *Redis) (all int64, byKind map[string]int64) {
	t.Helper()
	byKind = map[string]int64{}
	var cursor uint64
	for {
		keys, next, err := r.commands.Scan(t.Context(), cursor, r.keys.tag+"*", 1000).Result()
		if err != nil {
			t.Fatal(err)
		}
		pipe := r.commands.Pipeline()
		sizes := make([]*redis.IntCmd, len(keys))
		for i, key := range keys {
			sizes[i] = pipe.MemoryUsage(t.Context(), key, 0)
		}
		if _, err := pipe.Exec(t.Context()); err != nil && len(keys) > 0 {
			t.Fatal(err)
		}
		for i, key := range keys {
			kind, _, _ := strings.Cut(strings.TrimPrefix(key, r.keys.tag), ":")
			byKind[kind] += sizes[i].Val()
			all += sizes[i].Val()
		}
		if cursor = next; cursor == 0 {
			return all, byKind
		}
	}
}

// used is Redis's own count of its memory, without what its clients' buffers
// happen to take.
func used(t testing.TB, r *Redis) int64 {
	t.Helper()
	info, err := r.commands.InfoMap(t.Context(), "memory").Result()
	if err != nil {
		t.Fatal(err)
	}
	number := func(field string) int64 {
		n, err := strconv.ParseInt(info["Memory"][field], 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", field, err)
		}
		return n
	}
	return number("used_memory") - number("mem_clients_normal") - number("mem_aof_buffer")
}

// buffers is how far Redis's own count may be off: buffers grow and shrink as
// it likes.
const buffers = 512 << 10

// TestAnAlertTo100000TakesLittleOfRedis holds the bars: 1 MB while nobody waits
// for reports, 5 MB while all of them are waited for.
func TestAnAlertTo100000TakesLittleOfRedis(t *testing.T) {
	const people = 100_000
	for name, c := range map[string]struct {
		id  func() string
		bar int64
	}{
		"no reports":      {func() string { return "" }, 1 << 20},
		"ids of 36 bytes": {func() string { return rand.Text() + rand.Text()[:10] }, 5 << 20},
		"ids of 10 bytes": {func() string { return rand.Text()[:10] }, 5 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			r := openServer(t)
			q, err := r.Queue(t.Context(), "sms")
			if err != nil {
				t.Fatal(err)
			}
			rec := broadcasttest.NewRecord(alerts.SeveritySevere, "sms")
			before, _ := taken(t, r)
			usedBefore := used(t, r)
			stored, _, err := r.Store().Intake(t.Context(), rec, []byte("raw"), broadcasttest.NewAct(rec, "submitted"))
			if err != nil {
				t.Fatal(err)
			}
			numbers := make([]uint32, people)
			for i := range numbers {
				numbers[i] = uint32(i + 1)
			}
			if err := r.Publish(t.Context(), broadcasttest.PublicationOf(stored, map[string][]uint32{"sms": numbers})); err != nil {
				t.Fatal(err)
			}
			var jobs []broadcast.Job
			for from := uint32(0); from < people; from += 250 {
				jobs = append(jobs, broadcast.Job{V: 1, Alert: rec.ID, N: len(jobs), From: from, To: from + 250, Urgent: true})
			}
			entries, err := q.Entries(t.Context(), 10)
			if err != nil || len(entries) != 1 {
				t.Fatal(entries, err)
			}
			if n, err := q.Plan(t.Context(), entries[0], 0, jobs, true); err != nil || n != len(jobs) {
				t.Fatal(n, err)
			}
			full, kinds := taken(t, r)
			t.Logf("planned: %d bytes by key %v, %d by Redis", full-before, kinds, used(t, r)-usedBefore)
			var results []broadcast.Result
			for o := range uint32(people) {
				results = append(results, broadcast.Result{Ordinal: o, State: broadcast.Accepted, Receipt: channels.Receipt{ID: c.id()}, Latency: time.Second})
			}
			// Recorded also without the jobs, which stay where they are.
			for some := range slices.Chunk(results, 250) {
				if _, err := q.Finish(t.Context(), broadcast.Job{Alert: rec.ID, EntryID: "x:1-1"}, some, false); err != nil && !errors.Is(err, broadcast.ErrLost) {
					t.Fatal(err)
				}
			}
			if ds, err := r.Deliveries(t.Context(), rec.ID); err != nil || ds[0].Accepted != people {
				t.Fatal(ds, err)
			}
			after, kinds := taken(t, r)
			usedAfter := used(t, r)
			var list []string
			for kind, n := range kinds {
				list = append(list, fmt.Sprintf("%s %d", kind, n))
			}
			slices.Sort(list)
			t.Logf("done: %d bytes by key, %d by Redis: %s", after-before, usedAfter-usedBefore, strings.Join(list, ", "))
			if byKey, all := after-before, usedAfter-usedBefore; byKey > c.bar || all > c.bar+buffers {
				t.Errorf("%d recipients take %d bytes by key, %d in all; want up to %d", people, byKey, all, c.bar)
			}
		})
	}
}
