package rdb

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
)

// other opens a second node on the store of r.
func other(t testing.TB, r *Redis, dial func(context.Context, string, string) (net.Conn, error)) *Redis {
	t.Helper()
	if r.shared != nil {
		cfg := r.cfg
		cfg.Shared = r.shared
		return open(t, cfg)
	}
	return open(t, Config{Redis: "unix://" + r.server.socket, Authority: r.cfg.Authority, DataDir: r.cfg.DataDir, Dial: dial})
}

// both runs a test in memory and on a real server.
func both(t *testing.T, check func(*testing.T, *Redis)) {
	t.Run("memory", func(t *testing.T) { check(t, openMemory(t)) })
	t.Run("redis-server", func(t *testing.T) { check(t, openServer(t)) })
}

// issue stores and publishes a new record.
func issue(t testing.TB, r *Redis, severity alerts.Severity, people map[string][]uint32, channels ...string) *alerts.Record {
	t.Helper()
	rec := broadcasttest.NewRecord(severity, channels...)
	if _, _, err := r.Store().Intake(t.Context(), rec, []byte("raw"), broadcasttest.NewAct(rec, "submitted")); err != nil {
		t.Fatal(err)
	}
	p := broadcasttest.PublicationOf(rec, people)
	if err := r.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return p.Record
}

// swallow passes a connection on and, while armed, cuts it after the server
// has worked and before the client hears of it (fault 18).
type swallow struct {
	armed atomic.Int64 // replies still to be swallowed
	eaten atomic.Int64
}

func (s *swallow) dial(socket string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, "unix", socket)
		return &swallowed{c, s}, err
	}
}

type swallowed struct {
	net.Conn
	s *swallow
}

func (c *swallowed) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && c.s.armed.Add(-1) >= 0 {
		c.s.eaten.Add(1)
		return 0, errors.Join(io.EOF, c.Conn.Close())
	}
	return n, err
}

func TestSwallowedRepliesMakeNoDuplicate(t *testing.T) {
	r := openServer(t)
	var s swallow
	cut := other(t, r, s.dial(r.server.socket))
	for range 20 {
		rec := broadcasttest.NewRecord(alerts.SeveritySevere, "web")
		s.armed.Store(2)
		stored, fresh, err := cut.Store().Intake(t.Context(), rec, nil, broadcasttest.NewAct(rec, "submitted"))
		if err != nil || !fresh {
			t.Fatalf("intake: fresh %v, %v: the first attempt was this very call", fresh, err)
		}
		s.armed.Store(2)
		if err := cut.Publish(t.Context(), broadcasttest.PublicationOf(stored, nil)); err != nil {
			t.Fatalf("publish: %v: the first attempt was this very call", err)
		}
		lapsed := stored.Clone()
		lapsed.State = alerts.StateLapsed
		issued := stored.Clone()
		issued.State = alerts.StateIssued
		s.armed.Store(2)
		if err := cut.Store().Move(t.Context(), issued, lapsed, broadcasttest.NewAct(stored, "lapsed")); err != nil {
			t.Fatalf("move: %v: the first attempt was this very call", err)
		}
		acts, err := r.Store().Acts(t.Context(), rec.Event)
		if err != nil || len(acts) != 3 {
			t.Fatalf("%d acts, %v, want 3", len(acts), err)
		}
	}
	s.armed.Store(0)
	if s.eaten.Load() < 60 {
		t.Fatalf("only %d replies were swallowed: the test proves nothing", s.eaten.Load())
	}
	entries, err := r.Log().After(t.Context(), "", 100)
	if err != nil || len(entries) != 20 {
		t.Errorf("%d log entries, %v, want 20", len(entries), err)
	}
}

func TestForgottenScriptsAreLoadedAgain(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		for range 5 {
			if err := r.commands.ScriptFlush(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			issue(t, r, alerts.SeverityMinor, nil, "web")
		}
	})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		cfg := aged(t, r, Schema+1)
		second, err := Open(t.Context(), cfg, quiet(t))
		if !errors.Is(err, ErrNewerSchema) {
			t.Errorf("got %v, want ErrNewerSchema", err)
		}
		if err == nil {
			_ = second.Close()
		}
	})
}

