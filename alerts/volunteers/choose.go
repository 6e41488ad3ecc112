package volunteers

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"martinella/alerts"
)

// Choosing is what [Choose] found: why people are left, and by need how many
// have the skill and can be called now (Found; somebody may stand in several),
// and how many were chosen for it (Called; everybody once).
type Choosing struct {
	Left          map[Reason]int
	Found, Called []int
}

// Choose picks whom to call next, in order, at most that many. called are those
// who have a leg already: they are passed over and counted nowhere. busy are
// those who come to another open call. now is in the authority's zone.
//
// Everybody is chosen for one need and counts for no other. Each need gets its
// share of most, and what others leave up to [Choice.Times] for each one that it
// wants; so most = [Call.FirstWave] calls Times as many for each need, or as
// many as there are, and who has a scarce skill is called for that one. For a
// further wave, give the call with [Missing] as its needs.
//
// The order is from the nearest home on, those whose home nobody knows last; or,
// where the choice does not say Nearest, one that is as good as drawn by lot,
// always the same for a call and another for the next one, so that not always
// the same people are woken.
//
// Whom a call is for must be there when it meets, or now where that is past:
// their week, their exceptions and their certificates are judged for that time.
// Who has quiet hours that end [WakeBefore] or more before it is chosen as others
// are, after those who are awake where distance does not decide: their first page
// waits until then. The others with quiet hours are called only where it is urgent.
func Choose(c *Call, all []Candidate, called, busy map[uint32]bool, now time.Time, most int) (chosen []uint32, s Choosing) {
	s = Choosing{Left: map[Reason]int{}, Found: make([]int, len(c.Needs)), Called: make([]int, len(c.Needs))}
	order := c.skilledFirst()
	ready := c.ready(all, called, busy, now, order, &s)
	c.sort(ready)

	m := newMatching(c.shares(order, most))
	taken := make([]bool, len(ready))
	// A second round spends what needs with too few people leave; those who were
	// taken keep their places.
	for range 2 {
		for i := range ready {
			if len(chosen) < most && !taken[i] && m.offer(i, ready[i].can) {
				taken[i] = true
				chosen = append(chosen, ready[i].number)
			}
		}
		m.grow(c.mostPlaces(m.places, order))
	}
	chosen = chosen[:0]
	for i, r := range ready {
		switch {
		case taken[i]:
			chosen = append(chosen, r.number)
			s.Called[order[m.at[i]]]++
		case c.nearest() && r.home == nil:
			s.Left[ReasonFar]++
		default:
			s.Left[ReasonEnough]++
		}
	}
	return chosen, s
}

// WakeBefore is how long before people meet quiet hours must be over for somebody
// to be called at their end: the time to be asked by three contacts, each
// waited for as [Wait] says, and to set out.
const WakeBefore = time.Hour

// callable is somebody who could be called.
type callable struct {
	number uint32
	can    needs // in the order of skilledFirst
	home   *alerts.Point
	far    float64 // kilometres; +Inf where nobody knows
	asleep bool    // their page waits for the end of quiet hours
	lot    uint64
}

// ready gives those who could be called, and counts the others by why not.
func (c *Call) ready(all []Candidate, called, busy map[uint32]bool, now time.Time, order []int, s *Choosing) []callable {
	meet := c.Meet.In(now.Location())
	if meet.Before(now) {
		meet = now
	}
	able := c.able(order, meet)
	seen := make(map[uint32]bool, len(all))
	out := make([]callable, 0, len(all))
	for i := range all {
		p := &all[i]
		if called[p.Number] || seen[p.Number] {
			continue
		}
		seen[p.Number] = true
		can := able(p.Profile)
		if why := c.against(p, can, busy[p.Number], meet); why != "" {
			s.Left[why]++
			continue
		}
		for place, need := range order {
			if can&(1<<place) != 0 {
				s.Found[need]++
			}
		}
		out = append(out, c.candidate(p, can))
	}
	return out
}

