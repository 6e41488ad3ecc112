package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
)

// ErrOtherKey is the error of a store whose sealed values belong to another
// key file: people and signature secrets in it could not be read, and new ones
// would be stored beside them.
var ErrOtherKey = errors.New("the key file is not the one this store was sealed with")

// mark stands for the key in the store and tells nothing about it.
func (v *vault) mark() string { return v.find("key file", "") }

// unlock compares the key file with the store, which remembers the mark of the
// first one. Only a store in which nothing is sealed gets a new key file. A
// store in memory has nothing from before.
func (r *Redis) unlock(ctx context.Context) error {
	if r.cfg.Redis == Memory {
		return nil
	}
	var want string
	err := again(ctx, func(ctx context.Context) (err error) {
		want, err = r.commands.Get(ctx, r.keys.keyMark()).Result()
		return err
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return fail("key file", err)
	}
	var boxes map[string][]byte
	if want == "" { // a new store, or one of a program that wrote no mark
		if boxes, err = r.samples(ctx); err != nil {
			return fail("key file", err)
		}
	}
	if r.vault == nil {
		r.vault, err = openVault(r.cfg, want == "" && len(boxes) == 0)
		if errors.Is(err, errNoKey) {
			return fmt.Errorf("%w: there is none", ErrOtherKey)
		}
		if err != nil {
			return err
		}
	}
	if want == "" {
		if !r.vault.opensOne(boxes) {
			return ErrOtherKey
		}
		return r.leaveMark(ctx)
	}
	if want != r.vault.mark() {
		return ErrOtherKey
	}
	return nil
}

// leaveMark writes the mark, unless another node was faster. A full store must
// still open: it gets its mark another time.
func (r *Redis) leaveMark(ctx context.Context) error {
	var have string
	err := again(ctx, func(ctx context.Context) (err error) {
		if err = r.commands.SetNX(ctx, r.keys.keyMark(), r.vault.mark(), 0).Err(); err == nil {
			have, err = r.commands.Get(ctx, r.keys.keyMark()).Result()
		}
		return err
	})
	switch {
	case err != nil && replied(err, refusing):
		return nil
	case err != nil:
		return fail("key file", err)
	case have != r.vault.mark():
		return ErrOtherKey
	}
	return nil
}

// samples gives some sealed values of the store, by their purpose.
func (r *Redis) samples(ctx context.Context) (map[string][]byte, error) {
	boxes := map[string][]byte{}
	err := again(ctx, func(ctx context.Context) error {
		pipe := r.commands.Pipeline()
		some, all := pipe.HScan(ctx, r.keys.people(), 0, "", 10), pipe.HGetAll(ctx, r.keys.apiKeys())
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		people, _ := some.Val()
		for i := 0; i+1 < len(people); i += 2 {
			if n, err := strconv.ParseUint(people[i], 10, 32); err == nil {
				boxes[purpose(uint32(n))] = []byte(people[i+1])
			}
		}
		for id, text := range all.Val() {
			var key alerts.Key
			if err := json.Unmarshal([]byte(text), &key); err == nil && len(key.SealedSecret) > 0 {
				boxes["key "+id] = key.SealedSecret
			}
		}
		return nil
	})
	return boxes, err
}

// opensOne reports whether the vault opens at least one of the boxes, or there
// are none: a single value may be damaged.
func (v *vault) opensOne(boxes map[string][]byte) bool {
	for purpose, box := range boxes {
		if _, err := v.open(box, purpose); err == nil {
			return true
		}
	}
	return len(boxes) == 0
}
