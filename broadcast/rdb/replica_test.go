package rdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
)

// peer is a redis-server or redis-sentinel of a test, on a port of loopback.
type peer struct {
	t    testing.TB
	port string
	args []string
	cmd  *exec.Cmd
}

func newPeer(t testing.TB, args ...string) *peer {
	t.Helper()
	program := need(t, "redis-server")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, port: port, args: append([]string{program}, args...)}
	t.Cleanup(p.kill)
	return p
}

// newServer starts a server that keeps what it has, also over its own death.
func newServer(t testing.TB, args ...string) *peer {
	t.Helper()
	p := newPeer(t)
	p.args = append(p.args, append([]string{"--port", p.port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0"}, args...)...)
	p.start()
	return p
}

// newSentinels watch the master; all but its death within half a second is
// left to them.
func newSentinels(t *testing.T, master *peer, n int) (addresses []string) {
	t.Helper()
	for range n {
		p := newPeer(t)
		file := filepath.Join(t.TempDir(), "sentinel.conf")
		text := fmt.Sprintf("port %s\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 %s %d\nsentinel down-after-milliseconds main 500\nsentinel failover-timeout main 5000\n", p.port, master.port, n/2+1)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p.args = append(p.args, file, "--sentinel")
		p.start()
		addresses = append(addresses, p.addr())
	}
	return addresses
}

func (p *peer) addr() string { return "127.0.0.1:" + p.port }

func (p *peer) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.args[0], p.args[1:]...)
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.await("answers", func(c *redis.Client) bool { return c.Ping(p.t.Context()).Err() == nil })
}

// await waits until the server is as wished.
func (p *peer) await(what string, done func(*redis.Client) bool) {
	p.t.Helper()
	c := redis.NewClient(&redis.Options{Addr: p.addr(), MaxRetries: -1, DialTimeout: time.Second})
	defer c.Close()
	for limit := time.Now().Add(2 * time.Minute); !done(c); pause(p.t.Context(), 20*time.Millisecond) {
		if time.Now().After(limit) {
			p.t.Fatalf("%s: not after two minutes: %s", p.addr(), what)
		}
	}
}

func (p *peer) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Error(err)
	}
}

func (p *peer) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.cmd = nil
	}
}

// pair starts a master and a replica that follows it.
func pair(t testing.TB) (master, replica *peer) {
	t.Helper()
	master = newServer(t)
	replica = newServer(t, "--replicaof", "127.0.0.1", master.port)
	master.await("a replica follows", hasReplica(t))
	return master, replica
}

func hasReplica(t testing.TB) func(*redis.Client) bool {
	return func(c *redis.Client) bool {
		info, err := c.Info(t.Context(), "replication").Result()
		return err == nil && len(readFollowed(info).replicas) == 1
	}
}

// run lets a node live until the test has ended.
func run(t *testing.T, r *Redis) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = r.Run(ctx) // nil: its server is not its own
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
}

// eventually waits for what a node finds out by itself.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for limit := time.Now().Add(2 * time.Minute); !done(); pause(t.Context(), 20*time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("not after two minutes: %s", what)
		}
	}
}

