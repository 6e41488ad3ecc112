package rdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast"
)

// Staff keeps what the members of staff sign in with.
type Staff struct{ r *Redis }

var _ broadcast.Staff = (*Staff)(nil)

// Staff gives the store of the members of staff.
func (r *Redis) Staff() *Staff { return &Staff{r} }

// Member implements [broadcast.Staff].
func (s *Staff) Member(ctx context.Context, id string) ([]byte, int64, error) {
	k := s.r.keys
	var box, kept string
	err := again(ctx, func(ctx context.Context) error {
		pipe := s.r.commands.TxPipeline()
		doc, revision := pipe.HGet(ctx, k.staff(), id), pipe.HGet(ctx, k.staffRevisions(), id)
		_, err := pipe.Exec(ctx)
		box, kept = doc.Val(), revision.Val()
		return err
	})
	if errors.Is(err, redis.Nil) {
		err = alerts.ErrNotFound
	}
	if err != nil {
		return nil, 0, fail("member of staff", err)
	}
	doc, err := s.open([]byte(box), "staff "+id)
	if err != nil {
		return nil, 0, err
	}
	var revision int64
	if _, err := fmt.Sscanf(kept, "%d ", &revision); err != nil {
		return nil, 0, fmt.Errorf("member of staff: revision: %w", err)
	}
	return doc, revision, nil
}

// open unseals; what does not open may open elsewhere, or after a repair.
func (s *Staff) open(box []byte, purpose string) ([]byte, error) {
	doc, err := s.r.vault.open(box, purpose)
	if err != nil {
		return nil, fmt.Errorf("staff: %w (%s)", alerts.ErrUnavailable, err.Error())
	}
	return doc, nil
}

// Members implements [broadcast.Staff].
func (s *Staff) Members(ctx context.Context) (map[string][]byte, error) {
	var boxes map[string]string
	err := again(ctx, func(ctx context.Context) (err error) {
		boxes, err = s.r.commands.HGetAll(ctx, s.r.keys.staff()).Result()
		return err
	})
	if err != nil {
		return nil, fail("members of staff", err)
	}
	docs := make(map[string][]byte, len(boxes))
	for id, box := range boxes {
		if docs[id], err = s.open([]byte(box), "staff "+id); err != nil {
			return nil, err
		}
	}
	return docs, nil
}

// MemberOf implements [broadcast.Staff].
func (s *Staff) MemberOf(ctx context.Context, login string) (id string, err error) {
	err = again(ctx, func(ctx context.Context) (err error) {
		id, err = s.r.commands.HGet(ctx, s.r.keys.staffLogins(), s.r.vault.find("login", login)).Result()
		return err
	})
	if errors.Is(err, redis.Nil) {
		err = alerts.ErrNotFound
	}
	return id, fail("login", err)
}

// PutMember implements [broadcast.Staff].
func (s *Staff) PutMember(ctx context.Context, m broadcast.MemberDoc) (int64, error) {
	k := s.r.keys
	ticket := k.nothing()
	if m.Ticket.Digest != "" {
		ticket = k.ticket(m.Ticket.Kind, m.Ticket.Digest)
	}
	act, err := actText(m.Act)
	if err != nil {
		return 0, fail("put member of staff", err)
	}
	n, err := s.r.repeat(ctx, s.r.scripts.member,
		[]string{k.staff(), k.staffRevisions(), k.staffLogins(), k.staffLoginOf(), ticket, k.tickets(m.Ticket.Kind), k.acts(), k.actSeq(), k.actsOf(ofStaff)},
		m.ID, m.Revision, nonce(), s.r.vault.close(m.Doc, "staff "+m.ID), s.r.vault.find("login", m.Login), m.Ticket.Digest, flag(m.First), act).Int64()
	switch {
	case err != nil:
		return 0, fail("put member of staff", err)
	case n == -1:
		return 0, fmt.Errorf("put member of staff: %w", alerts.ErrStale)
	case n == -2:
		return 0, fmt.Errorf("put member of staff: %w", broadcast.ErrTicketGone)
	case n == -3:
		return 0, fmt.Errorf("put member of staff: %w", broadcast.ErrLoginTaken)
	}
	return n, nil
}

