package broadcast_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/callout"
	"martinella/broadcast/rdb"
	"martinella/channels"
)

// timed is a platform that knows when a message to each ordinal began to leave.
// Some it turns away the first time.
type timed struct {
	delay time.Duration
	busy  func(ordinal uint32, tries int) bool
	mu    sync.Mutex
	began map[sentTo][]time.Time
	tries map[sentTo]int
}

type sentTo struct {
	record  alerts.ID
	ordinal uint32
}

func (p *timed) Name() string                                      { return "pager" }
func (p *timed) AddressKind() string                               { return "phone" }
func (p *timed) Render(*alerts.Record) ([]channels.Message, error) { return nil, nil }

func (p *timed) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	to := sentTo{m.Alert, m.Ordinal}
	p.mu.Lock()
	p.tries[to]++
	if p.busy(m.Ordinal, p.tries[to]) {
		p.mu.Unlock()
		return channels.Receipt{}, channels.RetryAfter(errNoRoom, 50*time.Millisecond)
	}
	p.began[to] = append(p.began[to], time.Now())
	p.mu.Unlock()
	wait := time.NewTimer(p.delay)
	defer wait.Stop()
	select {
	case <-wait.C:
		return channels.Receipt{ID: m.Key}, nil
	case <-ctx.Done():
		return channels.Receipt{}, ctx.Err()
	}
}

var errNoRoom = errors.New("no room")

// carry has a channel's worker run until the test ends.
func carry(t *testing.T, store *rdb.Redis, ch channels.Channel) {
	t.Helper()
	queues, metrics, log := broadcast.NewQueues(store), broadcast.NewMetrics(prometheus.NewRegistry(), []string{ch.Name()}), zap.NewNop()
	if _, err := queues.Open(t.Context(), ch.Name()); err != nil {
		t.Fatal(err)
	}
	d := &broadcast.Dispatcher{Route: broadcast.Route{Channel: ch, Exercise: true, Memory: true}, Queues: queues, People: store.People(), Metrics: metrics, Log: log,
		Sink: &broadcast.Sink{Queues: queues, Metrics: metrics, Log: log}}
	ctx, stop := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() { _ = d.Run(ctx) })
	t.Cleanup(func() {
		stop()
		working.Wait()
	})
}

// TestNobodyIsPagedAfterTheirAnswer lets volunteers answer while workers hold
// the chunks of their pages: nothing begins to leave to anybody after their
// answer was taken, but for what was counted as on its way, and that within a
// second.
func TestNobodyIsPagedAfterTheirAnswer(t *testing.T) {
	for name, busy := range map[string]func(uint32, int) bool{
		"taken at once":                     func(uint32, int) bool { return false },
		"turned away the first three times": func(ordinal uint32, tries int) bool { return ordinal%2 == 0 && tries <= 3 },
	} {
		t.Run(name, func(t *testing.T) { pagedAfterAnswer(t, busy) })
	}
}

func pagedAfterAnswer(t *testing.T, busy func(uint32, int) bool) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("SKIPPED, nothing was proved: redis-server is not installed")
	}
	const people = 3000
	g := newGateway(t, rdb.Config{Redis: rdb.Embedded, DataDir: t.TempDir()}, 0)
	g.subscribe(t, people)
	store, calls := g.store, g.store.Callouts()
	platform := &timed{delay: 150 * time.Millisecond, busy: busy, began: map[sentTo][]time.Time{}, tries: map[sentTo]int{}}
	carry(t, store, platform)

	now := time.Now().UTC()
	numbers := make([]uint32, people)
	for i := range numbers {
		numbers[i] = uint32(i + 1)
	}
	call := broadcasttest.NewCall(now)
	if _, err := calls.Open(t.Context(), call, broadcasttest.LegsOf(now, 0, numbers...), broadcasttest.CallAct(call, "called", now)); err != nil {
		t.Fatal(err)
	}
	type answered struct {
		at          time.Time
		unavoidable int
	}
	answers, records := map[uint32]answered{}, []alerts.ID{}
	var mu sync.Mutex
	var volunteersDo sync.WaitGroup
	for range people / callout.RoundSize {
		r, err := calls.Take(t.Context(), time.Now(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		legs, some := r.Legs, make([]uint32, len(r.Legs))
		for i := range legs {
			some[i] = legs[i].Number
		}
		p := broadcasttest.PageOf(call, time.Now(), "pager", some...)
		records = append(records, p.Record.ID)
		moved := append([]volunteers.Leg(nil), legs...)
		for i := range moved {
			moved[i].Step, moved[i].Due = 1, time.Time{}
		}
		if err := calls.Page(t.Context(), r, p, moved, time.Time{}); err != nil {
			t.Fatal(err)
		}
		for part := range 4 {
			volunteersDo.Go(func() {
				for i := part; i < len(some); i += 8 { // every second one answers, over about as long as the sending takes
					<-time.After(time.Duration(rand.IntN(6)) * time.Millisecond)
					a := volunteers.Answer{Kind: volunteers.Coming, At: time.Now(), Via: "page"}
					done, err := calls.Answer(t.Context(), call.ID, some[i], a, broadcasttest.CallAct(call, "answered", time.Now()))
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					answers[some[i]] = answered{time.Now(), done.Unavoidable}
					mu.Unlock()
				}
			})
		}
	}
	volunteersDo.Wait()
	for _, id := range records {
		g.follow(t, id, time.Minute)
	}
	sheet, err := calls.Sheet(t.Context(), call.ID)
	if err != nil {
		t.Fatal(err)
	}
	unavoidable, saved, early := 0, 0, 0
	platform.mu.Lock()
	defer platform.mu.Unlock()
	for _, e := range sheet {
		a, said := answers[e.Number]
		if len(e.Pages) > 1 || len(e.Pages) == 0 && !said {
			t.Fatalf("person %d has %d pages", e.Number, len(e.Pages))
		}
		if len(e.Pages) == 0 {
			saved++
			continue
		}
		began := platform.began[sentTo{e.Pages[0].Record, e.Pages[0].Ordinal}]
		switch {
		case len(began) > 1, len(began) == 0 && !said:
			t.Errorf("person %d, answered %v, was paged %d times", e.Number, said, len(began))
		case !said:
		case len(began) == 0:
			saved++
		case a.unavoidable == 0 && began[0].After(a.at):
			t.Errorf("person %d was paged %v after the answer, which counted nothing as unavoidable", e.Number, began[0].Sub(a.at))
		case a.unavoidable > 0 && began[0].Sub(a.at) > time.Second:
			t.Errorf("person %d was paged %v after the answer", e.Number, began[0].Sub(a.at))
		case a.unavoidable > 0:
			unavoidable++
		default:
			early++
		}
	}
	if saved == 0 || unavoidable+early == 0 {
		t.Errorf("%d pages did not leave, %d were on their way, %d had left: the test proves nothing", saved, unavoidable, early)
	}
	t.Logf("%d answers: %d pages did not leave, %d were on their way, %d had left before", len(answers), saved, unavoidable, early)
}