// TestFullStore is fault 10: what is not urgent is refused whole, what is
// urgent is taken, and sending, retries and leases go on.
func TestFullStore(t *testing.T) {
	needServer(t)
	r := open(t, Config{Authority: "valdemo", DataDir: t.TempDir(), MaxMemory: 8 << 20})
	q, err := r.Queue(t.Context(), "sms")
	if err != nil {
		t.Fatal(err)
	}
	before := issue(t, r, alerts.SeverityMinor, map[string][]uint32{"sms": {1, 2, 3}}, "sms")
	planned, err := q.Entries(t.Context(), 1)
	if err != nil || len(planned) != 1 {
		t.Fatalf("%d entries, %v", len(planned), err)
	}
	waiting := broadcasttest.NewRecord(alerts.SeverityMinor, "sms")
	if _, _, err := r.Store().Intake(t.Context(), waiting, nil, broadcasttest.NewAct(waiting, "submitted")); err != nil {
		t.Fatal(err)
	}
	if got := r.commands.ConfigGet(t.Context(), "maxmemory").Val()["maxmemory"]; got != itoa(8<<20) {
		t.Errorf("maxmemory is %s", got)
	}
	if err := r.commands.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil { // full from now on, whatever is freed
		t.Fatal(err)
	}
	minor := broadcasttest.NewRecord(alerts.SeverityMinor, "sms")
	if _, _, err := r.Store().Intake(t.Context(), minor, nil, broadcasttest.NewAct(minor, "submitted")); !errors.Is(err, alerts.ErrUnavailable) {
		t.Errorf("a Minor alert: %v, want alerts.ErrUnavailable", err)
	}
	if _, err := r.Store().Find(t.Context(), minor.Alert.Sender, minor.Alert.Identifier); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("half of it was stored: %v", err)
	}
	if err := r.Publish(t.Context(), broadcasttest.PublicationOf(waiting, nil)); !errors.Is(err, alerts.ErrUnavailable) {
		t.Errorf("publishing a Minor one: %v, want alerts.ErrUnavailable", err)
	}
	issue(t, r, alerts.SeverityExtreme, map[string][]uint32{"sms": {1, 2, 3}}, "sms")

	// What goes on: plan, take, begin, retry, move, finish, bury, lease, pace.
	c := t.Context()
	if _, err := q.Plan(c, planned[0], 0, []broadcast.Job{{V: 1, Alert: before.ID, To: 3}}, true); err != nil {
		t.Fatalf("plan: %v", err)
	}
	jobs, err := q.Take(c, 1)
	if err != nil || len(jobs) != 1 {
		t.Fatalf("take: %d, %v", len(jobs), err)
	}
	if _, err := q.Begin(c, jobs[0], []uint32{0, 1}); err != nil {
		t.Fatalf("begin: %v", err)
	}
	if err := q.Retry(c, jobs[0], 0, []uint32{1}, "busy"); err != nil {
		t.Fatalf("retry: %v", err)
	}
	if n, err := q.Move(c, 1); err != nil || n != 1 {
		t.Fatalf("move: %d, %v", n, err)
	}
	if jobs, err = q.Take(c, 1); err != nil || len(jobs) != 1 {
		t.Fatalf("take again: %d, %v", len(jobs), err)
	}
	if _, err := q.Finish(c, jobs[0], []broadcast.Result{{Ordinal: 0, State: broadcast.Accepted}}, false); err != nil {
		t.Fatalf("finish: %v", err)
	}
	if _, err := q.Bury(c, jobs[0], "enough"); err != nil {
		t.Fatalf("bury: %v", err)
	}
	if err := r.refreshLease(c); err != nil {
		t.Fatalf("lease: %v", err)
	}
	if _, err := q.Replay(c, before.ID); err != nil {
		t.Fatalf("replay: %v", err)
	}
	other(t, r, nil) // a full store still opens
}