// EraseMember implements [broadcast.Staff].
func (s *Staff) EraseMember(ctx context.Context, id string, act alerts.Act) error {
	k := s.r.keys
	text, err := actText(&act)
	if err != nil {
		return fail("erase member of staff", err)
	}
	keys := []string{k.staff(), k.staffRevisions(), k.staffLogins(), k.staffLoginOf(), k.acts(), k.actSeq(), k.actsOf(ofStaff)}
	if err := s.r.repeat(ctx, s.r.scripts.unmember, keys, id, text).Err(); err != nil {
		return fail("erase member of staff", err)
	}
	return s.EndAll(ctx, id, "")
}

// PutTicket implements [broadcast.Staff].
func (s *Staff) PutTicket(ctx context.Context, t broadcast.Ticket) error {
	k := s.r.keys
	act, err := actText(t.Act)
	if err != nil {
		return fail("put ticket", err)
	}
	return fail("put ticket", s.r.repeat(ctx, s.r.scripts.keep, []string{k.ticket(t.Kind, t.Digest), k.tickets(t.Kind), k.acts(), k.actSeq(), k.actsOf(ofStaff)},
		s.r.vault.close(t.Doc, "ticket "+t.Kind+" "+t.Digest), t.Digest, milliseconds(t.Lasts), time.Now().UnixMilli(), act).Err())
}

// Ticket implements [broadcast.Staff].
func (s *Staff) Ticket(ctx context.Context, kind, digest string) ([]byte, error) {
	var box []byte
	err := again(ctx, func(ctx context.Context) (err error) {
		box, err = s.r.commands.Get(ctx, s.r.keys.ticket(kind, digest)).Bytes()
		return err
	})
	if errors.Is(err, redis.Nil) {
		err = alerts.ErrNotFound
	}
	if err != nil {
		return nil, fail("ticket", err)
	}
	return s.open(box, "ticket "+kind+" "+digest)
}

// TakeTicket implements [broadcast.Staff]. It is not repeated: where the
// answer was lost the ticket may be gone, and its owner asks for another.
func (s *Staff) TakeTicket(ctx context.Context, kind, digest string, act *alerts.Act) ([]byte, error) {
	k := s.r.keys
	note, err := actText(act)
	if err != nil {
		return nil, fail("take ticket", err)
	}
	box, err := s.r.run(ctx, s.r.scripts.ticket, []string{k.ticket(kind, digest), k.tickets(kind), k.acts(), k.actSeq(), k.actsOf(ofStaff)}, digest, note).Text()
	if errors.Is(err, redis.Nil) {
		err = alerts.ErrNotFound
	}
	if err != nil {
		return nil, fail("take ticket", err)
	}
	return s.open([]byte(box), "ticket "+kind+" "+digest)
}

// Tickets implements [broadcast.Staff].
func (s *Staff) Tickets(ctx context.Context, kind string) (map[string][]byte, error) {
	var digests []string
	err := again(ctx, func(ctx context.Context) (err error) {
		digests, err = s.r.commands.ZRange(ctx, s.r.keys.tickets(kind), 0, -1).Result()
		return err
	})
	if err != nil {
		return nil, fail("tickets", err)
	}
	docs := map[string][]byte{}
	for _, digest := range digests {
		doc, err := s.Ticket(ctx, kind, digest)
		if errors.Is(err, alerts.ErrNotFound) {
			continue // it has expired
		}
		if err != nil {
			return nil, err
		}
		docs[digest] = doc
	}
	return docs, nil
}

// Begin implements [broadcast.Staff].
func (s *Staff) Begin(ctx context.Context, one broadcast.Session, idle, longest time.Duration) error {
	k := s.r.keys
	return fail("begin session", s.r.repeat(ctx, s.r.scripts.session, []string{k.session(one.Digest), k.sessionsOf(one.Member)},
		one.Member, s.r.vault.close(one.Doc, "session "+one.Digest), one.Digest, milliseconds(idle), milliseconds(longest)).Err())
}

