package broadcast

import (
	"context"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
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
	// Channels are kinds of contact in order of preference: the first that the
	// plan of an alert serves is used. None: every kind that there is a contact
	// for.
	Channels []string `json:"channels,omitempty"`
	// Topics are what an information is about; none: everything.
	Topics []string `json:"topics,omitempty"`
	// Quiet hours hold back what is below Severe: see [Selection.Concerns].
	Quiet *Hours `json:"quiet,omitempty"`
	// Consent is by what right the person is in the list.
	Consent Consent `json:"consent,omitempty"`
	// Volunteer is what is known of somebody who can be called out, besides what
	// is kept of every subscriber; nil: nothing. A volunteer is who has
	// [AudienceVolunteers].
	Volunteer *volunteers.Profile `json:"volunteer,omitempty"`
}

// Hours are a daily span of the authority's local time, "22:00" to "07:00": the
// first minute is in it, the last is not. What cannot be read, or ends where it
// begins, is no span: nobody misses an alert by a slip of the pen.
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

	// Select gives those who have a contact of this kind and whom the alert
	// concerns, each in the group of its language and exposure. The groups are
	// in no order.
	Select(ctx context.Context, kind string, s Selection) ([]Group, error)

	// Contacts gives the address of each number, "" for who was erased or has
	// none. The slice has the length of numbers.
	Contacts(ctx context.Context, kind string, numbers []uint32) ([]string, error)

	// Erase removes a person and leaves a tombstone; what is queued skips it.
	Erase(ctx context.Context, number uint32) error

	// Lookup finds the number by contact, alerts.ErrNotFound otherwise.
	Lookup(ctx context.Context, kind, address string) (uint32, error)
}