// against is why somebody is not called; "": they are.
func (c *Call) against(p *Candidate, can needs, busy bool, meet time.Time) Reason {
	switch {
	case can == 0:
		return ReasonNoSkill
	case !sharesOne(c.Choice.Groups, p.Profile.Groups):
		return ReasonGroup
	case len(c.Choice.Areas) > 0 && !slices.Contains(c.Choice.Areas, everywhere) && !slices.Contains(p.Areas, everywhere) &&
		!slices.ContainsFunc(p.Areas, func(a string) bool { return slices.Contains(c.Choice.Areas, a) }):
		return ReasonArea
	case len(p.Kinds) == 0:
		return ReasonNoContact
	case busy:
		return ReasonBusy
	case !p.Profile.Available(meet):
		return ReasonAway
	case !c.Urgent && p.Quiet.After(meet.Add(-WakeBefore)): // never of the zero time
		return ReasonQuiet
	}
	return ""
}

// everywhere is the area of who has the whole territory.
const everywhere = "*"

// sharesOne reports whether one of those wanted is among those had; none wanted
// is all.
func sharesOne(wanted, had []string) bool {
	if len(wanted) == 0 {
		return true
	}
	return slices.ContainsFunc(had, func(h string) bool {
		return slices.ContainsFunc(wanted, func(w string) bool { return fold(w) == fold(h) })
	})
}

func (c *Call) candidate(p *Candidate, can needs) callable {
	a := callable{number: p.Number, can: can, home: p.At, far: math.Inf(1), asleep: !c.Urgent && !p.Quiet.IsZero(), lot: lot(c.ID, p.Number)}
	if a.home != nil && !a.home.Valid() {
		a.home = nil
	}
	if c.nearest() && a.home != nil {
		a.far = distance(*a.home, *c.Point)
	}
	return a
}

// nearest reports whether distance decides.
func (c *Call) nearest() bool {
	return c.Choice.Nearest && c.Point != nil && c.Point.Valid()
}

func (c *Call) sort(list []callable) {
	near := c.nearest()
	slices.SortFunc(list, func(a, b callable) int {
		if near && a.far != b.far {
			return cmp.Compare(a.far, b.far)
		}
		if !near && a.asleep != b.asleep {
			if a.asleep {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(a.lot, b.lot), cmp.Compare(a.number, b.number))
	})
}

// lot is a person's place in the fair order of a call.
func lot(call alerts.ID, number uint32) uint64 {
	sum := sha256.Sum256(binary.BigEndian.AppendUint32([]byte(call), number))
	return binary.BigEndian.Uint64(sum[:8])
}

// shares divides most among the needs by how many each wants, in that order; what
// is left of a division goes to the first ones, which are the skilled ones.
func (c *Call) shares(order []int, most int) []int {
	out := make([]int, len(order))
	all, left := c.Needed(), max(most, 0)
	if all == 0 {
		return out
	}
	if most == c.FirstWave() {
		for place, need := range order {
			out[place] = c.times(c.Needs[need].People)
		}
		return out
	}
	for place, need := range order {
		people := max(c.Needs[need].People, 0)
		share := min(left, (max(most, 0)*people+all-1)/all)
		out[place] = share
		left -= share
	}
	return out
}

// mostPlaces is how many a need may be given at most: what it has, or Times as
// many as it wants.
func (c *Call) mostPlaces(places, order []int) []int {
	out := make([]int, len(order))
	for place, need := range order {
		out[place] = max(places[place], c.times(c.Needs[need].People))
	}
	return out
}

// earthRadius is the mean radius of the earth in kilometres (IUGG).
const earthRadius = 6371.0088

// distance is along the great circle, in kilometres (haversine formula).
func distance(a, b alerts.Point) float64 {
	la, lb := a.Lat*math.Pi/180, b.Lat*math.Pi/180
	x, y := math.Sin((lb-la)/2), math.Sin((b.Lon-a.Lon)*math.Pi/360)
	h := float64(x*x) + float64(math.Cos(la)*math.Cos(lb)*y*y)
	return 2 * earthRadius * math.Asin(min(math.Sqrt(h), 1))
}
