package dashboards

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// memory is a store of records, acts and the log for tests: what the real one
// promises, without Redis.
type memory struct {
	mu      sync.Mutex
	records []*alerts.Record
	raw     map[alerts.ID][]byte
	acts    []alerts.Act
	log     []broadcast.Entry
	moved   chan struct{}
	keys    []*alerts.Key
	secrets map[string][]byte
	down    error // what every call answers, while set
	durable broadcast.Durability
	sent    map[alerts.ID][]broadcast.Delivery
	reads   int // of deliveries
	alls    int // of all records
	gets    int // of one
	notes   map[string]bool
	failed  []broadcast.Failure
	dead    []broadcast.DeadLetter
	wishes  []broadcast.Resend
	seen    []*alerts.Sitrep
	photos  map[alerts.Digest][]byte
	copied  *bool // what an answer says of replicas, where any are waited for
}

func newMemory() *memory {
	return &memory{photos: map[alerts.Digest][]byte{}, notes: map[string]bool{}, raw: map[alerts.ID][]byte{}, moved: make(chan struct{}), secrets: map[string][]byte{}, sent: map[alerts.ID][]broadcast.Delivery{},
		durable: broadcast.Durability{Mode: "always", Durable: true}}
}

var (
	_ alerts.Store     = (*memory)(nil)
	_ alerts.Publisher = publisher{}
	_ alerts.Keys      = (*memory)(nil)
	_ broadcast.Log    = (*memory)(nil)
	_ broadcast.Work   = (*memory)(nil)

	_ broadcast.Outcomes = (*memory)(nil)
)

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = err
}

func (m *memory) Intake(_ context.Context, r *alerts.Record, raw []byte, act alerts.Act) (*alerts.Record, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return nil, false, m.down
	}
	for _, have := range m.records {
		if have.Alert.Sender == r.Alert.Sender && have.Alert.Identifier == r.Alert.Identifier {
			return have.Clone(), false, nil
		}
	}
	m.records = append(m.records, r.Clone())
	m.raw[r.ID] = raw
	m.act(act)
	return r.Clone(), true, nil
}

func (m *memory) act(a alerts.Act) {
	a.Seq = int64(len(m.acts) + 1)
	m.acts = append(m.acts, a)
}

func (m *memory) Get(_ context.Context, id alerts.ID, which alerts.Latest) (*alerts.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gets++
	if m.down != nil {
		return nil, m.down
	}
	var exact, best *alerts.Record
	for _, r := range m.records {
		if r.ID == id {
			exact = r
		}
	}
	if exact == nil {
		return nil, alerts.ErrNotFound
	}
	if which == alerts.Exactly {
		return exact.Clone(), nil
	}
	for _, r := range m.records {
		if r.Event == exact.Event && (best == nil || r.Revision > best.Revision) && (which == alerts.Newest || r.State.Published()) {
			best = r
		}
	}
	if best == nil {
		best = exact
	}
	return best.Clone(), nil
}

func (m *memory) Find(_ context.Context, sender, identifier string) (*alerts.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return nil, m.down
	}
	for _, r := range m.records {
		if r.Alert.Sender == sender && r.Alert.Identifier == identifier {
			return r.Clone(), nil
		}
	}
	return nil, alerts.ErrNotFound
}

func (m *memory) Move(_ context.Context, seen, to *alerts.Record, act alerts.Act) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return m.down
	}
	for i, r := range m.records {
		if r.ID == seen.ID {
			if r.State != seen.State || r.Approved != seen.Approved {
				return alerts.ErrStale
			}
			m.records[i] = to.Clone()
			m.act(act)
			return nil
		}
	}
	return alerts.ErrNotFound
}

func (m *memory) Note(_ context.Context, event alerts.ID, once string, act alerts.Act) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := string(event) + " " + once
	if m.down != nil || m.notes[key] {
		return false, m.down
	}
	m.notes[key] = true
	m.act(act)
	return true, nil
}

func (m *memory) Ring(ctx context.Context, once string, r alerts.Ring, act alerts.Act) (bool, error) {
	return m.Note(ctx, r.Record.Event, once, act)
}

func (m *memory) Watched(_ context.Context, since time.Time) ([]*alerts.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*alerts.Record
	for _, r := range slices.Backward(m.records) {
		if r.State.Published() && r.Watched() && !r.Published.Before(since) {
			all = append(all, r.Clone())
		}
	}
	return all, m.down
}

func (m *memory) Raw(_ context.Context, id alerts.ID) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b, known := m.raw[id]; known {
		return b, nil
	}
	return nil, alerts.ErrNotFound
}

func (m *memory) All(_ context.Context, f alerts.Filter) iter.Seq2[*alerts.Record, error] {
	return func(yield func(*alerts.Record, error) bool) {
		m.mu.Lock()
		all, down := slices.Clone(m.records), m.down
		m.alls++
		m.mu.Unlock()
		if down != nil {
			yield(nil, down)
			return
		}
		for _, r := range slices.Backward(all) {
			if (len(f.States) == 0 || slices.Contains(f.States, r.State)) && !yield(r.Clone(), nil) {
				return
			}
		}
	}
}

func (m *memory) Acts(_ context.Context, event alerts.ID) ([]alerts.Act, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []alerts.Act
	for _, a := range m.acts {
		if a.Event == event {
			out = append(out, a)
		}
	}
	return out, m.down
}

func cursorOf(n int) broadcast.Cursor {
	return broadcast.Cursor(fmt.Sprintf("0a0b0c0d-%d-0", 1_700_000_000_000+n))
}

func (m *memory) Head(context.Context) (broadcast.Cursor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return cursorOf(len(m.log)), m.down
}

