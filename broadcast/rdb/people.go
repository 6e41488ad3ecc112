package rdb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
)

// People keeps subscribers, sealed: Redis and its files hold only ciphertext
// and keyed indexes of contacts.
type People struct{ r *Redis }

var _ broadcast.Roll = (*People)(nil)

// People gives the store of subscribers.
func (r *Redis) People() *People { return &People{r} }

// peoplePage is how many subscribers are read and opened at once.
const peoplePage = 1000

// errUnreadable is the error of a subscriber that does not open.
var errUnreadable = errors.New("cannot be read")

// read is a member as it was read.
type read struct {
	member *broadcast.Member // nil: nobody
	mark   []byte            // the beginning of the sealed value, which no other one has
	text   []byte            // as it was sealed
	err    error             // it is there and does not open
}

func (p *People) contact(kind, address string) string {
	return p.r.keys.contact(p.r.vault.find(kind, address))
}

// indexKeys gives the index keys of a person's contacts.
func (p *People) indexKeys(m *broadcast.Member) (keys []string) {
	if m == nil {
		return nil
	}
	for _, kind := range m.Kinds() {
		keys = append(keys, p.contact(kind, m.Contacts[kind]))
	}
	return keys
}

func purpose(number uint32) string { return "person " + strconv.FormatUint(uint64(number), 10) }

