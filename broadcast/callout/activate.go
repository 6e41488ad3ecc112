package callout

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
)

// ActActivationNoted is the verb of who writes down by whose order a call's
// volunteers are active.
const ActActivationNoted = "activation-noted"

// Activate writes down by whose order the volunteers of a call are active, also
// after its end. a.Revision is the one that was read: the error wraps
// [alerts.ErrStale] where somebody else was faster, and is an [alerts.Refusal]
// that names all that is wrong. The same again changes nothing. It blocks until
// the store answered.
func (s *Callouts) Activate(ctx context.Context, by alerts.Person, id alerts.ID, a volunteers.Activation) error {
	c, err := s.Store.Call(ctx, id)
	if err != nil {
		return fmt.Errorf("note an activation: %w", err)
	}
	if err := s.may(by, c); err != nil {
		return err
	}
	if c.Test {
		return fmt.Errorf("note an activation: %w", ErrOver)
	}
	now := s.now()
	if ps := a.Problems(now); len(ps) > 0 {
		return &alerts.Refusal{Kind: alerts.ErrInvalid, Problems: ps}
	}
	a.By, a.Order = cut(a.By, volunteers.NameMost), cut(a.Order, volunteers.OrderMost)
	same := func(is volunteers.Activation) bool { return is.By == a.By && is.Order == a.Order && is.At.Equal(a.At) }
	if same(c.Activation) {
		return nil
	}
	said := a.By
	if a.Order != "" {
		said += ", " + a.Order
	}
	if !a.At.IsZero() {
		a.At = a.At.UTC()
		said += ", " + a.At.In(s.Zone).Format("2006-01-02T15:04Z07:00")
	}
	noted := act(id, ActActivationNoted, by.By(), said, viaDesk, now.Truncate(time.Millisecond))
	_, err = s.Store.Change(ctx, id, nil, &noted, func(c *volunteers.Call) error {
		if c.Activation.Revision != a.Revision {
			return alerts.ErrStale
		}
		c.Activation = a
		c.Activation.Revision++
		return nil
	})
	if err != nil {
		return fmt.Errorf("note an activation: %w", err)
	}
	s.Log.Info("an activation was noted", zap.String("call", c.Code()), zap.String("by", by.ID))
	return nil
}
