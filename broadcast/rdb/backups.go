package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/broadcast/backup"
)

var _ backup.Records = (*Redis)(nil)

// TakeBackupTurn implements [backup.Records].
func (r *Redis) TakeBackupTurn(ctx context.Context, place string, d time.Duration) (bool, error) {
	err := r.commands.SetArgs(ctx, r.keys.backupTurn(place), r.node, redis.SetArgs{Mode: "NX", TTL: d}).Err()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil, fail("turn of a backup", err)
}

// HoldBackupTurn implements [backup.Records].
func (r *Redis) HoldBackupTurn(ctx context.Context, place string, d time.Duration) error {
	return fail("turn of a backup", again(ctx, func(ctx context.Context) error {
		if d <= 0 {
			return r.commands.Del(ctx, r.keys.backupTurn(place)).Err()
		}
		return r.commands.Set(ctx, r.keys.backupTurn(place), r.node, d).Err()
	}))
}

// BackupState implements [backup.Records].
func (r *Redis) BackupState(ctx context.Context, place string) (state backup.State, err error) {
	var doc []byte
	err = again(ctx, func(ctx context.Context) (err error) {
		doc, err = r.commands.Get(ctx, r.keys.backup(place)).Bytes()
		return err
	})
	if errors.Is(err, redis.Nil) {
		return state, nil
	}
	if err != nil {
		return state, fail("state of a backup", err)
	}
	if err := json.Unmarshal(doc, &state); err != nil {
		return state, fmt.Errorf("state of backup %s: %w", place, err)
	}
	return state, nil
}

// PutBackupState implements [backup.Records].
func (r *Redis) PutBackupState(ctx context.Context, place string, state backup.State) error {
	doc, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("state of backup %s: %w", place, err)
	}
	return fail("state of a backup", again(ctx, func(ctx context.Context) error {
		return r.commands.Set(ctx, r.keys.backup(place), doc, 0).Err()
	}))
}
