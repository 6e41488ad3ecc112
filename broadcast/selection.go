package broadcast

import (
	"slices"
	"sync/atomic"
	"time"

	"martinella/alerts"
	"martinella/alerts/areas"
)

// Selection is the definition of an audience: part of what is approved. The
// zero value of a field asks for nothing in particular, but no area selects
// nobody.
type Selection struct {
	Areas    []string        `json:"areas"` // codes whose area intersects the alert's, sorted
	Severity alerts.Severity `json:"severity"`
	Purpose  string          `json:"purpose"`
	Drawn    bool            `json:"drawn"` // the alert has a polygon or circle: the whole territory's subscribers are concerned
	// Audiences limits the selection to subscribers of these audiences: what is
	// Restricted reaches volunteers and never citizens. None: all.
	Audiences []string `json:"audiences,omitempty"`
	// Topics are what an information is about; none: anything.
	Topics []string `json:"topics,omitempty"`

	// The area as drawn, and the alert's own codes: who has a circle on the map
	// is concerned where it touches them. Outlines is the gazetteer that drew
	// the codes.
	Polygons []alerts.Polygon `json:"polygons,omitempty"`
	Circles  []alerts.Circle  `json:"circles,omitempty"`
	Named    []string         `json:"named,omitempty"`
	Outlines alerts.Digest    `json:"outlines,omitempty"`

	// Kind is the contact that is asked for, Kinds all that the plan serves.
	Kind  string   `json:"kind,omitempty"`
	Kinds []string `json:"kinds,omitempty"`
	// Zone is the authority's (IANA name): by it quiet hours are judged. None:
	// the zone of the time that is asked with.
	Zone string `json:"zone,omitempty"`

	// Zones are the parts of the area in the order in which the alert names
	// them: who is told first. The alert and its outlines decide them, and both
	// are approved.
	Zones []Zone `json:"-"`

	ready *readySelection
}

// readySelection is what many subscribers are compared with.
type readySelection struct {
	areas     map[string]bool
	shape     areas.Shape
	exposures *exposures
	zone      *time.Location
	tally     tally
}

// Ready is the selection made fast for many subscribers, with the outlines of
// its named codes. It may be used from many goroutines.
func (s Selection) Ready(g *areas.Gazetteer) Selection {
	r := &readySelection{areas: make(map[string]bool, len(s.Areas)), shape: areas.Draw(s.Polygons, s.Circles).With(g.Outline(s.Named...)), exposures: exposuresOf(s.Zones, g)}
	for _, a := range s.Areas {
		r.areas[a] = true
	}
	if s.Zone != "" {
		if z, err := time.LoadLocation(s.Zone); err == nil {
			r.zone = z
		}
	}
	s.ready = r
	return s
}

// Concerns is the rule by which a subscriber is selected:
//
//   - somebody who signed up has confirmed it;
//   - the subscription has not ended, its audience is addressed, and it is for
//     this purpose and one of these topics;
//   - one of its areas is among those that the alert's area intersects, or its
//     circle touches the alert's area, or it asked for the whole territory. No
//     area in the alert selects nobody;
//   - the severity is at least its minimum;
//   - this kind of contact is the first of its preferred ones that the plan
//     serves. Where the plan serves none of them, what is Severe or worse uses
//     every contact that there is, and the rest does not reach it;
//   - below Severe: it has no quiet hours at the moment. They hold the alert out
//     of the channels that reach a person (telephone, mail), not off the page
//     and the public channels; how many are held is told before approval. Severe
//     and Extreme know no quiet hours.
//
// Who was told of an event hears of its changes whatever this rule says: see
// Planner.
func (s Selection) Concerns(p Subscriber, now time.Time) bool {
	why := s.judge(p, now)
	if s.ready != nil {
		s.ready.tally[why].Add(1)
	}
	return why == selected
}

// verdict is why somebody is selected or not.
type verdict uint8

const (
	selected verdict = iota
	elsewhere
	unconfirmed
	ended
	otherAudience
	otherPurpose
	belowMinimum
	otherWay
	quiet
	verdicts
)

// tally counts verdicts of those who were judged.
type tally [verdicts]atomic.Int64

func (s Selection) judge(p Subscriber, now time.Time) verdict {
	severe := s.Severity.Rank() >= alerts.SeveritySevere.Rank()
	switch {
	case !s.where(p):
		return elsewhere
	case p.Consent == ConsentAsked:
		return unconfirmed
	case !p.Until.IsZero() && now.After(p.Until):
		return ended
	case len(s.Audiences) > 0 && !slices.Contains(s.Audiences, p.Audience):
		return otherAudience
	case !s.about(p):
		return otherPurpose
	case s.Severity.Rank() < p.MinSeverity.Rank():
		return belowMinimum
	case !s.way(p, severe):
		return otherWay
	case !severe && p.Quiet != nil && p.Quiet.Hold(s.local(now)):
		return quiet
	}
	return selected
}

// where reports whether the person's place intersects the alert's.
func (s Selection) where(p Subscriber) bool {
	if len(s.Areas) == 0 && !s.Drawn {
		return false
	}
	for _, mine := range p.Areas {
		if mine == "*" || s.names(mine) {
			return true
		}
	}
	if p.Circle == nil {
		return false
	}
	if s.ready == nil {
		return areas.Draw(s.Polygons, s.Circles).Touches(*p.Circle)
	}
	return s.ready.shape.Touches(*p.Circle)
}

func (s Selection) names(code string) bool {
	if s.ready == nil {
		return slices.Contains(s.Areas, code)
	}
	return s.ready.areas[code]
}

// about compares purpose and topics. An address that was given for emergencies
// is used for nothing else.
func (s Selection) about(p Subscriber) bool {
	if p.Purpose != "" && s.Purpose != "" && p.Purpose != s.Purpose {
		return false
	}
	return s.Purpose != purposeInformation || len(s.Topics) == 0 || len(p.Topics) == 0 ||
		slices.ContainsFunc(p.Topics, func(t string) bool { return slices.Contains(s.Topics, t) })
}

// The purposes of a subscription.
const (
	purposeEmergency   = "emergency"
	purposeInformation = "information"
)

func (s Selection) way(p Subscriber, severe bool) bool {
	if s.Kind == "" || len(p.Channels) == 0 {
		return true
	}
	for _, kind := range p.Channels {
		if p.Contacts[kind] != "" && (kind == s.Kind || slices.Contains(s.Kinds, kind)) {
			return kind == s.Kind
		}
	}
	return severe
}

func (s Selection) local(now time.Time) time.Time {
	if s.ready != nil && s.ready.zone != nil {
		return now.In(s.ready.zone)
	}
	if s.Zone != "" {
		if z, err := time.LoadLocation(s.Zone); err == nil {
			return now.In(z)
		}
	}
	return now
}
