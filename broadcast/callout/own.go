package callout

import (
	"context"
	"fmt"
)

// Of gives what all calls and tests of contacts have of one volunteer, the
// newest first, for their own eyes: it names no other volunteer. It blocks until
// the store answered; the error wraps [alerts.ErrUnavailable] where it did not.
func (s *Callouts) Of(ctx context.Context, number uint32) ([]Part, error) {
	parts, err := s.Store.Of(ctx, number)
	if err != nil {
		return nil, fmt.Errorf("read the calls of a volunteer: %w", err)
	}
	return parts, nil
}
