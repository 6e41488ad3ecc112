package rdb

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"martinella/broadcast"
	"martinella/channels"
)

func queueOf(t *testing.T, r *Redis, channel string) broadcast.Queue {
	t.Helper()
	q, err := r.Queue(t.Context(), channel)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func grant(t *testing.T, q broadcast.Queue, l channels.Limit, n int, class broadcast.Class) broadcast.Grant {
	t.Helper()
	g, err := q.Pace(t.Context(), l, broadcast.Ask{N: n, Class: class})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestNodesShareThePace: three nodes get what one would, to the message.
func TestNodesShareThePace(t *testing.T) {
	r := openServer(t)
	limit := channels.Limit{PerSecond: 200, Burst: 20, Account: "provider"}
	var got atomic.Int64
	var nodes sync.WaitGroup
	began := time.Now()
	const enough = 20 + 2*200
	for _, channel := range []string{"sms", "sms-staff", "sms"} {
		q := queueOf(t, other(t, r, nil), channel)
		nodes.Go(func() {
			for got.Load() < enough && time.Since(began) < hang {
				g, err := q.Pace(t.Context(), limit, broadcast.Ask{N: 4})
				if err != nil {
					t.Error(err)
					return
				}
				got.Add(int64(g.N))
				pause(t.Context(), g.Wait)
			}
		})
	}
	nodes.Wait()
	took := time.Since(began)
	most := int64(20 + 200*took.Seconds())
	if n := got.Load(); n > most || n < enough {
		t.Errorf("three nodes got %d messages in %v, want %d, and up to %d in that time", n, took, enough, most)
	} else {
		t.Logf("%d of %d allowed", n, most)
	}
}

func TestMoreThanTheBurstStillLeaves(t *testing.T) {
	q := queueOf(t, openMemory(t), "sms")
	limit := channels.Limit{PerSecond: 100, Burst: 5}
	if g := grant(t, q, limit, 20, broadcast.ClassOrdinary); g.N != 20 {
		t.Errorf("twenty with a burst of five: %+v", g)
	}
	if g := grant(t, q, limit, 20, broadcast.ClassOrdinary); g.N != 0 || g.Wait <= 0 || g.Wait > 210*time.Millisecond {
		t.Errorf("twenty more: %+v, want a wait of at most 200ms", g)
	}
}

func TestAClockThatStepsBackStallsNothing(t *testing.T) {
	r := openMemory(t)
	q := queueOf(t, r, "sms")
	now := time.Now()
	limit := channels.Limit{PerSecond: 10, Burst: 10, PerHour: 100}
	r.shared.mini.SetTime(now)
	if g := grant(t, q, limit, 10, broadcast.ClassOrdinary); g.N != 10 {
		t.Fatalf("the burst: %+v", g)
	}
	r.shared.mini.SetTime(now.Add(-time.Hour))
	if g := grant(t, q, limit, 1, broadcast.ClassOrdinary); g.N != 0 || g.Wait > 100*time.Millisecond {
		t.Errorf("an hour back: %+v, want a wait of at most 100ms", g)
	}
	r.shared.mini.SetTime(now.Add(-time.Hour + time.Second))
	if g := grant(t, q, limit, 1, broadcast.ClassOrdinary); g.N != 1 {
		t.Errorf("a second later: %+v", g)
	}
}

// TestAPlatformThatAsksToWaitHoldsAllNodes back, and every channel of its
// account, but for a try of what is urgent every few seconds.
func TestAPlatformThatAsksToWaitHoldsAllNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openMemory(t)
		one, two := queueOf(t, r, "sms"), queueOf(t, other(t, r, nil), "sms-staff")
		limit := channels.Limit{Account: "provider"}
		if err := one.Hold(t.Context(), limit, time.Minute); err != nil {
			t.Fatal(err)
		}
		if err := two.Hold(t.Context(), limit, time.Second); err != nil {
			t.Fatal(err)
		}
		g := grant(t, two, limit, 5, broadcast.ClassOrdinary)
		if g.N != 0 || g.Why != broadcast.HoldingPlatform || g.Wait > time.Minute || g.Wait < 59*time.Second {
			t.Errorf("on another node: %+v, want a minute", g)
		}
		if g := grant(t, two, channels.Limit{}, 5, broadcast.ClassOrdinary); g.N != 5 {
			t.Errorf("another account: %+v", g)
		}
		if g := grant(t, two, limit, 5, broadcast.ClassExempt); g.N != 5 {
			t.Errorf("what is urgent may try: %+v", g)
		}
		if g := grant(t, one, limit, 5, broadcast.ClassExempt); g.N != 0 || g.Wait > probeEvery {
			t.Errorf("once for all nodes: %+v", g)
		}
		time.Sleep(probeEvery + time.Millisecond)
		if g := grant(t, one, limit, 5, broadcast.ClassExempt); g.N != 5 {
			t.Errorf("and again later: %+v", g)
		}
		time.Sleep(time.Minute)
		if g := grant(t, one, limit, 5, broadcast.ClassOrdinary); g.N != 5 {
			t.Errorf("a minute later: %+v", g)
		}
	})
}

