package broadcast

import (
	"math/bits"
	"slices"
)

// Group is some of those whom an alert concerns: of one language, and equally
// exposed.
type Group struct {
	Language string
	Exposure Exposure
	People   []uint32 // by number, in ascending order
}

// crowd is a set of people: one bit for each number.
type crowd []uint64

// add reports whether the number was not there yet.
func (c *crowd) add(number uint32) bool {
	i, bit := int(number/64), uint64(1)<<(number%64)
	if i >= len(*c) {
		*c = append(*c, make(crowd, max(i+1-len(*c), len(*c)/4))...)
	}
	fresh := (*c)[i]&bit == 0
	(*c)[i] |= bit
	return fresh
}

func (c crowd) has(number uint32) bool {
	i := int(number / 64)
	return i < len(c) && c[i]&(1<<(number%64)) != 0
}

// join adds everybody of another crowd.
func (c *crowd) join(o crowd) {
	if more := len(o) - len(*c); more > 0 {
		*c = append(*c, make(crowd, more)...)
	}
	for i := range o {
		(*c)[i] |= o[i]
	}
}

func (c crowd) count() (n int) {
	for _, word := range c {
		n += bits.OnesCount64(word)
	}
	return n
}

// lineup is the order in which an alert leaves on one channel: the most exposed
// first, by number among equals, whatever their language.
//
// People with one message stand together in spans, and spans must stay few: so
// the order is cut into tiers of a job's length, later on of a sixty-fourth of
// all before, and within a tier one message follows on the other. Nobody stands
// further from the right place than a tier.
type lineup struct {
	people []uint32
	spans  []Span // Message is as given to add; no channel
	crowd  crowd
	tier   [][]uint32 // of the tier that is being filled, by message
	size   int
}

// tierShare is how long a tier may be: such a part of what stands before it.
const tierShare = 64

// choose adds everybody of the groups.
func (l *lineup) choose(groups []Group, message func(language string) int) {
	groups = slices.Clone(groups)
	slices.SortFunc(groups, func(a, b Group) int { return a.Exposure.Compare(b.Exposure) })
	for len(groups) > 0 {
		same := 1
		for same < len(groups) && groups[same].Exposure == groups[0].Exposure {
			same++
		}
		l.merge(groups[:same], message)
		groups = groups[same:]
	}
}

// merge adds equals, by number.
func (l *lineup) merge(groups []Group, message func(language string) int) {
	type queue struct {
		message int
		people  []uint32
	}
	queues := make([]queue, len(groups))
	for i, g := range groups {
		queues[i] = queue{message(g.Language), g.People}
	}
	for len(queues) > 1 {
		next := -1
		for i := range queues {
			if len(queues[i].people) > 0 && (next < 0 || queues[i].people[0] < queues[next].people[0]) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		q := &queues[next]
		l.add(q.message, q.people[0])
		if q.people = q.people[1:]; len(q.people) == 0 {
			queues = slices.Delete(queues, next, next+1)
		}
	}
	for _, n := range queues[0].people {
		l.add(queues[0].message, n)
	}
}

// follow adds those of the groups who are not there yet, in their order.
func (l *lineup) follow(groups []Group, message func(language string) int) {
	for _, g := range groups {
		m := message(g.Language)
		for _, n := range g.People {
			l.add(m, n)
		}
	}
}

// add puts one at the end, unless it is there already.
func (l *lineup) add(message int, number uint32) {
	if !l.crowd.add(number) {
		return
	}
	for message >= len(l.tier) {
		l.tier = append(l.tier, nil)
	}
	l.tier[message] = append(l.tier[message], number)
	if l.size++; l.size >= max(chunkSize, len(l.people)/tierShare) {
		l.close()
	}
}

// close ends a tier.
func (l *lineup) close() {
	for message, numbers := range l.tier {
		if len(numbers) == 0 {
			continue
		}
		from := uint32(len(l.people))
		l.people = append(l.people, numbers...)
		to := uint32(len(l.people))
		if last := len(l.spans) - 1; last >= 0 && l.spans[last].Message == message {
			l.spans[last].To = to
		} else {
			l.spans = append(l.spans, Span{Message: message, From: from, To: to})
		}
		l.tier[message] = numbers[:0]
	}
	l.size = 0
}

// done gives the spans with their people.
func (l *lineup) done() []Span {
	l.close()
	for i := range l.spans {
		l.spans[i].People = l.people[l.spans[i].From:l.spans[i].To:l.spans[i].To]
	}
	return l.spans
}
