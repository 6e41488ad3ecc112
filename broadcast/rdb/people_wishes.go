package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/broadcast"
)

// wishes is what this node knows of everybody but who they are: by number, what
// the person wants and at which kinds of contact it may be written to, without
// the address. Opening 100,000 sealed subscribers takes about a second; asking
// the wishes takes milliseconds. People with equal wishes share one entry, so
// the memory is 4 bytes for each number and about 500 bytes for each entry that
// differs; nothing of it is written anywhere.
//
// It follows the stream of changes, which holds numbers only. Where that was
// cut or begun anew since the last look, everybody is read again.
type wishes struct {
	sync.Mutex
	at    string   // the last change that it knows, "" before the first reading
	of    []uint32 // by number: entry + 1, 0 for nobody
	all   []wish
	free  []uint32 // entries that nobody has any more
	index map[string]uint32
}

// wish is what some people have in common.
type wish struct {
	key    string
	who    broadcast.Subscriber // the contacts that are not stopped, without addresses
	people int
}

// somewhere stands for an address that is not remembered.
const somewhere = "*"

// set remembers what a person wants; nil: there is nobody.
func (w *wishes) set(number uint32, m *broadcast.Member) error {
	for int(number) >= len(w.of) {
		w.of = append(w.of, make([]uint32, max(1024, len(w.of)/8))...)
	}
	entry := uint32(0)
	if m != nil {
		one := wish{who: m.Open()}
		one.who.Volunteer = nil // no two are alike, and no alert asks for it
		for kind := range one.who.Contacts {
			one.who.Contacts[kind] = somewhere
		}
		key, err := json.Marshal(one.who)
		if err != nil {
			return err
		}
		one.key = string(key)
		entry = w.enter(one)
	}
	if old := w.of[number]; old != 0 {
		w.leave(old - 1)
	}
	w.of[number] = entry
	return nil
}

// enter gives the entry + 1 of a wish and counts one more who has it.
func (w *wishes) enter(one wish) uint32 {
	at, known := w.index[one.key]
	switch {
	case known:
	case len(w.free) > 0:
		at = w.free[len(w.free)-1]
		w.free = w.free[:len(w.free)-1]
		w.all[at] = one
	default:
		at = uint32(len(w.all))
		w.all = append(w.all, one)
	}
	w.index[one.key] = at
	w.all[at].people++
	return at + 1
}

func (w *wishes) leave(at uint32) {
	if w.all[at].people--; w.all[at].people == 0 {
		delete(w.index, w.all[at].key)
		w.all[at] = wish{}
		w.free = append(w.free, at)
	}
}

// choose groups those whom the alert concerns and who may be written to at this
// kind of contact, by language and exposure.
func (w *wishes) choose(kind string, sel broadcast.Selection, now time.Time) []broadcast.Group {
	type alike struct {
		language string
		exposure broadcast.Exposure
	}
	var groups []broadcast.Group
	index := map[alike]int{}
	chosen := make([]int, len(w.all)+1) // by entry + 1: which group, from 1 on
	for i := range w.all {
		one := &w.all[i]
		if one.who.Contacts[kind] == "" {
			continue
		}
		concerned := false
		for range one.people { // once for each: the selection counts whom it judges
			concerned = sel.Concerns(one.who, now)
		}
		if !concerned {
			continue
		}
		key := alike{one.who.Language, sel.Exposure(one.who)}
		at, known := index[key]
		if !known {
			groups = append(groups, broadcast.Group{Language: key.language, Exposure: key.exposure})
			at = len(groups)
			index[key] = at
		}
		chosen[i+1] = at
	}
	for number, entry := range w.of {
		if at := chosen[entry]; at != 0 {
			groups[at-1].People = append(groups[at-1].People, uint32(number))
		}
	}
	return groups
}

// Select implements [broadcast.People]. The first call after a start opens
// everybody, about a second for 100,000; later ones open who changed.
func (p *People) Select(ctx context.Context, kind string, sel broadcast.Selection) ([]broadcast.Group, error) {
	w := &p.r.wishes
	w.Lock()
	defer w.Unlock()
	if err := p.catchUp(ctx, w); err != nil {
		return nil, fail("select people", err)
	}
	return w.choose(kind, sel, time.Now()), nil
}

