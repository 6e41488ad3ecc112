package broadcast

import (
	"context"
	"errors"
	"time"

	"martinella/alerts"
)

// Paper is something that staff write before it becomes an alert, or beside
// alerts: a draft, a template of their own, a setting. Its document is the
// business of who writes it; see [Papers].
type Paper struct {
	Kind     string // "draft", "template", ...: [a-z-]
	ID       string // within its kind
	Revision int64  // 1, 2, ... of this paper; 0: it is not written yet
	Doc      []byte // at most [MaxPaper]
	By       alerts.By
	At       time.Time
}

// The bounds of papers. A draft with words in six languages takes some 20 kB.
const (
	MaxPaper    = 256 << 10 // bytes of one document
	PaperPast   = 50        // earlier revisions that are kept of each paper
	MostPapers  = 2000      // of one kind
	PaperIDForm = `^[A-Za-z0-9._=-]{1,100}$`
)

// ErrManyPapers is the error for one paper more than [MostPapers].
var ErrManyPapers = errors.New("there are too many of these: remove some that are not needed")

// Papers keeps them. Its methods block until the store answered, may be called
// from many goroutines and nodes at once, and wrap alerts.ErrUnavailable where
// it did not answer. What is not there is an alerts.ErrNotFound.
type Papers interface {
	// Paper reads the newest revision.
	Paper(ctx context.Context, kind, id string) (Paper, error)
	// Papers reads the newest revision of each paper of a kind, the one that was
	// changed last first.
	Papers(ctx context.Context, kind string) ([]Paper, error)
	// PutPaper writes p.Doc as the next revision if p.Revision is still the
	// newest, and gives it; alerts.ErrStale otherwise, also for a paper that was
	// dropped. ErrManyPapers where there are [MostPapers] already.
	PutPaper(ctx context.Context, p Paper) (Paper, error)
	// PastPapers reads the revisions of a paper, the newest first.
	PastPapers(ctx context.Context, kind, id string) ([]Paper, error)
	// DropPaper removes a paper with its past if revision is still the newest;
	// alerts.ErrStale otherwise. One that is not there is no error.
	DropPaper(ctx context.Context, kind, id string, revision int64) error
}