func TestAnswersSayWhetherAReplicaHasIt(t *testing.T) {
	master, replica := pair(t)
	r := open(t, Config{Redis: "redis://" + master.addr(), Authority: "valdemo", DataDir: t.TempDir(), Replicas: 1})
	run(t, r)
	// A machine that is busy may let a replica come too late, not for ever.
	eventually(t, "an answer says that a replica has it", func() bool {
		rec := issue(t, r, alerts.SeveritySevere, nil, "web")
		return rec.Replicated != nil && *rec.Replicated
	})
	promise := func() broadcast.Durability {
		t.Helper()
		d, err := r.Durability(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	eventually(t, "the node knows its replica", func() bool { return promise().Replicated() })
	eventually(t, "the replica has what was accepted", func() bool { d := promise(); return d.Replicas == 1 && d.Wanted == 1 })

	replica.kill()
	eventually(t, "the node misses its replica", func() bool { return !promise().Replicated() })
	if got := r.patience(1); got != time.Millisecond {
		t.Errorf("without a replica an answer waits %v", got)
	}
	rec := issue(t, r, alerts.SeveritySevere, nil, "web")
	if rec.Replicated == nil || *rec.Replicated {
		t.Error("no replica follows, and the answer says that one has it")
	}
	// Known before, and still on one machine: asking again does not make it safer.
	again := rec.Clone()
	again.ID = broadcasttest.NewID(time.Now())
	stored, fresh, err := r.Store().Intake(t.Context(), again, []byte("raw"), broadcasttest.NewAct(again, "submitted"))
	if err != nil || fresh || stored.Replicated == nil || *stored.Replicated {
		t.Errorf("asked again: fresh %v, replicated %v, %v", fresh, stored.Replicated, err)
	}

	replica.start()
	master.await("the replica follows again", hasReplica(t))
	eventually(t, "the node knows its replica again", func() bool { return promise().Replicated() })
	eventually(t, "asked again, the answer says that the replica has it", func() bool {
		stored, _, err := r.Store().Intake(t.Context(), again, []byte("raw"), broadcasttest.NewAct(again, "submitted"))
		if err != nil || stored.Replicated == nil {
			t.Fatalf("asked again: %v, %v", stored, err)
		}
		return *stored.Replicated
	})
}

func TestWithoutReplicasWantedNothingIsSaid(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		if rec := issue(t, r, alerts.SeverityMinor, nil, "web"); rec.Replicated != nil {
			t.Errorf("got %v", *rec.Replicated)
		}
	})
}

func TestReplicasAreReadFromInfo(t *testing.T) {
	for name, c := range map[string]struct {
		info string
		want followed
	}{
		"none":                      {"role:master\r\nconnected_slaves:0\r\nmaster_replid:a1\r\nmaster_repl_offset:9\r\n", followed{"a1", 9, nil}},
		"one that loads":            {"connected_slaves:1\r\nslave0:ip=10.0.0.2,port=6379,state=wait_bgsave,offset=0,lag=0\r\n", followed{}},
		"one of two":                {"slave0:ip=10.0.0.2,port=6379,state=online,offset=5,lag=0\r\nslave1:ip=10.0.0.3,port=6379,state=send_bulk,offset=0,lag=0\r\n", followed{replicas: []int64{5}}},
		"a replica's own lines":     {"role:slave\r\nslave_read_repl_offset:14\r\nslave_priority:100\r\n", followed{}},
		"two, and other line ends":  {"slave0:state=online,offset=7,type=replica\nslave1:state=online\n", followed{replicas: []int64{7, -1}}},
		"a server that says little": {"", followed{}},
	} {
		if got := readFollowed(c.info); got.history != c.want.history || got.offset != c.want.offset || !slices.Equal(got.replicas, c.want.replicas) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

// TestWhoHasWhatWasAccepted: each step is one look at the master, a second
// after the one before.
func TestWhoHasWhatWasAccepted(t *testing.T) {
	var p replication
	look := func(step string, want int, history string, offset int64, replicas ...int64) {
		t.Helper()
		p.weigh(followed{history, offset, replicas}, p.waits.Load())
		if got := p.known(); got != want {
			t.Errorf("%s: %d, want %d", step, got, want)
		}
	}
	look("first, one is behind", 1, "a", 100, 100, 90)
	look("second, all are on their way", 0, "a", 200, 150, 190)
	look("both have passed the first mark", 2, "a", 300, 250, 290)
	look("one hangs, after the older mark", 2, "a", 400, 250, 390)
	look("and hangs", 1, "a", 500, 250, 490)
	p.tell(0) // an answer waited in vain
	p.waits.Add(1)
	look("the marks are older than the answer", 0, "a", 600, 590, 590)
	look("and still", 0, "a", 700, 690, 690)
	look("both have passed what the answer wrote", 2, "a", 800, 790, 790)
	look("another master, marks of the old one do not count", 1, "b", 50, 50, 40)
	look("one left", 0, "b", 60)
	waits := p.waits.Load()
	p.waits.Add(1) // an answer while the master was asked
	p.tell(1)
	p.weigh(followed{"b", 70, nil}, waits)
	if got := p.known(); got != 1 {
		t.Errorf("what an answer found out was overwritten: %d", got)
	}
	p.told.Store(0)
	p.acked.Store(1)
	if p.known() != 0 {
		t.Error("what was found out long ago is still held to be true")
	}
	p.forget()
	if p.acked.Load() != 0 || p.following() != -1 || p.marks[1].history != "" {
		t.Error("something is still known")
	}
}

// TestReplicasAreKnownWithoutAnyAnswer: nobody publishes, and what is said of
// the replicas follows what they do; also where the master does not tell.
func TestReplicasAreKnownWithoutAnyAnswer(t *testing.T) {
	for name, allow := range map[string]string{"INFO is allowed": "+info", "INFO is not allowed": "-info"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they wait, and share nothing
			master, replica := pair(t)
			master.await("the user may do so much", func(c *redis.Client) bool {
				return c.Do(t.Context(), "ACL", "SETUSER", "default", allow).Err() == nil
			})
			r := open(t, Config{Redis: "redis://" + master.addr(), Authority: "valdemo", DataDir: t.TempDir(), Replicas: 1})
			run(t, r)
			have := func(n int) func() bool { return func() bool { return r.ReplicasAcked() == n } }
			eventually(t, "the replica has all", have(1))
			replica.signal(syscall.SIGSTOP)
			eventually(t, "the replica hangs", have(0))
			replica.signal(syscall.SIGCONT)
			eventually(t, "the replica goes on", have(1))
			replica.kill()
			eventually(t, "the replica is gone", have(0))
			replica.start()
			eventually(t, "the replica is back", have(1))
			master.signal(syscall.SIGSTOP)
			eventually(t, "nobody answers", have(0))
			master.signal(syscall.SIGCONT)
			eventually(t, "all is well", have(1))
		})
	}
}

