package broadcasttest_test

import (
	"errors"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast/broadcasttest"
)

func TestCalloutsInMemory(t *testing.T) {
	broadcasttest.TestCallouts(t, func(*testing.T) *broadcasttest.CalloutsNode { return broadcasttest.NewCallouts().Calling() })
}

func TestCalloutsFailAsATestWants(t *testing.T) {
	s := broadcasttest.NewCallouts()
	call := broadcasttest.NewCall(time.Now())
	lost := func(before, after error) func(string) (error, error) {
		return func(op string) (error, error) {
			if op != "open" {
				return nil, nil
			}
			return before, after
		}
	}
	s.Fault(lost(alerts.ErrUnavailable, nil))
	_, err := s.Open(t.Context(), call, nil, alerts.Act{})
	_, missing := s.Call(t.Context(), call.ID)
	if !errors.Is(err, alerts.ErrUnavailable) || !errors.Is(missing, alerts.ErrNotFound) {
		t.Errorf("before: %v, %v", err, missing)
	}
	s.Fault(lost(nil, alerts.ErrUnavailable))
	_, err = s.Open(t.Context(), call, nil, alerts.Act{})
	_, missing = s.Call(t.Context(), call.ID)
	if !errors.Is(err, alerts.ErrUnavailable) || missing != nil || len(s.Acts()) != 1 {
		t.Errorf("after: %v, %v", err, missing)
	}
}
