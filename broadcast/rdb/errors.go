package rdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
)

// patience is how long an operation that may be repeated waits for a Redis
// that is starting or changing its master.
const patience = 3 * time.Second

// refusing are the first words of replies by which Redis says that it cannot
// keep anything now (redis.io, "Redis serialization protocol", errors).
var refusing = []string{"OOM", "MISCONF", "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "NOAUTH", "WRONGPASS", "NOPERM"}

// passing are those that end by themselves within moments.
var passing = []string{"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"}

// forbidding are those by which an ACL refuses a command.
var forbidding = []string{"NOPERM"}

// fail wraps an error of Redis with what was attempted. Where Redis did not
// answer or refuses to keep anything, the error is an alerts.ErrUnavailable.
func fail(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, alerts.ErrUnavailable), errors.Is(err, alerts.ErrNotFound), errors.Is(err, alerts.ErrStale):
		return fmt.Errorf("%s: %w", op, err)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", op, err)
	case broken(err), replied(err, refusing):
		return fmt.Errorf("%s: %w (%s)", op, alerts.ErrUnavailable, brief(err))
	}
	return fmt.Errorf("%s: %w", op, err)
}

// broken reports whether the connection failed, rather than the command.
func broken(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, redis.ErrClosed) || errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrPoolExhausted) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) ||
		strings.Contains(err.Error(), "connection")
}

// replied reports whether Redis answered with one of these words; inside a
// script they stand within the text.
func replied(err error, words []string) bool {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return false
	}
	for _, w := range words {
		if strings.HasPrefix(reply.Error(), w+" ") || strings.Contains(reply.Error(), " "+w+" ") || strings.HasPrefix(reply.Error(), "-"+w+" ") || strings.Contains(reply.Error(), "-"+w+" ") {
			return true
		}
	}
	return false
}

// groupLost reports whether a consumer group is no longer there.
func groupLost(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) && strings.Contains(reply.Error(), "NOGROUP")
}

// brief cuts what Redis said to one line of 200 bytes.
func brief(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	if len(text) > 200 {
		text = text[:200] + "..."
	}
	return text
}

// again repeats f, which must be safe to repeat, while Redis does not answer:
// until it does, patience or ctx ends, or it says something else. The first
// answer may have been lost after the work was done; that is why every script
// that changes a record knows its own call again.
func again(ctx context.Context, f func(context.Context) error) error {
	wait, start := 10*time.Millisecond, time.Now()
	for {
		err := f(ctx)
		if err == nil || ctx.Err() != nil || errors.Is(err, redis.ErrClosed) || !(broken(err) || replied(err, passing)) || time.Since(start)+wait > patience {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
		wait = min(2*wait, 300*time.Millisecond)
	}
}