func TestQuotasKeepAPartForCorrections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openMemory(t)
		one, two := queueOf(t, r, "toot"), queueOf(t, other(t, r, nil), "toot")
		limit := channels.Limit{PerDay: 10, Reserve: 0.2}
		if g := grant(t, one, limit, 5, broadcast.ClassOrdinary); g.N != 5 {
			t.Errorf("five of eight: %+v", g)
		}
		time.Sleep(6 * time.Hour)
		if g := grant(t, two, limit, 5, broadcast.ClassOrdinary); g.N != 3 {
			t.Errorf("three are left but for corrections: %+v", g)
		}
		g := grant(t, one, limit, 1, broadcast.ClassOrdinary)
		if g.N != 0 || g.Why != broadcast.HoldingDay || g.Wait < 18*time.Hour || g.Wait > 18*time.Hour+25*time.Minute {
			t.Errorf("one more: %+v, want until the first five are a day old", g)
		}
		if g := grant(t, one, limit, 5, broadcast.ClassCorrection); g.N != 2 {
			t.Errorf("a correction: %+v, want the two that are kept", g)
		}
		if g := grant(t, one, limit, 5, broadcast.ClassCorrection); g.N != 0 {
			t.Errorf("a correction beyond the quota: %+v", g)
		}
		if g := grant(t, one, limit, 50, broadcast.ClassExempt); g.N != 50 {
			t.Errorf("what is severe: %+v, want all of it", g)
		}
		if g := grant(t, one, limit, 1, broadcast.ClassOrdinary); g.N != 0 || g.Wait < 23*time.Hour {
			t.Errorf("it counts all the same: %+v", g)
		}
		time.Sleep(24*time.Hour + 24*time.Minute)
		if g := grant(t, two, limit, 20, broadcast.ClassOrdinary); g.N != 8 {
			t.Errorf("a day later: %+v", g)
		}
		if n, err := r.commands.HLen(t.Context(), r.keys.quota("toot", "day")).Result(); err != nil || n != 1 {
			t.Errorf("%d counts are kept, %v", n, err)
		}
	})
}

func TestNoStretchOfAnHourHoldsMoreThanTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queueOf(t, openMemory(t), "toot")
		limit := channels.Limit{PerHour: 30}
		var sent []time.Time
		for range 4 * 60 * 6 {
			for range grant(t, q, limit, 3, broadcast.ClassOrdinary).N {
				sent = append(sent, time.Now())
			}
			time.Sleep(10 * time.Second)
		}
		for i := 30; i < len(sent); i++ {
			if apart := sent[i].Sub(sent[i-30]); apart < time.Hour {
				t.Fatalf("message %d leaves %v after the thirtieth before it", i, apart)
			}
		}
		if len(sent) < 100 {
			t.Errorf("in four hours only %d messages left, of 120", len(sent))
		}
	})
}

func TestASmallQuotaIsNotAllReserve(t *testing.T) {
	for name, c := range map[string]struct {
		quota   int
		reserve float64
		class   broadcast.Class
		want    int
	}{
		"none":               {0, 0.1, broadcast.ClassOrdinary, -2},
		"one a day":          {1, 0.1, broadcast.ClassOrdinary, 1},
		"a tenth of hundred": {100, 0.1, broadcast.ClassOrdinary, 90},
		"a correction":       {100, 0.1, broadcast.ClassCorrection, 100},
		"a severe one":       {100, 0.1, broadcast.ClassExempt, -1},
		"nonsense is cut":    {100, 7, broadcast.ClassOrdinary, 0},
	} {
		if got := allowance(c.quota, c.reserve, c.class); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}