func TestLostEntryIsCountedNeverAPanic(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		q, err := r.Queue(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		issue(t, r, alerts.SeverityMinor, nil, "web")
		if got, err := q.Entries(t.Context(), 1); err != nil || len(got) != 1 {
			t.Fatalf("%d entries, %v", len(got), err)
		}
		if err := r.commands.XTrimMaxLen(t.Context(), r.keys.log(), 0).Err(); err != nil { // somebody by hand
			t.Fatal(err)
		}
		second := other(t, r, nil)
		second.liveness.Lock()
		second.liveness.dead = []string{r.node}
		second.liveness.Unlock()
		q2, err := second.Queue(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := q2.Entries(t.Context(), 1); err != nil || len(got) != 0 {
			t.Errorf("%d entries, %v", len(got), err)
		}
		if second.LostPending() != 1 {
			t.Errorf("%d lost entries are counted, want 1", second.LostPending())
		}
	})
}

// TestOneRescuerWins is fault 42: eight nodes take over what a dead one held.
func TestOneRescuerWins(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		q, err := r.Queue(t.Context(), "sms")
		if err != nil {
			t.Fatal(err)
		}
		issue(t, r, alerts.SeverityMinor, map[string][]uint32{"sms": make([]uint32, 100)}, "sms")
		p, err := q.Entries(t.Context(), 1)
		if err != nil || len(p) != 1 {
			t.Fatalf("%d entries, %v", len(p), err)
		}
		var jobs []broadcast.Job
		for i := range uint32(100) {
			jobs = append(jobs, broadcast.Job{V: 1, Alert: p[0].Record.ID, N: int(i), From: i, To: i + 1})
		}
		if _, err := q.Plan(t.Context(), p[0], 0, jobs, true); err != nil {
			t.Fatal(err)
		}
		held, err := q.Take(t.Context(), 100)
		if err != nil || len(held) != 100 {
			t.Fatalf("took %d, %v", len(held), err)
		}
		var mu sync.Mutex
		claimed := map[string]int{}
		var wg sync.WaitGroup
		for range 8 {
			rescuer := other(t, r, nil)
			rescuer.liveness.Lock()
			rescuer.liveness.dead = []string{r.node}
			rescuer.liveness.Unlock()
			rq, err := rescuer.Queue(t.Context(), "sms")
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				for {
					got, err := rq.Recover(t.Context(), nil)
					if err != nil {
						t.Error(err)
					}
					if len(got) == 0 || err != nil {
						return
					}
					mu.Lock()
					for _, j := range got {
						claimed[j.EntryID]++
						if j.Taken != 2 {
							t.Errorf("job %d was taken %d times, want 2", j.N, j.Taken)
						}
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(claimed) != 100 {
			t.Errorf("%d jobs were rescued, want 100", len(claimed))
		}
		for id, n := range claimed {
			if n != 1 {
				t.Errorf("job %s was rescued %d times", id, n)
			}
		}
		if _, err := q.Begin(t.Context(), held[0], []uint32{0}); !errors.Is(err, broadcast.ErrLost) {
			t.Errorf("the dead one begins again: %v, want broadcast.ErrLost", err)
		}
	})
}

// TestTakeoverFollowsTheLease runs two nodes in virtual time: one dies with a
// job in hand, the other has it once the lease was gone three times in a row.
func TestTakeoverFollowsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := NewShared()
		defer shared.Close()
		cfg := Config{Redis: Memory, Authority: "valdemo", Shared: shared}
		one, err := Open(t.Context(), cfg, quiet(t))
		if err != nil {
			t.Fatal(err)
		}
		defer one.Close()
		two, err := Open(t.Context(), cfg, quiet(t))
		if err != nil {
			t.Fatal(err)
		}
		defer two.Close()
		alive, die := context.WithCancel(t.Context())
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = one.Run(alive) })
		wg.Go(func() { _ = two.Run(ctx) })
		time.Sleep(time.Millisecond) // both keep their leases now

		q1, _ := one.Queue(ctx, "web")
		q2, _ := two.Queue(ctx, "web")
		rec := issue(t, one, alerts.SeverityMinor, nil, "web")
		p, err := q1.Entries(ctx, 1)
		if err != nil || len(p) != 1 {
			t.Fatalf("%d entries, %v", len(p), err)
		}
		if _, err := q1.Plan(ctx, p[0], 0, []broadcast.Job{{V: 1, Alert: rec.ID, To: 1}}, true); err != nil {
			t.Fatal(err)
		}
		jobs, err := q1.Take(ctx, 1)
		if err != nil || len(jobs) != 1 {
			t.Fatalf("%d jobs, %v", len(jobs), err)
		}
		time.Sleep(8 * time.Second) // a living node keeps its job
		if got, err := q2.Recover(ctx, nil); err != nil || len(got) != 0 {
			t.Fatalf("a living node lost %d jobs, %v", len(got), err)
		}
		die()
		died := time.Now()
		for {
			got, err := q2.Recover(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) == 1 {
				if got[0].Alert != rec.ID || got[0].Taken != 2 {
					t.Errorf("took over %+v", got[0])
				}
				break
			}
			if time.Since(died) > time.Minute {
				t.Fatal("nobody took the job over within a minute")
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Logf("taken over after %v", time.Since(died))
		stop()
		wg.Wait()
	})
}

