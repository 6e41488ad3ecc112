package broadcast

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"martinella/alerts"
	"martinella/channels"
)

func TestMetricsAreThereFromTheStart(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	NewMetrics(reg, []string{"sms", "social"})
	want := map[string]int{
		"martinella_deliveries_total": 12, "martinella_delivery_attempts_total": 10, "martinella_delivery_seconds": 10, "martinella_queue_jobs": 4,
		"martinella_queue_oldest_seconds": 4, "martinella_dead_letters": 2, "martinella_dead_letters_oldest_seconds": 2, "martinella_token_expiry_seconds": 2, "martinella_breaker_open": 2, "martinella_receipts_total": 6, "martinella_replies_total": 4,
		"martinella_channel_check_ok": 2, "martinella_redis_durable": 1, "martinella_redis_replicas_acked": 1,
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if got := len(f.GetMetric()); got != want[f.GetName()] {
			t.Errorf("%s has %d series, want %d", f.GetName(), got, want[f.GetName()])
		}
		delete(want, f.GetName())
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
}

func TestReportsAreCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{name: "sms"}
		route := Route{Channel: phones{p}}
		h := newHouse(t, route)
		h.subscribe(2, "it")
		reg := prometheus.NewRegistry()
		ms := NewMetrics(reg, []string{"sms"})
		queues := NewQueues(h.node("a"))
		sink := &Sink{Queues: queues, Metrics: ms, Log: zap.NewNop()}
		d := &Dispatcher{Route: route, Queues: queues, People: h.memory, Metrics: ms, Sink: sink, Log: zap.NewNop()}
		r := h.issue(h.record("Minor", time.Hour))
		early := channels.DeliveryReport{MessageID: "id-" + string(r.ID) + "/1/sms/0", State: channels.ReportDelivered}
		if err := sink.Report(t.Context(), "sms", early); err != nil { // before the message was written down
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = d.Run(ctx) }()
		h.settle("sms", time.Minute)
		for range 3 { // reports come doubled
			_ = sink.Report(t.Context(), "sms", early)
			_ = sink.Report(t.Context(), "sms", channels.DeliveryReport{MessageID: "id-" + string(r.ID) + "/1/sms/1", State: channels.ReportFailed})
		}
		stop()
		<-done
		for outcome, want := range map[string]float64{"accepted": 2, "delivered": 1, "failed": 1} {
			if got := value(t, reg, "martinella_deliveries_total", "channel", "sms", "outcome", outcome); got != want {
				t.Errorf("deliveries_total{%s} = %v, want %v", outcome, got, want)
			}
		}
		if got := value(t, reg, "martinella_receipts_total", "channel", "sms", "state", "delivered"); got != 4 {
			t.Errorf("receipts_total{delivered} = %v, want 4", got)
		}
		if got := value(t, reg, "martinella_delivery_seconds", "channel", "sms", "severity", "Minor"); got != 2 {
			t.Errorf("delivery_seconds has %v observations, want 2", got)
		}
	})
}

func TestRepliesAreNeverKeptNorLogged(t *testing.T) {
	core, logs := observer.New(zapcore.DebugLevel)
	reg := prometheus.NewRegistry()
	sink := &Sink{Log: zap.New(core), Metrics: NewMetrics(reg, []string{"sms"})}
	reply := channels.Reply{From: "+393331234567", Text: "AIUTO in via Roma"}
	sink.Replies = func(context.Context, string, channels.Reply) error { return fmt.Errorf("not ours: %w", ErrUnhandled) }
	if err := sink.Reply(t.Context(), "sms", reply); err != nil {
		t.Errorf("%v: a platform would bring it for ever", err)
	}
	sink.Replies = func(context.Context, string, channels.Reply) error { return alerts.ErrUnavailable }
	if err := sink.Reply(t.Context(), "sms", reply); !errors.Is(err, alerts.ErrUnavailable) {
		t.Errorf("the store is away: %v", err)
	}
	var got channels.Reply
	sink.Replies = func(_ context.Context, _ string, r channels.Reply) error { got = r; return nil }
	if err := sink.Reply(t.Context(), "sms", reply); err != nil || got != reply {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, e := range logs.All() {
		line := e.Message
		for _, f := range e.Context {
			line += " " + f.String
		}
		if strings.Contains(line, "3331234") || strings.Contains(line, "via Roma") {
			t.Errorf("the log tells too much: %s", line)
		}
	}
	if logs.Len() != 2 {
		t.Errorf("%d lines, want one for each reply", logs.Len())
	}
	for result, want := range map[string]float64{"taken": 1, "dropped": 1} {
		if n := value(t, reg, "martinella_replies_total", "channel", "sms", "result", result); n != want {
			t.Errorf("%v are %s, want %v", n, result, want)
		}
	}
}

func TestWhatCannotBeRenderedCountsAsFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		route := Route{Channel: &platform{name: "social", render: noMessage("too long")}}
		h := newHouse(t, route)
		ctx, stop := context.WithCancel(t.Context())
		reg, done := h.dispatch(ctx, "a", route)
		h.issue(h.record("Minor", time.Hour))
		h.settle("social", time.Minute)
		stop()
		<-done
		if v := value(t, reg, "martinella_deliveries_total", "channel", "social", "outcome", "failed"); v != 1 {
			t.Errorf("deliveries_total{failed} = %v, want 1", v)
		}
	})
}

func TestWhatIsBuriedCountsAsFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		route := Route{Channel: phones{&platform{name: "sms"}}}
		h := newHouse(t, route)
		h.subscribe(3, "it")
		r := h.issue(h.record("Minor", time.Hour))
		q := &memoryQueue{h.memory, "sms", "a"}
		h.mu.Lock()
		h.channel("sms").position = len(h.log) // planned already
		q.push(h.channel("sms"), Job{V: 1, Alert: r.ID, To: 3}, time.Time{})
		h.channel("sms").entries[0].taken = maxTaken
		h.mu.Unlock()
		ctx, stop := context.WithCancel(t.Context())
		reg, done := h.dispatch(ctx, "a", route)
		h.settle("sms", time.Minute)
		stop()
		<-done
		if v := value(t, reg, "martinella_deliveries_total", "channel", "sms", "outcome", "failed"); v != 3 {
			t.Errorf("deliveries_total{failed} = %v, want 3", v)
		}
	})
}

// robbedNode records what happened and then has lost the job.
type robbedNode struct{ *node }

type robbedQueue struct{ *memoryQueue }

func (r robbedNode) Queue(ctx context.Context, channel string) (Queue, error) {
	q, err := r.node.Queue(ctx, channel)
	return robbedQueue{q.(*memoryQueue)}, err
}

func (r robbedQueue) Finish(ctx context.Context, j Job, results []Result, last bool) (Changed, error) {
	changed, err := r.memoryQueue.Finish(ctx, j, results, last)
	return changed, errors.Join(err, ErrLost)
}

func TestWhatALostJobHadRecordedIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		route := Route{Channel: phones{&platform{name: "sms"}}}
		h := newHouse(t, route)
		h.subscribe(3, "it")
		reg := prometheus.NewRegistry()
		d := &Dispatcher{Route: route, Queues: NewQueues(robbedNode{h.node("a")}), People: h.memory, Metrics: NewMetrics(reg, []string{"sms"}), Log: zap.NewNop()}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = d.Run(ctx)
		}()
		h.issue(h.record("Minor", time.Hour))
		h.settle("sms", time.Minute)
		stop()
		<-done
		if v := value(t, reg, "martinella_deliveries_total", "channel", "sms", "outcome", "accepted"); v != 3 {
			t.Errorf("deliveries_total{accepted} = %v, want 3", v)
		}
	})
}

// replicated is a store that knows its replicas, and does not answer otherwise.
type replicated struct {
	Work
	acked atomic.Int64
}

func (r *replicated) ReplicasAcked() int { return int(r.acked.Load()) }
func (*replicated) Durability(context.Context) (Durability, error) {
	return Durability{Durable: true}, errors.New("no answer")
}

func TestReplicasAreCountedWhenSomebodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		m, store := NewMetrics(reg, nil), &replicated{}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = m.Watch(ctx, store) }()
		synctest.Wait()
		for _, want := range []int64{1, 0, 2} {
			store.acked.Store(want)
			if got := value(t, reg, "martinella_redis_replicas_acked"); got != float64(want) {
				t.Errorf("got %v, want %d", got, want)
			}
		}
		if got := value(t, reg, "martinella_redis_durable"); got != 0 {
			t.Errorf("a store that does not answer is durable: %v", got)
		}
		stop()
		<-done
	})
}

// lease is an account whose credentials end.
type lease struct {
	at    time.Time
	known bool
}

func (e lease) Ends() (time.Time, bool) { return e.at, e.known }

func TestHowLongCredentialsHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		m := NewMetrics(reg, []string{"facebook"})
		for _, c := range []struct {
			what string
			e    lease
			want float64
		}{
			{"an end that is known", lease{time.Now().Add(time.Hour), true}, 3600},
			{"an end that has passed", lease{time.Now().Add(-time.Hour), true}, -3600},
			{"none that is known", lease{}, math.Inf(1)},
		} {
			m.ends("facebook", c.e)
			if got := value(t, reg, "martinella_token_expiry_seconds", "channel", "facebook"); got != c.want {
				t.Errorf("%s: %v seconds, want %v", c.what, got, c.want)
			}
		}
	})
}
