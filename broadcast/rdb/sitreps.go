package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast"
)

var (
	_ alerts.SitrepStore = (*Store)(nil)
	_ broadcast.Photos   = (*Store)(nil)
)

const (
	// photoWaits is how long a photo is kept that no report shows yet.
	photoWaits = time.Hour
	// sitrepField begins the fields of the reports themselves, orderField those
	// that say in which order they came, withdrawnField those of withdrawals.
	sitrepField, orderField, withdrawnField = "r:", "o:", "w:"
)

// AddSitrep implements [alerts.SitrepStore]. The photo is kept as long as what
// became of the event's deliveries: its validity and 90 days.
func (s *Store) AddSitrep(ctx context.Context, one *alerts.Sitrep, head alerts.ID, act alerts.Act) (*alerts.Sitrep, bool, error) {
	op := "report " + string(one.ID)
	stored := *one
	w := sitrepWrite{event: one.Event, id: one.ID, report: &stored, head: head}
	if one.Photo != nil {
		photo := *one.Photo
		photo.JPEG = nil
		stored.Photo = &photo
		w.photo = photo.Digest
		if len(one.Photo.JPEG) > 0 {
			if err := s.putPhoto(ctx, photo.Digest, one.Photo.JPEG); err != nil {
				return nil, false, fail(op, err)
			}
		}
		rec, err := s.r.record(ctx, head)
		if err != nil {
			return nil, false, fail(op, err)
		}
		w.keep = keptFor(rec)
	}
	if one.Replaces != "" {
		w.withdraw, w.withdrawal = one.Replaces, alerts.Withdrawal{By: one.Author, At: one.Posted, Replaced: one.ID}
	}
	return s.writeSitrep(ctx, op, w, act)
}

// WithdrawSitrep implements [alerts.SitrepStore].
func (s *Store) WithdrawSitrep(ctx context.Context, event, id alerts.ID, with alerts.Withdrawal, act alerts.Act) (*alerts.Sitrep, bool, error) {
	return s.writeSitrep(ctx, "withdraw "+string(id), sitrepWrite{event: event, withdraw: id, withdrawal: with}, act)
}

// sitrepWrite is what one call of the script does.
type sitrepWrite struct {
	event, id alerts.ID
	report    *alerts.Sitrep
	photo     alerts.Digest
	keep      time.Duration // of the photo
	head      alerts.ID

	withdraw   alerts.ID
	withdrawal alerts.Withdrawal
}

func (s *Store) writeSitrep(ctx context.Context, op string, w sitrepWrite, act alerts.Act) (*alerts.Sitrep, bool, error) {
	var report, withdrawal []byte
	a, err := json.Marshal(act)
	if err == nil && w.report != nil {
		report, err = json.Marshal(w.report)
	}
	k := s.r.keys
	photo, gone, ttl := k.nothing(), k.nothing(), ""
	if w.photo != "" {
		photo, ttl = k.photo(w.photo), strconv.FormatInt(milliseconds(w.keep), 10)
	}
	if err == nil && w.withdraw != "" {
		if withdrawal, err = json.Marshal(w.withdrawal); err == nil {
			var old *alerts.Sitrep
			if old, err = s.sitrep(ctx, w.event, w.withdraw); err == nil && old.Photo != nil {
				gone = k.photo(old.Photo.Digest)
			}
		}
	}
	if err != nil {
		return nil, false, fail(op, err)
	}
	cmd, replicated := s.r.keep(ctx, s.r.scripts.sitrep,
		[]string{k.event(w.event), k.sitreps(w.event), k.log(), k.epoch(), k.acts(), k.actSeq(), k.actsOf(w.event), photo, gone, k.nothing(), k.reported()},
		nonce(), string(w.id), report, string(w.withdraw), withdrawal, a, string(w.head), alerts.SitrepsMost, ttl)
	out, err := cmd.Slice()
	if err != nil {
		return nil, false, fail(op, err)
	}
	code, _ := out[0].(int64)
	switch code {
	case 1, 2:
	case 0:
		return nil, false, fmt.Errorf("%s: %w", op, alerts.ErrNotFound)
	case -1:
		return nil, false, fmt.Errorf("%s: another revision was published: %w", op, alerts.ErrStale)
	case -2:
		return nil, false, &alerts.Refusal{Kind: alerts.ErrConflict, Problems: alerts.Problems{{Field: "replaces", Problem: "was withdrawn before", Hint: "read the event's updates, and write a new one"}}}
	case -3:
		return nil, false, &alerts.Refusal{Kind: alerts.ErrNotSendable, Problems: alerts.Problems{{Field: "event", Problem: fmt.Sprintf("has %d live updates already", alerts.SitrepsMost), Hint: "send an update of the alert that sums them up"}}}
	default:
		return nil, false, &alerts.Refusal{Kind: alerts.ErrNotSendable, Problems: alerts.Problems{{Field: "photo", Problem: "is no longer kept", Hint: "choose the picture again"}}}
	}
	if code == 1 {
		cursor, _ := out[1].(string)
		if _, at, ok := readCursor(broadcast.Cursor(cursor)); ok {
			s.r.saw(at.String())
		}
	}
	id := w.id
	if id == "" {
		id = w.withdraw
	}
	stored, err := s.sitrep(ctx, w.event, id)
	if err != nil {
		return nil, false, fail(op, err)
	}
	stored.Replicated = replicated
	return stored, code == 1, nil
}

