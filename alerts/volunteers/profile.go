package volunteers

import (
	"time"

	"martinella/alerts"
)

// Profile is what the roster knows of a volunteer besides how to reach them:
// contacts, home areas, order of contacts, quiet hours and language are those of
// every subscriber. It is sealed together with them.
type Profile struct {
	Name         string   `json:"name"`
	Organisation string   `json:"organisation,omitempty"` // of volunteers, as the register of art. 34 D.Lgs. 1/2018 names it
	Groups       []string `json:"groups,omitempty"`       // teams and sections, as the authority calls them
	Skills       []Skill  `json:"skills,omitempty"`
	Speaks       []string `json:"speaks,omitempty"` // languages besides their own, RFC 3066

	// Weekly is when the volunteer can be called; none: at any time.
	Weekly []Shift `json:"weekly,omitempty"`
	// Exceptions win over Weekly; the last one that holds a moment decides it.
	Exceptions []Exception `json:"exceptions,omitempty"`
}

// Empty reports whether nothing is known.
func (p *Profile) Empty() bool {
	return p == nil || p.Name == "" && p.Organisation == "" && len(p.Groups)+len(p.Skills)+len(p.Speaks)+len(p.Weekly)+len(p.Exceptions) == 0
}

// Skill is something that a volunteer is allowed and able to do, in the
// authority's own words ("motosega", "autista C"). Letter case and spaces around
// do not make another skill.
type Skill struct {
	Name string `json:"name"`
	// Until is the last day on which the certificate holds; zero: without end.
	Until time.Time `json:"until,omitzero"`
}

// Shift is a weekly span of the authority's local time, "08:30" to "13:00"; one
// that ends at or before its begin goes on into the next day.
type Shift struct {
	Day  time.Weekday `json:"day"`
	From string       `json:"from"`
	To   string       `json:"to"`
}

// Exception says otherwise for a while: away on holiday, or there although the
// week says no.
type Exception struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"` // exclusive
	There bool      `json:"there,omitempty"`
}

// Candidate is a volunteer as a call looks at them. It names nobody.
type Candidate struct {
	Number  uint32
	Profile Profile
	Areas   []string      // geocode values of home; "*" is the whole territory
	At      *alerts.Point // where they live, as far as it is known
	Kinds   []string      // of contact by which they can be reached now, in their own order
	Quiet   time.Time     // until when they have quiet hours; zero where they have none at the moment
}