func TestAResendSaysWhetherAReplicaHasIt(t *testing.T) {
	master, replica := pair(t)
	r := open(t, Config{Redis: "redis://" + master.addr(), Authority: "valdemo", DataDir: t.TempDir(), Replicas: 1})
	run(t, r)
	people := make([]uint32, resendWindow+1) // two calls of the script
	for i := range people {
		people[i] = uint32(i + 1)
	}
	last := uint32(resendWindow)
	rec := failedOnPhones(t, r, people, 0, last)
	wish := broadcast.Resend{Alert: rec.ID, Channel: "phones", Request: "wish", Act: broadcasttest.NewAct(rec, "resent")}
	resend := func(step string, replicated bool) {
		t.Helper()
		eventually(t, step, func() bool { // on a busy machine a replica may come too late
			got, err := r.Resend(t.Context(), wish)
			if err != nil || got.Failed != 2 || got.Replicated == nil || *got.Replicated && !replicated {
				t.Fatalf("%s: %+v, %v", step, got, err)
			}
			return *got.Replicated == replicated
		})
	}
	resend("a replica follows", true)
	replica.kill()
	eventually(t, "the node misses its replica", func() bool { return r.replicas.following() == 0 })
	resend("asked again without it", false)
	replica.start()
	eventually(t, "the node knows its replica again", func() bool { return r.replicas.following() == 1 })
	resend("asked again with it", true)

	replica.signal(syscall.SIGSTOP)
	wish.Request, wish.Recipient = "", &last
	if got, err := r.Resend(t.Context(), wish); err != nil || got.Replicated == nil || *got.Replicated {
		t.Errorf("a replica that hangs: %+v, %v", got, err)
	}
}

// failedOnPhones publishes to these people and lets the ordinals fail, the
// others be reached.
func failedOnPhones(t *testing.T, r *Redis, people []uint32, failed ...uint32) *alerts.Record {
	t.Helper()
	q, err := r.Queue(t.Context(), "phones")
	if err != nil {
		t.Fatal(err)
	}
	rec := issue(t, r, alerts.SeveritySevere, map[string][]uint32{"phones": people}, "phones")
	planned, err := q.Entries(t.Context(), 1)
	if err != nil || len(planned) != 1 {
		t.Fatalf("to plan: %v, %v", planned, err)
	}
	if _, err := q.Plan(t.Context(), planned[0], 0, []broadcast.Job{{V: 1, Alert: rec.ID, To: uint32(len(people)), Urgent: true}}, true); err != nil {
		t.Fatal(err)
	}
	taken, err := q.Take(t.Context(), 1)
	if err != nil || len(taken) != 1 {
		t.Fatalf("taken %v, %v", taken, err)
	}
	for from := 0; from < len(people); from += 500 {
		var ordinals []uint32
		var results []broadcast.Result
		for o := uint32(from); o < uint32(min(from+500, len(people))); o++ {
			state := broadcast.Accepted
			if slices.Contains(failed, o) {
				state = broadcast.Failed
			}
			ordinals, results = append(ordinals, o), append(results, broadcast.Result{Ordinal: o, State: state})
		}
		if _, err := q.Begin(t.Context(), taken[0], ordinals); err != nil {
			t.Fatal(err)
		}
		if _, err := q.Finish(t.Context(), taken[0], results, from+500 >= len(people)); err != nil {
			t.Fatal(err)
		}
	}
	return rec
}

