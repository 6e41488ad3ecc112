package broadcast

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast/crash"
)

// store settles the last window. With last the job is done.
func (b *batch) store(last bool) error {
	if len(b.results) == 0 && !last {
		return nil
	}
	return b.insist(b.books, "finish", func(ctx context.Context) error {
		changed, err := b.queue.Finish(ctx, b.job, b.results, last)
		if err != nil && (!errors.Is(err, ErrLost) || errors.Is(err, alerts.ErrUnavailable)) {
			return err
		}
		crash.At(crash.AfterDone)
		// Recorded, also where the job is another worker's by now.
		b.metrics.settled(b.name, b.task.Record.Alert.Severity(), b.results, b.timed, changed)
		b.results = nil
		return err
	})
}

// timed reports whether the ordinal's message is one that readers waited for.
func (b *batch) timed(ordinal uint32) bool {
	m, known := b.rendered(ordinal)
	return known && m.Step.Posts()
}

// rest is the job without its settled beginning.
func (b *batch) rest() Job {
	j := b.job
	j.From = b.at
	for _, o := range b.unsent {
		j.From = min(j.From, o)
	}
	for _, o := range b.doubts {
		j.From = min(j.From, o)
	}
	return j
}

// doubtful reports whether somebody in the rest of the job may have been sent
// something: by this worker, or by one that left the job behind. Such a job
// never goes back with Attempt 0, which says that nobody touched it.
func (b *batch) doubtful() bool { return len(b.doubts) > 0 || b.job.Taken > 1 }

// giveBack returns the rest of the job at once: this node stops.
func (b *batch) giveBack() error {
	if err := b.store(false); err != nil {
		return err
	}
	j := b.rest()
	if b.doubtful() {
		j.Attempt++
	}
	return b.insist(b.books, "retry", func(ctx context.Context) error {
		return b.queue.Retry(ctx, j, 0, b.unsent, b.reason)
	})
}

// later gives the job back for another attempt, or gives it up where the
// channel's program keeps failing on it.
func (b *batch) later() error {
	if err := b.store(false); err != nil {
		return err
	}
	b.obey()
	j := b.rest()
	wait := backoff(j.Attempt, j.Urgent)
	if b.after > 0 {
		wait = spread(b.after)
	}
	if b.held && j.Urgent {
		wait = min(wait, urgentHold)
	}
	if b.turned && b.after == 0 {
		wait = 0
	}
	if !b.held && !b.turned || b.doubtful() {
		j.Attempt++
	}
	// Only what the program failed on is left: the others had their chance.
	if b.crashed && j.Attempt >= maxTaken && len(b.unsent) == 0 && b.at >= j.To {
		return b.bury(b.job, "the channel's program failed on it again and again")
	}
	wait = until(wait, b.expires, time.Now())
	b.log.Info("a job is tried again later", zap.String("alert", string(j.Alert)), zap.Int("job", j.N), zap.Int("attempt", j.Attempt),
		zap.Int("unsent", len(b.unsent)), zap.Int("in_doubt", len(b.doubts)), zap.Duration("in", wait), zap.String("reason", b.reason))
	return b.insist(b.books, "retry", func(ctx context.Context) error {
		return b.queue.Retry(ctx, j, wait, b.unsent, b.reason)
	})
}
