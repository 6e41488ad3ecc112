//go:build schemanext

package rdb

import (
	"context"
	"encoding/json"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
)

// Schema is the layout after this program's: a rehearsal of the next release,
// for tests alone. It adds a field to every record that it finds.
const Schema = 2

var steps = []step{{to: 2, oldest: 1, what: "every record gets the field rehearsal", count: countRecords, do: rehearse}}

func countRecords(ctx context.Context, r *Redis) (int64, error) {
	return r.commands.ZCard(ctx, r.keys.records()).Result()
}

func rehearse(ctx context.Context, r *Redis) error {
	ids, err := r.commands.ZRange(ctx, r.keys.records(), 0, -1).Result()
	if err != nil {
		return err
	}
	for _, id := range ids {
		key := r.keys.record(alerts.ID(id))
		err := r.commands.Watch(ctx, func(tx *redis.Tx) error {
			text, err := tx.HGet(ctx, key, "j").Result()
			if err != nil {
				return err
			}
			fields := map[string]json.RawMessage{}
			if err := json.Unmarshal([]byte(text), &fields); err != nil {
				return err
			}
			fields["rehearsal"] = json.RawMessage(`"done"`)
			next, err := json.Marshal(fields)
			if err != nil {
				return err
			}
			_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.HSet(ctx, key, "j", next)
				return nil
			})
			return err
		}, key)
		if err != nil {
			return err
		}
	}
	return nil
}
