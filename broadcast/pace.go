package broadcast

import (
	"context"
	"time"

	"martinella/channels"
)

// Pacer is the limiter of a channel's account at the platform, shared by all
// nodes and by all channels of the account.
type Pacer interface {
	// Pace asks for up to ask.N messages. The grant is for fewer where a quota
	// has no more left, and for none where it says how long to wait before
	// asking again. What was granted and not used is lost to the quota.
	Pace(ctx context.Context, l channels.Limit, ask Ask) (Grant, error)

	// Hold notes that the platform asked to wait: no node is granted anything
	// until then, but for a try of what is urgent every few seconds. A shorter
	// wait than one that is known changes nothing.
	Hold(ctx context.Context, l channels.Limit, wait time.Duration) error
}

// Ask is what a window asks of the limiter.
type Ask struct {
	N     int // messages, or what they weigh: see [channels.Weigher]
	Class Class
}

// Class says what a message may take of a quota (DECISIONS 8).
type Class uint8

// The values of [Class].
const (
	ClassOrdinary   Class = iota // what is not kept for corrections
	ClassCorrection              // an Update: all of it
	ClassExempt                  // Severe, Extreme, what closes an event: counted, never refused
)

// Grant is the limiter's answer.
type Grant struct {
	N    int           // messages that may leave now
	Wait time.Duration // where N is 0
	Why  Holding       // where N is 0
}

// Holding says what a grant waits for.
type Holding uint8

// The values of [Holding].
const (
	HoldingPace     Holding = iota // the messages a second
	HoldingPlatform                // the platform asked to wait
	HoldingHour                    // the messages an hour
	HoldingDay                     // the messages a day
)

// String is for people.
func (h Holding) String() string {
	return [...]string{
		"the pace of the platform",
		"the platform asked to wait",
		"the messages of an hour are used up, but for corrections",
		"the messages of a day are used up, but for corrections",
	}[h]
}

// holdAbove is how long a job waits for the limiter in a worker's hands; for
// longer it goes back, with the time when it may go.
const holdAbove = 2 * time.Second

// class is what the job may take of a quota.
func (b *batch) class() Class {
	switch r := b.task.Record; {
	case b.job.Urgent || r.Urgent():
		return ClassExempt
	case r.Revision > 1:
		return ClassCorrection
	}
	return ClassOrdinary
}

// weigh is what messages to [from, to) take of the provider's pace: an SMS
// contract counts parts.
func (b *batch) weigh(via Via, from, to uint32) int {
	w := b.provider(via).weigher
	if w == nil {
		return int(to - from)
	}
	sum := 0
	for _, s := range b.task.Spans {
		from, to := max(from, s.From), min(to, s.To)
		if from < to && s.Message < len(b.task.Messages) {
			sum += int(to-from) * max(w.Weigh(b.task.Messages[s.Message]), 1)
		}
	}
	return max(sum, 1)
}

// paced asks the limiter of the provider for the next n messages, and gives how
// many may go. 0: look around first, for ctx, the expiry and urgent jobs, or
// because the job goes back for a while.
func (b *batch) paced(ctx context.Context, via Via, n int) (int, error) {
	if b.credited != via { // what the other one granted is lost to its quota
		b.credit, b.credited = 0, via
	}
	need := b.weigh(via, b.at, b.at+uint32(n))
	if b.credit >= need {
		b.credit -= need
		return n, nil
	}
	var got Grant
	err := b.insist(ctx, "pace", func(ctx context.Context) (err error) {
		got, err = b.pacer(via).Pace(ctx, b.provider(via).limit, Ask{N: need - b.credit, Class: b.class()})
		return err
	})
	if err != nil {
		if ctx.Err() != nil {
			return 0, nil //nolint:nilerr // the caller looks at ctx itself
		}
		return 0, err
	}
	b.credit += got.N
	for ; n > 0; n-- {
		if need = b.weigh(via, b.at, b.at+uint32(n)); need <= b.credit {
			b.credit -= need
			return n, nil
		}
	}
	if got.Wait > holdAbove && got.Why != HoldingPace {
		b.hold(got.Wait, got.Why.String())
		return 0, nil
	}
	pause(ctx, until(min(got.Wait, time.Second), b.expires, time.Now()))
	return 0, nil
}

// obey tells all nodes that a platform asked to wait. A store that does not
// answer is no reason to forget the job: this node waits in any case.
func (b *batch) obey() {
	for i, wait := range b.asked {
		if wait > 0 {
			_ = b.pacer(Via(i)).Hold(b.books, b.provider(Via(i)).limit, wait)
		}
	}
}
