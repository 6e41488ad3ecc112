package settings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/templates"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
)

// The kinds of papers, and the ids of those of kind setting.
const (
	kindSetting  = "setting"
	kindTemplate = "template"

	idIdentity = "identity"
	idPhones   = "phones"
	idLinks    = "links"
	idHashtags = "hashtags"
	idAccounts = "accounts"
	idSigners  = "signers"
	idTesting  = "contacttest"
)

// followEvery is how soon another node's change is seen.
const followEvery = 3 * time.Second

// Now is what is set. It never changes; a newer one takes its place.
type Now struct {
	Registers
	Identity Identity
	Testing  volunteers.Testing         // of volunteers' contacts
	Papers   map[string]broadcast.Paper // by id; one that is not there was never written
	Version  int                        // another one for each change that this node saw
}

// Book is what is set now. Its methods may be called from many goroutines.
type Book struct {
	papers broadcast.Papers
	log    *zap.Logger
	now    atomic.Pointer[Now]
	mu     sync.Mutex // one load at a time

	templates atomic.Pointer[[]templates.Template] // as they were read last
}

// NewBook opens a book over papers; it is empty until [Book.Load] or [Book.Run]
// read it.
func NewBook(papers broadcast.Papers, log *zap.Logger) *Book {
	b := &Book{papers: papers, log: log}
	b.now.Store(&Now{Papers: map[string]broadcast.Paper{}})
	return b
}

// Now gives what is set. It does not block. A nil book sets nothing.
func (b *Book) Now() *Now {
	if b == nil {
		return &Now{}
	}
	return b.now.Load()
}

// Run follows the changes until ctx ends; it returns nil. While the store is
// away what was read last holds.
func (b *Book) Run(ctx context.Context) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	away := false
	for {
		err := b.Load(ctx)
		if err != nil && !away && ctx.Err() == nil {
			b.log.Warn("the settings of the console cannot be read; the last ones hold", zap.Error(err))
		}
		away = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Load reads what is set now. It blocks until the store answered. A paper that
// this program cannot read keeps its place and what was read of it before.
func (b *Book) Load(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	all, err := b.papers.Papers(ctx, kindSetting)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	before := b.now.Load()
	next := &Now{Papers: map[string]broadcast.Paper{}}
	for _, p := range all {
		next.Papers[p.ID] = p
	}
	if reflect.DeepEqual(before.Papers, next.Papers) {
		return nil
	}
	next.Version = before.Version + 1
	wrong := errors.Join(
		read(next.Papers, idIdentity, &next.Identity, before.Identity), read(next.Papers, idPhones, &next.Phones, before.Phones), read(next.Papers, idLinks, &next.Links, before.Links),
		read(next.Papers, idHashtags, &next.Hashtags, before.Hashtags), read(next.Papers, idAccounts, &next.Accounts, before.Accounts),
		read(next.Papers, idTesting, &next.Testing, before.Testing))
	b.now.Store(next)
	return wrong
}

func read[T any](papers map[string]broadcast.Paper, id string, to *T, before T) error {
	p, there := papers[id]
	if !there {
		return nil
	}
	if err := json.Unmarshal(p.Doc, to); err != nil {
		*to = before
		return fmt.Errorf("settings %s, revision %d: %w", id, p.Revision, err)
	}
	return nil
}

// put writes one setting over the revision that its writer saw, and reads the
// book anew. The error is alerts.ErrStale where somebody else wrote it since.
func (b *Book) put(ctx context.Context, id string, revision int64, doc any, by alerts.By, now time.Time) error {
	text, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("settings %s: %w", id, err)
	}
	if _, err := b.papers.PutPaper(ctx, broadcast.Paper{Kind: kindSetting, ID: id, Revision: revision, Doc: text, By: by, At: now}); err != nil {
		return fmt.Errorf("settings %s: %w", id, err)
	}
	return b.Load(ctx)
}

// PutPhones and its sisters write a register over the revision that the writer
// saw (0: it was never written). They block; alerts.ErrStale where somebody else
// wrote it since. The rows are judged by [Faults] before.
func (b *Book) PutPhones(ctx context.Context, revision int64, rows []Phone, by alerts.By, now time.Time) error {
	return b.put(ctx, idPhones, revision, rows, by, now)
}

// PutLinks writes the approved pages of others.
func (b *Book) PutLinks(ctx context.Context, revision int64, rows []Link, by alerts.By, now time.Time) error {
	return b.put(ctx, idLinks, revision, rows, by, now)
}

// PutHashtags writes the hashtags.
func (b *Book) PutHashtags(ctx context.Context, revision int64, rows []Tags, by alerts.By, now time.Time) error {
	return b.put(ctx, idHashtags, revision, rows, by, now)
}

// PutAccounts writes the official accounts.
func (b *Book) PutAccounts(ctx context.Context, revision int64, rows []Account, by alerts.By, now time.Time) error {
	return b.put(ctx, idAccounts, revision, rows, by, now)
}

// PutIdentity writes the identity, which was judged before.
func (b *Book) PutIdentity(ctx context.Context, revision int64, i Identity, by alerts.By, now time.Time) error {
	return b.put(ctx, idIdentity, revision, i, by, now)
}

// PutTesting writes when contacts of volunteers are tested, which was judged
// before.
func (b *Book) PutTesting(ctx context.Context, revision int64, t volunteers.Testing, by alerts.By, now time.Time) error {
	return b.put(ctx, idTesting, revision, t, by, now)
}

// Of gives the paper behind "phones", "links", "hashtags", "accounts",
// "identity" or "contacttest", for its revision, who wrote it and when.
func (n *Now) Of(id string) broadcast.Paper { return n.Papers[id] }

// templatesTime bounds reading the own templates.
const templatesTime = 3 * time.Second

// Templates gives the templates in use as they are now: the shipped ones, and in
// their place or beside them the authority's own. It blocks until the store
// answered, three seconds at most; while the store is away it gives those that
// were read last.
func (b *Book) Templates() ([]templates.Template, error) {
	ctx, cancel := context.WithTimeout(context.Background(), templatesTime)
	defer cancel()
	all, err := Templates{b.papers}.Merged(ctx)
	if err == nil {
		b.templates.Store(&all)
		return all, nil
	}
	if last := b.templates.Load(); last != nil && (errors.Is(err, alerts.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)) {
		b.log.Warn("the own templates cannot be read; the last ones hold", zap.Error(err))
		return *last, nil
	}
	return nil, err
}
