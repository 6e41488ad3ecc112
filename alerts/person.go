package alerts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Person is somebody (or some program) who acts: always an argument, never
// taken from a context. Identity is proved in dashboards; what a Person may do
// is decided here.
type Person struct {
	ID     string `json:"id"`   // "key:7f3a...", stable
	Name   string `json:"name"` // for people: "Sala operativa"
	Rights Rights `json:"rights"`
	// Session says that a person sits there, known by a session and not by a
	// key: such a one proves again who they are before what is grave; see
	// [StepUp].
	Session bool `json:"-"`
}

// Verb is what somebody may do.
type Verb string

// The values of [Verb]. Approve implies reading, returning and rejecting;
// Issue implies Submit, and issues at once what needs no second person. Both
// imply Call.
const (
	VerbRead    Verb = "read"
	VerbSubmit  Verb = "submit"
	VerbApprove Verb = "approve"
	VerbIssue   Verb = "issue"
	VerbCall    Verb = "call" // volunteers out
)

// Verbs lists the values of [Verb].
var Verbs = []Verb{VerbRead, VerbSubmit, VerbApprove, VerbIssue, VerbCall}

// Rights are verbs within limits. An empty limit list means no limit, but for
// Statuses: without a list only Exercise and Test are allowed, so that a key
// that was made in haste cannot warn a city.
type Rights struct {
	Verbs       []Verb   `json:"verbs"`
	SelfApprove bool     `json:"self_approve,omitempty"` // a key that issues Severe and Extreme alone
	Senders     []string `json:"senders,omitempty"`      // CAP senders that this key may speak for
	Areas       []string `json:"areas,omitempty"`        // geocode values, or prefixes ending in *; ISTAT=052032 names the code too
	Hazards     []string `json:"hazards,omitempty"`      // values of info.category
	MaxSeverity Severity `json:"max_severity,omitempty"`
	Statuses    []Status `json:"statuses,omitempty"`
	Channels    []string `json:"channels,omitempty"`
}

// Can reports whether the verb is among the rights.
func (p Person) Can(v Verb) bool {
	if slices.Contains(p.Rights.Verbs, v) {
		return true
	}
	switch v {
	case VerbSubmit:
		return slices.Contains(p.Rights.Verbs, VerbIssue)
	case VerbCall:
		return slices.Contains(p.Rights.Verbs, VerbIssue) || slices.Contains(p.Rights.Verbs, VerbApprove)
	case VerbRead:
		return len(p.Rights.Verbs) > 0
	}
	return false
}

// Refusals lists every limit that the alert oversteps; none means that it may
// be handled by this person. areas are the geocodes of the event where the
// alert itself carries none (a Cancel).
func (p Person) Refusals(a *Alert, areas []Value) Problems {
	var ps Problems
	statuses := p.Rights.Statuses
	if len(statuses) == 0 {
		statuses = []Status{StatusExercise, StatusTest}
	}
	if !slices.Contains(statuses, a.Status) {
		ps.refuse("status", fmt.Sprintf("%s is not allowed to this key", a.Status), "allowed: "+list(statuses))
	}
	if top := p.Rights.MaxSeverity; top != "" && a.Severity().Rank() > top.Rank() {
		ps.refuse("severity", fmt.Sprintf("%s is above what this key may send", a.Severity()), "at most "+string(top))
	}
	for i := range a.Infos {
		for j, c := range a.Infos[i].Categories {
			if len(p.Rights.Hazards) > 0 && !slices.Contains(p.Rights.Hazards, string(c)) {
				ps.refuse(fmt.Sprintf("info[%d].category[%d]", i, j), fmt.Sprintf("%s is not allowed to this key", c), "allowed: "+strings.Join(p.Rights.Hazards, ", "))
			}
		}
	}
	if len(p.Rights.Senders) > 0 && !slices.Contains(p.Rights.Senders, a.Sender) {
		ps.refuse("sender", quoteShort(a.Sender)+" is not one that this key speaks for", "allowed: "+strings.Join(p.Rights.Senders, ", "))
	}
	return append(ps, p.areaRefusals(a, areas)...)
}

// overReach lists the limits that changing the published revision head
// oversteps: whoever changes an alert must be allowed to send it, and reach
// everybody whom it reached. Nil for a new event.
func (p Person) overReach(head *Record) Problems {
	if head == nil {
		return nil
	}
	was := *head.Alert
	was.Sender = "" // a change of what another sender said is judged by the desk
	other := p
	other.Rights.Senders = nil
	ps := other.Refusals(&was, head.Areas)
	for i := range ps {
		ps[i].Problem = "of the alert that it changes: " + ps[i].Problem
	}
	if len(p.Rights.Channels) == 0 {
		return ps
	}
	for _, c := range head.Channels {
		if !slices.Contains(p.Rights.Channels, c) {
			ps.refuse("channels", "the alert that it changes went to "+c+", which is not allowed to this key", "allowed: "+strings.Join(p.Rights.Channels, ", "))
		}
	}
	return ps
}

