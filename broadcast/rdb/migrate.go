package rdb

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"martinella/alerts"
)

// step brings the keys of a store from one layout to the next. It must be safe
// to run again, and beside another node that runs it: a program may die in the
// middle of it.
type step struct {
	to     int
	oldest int    // layout of the oldest program that can use the store afterwards, and while it is done
	what   string // it changes, for who decides
	count  func(ctx context.Context, r *Redis) (int64, error)
	do     func(ctx context.Context, r *Redis) error
}

// ErrNewerSchema is the error of a store that this program is too old for.
var ErrNewerSchema = errors.New("the store was written by a newer program")

// ErrOldNodes is the error of an upgrade that nodes which are running would not
// understand.
var ErrOldNodes = errors.New("older nodes are running")

// Layout tells how the layout of a store and that of a program stand.
type Layout struct {
	Store   int // of the store
	Oldest  int // of the oldest program that can use it: from there on a rollback is possible
	Program int // of this program: [Schema]
	Waiting []LayoutStep
	Nodes   []LayoutNode // that run now
}

// LayoutStep is an upgrade that the store has not had yet.
type LayoutStep struct {
	To     int
	Beside bool // nodes of the store's present layout can go on beside it: serve does it by itself
	What   string
	Keys   int64 // that it would change
}

// LayoutNode is a running node.
type LayoutNode struct {
	Name, Version string // Version is that of its program; "": it does not tell
	Program       int    // its [Schema]
}

// oldest gives the layout of the oldest program that can use a store of layout
// n, which this program wrote from the start.
func oldest(n int) int {
	for _, s := range steps {
		if s.to == n {
			return s.oldest
		}
	}
	return n
}

// layout reads that of the store, and writes it into a new one.
func (r *Redis) layout(ctx context.Context) (have, oldestProgram int, err error) {
	err = again(ctx, func(ctx context.Context) error {
		found, err := r.commands.MGet(ctx, r.keys.schema(), r.keys.oldest()).Result()
		if err == nil && found[0] == nil { // only a new store is written to: a full one must still open
			if err := r.commands.SetNX(ctx, r.keys.oldest(), oldest(Schema), 0).Err(); err != nil {
				return err
			}
			if err := r.commands.SetNX(ctx, r.keys.schema(), Schema, 0).Err(); err != nil {
				return err
			}
			found, err = r.commands.MGet(ctx, r.keys.schema(), r.keys.oldest()).Result()
		}
		if err != nil {
			return err
		}
		if have, err = layoutNumber(found[0]); err != nil {
			return err
		}
		oldestProgram = have
		if found[1] != nil {
			oldestProgram, err = layoutNumber(found[1])
		}
		return err
	})
	if err != nil {
		return 0, 0, fail("schema", err)
	}
	return have, oldestProgram, nil
}

func layoutNumber(stored any) (int, error) {
	text, _ := stored.(string)
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("the schema is %q, not a number", text)
	}
	return n, nil
}

// migrate refuses a store that is too new or too old for this program. Where
// the configuration says so it carries out what nodes of before can live with;
// the rest waits for [Redis.Upgrade].
func (r *Redis) migrate(ctx context.Context) error {
	have, least, err := r.layout(ctx)
	if err != nil {
		return err
	}
	if Schema < least {
		return fmt.Errorf("%w: its schema is %d, which programs from schema %d on can use; this one has %d; install the newer program", ErrNewerSchema, have, least, Schema)
	}
	for _, s := range steps {
		if s.to <= have || s.to > Schema {
			continue
		}
		if !r.cfg.Gateway || s.oldest > have {
			r.log.Warn("the schema of the store waits to be upgraded: see martinella schema", zap.Int("store", have), zap.Int("program", Schema))
			return nil
		}
		if err := r.take(ctx, s); err != nil {
			return err
		}
		have = s.to
	}
	return nil
}

// take carries a step out. Programs that it leaves behind are refused from its
// beginning on.
func (r *Redis) take(ctx context.Context, s step) error {
	if err := r.commands.Set(ctx, r.keys.oldest(), s.oldest, 0).Err(); err != nil {
		return fail("schema", err)
	}
	if err := s.do(ctx, r); err != nil {
		return fail(fmt.Sprintf("upgrade to schema %d", s.to), err)
	}
	if err := r.commands.Set(ctx, r.keys.schema(), s.to, 0).Err(); err != nil {
		return fail("schema", err)
	}
	r.log.Info("the schema of the store was upgraded", zap.Int("to", s.to), zap.Int("oldest_program", s.oldest))
	return nil
}

// Layout tells how the store and this program stand, and what an upgrade would
// change. It changes nothing.
func (r *Redis) Layout(ctx context.Context) (Layout, error) {
	have, least, err := r.layout(ctx)
	if err != nil {
		return Layout{}, err
	}
	l := Layout{Store: have, Oldest: least, Program: Schema}
	for _, s := range steps {
		if s.to <= have || s.to > Schema {
			continue
		}
		keys, err := s.count(ctx, r)
		if err != nil {
			return l, fail("schema", err)
		}
		l.Waiting = append(l.Waiting, LayoutStep{To: s.to, Beside: s.oldest <= have, What: s.what, Keys: keys})
	}
	if l.Nodes, err = r.layoutNodes(ctx); err != nil {
		return l, err
	}
	return l, nil
}

// Upgrade carries out every step that waits, and tells how things stand then.
// [ErrOldNodes] where a node is running that would not understand the result:
// nothing was changed.
func (r *Redis) Upgrade(ctx context.Context) (Layout, error) {
	l, err := r.Layout(ctx)
	if err != nil || len(l.Waiting) == 0 {
		return l, err
	}
	least := 0
	for _, s := range steps {
		if s.to > l.Store && s.to <= Schema {
			least = max(least, s.oldest)
		}
	}
	for _, n := range l.Nodes {
		if n.Program < least {
			return l, fmt.Errorf("%w: %s has schema %d, and the store would need programs from schema %d on", ErrOldNodes, n.Name, n.Program, least)
		}
	}
	for _, s := range steps {
		if s.to <= l.Store || s.to > Schema {
			continue
		}
		if err := r.take(ctx, s); err != nil {
			return l, err
		}
	}
	return r.Layout(ctx)
}

// layoutNodes are the gateways whose lease holds, but for this node.
func (r *Redis) layoutNodes(ctx context.Context) (nodes []LayoutNode, err error) {
	err = again(ctx, func(ctx context.Context) error {
		nodes = nil
		names, err := r.commands.ZRange(ctx, r.keys.nodes(), 0, -1).Result()
		if err != nil {
			return err
		}
		for _, name := range names {
			if name == r.node {
				continue
			}
			text, err := r.commands.Get(ctx, r.keys.lease(name)).Result()
			if errors.Is(err, redis.Nil) || text == leaseOfTool {
				continue
			} else if err != nil {
				return err
			}
			n := LayoutNode{Name: name, Program: 1} // the first one did not tell
			if number, version, found := strings.Cut(text, " "); found {
				if n.Program, err = strconv.Atoi(number); err != nil {
					return fmt.Errorf("the lease of node %s cannot be read: %w", name, alerts.ErrUnavailable)
				}
				n.Version = version
			}
			nodes = append(nodes, n)
		}
		return nil
	})
	if err != nil {
		return nil, fail("nodes", err)
	}
	return nodes, nil
}

// leaseText is what this node's lease says of its program.
func (r *Redis) leaseText() string {
	if !r.cfg.Gateway {
		return leaseOfTool
	}
	return strconv.Itoa(Schema) + " " + r.cfg.Program
}

const leaseOfTool = "tool"
