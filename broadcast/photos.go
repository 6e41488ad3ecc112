package broadcast

import (
	"context"

	"martinella/alerts"
)

// Photos gives the pictures of situation reports, by the digest of their bytes.
// Its methods may be called from many goroutines.
type Photos interface {
	// Photo gives a JPEG that a report shows; alerts.ErrNotFound for one that none
	// does, or none any more. It blocks until the store answered or ctx ended.
	Photo(ctx context.Context, digest alerts.Digest) ([]byte, error)
}
