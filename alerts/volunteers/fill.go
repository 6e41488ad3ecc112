package volunteers

import (
	"cmp"
	"slices"
)

// Fill gives those who come to the needs so that as many places as possible are
// taken: filled is by need, fills is the index of the need for which somebody
// counts, spare are those who come and for whom every need that they could meet
// is met, by [Answer.First]. Who said first that they come keeps their
// place when others come, though they may count for another need then. A
// certificate must hold when the call meets, by the date of [Call.Meet] in its
// own zone, which is to be the authority's. skills gives the profile of who
// answered, empty for who is not known. Of those who may come, each stands in
// every need that they could meet.
func Fill(c *Call, answers map[uint32]Answer, skills func(number uint32) Profile) (filled []Filled, fills map[uint32]int, spare []uint32) {
	filled = make([]Filled, len(c.Needs))
	order := c.skilledFirst()
	able := c.able(order, c.Meet)
	places := make([]int, len(order))
	for place, need := range order {
		filled[need].Need = c.Needs[need]
		places[place] = max(c.Needs[need].People, 0)
	}
	var coming []uint32
	for number, a := range answers {
		switch a.Kind {
		case Coming:
			coming = append(coming, number)
		case Maybe:
			can := able(skills(number))
			for place, need := range order {
				if can&(1<<place) != 0 {
					filled[need].Maybe++
				}
			}
		case Cannot:
		}
	}
	slices.SortFunc(coming, func(a, b uint32) int {
		return cmp.Or(answers[a].First().Compare(answers[b].First()), cmp.Compare(a, b))
	})
	m := newMatching(places)
	for _, number := range coming {
		if !m.offer(int(number), able(skills(number))) {
			spare = append(spare, number)
		}
	}
	fills = make(map[uint32]int, len(m.at))
	for person, place := range m.at {
		need := order[place]
		fills[uint32(person)] = need
		filled[need].Coming++
	}
	return filled, fills, spare
}

// skilledFirst is the order in which needs are tried: those that name a skill,
// as the call lists them, then those for anybody.
func (c *Call) skilledFirst() []int {
	order := make([]int, 0, len(c.Needs))
	for _, anybody := range []bool{false, true} {
		for i, n := range c.Needs {
			if (fold(n.Skill) == "") == anybody {
				order = append(order, i)
			}
		}
	}
	return order
}

// Missing gives what is still wanted: a call with these needs finds with
// [Choose] whom a further wave should call.
func Missing(filled []Filled) []Need {
	var out []Need
	for _, f := range filled {
		if left := f.People - f.Coming; left > 0 {
			out = append(out, Need{Skill: f.Skill, People: left})
		}
	}
	return out
}
