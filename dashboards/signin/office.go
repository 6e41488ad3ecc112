package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"martinella/alerts"
	"martinella/broadcast"
)

// Office lets the members of staff of one authority in. Its methods block until
// the store answered and may be called from many goroutines.
type Office struct {
	store    broadcast.Staff
	issuer   string
	passkeys *webauthn.WebAuthn
	hashing  chan struct{}
	decoy    string // a password's hash that nobody has
	origin   string // of the pages: "https://allerta.comune.example"
	provider *Provider
}

// The errors that callers tell apart. ErrRefused never says which part was
// wrong.
var (
	ErrRefused  = errors.New("this is not known here")
	ErrGone     = errors.New("the link was used, has expired, or never was")
	ErrTaken    = errors.New("another member of staff has this login")
	ErrWeak     = errors.New("the password is too short, too long or too common")
	ErrUnproved = errors.New("a fresh passkey or code is needed")
	ErrCode     = errors.New("the code is not right")
	ErrPassword = errors.New("the password is not right")
	ErrNoCodes  = errors.New("a code program is needed first")
	ErrNotYours = errors.New("a second administrator must do this")
	ErrLast     = errors.New("somebody must remain who administers")
	ErrInvalid  = errors.New("a name, a login of letters and digits, and known roles are needed")
)

// WaitError says that attempts come too fast.
type WaitError struct{ For time.Duration }

func (e *WaitError) Error() string { return "too many attempts: wait" }

// hashings is how many passwords are hashed at once: each takes 19 MiB and
// about 50 ms of a core, which alerts need more.
const hashings = 2

// New makes the office of an authority that is called name, whose pages are at
// origin ("https://allerta.comune.example").
func New(store broadcast.Staff, name, origin string) (*Office, error) {
	u, err := url.Parse(origin)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("sign-in: %q is no address of pages", origin)
	}
	p, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: name, RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference:  protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired},
		Timeouts: webauthn.TimeoutsConfig{
			Login:        webauthn.TimeoutConfig{Enforce: true, Timeout: ceremonyLasts, TimeoutUVD: ceremonyLasts},
			Registration: webauthn.TimeoutConfig{Enforce: true, Timeout: ceremonyLasts, TimeoutUVD: ceremonyLasts},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("sign-in: %w", err)
	}
	o := &Office{store: store, issuer: name, passkeys: p, hashing: make(chan struct{}, hashings), origin: u.Scheme + "://" + u.Host}
	o.decoy = hashed(secret())
	return o, nil
}

// secret is 256 random bits that fit an address and a cookie.
func secret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b)
}

// digest is what is stored of a secret. Secrets are found by it, so the time
// of an answer tells nothing about one that is almost right.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// member reads one.
func (o *Office) member(ctx context.Context, id string) (*Member, error) {
	doc, revision, err := o.store.Member(ctx, id)
	if err != nil {
		return nil, err
	}
	m := &Member{}
	if err := json.Unmarshal(doc, m); err != nil {
		return nil, fmt.Errorf("member of staff: %w", err)
	}
	m.revision = revision
	return m, nil
}

// put writes a member as it was read or made, with the act; nil: none.
func (o *Office) put(ctx context.Context, m *Member, ticket broadcast.Ticket, first bool, did *alerts.Act) error {
	doc, err := json.Marshal(m) //nolint:gosec // the store seals it, and a password is a hash
	if err != nil {
		return fmt.Errorf("member of staff: %w", err)
	}
	revision, err := o.store.PutMember(ctx, broadcast.MemberDoc{ID: m.ID, Revision: m.revision, Login: m.Login, Doc: doc, Ticket: ticket, First: first, Act: did})
	switch {
	case errors.Is(err, broadcast.ErrTicketGone):
		return ErrGone
	case errors.Is(err, broadcast.ErrLoginTaken):
		return ErrTaken
	case err != nil:
		return err
	}
	m.revision = revision
	return nil
}

// change changes a member, anew when somebody else did so at the same time,
// and appends the act; nil: none. The error of deed ends it.
func (o *Office) change(ctx context.Context, id string, did *alerts.Act, deed func(*Member) error) (*Member, error) {
	for try := 0; ; try++ {
		m, err := o.member(ctx, id)
		if err != nil {
			return nil, err
		}
		if err := deed(m); err != nil {
			return nil, err
		}
		err = o.put(ctx, m, broadcast.Ticket{}, false, did)
		if !errors.Is(err, alerts.ErrStale) || try == 5 {
			return m, err
		}
	}
}
