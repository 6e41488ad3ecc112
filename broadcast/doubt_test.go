package broadcast

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

// teller is a platform that tells what it knows of every message.
type teller struct {
	has   bool
	err   error
	asked int
}

func (f *teller) Find(context.Context, channels.Message) (channels.Receipt, bool, error) {
	f.asked++
	return channels.Receipt{}, f.has, f.err
}

// marks remembers what is written down before a message leaves once more.
type marks struct {
	Queue
	trails []Trail
}

func (m *marks) Again(_ context.Context, j Job, _ uint32, before ...Via) (Turn, error) {
	m.trails = append(m.trails, NewTrail(j.Over, before...))
	return TurnAsk, nil
}

// doubtfulJob is a job of an alert that insists, over two providers.
func doubtfulJob(t *testing.T, q Queue) *batch {
	t.Helper()
	route := func(name string) Route { return Route{Channel: phones{&platform{name: name}}} }
	metrics := NewMetrics(prometheus.NewRegistry(), []string{"sms", "backup"})
	l := &line{own: newProvider(route("sms"), metrics, zap.NewNop()), second: newProvider(route("backup"), metrics, zap.NewNop()),
		queue: q, flight: t.Context(), log: zap.NewNop()}
	l.own.finder, l.second.finder = nil, nil
	return &batch{line: l, task: &Task{Record: newHouse(t, route("sms")).record(alerts.SeveritySevere, time.Hour)}}
}

// A message in doubt: who is asked, whether it leaves once more, and who may
// have it then.
func TestWhatBecomesOfADoubt(t *testing.T) {
	silent := errors.New("no answer")
	for name, test := range map[string]struct {
		own, second *teller // nil: cannot be asked
		q           question
		attempt     int
		send        bool
		left        []Via
		state       State // where it is settled
		asked       [2]int
	}{
		"nobody can be asked: once more":          {q: question{trail: []Via{ViaOwn}, again: true}, send: true, left: []Via{ViaOwn}},
		"it left twice: never a third time":       {q: question{trail: []Via{ViaOwn, ViaOwn}, again: true}, state: Uncertain},
		"the alert was stopped: never again":      {q: question{trail: []Via{ViaOwn}}, state: Uncertain},
		"it left twice, and a person wants it":    {q: question{trail: []Via{ViaOwn, ViaSecond}, again: true, renewed: true}, send: true, left: []Via{ViaOwn}},
		"of two the one that can be asked counts": {second: &teller{err: silent}, q: question{trail: []Via{ViaOwn, ViaSecond}, again: true, renewed: true}, attempt: findTries, send: true, left: []Via{ViaSecond}, asked: [2]int{0, 1}},
		"it has it":                        {own: &teller{has: true}, q: question{trail: []Via{ViaOwn}, again: true}, state: Accepted, asked: [2]int{1, 0}},
		"it has not":                       {own: &teller{}, q: question{trail: []Via{ViaOwn, ViaOwn}, again: true}, send: true, asked: [2]int{1, 0}},
		"one of two has not":               {own: &teller{}, q: question{trail: []Via{ViaSecond, ViaOwn}, again: true}, send: true, left: []Via{ViaSecond}, asked: [2]int{1, 0}},
		"the second one is another by now": {second: &teller{}, q: question{trail: []Via{ViaSecond}, again: true, foreign: true}, send: true, left: []Via{ViaSecond}},
		"it does not answer yet":           {own: &teller{err: silent}, q: question{trail: []Via{ViaOwn}, again: true}, asked: [2]int{1, 0}},
		"it never answers":                 {own: &teller{err: silent}, q: question{trail: []Via{ViaOwn}, again: true}, attempt: findTries, send: true, left: []Via{ViaOwn}, asked: [2]int{1, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			b := doubtfulJob(t, &marks{})
			b.job.Attempt = test.attempt
			if test.own != nil {
				b.own.finder = test.own
			}
			if test.second != nil {
				b.second.finder = test.second
			}
			e, send, left := b.ask(channels.Message{Ordinal: 7}, test.q)
			if send != test.send || send && !slices.Equal(left, test.left) {
				t.Errorf("send %v with %v in doubt, want %v with %v", send, left, test.send, test.left)
			}
			if e.settled != (test.state != Queued) || e.result.State != test.state || e.doubt != (!send && !e.settled) {
				t.Errorf("it ends as %+v, want state %v", e, test.state)
			}
			for i, f := range []*teller{test.own, test.second} {
				if f != nil && f.asked != test.asked[i] {
					t.Errorf("provider %d was asked %d times, want %d", i, f.asked, test.asked[i])
				}
			}
		})
	}
}

// What is in doubt and would not leave now is not marked as if it had: it may
// still leave once more.
func TestAMarkIsOnlyOfWhatLeaves(t *testing.T) {
	queue := &marks{}
	b := doubtfulJob(t, queue)
	if _, send := b.again(7, ViaSecond, []Via{ViaOwn}); !send || !slices.Equal(queue.trails, []Trail{TrailOwnSecond}) {
		t.Errorf("it may leave: %v, marks %v", send, queue.trails)
	}
	b.second.breaker.halt("bad token")
	if e, send := b.again(7, ViaSecond, []Via{ViaOwn}); send || !e.doubt || e.unsent || len(queue.trails) != 1 {
		t.Errorf("it holds back: %+v, %v, marks %v", e, send, queue.trails)
	}
}