// TestForgottenAndAbandoned: an answer that got lost leaves a job with a node
// that does not know of it; it comes back after ten seconds. What a node has in
// hand is left to it, however long it takes.
func TestForgottenAndAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, err := Open(t.Context(), Config{Redis: Memory, Authority: "valdemo"}, quiet(t))
		if err != nil {
			t.Fatal(err)
		}
		defer one.Close()
		cfg := one.cfg
		cfg.Shared = one.shared
		two, err := Open(t.Context(), cfg, quiet(t))
		if err != nil {
			t.Fatal(err)
		}
		defer two.Close()
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = one.Run(ctx) })
		wg.Go(func() { _ = two.Run(ctx) })
		q1, _ := one.Queue(ctx, "web")
		q2, _ := two.Queue(ctx, "web")
		rec := issue(t, one, alerts.SeverityMinor, nil, "web")
		p, err := q1.Entries(ctx, 1)
		if err != nil || len(p) != 1 {
			t.Fatalf("%d entries, %v", len(p), err)
		}
		if _, err := q1.Plan(ctx, p[0], 0, []broadcast.Job{{V: 1, Alert: rec.ID, To: 1}}, true); err != nil {
			t.Fatal(err)
		}
		jobs, err := q1.Take(ctx, 1)
		if err != nil || len(jobs) != 1 {
			t.Fatalf("%d jobs, %v", len(jobs), err)
		}
		for range 120 { // two minutes in hand
			time.Sleep(time.Second)
			got1, err1 := q1.Recover(ctx, []string{jobs[0].EntryID})
			got2, err2 := q2.Recover(ctx, nil)
			if len(got1)+len(got2) > 0 || err1 != nil || err2 != nil {
				t.Fatalf("a job in hand was given to others: %v %v, %v %v", got1, got2, err1, err2)
			}
		}
		forgot := time.Now()
		for {
			time.Sleep(time.Second)
			got, err := q1.Recover(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) == 1 && got[0].EntryID == jobs[0].EntryID {
				break
			}
			if time.Since(forgot) > time.Minute {
				t.Fatal("a forgotten job did not come back within a minute")
			}
		}
		abandoned := time.Now()
		for { // and now this node lives on, but does nothing
			time.Sleep(time.Second)
			got, err := q2.Recover(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) == 1 {
				break
			}
			if time.Since(abandoned) > 2*time.Minute {
				t.Fatal("an abandoned job was not taken over within two minutes")
			}
		}
		stop()
		wg.Wait()
	})
}

// TestFencedNodeBeginsNothing: who could not refresh the lease for 2.5 s must
// not begin, since others may take over at any moment.
func TestFencedNodeBeginsNothing(t *testing.T) {
	r := openMemory(t)
	r.setRunning(true)
	if err := r.fenced(t.Context()); err != nil {
		t.Errorf("with a fresh lease: %v", err)
	}
	r.liveness.Lock()
	r.liveness.last = time.Now().Add(-fence - time.Millisecond)
	r.liveness.Unlock()
	if err := r.fenced(t.Context()); !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("with an old one: %v, want broadcast.ErrLost", err)
	}
	q, err := r.Queue(t.Context(), "sms")
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Fenced(); !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("before a message, with an old one: %v, want broadcast.ErrLost", err)
	}
	if err := r.refreshLease(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := q.Fenced(); err != nil {
		t.Errorf("before a message, with a fresh one: %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := r.Run(ended); err != nil {
		t.Fatal(err)
	}
	if err := r.fenced(t.Context()); !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("with one that was given back: %v, want broadcast.ErrLost", err)
	}
	if err := q.Fenced(); !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("before a message, with one that was given back: %v, want broadcast.ErrLost", err)
	}
}

