package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
)

// kills is how often a process is killed: three times in every run of the
// tests, twenty times with TEST_CHAOS=1 (make chaos).
func kills() int {
	if os.Getenv("TEST_CHAOS") != "" {
		return 20
	}
	return 3
}

// programDir is where the built gateway lies, "" until it is needed.
var programDir string

// program is the built gateway, once for all tests.
var program = sync.OnceValues(func() (bin string, err error) {
	if programDir, err = os.MkdirTemp("", "martinella-test"); err != nil {
		return "", err
	}
	bin = filepath.Join(programDir, "martinella")
	out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if programDir != "" {
		os.RemoveAll(programDir)
	}
	os.Exit(code)
}

// process is a gateway as its own process, at a fixed address so that senders
// find it again.
type process struct {
	bin, config, ready, url string
	data                    string
	log                     *record
	cmd                     *exec.Cmd
	done                    chan struct{}
	alone                   bool // in a process group of its own
}

func newProcess(t testing.TB) *process {
	t.Helper()
	needRedis(t)
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	dir, config := settle(t, "  - {name: outbox, kind: outbox, exercise: true}\n")
	return &process{
		bin: bin, config: config, ready: filepath.Join(dir, "ready"), url: "http://" + freeAddr(t), data: filepath.Join(dir, "data"), log: &record{},
	}
}

// freeAddr is an address that nobody listens on now.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start begins the gateway and waits until it is ready.
func (p *process) start(t testing.TB) {
	t.Helper()
	if !p.begin(t) {
		t.Fatalf("the gateway ended at its start\n%s", tail(p.log.String()))
	}
}

// begin starts the gateway and waits until it is ready, or has ended: one that
// takes over what another left may die at its place before that.
func (p *process) begin(t testing.TB) (ready bool) {
	t.Helper()
	os.Remove(p.ready)
	p.cmd = exec.Command(p.bin, "serve", "--config", p.config, "--listen", strings.TrimPrefix(p.url, "http://"), "--ready-file", p.ready)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: p.alone}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		defer close(done)
		_ = cmd.Wait()
	}(p.cmd, p.done)
	t.Cleanup(func() { p.end(syscall.SIGKILL) })
	eventually(t, "the gateway is ready", func() bool {
		b, err := os.ReadFile(p.ready)
		var at readyFile
		if ready = err == nil && json.Unmarshal(b, &at) == nil && at.PID == p.cmd.Process.Pid; ready {
			return true
		}
		select {
		case <-p.done:
			return true
		default:
			return false
		}
	})
	return ready
}

func tail(s string) string { return s[max(0, len(s)-4000):] }

func (p *process) end(signal syscall.Signal) {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(signal) // it may have ended
	<-p.done
}

// child is the process of the gateway's redis-server, 0 while there is none.
func (p *process) child(t testing.TB) int {
	t.Helper()
	entries, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(e)
		if err != nil {
			continue
		}
		// pid (name) state ppid ...; proc(5)
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(p.cmd.Process.Pid) && strings.Contains(string(b), "(redis-server)") && fields[0] != "Z" {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(e)))
			return pid
		}
	}
	return 0
}

// senders submit alerts without a pause, each again until it is answered, as a
// machine has to.
type senders struct {
	url, key string
	sender   string // of the message
	message  []byte
	rest     time.Duration // after each alert
	stop     chan struct{}
	all      sync.WaitGroup

	promises *broadcasttest.Checker

	mu       sync.Mutex
	answered map[string]alerts.ID // by CAP identifier
	statuses map[int]int
	broken   int
	wrong    []string
}

func (s *senders) run(t testing.TB, workers int) {
	s.stop, s.answered, s.statuses = make(chan struct{}), map[string]alerts.ID{}, map[int]int{}
	for range workers {
		s.all.Go(func() {
			for {
				select {
				case <-s.stop:
					return
				default:
					s.one(t.Context())
				}
				select {
				case <-s.stop:
				case <-time.After(s.rest):
				}
			}
		})
	}
}