// read opens subscribers in one round trip.
func (p *People) read(ctx context.Context, numbers []uint32) ([]read, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	fields := make([]string, len(numbers))
	for i, n := range numbers {
		fields[i] = strconv.FormatUint(uint64(n), 10)
	}
	var boxes []any
	err := again(ctx, func(ctx context.Context) (err error) {
		boxes, err = p.r.commands.HMGet(ctx, p.r.keys.people(), fields...).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	found := make([]read, len(numbers))
	for i, box := range boxes {
		if text, ok := box.(string); ok {
			found[i] = p.r.vault.member(numbers[i], []byte(text))
		}
	}
	return found, nil
}

// member opens a sealed subscriber.
func (v *vault) member(number uint32, box []byte) read {
	out := read{mark: v.beginning(box)}
	text, err := v.open(box, purpose(number))
	if err != nil {
		out.err = fmt.Errorf("person %d: %w", number, err)
		return out
	}
	m := new(broadcast.Member)
	if err := json.Unmarshal(text, m); err != nil {
		out.err = fmt.Errorf("person %d %w", number, errUnreadable) // the error of json would quote it
		return out
	}
	m.Number = number
	out.member, out.text = m, text
	return out
}

// unreadable tells the log and the counter of someone who is left out because
// the sealed entry does not open: the others must not wait for it.
func (p *People) unreadable(err error) {
	p.r.unread.Add(1)
	p.r.log.Error("a subscriber is left out", zap.Error(err))
}

// Count gives how many people are stored.
func (p *People) Count(ctx context.Context) (int, error) {
	n, err := p.r.commands.HLen(ctx, p.r.keys.people()).Result()
	return int(n), fail("count people", err)
}

// pages reads everybody by number, page by page, until do gives false.
func (p *People) pages(ctx context.Context, do func(numbers []uint32, found []read) bool) error {
	var last uint64
	err := again(ctx, func(ctx context.Context) (err error) {
		last, err = p.r.commands.Get(ctx, p.r.keys.peopleSeq()).Uint64()
		return err
	})
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		return err
	}
	for first := uint64(1); first <= last; first += peoplePage {
		numbers := make([]uint32, 0, peoplePage)
		for n := first; n <= min(last, first+peoplePage-1); n++ {
			numbers = append(numbers, uint32(n))
		}
		found, err := p.read(ctx, numbers)
		if err != nil {
			return err
		}
		if !do(numbers, found) {
			return nil
		}
	}
	return nil
}

// All implements [broadcast.Roll].
func (p *People) All(ctx context.Context) iter.Seq2[broadcast.Member, error] {
	return func(yield func(broadcast.Member, error) bool) {
		stopped := false
		err := p.pages(ctx, func(numbers []uint32, found []read) bool {
			for i, f := range found {
				switch {
				case f.err != nil:
					stopped = !yield(broadcast.Member{Number: numbers[i]}, f.err)
				case f.member != nil:
					stopped = !yield(*f.member, nil)
				}
				if stopped {
					return false
				}
			}
			return true
		})
		if err != nil && !stopped {
			yield(broadcast.Member{}, fail("list people", err))
		}
	}
}

// Member implements [broadcast.Roll].
func (p *People) Member(ctx context.Context, number uint32) (*broadcast.Member, error) {
	op := "read person " + strconv.FormatUint(uint64(number), 10)
	found, err := p.read(ctx, []uint32{number})
	switch {
	case err != nil:
		return nil, fail(op, err)
	case found[0].err != nil:
		return nil, found[0].err
	case found[0].member == nil:
		return nil, fmt.Errorf("%s: %w", op, alerts.ErrNotFound)
	}
	return found[0].member, nil
}

// Members gives several people at once, in the order of numbers; nil for who is
// not there, and for who cannot be read, which is logged. It blocks until the
// store answered.
func (p *People) Members(ctx context.Context, numbers []uint32) ([]*broadcast.Member, error) {
	out := make([]*broadcast.Member, 0, len(numbers))
	for some := range slices.Chunk(numbers, peoplePage) {
		found, err := p.read(ctx, some)
		if err != nil {
			return nil, fail("read people", err)
		}
		for _, f := range found {
			if f.err != nil {
				p.unreadable(f.err)
			}
			out = append(out, f.member)
		}
	}
	return out, nil
}

// Contacts implements [broadcast.People].
func (p *People) Contacts(ctx context.Context, kind string, numbers []uint32) ([]string, error) {
	found, err := p.read(ctx, numbers)
	if err != nil {
		return nil, fail("contacts", err)
	}
	out := make([]string, len(found))
	for i, f := range found {
		switch {
		case f.err != nil:
			p.unreadable(f.err)
		case f.member != nil:
			out[i] = f.member.Reachable(kind)
		}
	}
	return out, nil
}

// Lookup implements [broadcast.People].
func (p *People) Lookup(ctx context.Context, kind, address string) (number uint32, err error) {
	err = again(ctx, func(ctx context.Context) error {
		n, err := p.r.commands.Get(ctx, p.contact(kind, address)).Uint64()
		number = uint32(n)
		return err
	})
	if errors.Is(err, redis.Nil) {
		return 0, fmt.Errorf("look a person up: %w", alerts.ErrNotFound)
	}
	return number, fail("look a person up", err)
}

// Erase implements [broadcast.People]. The append-only file still holds the
// ciphertext until Redis rewrites it, which is asked for at once, or within
// about a minute where it was just asked for: see [Redis.askRewrite].
func (p *People) Erase(ctx context.Context, number uint32) error {
	n, err := p.EraseAll(ctx, []uint32{number}, nil, nil)
	if err == nil && n == 0 {
		err = fmt.Errorf("erase person %d: %w", number, alerts.ErrNotFound)
	}
	return err
}

// EraseAll implements [broadcast.Roll].
func (p *People) EraseAll(ctx context.Context, numbers []uint32, act *alerts.Act, only func(*broadcast.Member) bool) (erased int, err error) {
	for _, number := range numbers {
		note, err := actAbout(act, number)
		if err != nil {
			return erased, err
		}
		there, err := p.erase(ctx, number, note, true, only)
		if err != nil {
			return erased, fail("erase person "+strconv.FormatUint(uint64(number), 10), err)
		}
		if there {
			erased++
		}
	}
	if erased > 0 {
		_ = p.r.askRewrite(ctx) // it is written down, and Run asks again
	}
	return erased, nil
}

// actAbout is an act about a person as it is stored; nil for none.
func actAbout(act *alerts.Act, number uint32) ([]byte, error) {
	if act == nil {
		return nil, nil
	}
	about := *act
	about.Of = broadcast.PersonID(number)
	note, err := json.Marshal(about)
	if err != nil {
		return nil, fmt.Errorf("act: %w", err)
	}
	return note, nil
}

// Note implements [broadcast.Roll].
func (p *People) Note(ctx context.Context, act alerts.Act) error {
	const op = "note an act on people"
	text, err := actText(&act)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	k := p.r.keys
	return fail(op, p.r.repeat(ctx, p.r.scripts.notepeople, []string{k.acts(), k.actSeq(), k.actsOf("people"), k.peopleNote(nonce())}, text, time.Minute.Milliseconds()).Err())
}

// tries is how often a change is begun anew because somebody else changed the
// same person meanwhile.
const tries = 20

func (p *People) erase(ctx context.Context, number uint32, act []byte, rewrite bool, only func(*broadcast.Member) bool) (there bool, err error) {
	now := time.Now().UnixMilli()
	for range tries {
		found, err := p.read(ctx, []uint32{number})
		if err != nil {
			return false, err
		}
		if found[0].member == nil && (found[0].err == nil || only != nil) {
			return false, nil
		}
		if only != nil && !only(found[0].member) {
			return false, nil
		}
		// Who does not open has no index that could be found; the entry goes all the same.
		k := p.r.keys
		keys := append([]string{k.people(), k.tombstones(), k.peopleChanges(), k.acts(), k.actSeq(), k.actsOf("people"), k.callsForget(), k.callsNamed(), k.rewrite()}, p.indexKeys(found[0].member)...)
		got, err := p.r.repeat(ctx, p.r.scripts.erase, keys, number, now, found[0].mark, act, flag(rewrite)).Int()
		if err == nil && got == 2 {
			if err := p.r.Callouts().Forget(ctx, number); err != nil { // Run does it later
				p.r.log.Warn("calls still name somebody who was erased", zap.Error(err))
			}
		}
		if err != nil || got >= 0 {
			return got > 0, err
		}
	}
	return false, alerts.ErrStale
}

// MAC implements [broadcast.Roll].
func (p *People) MAC(text []byte) []byte { return p.r.vault.mac(text) }

// same reports whether two members are stored alike.
func same(a, b *broadcast.Member) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
