package broadcast_test

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/backup"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/rdb"
)

// A copy that was taken in the middle of a fan-out is brought back after the rest
// of the people got the alert as well. Nobody gets it a second time by itself: who
// was not settled in the copy is uncertain, until a person releases them. What is
// issued afterwards goes to everybody, but to who was erased after the copy.
func TestARestoredCopyOfAFanOutSendsNothingTwice(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("SKIPPED, nothing was proved: redis-server is not installed")
	}
	const people, early = 2000, 300
	dir := t.TempDir()
	old := newGateway(t, rdb.Config{DataDir: dir}, 2*time.Millisecond)
	old.subscribe(t, people)
	first := old.issue(t, broadcasttest.NewRecord(alerts.SeverityExtreme, "sms"))
	old.underWay(early)
	facts, err := old.store.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	of := time.Now()
	snapshot, err := old.store.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	copied, err := io.ReadAll(snapshot)
	if err := snapshot.Close(); err != nil {
		t.Error(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if d := old.follow(t, first.ID, time.Minute); d.Accepted != people {
		t.Fatalf("the fan-out ended with %+v", d)
	}
	if err := old.store.People().Erase(t.Context(), 7); err != nil { // after the copy
		t.Fatal(err)
	}
	erased, err := old.store.Erased(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	after := t.TempDir()
	at := backup.Restored{At: time.Now(), Of: of, Acts: facts.Acts}
	done := restore(t, copied, after, filepath.Join(dir, "key"), at, erased)
	if len(done.Held) != 1 || done.Held[0].Alert != first.ID || done.Held[0].Unsure < 1 || done.Held[0].Unsure > people-early || len(done.InForce) != 1 || done.Erased != 1 {
		t.Fatalf("restoring tells %+v", done)
	}
	unsure := done.Held[0].Unsure

	now := newGateway(t, rdb.Config{DataDir: after, KeyFile: filepath.Join(dir, "key")}, 0)
	if f, err := now.store.Facts(t.Context()); err != nil || f.Epoch == facts.Epoch || f.Acts != facts.Acts+1 {
		t.Errorf("the log has the epoch %q, before it had %q; %d acts, before %d: %v", f.Epoch, facts.Epoch, f.Acts, facts.Acts, err)
	}
	second := now.issue(t, broadcasttest.NewRecord(alerts.SeverityMinor, "sms"))
	if d := now.follow(t, second.ID, time.Minute); d.Accepted != people-1 {
		t.Errorf("what was issued after it ended with %+v", d)
	}
	d := now.follow(t, first.ID, time.Minute)
	if d.Uncertain != unsure || d.Accepted != people-unsure || d.State != "uncertain" {
		t.Errorf("the alert of the copy stands at %+v; %d are unsure", d, unsure)
	}
	if n := now.sent(); n != people-1 {
		t.Fatalf("%d messages left, %d of them are of the alert of the copy", n, n-people+1)
	}
	got, err := now.store.Resend(t.Context(), broadcast.Resend{Alert: first.ID, Channel: "sms", Uncertain: true, Act: broadcasttest.NewAct(first, "resent")})
	if err != nil || got.Uncertain != unsure {
		t.Fatalf("a person released %+v, %v", got, err)
	}
	released := unsure
	for end := time.Now().Add(time.Minute); now.sent() < people-1+released-1 && time.Now().Before(end); {
		_, _ = now.store.Deliveries(t.Context(), first.ID)
	}
	if n := now.sent() - (people - 1); n < released-1 || n > released { // the erased one may be among them
		t.Errorf("a person released %d, %d left", released, n)
	}
	if last, err := now.store.LastRestored(t.Context()); err != nil || !last.Of.Equal(of) {
		t.Errorf("it was last restored %+v, %v", last, err)
	}
}

func (g *gateway) sent() int {
	g.book.mu.Lock()
	defer g.book.mu.Unlock()
	return len(g.book.taken)
}

// restore brings a copy back into a folder as the command does.
func restore(t *testing.T, copied []byte, dir, key string, at backup.Restored, erased []uint32) rdb.Restored {
	t.Helper()
	s, err := rdb.NewScratch(t.Context(), "", dir, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := s.Load(t.Context(), bytes.NewReader(copied)); err != nil {
		t.Fatal(err)
	}
	var done rdb.Restored
	err = s.Settle(t.Context(), rdb.Config{Authority: "valdemo", KeyFile: key}, func(ctx context.Context, r *rdb.Redis) (err error) {
		done, err = r.Restored(ctx, at, erased)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	return done
}
