package broadcast

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"martinella/channels"
)

// renewable is a platform that knows how its credentials are renewed.
type renewable struct{ *platform }

func (renewable) Renewal() string { return "Sign in as the office and make a new token." }

func (renewable) Check(context.Context) error { return nil }

func troubled(t *testing.T) (*Dispatcher, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	return &Dispatcher{Route: Route{Channel: renewable{&platform{name: "page"}}}, Metrics: NewMetrics(prometheus.NewRegistry(), []string{"page"}), Log: zap.New(core)}, logs
}

// send lets one message through the breaker with this answer.
func send(t *testing.T, d *Dispatcher, answer error) {
	t.Helper()
	done, err := d.uses().breaker.allow()
	if err != nil {
		t.Fatal(err)
	}
	done(answer)
}

func TestTroubleBeginsWithARefusalAndEndsWithACheck(t *testing.T) {
	d, logs := troubled(t)
	if got, now := d.Trouble(); now {
		t.Fatalf("trouble from the start: %+v", got)
	}
	b := d.uses().breaker
	b.halt("401 the token was revoked")
	got, now := d.Trouble()
	if !now || !got.Refused || got.Channel != "page" || got.Readers != "public" || got.Reason != "401 the token was revoked" || got.Renewal != "Sign in as the office and make a new token." || got.Since.IsZero() {
		t.Errorf("got %+v, %v", got, now)
	}
	if why, _ := b.holds(true); why != "401 the token was revoked. Sign in as the office and make a new token." {
		t.Errorf("deliveries say %q", why)
	}
	if logs.FilterField(zap.String("remedy", "Sign in as the office and make a new token.")).Len() != 1 {
		t.Error("the log does not say what to do")
	}
	send(t, d, nil) // was on its way already
	if _, now := d.Trouble(); !now {
		t.Error("an answer to an earlier message ended it")
	}
	b.condition.checked(nil)
	b.resume()
	if _, now := d.Trouble(); now {
		t.Error("a check that passed did not end it")
	}
}

func TestTroubleIsAlsoWhatACheckSays(t *testing.T) {
	for name, test := range map[string]struct {
		err     error
		trouble bool
	}{
		"the credentials are refused":           {channels.Unauthorized(errors.New("403")), true},
		"the token will expire in some days":    {errors.New("the token expires in 9 days"), false},
		"the platform did not answer the check": {channels.RetryAfter(errors.New("503"), time.Minute), false},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := troubled(t)
			d.uses().breaker.condition.checked(test.err)
			if _, now := d.Trouble(); now != test.trouble {
				t.Errorf("trouble %v, want %v", now, test.trouble)
			}
		})
	}
}

func TestAPlatformThatFailsForLongIsTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := troubled(t)
		down := errors.New("502")
		for range tripAfter {
			send(t, d, down)
		}
		if _, now := d.Trouble(); now {
			t.Error("a short failure counts already")
		}
		for range 13 { // each time one message may try, and fails
			time.Sleep(tripFor + time.Millisecond)
			send(t, d, down)
		}
		got, now := d.Trouble()
		if !now || got.Refused || got.Renewal != "" || !strings.Contains(got.Reason, "keeps failing") {
			t.Errorf("after two minutes: %+v, %v", got, now)
		}
		time.Sleep(tripFor + time.Millisecond)
		if _, now := d.Trouble(); !now {
			t.Error("time alone ended it")
		}
		send(t, d, nil)
		if _, now := d.Trouble(); now {
			t.Error("a message that was taken did not end it")
		}
	})
}