func (s *senders) one(ctx context.Context) {
	identifier := "kill-" + ulid.Make().String()
	message := restamp(s.message, identifier)
	for ctx.Err() == nil {
		limited, cancel := context.WithTimeout(ctx, 15*time.Second)
		r, err := tell(limited, http.MethodPost, s.url+"/api/v1/alerts", s.key, capXML, message)
		cancel()
		var sub submitted
		s.mu.Lock()
		switch {
		case err != nil:
			s.broken++
		case r.status == http.StatusCreated || r.status == http.StatusOK:
			if json.Unmarshal(r.body, &sub) != nil || sub.ID == "" || sub.State != alerts.StateIssued {
				s.wrong = append(s.wrong, fmt.Sprintf("%d %s", r.status, r.body))
			}
			s.answered[identifier] = sub.ID
			s.promises.Acked(broadcasttest.Promise{Sender: s.sender, Identifier: identifier, ID: sub.ID, Published: true})
			s.statuses[r.status]++
		case r.status == http.StatusServiceUnavailable:
			s.statuses[r.status]++
			if r.header.Get("Retry-After") == "" {
				s.wrong = append(s.wrong, "503 without Retry-After")
			}
			err = fmt.Errorf("not now")
		default:
			s.wrong = append(s.wrong, fmt.Sprintf("%d %s", r.status, r.body))
		}
		s.mu.Unlock()
		if err == nil {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (s *senders) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.answered)
}

// underKills runs a gateway under load and lets kill do its worst; then it
// compares what was answered with what is kept.
func underKills(t *testing.T, kill func(p *process)) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIP: processes are found through /proc")
	}
	p := newProcess(t)
	p.start(t)
	file := filepath.Join(t.TempDir(), "key")
	must(t, "keys", "create", "--config", p.config, "--name", "load", "--can", "issue", "--self-approve", "--status", "Actual", "--out", file)
	load := &senders{
		url: p.url, key: secretOf(t, file), message: fixture(t), sender: "protezione.civile@comune.valdemo.example", promises: broadcasttest.NewChecker(),
	}
	load.run(t, 4)
	for range kills() {
		before := load.count()
		eventually(t, "alerts are accepted", func() bool { return load.count() > before+3 })
		<-time.After(rand.N(150 * time.Millisecond)) // anywhere within what is going on
		kill(p)
	}
	before := load.count()
	eventually(t, "alerts are accepted after the last kill", func() bool { return load.count() > before+3 })
	close(load.stop)
	load.all.Wait()
	if len(load.wrong) > 0 {
		t.Errorf("%d wrong answers, the first: %s", len(load.wrong), load.wrong[0])
	}
	outbox := filepath.Join(p.data, "outbox", "outbox.jsonl")
	t.Cleanup(func() {
		if t.Failed() {
			load.explain(t, outboxLines(t, outbox), p.log.String())
		}
	})
	eventually(t, "everything is delivered", func() bool {
		b, err := os.ReadFile(outbox)
		return err == nil && strings.Count(string(b), "\n") >= load.count()
	})
	p.end(syscall.SIGTERM)
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("SIGTERM: exit %d\n%s", code, tail(p.log.String()))
	}
	if strings.Contains(p.log.String(), "panic") {
		t.Errorf("the log holds a panic:\n%s", tail(p.log.String()))
	}
	load.compare(t, p, outboxLines(t, outbox))
	t.Logf("%d kills, %d alerts accepted, answers %v, %d broken connections", kills(), load.count(), load.statuses, load.broken)
}

