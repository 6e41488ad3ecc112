package alerts

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"
)

// memory is a Store and a Publisher that keep the contract in a map.
type memory struct {
	mu       sync.Mutex
	records  map[ID]*Record
	alias    map[string]ID
	acts     []Act
	notes    map[string]bool
	reach    int
	wording  string // part of what is rendered: changing it makes digests stale
	prepares int
}

func newMemory() *memory {
	return &memory{records: map[ID]*Record{}, alias: map[string]ID{}, notes: map[string]bool{}}
}

func (m *memory) Intake(_ context.Context, r *Record, _ []byte, act Act) (*Record, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := r.Alert.Sender + "\x00" + r.Alert.Identifier
	if id, known := m.alias[key]; known {
		return m.records[id].Clone(), false, nil
	}
	m.alias[key], m.records[r.ID] = r.ID, r.Clone()
	m.acts = append(m.acts, act)
	return r.Clone(), true, nil
}

func (m *memory) Get(_ context.Context, id ID, which Latest) (*Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.records[id]
	if r == nil {
		return nil, ErrNotFound
	}
	if which == Exactly {
		return r.Clone(), nil
	}
	for _, other := range m.records {
		if other.Event != r.Event || (which == Published && !other.State.Published()) || other.State == StateRejected {
			continue
		}
		if other.Revision > r.Revision || (which == Published && !r.State.Published()) {
			r = other
		}
	}
	return r.Clone(), nil
}

func (m *memory) Find(_ context.Context, sender, identifier string) (*Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, known := m.alias[sender+"\x00"+identifier]
	if !known {
		return nil, ErrNotFound
	}
	return m.records[id].Clone(), nil
}

func (m *memory) Move(_ context.Context, seen, to *Record, act Act) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.records[seen.ID]
	if r.State != seen.State || r.Approved != seen.Approved {
		return ErrStale
	}
	m.records[seen.ID] = to.Clone()
	m.acts = append(m.acts, act)
	return nil
}

func (m *memory) Note(_ context.Context, event ID, once string, act Act) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := string(event) + "\x00" + once
	if m.notes[key] {
		return false, nil
	}
	m.notes[key] = true
	m.acts = append(m.acts, act)
	return true, nil
}

func (m *memory) Ring(ctx context.Context, once string, r Ring, act Act) (bool, error) {
	return m.Note(ctx, r.Record.Event, once, act)
}

func (m *memory) Watched(ctx context.Context, since time.Time) ([]*Record, error) {
	var all []*Record
	for r := range m.All(ctx, Filter{}) {
		if r.State.Published() && r.Watched() && !r.Published.Before(since) {
			all = append(all, r)
		}
	}
	return all, nil
}

func (m *memory) Raw(context.Context, ID) ([]byte, error) { return nil, ErrNotFound }

func (m *memory) All(_ context.Context, f Filter) iter.Seq2[*Record, error] {
	m.mu.Lock()
	var all []*Record
	for _, r := range m.records {
		if len(f.States) == 0 || slices.Contains(f.States, r.State) {
			all = append(all, r.Clone())
		}
	}
	m.mu.Unlock()
	slices.SortFunc(all, func(a, b *Record) int { return cmp.Compare(b.ID, a.ID) })
	return func(yield func(*Record, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (m *memory) Acts(_ context.Context, event ID) ([]Act, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var of []Act
	for _, a := range m.acts {
		if a.Event == event {
			of = append(of, a)
		}
	}
	return of, nil
}

func (m *memory) Prepare(_ context.Context, r *Record) error {
	m.mu.Lock()
	m.prepares++
	m.mu.Unlock()
	r.Reach = m.reach
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
	r.Approved = digestOf(r.Content, m.wording)
	return nil
}

func (m *memory) Publish(_ context.Context, r *Record, act Act) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if have := m.records[r.ID]; have.State != StateSubmitted || have.Approved != r.Approved || r.Approved != digestOf(r.Content, m.wording) {
		return ErrStale
	}
	if r.Supersedes != "" {
		old := m.records[r.Supersedes]
		if old.Closed != "" {
			return ErrStale
		}
		old.Closed = r.ID
		old.State = map[Change]State{ChangeUpdated: StateSuperseded, ChangeCancelled: StateCancelled, ChangeEnded: StateEnded}[r.Change]
	}
	r.Published = act.At
	r.State, r.Cursor = StateIssued, fmt.Sprint("1-", len(m.acts), "-0")
	m.records[r.ID] = r.Clone()
	m.acts = append(m.acts, act)
	return nil
}

func digestOf(parts ...any) Digest {
	b, _ := json.Marshal(parts)
	sum := sha256.Sum256(b)
	return Digest(hex.EncodeToString(sum[:]))
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.FixedZone("", 3600))

func newDesk(m *memory) *Desk {
	n := 0
	var mu sync.Mutex
	return &Desk{
		Authority: Authority{Slug: "valdemo", Name: "Comune di Valdemo", Sender: "pc@valdemo.example", Language: "it-IT"},
		Policy:    Policy{SecondPersonReach: 1000},
		Store:     m, Publisher: m,
		NewID: func(time.Time) ID {
			mu.Lock()
			defer mu.Unlock()
			n++
			return ID(fmt.Sprintf("%026d", n))
		},
		Digest: func(a *Alert, own bool) (Digest, error) {
			c := a.Clone()
			if own {
				c.Sent = time.Time{}
			}
			return digestOf(c), nil
		},
	}
}

// flood is a valid alert of Valdemo; change bends it.
func flood(change ...func(*Alert)) *Alert {
	a := &Alert{
		Identifier: "valdemo-1", Sender: "pc@valdemo.example", Sent: noon, Status: StatusActual, MsgType: MsgAlert, Scope: ScopePublic,
		Infos: []Info{{
			Language: "it-IT", Categories: []Category{"Met"}, Event: "Piena", Urgency: "Immediate", Severity: SeveritySevere, Certainty: "Observed",
			Expires: noon.Add(6 * time.Hour), Headline: "Salite ai piani alti subito",
			Areas: []Area{{Description: "Valdemo", Geocodes: []Value{{"ISTAT", "047999"}}}},
		}},
	}
	for _, c := range change {
		c(a)
	}
	return a
}

func person(id string, verbs ...Verb) Person {
	return Person{ID: id, Name: id, Rights: Rights{Verbs: verbs, Statuses: Statuses}}
}

func submit(t *testing.T, d *Desk, by Person, a *Alert) (*Record, Outcome, error) {
	t.Helper()
	return d.Submit(t.Context(), by, Submission{Alert: a, Problems: a.Problems(), Via: "api"}, noon)
}
