package broadcast

import (
	"context"
	"sync"
	"time"

	"martinella/broadcast/crash"
)

// batch is a job being carried: windows of recipients, one after another. Per
// window the order is pace, attempt written down, send, result written down;
// so a crash at any point leaves at most one window in doubt, never a
// recipient forgotten.
type batch struct {
	*line
	job      Job
	task     *Task
	expires  time.Time         // when trying ends; zero: never
	end      State             // of who was not reached by then
	previous map[string]string // earlier post by language
	at       uint32            // the next ordinal

	credit  int           // messages that the pace has granted and nobody needed
	unsent  []uint32      // surely not taken: tried again later
	doubts  []uint32      // perhaps taken, and the platform could not be asked yet
	results []Result      // of the last window, not stored yet
	after   time.Duration // the longest wait that the platform asked for
	reason  string        // the newest, for people
	crashed bool          // the channel's program failed
	stopped bool          // a later revision took the alert's place: the rest is settled, not sent
	held    bool          // the channel holds back: no failure of this job
}

// newBatch begins to carry a job. What closes an event always leaves, but it is
// not tried for ever: then it has failed, where people see it.
func newBatch(l *line, j Job, task *Task) *batch {
	b := &batch{line: l, job: j, task: task, expires: task.Record.Expires(), end: Expired, previous: map[string]string{}}
	if over(task.Record) && !task.Record.Published.IsZero() {
		b.expires, b.end = task.Record.Published.Add(closingTime), Failed
	}
	if id := l.halted.Load(); id != nil && *id == j.Alert {
		b.stopped = true
	}
	return b
}

func (b *batch) run(ctx context.Context) error {
	for b.at = b.job.From; b.at < b.job.To && !b.held && b.after == 0; {
		if ctx.Err() != nil {
			return b.giveBack()
		}
		// Before any waiting: a crash in it must not make a window doubtful that
		// ended long ago.
		if err := b.store(false); err != nil {
			return err
		}
		if !b.job.Urgent {
			b.yield(ctx)
		}
		late := !b.inTime()
		end := min(b.at+chunkSize, b.job.To)
		if !late && !b.stopped {
			if why, wait := b.breaker.holds(b.checker != nil); why != "" {
				b.hold(wait, why)
				break
			}
			end = min(b.at+uint32(b.window()), b.job.To)
			n, err := b.paced(ctx, int(end-b.at))
			if err != nil {
				return err
			}
			if n == 0 {
				continue // look around first: something may be more important now
			}
			end = b.at + uint32(n)
		}
		if err := b.attempt(b.at, end, late); err != nil {
			return err
		}
		b.at = end
	}
	if b.at >= b.job.To && len(b.unsent) == 0 && len(b.doubts) == 0 {
		crash.At(crash.BeforeAck)
		return b.store(true)
	}
	return b.later()
}

// hold stops the job without counting it as a failure of the job.
func (b *batch) hold(wait time.Duration, why string) {
	b.held, b.after, b.reason = true, max(b.after, wait), why
}

// window is how many go at once: so few that an urgent alert never waits long
// behind them (RELIABILITY 9).
func (b *batch) window() int {
	n := maxWindow
	if b.breaker.probing() {
		return 1
	}
	if l := b.limit; l.PerSecond > 0 {
		n = min(n, int(l.PerSecond*windowTime.Seconds()))
	}
	if b.limit.Burst > 0 {
		n = min(n, b.limit.Burst)
	}
	if b.limit.Window > 0 {
		n = min(n, b.limit.Window/(normalWorkers+1))
	}
	return max(n, 1)
}

// attempt writes the attempt down, sends one window and keeps what came of it.
// late settles instead of sending.
func (b *batch) attempt(from, to uint32, late bool) error {
	ordinals := make([]uint32, 0, to-from)
	for o := from; o < to; o++ {
		ordinals = append(ordinals, o)
	}
	turns, err := b.begin(ordinals)
	if err != nil {
		return err
	}
	crash.At(crash.AfterTry)
	contacts, closed, err := b.contacts(from, to)
	if err != nil {
		// Nobody was sent anything: say so, or they would count as in doubt.
		for i, t := range turns {
			switch t {
			case TurnSend:
				b.unsent = append(b.unsent, ordinals[i])
			case TurnAsk, TurnAskStopped:
				b.doubts = append(b.doubts, ordinals[i])
			case TurnStop:
				b.keep(stopped(ordinals[i]))
			}
		}
		b.hold(storePause, "the contacts could not be read")
		return nil
	}
	ends := make([]ending, len(ordinals))
	var wg sync.WaitGroup
	for i, o := range ordinals {
		m, known := b.message(o, contacts)
		instead := Queued
		switch {
		case turns[i] == TurnSkip:
			b.credit++
			continue
		case turns[i] == TurnStop:
			b.credit++
			b.stopped = true
			b.halted.Store(&b.job.Alert)
			ends[i] = stopped(o)
			continue
		case turns[i] == TurnSend && closed != nil && !closed[i]:
			b.credit++
			ends[i] = untold(o)
			continue
		case !known:
			ends[i] = settle(Result{Ordinal: o, State: Failed, Reason: "no message was rendered for this recipient"})
			continue
		case b.kind != "" && m.To == "":
			instead = Suppressed
		case late:
			instead = b.end
		}
		wg.Go(func() { ends[i] = b.deliver(m, turns[i], instead) })
	}
	wg.Wait()
	for i := range ends {
		b.keep(ends[i])
	}
	return nil
}

// keep adds what came of one recipient to what came of the job.
func (b *batch) keep(e ending) {
	switch {
	case e.settled:
		b.results = append(b.results, e.result)
	case e.unsent:
		b.unsent = append(b.unsent, e.result.Ordinal)
	case e.doubt:
		b.doubts = append(b.doubts, e.result.Ordinal)
	}
	if e.held {
		b.hold(e.after, e.reason)
	}
	b.after = max(b.after, e.after)
	b.crashed = b.crashed || e.crashed
	if e.reason != "" {
		b.reason = e.reason
	}
}

// begin writes the attempt down. An answer may be lost and asked for again:
// for a job that nobody had before, the doubt is then our own, and nothing was
// sent.
func (b *batch) begin(ordinals []uint32) ([]Turn, error) {
	var turns []Turn
	asked := 0
	err := b.insist(b.flight, "begin", func(ctx context.Context) (err error) {
		asked++
		turns, err = b.queue.Begin(ctx, b.job, ordinals)
		return err
	})
	if err == nil && asked > 1 && b.job.Taken <= 1 && b.job.Attempt == 0 {
		for i := range turns {
			if turns[i] == TurnAsk {
				turns[i] = TurnSend
			}
		}
	}
	if err == nil && len(turns) != len(ordinals) {
		return nil, ErrLost
	}
	return turns, err
}

// contacts gives the addresses of [from, to); nil for public posts. Where the
// alert closes an event, closed tells who was told of it; nil otherwise.
func (b *batch) contacts(from, to uint32) (addresses []string, closed []bool, err error) {
	if b.kind == "" {
		return nil, nil, nil
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
	addresses, err = b.people.Contacts(b.flight, b.kind, numbers)
	return addresses, closed, err
}