// TestAServerThatPassesIsWaitedFor: for half a second the server refuses to
// write, as at a failover; nobody is told (fault 24).
func TestAServerThatPassesIsWaitedFor(t *testing.T) {
	t.Run("READONLY", func(t *testing.T) {
		master, other := newServer(t), newServer(t)
		r := open(t, Config{Redis: "redis://" + master.addr(), Authority: "valdemo", DataDir: t.TempDir(), Replicas: 1})
		c := redis.NewClient(&redis.Options{Addr: master.addr(), Protocol: 2})
		defer c.Close()
		if err := c.ReplicaOf(t.Context(), "127.0.0.1", other.port).Err(); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			pause(context.Background(), 500*time.Millisecond)
			if err := c.ReplicaOf(context.Background(), "NO", "ONE").Err(); err != nil {
				t.Error(err)
			}
		})
		issue(t, r, alerts.SeveritySevere, nil, "web")
		wg.Wait()
	})
	for _, reply := range []string{"LOADING Redis is loading the dataset in memory", "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "READONLY You can't write against a read only replica."} {
		t.Run(reply[:6], func(t *testing.T) {
			r := openMemory(t)
			r.shared.Break(reply)
			var wg sync.WaitGroup
			wg.Go(func() {
				pause(context.Background(), 300*time.Millisecond)
				r.shared.Break("")
			})
			issue(t, r, alerts.SeveritySevere, nil, "web")
			wg.Wait()
			if !strings.HasPrefix(reply, "LOADING") {
				return // once is enough: it takes seconds
			}
			r.shared.Break(reply)
			began := time.Now()
			rec := broadcasttest.NewRecord(alerts.SeveritySevere, "web")
			if _, _, err := r.Store().Intake(t.Context(), rec, nil, broadcasttest.NewAct(rec, "submitted")); !errors.Is(err, alerts.ErrUnavailable) || time.Since(began) > hang {
				t.Errorf("for ever: %v after %v", err, time.Since(began))
			}
			r.shared.Break("")
		})
	}
}

// TestALogThatLacksWhatWasReadIsANewOne: the new master never had an entry that
// a page shows, and has gone on since: cursors of before are gone.
func TestALogThatLacksWhatWasReadIsANewOne(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		one := issue(t, r, alerts.SeverityMinor, nil, "web")
		two := issue(t, r, alerts.SeverityMinor, nil, "web")
		if entries, err := r.Log().After(t.Context(), broadcast.Cursor(one.Cursor), 5); err != nil || len(entries) != 1 {
			t.Fatalf("got %v, %v", entries, err)
		}
		lose(t, r, one.Cursor, two.Cursor)
		three := issue(t, r, alerts.SeverityMinor, nil, "web")
		for _, err := range r.Log().Tail(t.Context(), broadcast.Cursor(two.Cursor)) {
			if !errors.Is(err, broadcast.ErrGone) {
				t.Errorf("the tail from what was lost gives %v", err)
			}
			break
		}
		if _, err := r.Log().After(t.Context(), broadcast.Cursor(three.Cursor), 5); !errors.Is(err, broadcast.ErrGone) {
			t.Errorf("a cursor of before: %v", err)
		}
		if head, err := r.Log().Head(t.Context()); err != nil || strings.Split(string(head), "-")[0] == strings.Split(three.Cursor, "-")[0] {
			t.Errorf("the head is %s after %s, %v", head, three.Cursor, err)
		}
		var got []alerts.ID
		entries, err := r.Log().After(t.Context(), "", 5)
		for _, e := range entries {
			got = append(got, e.Record.ID)
		}
		if want := []alerts.ID{one.ID, three.ID}; err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	})
}

