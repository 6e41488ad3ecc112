package rdb

import (
	"context"
	"maps"
	"slices"
	"sync"

	"martinella/broadcast"
)

// volunteerRoll is what this node remembers of volunteers, from the first time
// that somebody asks: everything but the addresses, about 2 KB each. It follows
// the stream of changes like wishes.
type volunteerRoll struct {
	sync.Mutex
	at  string // the last change that it knows, "" before the first reading
	of  map[uint32]*broadcast.Member
	all []*broadcast.Member // by number; nil: to be made
}

// Volunteers implements [broadcast.Roll].
func (p *People) Volunteers(ctx context.Context) ([]*broadcast.Member, error) {
	v := &p.r.volunteers
	v.Lock()
	defer v.Unlock()
	if err := p.refreshVolunteers(ctx, v); err != nil {
		return nil, fail("read the volunteers", err)
	}
	if v.all == nil {
		v.all = make([]*broadcast.Member, 0, len(v.of))
		for _, number := range slices.Sorted(maps.Keys(v.of)) {
			v.all = append(v.all, v.of[number])
		}
	}
	return slices.Clone(v.all), nil
}

func (p *People) refreshVolunteers(ctx context.Context, v *volunteerRoll) error {
	numbers, last, err := p.changesSince(ctx, v.at)
	if err != nil {
		return err
	}
	if last == "" {
		// The place is taken first: who changes meanwhile is read again by the
		// next look.
		if last, err = p.lastChange(ctx); err != nil {
			return err
		}
		if numbers, err = p.ofAudience(ctx, broadcast.AudienceVolunteers); err != nil {
			return err
		}
		v.at, v.of, v.all = "", map[uint32]*broadcast.Member{}, nil
	}
	for some := range slices.Chunk(numbers, peoplePage) {
		found, err := p.read(ctx, some)
		if err != nil {
			return err
		}
		for i, f := range found {
			if f.err != nil {
				p.unreadable(f.err)
			}
			v.set(some[i], f.member)
		}
	}
	v.at = last
	return nil
}

// set remembers a person; nil, and who is no volunteer, is forgotten.
func (v *volunteerRoll) set(number uint32, m *broadcast.Member) {
	if _, known := v.of[number]; known {
		delete(v.of, number)
		v.all = nil
	}
	if m == nil || m.Audience != broadcast.AudienceVolunteers {
		return
	}
	for kind := range m.Contacts {
		m.Contacts[kind] = somewhere
	}
	v.of[number], v.all = m, nil
}

// ofAudience are the numbers of everybody of an audience.
func (p *People) ofAudience(ctx context.Context, audience string) (numbers []uint32, err error) {
	w := &p.r.wishes
	w.Lock()
	defer w.Unlock()
	if err := p.catchUp(ctx, w); err != nil {
		return nil, err
	}
	for number, entry := range w.of {
		if entry != 0 && w.all[entry-1].who.Audience == audience {
			numbers = append(numbers, uint32(number))
		}
	}
	return numbers, nil
}
