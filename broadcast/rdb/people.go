package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast"
)

// People keeps subscribers, sealed: Redis and its files hold only ciphertext
// and keyed indexes of contacts.
type People struct{ r *Redis }

var _ broadcast.People = (*People)(nil)

// People gives the store of subscribers.
func (r *Redis) People() *People { return &People{r} }

// peoplePage is how many subscribers are read and opened at once.
const peoplePage = 1000

// subscriberVersion is the stored format of broadcast.Subscriber.
const subscriberVersion = 1

// Add implements [broadcast.People].
func (p *People) Add(ctx context.Context, s broadcast.Subscriber) (number uint32, fresh bool, err error) {
	if len(s.Contacts) == 0 {
		return 0, false, errors.New("add a person: there is no contact")
	}
	s.V = subscriberVersion
	text, err := json.Marshal(s)
	if err != nil {
		return 0, false, fmt.Errorf("add a person: %w", err)
	}
	var new []string
	for kind, address := range s.Contacts {
		new = append(new, p.contact(kind, address))
	}
	// The number must be known before sealing: it is bound to the text. Whoever
	// adds the same contact meanwhile decides the number, and it is done again.
	for range 10 {
		number, err = p.owner(ctx, s.Contacts)
		if err != nil {
			return 0, false, fail("add a person", err)
		}
		var old []string
		if fresh = number == 0; fresh {
			err = again(ctx, func(ctx context.Context) error {
				n, err := p.r.commands.Incr(ctx, p.r.keys.peopleSeq()).Uint64()
				number = uint32(n)
				return err
			})
		} else {
			old, err = p.contactsOf(ctx, number)
		}
		if err != nil {
			return 0, false, fail("add a person", err)
		}
		keys := append(append([]string{p.r.keys.people()}, new...), old...)
		taken, err := p.r.repeat(ctx, p.r.scripts.person, keys, number, p.r.vault.close(text, purpose(number)), len(new)).Int()
		if err != nil {
			return 0, false, fail("add a person", err)
		}
		if taken == 0 {
			return number, fresh, nil
		}
	}
	return 0, false, fmt.Errorf("add a person: the contacts belong to several people: %w", alerts.ErrConflict)
}

func (p *People) contact(kind, address string) string {
	return p.r.keys.contact(p.r.vault.find(kind, address))
}

func purpose(number uint32) string { return "person " + strconv.FormatUint(uint64(number), 10) }

// owner gives the number of whoever has one of the contacts, 0 for nobody.
func (p *People) owner(ctx context.Context, contacts map[string]string) (uint32, error) {
	for kind, address := range contacts {
		n, err := p.Lookup(ctx, kind, address)
		if err == nil {
			return n, nil
		}
		if !errors.Is(err, alerts.ErrNotFound) {
			return 0, err
		}
	}
	return 0, nil
}

// contactsOf gives the index keys of a person's contacts.
func (p *People) contactsOf(ctx context.Context, number uint32) (keys []string, err error) {
	found, err := p.read(ctx, []uint32{number})
	if err != nil || found[0] == nil {
		return nil, err
	}
	for kind, address := range found[0].Contacts {
		keys = append(keys, p.contact(kind, address))
	}
	return keys, nil
}

// read opens subscribers; nil for who is not there.
func (p *People) read(ctx context.Context, numbers []uint32) ([]*broadcast.Subscriber, error) {
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
	people := make([]*broadcast.Subscriber, len(numbers))
	for i, box := range boxes {
		sealed, ok := box.(string)
		if !ok {
			continue
		}
		text, err := p.r.vault.open([]byte(sealed), purpose(numbers[i]))
		if err != nil {
			return nil, fmt.Errorf("person %d: %w", numbers[i], err)
		}
		s := new(broadcast.Subscriber)
		if err := json.Unmarshal(text, s); err != nil {
			return nil, fmt.Errorf("person %d cannot be read", numbers[i]) // the error would quote it
		}
		people[i] = s
	}
	return people, nil
}

// Select implements [broadcast.People].
func (p *People) Select(ctx context.Context, kind string, sel broadcast.Selection) (map[string][]uint32, error) {
	now := time.Now()
	out := map[string][]uint32{}
	err := p.each(ctx, func(number uint32, s *broadcast.Subscriber) {
		if s.Contacts[kind] != "" && sel.Concerns(*s, now) {
			out[s.Language] = append(out[s.Language], number)
		}
	})
	return out, fail("select people", err)
}

// Count gives how many people are stored.
func (p *People) Count(ctx context.Context) (int, error) {
	n, err := p.r.commands.HLen(ctx, p.r.keys.people()).Result()
	return int(n), fail("count people", err)
}

// each calls do for everybody, by number.
func (p *People) each(ctx context.Context, do func(uint32, *broadcast.Subscriber)) error {
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
		people, err := p.read(ctx, numbers)
		if err != nil {
			return err
		}
		for i, s := range people {
			if s != nil {
				do(numbers[i], s)
			}
		}
	}
	return nil
}

// Contacts implements [broadcast.People].
func (p *People) Contacts(ctx context.Context, kind string, numbers []uint32) ([]string, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	people, err := p.read(ctx, numbers)
	if err != nil {
		return nil, fail("contacts", err)
	}
	out := make([]string, len(numbers))
	for i, s := range people {
		if s != nil {
			out[i] = s.Contacts[kind]
		}
	}
	return out, nil
}

// Erase implements [broadcast.People]. The append-only file still holds the
// ciphertext until Redis rewrites it, which is asked for at once.
func (p *People) Erase(ctx context.Context, number uint32) error {
	op := "erase person " + strconv.FormatUint(uint64(number), 10)
	contacts, err := p.contactsOf(ctx, number)
	if err != nil {
		return fail(op, err)
	}
	keys := append([]string{p.r.keys.people(), p.r.keys.tombstones()}, contacts...)
	there, err := p.r.repeat(ctx, p.r.scripts.erase, keys, number, time.Now().UnixMilli()).Int()
	if err != nil {
		return fail(op, err)
	}
	if there == 0 {
		return fmt.Errorf("%s: %w", op, alerts.ErrNotFound)
	}
	_ = p.r.commands.BgRewriteAOF(ctx).Err() // not everywhere allowed, and one may be running
	return nil
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