// planRefusals lists the chosen channels that this person may not use.
func (p Person) planRefusals(chosen []string) Problems {
	var ps Problems
	for _, c := range chosen {
		if len(p.Rights.Channels) > 0 && !slices.Contains(p.Rights.Channels, c) {
			ps.refuse("channels", c+" is not allowed to this key", "allowed: "+strings.Join(p.Rights.Channels, ", "))
		}
	}
	return ps
}

// areaRefusals: with a limit on areas every geocode must be within it. A polygon or circle beside it could reach further, and
// nobody has compared them, so it is refused as well.
func (p Person) areaRefusals(a *Alert, inherited []Value) Problems {
	if len(p.Rights.Areas) == 0 {
		return nil
	}
	var ps Problems
	allowed := "allowed: " + strings.Join(p.Rights.Areas, ", ")
	seen := false
	for i := range a.Infos {
		for j := range a.Infos[i].Areas {
			ar, at := &a.Infos[i].Areas[j], fmt.Sprintf("info[%d].area[%d]", i, j)
			seen = true
			if len(ar.Polygons)+len(ar.Circles) > 0 {
				ps.refuse(at, "is drawn, and this key is limited to named areas", allowed)
			}
			for k, g := range ar.Geocodes {
				if !p.areaAllowed(g) {
					ps.refuse(fmt.Sprintf("%s.geocode[%d]", at, k), fmt.Sprintf("%s is not allowed to this key", quoteShort(g.Value)), allowed)
				}
			}
		}
	}
	if !seen {
		for _, g := range inherited {
			if !p.areaAllowed(g) {
				ps.refuse("references", fmt.Sprintf("the event covers %s, which is not allowed to this key", quoteShort(g.Value)), allowed)
			}
		}
	}
	return ps
}

func (p Person) areaAllowed(code Value) bool {
	return slices.ContainsFunc(p.Rights.Areas, func(limit string) bool {
		if name, value, named := strings.Cut(limit, "="); named {
			if name != code.Name {
				return false
			}
			limit = value
		}
		if prefix, open := strings.CutSuffix(limit, "*"); open {
			return strings.HasPrefix(code.Value, prefix)
		}
		return code.Value == limit
	})
}

// Key is an API key: a Person who is known by a secret. The secret itself is
// never stored: bearer tokens as SHA-256, the signing secret encrypted.
type Key struct {
	V            int       `json:"v"`
	Person       Person    `json:"person"`
	TokenSHA256  string    `json:"token_sha256"`            // hexadecimal
	SealedSecret []byte    `json:"sealed_secret,omitempty"` // for Martinella-Signature, sealed under the key file
	By           By        `json:"by,omitzero"`             // who made it in the console; zero: a command
	Created      time.Time `json:"created"`
	Expires      time.Time `json:"expires,omitzero"`
	Revoked      time.Time `json:"revoked,omitzero"`
	LastUsed     time.Time `json:"last_used,omitzero"`
}

// Live reports whether the key may be used at now.
func (k *Key) Live(now time.Time) bool {
	return k.Revoked.IsZero() && (k.Expires.IsZero() || now.Before(k.Expires))
}

// The verbs of acts on API keys; see [KeyAct].
const (
	ActKeyCreated = "key-created"
	ActKeyRevoked = "key-revoked"
)

// KeyAct is an act on the API key with this id. via is the way by which it was
// done ("command", "console"); reason says what the key may do.
func KeyAct(by By, verb, id, reason, via string, now time.Time) Act {
	return Act{V: 1, At: now.UTC(), By: By{ID: by.ID}, Verb: verb, Of: id, Reason: reason, Via: via}
}

// Keys is the store of API keys. Its methods may be called from many
// goroutines and block until the store answered.
type Keys interface {
	// ByToken finds a key by the SHA-256 of its bearer token, hexadecimal;
	// [ErrNotFound] also for a revoked or expired one.
	ByToken(ctx context.Context, tokenSHA256 string) (*Key, error)

	// BySigner finds a key by its id and opens its signing secret.
	BySigner(ctx context.Context, id string) (*Key, []byte, error)

	// Add stores a key with the act of making it; secret is sealed under the key
	// file.
	Add(ctx context.Context, k *Key, secret []byte, act Act) error

	// List gives all keys, revoked ones included, oldest first.
	List(ctx context.Context) ([]*Key, error)

	// Revoke ends a key from act.At on, with the act; [ErrNotFound] if there is
	// none with this id. One that has ended keeps its date.
	Revoke(ctx context.Context, id string, act Act) error
}
