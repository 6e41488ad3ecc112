package dashboards

import (
	"context"
	"slices"

	"martinella/alerts"
	"martinella/broadcast"
)

// Live updates in the store of the tests.

var (
	_ alerts.SitrepStore = (*memory)(nil)
	_ broadcast.Photos   = (*memory)(nil)
)

func (m *memory) AddSitrep(_ context.Context, s *alerts.Sitrep, head alerts.ID, act alerts.Act) (*alerts.Sitrep, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return nil, false, m.down
	}
	for _, have := range m.seen {
		if have.Event == s.Event && have.ID == s.ID {
			return have, false, nil
		}
	}
	stored := *s
	if s.Photo != nil {
		photo := *s.Photo
		if len(photo.JPEG) > 0 {
			m.photos[photo.Digest] = photo.JPEG
		}
		photo.JPEG = nil
		stored.Photo = &photo
	}
	m.seen = append(m.seen, &stored)
	for i, old := range m.seen {
		if s.Replaces != "" && old.ID == s.Replaces {
			if old.Withdrawn != nil {
				return nil, false, alerts.ErrConflict
			}
			gone := *old
			gone.Withdrawn = &alerts.Withdrawal{By: s.Author, At: s.Posted, Replaced: s.ID}
			m.seen[i] = &gone
		}
	}
	m.tellOf(&stored, act)
	return &stored, true, nil
}

func (m *memory) WithdrawSitrep(_ context.Context, event, id alerts.ID, w alerts.Withdrawal, act alerts.Act) (*alerts.Sitrep, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, old := range m.seen {
		if old.Event != event || old.ID != id {
			continue
		}
		if old.Withdrawn != nil {
			return old, false, m.down
		}
		gone := *old
		gone.Withdrawn = &w
		m.seen[i] = &gone
		if gone.Photo != nil {
			delete(m.photos, gone.Photo.Digest)
		}
		m.tellOf(&gone, act)
		return &gone, true, m.down
	}
	return nil, false, alerts.ErrNotFound
}

// tellOf appends the act and the entry of the log; the lock is held.
func (m *memory) tellOf(s *alerts.Sitrep, act alerts.Act) {
	m.act(act)
	var head *alerts.Record
	for _, r := range m.records {
		if r.Event == s.Event && r.State.Published() && (head == nil || r.Revision > head.Revision) {
			head = r
		}
	}
	m.log = append(m.log, broadcast.Entry{Cursor: cursorOf(len(m.log) + 1), Record: head.Clone(), Sitrep: s})
	close(m.moved)
	m.moved = make(chan struct{})
}

func (m *memory) Sitreps(_ context.Context, event alerts.ID) ([]*alerts.Sitrep, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(m.seen), func(s *alerts.Sitrep) bool { return s.Event != event }), m.down
}

func (m *memory) Reported(context.Context) (map[alerts.ID]bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[alerts.ID]bool{}
	for _, s := range m.seen {
		all[s.Event] = true
	}
	return all, m.down
}

func (m *memory) Photo(_ context.Context, digest alerts.Digest) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.photos[digest]; b != nil || m.down != nil {
		return b, m.down
	}
	return nil, alerts.ErrNotFound
}
