package callout_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
	"martinella/broadcast/rdb"
)

// onScripts is the store that gateways use, on a Redis in this process.
type onScripts struct {
	*rdb.Callouts
	t     testing.TB
	redis *rdb.Redis
	pages []*callout.Page
}

func openScripts(t testing.TB) books {
	t.Helper()
	r, err := rdb.Open(t.Context(), rdb.Config{Redis: rdb.Memory, Authority: "valdemo"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return &onScripts{Callouts: r.Callouts(), t: t, redis: r}
}

func (s *onScripts) Page(ctx context.Context, r *callout.Round, p *callout.Page, legs []volunteers.Leg, next time.Time) error {
	err := s.Callouts.Page(ctx, r, p, legs, next)
	if err == nil && p != nil {
		s.pages = append(s.pages, p)
	}
	return err
}

func (s *onScripts) Published() []*callout.Page { return s.pages }

func (s *onScripts) Acts() (all []alerts.Act) {
	calls, err := s.Calls(s.t.Context(), 100)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range calls {
		acts, err := s.redis.Store().Acts(s.t.Context(), c.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, acts...)
	}
	return all
}

// TestSimulationOfCallsOnRedisScripts is [TestSimulationOfCalls] over the scripts
// that gateways run, with a quarter of the seeds: it takes ten times as long.
func TestSimulationOfCallsOnRedisScripts(t *testing.T) {
	simulate(t, 20, 4, 45*time.Second, openScripts)
}
