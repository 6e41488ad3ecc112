package signin

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/webauthn"

	"martinella/alerts"
)

// Member is a member of staff, as stored: sealed as a whole.
type Member struct {
	V        int       `json:"v"`
	ID       string    `json:"id"`    // "staff:7f3a...", never used again
	Login    string    `json:"login"` // lower case
	Name     string    `json:"name"`
	Grant    Grant     `json:"grant"`
	Created  time.Time `json:"created"`
	Disabled time.Time `json:"disabled,omitzero"`

	Password string    `json:"password,omitempty"`  // argon2id, in PHC form
	Seed     string    `json:"seed,omitempty"`      // of the codes (RFC 6238), base 32
	LastStep int64     `json:"last_step,omitempty"` // of the last code that was used
	Passkeys []Passkey `json:"passkeys,omitempty"`
	Recovery []string  `json:"recovery,omitempty"` // digests of the codes that are left
	Bound    []Binding `json:"bound,omitempty"`    // accounts at providers, one of each

	// Era counts how often everything that the member had signed in with was
	// ended: sessions and remembered browsers of an era before count no more,
	// but for the session with the digest Kept.
	Era    int       `json:"era,omitempty"`
	Kept   string    `json:"kept,omitempty"`
	NoKeys bool      `json:"no_keys,omitempty"` // the member turned the console's keyboard shortcuts off
	Reach  Reach     `json:"reach,omitzero"`
	OnDuty time.Time `json:"on_duty,omitzero"` // since when; zero: not on duty

	revision int64
}

// Passkey is a credential by which a member signs in.
type Passkey struct {
	Name  string              `json:"name"`
	Added time.Time           `json:"added"`
	Used  time.Time           `json:"used,omitzero"`
	Key   webauthn.Credential `json:"key"`
}

// Grant is what a member may do: roles, within limits. Verbs of the limits
// count for nothing.
type Grant struct {
	Roles  []string      `json:"roles"`
	Limits alerts.Rights `json:"limits,omitzero"`
}

// Role is a named set of verbs.
type Role struct {
	Name        string
	Verbs       []alerts.Verb
	Administers bool // people and their rights
}

// Roles are all roles, the least first.
var Roles = []Role{
	{Name: "viewer", Verbs: []alerts.Verb{alerts.VerbRead}},
	{Name: "author", Verbs: []alerts.Verb{alerts.VerbRead, alerts.VerbSubmit}},
	{Name: "volunteers", Verbs: []alerts.Verb{alerts.VerbRead, alerts.VerbCall}}, // calls them out
	{Name: "issuer", Verbs: []alerts.Verb{alerts.VerbRead, alerts.VerbIssue}},    // alone, what needs no second person
	{Name: "approver", Verbs: []alerts.Verb{alerts.VerbRead, alerts.VerbApprove}},
	{Name: "administrator", Verbs: []alerts.Verb{alerts.VerbRead}, Administers: true},
}

func roleOf(name string) (Role, bool) {
	i := slices.IndexFunc(Roles, func(r Role) bool { return r.Name == name })
	if i < 0 {
		return Role{}, false
	}
	return Roles[i], true
}

// Person is the member as package alerts judges them. A staff session never
// stands in for the second person.
func (m *Member) Person() alerts.Person {
	rights := m.Grant.Limits
	rights.Verbs, rights.SelfApprove = nil, false
	for _, r := range Roles {
		if slices.Contains(m.Grant.Roles, r.Name) {
			for _, v := range r.Verbs {
				if !slices.Contains(rights.Verbs, v) {
					rights.Verbs = append(rights.Verbs, v)
				}
			}
		}
	}
	return alerts.Person{ID: m.ID, Name: m.Name, Rights: rights}
}

// Administers reports whether the member looks after people and rights.
func (m *Member) Administers() bool {
	return m.Disabled.IsZero() && slices.ContainsFunc(m.Grant.Roles, func(name string) bool {
		r, _ := roleOf(name)
		return r.Administers
	})
}

// WebAuthnID implements [webauthn.User].
func (m *Member) WebAuthnID() []byte { return []byte(m.ID) }

// WebAuthnName implements [webauthn.User].
func (m *Member) WebAuthnName() string { return m.Login }

// WebAuthnDisplayName implements [webauthn.User].
func (m *Member) WebAuthnDisplayName() string { return m.Name }

// WebAuthnCredentials implements [webauthn.User].
func (m *Member) WebAuthnCredentials() []webauthn.Credential {
	keys := make([]webauthn.Credential, len(m.Passkeys))
	for i, k := range m.Passkeys {
		keys[i] = k.Key
	}
	return keys
}

// idPrefix begins the ids of members.
const idPrefix = "staff:"

func newID() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return idPrefix + hex.EncodeToString(b)
}

// folded is a login in the form in which it is compared.
func folded(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

// The longest texts that are stored of a member.
const (
	longestLogin = 100
	longestName  = 100
)

// valid checks what is going to be stored.
func valid(login, name string, g Grant) error {
	if login == "" || len(login) > longestLogin || strings.ContainsFunc(login, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) }) {
		return ErrInvalid
	}
	if strings.TrimSpace(name) == "" || len(name) > longestName || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		return ErrInvalid
	}
	if len(g.Roles) == 0 {
		return ErrInvalid
	}
	for _, name := range g.Roles {
		if _, known := roleOf(name); !known {
			return ErrInvalid
		}
	}
	return nil
}

// Members lists all, by name.
func (o *Office) Members(ctx context.Context) ([]*Member, error) {
	docs, err := o.store.Members(ctx)
	if err != nil {
		return nil, err
	}
	var all []*Member
	for id, doc := range docs {
		m := &Member{}
		if err := json.Unmarshal(doc, m); err != nil {
			return nil, fmt.Errorf("member of staff %s: %w", id, err)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *Member) int {
		return strings.Compare(strings.ToLower(a.Name)+a.ID, strings.ToLower(b.Name)+b.ID)
	})
	return all, nil
}
