package broadcasttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"martinella/alerts"
	"martinella/broadcast"
)

// Checker remembers what clients were promised, and compares it afterwards
// with what the store has: nothing acknowledged may be lost, nothing may be
// there twice, and what differs from its promise was changed silently. It may
// be used from many goroutines.
type Checker struct {
	mu       sync.Mutex
	stored   map[string]Promise // by sender and identifier
	problems []string
}

// Promise is what a client was answered. Published says that the answer was
// "issued"; without it the record may still be published.
type Promise struct {
	Sender     string
	Identifier string
	ID         alerts.ID
	Content    alerts.Digest // "" is not compared
	Published  bool
}

// NewChecker remembers nothing yet.
func NewChecker() *Checker { return &Checker{stored: map[string]Promise{}} }

// Acked notes an answer that says the alert is stored. A client that asks
// again may be promised more, never something else.
func (c *Checker) Acked(p Promise) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := p.Sender + "\x00" + p.Identifier
	if before, known := c.stored[key]; known {
		if before.ID != p.ID {
			c.problems = append(c.problems, fmt.Sprintf("%s was answered as %s and as %s", p.Identifier, before.ID, p.ID))
		}
		p.Published = p.Published || before.Published
		if p.Content == "" {
			p.Content = before.Content
		}
	}
	c.stored[key] = p
}

// Verdict is what [Checker.Compare] found; all lists are empty when the store
// kept its word.
type Verdict struct {
	Promised, Published int      // alerts
	Stored, Logged      int      // records and log entries in the store
	Lost                []string // acknowledged, and not there (or not published though said so)
	Doubled             []string // there twice
	Wrong               []string // other than promised, or records, log and acts contradict one another
}

// Good reports whether nothing was lost, doubled or changed.
func (v Verdict) Good() bool { return len(v.Lost)+len(v.Doubled)+len(v.Wrong) == 0 }

// String sums the verdict up, with the first few cases of each kind.
func (v Verdict) String() string {
	few := func(list []string) []string { return list[:min(len(list), 5)] }
	return fmt.Sprintf("%d promised (%d as published), %d stored, %d in the log; lost %d %v, doubled %d %v, wrong %d %v",
		v.Promised, v.Published, v.Stored, v.Logged, len(v.Lost), few(v.Lost), len(v.Doubled), few(v.Doubled), len(v.Wrong), few(v.Wrong))
}

// Compare reads the whole store and log. Nothing should write meanwhile.
func (c *Checker) Compare(ctx context.Context, store alerts.Store, log broadcast.Log) (Verdict, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := Verdict{Promised: len(c.stored), Wrong: slices.Clone(c.problems)}

	records, names := map[alerts.ID]*alerts.Record{}, map[string]alerts.ID{}
	for r, err := range store.All(ctx, alerts.Filter{}) {
		if err != nil {
			return v, err
		}
		v.Stored++
		key := r.Alert.Sender + "\x00" + r.Alert.Identifier
		if other, known := names[key]; known {
			v.Doubled = append(v.Doubled, fmt.Sprintf("%s is stored as %s and %s", r.Alert.Identifier, other, r.ID))
		}
		names[key], records[r.ID] = r.ID, r
	}

	logged := map[alerts.ID]broadcast.Cursor{}
	for at := broadcast.Cursor(""); ; {
		entries, err := log.After(ctx, at, 500)
		if err != nil {
			return v, err
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			v.Logged++
			if _, twice := logged[e.Record.ID]; twice {
				v.Doubled = append(v.Doubled, fmt.Sprintf("%s is in the log twice", e.Record.ID))
			}
			logged[e.Record.ID] = e.Cursor
			at = e.Cursor
		}
	}

	for id, r := range records {
		switch cursor, in := logged[id]; {
		case r.State.Published() && !in:
			v.Wrong = append(v.Wrong, fmt.Sprintf("%s is %s, but not in the log", id, r.State))
		case !r.State.Published() && in:
			v.Wrong = append(v.Wrong, fmt.Sprintf("%s is in the log, but %s", id, r.State))
		case in && r.Cursor != string(cursor):
			v.Wrong = append(v.Wrong, fmt.Sprintf("%s has the cursor %s, its entry %s", id, r.Cursor, cursor))
		}
		if err := checkActs(ctx, store, r); err != nil {
			if !errors.Is(err, errActs) {
				return v, err
			}
			v.Wrong = append(v.Wrong, err.Error())
		}
	}

	for _, p := range c.stored {
		if p.Published {
			v.Published++
		}
		r := records[p.ID]
		_, in := logged[p.ID]
		switch {
		case r == nil:
			v.Lost = append(v.Lost, p.Identifier)
		case p.Published && !in:
			v.Lost = append(v.Lost, p.Identifier+" (its publication)")
		case r.Alert.Identifier != p.Identifier || r.Alert.Sender != p.Sender || p.Content != "" && r.Content != p.Content:
			v.Wrong = append(v.Wrong, fmt.Sprintf("%s is another alert than %s", p.ID, p.Identifier))
		}
	}
	return v, nil
}

var errActs = errors.New("the acts contradict the record")

// checkActs looks for exactly one act of submission and at most one of issuing
// for a record.
func checkActs(ctx context.Context, store alerts.Store, r *alerts.Record) error {
	acts, err := store.Acts(ctx, r.Event)
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for _, a := range acts {
		if a.Alert == r.ID {
			counts[a.Verb]++
		}
	}
	issued := counts["issued"] + counts["approved"] + counts["cancelled"] + counts["ended"]
	if counts["submitted"] > 1 || issued > 1 && r.Change == alerts.ChangeIssued || counts["submitted"] == 0 && issued == 0 {
		return fmt.Errorf("%w: %s has %v", errActs, r.ID, counts)
	}
	return nil
}
