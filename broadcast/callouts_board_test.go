package broadcast_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/rdb"
)

// The board reaches the cursor of a page to volunteers, which readers of lists
// are given, and shows nothing of it.
func TestTheBoardReachesPagesAndShowsNone(t *testing.T) {
	store, err := rdb.Open(t.Context(), rdb.Config{Redis: rdb.Memory, Authority: "valdemo"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	board := broadcast.NewBoard(store.Store(), store.Log(), zap.NewNop())
	running.Go(func() { _ = board.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		_ = store.Close()
	})
	before, err := store.Log().Head(ctx)
	if err == nil {
		_, err = board.Wait(ctx, before, 10*time.Second) // it is loaded, and follows from here
	}
	if err != nil {
		t.Fatal(err)
	}
	calls, now := store.Callouts(), time.Now()
	call := broadcasttest.NewCall(now)
	if _, err := calls.Open(ctx, call, broadcasttest.LegsOf(now, 0, 1), broadcasttest.CallAct(call, "called", now)); err != nil {
		t.Fatal(err)
	}
	round, err := calls.Take(ctx, now.Add(time.Second), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	page := broadcasttest.PageOf(call, now, "sms", 1)
	if err := calls.Page(ctx, round, page, nil, time.Time{}); err != nil {
		t.Fatal(err)
	}
	view, err := board.Wait(ctx, broadcast.Cursor(page.Record.Cursor), 10*time.Second)
	if err != nil || !view.Cursor.Reached(broadcast.Cursor(page.Record.Cursor)) {
		t.Errorf("the board stands at %s, %v, want %s", view.Cursor, err, page.Record.Cursor)
	}
	if shown := view.Now(time.Now()); len(shown) > 0 {
		t.Errorf("the board shows %v", shown)
	}
}
