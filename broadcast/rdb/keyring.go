package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
)

// Keyring keeps API keys.
type Keyring struct {
	r    *Redis
	mu   sync.Mutex
	used map[string]time.Time // when this node last wrote down a use
}

var _ alerts.Keys = (*Keyring)(nil)

// usedEvery is how precisely the last use of a key is known.
const usedEvery = time.Minute

// Keys gives the store of API keys.
func (r *Redis) Keys() *Keyring { return &Keyring{r: r, used: map[string]time.Time{}} }

// ByToken implements [alerts.Keys].
func (k *Keyring) ByToken(ctx context.Context, tokenSHA256 string) (*alerts.Key, error) {
	var id string
	err := again(ctx, func(ctx context.Context) (err error) {
		id, err = k.r.commands.HGet(ctx, k.r.keys.apiTokens(), tokenSHA256).Result()
		return err
	})
	if errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("key: %w", alerts.ErrNotFound)
	}
	if err != nil {
		return nil, fail("key", err)
	}
	return k.live(ctx, id)
}

// BySigner implements [alerts.Keys].
func (k *Keyring) BySigner(ctx context.Context, id string) (*alerts.Key, []byte, error) {
	key, err := k.live(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if len(key.SealedSecret) == 0 {
		return nil, nil, fmt.Errorf("key %s signs nothing: %w", id, alerts.ErrNotFound)
	}
	secret, err := k.r.vault.open(key.SealedSecret, "key "+id)
	if err != nil { // the sender did nothing wrong: another node, or a repair, may read it
		return nil, nil, fmt.Errorf("key %s: %w (%s)", id, alerts.ErrUnavailable, err.Error())
	}
	return key, secret, nil
}

// live reads a key that may be used now, and writes the use down.
func (k *Keyring) live(ctx context.Context, id string) (*alerts.Key, error) {
	key, _, err := k.read(ctx, id)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if !key.Live(now) {
		return nil, fmt.Errorf("key %s is no longer good: %w", id, alerts.ErrNotFound)
	}
	k.mu.Lock()
	due := now.Sub(k.used[id]) >= usedEvery
	if due {
		k.used[id] = now
	}
	k.mu.Unlock()
	if due { // a store that is full or read-only must not lock anybody out
		_ = k.r.commands.HSet(ctx, k.r.keys.apiUsed(), id, now.UnixMilli()).Err()
	}
	return key, nil
}

func (k *Keyring) read(ctx context.Context, id string) (*alerts.Key, []byte, error) {
	var text []byte
	err := again(ctx, func(ctx context.Context) (err error) {
		text, err = k.r.commands.HGet(ctx, k.r.keys.apiKeys(), id).Bytes()
		return err
	})
	if errors.Is(err, redis.Nil) {
		return nil, nil, fmt.Errorf("key: %w", alerts.ErrNotFound)
	}
	if err != nil {
		return nil, nil, fail("key", err)
	}
	key := new(alerts.Key)
	if err := json.Unmarshal(text, key); err != nil {
		return nil, nil, fmt.Errorf("key %s: %w", id, err)
	}
	return key, text, nil
}

// Add implements [alerts.Keys]. It replaces a key with the same id.
func (k *Keyring) Add(ctx context.Context, key *alerts.Key, secret []byte, act alerts.Act) error {
	stored := *key
	if len(secret) > 0 {
		stored.SealedSecret = k.r.vault.close(secret, "key "+key.Person.ID)
	}
	text, err := json.Marshal(&stored)
	if err != nil {
		return fmt.Errorf("add key %s: %w", key.Person.ID, err)
	}
	_, err = k.put(ctx, key, nil, text, act)
	if err == nil {
		key.SealedSecret = stored.SealedSecret
	}
	return fail("add key "+key.Person.ID, err)
}

// List implements [alerts.Keys].
func (k *Keyring) List(ctx context.Context) ([]*alerts.Key, error) {
	var texts, used map[string]string
	err := again(ctx, func(ctx context.Context) error {
		pipe := k.r.commands.Pipeline()
		all, last := pipe.HGetAll(ctx, k.r.keys.apiKeys()), pipe.HGetAll(ctx, k.r.keys.apiUsed())
		_, err := pipe.Exec(ctx)
		texts, used = all.Val(), last.Val()
		return err
	})
	if err != nil {
		return nil, fail("list keys", err)
	}
	var keys []*alerts.Key
	for id, text := range texts {
		key := new(alerts.Key)
		if err := json.Unmarshal([]byte(text), key); err != nil {
			return nil, fmt.Errorf("key %s: %w", id, err)
		}
		if ms, err := strconv.ParseInt(used[id], 10, 64); err == nil {
			key.LastUsed = time.UnixMilli(ms).UTC()
		}
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b *alerts.Key) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		if a.Person.ID < b.Person.ID {
			return -1
		}
		return 1
	})
	return keys, nil
}

// Revoke implements [alerts.Keys]. A key that is revoked keeps its first date,
// and there is no second act.
func (k *Keyring) Revoke(ctx context.Context, id string, act alerts.Act) error {
	for range tries {
		key, read, err := k.read(ctx, id)
		if err != nil {
			return err
		}
		if !key.Revoked.IsZero() {
			return nil
		}
		key.Revoked = act.At
		text, err := json.Marshal(key)
		if err != nil {
			return fmt.Errorf("revoke key %s: %w", id, err)
		}
		stored, err := k.put(ctx, key, read, text, act)
		if err != nil || stored {
			return fail("revoke key "+id, err)
		}
	}
	return fmt.Errorf("revoke key %s: %w", id, alerts.ErrStale)
}

// put stores a key with the act; false where it is no longer as it was read.
func (k *Keyring) put(ctx context.Context, key *alerts.Key, read, text []byte, act alerts.Act) (bool, error) {
	note, err := actText(&act)
	if err != nil {
		return false, err
	}
	names := k.r.keys
	n, err := k.r.repeat(ctx, k.r.scripts.key, []string{names.apiKeys(), names.apiTokens(), names.acts(), names.actSeq(), names.actsOf(ofStaff)},
		key.Person.ID, read, text, key.TokenSHA256, note).Int()
	return n == 1, err
}
