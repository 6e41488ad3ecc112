package rdb

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// Schema is the layout of keys that this program writes.
const Schema = 1

// migration brings the keys from one layout to the next. It must be safe to
// run again: a program may die in the middle of it.
type migration struct {
	to int
	do func(ctx context.Context, r *Redis) error
}

// migrations go forward only, one step each, from layout 1 on.
var migrations = []migration{}

// ErrNewerSchema is the error of a store that a newer program has written.
var ErrNewerSchema = errors.New("the store was written by a newer program")

// migrate brings the store to [Schema], or refuses a newer one.
func (r *Redis) migrate(ctx context.Context) error {
	var have int
	err := again(ctx, func(ctx context.Context) error {
		text, err := r.commands.Get(ctx, r.keys.schema()).Result()
		if errors.Is(err, redis.Nil) { // only a new store is written to: a full one must still open
			if err := r.commands.SetNX(ctx, r.keys.schema(), Schema, 0).Err(); err != nil {
				return err
			}
			text, err = r.commands.Get(ctx, r.keys.schema()).Result()
		}
		if err != nil {
			return err
		}
		if have, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("the schema is %q, not a number", text)
		}
		return nil
	})
	if err != nil {
		return fail("schema", err)
	}
	if have > Schema {
		return fmt.Errorf("%w: its schema is %d, this one knows up to %d; install the newer program", ErrNewerSchema, have, Schema)
	}
	for _, m := range migrations {
		if m.to <= have || m.to > Schema {
			continue
		}
		if err := m.do(ctx, r); err != nil {
			return fail(fmt.Sprintf("migrate to schema %d", m.to), err)
		}
		if err := r.commands.Set(ctx, r.keys.schema(), m.to, 0).Err(); err != nil {
			return fail("schema", err)
		}
	}
	return nil
}
