package broadcast

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"time"

	"martinella/alerts"
	"martinella/alerts/cap"
)

// Warning is a warning of another authority, as it came in by a feed: what an
// own alert may refer to, never an alert of ours.
type Warning struct {
	V        int             `json:"v"`
	Key      string          `json:"key"`  // of sender, identifier and sent: see [WarningKey]
	Feed     string          `json:"feed"` // by its configured name
	Alert    *alerts.Alert   `json:"alert"`
	Received time.Time       `json:"received"`
	Severity alerts.Severity `json:"severity"` // of the gravest info that concerns us
	Until    time.Time       `json:"until"`    // the last end of those infos
	Unknown  bool            `json:"unknown,omitempty"`
	// Quiet: it only changes one that is known; nobody is rung for it.
	Quiet   bool     `json:"quiet,omitempty"`
	Follows []string `json:"follows,omitempty"` // the keys of those that it updates or cancels

	State  WarningState `json:"-"` // kept apart, as the next ones
	Answer *alerts.Act  `json:"-"` // who answered it and why
	Later  string       `json:"-"` // the key of the one that took its place or cancelled it
}

// WarningVersion is the stored format of [Warning] that this program writes.
const WarningVersion = 1

// WarningState is what became of a warning here.
type WarningState string

// The values of [WarningState].
const (
	WarningOpen       WarningState = "open"       // nobody has answered it
	WarningHandled    WarningState = "handled"    // somebody does what is needed
	WarningForeign    WarningState = "not-for-us" // somebody has found that it does not concern us
	WarningDrafted    WarningState = "drafted"    // somebody has opened a draft from it
	WarningSuperseded WarningState = "superseded" // its issuer has sent a newer one
	WarningCancelled  WarningState = "cancelled"  // its issuer has taken it back
)

// Stands reports whether somebody must still answer the warning at now.
func (w *Warning) Stands(now time.Time) bool {
	return w.State == WarningOpen && !w.Quiet && now.Before(w.Until)
}

// Info is the wording for a reader's language; nil of a Cancel without one.
func (w *Warning) Info(lang string) *alerts.Info { return w.Alert.Info(lang, "") }

// Headline names it in a line.
func (w *Warning) Headline(lang string) string {
	in := w.Info(lang)
	switch {
	case in == nil:
		return w.Alert.Identifier
	case in.Headline != "":
		return in.Headline
	}
	return in.Event
}

// WarningKey stands for (sender, identifier, sent): 26 characters of the
// alphabet of ids, from their SHA-256.
func WarningKey(a *alerts.Alert) string {
	sum := sha256.Sum256([]byte(a.Sender + "\x00" + a.Identifier + "\x00" + a.Sent.UTC().Format(time.RFC3339)))
	return base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding).EncodeToString(sum[:])[:26]
}

// WarningText is the digest of what a warning says, without its names: some
// feeds give the same message new ones.
func WarningText(a *alerts.Alert) alerts.Digest {
	bare := *a
	bare.Identifier, bare.Sent = "", time.Time{}
	return cap.Digest(&bare)
}

// Warnings keeps the warnings of others for 400 days, and what feeds need to
// be read by one node at a time. Its methods block until the store answered
// and may be called from many goroutines and nodes.
type Warnings interface {
	// TakeWarning stores a warning with the act, once for its key and once for
	// its text; those that it follows become superseded or cancelled, as it is
	// an Update or a Cancel. Where ring is not nil it is kept in the same
	// moment. fresh is true for the call that stored it.
	TakeWarning(ctx context.Context, w *Warning, act alerts.Act, ring *alerts.Ring) (fresh bool, err error)

	// Warning reads one; [alerts.ErrNotFound].
	Warning(ctx context.Context, key string) (*Warning, error)

	// WarningsOf gives the keys of what a sender has sent under an identifier.
	WarningsOf(ctx context.Context, sender, identifier string) ([]string, error)

	// LatestWarnings gives those that came in at or after since, the newest
	// first.
	LatestWarnings(ctx context.Context, since time.Time, most int) ([]*Warning, error)

	// AnswerWarning writes what somebody has decided, with the act. Only an open
	// or a drafted one takes an answer; else [alerts.ErrStale].
	AnswerWarning(ctx context.Context, key string, state WarningState, act alerts.Act) error

	// RingWarning is [alerts.Store.Ring] for a warning, while it is open.
	RingWarning(ctx context.Context, key, once string, r alerts.Ring, act alerts.Act) (first bool, err error)

	// TakeTurn is true for one node, and then for nobody for d.
	TakeTurn(ctx context.Context, feed string, d time.Duration) (bool, error)
	// HoldTurn lets nobody have a turn for d from now.
	HoldTurn(ctx context.Context, feed string, d time.Duration) error
	// FeedState reads what is known of a feed; the zero value of a new one.
	FeedState(ctx context.Context, feed string) (FeedState, error)
	// PutFeedState writes it.
	PutFeedState(ctx context.Context, feed string, s FeedState) error
	// SeenEntries tells which entries of a feed were read before.
	SeenEntries(ctx context.Context, feed string, entries []string) ([]bool, error)
	// MarkEntries notes entries as read, for 30 days after they were last noted.
	MarkEntries(ctx context.Context, feed string, entries []string) error
}

// FeedState is what is known of a feed of others.
type FeedState struct {
	ETag     string    `json:"etag,omitempty"`     // of the last answer that was taken whole
	Modified string    `json:"modified,omitempty"` // Last-Modified of it
	Tried    time.Time `json:"tried,omitzero"`
	Read     time.Time `json:"read,omitzero"` // when it last answered as it should
	New      time.Time `json:"new,omitzero"`  // when it last brought a warning
	Failures int       `json:"failures,omitempty"`
	Problem  string    `json:"problem,omitempty"` // of the last attempt, for people
}
