package rdb

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"
)

// withSteps lets a test have upgrades of its own: layout 0 is that before the
// first.
func withSteps(t *testing.T, own ...step) {
	t.Helper()
	before := steps
	steps = own
	t.Cleanup(func() { steps = before })
}

// aged gives the store that layout, as an older program left it.
func aged(t *testing.T, r *Redis, layout int) (again Config) {
	t.Helper()
	pipe := r.commands.Pipeline()
	pipe.Set(t.Context(), r.keys.schema(), layout, 0)
	pipe.Del(t.Context(), r.keys.oldest())
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	again = r.cfg
	if again.Shared = r.shared; r.server != nil {
		again.Redis = "unix://" + r.server.socket
	}
	return again
}

func counted(n int64) func(context.Context, *Redis) (int64, error) {
	return func(context.Context, *Redis) (int64, error) { return n, nil }
}

func TestAStoreThatOlderProgramsCanUseIsOpened(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		cfg := aged(t, r, Schema+1)
		if err := r.commands.Set(t.Context(), r.keys.oldest(), Schema, 0).Err(); err != nil {
			t.Fatal(err)
		}
		second, err := Open(t.Context(), cfg, quiet(t))
		if err != nil {
			t.Fatal(err)
		}
		defer second.Close()
		if l, err := second.Layout(t.Context()); err != nil || l.Store != Schema+1 || l.Oldest != Schema || l.Program != Schema || len(l.Waiting) != 0 {
			t.Errorf("%+v, %v", l, err)
		}
	})
}

func TestAnUpgradeBesideOlderNodes(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		cfg := aged(t, r, 0)
		done, fails := 0, true
		withSteps(t, step{to: 1, oldest: 0, what: "every record is touched", count: counted(7), do: func(ctx context.Context, r *Redis) error {
			if least, err := r.commands.Get(ctx, r.keys.oldest()).Int(); err != nil || least != 0 {
				t.Errorf("while it is done programs from %d on may use the store, %v", least, err)
			}
			if fails {
				return errors.New("the power is cut")
			}
			done++
			return nil
		}})
		// A program that only looks changes nothing.
		look, err := Open(t.Context(), cfg, quiet(t))
		if err != nil {
			t.Fatal(err)
		}
		l, err := look.Layout(t.Context())
		if err != nil || l.Store != 0 || l.Oldest != 0 || !slices.Equal(l.Waiting, []LayoutStep{{1, true, "every record is touched", 7}}) || done != 0 {
			t.Errorf("dry run: %+v, %v, done %d times", l, err, done)
		}
		if err := look.Close(); err != nil {
			t.Error(err)
		}
		cfg.Gateway = true
		if half, err := Open(t.Context(), cfg, quiet(t)); err == nil {
			half.Close()
			t.Fatal("an upgrade failed, and the store is open")
		}
		fails = false
		for range 2 { // what was cut off goes on; what is done stays
			node, err := Open(t.Context(), cfg, quiet(t))
			if err != nil {
				t.Fatal(err)
			}
			if l, err := node.Layout(t.Context()); err != nil || l.Store != 1 || l.Oldest != 0 || len(l.Waiting) != 0 || done != 1 {
				t.Errorf("%+v, %v, done %d times", l, err, done)
			}
			if err := node.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAnUpgradeThatOlderNodesWouldNotUnderstand(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		cfg := aged(t, r, 0)
		done := 0
		withSteps(t, step{to: 1, oldest: 1, what: "the log has another form", count: counted(3), do: func(ctx context.Context, r *Redis) error {
			if least, err := r.commands.Get(ctx, r.keys.oldest()).Int(); err != nil || least != 1 {
				t.Errorf("while it is done programs from %d on may use the store, %v", least, err)
			}
			done++
			return nil
		}})
		cfg.Gateway, cfg.Program = true, "v2"
		node, err := Open(t.Context(), cfg, quiet(t)) // it works on the layout of before
		if err != nil {
			t.Fatal(err)
		}
		defer node.Close()
		const old = "old-node"
		pipe := r.commands.Pipeline()
		pipe.ZAdd(t.Context(), r.keys.nodes(), redis.Z{Score: 1, Member: old})
		pipe.Set(t.Context(), r.keys.lease(old), "0 v1", 0)
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		l, err := node.Layout(t.Context())
		if err != nil || l.Store != 0 || !slices.Equal(l.Waiting, []LayoutStep{{1, false, "the log has another form", 3}}) || !slices.Contains(l.Nodes, LayoutNode{old, "v1", 0}) {
			t.Errorf("dry run: %+v, %v", l, err)
		}
		if l, err := node.Upgrade(t.Context()); !errors.Is(err, ErrOldNodes) || done != 0 || l.Store != 0 || l.Oldest != 0 {
			t.Errorf("beside an old node: %+v, %v, done %d times", l, err, done)
		}
		if err := r.commands.Del(t.Context(), r.keys.lease(old)).Err(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if l, err := node.Upgrade(t.Context()); err != nil || done != 1 || l.Store != 1 || l.Oldest != 1 || len(l.Waiting) != 0 {
				t.Errorf("without it: %+v, %v, done %d times", l, err, done)
			}
		}
	})
}

func TestANodeTellsItsProgram(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		cfg := aged(t, r, Schema)
		cfg.Gateway, cfg.Program = true, "v1.2.3"
		second, err := Open(t.Context(), cfg, quiet(t))
		if err != nil {
			t.Fatal(err)
		}
		defer second.Close()
		tool := cfg
		tool.Gateway = false
		third, err := Open(t.Context(), tool, quiet(t))
		if err != nil {
			t.Fatal(err)
		}
		defer third.Close()
		l, err := r.Layout(t.Context())
		if err != nil || len(l.Nodes) != 1 || l.Nodes[0].Version != "v1.2.3" || l.Nodes[0].Program != Schema {
			t.Errorf("%+v, %v", l, err)
		}
	})
}
