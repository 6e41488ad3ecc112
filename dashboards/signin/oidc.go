package signin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"martinella/alerts"
	"martinella/broadcast"
)

// ByProvider is a session that began at the provider of [Office.Through].
const ByProvider = "provider"

// ReturnPath is where a provider sends browsers back; it is registered there.
const ReturnPath = "/console/sign-in/oidc/return"

// JourneyLasts is how long somebody may take at the provider: SPID and CIE ask
// for a phone.
const JourneyLasts = 10 * time.Minute

// The errors of going through a provider, beside [*AwayError] and
// [*AnswerError].
var (
	ErrUnbound    = errors.New("nobody here is bound to this account of the provider")
	ErrBound      = errors.New("this account of the provider is bound already")
	ErrDeclined   = errors.New("the person or the provider declined")
	ErrOther      = errors.New("another person came back from the provider")
	ErrNoProvider = errors.New("there is no provider to sign in with")
)

// AnswerError says why what came back from a provider does not count. It holds
// no token and no code.
type AnswerError struct{ reason string }

func (e *AnswerError) Error() string { return "the provider's answer does not count: " + e.reason }

// toBind is the purpose of a journey that adds a binding to the own account;
// the others are those of passkeys.
const toBind = "bind"

// journey is what is kept while somebody is at the provider, under the digest
// of the state. Only the browser that left comes back with it, once.
type journey struct {
	Purpose  string     `json:"purpose"`
	Browser  string     `json:"browser"` // digest of what the browser's cookie holds
	Verifier string     `json:"verifier"`
	Nonce    string     `json:"nonce"`
	Next     string     `json:"next,omitempty"`
	Member   string     `json:"member,omitempty"`
	Session  string     `json:"session,omitempty"` // digest of who proves or binds
	Deed     Deed       `json:"deed,omitzero"`
	Typed    url.Values `json:"typed,omitempty"` // beside the deed
	Join     *Member    `json:"join,omitempty"`
	Ticket   string     `json:"ticket,omitempty"` // of the invitation
	First    bool       `json:"first,omitempty"`
}

// Departure leads a browser to the provider.
type Departure struct {
	URL     string
	Browser string // for a cookie, for [JourneyLasts]
}

// Return is what a browser brought back.
type Return struct {
	Browser     string // of the cookie
	State, Code string
	Issuer      string // RFC 9207; "": not said
	Failed      string // the provider's error
	Agent       string
}

// Arrival is where a journey ends.
type Arrival struct {
	Entered *Entered // a new session; nil where one went on
	Member  *Member
	Next    string
	Bound   bool // a binding was made
	Proved  bool // a deed was proved
}

// Through says through which provider people may sign in; nil: none. It is
// called before the office is used.
func (o *Office) Through(p *Provider) { o.provider = p }

// Provider is the one that people may sign in with; nil: none.
func (o *Office) Provider() *Provider { return o.provider }

// BoundBy gives the member's binding to the provider; nil where there is none.
func (o *Office) BoundBy(m *Member) *Binding {
	if o.provider == nil || m == nil {
		return nil
	}
	at := slices.IndexFunc(m.Bound, func(b Binding) bool { return b.Issuer == o.provider.Issuer })
	if at < 0 {
		return nil
	}
	return &m.Bound[at]
}

// EnterThrough begins signing in at the provider; next is where it leads.
func (o *Office) EnterThrough(ctx context.Context, next string, now time.Time) (*Departure, error) {
	return o.depart(ctx, &journey{Purpose: toEnter, Next: next, Nonce: secret()}, now)
}

// ProveThrough begins a fresh proof of a deed at the provider; next is the page
// that it comes back to, and typed what [Office.Typed] gives there. ErrUnbound where the member is not bound to it.
func (o *Office) ProveThrough(ctx context.Context, m *Member, s *Session, d Deed, typed url.Values, next string, now time.Time) (*Departure, error) {
	if o.BoundBy(m) == nil {
		return nil, ErrUnbound
	}
	return o.depart(ctx, &journey{
		Purpose: toProve, Next: next, Member: m.ID, Session: s.Digest, Deed: d, Typed: typed,
		Nonce: hex.EncodeToString(boundChallenge(d.subject(s))),
	}, now)
}

// BindThrough begins binding the own account to the provider, which needs a
// fresh proof of [AccountDeed]: ErrUnproved. ErrBound where it is bound.
func (o *Office) BindThrough(ctx context.Context, m *Member, s *Session, next string, now time.Time) (*Departure, error) {
	if o.BoundBy(m) != nil {
		return nil, ErrBound
	}
	if err := o.Proved(ctx, s, AccountDeed(m)); errors.Is(err, ErrRefused) {
		return nil, ErrUnproved
	} else if err != nil {
		return nil, err
	}
	return o.depart(ctx, &journey{Purpose: toBind, Next: next, Member: m.ID, Session: s.Digest, Nonce: secret()}, now)
}

