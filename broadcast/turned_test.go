package broadcast

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"martinella/channels"
)

// rota is the turn of two nodes, by virtual time.
type rota struct {
	mu    sync.Mutex
	who   string
	until time.Time
}

// rotaQueue is a node's queue; while it is cut off, the store does not answer.
type rotaQueue struct {
	Queue
	*rota
	node string
	cut  bool
}

func (q *rotaQueue) Listening(_ context.Context, d time.Duration) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	switch {
	case q.cut:
		return false, errors.New("the store is away")
	case q.who != q.node && now.Before(q.until):
		return false, nil
	case d == 0:
		q.until = time.Time{}
		return true, nil
	}
	q.who, q.until = q.node, now.Add(d)
	return true, nil
}

// listens notes who listens at a moment, and finds two at once.
type listens struct {
	t    *testing.T
	mu   *sync.Mutex
	now  *map[string]bool
	node string
}

func (l listens) Listen(ctx context.Context, _ channels.Sink) error {
	l.mu.Lock()
	(*l.now)[l.node] = true
	if len(*l.now) > 1 {
		l.t.Errorf("two nodes listen at %v", time.Now())
	}
	l.mu.Unlock()
	<-ctx.Done()
	l.mu.Lock()
	delete(*l.now, l.node)
	l.mu.Unlock()
	return ctx.Err()
}

func TestOneNodeListensAndAnotherFollows(t *testing.T) {
	for name, one := range map[string]struct {
		end    func(stop func(), q *rotaQueue)
		within time.Duration
	}{
		"it stops":                     {func(stop func(), _ *rotaQueue) { stop() }, turnKept + time.Second},
		"the store does not answer it": {func(_ func(), q *rotaQueue) { q.mu.Lock(); q.cut = true; q.mu.Unlock() }, turnTime + turnKept + time.Second},
		"its turn is another one's, lost": {func(_ func(), q *rotaQueue) {
			q.mu.Lock()
			q.who, q.until = "third", time.Now().Add(8*time.Second)
			q.mu.Unlock()
		}, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shared, mu, now := &rota{}, &sync.Mutex{}, &map[string]bool{}
				var wait sync.WaitGroup
				run := func(node string) (*rotaQueue, context.CancelFunc) {
					ctx, cancel := context.WithCancel(t.Context())
					q := &rotaQueue{rota: shared, node: node}
					wait.Go(func() { _ = (&turned{listens{t, mu, now, node}, q}).Listen(ctx, nil) })
					return q, cancel
				}
				who := func() string {
					synctest.Wait()
					mu.Lock()
					defer mu.Unlock()
					for node := range *now {
						return node
					}
					return ""
				}
				q, stop := run("first")
				if got := who(); got != "first" {
					t.Fatalf("%q listens", got)
				}
				_, stopSecond := run("second")
				time.Sleep(10 * turnTime) // virtual
				if got := who(); got != "first" {
					t.Errorf("after a while %q listens", got)
				}
				one.end(stop, q)
				time.Sleep(one.within)
				if got := who(); got != "second" {
					t.Errorf("%v later %q listens", one.within, got)
				}
				stop()
				stopSecond()
				wait.Wait()
			})
		})
	}
}
