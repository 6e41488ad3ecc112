package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// enterBatch is how many subscribers one script stores: few milliseconds in
// which Redis does nothing else, and one write to the disk for all of them.
const enterBatch = 200

// change is one person to be stored.
type change struct {
	number uint32
	before read
	next   *broadcast.Member
}

// Add implements [broadcast.People].
func (p *People) Add(ctx context.Context, s broadcast.Subscriber) (number uint32, fresh bool, err error) {
	done, err := p.Enter(ctx, []broadcast.Listing{{Subscriber: s}}, false)
	if err != nil {
		return 0, false, err
	}
	if done[0].Outcome == broadcast.EntryConflict {
		return 0, false, fmt.Errorf("add a person: the contacts belong to several people: %w", alerts.ErrConflict)
	}
	return done[0].Number, done[0].Outcome == broadcast.EntryAdded, nil
}

// Enter implements [broadcast.Roll].
func (p *People) Enter(ctx context.Context, entries []broadcast.Listing, dry bool) ([]broadcast.Entered, error) {
	for i := range entries {
		if len(entries[i].Subscriber.Contacts) == 0 {
			return nil, errors.New("add a person: there is no contact")
		}
	}
	out := make([]broadcast.Entered, len(entries))
	for first := 0; first < len(entries); first += enterBatch {
		last := min(first+enterBatch, len(entries))
		if err := p.enter(ctx, entries[first:last], out[first:last], dry); err != nil {
			return nil, fail("add people", err)
		}
	}
	return out, nil
}

// enter stores one batch. Numbers must be known before sealing, since they are
// bound to the text; whoever adds or changes the same person meanwhile makes it
// begin anew for that one.
func (p *People) enter(ctx context.Context, entries []broadcast.Listing, out []broadcast.Entered, dry bool) error {
	left := make([]int, len(entries))
	for i := range left {
		left[i] = i
	}
	for range tries {
		changes, of, err := p.compare(ctx, entries, left, out)
		if err != nil || dry || len(changes) == 0 {
			return err
		}
		if err := p.number(ctx, changes); err != nil {
			return err
		}
		verdicts, err := p.write(ctx, changes, nil)
		if err != nil {
			return err
		}
		var again []int
		for i, v := range verdicts {
			if v != 0 {
				again = append(again, of[i])
				continue
			}
			out[of[i]].Number = changes[i].number
		}
		left = again
		if len(left) == 0 {
			return nil
		}
	}
	for _, i := range left {
		out[i] = broadcast.Entered{Outcome: broadcast.EntryConflict}
	}
	return nil
}

// compare reads who has the contacts of entries[left] and says what becomes of
// each; the changes are those that must be stored, each of the entry of[i].
func (p *People) compare(ctx context.Context, entries []broadcast.Listing, left []int, out []broadcast.Entered) (changes []change, of []int, err error) {
	owners, err := p.owners(ctx, entries, left)
	if err != nil {
		return nil, nil, err
	}
	var numbers []uint32
	for _, o := range owners {
		numbers = append(numbers, o...)
	}
	found, err := p.read(ctx, numbers)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	for n, i := range left {
		var before read
		people := 0
		for range owners[n] {
			f := found[0]
			found = found[1:]
			if f.err != nil {
				return nil, nil, f.err
			}
			if f.member == nil || before.member != nil && before.member.Number == f.member.Number {
				continue
			}
			before, people = f, people+1
		}
		next := entries[i].Merge(before.member, now)
		switch {
		case people > 1:
			out[i] = broadcast.Entered{Outcome: broadcast.EntryConflict}
			continue
		case people == 0:
			out[i] = broadcast.Entered{Outcome: broadcast.EntryAdded}
		case same(before.member, next):
			out[i] = broadcast.Entered{Number: next.Number, Outcome: broadcast.EntryUnchanged}
			continue
		default:
			out[i] = broadcast.Entered{Number: next.Number, Outcome: broadcast.EntryChanged}
		}
		changes, of = append(changes, change{number: next.Number, before: before, next: next}), append(of, i)
	}
	return changes, of, nil
}

