package channels

import (
	"errors"
	"testing"
	"time"
)

func TestRetryAfterIsNeverAbsurd(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		-time.Minute: 0, 0: 0, time.Second: time.Second, 15 * time.Minute: 15 * time.Minute, 16 * time.Minute: 15 * time.Minute, 100 * 365 * 24 * time.Hour: 15 * time.Minute,
	} {
		if v, got := VerdictOf(RetryAfter(errors.New("later"), asked)); v != VerdictRetry || got != want {
			t.Errorf("%v: got %s after %v, want %v", asked, v, got, want)
		}
	}
}
