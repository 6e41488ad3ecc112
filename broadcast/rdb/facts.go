package rdb

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"martinella/broadcast/backup"
)

// BackupSeed is what the key of backups is made of: from the key file, so that
// whoever has that on paper can open them.
func (r *Redis) BackupSeed() ([]byte, error) { return BackupSeed(r.vault.key) }

// BackupSeed is that of a key file with these 32 bytes.
func BackupSeed(key []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, key, nil, "martinella backup", 32)
}

// ReadKeyFile reads the 32 bytes of a key file. Others must not be able to.
func ReadKeyFile(path string) ([]byte, error) { return readKey(path) }

// Facts tells what the store holds now.
func (r *Redis) Facts(ctx context.Context) (f backup.Facts, err error) {
	err = again(ctx, func(ctx context.Context) (err error) {
		f, err = facts(ctx, r.commands, r.keys)
		return err
	})
	if f.Database, _ = r.database(); err != nil {
		return f, fail("facts of the store", err)
	}
	return f, nil
}

// database is the number of the one that this store is in.
func (r *Redis) database() (int, error) {
	switch {
	case r.cfg.Sentinel != nil:
		return r.cfg.Sentinel.DB, nil
	case r.cfg.Redis == Embedded || r.cfg.Redis == Memory:
		return 0, nil
	}
	opt, err := redis.ParseURL(r.cfg.Redis)
	if err != nil {
		return 0, err
	}
	return opt.DB, nil
}

func facts(ctx context.Context, c redis.UniversalClient, k keys) (f backup.Facts, err error) {
	pipe := c.Pipeline()
	schema, oldest := pipe.Get(ctx, k.schema()), pipe.Get(ctx, k.oldest())
	acts, head := pipe.Get(ctx, k.actSeq()), pipe.HGetAll(ctx, k.ledgerHead())
	epoch, last := pipe.HGet(ctx, k.epoch(), "epoch"), pipe.XRevRangeN(ctx, k.log(), "+", "-", 1)
	records, people, mark := pipe.ZCard(ctx, k.records()), pipe.HLen(ctx, k.people()), pipe.Get(ctx, k.keyMark())
	memory := pipe.InfoMap(ctx, "memory")
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return f, err
	}
	if f.Schema, err = strconv.Atoi(schema.Val()); err != nil {
		return f, fmt.Errorf("%w: there is no schema", backup.ErrBroken)
	}
	f.Oldest, _ = strconv.Atoi(oldest.Val())
	f.Acts, _ = strconv.ParseInt(acts.Val(), 10, 64)
	f.TreeSize, _ = strconv.ParseInt(head.Val()["size"], 10, 64)
	f.TreeHead, f.Epoch, f.KeyMark = head.Val()["note"], epoch.Val(), mark.Val()
	if entries := last.Val(); len(entries) > 0 {
		f.Cursor = entries[0].ID
	}
	f.Records, f.People = records.Val(), people.Val()
	f.Memory, _ = strconv.ParseInt(memory.Val()["Memory"]["used_memory"], 10, 64)
	return f, nil
}

// Erased gives the numbers of all people that were erased.
func (r *Redis) Erased(ctx context.Context) (numbers []uint32, err error) {
	var all []string
	err = again(ctx, func(ctx context.Context) (err error) {
		all, err = r.commands.HKeys(ctx, r.keys.tombstones()).Result()
		return err
	})
	for _, text := range all {
		if n, err := strconv.ParseUint(text, 10, 32); err == nil {
			numbers = append(numbers, uint32(n))
		}
	}
	return numbers, fail("erased people", err)
}
