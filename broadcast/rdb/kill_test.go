package rdb

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
)

// killed ends the store's server without warning and waits until it is back.
func killed(t *testing.T, r *Redis) {
	t.Helper()
	pid := r.ServerPID()
	if pid == 0 {
		return // it is being started
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Signal(syscall.SIGKILL)
	for r.ServerPID() == pid {
		pause(t.Context(), time.Millisecond)
	}
}

// TestNothingAcknowledgedIsLost kills the server twenty times under a load of
// intakes and publications (fault 8).
func TestNothingAcknowledgedIsLost(t *testing.T) {
	r := openServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	checker := broadcasttest.NewChecker()
	load, stop := context.WithCancel(ctx)
	defer stop()
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for load.Err() == nil {
				submit(ctx, t, r, checker)
			}
		})
	}
	for range 20 {
		pause(ctx, longEnough+50*time.Millisecond)
		killed(t, r)
		for r.ServerPID() == 0 {
			pause(ctx, time.Millisecond)
		}
	}
	pause(ctx, 100*time.Millisecond)
	stop()
	clients.Wait()
	verdict, err := checker.Compare(ctx, r.Store(), r.Log())
	for errors.Is(err, alerts.ErrUnavailable) { // a busy disk may hold the server up
		verdict, err = checker.Compare(ctx, r.Store(), r.Log())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Log(verdict)
	if !verdict.Good() || verdict.Promised < 50 || verdict.Published < 50 {
		t.Errorf("20 kills: %s", verdict)
	}
	cancel()
	wg.Wait()
}

// submit is a client that insists: it asks until it is answered.
func submit(ctx context.Context, t *testing.T, r *Redis, checker *broadcasttest.Checker) {
	rec := broadcasttest.NewRecord(alerts.SeveritySevere, "web", "sms")
	promise := broadcasttest.Promise{Sender: rec.Alert.Sender, Identifier: rec.Alert.Identifier, Content: rec.Content}
	for {
		mine := rec.Clone()
		mine.ID = broadcasttest.NewID(time.Now()) // each attempt is a new request
		mine.Event = mine.ID
		stored, _, err := r.Store().Intake(ctx, mine, []byte("raw"), broadcasttest.NewAct(mine, "submitted"))
		if err == nil {
			promise.ID = stored.ID
			checker.Acked(promise)
			err = r.Publish(ctx, broadcasttest.PublicationOf(stored, map[string][]uint32{"sms": {1, 2, 3}}))
			if errors.Is(err, alerts.ErrStale) {
				err = nil // an earlier attempt, whose answer was lost
			}
		}
		if err == nil {
			promise.Published = true
			checker.Acked(promise)
			return
		}
		if !errors.Is(err, alerts.ErrUnavailable) {
			t.Errorf("a submission ended with %v", err)
			return
		}
		if ctx.Err() != nil {
			return
		}
	}
}

func TestSecondStartOnTheSameDirectoryIsRefused(t *testing.T) {
	r := openServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // ten seconds else
	defer cancel()
	second, err := Open(ctx, r.cfg, quiet(t))
	if err == nil {
		_ = second.Close()
		t.Fatal("two gateways opened one data directory")
	}
	if _, err := r.Durability(t.Context()); err != nil {
		t.Errorf("the first one suffered: %v", err)
	}
}

func TestServerKeepsWhatItHasOverARestart(t *testing.T) {
	needServer(t)
	cfg := Config{Authority: "valdemo", DataDir: t.TempDir()}
	rec := broadcasttest.NewRecord(alerts.SeverityMinor, "web")
	var cursor broadcast.Cursor
	func() {
		r, err := Open(t.Context(), cfg, quiet(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.Store().Intake(t.Context(), rec, nil, broadcasttest.NewAct(rec, "submitted")); err != nil {
			t.Fatal(err)
		}
		if err := r.Publish(t.Context(), broadcasttest.PublicationOf(rec, nil)); err != nil {
			t.Fatal(err)
		}
		if cursor, err = r.Log().Head(t.Context()); err != nil {
			t.Fatal(err)
		}
		pid := r.ServerPID()
		if err := errors.Join(r.Close(), r.Close()); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("the server %d lives on: %v", pid, err)
		}
	}()
	r := open(t, cfg)
	if got, err := r.Store().Get(t.Context(), rec.ID, alerts.Exactly); err != nil || got.State != alerts.StateIssued {
		t.Errorf("got %v, %v", got, err)
	}
	if head, err := r.Log().Head(t.Context()); err != nil || head != cursor {
		t.Errorf("the head is %s, %v, want the same as before: %s", head, err, cursor)
	}
	d, err := r.Durability(t.Context())
	if err != nil || !d.Durable || d.Mode != "always" || d.Memory {
		t.Errorf("durability %+v, %v", d, err)
	}
}

func TestServerMissingIsSaidWithAHint(t *testing.T) {
	_, err := Open(t.Context(), Config{Authority: "valdemo", DataDir: t.TempDir(), Binary: "no-such-redis"}, quiet(t))
	if err == nil || !contains(err.Error(), "apt-get install redis-server") {
		t.Errorf("got %v", err)
	}
}

func TestLongDirectoryStillHasASocket(t *testing.T) {
	needServer(t)
	dir := t.TempDir()
	for len(dir) < 150 {
		dir += "/a-rather-long-name"
	}
	r := open(t, Config{Authority: "valdemo", DataDir: dir})
	if len(r.server.socket) >= longestSocket {
		t.Errorf("the socket's path has %d bytes", len(r.server.socket))
	}
}
