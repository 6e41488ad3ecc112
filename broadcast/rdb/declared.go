package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast"
)

// Declaration gives what was declared last; zero where nothing was. It blocks
// until the store answered and may be called from many goroutines; its error is
// an [alerts.ErrUnavailable] where the store did not answer.
func (r *Redis) Declaration(ctx context.Context) (d broadcast.Declaration, err error) {
	var doc []byte
	err = again(ctx, func(ctx context.Context) (err error) {
		doc, err = r.commands.Get(ctx, r.keys.declared()).Bytes()
		return err
	})
	if errors.Is(err, redis.Nil) {
		return d, nil
	}
	if err == nil {
		err = json.Unmarshal(doc, &d)
	}
	return d, fail("declaration", err)
}

// Declare writes a declaration in place of the one before, and its act into the
// ledger in the same moment. It blocks until the store answered.
func (r *Redis) Declare(ctx context.Context, d broadcast.Declaration, act alerts.Act) error {
	doc, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("declaration: %w", err)
	}
	text, err := actText(&act)
	if err != nil {
		return err
	}
	k := r.keys
	return fail("declaration", r.repeat(ctx, r.scripts.enter, []string{k.acts(), k.actSeq(), k.actsOf(ofStore), k.declared()}, text, doc).Err())
}