// Unconfirmed implements [broadcast.Roll].
func (p *People) Unconfirmed(ctx context.Context) (numbers []uint32, err error) {
	w := &p.r.wishes
	w.Lock()
	defer w.Unlock()
	if err := p.catchUp(ctx, w); err != nil {
		return nil, fail("read the people's wishes", err)
	}
	for number, entry := range w.of {
		if entry != 0 && w.all[entry-1].who.Consent == broadcast.ConsentAsked {
			numbers = append(numbers, uint32(number))
		}
	}
	return numbers, nil
}

// Warm reads everybody's wishes before somebody asks.
func (p *People) Warm(ctx context.Context) error {
	w := &p.r.wishes
	w.Lock()
	defer w.Unlock()
	return fail("read the people's wishes", p.catchUp(ctx, w))
}

// catchUp reads who changed since the last look. In one round trip where nobody did.
func (p *People) catchUp(ctx context.Context, w *wishes) error {
	numbers, last, err := p.changesSince(ctx, w.at)
	if err != nil {
		return err
	}
	if last == "" {
		return p.readWishes(ctx, w)
	}
	for some := range slices.Chunk(numbers, peoplePage) {
		if err := p.learn(ctx, w, some); err != nil {
			return err
		}
	}
	w.at = last
	return nil
}

// changesSince gives who changed after the place at of the stream, and the place
// to go on from: "" where at is none, or the stream was cut or begun anew.
func (p *People) changesSince(ctx context.Context, at string) (numbers []uint32, last string, err error) {
	const page = 1000
	for at != "" {
		var entries []redis.XMessage
		err := again(ctx, func(ctx context.Context) (err error) {
			entries, err = p.r.commands.XRangeN(ctx, p.r.keys.peopleChanges(), at, "+", page).Result()
			return err
		})
		if err != nil {
			return nil, "", err
		}
		if len(entries) == 0 || entries[0].ID != at {
			return nil, "", nil
		}
		some, err := changed(entries[1:])
		if err != nil {
			return nil, "", err
		}
		numbers, at = append(numbers, some...), entries[len(entries)-1].ID
		if len(entries) < page {
			slices.Sort(numbers)
			return slices.Compact(numbers), at, nil
		}
	}
	return nil, "", nil
}

// changed are the numbers that the entries name, each once.
func changed(entries []redis.XMessage) (numbers []uint32, err error) {
	seen := map[uint32]bool{}
	for _, e := range entries {
		text, _ := e.Values["n"].(string)
		for word := range strings.FieldsSeq(text) {
			n, err := strconv.ParseUint(word, 10, 32)
			if err != nil {
				return nil, errors.New("a change of people names no number")
			}
			if number := uint32(n); !seen[number] {
				seen[number] = true
				numbers = append(numbers, number)
			}
		}
	}
	return numbers, nil
}

func (p *People) learn(ctx context.Context, w *wishes, numbers []uint32) error {
	found, err := p.read(ctx, numbers)
	if err != nil {
		return err
	}
	return p.remember(w, numbers, found)
}

func (p *People) remember(w *wishes, numbers []uint32, found []read) error {
	for i, f := range found {
		if f.err != nil {
			p.unreadable(f.err)
		}
		if err := w.set(numbers[i], f.member); err != nil {
			return err
		}
	}
	return nil
}

// readWishes reads everybody. What changes meanwhile is read again by the next
// look, since the place in the changes is taken before.
func (p *People) readWishes(ctx context.Context, w *wishes) error {
	at, err := p.lastChange(ctx)
	if err != nil {
		return err
	}
	w.at, w.of, w.all, w.free, w.index = "", nil, nil, nil, map[string]uint32{}
	var failed error
	err = p.pages(ctx, func(numbers []uint32, found []read) bool {
		failed = p.remember(w, numbers, found)
		return failed == nil
	})
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	w.at = at
	return nil
}

// lastChange is the newest change; where there was none yet, one that names
// nobody is made, so that there is a place to go on from.
func (p *People) lastChange(ctx context.Context) (at string, err error) {
	err = again(ctx, func(ctx context.Context) error {
		last, err := p.r.commands.XRevRangeN(ctx, p.r.keys.peopleChanges(), "+", "-", 1).Result()
		if err != nil {
			return err
		}
		if len(last) > 0 {
			at = last[0].ID
			return nil
		}
		at, err = p.r.commands.XAdd(ctx, &redis.XAddArgs{Stream: p.r.keys.peopleChanges(), Values: []any{"n", ""}}).Result()
		return err
	})
	return at, err
}