// Touch implements [broadcast.Staff].
func (s *Staff) Touch(ctx context.Context, digest string, idle time.Duration) (broadcast.Session, error) {
	fields, err := s.r.repeat(ctx, s.r.scripts.seen, []string{s.r.keys.session(digest)}, milliseconds(idle)).StringSlice()
	if errors.Is(err, redis.Nil) || (err == nil && len(fields) != 5) {
		err = alerts.ErrNotFound
	}
	if err != nil {
		return broadcast.Session{}, fail("session", err)
	}
	return s.session(digest, fields)
}

// session reads what the scripts write: member, document, began, seen, ends.
func (s *Staff) session(digest string, fields []string) (broadcast.Session, error) {
	one := broadcast.Session{Digest: digest, Member: fields[0]}
	var err error
	if one.Doc, err = s.open([]byte(fields[1]), "session "+digest); err != nil {
		return one, err
	}
	for i, at := range []*time.Time{&one.Began, &one.Seen, &one.Ends} {
		ms, err := strconv.ParseInt(fields[2+i], 10, 64)
		if err != nil {
			return one, fmt.Errorf("session: %w", err)
		}
		*at = time.UnixMilli(ms).UTC()
	}
	return one, nil
}

// Sessions implements [broadcast.Staff].
func (s *Staff) Sessions(ctx context.Context, member string) ([]broadcast.Session, error) {
	digests, err := s.digests(ctx, member)
	if err != nil {
		return nil, err
	}
	var all []broadcast.Session
	for _, digest := range digests {
		var values []any
		err := again(ctx, func(ctx context.Context) (err error) {
			values, err = s.r.commands.HMGet(ctx, s.r.keys.session(digest), "m", "d", "began", "seen", "ends").Result()
			return err
		})
		if err != nil {
			return nil, fail("sessions", err)
		}
		fields := make([]string, len(values))
		for i, v := range values {
			fields[i], _ = v.(string)
		}
		if len(fields) != 5 || fields[0] != member {
			continue // it has ended
		}
		one, err := s.session(digest, fields)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b broadcast.Session) int { return b.Began.Compare(a.Began) })
	return all, nil
}

func (s *Staff) digests(ctx context.Context, member string) (digests []string, err error) {
	err = again(ctx, func(ctx context.Context) (err error) {
		digests, err = s.r.commands.ZRange(ctx, s.r.keys.sessionsOf(member), 0, -1).Result()
		return err
	})
	return digests, fail("sessions", err)
}

// End implements [broadcast.Staff].
func (s *Staff) End(ctx context.Context, member, digest string) error {
	k := s.r.keys
	return fail("end session", again(ctx, func(ctx context.Context) error {
		known, err := s.r.commands.ZRem(ctx, k.sessionsOf(member), digest).Result()
		if err != nil {
			return err
		}
		if owner, err := s.r.commands.HGet(ctx, k.session(digest), "m").Result(); known == 0 && (err != nil || owner != member) {
			return nil //nolint:nilerr // it is not there, or another's
		}
		return s.r.commands.Del(ctx, k.session(digest)).Err()
	}))
}

// EndAll implements [broadcast.Staff].
func (s *Staff) EndAll(ctx context.Context, member, but string) error {
	digests, err := s.digests(ctx, member)
	if err != nil {
		return err
	}
	for _, digest := range digests {
		if digest != but {
			if err := s.End(ctx, member, digest); err != nil {
				return err
			}
		}
	}
	return nil
}

// Attempt implements [broadcast.Staff].
func (s *Staff) Attempt(ctx context.Context, name string, p broadcast.Patience) (time.Duration, error) {
	ms, err := s.r.repeat(ctx, s.r.scripts.attempt, []string{s.r.keys.attempts(s.r.vault.find("attempt", name))},
		p.Free, milliseconds(p.First), milliseconds(p.Longest), milliseconds(p.Forget)).Int64()
	return time.Duration(ms) * time.Millisecond, fail("attempt", err)
}

// Forgive implements [broadcast.Staff].
func (s *Staff) Forgive(ctx context.Context, name string) error {
	return fail("forgive", again(ctx, func(ctx context.Context) error {
		return s.r.commands.Del(ctx, s.r.keys.attempts(s.r.vault.find("attempt", name))).Err()
	}))
}