func TestEpochFollowsTheLog(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		first := issue(t, r, alerts.SeverityMinor, nil, "web")
		issue(t, r, alerts.SeverityMinor, nil, "web")
		gone := func(why string) {
			t.Helper()
			if err := r.renewEpoch(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Log().After(t.Context(), broadcast.Cursor(first.Cursor), 1); !errors.Is(err, broadcast.ErrGone) {
				t.Errorf("%s: %v, want broadcast.ErrGone", why, err)
			}
			first = issue(t, r, alerts.SeverityMinor, nil, "web")
			if _, err := r.Log().After(t.Context(), broadcast.Cursor(first.Cursor), 1); err != nil {
				t.Errorf("%s: the new cursor: %v", why, err)
			}
			if head, err := r.Log().Head(t.Context()); err != nil || string(head) != first.Cursor {
				t.Errorf("%s: head %s, %v, want %s", why, head, err, first.Cursor)
			}
		}
		if err := r.renewEpoch(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Log().After(t.Context(), broadcast.Cursor(first.Cursor), 1); err != nil {
			t.Errorf("a log that is whole: %v", err)
		}
		last, err := r.commands.XRevRangeN(t.Context(), r.keys.log(), "+", "-", 1).Result()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.commands.XDel(t.Context(), r.keys.log(), last[0].ID).Err(); err != nil {
			t.Fatal(err)
		}
		gone("a log shorter than known")
		if err := r.commands.Del(t.Context(), r.keys.log()).Err(); err != nil {
			t.Fatal(err)
		}
		gone("a log made anew")
		if err := r.commands.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		gone("an emptied store")
		if err := r.commands.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		issue(t, r, alerts.SeverityMinor, nil, "web") // before anybody noticed
		gone("a store emptied just now")
	})
}

// TestTrimKeepsWhatIsNotPlanned: the log is cut to what every channel in use
// has acknowledged, and a cursor below that is gone.
func TestTrimKeepsWhatIsNotPlanned(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		fast, err := r.Queue(t.Context(), "fast")
		if err != nil {
			t.Fatal(err)
		}
		slow, err := r.Queue(t.Context(), "slow")
		if err != nil {
			t.Fatal(err)
		}
		var recs []*alerts.Record
		for range 10 {
			recs = append(recs, issue(t, r, alerts.SeverityMinor, nil, "fast", "slow"))
		}
		plan := func(q broadcast.Queue, n int) {
			t.Helper()
			got, err := q.Entries(t.Context(), n)
			if err != nil || len(got) != n {
				t.Fatalf("%d entries, %v", len(got), err)
			}
			for _, p := range got {
				if _, err := q.Plan(t.Context(), p, 0, nil, true); err != nil {
					t.Fatal(err)
				}
			}
		}
		plan(fast, 10)
		plan(slow, 4)
		if n, err := r.Trim(t.Context(), time.Now().Add(-time.Hour)); err != nil || n != 0 {
			t.Errorf("trimmed %d of what must be kept, %v", n, err)
		}
		if n, err := r.Trim(t.Context(), time.Now().Add(time.Hour)); err != nil || n != 3 {
			t.Errorf("trimmed %d, %v, want 3: the fourth is the place of the slow channel", n, err)
		}
		if _, err := r.Log().After(t.Context(), broadcast.Cursor(recs[0].Cursor), 1); !errors.Is(err, broadcast.ErrGone) {
			t.Errorf("a cursor into what was trimmed: %v, want broadcast.ErrGone", err)
		}
		if got, err := r.Log().After(t.Context(), broadcast.Cursor(recs[3].Cursor), 100); err != nil || len(got) != 6 {
			t.Errorf("%d entries, %v, want the other 6", len(got), err)
		}
		plan(slow, 6)
		if _, err := r.Trim(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if head, err := r.Log().Head(t.Context()); err != nil || string(head) != recs[9].Cursor {
			t.Errorf("the newest entry went: head %s, %v", head, err)
		}
		if err := r.renewEpoch(t.Context()); err != nil || !strings.HasPrefix(recs[9].Cursor, *r.epoch.Load()+"-") {
			t.Errorf("trimming renewed the epoch (%v)", err)
		}
		if err := r.commands.XGroupDestroy(t.Context(), r.keys.log(), logGroup("slow")).Err(); err != nil {
			t.Fatal(err)
		}
		if n, err := slow.Entries(t.Context(), 1); err == nil && len(n) > 0 {
			t.Errorf("a lost group gave %v", n)
		}
		// It begins again where the channel once began; plans tell what was done.
		if _, err := slow.Entries(t.Context(), 1); err != nil {
			t.Errorf("after a lost group: %v", err)
		}
	})
}

func TestUnavailableIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := Open(t.Context(), Config{Redis: Memory, Authority: "valdemo"}, quiet(t))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for _, reply := range []string{"OOM command not allowed when used memory > 'maxmemory'.", "MISCONF Errors writing to the AOF file", "READONLY You can't write against a read only replica.", "LOADING Redis is loading the dataset in memory"} {
			r.shared.Break(reply)
			rec := broadcasttest.NewRecord(alerts.SeverityMinor)
			if _, _, err := r.Store().Intake(t.Context(), rec, nil, broadcasttest.NewAct(rec, "submitted")); !errors.Is(err, alerts.ErrUnavailable) {
				t.Errorf("%q: %v, want alerts.ErrUnavailable", reply, err)
			}
			r.shared.Break("")
		}
		r.shared.Break("WRONGTYPE Operation against a key")
		if _, err := r.Store().Get(t.Context(), "x", alerts.Exactly); err == nil || errors.Is(err, alerts.ErrUnavailable) {
			t.Errorf("another error: %v", err)
		}
		r.shared.Break("")
	})
}

func TestTailComesBackWithoutAGap(t *testing.T) {
	r := openServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := issue(t, r, alerts.SeverityMinor, nil, "web")
	got, outages := make(chan string, 100), atomic.Int64{}
	var wg sync.WaitGroup
	wg.Go(func() {
		for e, err := range r.Log().Tail(ctx, broadcast.Cursor(first.Cursor)) {
			if err != nil {
				outages.Add(1)
				continue
			}
			if e.Record != nil {
				got <- string(e.Record.ID)
			}
		}
	})
	for range 3 {
		want := issue(t, r, alerts.SeverityMinor, nil, "web")
		if id := <-got; id != string(want.ID) {
			t.Fatalf("got %s, want %s", id, want.ID)
		}
		killed(t, r)
	}
	want := issue(t, r, alerts.SeverityMinor, nil, "web")
	if id := <-got; id != string(want.ID) {
		t.Errorf("got %s, want %s", id, want.ID)
	}
	cancel()
	wg.Wait()
	if outages.Load() == 0 {
		t.Error("no outage was told")
	}
}

// After a short loss the gateway must be ready again by itself, not only at
// the next alert. The board may be well again before anybody could look, and
// notices nothing of a server that comes back while it is between two readings:
// so its log tells what happened, and such a kill proves nothing.
func TestAnIdleBoardFollowsAgainAfterALoss(t *testing.T) {
	r := openServer(t)
	core, said := observer.New(zapcore.InfoLevel)
	board := broadcast.NewBoard(r.Store(), r.Log(), zap.New(core))
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = board.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	well := func() bool { _, err := board.Health(); return err == nil }
	losses := func() int { return said.FilterMessage("the board does not follow the log").Len() }
	eventually(t, "loaded", well)
	for round := range 2 {
		for limit := time.Now().Add(hang); losses() <= round; {
			if time.Now().After(limit) {
				t.Fatal("the server is lost again and again, and the board notices nothing")
			}
			killed(t, r)
			for look := time.Now().Add(2 * time.Second); losses() <= round && time.Now().Before(look); {
				pause(ctx, time.Millisecond)
			}
		}
		eventually(t, "it is back, and nothing was published", well)
	}
}