// lose takes the newest entry away, as a replica that never had it.
func lose(t *testing.T, r *Redis, before, lost string) {
	t.Helper()
	_, b, _ := readCursor(broadcast.Cursor(before))
	_, l, _ := readCursor(broadcast.Cursor(lost))
	if n, err := r.commands.XDel(t.Context(), r.keys.log(), l.String()).Result(); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if err := r.commands.HSet(t.Context(), r.keys.epoch(), "head", b.String()).Err(); err != nil {
		t.Fatal(err)
	}
}

// TestKilledMasterLosesNothingReplicated ends or freezes the master under load;
// Sentinel makes the replica master. What was answered as replicated is there,
// once; two nodes go on by themselves and share what was left (fault 21).
func TestKilledMasterLosesNothingReplicated(t *testing.T) {
	for name, end := range map[string]func(*peer){
		"killed": (*peer).kill,
		"frozen": func(p *peer) { p.signal(syscall.SIGSTOP) },
	} {
		t.Run(name, func(t *testing.T) {
			rounds := 1
			if chaos() {
				rounds = 2
			}
			for range rounds {
				failover(t, end)
			}
		})
	}
}

// chaos is the tier for what takes long: here the return of the old master,
// for which Sentinel takes ten seconds.
func chaos() bool { return os.Getenv("TEST_CHAOS") != "" }

