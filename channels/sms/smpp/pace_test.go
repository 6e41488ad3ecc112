package smpp

import (
	"testing"
	"time"
)

func TestOneThrottlingOfManyIsOnePause(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPace(0)
		for range 50 { // they were all on their way
			if got := p.throttled(); got != firstPause {
				t.Fatalf("the pause is %v, want %v", got, firstPause)
			}
		}
		time.Sleep(firstPause)
		if got := p.throttled(); got != 2*firstPause {
			t.Errorf("the next pause is %v, want %v", got, 2*firstPause)
		}
		p.taken()
		time.Sleep(2 * firstPause)
		if got := p.throttled(); got != firstPause {
			t.Errorf("after a success the pause is %v, want %v", got, firstPause)
		}
	})
}
