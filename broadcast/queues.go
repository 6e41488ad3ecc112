package broadcast

import (
	"context"
	"sync"
)

// Queues opens the queue of each channel once for all who use it on this node:
// planner, dispatchers and sink. It may be used from many goroutines.
type Queues struct {
	work Work
	mu   sync.Mutex
	open map[string]Queue
}

// NewQueues makes an empty set over the store's work.
func NewQueues(w Work) *Queues {
	return &Queues{work: w, open: map[string]Queue{}}
}

// Open gives the channel's queue and blocks while the store is asked for it. A
// failure is not remembered: the next call asks again.
func (q *Queues) Open(ctx context.Context, channel string) (Queue, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if known, ok := q.open[channel]; ok {
		return known, nil
	}
	fresh, err := q.work.Queue(ctx, channel)
	if err != nil {
		return nil, err
	}
	q.open[channel] = fresh
	return fresh, nil
}
