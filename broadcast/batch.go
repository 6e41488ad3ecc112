package broadcast

import (
	"context"
	"sync"
	"time"

	"martinella/alerts"
	"martinella/broadcast/crash"
)

// batch is a job being carried: windows of recipients, one after another. Per
// window the order is pace, attempt written down, send, result written down;
// so a crash at any point leaves at most one window in doubt, never a
// recipient forgotten.
type batch struct {
	*line
	job     Job
	task    *Task
	expires time.Time        // when trying ends; zero: never
	end     State            // of who was not reached by then
	history map[string]Posts // of public posts: what was posted of the event before, by language
	past    []*alerts.Record // of public posts: the revisions before, the newest first
	early   bool             // of public posts: one of those before is still on its way
	at      uint32           // the next ordinal
	numbers []uint32         // of the people of the window, from at on

	credit   int              // of what the pace has granted nobody needed this
	credited Via              // whose pace that was
	unsent   []uint32         // surely not taken: tried again later
	doubts   []uint32         // perhaps taken, and the platform could not be asked yet
	results  []Result         // of the last window, not stored yet
	after    time.Duration    // the longest wait that is asked for
	asked    [2]time.Duration // that a platform asked for
	reason   string           // the newest, for people
	crashed  bool             // the channel's program failed
	stopped  bool             // a later revision took the alert's place: the rest is settled, not sent
	held     bool             // the channel holds back: no failure of this job
	turned   bool             // another provider carries from now on, at once

	beside sync.WaitGroup // messages that no window waits for
	mu     sync.Mutex
	ended  []ending // of those beside
}

// newBatch begins to carry a job. What closes an event always leaves, but it is
// not tried for ever: then it has failed, where people see it.
func newBatch(l *line, j Job, task *Task) *batch {
	if l.second != nil {
		j.Second = l.second.name
	}
	b := &batch{line: l, job: j, task: task, expires: task.Record.Expires(), end: Expired}
	if over(task.Record) && !task.Record.Published.IsZero() {
		b.expires, b.end = task.Record.Published.Add(closingTime), Failed
	}
	if id := l.halted.Load(); id != nil && *id == j.Alert {
		b.stopped = true
	}
	return b
}

func (b *batch) run(ctx context.Context) error {
	err := b.windows(ctx)
	b.beside.Wait()
	b.gather()
	switch {
	case err != nil:
		_ = b.store(false) // what happened is recorded also where the job is another one's
		return err
	case b.at < b.job.To && !b.waits():
		return b.giveBack() // ctx ended
	case b.at >= b.job.To && len(b.unsent) == 0 && len(b.doubts) == 0:
		crash.At(crash.BeforeAck)
		return b.store(true)
	}
	return b.later()
}

// waits reports whether the rest of the job has to wait.
func (b *batch) waits() bool { return b.held || b.turned || b.after > 0 }

// windows goes through the job until its end, until something has to be waited
// for, or until ctx ends.
func (b *batch) windows(ctx context.Context) error {
	for b.at = b.job.From; b.at < b.job.To && !b.waits() && ctx.Err() == nil; {
		// Before any waiting: a crash in it must not make a window doubtful that
		// ended long ago.
		b.gather()
		if err := b.store(false); err != nil {
			return err
		}
		if !b.job.Urgent {
			b.yield(ctx)
		}
		late, via := !b.inTime(), ViaOwn
		end := min(b.at+chunkSize, b.job.To)
		if !late && !b.stopped {
			var why string
			var wait time.Duration
			if via, why, wait = b.carrier(); why != "" {
				b.hold(wait, why)
				break
			}
			if via == ViaSecond && b.probe() {
				if err := b.attempt(b.at, b.at+1, window{probe: true}); err != nil {
					return err
				}
				b.at++
				continue
			}
			end = min(b.at+uint32(b.provider(via).window(b.weigh(via, b.at, b.at+1))), b.job.To)
			if b.kind == "" {
				end = b.alike(b.at, end)
			}
			n, err := b.paced(ctx, via, int(end-b.at))
			if err != nil {
				return err
			}
			if n == 0 {
				continue // look around first: something may be more important now
			}
			end = b.at + uint32(n)
		}
		if err := b.attempt(b.at, end, window{via: via, late: late}); err != nil {
			return err
		}
		b.at = end
		// Whom this one did not take need not wait for the others of the job.
		b.turned = !late && !b.stopped && len(b.unsent) > 0 && b.otherwise(via)
	}
	return nil
}

// hold stops the job without counting it as a failure of the job.
func (b *batch) hold(wait time.Duration, why string) {
	b.held, b.after, b.reason = true, max(b.after, wait), why
}

// gather keeps what came of those beside.
func (b *batch) gather() {
	b.mu.Lock()
	ended := b.ended
	b.ended = nil
	b.mu.Unlock()
	for _, e := range ended {
		b.keep(e, true)
	}
}

// keep adds what came of one recipient to what came of the job. What happened
// beside holds up nothing else.
func (b *batch) keep(e ending, beside bool) {
	if e.settled {
		b.results = append(b.results, e.result)
	}
	if e.unsent {
		b.unsent = append(b.unsent, e.result.Ordinal)
	}
	if e.doubt {
		b.doubts = append(b.doubts, e.result.Ordinal)
	}
	if !e.held {
		b.asked[e.via] = max(b.asked[e.via], e.after)
	}
	if !beside {
		if e.held {
			b.hold(e.after, e.reason)
		}
		b.after = max(b.after, e.after)
	}
	b.crashed = b.crashed || e.crashed
	if e.reason != "" {
		b.reason = e.reason
	}
}

// begin writes the attempt down. An answer may be lost and asked for again:
// for a job that nobody had before, the doubt is then our own, and nothing was
// sent.
func (b *batch) begin(ordinals []uint32, via Via) ([]Turn, error) {
	var turns []Turn
	asked := 0
	err := b.insist(b.flight, "begin", func(ctx context.Context) (err error) {
		asked++
		turns, err = b.queue.Begin(ctx, b.over(via), ordinals)
		return err
	})
	if err == nil && asked > 1 && b.job.Taken <= 1 && b.job.Attempt == 0 {
		for i := range turns {
			if turns[i].Do() == TurnAsk {
				turns[i] = TurnSend
			}
		}
	}
	if err == nil && len(turns) != len(ordinals) {
		return nil, ErrLost
	}
	return turns, err
}

// over is the job with who carries its messages now.
func (b *batch) over(via Via) Job {
	j := b.job
	j.Over = via
	return j
}

// contacts gives the addresses of [from, to); for public posts it reads what
// they hang on, and gives none. Where the
// alert closes an event, closed tells who was told of it; nil otherwise.
func (b *batch) contacts(from, to uint32) (addresses []string, closed []bool, err error) {
	b.numbers = nil
	if b.kind == "" && b.task.Record.Call == "" {
		return nil, nil, b.posted(from, to)
	}
	numbers, err := b.queue.Recipients(b.flight, b.job.Alert, from, to)
	if err != nil {
		return nil, nil, err
	}
	if over(b.task.Record) {
		told, err := b.toldOf(b.flight, b.task.Record)
		if err != nil {
			return nil, nil, err
		}
		closed = make([]bool, len(numbers))
		for i, n := range numbers {
			closed[i] = told.has(n)
		}
	}
	b.numbers = numbers
	if b.kind == "" { // a page that is only written down, one for each person
		return nil, nil, nil
	}
	addresses, err = b.people.Contacts(b.flight, b.kind, numbers)
	return addresses, closed, err
}
