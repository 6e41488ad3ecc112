package broadcast

import (
	"context"
	"slices"
	"time"

	"martinella/alerts"
)

// Subscriber is a person who is reached one by one. The store keeps it sealed;
// it never enters a stream, a log or a metric.
type Subscriber struct {
	V           int               `json:"v"`
	Contacts    map[string]string `json:"contacts"` // kind ("phone", "email") to address (E.164, ...)
	Language    string            `json:"language"`
	Areas       []string          `json:"areas"` // geocode values; "*" is the whole territory
	MinSeverity alerts.Severity   `json:"min_severity,omitempty"`
	Audience    string            `json:"audience"` // citizens, volunteers, institutions, media
	Purpose     string            `json:"purpose"`  // emergency | information
	Until       time.Time         `json:"until,omitzero"`

	// Circle is where the person is, besides or instead of areas: a home, a farm.
	Circle *alerts.Circle `json:"circle,omitempty"`
	// Channels are kinds of contact in order of preference; none: every kind
	// that there is a contact for.
	Channels []string `json:"channels,omitempty"`
	// Topics are what an information is about; none: everything.
	Topics []string `json:"topics,omitempty"`
	// Quiet hours hold back what is below Severe.
	Quiet *Hours `json:"quiet,omitempty"`
	// Consent is by what right the person is in the list.
	Consent Consent `json:"consent,omitempty"`
}

// Hours are a daily span of local time, "22:00" to "07:00".
type Hours struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Consent says by what right somebody is written to.
type Consent string

// The values of [Consent].
const (
	ConsentTask  Consent = ""      // a list of the authority, under its public task: none is needed
	ConsentAsked Consent = "asked" // signed up and has not confirmed yet: gets nothing but the question
	ConsentGiven Consent = "given" // signed up and confirmed
)

// Person is a subscriber with the number that stands for it for ever.
type Person struct {
	Number     uint32
	Subscriber Subscriber
}

// People is the store of subscribers. Its methods may be called from many
// goroutines and block until the store answered.
type People interface {
	// Add stores a subscriber, or updates the one who has the same contact;
	// the number is never reused.
	Add(ctx context.Context, s Subscriber) (number uint32, fresh bool, err error)

	// Select gives, by language, the numbers of those who have a contact of
	// this kind and whom the alert concerns, in ascending order.
	Select(ctx context.Context, kind string, s Selection) (map[string][]uint32, error)

	// Contacts gives the address of each number, "" for who was erased or has
	// none. The slice has the length of numbers.
	Contacts(ctx context.Context, kind string, numbers []uint32) ([]string, error)

	// Erase removes a person and leaves a tombstone; what is queued skips it.
	Erase(ctx context.Context, number uint32) error

	// Lookup finds the number by contact, alerts.ErrNotFound otherwise.
	Lookup(ctx context.Context, kind, address string) (uint32, error)
}

// Selection is the definition of an audience: part of what is approved.
type Selection struct {
	Areas    []string        `json:"areas"` // geocode values of the alert
	Severity alerts.Severity `json:"severity"`
	Purpose  string          `json:"purpose"`
	Drawn    bool            `json:"drawn"` // the alert has a polygon or circle: the whole territory's subscribers are concerned
	// Audiences limits the selection to subscribers of these audiences: what is
	// Restricted reaches volunteers and never citizens. None: all.
	Audiences []string `json:"audiences,omitempty"`
}

// Concerns is the rule by which a subscriber is selected: one of its areas is
// named by the alert, or it asked for the whole territory; the severity is at
// least its minimum; its audience is among those addressed; the subscription
// has not ended. No area in the alert selects nobody.
func (s Selection) Concerns(p Subscriber, now time.Time) bool {
	if len(s.Areas) == 0 && !s.Drawn {
		return false
	}
	if s.Severity.Rank() < p.MinSeverity.Rank() || (!p.Until.IsZero() && now.After(p.Until)) {
		return false
	}
	if len(s.Audiences) > 0 && !slices.Contains(s.Audiences, p.Audience) {
		return false
	}
	if p.Purpose != "" && s.Purpose != "" && p.Purpose != s.Purpose && p.Purpose != "emergency" {
		return false
	}
	for _, mine := range p.Areas {
		if mine == "*" {
			return true
		}
		if slices.Contains(s.Areas, mine) {
			return true
		}
	}
	return false
}
