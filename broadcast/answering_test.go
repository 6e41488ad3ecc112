package broadcast

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"martinella/channels"
)

// talker is a channel that answers; gate holds its answers back.
type talker struct {
	channels.Channel
	gate chan struct{}
	err  error
	mu   sync.Mutex
	said []string
}

func (*talker) Name() string { return "sms" }

func (c *talker) Answer(ctx context.Context, to, text string) error {
	if c.gate != nil {
		select {
		case <-c.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if text == "panic" {
		panic("the program is wrong")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, to+" "+text)
	return c.err
}

func TestAnswersLeaveApart(t *testing.T) {
	for name, test := range map[string]struct {
		channel *talker
		ask     func(a *Answering)
		said    []string // in any order
		logged  string
	}{
		"an answer is sent":                    {ask: func(a *Answering) { a.Answer(t.Context(), "sms", "+39333", "bye") }, said: []string{"+39333 bye"}},
		"a channel that cannot is passed over": {ask: func(a *Answering) { a.Answer(t.Context(), "post", "+39333", "bye") }},
		"the same words leave once in ten minutes": {ask: func(a *Answering) {
			for range 3 {
				a.Answer(t.Context(), "sms", "+39333", "bye")
			}
			time.Sleep(answerAgain)
			a.Answer(t.Context(), "sms", "+39333", "bye")
		}, said: []string{"+39333 bye", "+39333 bye"}},
		"other words leave at once": {ask: func(a *Answering) {
			a.Answer(t.Context(), "sms", "+39333", "bye")
			a.Answer(t.Context(), "sms", "+39333", "hello")
		}, said: []string{"+39333 bye", "+39333 hello"}},
		"one that is refused is left at that": {channel: &talker{err: channels.Permanent(errors.New("no such number"))},
			ask: func(a *Answering) { a.Answer(t.Context(), "sms", "+39333", "bye") }, said: []string{"+39333 bye"}, logged: "did not get through"},
		"a program that fails stops nothing": {ask: func(a *Answering) {
			a.Answer(t.Context(), "sms", "+39333", "panic")
			a.Answer(t.Context(), "sms", "+39333", "bye")
		}, said: []string{"+39333 bye"}, logged: "did not get through"},
		"a platform that never answers is given up": {channel: &talker{gate: make(chan struct{})},
			ask: func(a *Answering) { a.Answer(t.Context(), "sms", "+39333", "bye") }, logged: "did not get through"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				core, logs := observer.New(zap.InfoLevel)
				c := test.channel
				if c == nil {
					c = &talker{}
				}
				if c.gate != nil {
					c.gate = make(chan struct{}) // of this bubble
				}
				a := NewAnswering([]Route{{Channel: c}}, zap.New(core))
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- a.Run(ctx) }()
				test.ask(a)
				time.Sleep(answerTime + time.Second)
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				slices.Sort(c.said)
				if !slices.Equal(c.said, test.said) {
					t.Errorf("said %q, want %q", c.said, test.said)
				}
				text := fmt.Sprint(logs.All())
				if (test.logged == "") != (logs.Len() == 0) || !strings.Contains(text, test.logged) || strings.Contains(text, "39333") {
					t.Errorf("the log says %s, want %q", text, test.logged)
				}
			})
		})
	}
}

// A flood of replies is answered within bounds, and never waits.
func TestAFloodOfRepliesTakesLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &talker{gate: make(chan struct{})}
		a := NewAnswering([]Route{{Channel: c}}, zap.NewNop())
		start := time.Now()
		for i := range 3 * answersKnown {
			a.Answer(t.Context(), "sms", fmt.Sprint("+39", i), "bye")
		}
		if waited := time.Since(start); waited != 0 || len(a.waiting) != answersWaiting || len(a.said) != answersKnown {
			t.Errorf("waited %v, %d wait, %d are known, want 0, %d, %d", waited, len(a.waiting), len(a.said), answersWaiting, answersKnown)
		}
		time.Sleep(answerAgain) // it is over: people are answered again
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx) }()
		close(c.gate)
		synctest.Wait()
		a.Answer(t.Context(), "sms", "+391", "hello")
		synctest.Wait()
		stop()
		<-ended
		if len(c.said) != answersWaiting+1 || len(a.said) != 1 {
			t.Errorf("%d were answered, %d are known, want %d and 1", len(c.said), len(a.said), answersWaiting+1)
		}
	})
}
