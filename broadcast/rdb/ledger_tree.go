package rdb

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
	"golang.org/x/mod/sumdb/tlog"

	"martinella/alerts/ledger"
)

// The hashes of the tree are stored in the order of tlog.StoredHashIndex, two
// for each act, in parts of 2 MiB: Redis moves and rewrites them one by one.
const (
	partHashes = 1 << 16
	hashSize   = tlog.HashSize
)

// mostMissing is how many of the newest acts may be gone before the number of
// acts is no longer believed.
const mostMissing = 10 * growBy

// size is the number of leaves in the tree.
func (l *Ledger) size(ctx context.Context) (n int64, err error) {
	err = again(ctx, func(ctx context.Context) (err error) {
		n, err = l.r.commands.Get(ctx, l.r.keys.ledgerSize()).Int64()
		if errors.Is(err, redis.Nil) {
			n, err = 0, nil
		}
		return err
	})
	return n, err
}

// grow brings every act that there is into the tree, and gives its size. Nodes
// may do it at once: they make the same hashes out of the same acts, and the
// script takes those of one.
func (l *Ledger) grow(ctx context.Context) (int64, error) {
	size, err := l.size(ctx)
	if err != nil {
		return 0, err
	}
	acts, err := l.r.Store().ActCount(ctx) // before the acts are read: a number below it that is not there is gone for good
	if err != nil {
		return 0, err
	}
	if size < acts {
		last, err := l.newest(ctx)
		if err != nil {
			return 0, err
		}
		if acts-max(last, size) > mostMissing {
			return 0, fmt.Errorf("%w: there should be %d acts, and none is there after number %d", ledger.ErrBroken, acts, last)
		}
	}
	for size < acts {
		to := min(size+growBy, acts)
		texts, err := l.texts(ctx, size+1, to)
		if err != nil {
			return 0, err
		}
		tree, err := ledger.Resume(size, l.reader(ctx))
		if err != nil {
			return 0, err
		}
		var made []tlog.Hash
		for i, text := range texts {
			if text == nil {
				text = ledger.Missing(size + 1 + int64(i))
			}
			made = append(made, tree.Add(ledger.Leaf(text))...)
		}
		if size, err = l.store(ctx, size, to, made); err != nil {
			return 0, err
		}
	}
	if acts < size { // another node grew it meanwhile, or somebody took the count back
		if acts, err = l.r.Store().ActCount(ctx); err == nil && acts < size {
			err = fmt.Errorf("%w: the tree has %d entries, and there are %d acts", ledger.ErrBroken, size, acts)
		}
	}
	return size, err
}

// newest is the number of the newest act that is there, 0 where none is.
func (l *Ledger) newest(ctx context.Context) (n int64, err error) {
	var found []redis.XMessage
	err = again(ctx, func(ctx context.Context) (err error) {
		found, err = l.r.commands.XRevRangeN(ctx, l.r.keys.acts(), "+", "-", 1).Result()
		return err
	})
	if err == nil && len(found) > 0 {
		p, _ := readPlace(found[0].ID)
		n = int64(p.ms)
	}
	return n, err
}

// store appends the hashes of the leaves after before.
func (l *Ledger) store(ctx context.Context, before, after int64, made []tlog.Hash) (int64, error) {
	keys, args := []string{l.r.keys.ledgerSize()}, []any{before, after}
	for at := tlog.StoredHashCount(before); len(made) > 0; {
		room := min(partHashes-at%partHashes, int64(len(made)))
		bytes := make([]byte, 0, room*hashSize)
		for _, h := range made[:room] {
			bytes = append(bytes, h[:]...)
		}
		keys, args = append(keys, l.r.keys.ledgerTree(at/partHashes)), append(args, at%partHashes*hashSize, bytes)
		at, made = at+room, made[room:]
	}
	return l.r.repeat(ctx, l.r.scripts.grow, keys, args...).Int64()
}

// texts reads the acts from..to as they are stored; nil for one that is gone.
func (l *Ledger) texts(ctx context.Context, from, to int64) ([][]byte, error) {
	var found []redis.XMessage
	err := again(ctx, func(ctx context.Context) (err error) {
		found, err = l.r.commands.XRange(ctx, l.r.keys.acts(), strconv.FormatInt(from, 10)+"-0", strconv.FormatInt(to, 10)+"-0").Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	texts := make([][]byte, to-from+1)
	for _, e := range found {
		p, ok := readPlace(e.ID)
		text, has := e.Values["j"].(string)
		if n := int64(p.ms); ok && has && p.seq == 0 && n >= from && n <= to {
			texts[n-from] = []byte(text)
		}
	}
	return texts, nil
}

// reader reads stored hashes.
func (l *Ledger) reader(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		if len(indexes) == 0 {
			return nil, nil
		}
		parts := make([]*redis.StringCmd, len(indexes))
		err := again(ctx, func(ctx context.Context) error {
			pipe := l.r.commands.Pipeline()
			for i, at := range indexes {
				offset := at % partHashes * hashSize
				parts[i] = pipe.GetRange(ctx, l.r.keys.ledgerTree(at/partHashes), offset, offset+hashSize-1)
			}
			_, err := pipe.Exec(ctx)
			return err
		})
		if err != nil {
			return nil, err
		}
		hashes := make([]tlog.Hash, len(indexes))
		for i, part := range parts {
			if copy(hashes[i][:], part.Val()) != hashSize {
				return nil, fmt.Errorf("%w: the tree lacks its hash %d", ledger.ErrBroken, indexes[i])
			}
		}
		return hashes, nil
	})
}

// hashes reads a run of stored hashes.
func (l *Ledger) hashes(ctx context.Context, first, last int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, 0, last-first+1)
	for at := first; at <= last; {
		end := min(last, at-at%partHashes+partHashes-1)
		var part string
		err := again(ctx, func(ctx context.Context) (err error) {
			part, err = l.r.commands.GetRange(ctx, l.r.keys.ledgerTree(at/partHashes), at%partHashes*hashSize, (end%partHashes+1)*hashSize-1).Result()
			return err
		})
		if err != nil {
			return nil, err
		}
		if int64(len(part)) != (end-at+1)*hashSize {
			return nil, fmt.Errorf("%w: the tree lacks hashes from %d to %d", ledger.ErrBroken, at, end)
		}
		for i := 0; i < len(part); i += hashSize {
			hashes = append(hashes, tlog.Hash([]byte(part[i:i+hashSize])))
		}
		at = end + 1
	}
	return hashes, nil
}
