package broadcast

import (
	"context"
	"maps"
	"sync"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
)

// Answering writes back to people who wrote on a channel, apart from everything
// else: the platform that brought their words waits for nothing, and a flood of
// replies takes neither memory nor the pace of alerts for long. What does not
// get through is left at that: what was asked for is done already. Its methods
// may be called from many goroutines.
type Answering struct {
	by      map[string]channels.Answerer
	waiting chan answer
	log     *zap.Logger

	mu   sync.Mutex
	said map[answer]time.Time // lately
}

type answer struct{ channel, to, text string }

const (
	answersWaiting = 256 // more are let go
	answerers      = 2   // at a time
	answerTime     = 30 * time.Second
	answerAgain    = 10 * time.Minute // the same words to the same person: two machines must not talk for ever
	answersKnown   = 4096
)

// NewAnswering finds the channels that can answer. Nothing leaves before Run.
func NewAnswering(routes []Route, log *zap.Logger) *Answering {
	a := &Answering{by: map[string]channels.Answerer{}, waiting: make(chan answer, answersWaiting), said: map[answer]time.Time{}, log: log}
	for _, r := range routes {
		if c, ok := r.Channel.(channels.Answerer); ok {
			a.by[r.Name()] = c
		}
	}
	return a
}

// Answer takes a text for whoever wrote on the channel, and is an [Answers]. The
// same words to the same person leave once in ten minutes. It does not block.
func (a *Answering) Answer(_ context.Context, channel, to, text string) {
	one := answer{channel, to, text}
	if a.by[channel] == nil || !a.new(one, time.Now()) {
		return
	}
	select {
	case a.waiting <- one:
	default:
		a.log.Warn("too many answers wait: this one is not sent", zap.String("channel", channel), zap.String("to", mask(to)))
	}
}

// new reports whether this was not said lately, and notes it.
func (a *Answering) new(one answer, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at, ok := a.said[one]; ok && now.Sub(at) < answerAgain {
		return false
	}
	if len(a.said) >= answersKnown {
		maps.DeleteFunc(a.said, func(_ answer, at time.Time) bool { return now.Sub(at) >= answerAgain })
	}
	if len(a.said) >= answersKnown {
		return false // a flood
	}
	a.said[one] = now
	return true
}

// Run sends the answers until ctx ends; those that still wait then are not sent.
func (a *Answering) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range answerers {
		wg.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case one := <-a.waiting:
					a.send(ctx, one)
				}
			}
		})
	}
	wg.Wait()
	if n := len(a.waiting); n > 0 {
		a.log.Warn("the gateway stops: answers are not sent", zap.Int("answers", n))
	}
	return nil
}

func (a *Answering) send(ctx context.Context, one answer) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if err := guard(func() error { return a.by[one.channel].Answer(ctx, one.to, one.text) }); err != nil {
		a.log.Warn("an answer did not get through", zap.String("channel", one.channel), zap.String("to", mask(one.to)), zap.String("reason", short(err)))
	}
}
