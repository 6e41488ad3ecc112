package rdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast/broadcasttest"
)

// hang is when something that ends by itself has not ended.
const hang = time.Minute

// keeping runs the store's own loop until the test ends.
func keeping(t *testing.T, r *Redis) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = r.Run(ctx) })
	t.Cleanup(all.Wait)
	t.Cleanup(stop)
}

// TestAFullDiskLosesNothingAcknowledged is fault 11: the server ends when it
// cannot write, the gateway says so, and all is there when space returns. A
// limit to the size of files stands for the disk's end.
func TestAFullDiskLosesNothingAcknowledged(t *testing.T) {
	needServer(t)
	dir := t.TempDir()
	space, program := filepath.Join(dir, "space"), filepath.Join(dir, "redis-small-disk")
	script := fmt.Sprintf("#!/bin/sh\n[ -f %s ] || { trap '' XFSZ; ulimit -f 400; }\nexec %s \"$@\"\n", space, need(t, "redis-server")) // 512 bytes each
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	r := open(t, Config{Authority: "valdemo", DataDir: t.TempDir(), Binary: program})
	keeping(t, r)
	checker := broadcasttest.NewChecker()
	refused, accepted := 0, 0
	for end := time.Now().Add(hang); refused < 3 && time.Now().Before(end); {
		rec := broadcasttest.NewRecord(alerts.SeverityExtreme, "web")
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		stored, _, err := r.Store().Intake(ctx, rec, []byte("raw"), broadcasttest.NewAct(rec, "submitted"))
		cancel()
		switch {
		case err == nil:
			accepted++
			checker.Acked(broadcasttest.Promise{Sender: rec.Alert.Sender, Identifier: rec.Alert.Identifier, ID: stored.ID, Content: rec.Content})
		case errors.Is(err, alerts.ErrUnavailable):
			refused++
		default:
			t.Fatalf("got %v, want alerts.ErrUnavailable", err)
		}
	}
	if refused == 0 || accepted < 10 {
		t.Fatalf("%d accepted, %d refused: the disk was never full, nothing was proved", accepted, refused)
	}
	if err := os.WriteFile(space, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(hang); ; {
		rec := broadcasttest.NewRecord(alerts.SeverityExtreme, "web")
		if _, _, err := r.Store().Intake(t.Context(), rec, nil, broadcasttest.NewAct(rec, "submitted")); err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatalf("with space again: %v", err)
		}
	}
	v, err := checker.Compare(t.Context(), r.Store(), r.Log())
	if err != nil || !v.Good() {
		t.Errorf("%v, %v", v, err)
	}
	t.Logf("%d refused; %s", refused, v)
}

// TestAFrozenServerIsSaidAndWaitedFor is faults 16 and 17: a server that stands
// still for two seconds, and one that never answers again.
func TestAFrozenServerIsSaidAndWaitedFor(t *testing.T) {
	r := openServer(t)
	keeping(t, r)
	p, err := os.FindProcess(r.ServerPID())
	if err != nil {
		t.Fatal(err)
	}
	thaw := func() { _ = p.Signal(syscall.SIGCONT) }
	defer thaw()
	checker := broadcasttest.NewChecker()
	for _, frozen := range []time.Duration{2 * time.Second, 8 * time.Second} {
		if err := p.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(frozen, thaw)
		began := time.Now()
		rec := broadcasttest.NewRecord(alerts.SeveritySevere, "web")
		tries := 0
		for {
			tries++
			mine := rec.Clone()
			mine.ID = broadcasttest.NewID(time.Now())
			mine.Event = mine.ID
			stored, _, err := r.Store().Intake(t.Context(), mine, nil, broadcasttest.NewAct(mine, "submitted"))
			if err == nil {
				checker.Acked(broadcasttest.Promise{Sender: rec.Alert.Sender, Identifier: rec.Alert.Identifier, ID: stored.ID, Content: rec.Content})
				break
			}
			if !errors.Is(err, alerts.ErrUnavailable) {
				t.Fatalf("got %v, want alerts.ErrUnavailable", err)
			}
			if tries == 1 {
				t.Logf("frozen for %v: refused after %v", frozen, time.Since(began).Round(time.Millisecond))
			}
			if time.Since(began) > hang {
				t.Fatalf("not accepted after %v", hang)
			}
		}
		t.Logf("frozen for %v: accepted at attempt %d after %v", frozen, tries, time.Since(began).Round(time.Millisecond))
		timer.Stop()
		thaw()
	}
	v, err := checker.Compare(t.Context(), r.Store(), r.Log())
	if err != nil || !v.Good() || v.Stored != 2 {
		t.Errorf("%v, %v: want two records", v, err)
	}
}

// TestTwoApproversAtOncePublishOnce is fault 43: twenty press the button at the
// same moment, on two nodes.
func TestTwoApproversAtOncePublishOnce(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		nodes := []*Redis{r, other(t, r, nil)}
		for range 5 {
			rec := broadcasttest.NewRecord(alerts.SeverityExtreme, "web")
			if _, _, err := r.Store().Intake(t.Context(), rec, nil, broadcasttest.NewAct(rec, "submitted")); err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			var mu sync.Mutex
			won, stale := 0, 0
			for i := range 20 {
				wg.Go(func() {
					err := nodes[i%2].Publish(t.Context(), broadcasttest.PublicationOf(rec, nil))
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						won++
					case errors.Is(err, alerts.ErrStale):
						stale++
					default:
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if won != 1 || stale != 19 {
				t.Errorf("%d published it, %d were told that it was done, want 1 and 19", won, stale)
			}
		}
		if got, err := r.Log().After(t.Context(), "", 100); err != nil || len(got) != 5 {
			t.Errorf("%d entries in the log, %v, want 5", len(got), err)
		}
	})
}
