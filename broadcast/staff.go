package broadcast

import (
	"context"
	"errors"
	"time"

	"martinella/alerts"
)

// Staff keeps what the members of staff sign in with. It does not know what
// the documents say: they are sealed under the key file, and names by which
// they are found are kept as keyed digests. Its methods block until the store
// answered and may be called from many goroutines; what is not there is an
// alerts.ErrNotFound.
type Staff interface {
	// Member reads a document and its revision, which starts at 1.
	Member(ctx context.Context, id string) (doc []byte, revision int64, err error)
	// Members reads all documents by id.
	Members(ctx context.Context) (map[string][]byte, error)
	// MemberOf finds who has this login.
	MemberOf(ctx context.Context, login string) (id string, err error)
	// PutMember writes a document if its revision is still the one that was
	// read (0: there was none), else alerts.ErrStale. A login that another member has is
	// ErrLoginTaken. Where ticket is named, it is taken in the same moment:
	// ErrTicketGone where it is not there any more.
	PutMember(ctx context.Context, m MemberDoc) (revision int64, err error)
	// EraseMember removes a member with all sessions, and appends the act.
	EraseMember(ctx context.Context, id string, act alerts.Act) error
	// RecentActs gives the newest acts on people of staff and on API keys, at
	// most so many, the newest first.
	RecentActs(ctx context.Context, most int) ([]alerts.Act, error)

	// PutTicket keeps a document under the digest of a secret for a time.
	PutTicket(ctx context.Context, t Ticket) error
	// Ticket reads one and leaves it.
	Ticket(ctx context.Context, kind, digest string) ([]byte, error)
	// TakeTicket reads one and removes it: of many callers one has it. act,
	// where there is one, is appended in the same moment.
	TakeTicket(ctx context.Context, kind, digest string, act *alerts.Act) ([]byte, error)
	// Tickets reads all of a kind by digest.
	Tickets(ctx context.Context, kind string) (map[string][]byte, error)

	// Begin keeps a session under the digest of its secret. It ends when it
	// was not touched for idle, and at the latest after longest.
	Begin(ctx context.Context, s Session, idle, longest time.Duration) error
	// Touch reads a session and starts its idle time again.
	Touch(ctx context.Context, digest string, idle time.Duration) (Session, error)
	// Sessions lists those of a member, the newest first.
	Sessions(ctx context.Context, member string) ([]Session, error)
	// End ends a session of a member; one that is not there is no error.
	End(ctx context.Context, member, digest string) error
	// EndAll ends all sessions of a member but one; "" ends every one.
	EndAll(ctx context.Context, member, but string) error

	// Attempt counts an attempt under a name and gives 0, or how long to wait
	// and counts nothing. From the attempt numbered free on, each has to wait
	// twice as long as the one before, from first up to longest.
	Attempt(ctx context.Context, name string, p Patience) (time.Duration, error)
	// Forgive forgets the attempts under a name.
	Forgive(ctx context.Context, name string) error
}

// MemberDoc is a member of staff as it is stored.
type MemberDoc struct {
	ID       string
	Revision int64  // that was read; 0: a new member
	Login    string // in the form in which it is compared
	Doc      []byte
	Ticket   Ticket      // Kind and Digest of what is taken with it
	First    bool        // only while there is nobody
	Act      *alerts.Act // appended in the same moment; nil: none
}

// Ticket is a document that is kept for a time under the digest of a secret.
type Ticket struct {
	Kind, Digest string
	Doc          []byte
	Lasts        time.Duration
	Act          *alerts.Act // appended when it is first kept; nil: none
}

// Session is a sign-in that goes on.
type Session struct {
	Digest            string // SHA-256 of its secret, hexadecimal
	Member            string
	Doc               []byte
	Began, Seen, Ends time.Time
}

// Patience is how attempts are slowed down.
type Patience struct {
	Free           int
	First, Longest time.Duration
	Forget         time.Duration // after the last attempt
}

// The errors of [Staff.PutMember].
var (
	ErrLoginTaken = errors.New("another member of staff has this login")
	ErrTicketGone = errors.New("the link was used, has expired, or never was")
)