func (m *memory) After(_ context.Context, c broadcast.Cursor, most int) ([]broadcast.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	from := 0
	for from <= len(m.log) && cursorOf(from) != c && c != "" {
		from++
	}
	if from > len(m.log) {
		return nil, broadcast.ErrGone
	}
	return m.log[from:min(len(m.log), from+most)], m.down
}

func (m *memory) Tail(ctx context.Context, c broadcast.Cursor) iter.Seq2[broadcast.Entry, error] {
	return func(yield func(broadcast.Entry, error) bool) {
		for {
			m.mu.Lock()
			moved := m.moved
			m.mu.Unlock()
			entries, err := m.After(ctx, c, 100)
			if err != nil {
				yield(broadcast.Entry{}, err)
				return
			}
			for _, e := range entries {
				c = e.Cursor
				if !yield(e, nil) {
					return
				}
			}
			select {
			case <-moved:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (m *memory) Queue(context.Context, string) (broadcast.Queue, error) { return nil, nil }

func (m *memory) Deliveries(_ context.Context, id alerts.ID) ([]broadcast.Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	return slices.Clone(m.sent[id]), m.down
}

func (m *memory) States(_ context.Context, _ alerts.ID, _ string, from, to uint32) ([]broadcast.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return make([]broadcast.State, to-from), m.down
}

func (m *memory) Failures(_ context.Context, _ alerts.ID, _ string, from uint32, most int, states ...broadcast.State) (page []broadcast.Failure, next uint32, more bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.failed {
		if f.Ordinal < from || !slices.ContainsFunc(states, func(s broadcast.State) bool { return s.String() == f.State }) {
			continue
		}
		if len(page) == most {
			return page, f.Ordinal, true, m.down
		}
		page = append(page, f)
	}
	return page, 0, false, m.down
}

func (m *memory) DeadLetters(_ context.Context, alert alerts.ID, channel string, most int) (list []broadcast.DeadLetter, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.dead {
		if (alert == "" || d.Alert == alert) && (channel == "" || d.Channel == channel) && len(list) < most {
			list = append(list, d)
		}
	}
	return list, m.down
}

func (m *memory) Resend(_ context.Context, r broadcast.Resend) (broadcast.Resent, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return broadcast.Resent{}, m.down
	}
	m.wishes = append(m.wishes, r)
	out := broadcast.Resent{}
	for _, f := range m.failed {
		switch {
		case r.Recipient != nil && *r.Recipient != f.Ordinal:
		case f.State == "failed":
			out.Failed++
		case f.State == "uncertain" && r.Uncertain:
			out.Uncertain++
		}
	}
	if out != (broadcast.Resent{}) {
		m.act(r.Act)
	}
	out.Replicated = m.copied
	return out, nil
}

func (m *memory) Durability(context.Context) (broadcast.Durability, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.durable, m.down
}

func (m *memory) ByToken(_ context.Context, sum string) (*alerts.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.keys {
		if k.TokenSHA256 == sum {
			return k, nil
		}
	}
	return nil, alerts.ErrNotFound
}

func (m *memory) BySigner(_ context.Context, id string) (*alerts.Key, []byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.keys {
		if k.Person.ID == id {
			return k, m.secrets[id], nil
		}
	}
	return nil, nil, alerts.ErrNotFound
}

func (m *memory) Add(_ context.Context, k *alerts.Key, secret []byte, act alerts.Act) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if act.Verb != "" {
		m.act(act)
	}
	m.keys = append(m.keys, k)
	m.secrets[k.Person.ID] = secret
	return nil
}

func (m *memory) List(context.Context) ([]*alerts.Key, error) { return m.keys, nil }

func (m *memory) Revoke(_ context.Context, id string, act alerts.Act) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.keys {
		if k.Person.ID == id {
			k.Revoked = act.At
			m.act(act)
		}
	}
	return nil
}

// publisher renders nothing: what is approved is the content alone.
type publisher struct{ m *memory }

func (p publisher) Prepare(_ context.Context, r *alerts.Record) error {
	sum := sha256.Sum256([]byte("approved " + r.Content))
	r.Approved = alerts.Digest(hex.EncodeToString(sum[:]))
	if r.Channels == nil {
		r.Channels = []string{"outbox"}
	}
	if len(r.Areas) == 0 {
		for _, in := range r.Alert.Infos {
			for _, ar := range in.Areas {
				r.Areas = append(r.Areas, ar.Geocodes...)
			}
		}
	}
	return nil
}

func (p publisher) Publish(_ context.Context, r *alerts.Record, act alerts.Act) error {
	m := p.m
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.down != nil:
		return m.down
	case m.durable.Memory && r.Alert.Status == alerts.StatusActual:
		return &alerts.Refusal{Kind: alerts.ErrNotDurable}
	}
	for i, have := range m.records {
		if have.ID != r.ID {
			continue
		}
		if have.State != alerts.StateSubmitted {
			return alerts.ErrStale
		}
		r.State, r.Published = alerts.StateIssued, time.Now()
		if r.Own {
			r.Alert.Sent = r.Published.Truncate(time.Second)
		}
		r.Cursor = string(cursorOf(len(m.log) + 1))
		m.records[i] = r.Clone()
		for _, earlier := range m.records {
			if earlier.ID == r.Supersedes {
				earlier.State = map[alerts.Change]alerts.State{alerts.ChangeCancelled: alerts.StateCancelled, alerts.ChangeEnded: alerts.StateEnded, alerts.ChangeUpdated: alerts.StateSuperseded}[r.Change]
				earlier.Closed = r.ID
			}
		}
		m.act(act)
		m.log = append(m.log, broadcast.Entry{Cursor: broadcast.Cursor(r.Cursor), Record: r.Clone()})
		close(m.moved)
		m.moved = make(chan struct{})
		return nil
	}
	return alerts.ErrNotFound
}