func failover(t *testing.T, end func(*peer)) {
	master, replica := pair(t)
	watch := &Sentinel{Master: "main", Addresses: newSentinels(t, master, 1)}
	knows := func(c *redis.Client) bool { // the sentinel has found the replica
		s := redis.NewSentinelClient(&redis.Options{Addr: watch.Addresses[0]})
		defer s.Close()
		list, err := s.Replicas(t.Context(), "main").Result()
		return err == nil && len(list) == 1
	}
	master.await("Sentinel knows the replica", knows)
	dir := t.TempDir()
	nodes := make([]*Redis, 2)
	for i := range nodes {
		nodes[i] = open(t, Config{Sentinel: watch, Authority: "valdemo", DataDir: dir, Replicas: 1})
		run(t, nodes[i])
	}
	first := issue(t, nodes[0], alerts.SeveritySevere, nil, "web")

	load, stop := context.WithCancel(t.Context())
	defer stop()
	checker := broadcasttest.NewChecker()
	var count struct {
		sync.Mutex
		safe, alone int
		last        time.Time
	}
	var clients sync.WaitGroup
	for i := range 4 {
		clients.Go(func() {
			for load.Err() == nil {
				safe, ok := replicatedSubmit(load, t, nodes[i%2], checker)
				count.Lock()
				if safe {
					count.safe++
				} else if ok {
					count.alone++
				}
				if ok {
					count.last = time.Now()
				}
				count.Unlock()
			}
		})
	}
	answered := func() (int, time.Time) {
		count.Lock()
		defer count.Unlock()
		return count.safe + count.alone, count.last
	}
	eventually(t, "50 alerts before", func() bool { n, _ := answered(); return n >= 50 })
	began := time.Now()
	end(master)
	replica.await("the replica is master", func(c *redis.Client) bool {
		info, err := c.Info(t.Context(), "replication").Result()
		return err == nil && strings.Contains(info, "role:master")
	})
	promoted := time.Now()
	eventually(t, "alerts after", func() bool { _, last := answered(); return last.After(promoted) })
	t.Logf("the replica was master after %v, the first alert after %v", promoted.Sub(began).Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	if chaos() {
		if master.cmd != nil {
			master.signal(syscall.SIGCONT) // it comes back believing itself master
		} else {
			master.start()
		}
		replica.await("the old master follows", hasReplica(t))
		count.Lock()
		before := count.safe
		count.Unlock()
		eventually(t, "alerts are replicated again", func() bool {
			count.Lock()
			defer count.Unlock()
			return count.safe > before+20
		})
	}
	stop()
	clients.Wait()

	verdict, err := checker.Compare(t.Context(), nodes[1].Store(), nodes[1].Log())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d answered as replicated, %d as on one machine; %s", count.safe, count.alone, verdict)
	if !verdict.Good() {
		t.Errorf("after the failover: %s", verdict)
	}

	// Both nodes see the same log, and share its work.
	heads := make([]broadcast.Cursor, 2)
	for i, n := range nodes {
		if heads[i], err = n.Log().Head(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Log().After(t.Context(), broadcast.Cursor(first.Cursor), 1); err != nil && !errors.Is(err, broadcast.ErrGone) {
			t.Errorf("node %d: %v", i, err)
		}
	}
	if heads[0] != heads[1] {
		t.Errorf("the nodes are at %v", heads)
	}
	shared(t, nodes)
}

// shared lets both nodes take jobs of one alert: each job goes to one of them.
func shared(t *testing.T, nodes []*Redis) {
	t.Helper()
	var queues []broadcast.Queue
	for _, n := range nodes {
		q, err := n.Queue(t.Context(), "phones")
		if err != nil {
			t.Fatal(err)
		}
		queues = append(queues, q)
	}
	people := make([]uint32, 20)
	for i := range people {
		people[i] = uint32(i + 1)
	}
	rec := issue(t, nodes[0], alerts.SeverityExtreme, map[string][]uint32{"phones": people}, "phones")
	planned, err := queues[0].Entries(t.Context(), 10)
	if err != nil || len(planned) != 1 || planned[0].Record.ID != rec.ID {
		t.Fatalf("to plan: %v, %v", planned, err)
	}
	var jobs []broadcast.Job
	for i := range uint32(10) {
		jobs = append(jobs, broadcast.Job{V: 1, Alert: rec.ID, N: int(i), From: 2 * i, To: 2*i + 2, Urgent: true})
	}
	if n, err := queues[0].Plan(t.Context(), planned[0], 0, jobs, true); err != nil || n != 10 {
		t.Fatalf("planned %d, %v", n, err)
	}
	seen := map[int]int{}
	for i := range 10 {
		taken, err := queues[i%2].Take(t.Context(), 1)
		if err != nil || len(taken) != 1 {
			t.Fatalf("node %d takes %v, %v", i%2, taken, err)
		}
		seen[taken[0].N]++
		j := taken[0]
		if _, err := queues[i%2].Begin(t.Context(), j, []uint32{j.From, j.From + 1}); err != nil {
			t.Error(err)
		}
		if _, err := queues[i%2].Finish(t.Context(), j, []broadcast.Result{{Ordinal: j.From, State: broadcast.Accepted}, {Ordinal: j.From + 1, State: broadcast.Accepted}}, true); err != nil {
			t.Error(err)
		}
	}
	ds, err := nodes[1].Deliveries(t.Context(), rec.ID)
	if len(seen) != 10 || err != nil || len(ds) != 1 || ds[0].Accepted != 20 {
		t.Errorf("jobs %v, deliveries %+v, %v", seen, ds, err)
	}
}

// replicatedSubmit brings one alert in and notes it where its answer says that
// a replica has it.
func replicatedSubmit(ctx context.Context, t *testing.T, r *Redis, checker *broadcasttest.Checker) (safe, answered bool) {
	rec := broadcasttest.NewRecord(alerts.SeveritySevere, "web")
	stored, _, err := r.Store().Intake(ctx, rec, []byte("raw"), broadcasttest.NewAct(rec, "submitted"))
	if err != nil {
		if !errors.Is(err, alerts.ErrUnavailable) && ctx.Err() == nil {
			t.Errorf("intake ended with %v", err)
		}
		return false, false
	}
	p := broadcasttest.PublicationOf(stored, nil)
	err = r.Publish(ctx, p)
	switch {
	case err == nil:
	case errors.Is(err, alerts.ErrUnavailable), ctx.Err() != nil:
		return false, false
	case errors.Is(err, alerts.ErrNotFound) && !*stored.Replicated:
		return false, false // its intake was on the lost machine alone
	default:
		t.Errorf("publishing ended with %v", err)
		return false, false
	}
	if *p.Record.Replicated {
		checker.Acked(broadcasttest.Promise{Sender: rec.Alert.Sender, Identifier: rec.Alert.Identifier, ID: stored.ID, Content: rec.Content, Published: true})
	}
	return *p.Record.Replicated, true
}

// BenchmarkReplica compares an alert with and without waiting for a replica,
// all on this machine.
func BenchmarkReplica(b *testing.B) {
	for name, wanted := range map[string]int{"a replica is waited for": 1, "none is waited for": 0} {
		b.Run(name, func(b *testing.B) {
			master, _ := pair(b)
			r := open(b, Config{Redis: "redis://" + master.addr(), Authority: "valdemo", DataDir: b.TempDir(), Replicas: wanted})
			for b.Loop() {
				issue(b, r, alerts.SeveritySevere, nil, "web")
			}
		})
	}
}
