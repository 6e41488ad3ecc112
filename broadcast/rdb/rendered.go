package rdb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
)

var _ broadcast.Rendered = (*Redis)(nil)

// Rendered implements [broadcast.Rendered].
func (r *Redis) Rendered(ctx context.Context, alert alerts.ID) ([]channels.Message, error) {
	op := "messages of " + string(alert)
	var fields map[string]string
	err := again(ctx, func(ctx context.Context) (err error) {
		fields, err = r.commands.HGetAll(ctx, r.keys.out(alert)).Result()
		return err
	})
	if err != nil {
		return nil, fail(op, err)
	}
	var all []channels.Message
	for _, field := range slices.Sorted(mapKeys(fields)) {
		channel, found := strings.CutPrefix(field, "m:")
		if !found {
			continue
		}
		var some []channels.Message
		if err := json.Unmarshal([]byte(fields[field]), &some); err != nil {
			return nil, fmt.Errorf("%s on %s: %w", op, channel, err)
		}
		for i := range some {
			some[i].Channel = channel
		}
		all = append(all, some...)
	}
	return all, nil
}
