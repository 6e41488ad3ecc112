package broadcast

import (
	"context"
	"math/rand/v2"
	"time"
)

// The waits between attempts (RELIABILITY 9): exponential with full jitter, so
// that what failed together does not come back together.
const (
	backoffFirst     = time.Second
	backoffUrgentCap = 30 * time.Second
	backoffCap       = 5 * time.Minute
)

// backoff is how long to wait after attempt (0 is the first) failed.
func backoff(attempt int, urgent bool) time.Duration {
	top := backoffCap
	if urgent {
		top = backoffUrgentCap
	}
	ceiling := top
	if attempt < 16 {
		ceiling = min(top, backoffFirst<<max(attempt, 0))
	}
	return time.Millisecond + rand.N(ceiling)
}

// spread adds up to a tenth and half a minute, so that a wait which many were told ends for them
// one after another.
func spread(d time.Duration) time.Duration {
	return d + rand.N(min(d/10, 30*time.Second)+time.Millisecond)
}

// roughly is d, give or take a tenth, for what many do every now and then.
func roughly(d time.Duration) time.Duration { return d*9/10 + rand.N(d/5) }

// sometime is a moment of d, for what many begin together.
func sometime(d time.Duration) time.Duration { return rand.N(d) }

// until shortens a wait so that it ends when t has passed: what expires
// meanwhile is settled then, not later. A zero t is no limit.
func until(d time.Duration, t, now time.Time) time.Duration {
	if t.IsZero() || now.Add(d).Before(t) {
		return d
	}
	return max(t.Sub(now), 0) + time.Millisecond
}

// pause waits and reports whether it came to its end before ctx did.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
