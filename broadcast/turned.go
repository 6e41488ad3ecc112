package broadcast

import (
	"context"
	"errors"
	"time"

	"martinella/channels"
)

// How long a node has the turn at a platform to which one may listen at a time,
// how often it says that it is still there, and how often others look whether it
// is. A node that dies is followed within all of it.
const (
	turnTime = 20 * time.Second
	turnKept = 5 * time.Second
)

// turned is a listener that runs on one node at a time.
type turned struct {
	channels.Listener
	queue Queue
}

var errTurnLost = errors.New("another node listens, or the store cannot tell who does")

// Listen waits for the turn, and listens as long as it has it. A node that
// cannot renew its turn stops turnKept before others may take it, however long
// the store keeps it waiting for an answer.
func (t *turned) Listen(ctx context.Context, to channels.Sink) error {
	asked := time.Now()
	for {
		has, err := t.queue.Listening(ctx, turnTime)
		if err != nil {
			return err
		}
		if has {
			break
		}
		if !pause(ctx, turnKept) {
			return ctx.Err()
		}
		asked = time.Now()
	}
	turn, end := context.WithCancelCause(ctx)
	defer end(nil)
	held := func() time.Duration { return time.Until(asked.Add(turnTime - turnKept)) }
	over := time.AfterFunc(held(), func() { end(errTurnLost) })
	defer over.Stop()
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		for pause(turn, turnKept) {
			again := time.Now()
			has, err := t.queue.Listening(turn, turnTime)
			switch {
			case err != nil: // perhaps the next time; else the turn runs out
			case has:
				asked = again
				over.Reset(held())
			default:
				end(errTurnLost)
				return
			}
		}
	}()
	err := t.Listener.Listen(turn, to)
	if cause := context.Cause(turn); errors.Is(cause, errTurnLost) && ctx.Err() == nil {
		err = cause
	}
	end(nil)
	<-kept
	give, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _ = t.queue.Listening(give, 0) // else it ends by itself
	return err
}