// compare is the checker: every answer is in the records, the acts, the log and
// the outbox exactly once, and nothing else is.
func (s *senders) compare(t *testing.T, p *process, written []string) {
	t.Helper()
	ctx := t.Context()
	c, err := loadConfigOf(shell{getenv: noEnv}, p.config, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := openStore(ctx, c, c.Redis.URL, zap.NewNop())
	if err != nil {
		t.Fatalf("open what is kept: %v", err)
	}
	defer kept.Close()

	verdict, err := s.promises.Compare(ctx, kept.Store(), kept.Log())
	if err != nil || !verdict.Good() {
		t.Errorf("what was promised is not what is kept: %v %v", verdict, err)
	}

	inLog := map[alerts.ID]int{}
	identifiers := map[string]int{}
	for at := (broadcast.Cursor)(""); ; {
		entries, err := kept.Log().After(ctx, at, 500)
		if err != nil {
			t.Fatalf("read the log: %v", err)
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			inLog[e.Record.ID]++
			identifiers[e.Record.Alert.Identifier]++
			at = e.Cursor
		}
	}
	inOutbox := map[alerts.ID]int{}
	for _, line := range written {
		var e struct{ Alert alerts.ID }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Errorf("the outbox holds half a message: %q", line)
		}
		inOutbox[e.Alert]++
	}
	records := 0
	for r, err := range kept.Store().All(ctx, alerts.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		records++
		if r.State != alerts.StateIssued || inLog[r.ID] != 1 {
			t.Errorf("record %s of %s is %s and %d times in the log", r.ID, r.Alert.Identifier, r.State, inLog[r.ID])
		}
	}
	seen := map[alerts.ID]bool{}
	for identifier, id := range s.answered {
		if seen[id] {
			t.Errorf("two alerts were answered with %s", id)
		}
		seen[id] = true
		if inLog[id] != 1 || identifiers[identifier] != 1 || inOutbox[id] != 1 {
			t.Errorf("accepted %s: %d times in the log, %d by its identifier, %d in the outbox, want 1 each", id, inLog[id], identifiers[identifier], inOutbox[id])
		}
		acts, err := kept.Store().Acts(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		verbs := map[string]int{}
		for _, a := range acts {
			verbs[a.Verb]++
		}
		if verbs["submitted"] != 1 || verbs["issued"] != 1 || len(acts) != 2 {
			t.Errorf("accepted %s: acts %v, want one submitted and one issued", id, verbs)
		}
	}
	if len(inLog) != len(s.answered) || records != len(s.answered) {
		t.Errorf("%d in the log and %d records, but %d were accepted", len(inLog), records, len(s.answered))
	}
	var last int64
	for a, err := range kept.Store().AllActs(ctx, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if a.Seq != last+1 {
			t.Errorf("act %d follows on %d", a.Seq, last)
		}
		last = a.Seq
	}
}

// explain says what was accepted and not written, and how it stands.
func (s *senders) explain(t *testing.T, written []string, log string) {
	text := strings.Join(written, "\n")
	said := map[string]int{}
	for line := range strings.Lines(log) {
		var entry struct{ Level, Msg string }
		if json.Unmarshal([]byte(line), &entry) == nil {
			said[entry.Level+": "+entry.Msg]++
		}
	}
	t.Logf("%d accepted, %d written; the log says %v and ends:\n%s", s.count(), len(written), said, tail(log))
	shown := 0
	for _, id := range s.answered {
		if strings.Contains(text, string(id)) {
			continue
		}
		if r, err := tell(context.Background(), http.MethodGet, s.url+"/api/v1/alerts/"+string(id)+"/deliveries", s.key, "", nil); err == nil {
			t.Logf("missing: %s %s", id, r.body)
		}
		if shown++; shown == 5 {
			break
		}
	}
}

func TestKilledGatewayLosesAndDoublesNothing(t *testing.T) {
	underKills(t, func(p *process) {
		p.end(syscall.SIGKILL)
		p.start(t)
	})
}

func TestKilledRedisLosesAndDoublesNothing(t *testing.T) {
	underKills(t, func(p *process) {
		var pid int
		eventually(t, "there is a redis-server", func() bool { pid = p.child(t); return pid != 0 })
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Errorf("kill redis-server: %v", err)
		}
		eventually(t, "redis-server was started again", func() bool { now := p.child(t); return now != 0 && now != pid })
	})
}