// JoinThrough begins accepting an invitation with the account that somebody has
// at the provider; ErrGone, ErrInvalid.
func (o *Office) JoinThrough(ctx context.Context, token string, a Acceptance, next string, now time.Time) (*Departure, error) {
	i, err := o.Invited(ctx, token)
	if err != nil {
		return nil, err
	}
	m, err := i.joining(newID(), a, now)
	if err != nil {
		return nil, err
	}
	return o.depart(ctx, &journey{Purpose: toJoin, Next: next, Join: m, Ticket: digest(token), First: i.First, Nonce: secret()}, now)
}

// depart keeps the journey and gives the address that begins it.
func (o *Office) depart(ctx context.Context, j *journey, now time.Time) (*Departure, error) {
	if o.provider == nil {
		return nil, ErrNoProvider
	}
	d, err := o.provider.discover(ctx, now)
	if err != nil {
		return nil, err
	}
	state, browser := secret(), secret()
	j.Browser, j.Verifier = digest("browser", browser), oauth2.GenerateVerifier()
	doc, err := json.Marshal(j)
	if err != nil {
		return nil, fmt.Errorf("provider: %w", err)
	}
	if err := o.store.PutTicket(ctx, broadcast.Ticket{Kind: "oidc", Digest: digest(state), Doc: doc, Lasts: JourneyLasts}); err != nil {
		return nil, err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(j.Nonce), oauth2.S256ChallengeOption(j.Verifier)}
	if len(o.provider.ACR) > 0 {
		options = append(options, oauth2.SetAuthURLParam("acr_values", strings.Join(o.provider.ACR, " ")))
	}
	if j.Purpose != toEnter {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return &Departure{o.provider.oauth(d, "", o.back()).AuthCodeURL(state, options...), browser}, nil
}

func (o *Office) back() string { return o.origin + ReturnPath }

// Return ends a journey: somebody is in, a deed is proved, or an account is
// bound. The state counts once, for the browser that left. On an error Arrival
// holds where to go, as far as that is known; it is never nil.
func (o *Office) Return(ctx context.Context, r Return, now time.Time) (*Arrival, error) {
	if o.provider == nil {
		return &Arrival{}, ErrNoProvider
	}
	j, err := o.travelled(ctx, r)
	if err != nil {
		return &Arrival{}, err
	}
	a := &Arrival{Next: j.Next}
	switch {
	case r.Issuer != "" && r.Issuer != o.provider.Issuer:
		return a, &AnswerError{"it is another issuer's"}
	case r.Failed != "":
		return a, ErrDeclined
	case r.Code == "" || len(r.Code) > longestCode:
		return a, &AnswerError{"it holds no code"}
	}
	c, err := o.provider.exchange(ctx, o.back(), r.Code, j, now)
	if err != nil {
		return a, err
	}
	switch j.Purpose {
	case toEnter:
		err = o.enterBound(ctx, a, c.Subject, r.Agent, now)
	case toJoin:
		err = o.joinBound(ctx, a, j, c.Subject, r.Agent, now)
	case toBind:
		err = o.bind(ctx, a, j, c.Subject, now)
	case toProve:
		err = o.proveBound(ctx, a, j, c.Subject)
	default:
		err = ErrRefused
	}
	return a, err
}

// longestCode bounds the code of a provider.
const longestCode = 4096

// travelled takes the journey of a state that this browser began.
func (o *Office) travelled(ctx context.Context, r Return) (*journey, error) {
	none := &AnswerError{"its state is not one that this browser began"}
	if r.State == "" || len(r.State) > longestToken || r.Browser == "" || len(r.Browser) > longestToken {
		return nil, none
	}
	// It is read before it is taken: another browser cannot use it up.
	doc, err := o.store.Ticket(ctx, "oidc", digest(r.State))
	if errors.Is(err, alerts.ErrNotFound) {
		return nil, none
	}
	if err != nil {
		return nil, err
	}
	j := &journey{}
	if err := json.Unmarshal(doc, j); err != nil {
		return nil, fmt.Errorf("provider: %w", err)
	}
	if j.Browser != digest("browser", r.Browser) {
		return nil, none
	}
	if _, err := o.store.TakeTicket(ctx, "oidc", digest(r.State), nil); errors.Is(err, alerts.ErrNotFound) {
		return nil, none
	} else if err != nil {
		return nil, err
	}
	return j, nil
}

// Leave is where a browser signs out of the provider after signing out here; ""
// where nobody is led there.
func (o *Office) Leave(ctx context.Context, s *Session, now time.Time) string {
	if o.provider == nil || !o.provider.Logout || s.By != ByProvider {
		return ""
	}
	d, err := o.provider.discover(ctx, now)
	if err != nil || d.logout == "" {
		return ""
	}
	u, err := url.Parse(d.logout)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", o.provider.ClientID)
	q.Set("post_logout_redirect_uri", o.origin+"/console/sign-in?said=out")
	u.RawQuery = q.Encode()
	return u.String()
}
