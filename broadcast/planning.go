package broadcast

import (
	"context"
	"errors"
	"slices"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast/crash"
)

// planBatch is how many jobs one call of Plan writes.
const planBatch = 200

// mostRevisions bounds how far an event is followed back.
const mostRevisions = 1000

// plan turns log entries into jobs.
func (l *line) plan(ctx context.Context) {
	for ctx.Err() == nil {
		entries, err := l.queue.Entries(ctx, 10)
		for _, p := range entries { // some may have been read before the error
			if err := l.planOne(ctx, p); err != nil && ctx.Err() == nil {
				l.log.Error("an alert could not be planned; it will be tried again", zap.String("entry", p.ID), zap.Error(err))
			}
		}
		if err != nil {
			pause(ctx, storePause)
		}
	}
}

// planOne plans one entry: one job for a public post, chunks for an audience.
// It goes on where another node stopped.
func (l *line) planOne(ctx context.Context, p Planned) error {
	jobs, failed, err := l.jobs(ctx, p.Record)
	if err != nil {
		return err
	}
	for first := 0; ; {
		batch := jobs[min(first, len(jobs)):min(first+planBatch, len(jobs))]
		last := first+len(batch) >= len(jobs)
		var planned int
		err := l.insist(ctx, "plan", func(ctx context.Context) (err error) {
			planned, err = l.queue.Plan(ctx, p, first, batch, last)
			return err
		})
		if err != nil {
			return err
		}
		crash.At(crash.AfterPlan)
		if planned == first+len(batch) && last {
			if failed > 0 {
				l.metrics.changed(l.name, Changed{Failed: failed})
			}
			return nil
		}
		first = planned
	}
}

// jobs cuts what the channel has to say of the record into jobs; none where it
// is not in the plan or could not render, which is one failed delivery.
func (l *line) jobs(ctx context.Context, r *alerts.Record) (jobs []Job, failed int, err error) {
	if r == nil || !slices.Contains(r.Channels, l.name) {
		return nil, 0, nil
	}
	var task *Task
	err = l.insist(ctx, "task", func(ctx context.Context) (err error) {
		task, err = l.queue.Task(ctx, Job{Alert: r.ID})
		return err
	})
	if errors.Is(err, alerts.ErrNotFound) {
		l.log.Error("the rendered messages of a published alert are gone", zap.String("alert", string(r.ID)))
		return nil, 0, nil
	}
	if unreadable(err) {
		l.log.Error("a published alert cannot be read: it is not sent here", zap.String("alert", string(r.ID)), zap.Error(err))
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	if task.Failure != "" {
		return nil, 1, nil
	}
	urgent, err := l.urgentlyNeeded(ctx, r)
	if err != nil {
		return nil, 0, err
	}
	var end uint32
	for _, s := range task.Spans {
		end = max(end, s.To)
	}
	step := uint32(chunkSize)
	if l.kind == "" {
		step = max(end, 1)
	}
	for from := uint32(0); from < end; from += step {
		jobs = append(jobs, Job{V: 1, Alert: r.ID, N: len(jobs), From: from, To: min(from+step, end), Urgent: urgent})
	}
	return jobs, 0, nil
}

// urgentlyNeeded decides the lane: that of the record, or of a revision before
// it, so that who was not reached is not worse off (DECISIONS 7).
func (l *line) urgentlyNeeded(ctx context.Context, r *alerts.Record) (bool, error) {
	if r.Urgent() || r.Supersedes == "" {
		return r.Urgent(), nil
	}
	before, err := l.before(ctx, r)
	return slices.ContainsFunc(before, (*alerts.Record).Urgent), err
}

// before gives the revisions before r, the newest first, as far as the store
// knows them.
func (l *line) before(ctx context.Context, r *alerts.Record) (past []*alerts.Record, err error) {
	for id := r.Supersedes; id != "" && len(past) < mostRevisions; {
		var task *Task
		err := l.insist(ctx, "task", func(ctx context.Context) (err error) {
			task, err = l.queue.Task(ctx, Job{Alert: id})
			return err
		})
		if errors.Is(err, alerts.ErrNotFound) || unreadable(err) {
			break
		}
		if err != nil {
			return nil, err
		}
		past, id = append(past, task.Record), task.Record.Supersedes
	}
	return past, nil
}

// final reports whether asking the store again would give the same. What is
// lost only perhaps (the store does not know now) is asked again.
func final(err error) bool {
	return (errors.Is(err, ErrLost) && !errors.Is(err, alerts.ErrUnavailable)) || errors.Is(err, alerts.ErrNotFound) || errors.Is(err, ErrUnreadable) || errors.Is(err, context.Canceled)
}

// unreadable reports whether no program can read it, not even a newer one.
func unreadable(err error) bool {
	return errors.Is(err, ErrUnreadable) && !errors.Is(err, alerts.ErrUnavailable)
}
