package rdb

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
)

// ofStaff names the list of the acts on people of staff and on API keys, as the
// id of an event names that of its acts.
const ofStaff = "staff"

// actText is an act as it is stored; "" for none.
func actText(act *alerts.Act) (string, error) {
	if act == nil {
		return "", nil
	}
	text, err := json.Marshal(act)
	if err != nil {
		return "", fmt.Errorf("act: %w", err)
	}
	return string(text), nil
}

// RecentActs implements [broadcast.Staff].
func (s *Staff) RecentActs(ctx context.Context, most int) ([]alerts.Act, error) {
	const op = "acts on staff"
	var numbers []string
	err := again(ctx, func(ctx context.Context) (err error) {
		numbers, err = s.r.commands.LRange(ctx, s.r.keys.actsOf(ofStaff), -int64(most), -1).Result()
		return err
	})
	if err != nil || len(numbers) == 0 {
		return nil, fail(op, err)
	}
	found := make([]*redis.XMessageSliceCmd, len(numbers))
	err = again(ctx, func(ctx context.Context) error {
		pipe := s.r.commands.Pipeline()
		for i, n := range numbers {
			found[len(numbers)-1-i] = pipe.XRange(ctx, s.r.keys.acts(), n+"-0", n+"-0")
		}
		_, err := pipe.Exec(ctx)
		return err
	})
	if err != nil {
		return nil, fail(op, err)
	}
	var acts []alerts.Act
	for i, one := range found {
		if len(one.Val()) == 0 {
			return nil, fmt.Errorf("%s: act %s is missing", op, strconv.Quote(numbers[len(numbers)-1-i]))
		}
		act, err := readAct(one.Val()[0])
		if err != nil {
			return nil, fail(op, err)
		}
		acts = append(acts, act)
	}
	return acts, nil
}