// Reported implements [alerts.SitrepStore].
func (s *Store) Reported(ctx context.Context) (map[alerts.ID]bool, error) {
	var ids []string
	err := again(ctx, func(ctx context.Context) (err error) {
		ids, err = s.r.commands.SMembers(ctx, s.r.keys.reported()).Result()
		return err
	})
	if err != nil {
		return nil, fail("events with reports", err)
	}
	all := make(map[alerts.ID]bool, len(ids))
	for _, id := range ids {
		all[alerts.ID(id)] = true
	}
	return all, nil
}

// Sitreps implements [alerts.SitrepStore].
func (s *Store) Sitreps(ctx context.Context, event alerts.ID) ([]*alerts.Sitrep, error) {
	var fields map[string]string
	err := again(ctx, func(ctx context.Context) (err error) {
		fields, err = s.r.commands.HGetAll(ctx, s.r.keys.sitreps(event)).Result()
		return err
	})
	if err != nil {
		return nil, fail("reports of "+string(event), err)
	}
	order := make([]int, 0, len(fields)/2)
	for field := range fields {
		if digits, ok := strings.CutPrefix(field, orderField); ok {
			if n, err := strconv.Atoi(digits); err == nil {
				order = append(order, n)
			}
		}
	}
	slices.Sort(order)
	var all []*alerts.Sitrep
	for _, n := range order {
		id := fields[orderField+strconv.Itoa(n)]
		one, err := readSitrep(fields[sitrepField+id], fields[withdrawnField+id])
		if err != nil {
			return nil, fail("report "+id, err)
		}
		all = append(all, one)
	}
	return all, nil
}

// sitrep reads one report.
func (s *Store) sitrep(ctx context.Context, event, id alerts.ID) (*alerts.Sitrep, error) {
	var got []any
	err := again(ctx, func(ctx context.Context) (err error) {
		got, err = s.r.commands.HMGet(ctx, s.r.keys.sitreps(event), sitrepField+string(id), withdrawnField+string(id)).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	report, _ := got[0].(string)
	withdrawal, _ := got[1].(string)
	if report == "" {
		return nil, alerts.ErrNotFound
	}
	return readSitrep(report, withdrawal)
}

func readSitrep(report, withdrawal string) (*alerts.Sitrep, error) {
	one := new(alerts.Sitrep)
	if err := json.Unmarshal([]byte(report), one); err != nil {
		return nil, fmt.Errorf("%w: %w", broadcast.ErrUnreadable, err)
	}
	if one.V > alerts.SitrepVersion {
		return nil, fmt.Errorf("%w: %w: format %d, this program reads %d", broadcast.ErrUnreadable, alerts.ErrUnavailable, one.V, alerts.SitrepVersion)
	}
	if withdrawal != "" {
		one.Withdrawn = new(alerts.Withdrawal)
		if err := json.Unmarshal([]byte(withdrawal), one.Withdrawn); err != nil {
			return nil, fmt.Errorf("%w: %w", broadcast.ErrUnreadable, err)
		}
	}
	return one, nil
}

// putPhoto stores a photo that no report shows yet; one that is there stays.
func (s *Store) putPhoto(ctx context.Context, digest alerts.Digest, jpeg []byte) error {
	if len(jpeg) > alerts.SitrepPhoto {
		return fmt.Errorf("%w: a photo of %d bytes", alerts.ErrInvalid, len(jpeg))
	}
	key := s.r.keys.photo(digest)
	return again(ctx, func(ctx context.Context) error {
		pipe := s.r.commands.TxPipeline()
		pipe.HSetNX(ctx, key, "b", jpeg)
		ttl := pipe.PTTL(ctx, key)
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		if ttl.Val() < photoWaits { // new, or about to go
			return s.r.commands.PExpire(ctx, key, photoWaits).Err()
		}
		return nil
	})
}

// Photo implements [broadcast.Photos].
func (s *Store) Photo(ctx context.Context, digest alerts.Digest) (jpeg []byte, err error) {
	var got []any
	err = again(ctx, func(ctx context.Context) (err error) {
		got, err = s.r.commands.HMGet(ctx, s.r.keys.photo(digest), "b", "n").Result()
		return err
	})
	if err == nil {
		b, _ := got[0].(string)
		if n, _ := got[1].(string); b == "" || n == "" || n == "0" {
			err = alerts.ErrNotFound
		}
		jpeg = []byte(b)
	}
	if err != nil {
		return nil, fail("photo "+string(digest), err)
	}
	return jpeg, nil
}

// reported reads what an entry of the log says was seen, with the event's newest
// published record; nil for one that cannot be read.
func (r *Redis) reported(ctx context.Context, m redis.XMessage) (*alerts.Record, *alerts.Sitrep, error) {
	event, _ := m.Values["event"].(string)
	id, _ := m.Values["sitrep"].(string)
	one, err := r.Store().sitrep(ctx, alerts.ID(event), alerts.ID(id))
	if err == nil {
		var rec *alerts.Record
		if rec, err = r.Store().Get(ctx, alerts.ID(event), alerts.Published); err == nil {
			return rec, one, nil
		}
	}
	if errors.Is(err, alerts.ErrNotFound) || errors.Is(err, broadcast.ErrUnreadable) {
		return nil, nil, nil
	}
	return nil, nil, err
}
