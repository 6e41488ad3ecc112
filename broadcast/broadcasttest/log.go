package broadcasttest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/broadcast"
)

// TestLog is the contract of broadcast.Log.
func TestLog(t *testing.T, open Open) {
	for name, check := range map[string]func(*testing.T, *Node){
		"an empty log has a head and nothing after it":    emptyLog,
		"what is published comes in order, each once":     logOrder,
		"an entry tells of its own moment":                logMoment,
		"a tail gives the past, then what comes":          tailLive,
		"a tail from an empty cursor starts at the start": tailAll,
		"a cursor of another epoch or of nowhere is gone": cursorGone,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

func emptyLog(t *testing.T, n *Node) {
	head, err := n.Log.Head(t.Context())
	if err != nil || head == "" {
		t.Fatalf("head %q, %v", head, err)
	}
	if entries, err := n.Log.After(t.Context(), head, 10); err != nil || len(entries) != 0 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
	r := n.issue(t, NewRecord(alerts.SeverityMinor, "sito"), nil)
	entries, err := n.Log.After(t.Context(), head, 10)
	if err != nil || len(entries) != 1 || entries[0].Record.ID != r.ID {
		t.Errorf("after the head of the empty log: %v, %v", entries, err)
	}
}

func logOrder(t *testing.T, n *Node) {
	var want []*alerts.Record
	for range 7 {
		want = append(want, n.issue(t, NewRecord(alerts.SeverityMinor, "sito"), nil))
	}
	var got []broadcast.Entry
	var at broadcast.Cursor
	for {
		some, err := n.Log.After(t.Context(), at, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			break
		}
		if len(some) > 3 {
			t.Errorf("%d entries, want at most 3", len(some))
		}
		got, at = append(got, some...), some[len(some)-1].Cursor
	}
	if len(got) != len(want) {
		t.Fatalf("%d entries, want %d", len(got), len(want))
	}
	for i, e := range got {
		if !equal(t, e.Record, want[i]) || string(e.Cursor) != want[i].Cursor {
			t.Errorf("entry %d is %s at %s, want %s at %s", i, e.Record.ID, e.Cursor, want[i].ID, want[i].Cursor)
		}
	}
	if head, err := n.Log.Head(t.Context()); err != nil || head != at {
		t.Errorf("the head is %q, %v, want %q", head, err, at)
	}
}

func logMoment(t *testing.T, n *Node) {
	first := n.issue(t, NewRecord(alerts.SeverityMinor, "sito"), nil)
	n.issue(t, Revise(first, alerts.ChangeCancelled), nil)
	entries, err := n.Log.After(t.Context(), "", 10)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	if !equal(t, entries[0].Record, first) {
		t.Errorf("got %s\nwant %s", text(t, entries[0].Record), text(t, first))
	}
}

func tailLive(t *testing.T, n *Node) {
	before := n.issue(t, NewRecord(alerts.SeverityMinor, "sito"), nil)
	past := n.issue(t, NewRecord(alerts.SeverityMinor, "sito"), nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	entries := make(chan broadcast.Entry)
	go func() {
		defer close(entries)
		for e, err := range n.Log.Tail(ctx, broadcast.Cursor(before.Cursor)) {
			if err != nil {
				t.Error(err)
				return
			}
			entries <- e
		}
	}()
	if e := <-entries; e.Record == nil || e.Record.ID != past.ID {
		t.Fatalf("first came %v, want what was there: %s", e, past.ID)
	}
	for range 3 {
		want := n.issue(t, NewRecord(alerts.SeverityMinor, "sito"), nil)
		if e := <-entries; e.Record == nil || e.Record.ID != want.ID || string(e.Cursor) != want.Cursor {
			t.Fatalf("then came %v, want %s", e, want.ID)
		}
	}
	cancel()
	if _, more := <-entries; more {
		t.Error("an entry came after the end")
	}
}

func tailAll(t *testing.T, n *Node) {
	want := n.issue(t, NewRecord(alerts.SeverityMinor, "sito"), nil)
	for e, err := range n.Log.Tail(t.Context(), "") {
		if err != nil || e.Record.ID != want.ID {
			t.Errorf("got %v, %v, want %s", e, err, want.ID)
		}
		break
	}
}

func cursorGone(t *testing.T, n *Node) {
	r := n.issue(t, NewRecord(alerts.SeverityMinor, "sito"), nil)
	epoch, rest, _ := strings.Cut(r.Cursor, "-")
	for name, c := range map[string]string{
		"another epoch": "0" + epoch + "-" + rest, "the future": epoch + "-99999999999999-0", "no cursor": "hello", "half of one": epoch + "-17", "a sign": epoch + "--1-0",
	} {
		if _, err := n.Log.After(t.Context(), broadcast.Cursor(c), 10); !errors.Is(err, broadcast.ErrGone) {
			t.Errorf("%s: After gave %v, want broadcast.ErrGone", name, err)
		}
		for _, err := range n.Log.Tail(t.Context(), broadcast.Cursor(c)) {
			if !errors.Is(err, broadcast.ErrGone) {
				t.Errorf("%s: Tail gave %v, want broadcast.ErrGone", name, err)
			}
			break
		}
	}
}
