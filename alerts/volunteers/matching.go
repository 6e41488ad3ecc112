package volunteers

import (
	"math/bits"
	"time"
)

// matching gives people to needs, each to one at most, so that as many places as
// possible are taken. People are offered one after the other: who was taken
// keeps a place for good, though another need may get them instead, so that
// among all ways to take as many, those who came first are in. (These sets are
// a matroid, where taking greedily is best.)
type matching struct {
	places []int          // by need, how many it can take
	taken  [][]placed     // by need
	at     map[int]int    // by person, the need
	never  map[needs]bool // for whom there was no place: there is none until places grow
}

// placed is a person who was taken, and every need that they could meet.
type placed struct {
	person int
	can    needs
}

// needs is a set of needs by their index, of which a call has at most
// [NeedsMost].
type needs uint32

func newMatching(places []int) *matching {
	return &matching{places: places, taken: make([][]placed, len(places)), at: map[int]int{}, never: map[needs]bool{}}
}

// offer takes a person, if there is a place or somebody can make one.
func (m *matching) offer(person int, can needs) bool {
	if can == 0 || m.never[can] {
		return false
	}
	// Breadth first over needs: the shortest chain of people who move. from is the
	// need that each need was found through, by whom the person who would move on.
	var from [32]int
	var by [32]placed
	queue := make([]int, 0, 32)
	seen := needs(0)
	see := func(fresh needs, through int, mover placed) {
		seen |= fresh
		for ; fresh != 0; fresh &= fresh - 1 {
			n := bits.TrailingZeros32(uint32(fresh))
			from[n], by[n] = through, mover
			queue = append(queue, n)
		}
	}
	for see(can, -1, placed{person, can}); len(queue) > 0; {
		n := queue[0]
		queue = queue[1:]
		if len(m.taken[n]) < m.places[n] {
			for ; n >= 0; n = from[n] {
				m.move(by[n], n)
			}
			return true
		}
		for _, mover := range m.taken[n] {
			if fresh := mover.can &^ seen; fresh != 0 {
				see(fresh, n, mover)
			}
		}
	}
	m.never[can] = true
	return false
}

// move puts a person to a need, away from where they were.
func (m *matching) move(p placed, need int) {
	if was, is := m.at[p.person]; is {
		list := m.taken[was]
		for i := range list {
			if list[i].person == p.person {
				m.taken[was] = append(list[:i], list[i+1:]...)
				break
			}
		}
	}
	m.at[p.person] = need
	m.taken[need] = append(m.taken[need], p)
}

// grow makes places, at least as many as there were.
func (m *matching) grow(places []int) {
	m.places = places
	clear(m.never)
}

// able gives what tells the needs that a profile can meet on the day of at, by
// their place in order.
func (c *Call) able(order []int, at time.Time) func(Profile) needs {
	var anybody needs
	skilled := make(map[string]needs, len(order))
	for place, need := range order {
		switch n := c.Needs[need]; {
		case n.People < 1 || place >= NeedsMost:
		case fold(n.Skill) == "":
			anybody |= 1 << place
		default:
			skilled[fold(n.Skill)] |= 1 << place
		}
	}
	return func(p Profile) needs {
		can := anybody
		for _, s := range p.Skills {
			if found := skilled[fold(s.Name)]; found != 0 && s.holds(at) {
				can |= found
			}
		}
		return can
	}
}
