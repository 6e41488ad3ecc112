package broadcast

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"martinella/alerts"
)

// work takes jobs and brings each to its end. One worker of a channel takes
// urgent jobs only, so that one is always free for them.
func (l *line) work(ctx context.Context, urgentOnly bool) {
	for ctx.Err() == nil {
		if j, ok := l.inherited(urgentOnly); ok {
			l.run(ctx, j)
			continue
		}
		take := l.queue.Take
		if urgentOnly {
			take = l.queue.TakeUrgent
		}
		jobs, err := take(ctx, 1)
		if err != nil {
			pause(ctx, storePause)
			continue
		}
		l.runFresh(ctx, jobs)
	}
}

// runFresh runs what was taken just now, but for what the sweep for forgotten
// jobs has seen in between and claimed: two of us must never run one job.
func (l *line) runFresh(ctx context.Context, jobs []Job) {
	for _, j := range jobs {
		if l.claim(j) {
			l.run(ctx, j)
		}
	}
}

// claim takes the job into hand; false if it is already.
func (l *line) claim(j Job) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hands[j.EntryID] {
		return false
	}
	l.hands[j.EntryID] = true
	return true
}

// inherited gives a job that was taken over, urgent ones first.
func (l *line) inherited(urgentOnly bool) (Job, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := -1
	for i := range l.pending {
		if l.pending[i].Urgent {
			at = i
			break
		}
		if at < 0 && !urgentOnly {
			at = i
		}
	}
	if at < 0 {
		return Job{}, false
	}
	j := l.pending[at]
	l.pending = append(l.pending[:at:at], l.pending[at+1:]...)
	return j, true
}

// run brings one claimed job to an end: all settled, given back, or buried.
func (l *line) run(ctx context.Context, j Job) {
	l.count(j, 1)
	defer func() {
		l.count(j, -1)
		l.mu.Lock()
		delete(l.hands, j.EntryID)
		l.mu.Unlock()
	}()
	var err error
	if j.Taken > maxTaken {
		err = l.bury(j, fmt.Sprintf("taken %d times without coming to an end", j.Taken))
	} else {
		err = l.carry(ctx, j)
	}
	switch {
	case err == nil, errors.Is(err, ErrLost):
	case l.flight.Err() != nil:
		l.log.Warn("a job was left in the middle; another node takes it over", zap.String("alert", string(j.Alert)), zap.Int("job", j.N))
	default:
		l.log.Error("a job could not be carried; it is taken over later", zap.String("alert", string(j.Alert)), zap.Int("job", j.N), zap.Error(err))
	}
}

// count keeps the number of urgent jobs that are being sent.
func (l *line) count(j Job, by int) {
	if j.Urgent {
		l.mu.Lock()
		l.urgent += by
		l.mu.Unlock()
	}
}

func (l *line) carry(ctx context.Context, j Job) error {
	var task *Task
	err := l.insist(ctx, "task", func(ctx context.Context) (err error) {
		task, err = l.queue.Task(ctx, j)
		return err
	})
	if errors.Is(err, alerts.ErrNotFound) {
		return l.bury(j, "the alert's messages are gone")
	}
	if unreadable(err) {
		return l.bury(j, "the alert cannot be read")
	}
	if err != nil {
		return err
	}
	if l.kind == "" {
		defer l.inOrder(task.Record)()
	}
	return newBatch(l, j, task).run(ctx)
}

// inOrder waits while another post of the event is on its way, here or on
// another node, so that a Cancel stands behind its Alert and hangs on it; not
// for long, since what hangs must not hold a Cancel. release lets the next one
// go.
func (l *line) inOrder(r *alerts.Record) (release func()) {
	limit, cancel := context.WithTimeout(l.flight, orderTime)
	defer cancel()
	release = l.turn(limit, r.Event)
	if past, err := l.before(limit, r); err == nil {
		for _, one := range past {
			for {
				n, err := l.queue.Trying(limit, one.ID)
				if err == nil && n == 0 {
					break
				}
				if !pause(limit, orderPoll) {
					return release
				}
			}
		}
	}
	return release
}

// turn waits for the event's other posts of this node, until limit ends.
func (l *line) turn(limit context.Context, event alerts.ID) (release func()) {
	mine := make(chan struct{})
	for {
		l.mu.Lock()
		before := l.events[event]
		if before == nil || limit.Err() != nil {
			l.events[event] = mine
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				defer l.mu.Unlock()
				if l.events[event] == mine {
					delete(l.events, event)
				}
				close(mine)
			}
		}
		l.mu.Unlock()
		select {
		case <-before:
		case <-limit.Done():
		}
	}
}

func (l *line) bury(j Job, reason string) error {
	l.log.Error("a job is given up: it is a dead letter now", zap.String("alert", string(j.Alert)), zap.Int("job", j.N), zap.String("reason", reason))
	return l.insist(l.books, "bury", func(ctx context.Context) error {
		changed, err := l.queue.Bury(ctx, j, reason)
		l.metrics.changed(l.name, changed)
		return err
	})
}

// yield lets urgent jobs go first: while this node has any in hand, a worker
// with a normal job helps with them instead of competing for the pace.
func (l *line) yield(ctx context.Context) {
	for ctx.Err() == nil {
		l.mu.Lock()
		busy := l.urgent > 0
		l.mu.Unlock()
		if !busy {
			return
		}
		jobs, err := l.queue.TakeUrgent(ctx, 1)
		if err != nil {
			pause(ctx, storePause)
		}
		l.runFresh(ctx, jobs)
	}
}