// owners gives, for each of entries[left], the numbers that its contacts lead to.
func (p *People) owners(ctx context.Context, entries []broadcast.Listing, left []int) ([][]uint32, error) {
	var keys []string
	for _, i := range left {
		keys = append(keys, p.indexKeys(&broadcast.Member{Subscriber: entries[i].Subscriber})...)
	}
	var values []any
	err := again(ctx, func(ctx context.Context) (err error) {
		values, err = p.r.commands.MGet(ctx, keys...).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	owners := make([][]uint32, len(left))
	for n, i := range left {
		for range entries[i].Subscriber.Contacts {
			if text, ok := values[0].(string); ok {
				number, err := strconv.ParseUint(text, 10, 32)
				if err != nil {
					return nil, fmt.Errorf("the index of a contact is damaged: %w", err)
				}
				owners[n] = append(owners[n], uint32(number))
			}
			values = values[1:]
		}
	}
	return owners, nil
}

// number gives those who are new a number that nobody ever had.
func (p *People) number(ctx context.Context, changes []change) error {
	fresh := int64(0)
	for i := range changes {
		if changes[i].number == 0 {
			fresh++
		}
	}
	if fresh == 0 {
		return nil
	}
	var last int64
	err := again(ctx, func(ctx context.Context) (err error) { // a lost answer wastes numbers, no more
		last, err = p.r.commands.IncrBy(ctx, p.r.keys.peopleSeq(), fresh).Result()
		return err
	})
	if err != nil {
		return err
	}
	number := last - fresh
	for i := range changes {
		if changes[i].number == 0 {
			number++
			changes[i].number = uint32(number)
		}
	}
	return nil
}

// write stores changes and gives a verdict for each: see scripts/person.lua.
func (p *People) write(ctx context.Context, changes []change, act []byte) ([]int64, error) {
	k := p.r.keys
	keys := []string{k.people(), k.peopleChanges(), k.acts(), k.actSeq(), k.actsOf("people")}
	args := []any{len(changes), act}
	for _, c := range changes {
		text, err := json.Marshal(c.next)
		if err == nil {
			text, err = withUnknown(c.before.text, text)
		}
		if err != nil {
			return nil, fmt.Errorf("person %d cannot be stored", c.number) // the error might quote it
		}
		fresh := p.indexKeys(c.next)
		old := p.indexKeys(c.before.member)
		keys = append(append(keys, fresh...), old...)
		args = append(args, c.number, c.before.mark, p.r.vault.close(text, purpose(c.number)), len(fresh), len(old))
	}
	return p.r.repeat(ctx, p.r.scripts.person, keys, args...).Int64Slice()
}

// Change implements [broadcast.Roll].
func (p *People) Change(ctx context.Context, number uint32, act *alerts.Act, edit func(*broadcast.Member) (bool, error)) error {
	op := "change person " + strconv.FormatUint(uint64(number), 10)
	var note []byte
	if act != nil {
		var err error
		if note, err = json.Marshal(act); err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	for range tries {
		found, err := p.read(ctx, []uint32{number})
		switch {
		case err != nil:
			return fail(op, err)
		case found[0].err != nil:
			return found[0].err
		case found[0].member == nil:
			return fmt.Errorf("%s: %w", op, alerts.ErrNotFound)
		}
		// A second opening: edit may write into maps of the first.
		next, err := found[0].member.Clone()
		if err != nil {
			return fmt.Errorf("%s: %w", op, errUnreadable)
		}
		changed, err := edit(next)
		if err != nil || !changed {
			return err
		}
		if len(next.Contacts) == 0 {
			return fmt.Errorf("%s: there is no contact", op)
		}
		next.Number, next.V = number, broadcast.SubscriberVersion
		verdicts, err := p.write(ctx, []change{{number, found[0], next}}, note)
		switch {
		case err != nil:
			return fail(op, err)
		case verdicts[0] == 0:
			return nil
		case verdicts[0] > 0:
			return fmt.Errorf("%s: a contact belongs to person %d: %w", op, verdicts[0], alerts.ErrConflict)
		}
	}
	return fmt.Errorf("%s: %w", op, alerts.ErrStale)
}
