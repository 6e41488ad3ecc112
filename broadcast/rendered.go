package broadcast

import (
	"context"

	"martinella/alerts"
	"martinella/channels"
)

// Rendered tells what was written of a published revision, for who checks
// later whether a text is ours. Its methods may be called from many goroutines.
type Rendered interface {
	// Rendered gives the messages of every channel as they were approved, with
	// their placeholders ([Filled]), sorted by channel; none for a revision that
	// was not published or went to no channel. It blocks until the store
	// answered or ctx ended; the error wraps [alerts.ErrUnavailable] when it did
	// not.
	Rendered(ctx context.Context, alert alerts.ID) ([]channels.Message, error)
}
