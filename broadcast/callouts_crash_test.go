package broadcast_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/callout"
	"martinella/broadcast/crash"
	"martinella/broadcast/rdb"
)

// callTask is what a node of its own process is told in CALL_NODE.
type callTask struct {
	Redis, Data string
	Call        *volunteers.Call
	People      int // numbered from 1
	Answering   int // the first so many answer
}

// TestCallNode is no test by itself: with CALL_NODE set, this program opens a
// call, pages its people round by round and writes down what they answer, until
// it is killed or alone.
func TestCallNode(t *testing.T) {
	text := os.Getenv("CALL_NODE")
	if text == "" {
		return
	}
	var task callTask
	if err := json.Unmarshal([]byte(text), &task); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3) // nobody is left who could stop it
	}()
	ctx := context.Background()
	store := openAt(ctx, task.Redis, task.Data, zap.NewNop())
	calls := store.Callouts()
	people := make([]uint32, task.People)
	for i := range people {
		people[i] = uint32(i + 1)
	}
	legs := broadcasttest.LegsOf(time.Now(), 0, people...)
	if _, err := calls.Open(ctx, task.Call, legs, broadcasttest.CallAct(task.Call, "called", task.Call.Opened)); err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() { // volunteers who insist until they are answered
		for n := 1; n <= task.Answering; n++ {
			a := volunteers.Answer{Kind: volunteers.Coming, At: time.Now(), Via: "page"}
			if _, err := calls.Answer(ctx, task.Call.ID, uint32(n), a, broadcasttest.CallAct(task.Call, "answered", time.Now())); err != nil {
				fmt.Fprintln(os.Stderr, "answer:", err)
				os.Exit(4)
			}
			<-time.After(2 * time.Millisecond)
		}
	})
	for {
		if err := callRound(ctx, calls); err != nil {
			fmt.Fprintln(os.Stderr, "round:", err)
			os.Exit(5)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// callRound pages at most 40 of those who are due; nobody due is no error, nor is
// a round that another node had meanwhile.
func callRound(ctx context.Context, calls callout.Store) error {
	r, err := calls.Take(ctx, time.Now(), 500*time.Millisecond)
	if errors.Is(err, alerts.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	legs := r.Legs[:min(len(r.Legs), 40)]
	some, moved := make([]uint32, len(legs)), make([]volunteers.Leg, len(legs))
	for i, l := range legs {
		some[i] = l.Number
		l.Step++
		l.Due = time.Now().Add(300 * time.Millisecond)
		if l.Step == len(l.Kinds) {
			l.Due = time.Time{}
		}
		moved[i] = l
	}
	var p *callout.Page
	if len(some) > 0 {
		p = broadcasttest.PageOf(r.Call, time.Now(), "sms", some...)
	}
	err = calls.Page(ctx, r, p, moved, time.Time{})
	if errors.Is(err, alerts.ErrStale) {
		return nil
	}
	return err
}

// TestKilledWhilePagingFiresEachStepOnce kills the process that carries a call at
// each of its places, again and again: every step fires once, every answer is
// written down once, and nobody is paged twice by one page.
func TestKilledWhilePagingFiresEachStepOnce(t *testing.T) {
	beside(t)
	program := crashable(t)
	passes := map[crash.Point]int{crash.AfterCall: 1, crash.BeforePage: 3, crash.AfterPage: 3, crash.AfterAnswer: 20}
	for _, at := range crash.CallPoints() {
		pass := passes[at]
		t.Run(string(at), func(t *testing.T) {
			p := newPlant(t, program, 5000, true)
			p.node() // carries the pages
			const people, answering = 400, 100
			call := broadcasttest.NewCall(time.Now())
			task, err := json.Marshal(callTask{"unix://" + p.socket, p.dir, call, people, answering})
			if err != nil {
				t.Fatal(err)
			}
			start := func(env ...string) *nodeProcess {
				p.count++
				n := &nodeProcess{done: make(chan struct{}), log: filepath.Join(p.dir, fmt.Sprintf("call%d.log", p.count))}
				n.cmd = exec.Command(program, "-test.run=^TestCallNode$", "-test.timeout=15m")
				n.cmd.Env = append(append(os.Environ(), "CALL_NODE="+string(task)), env...)
				stdin, err := n.cmd.StdinPipe()
				if err == nil {
					err = n.cmd.Start()
				}
				if err != nil {
					t.Fatal(err)
				}
				go func() {
					defer close(n.done)
					_ = n.cmd.Wait() // killed
					_ = stdin.Close()
				}()
				t.Cleanup(n.kill)
				return n
			}
			for range 3 {
				n := start(fmt.Sprintf("CRASH_AT=%s:%d", at, pass))
				p.until("the node dies at "+string(at), n.dead)
				if n.cmd.ProcessState.Exited() { // it was not killed
					t.Fatalf("the node ended by itself at %s: %v", at, n.cmd.ProcessState)
				}
			}
			start()
			p.calledAll(call, answering)
		})
	}
}

// calledAll waits until a call has come to its end, and compares what was
// stored with what was sent.
func (p *plant) calledAll(call *volunteers.Call, answering int) {
	p.t.Helper()
	var sheet []callout.Entry
	p.until("everybody was tried or has answered", func() bool {
		var err error
		sheet, err = p.store.Callouts().Sheet(p.t.Context(), call.ID)
		for _, e := range sheet {
			if err == nil && (e.Leg == nil || !e.Leg.Due.IsZero() || int(e.Number) <= answering && e.Answer == nil) {
				return false
			}
		}
		return err == nil && len(sheet) > 0
	})
	records := map[alerts.ID]bool{}
	for _, e := range sheet {
		for _, page := range e.Pages {
			records[page.Record] = true
		}
	}
	for id := range records {
		p.over(id)
	}
	p.until("all reports are kept", p.provider.quiet)
	verbs := callVerbs(p.t, p.store, call.ID)
	if verbs["called"] != 1+len(records) || verbs["answered"] != answering {
		p.t.Errorf("acts %v, with %d pages and %d answers", verbs, len(records), answering)
	}
	p.provider.mu.Lock()
	defer p.provider.mu.Unlock()
	sent, saved := 0, 0
	for _, e := range sheet {
		last := alerts.ID("")
		for _, page := range e.Pages {
			key := fmt.Sprintf("%s/1/sms/%d", page.Record, page.Ordinal)
			n := p.provider.taken[key]
			if page.Record == last || n > 1 || n == 0 && e.Answer == nil && !refused(key) {
				p.t.Errorf("person %d, answered %v: page %v was taken %d times", e.Number, e.Answer != nil, page, n)
			}
			last = page.Record
			sent += n
			if n == 0 {
				saved++
			}
		}
		if e.Answer == nil && (len(e.Pages) != len(e.Leg.Kinds) || e.Leg.Step != len(e.Leg.Kinds)) || len(e.Pages) > len(e.Leg.Kinds) {
			p.t.Errorf("person %d, answered %v: %d pages, step %d", e.Number, e.Answer != nil, len(e.Pages), e.Leg.Step)
		}
	}
	p.t.Logf("%d people, %d pages, %d sent, %d not", len(sheet), len(records), sent, saved)
}

func callVerbs(t testing.TB, store *rdb.Redis, id alerts.ID) map[string]int {
	t.Helper()
	acts, err := store.Store().Acts(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	verbs := map[string]int{}
	for _, a := range acts {
		verbs[a.Verb]++
	}
	return verbs
}
