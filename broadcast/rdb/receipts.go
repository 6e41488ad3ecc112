package rdb

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/channels"
)

// The receipt index finds the recipient by the platform's message id. The ids
// of one alert on one channel with one provider lie in many hashes, so small that Redis packs
// them: about 25 bytes an id instead of 150 for a key of its own. Of an id only
// the beginning of its SHA-256 is kept.
//
// Which alerts have such hashes stands in one hash per provider, with a version
// that changes with it: who asks knows them from memory, and the script says
// where that has become old.

// perBucket is how many ids a hash holds on average. Redis packs up to 128
// fields (hash-max-listpack-entries), so a message may have three parts or four.
// It is part of the stored format.
const perBucket = 32

// bucketsOf is over how many hashes the ids of an alert are spread.
func bucketsOf(recipients uint32) uint32 { return recipients/perBucket + 1 }

// receiptsOf names the hashes of an alert at a provider: its own, or those of a
// channel that it carries for, which has other recipients.
func receiptsOf(alert alerts.ID, channel string) string {
	if channel == "" {
		return string(alert)
	}
	return string(alert) + ":" + channel
}

// receiptField is what stands for a message id, and a number that chooses its
// hash.
func receiptField(messageID string) (field string, number uint32) {
	sum := sha256.Sum256([]byte(messageID))
	return string(sum[:8]), binary.BigEndian.Uint32(sum[8:])
}

// recipients is how many ordinals the task has.
func (t *cachedTask) recipients() (end uint32) {
	for _, s := range t.Spans {
		end = max(end, s.To)
	}
	return end
}

// openReceipts are the alerts with receipts at a provider, the newest first.
type openReceipts struct {
	version string
	alerts  []openReceipt
}

type openReceipt struct {
	of      string // see receiptsOf
	buckets uint32
}

// receiptsOpen reads them.
func (q *Queue) receiptsOpen(ctx context.Context) (openReceipts, error) {
	var all map[string]string
	err := again(ctx, func(ctx context.Context) (err error) {
		all, err = q.r.commands.HGetAll(ctx, q.r.keys.receipts(q.channel)).Result()
		return err
	})
	if err != nil {
		return openReceipts{}, err
	}
	o := openReceipts{version: all["v"]}
	for of, text := range all {
		first, _, _ := strings.Cut(text, " ")
		n, err := strconv.ParseUint(first, 10, 32)
		if of == "v" || err != nil || n == 0 {
			continue
		}
		o.alerts = append(o.alerts, openReceipt{of, uint32(n)})
	}
	slices.SortFunc(o.alerts, func(a, b openReceipt) int { return strings.Compare(b.of, a.of) })
	return o, nil
}

// newest is in how many alerts a report is looked for first: nearly all are of
// the last ones.
const newest = 8

// locate finds where a report belongs: alert, ordinal, part, parts and what
// follows, as the index has it. Where nobody knows its id it is parked, unless
// park is "", and the answer is "".
func (q *Queue) locate(ctx context.Context, rep channels.DeliveryReport, park string) (string, error) {
	field, number := receiptField(rep.MessageID)
	q.mu.Lock()
	open := q.receipts
	q.mu.Unlock()
	some := open.alerts[:min(newest, len(open.alerts))]
	for range tries {
		keys := []string{q.r.keys.receipts(q.channel), q.r.keys.parked(q.channel, rep.MessageID), q.r.keys.oldReceipt(q.channel, rep.MessageID)}
		version := open.version
		if len(some) < len(open.alerts) {
			version = "some"
		}
		args := []any{version, field, park, parkedFor.Milliseconds()}
		for _, one := range some {
			keys = append(keys, q.r.keys.receipt(q.channel, one.of, number%one.buckets))
			alert, _, _ := strings.Cut(one.of, ":")
			args = append(args, alert)
		}
		out, err := q.r.repeat(ctx, q.r.scripts.park, keys, args...).StringSlice()
		if err != nil && !errors.Is(err, redis.Nil) {
			return "", err
		}
		if len(out) == 1 {
			return out[0], nil
		}
		if version == open.version { // it has changed since
			if open, err = q.receiptsOpen(ctx); err != nil {
				return "", err
			}
			q.mu.Lock()
			q.receipts = open
			q.mu.Unlock()
		}
		some = open.alerts
	}
	return "", fmt.Errorf("the receipt index changes all the time: %w", alerts.ErrUnavailable)
}
