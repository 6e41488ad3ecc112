package rdb

import (
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels/channeltest"
)

// TestNothingIsSentBeforeAReplicaKnows: a primary may die between the turn that
// it gave and the message that follows. Its heir must know of the turn, or it
// lets the message be sent once more. The replica here is a tenth of a second
// behind.
func TestNothingIsSentBeforeAReplicaKnows(t *testing.T) {
	master := newServer(t)
	line := channeltest.StartProxy(t, master.addr())
	_, port, err := net.SplitHostPort(line.Addr())
	if err != nil {
		t.Fatal(err)
	}
	replica := newServer(t, "--replicaof", "127.0.0.1", port)
	master.await("a replica follows", hasReplica(t))
	r := open(t, Config{Redis: "redis://" + master.addr(), Authority: "valdemo", DataDir: t.TempDir(), Replicas: 1, ReplicaTimeout: MaxReplicaTimeout})
	run(t, r)
	q, err := r.Queue(t.Context(), "phones")
	if err != nil {
		t.Fatal(err)
	}
	rec := issue(t, r, alerts.SeveritySevere, map[string][]uint32{"phones": {1, 2, 3}}, "phones")
	planned, err := q.Entries(t.Context(), 1)
	if err != nil || len(planned) != 1 {
		t.Fatalf("to plan: %v, %v", planned, err)
	}
	if _, err := q.Plan(t.Context(), planned[0], 0, []broadcast.Job{{V: 1, Alert: rec.ID, To: 3, Urgent: true}}, true); err != nil {
		t.Fatal(err)
	}
	jobs, err := q.Take(t.Context(), 1)
	if err != nil || len(jobs) != 1 {
		t.Fatalf("taken %v, %v", jobs, err)
	}
	heir := redis.NewClient(&redis.Options{Addr: replica.addr(), Protocol: 2})
	defer heir.Close()
	known := func() string {
		text, err := heir.Get(t.Context(), r.keys.states(rec.ID, "phones")).Result()
		if err != nil && err != redis.Nil {
			t.Fatal(err)
		}
		return text
	}
	eventually(t, "the node knows its replica", func() bool { return r.replicas.following() == 1 })
	line.Break(channeltest.Delay(100*time.Millisecond), -1)
	for _, turn := range []struct {
		name string
		give func() error
	}{
		{"the first time", func() error { _, err := q.Begin(t.Context(), jobs[0], []uint32{0, 1}); return err }},
		{"once more", func() error { _, err := q.Again(t.Context(), jobs[0], 1, broadcast.ViaSecond); return err }},
	} {
		before := known()
		if err := turn.give(); err != nil {
			t.Fatalf("%s: %v", turn.name, err)
		}
		if after := known(); after == before {
			t.Errorf("%s: the turn is given, and the replica has still %q", turn.name, after)
		}
	}
	if line.Hits() == 0 {
		t.Error("the replica was not behind: the test proves nothing")
	}
}
