package dashboards

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"martinella/alerts"
	"martinella/broadcast"
)

// drawer keeps papers for tests: what the real store promises, without Redis.
type drawer struct {
	mu      sync.Mutex
	past    map[string][]broadcast.Paper // by kind and id, the newest first
	dropped map[string]bool
	down    error
}

var _ broadcast.Papers = (*drawer)(nil)

func newDrawer() *drawer {
	return &drawer{past: map[string][]broadcast.Paper{}, dropped: map[string]bool{}}
}

func (d *drawer) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = err
}

func (d *drawer) Paper(_ context.Context, kind, id string) (broadcast.Paper, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := d.past[kind+" "+id]
	switch {
	case d.down != nil:
		return broadcast.Paper{}, d.down
	case len(all) == 0:
		return broadcast.Paper{}, alerts.ErrNotFound
	}
	return all[0], nil
}

func (d *drawer) Papers(_ context.Context, kind string) ([]broadcast.Paper, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []broadcast.Paper
	for key, all := range d.past {
		if strings.HasPrefix(key, kind+" ") && len(all) > 0 {
			list = append(list, all[0])
		}
	}
	slices.SortFunc(list, func(a, b broadcast.Paper) int { return cmp.Or(b.At.Compare(a.At), strings.Compare(a.ID, b.ID)) })
	return list, d.down
}

func (d *drawer) PutPaper(_ context.Context, p broadcast.Paper) (broadcast.Paper, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := p.Kind + " " + p.ID
	all := d.past[key]
	newest := int64(0)
	if len(all) > 0 {
		newest = all[0].Revision
	}
	switch {
	case d.down != nil:
		return p, d.down
	case d.dropped[key] || p.Revision != newest:
		return p, alerts.ErrStale
	}
	p.Revision++
	p.Doc = slices.Clone(p.Doc)
	d.past[key] = append([]broadcast.Paper{p}, all...)
	return p, nil
}

func (d *drawer) PastPapers(_ context.Context, kind, id string) ([]broadcast.Paper, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := d.past[kind+" "+id]
	if len(all) == 0 && d.down == nil {
		return nil, alerts.ErrNotFound
	}
	return slices.Clone(all), d.down
}

func (d *drawer) DropPaper(_ context.Context, kind, id string, revision int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := kind + " " + id
	all := d.past[key]
	switch {
	case d.down != nil:
		return d.down
	case len(all) == 0:
		return nil
	case all[0].Revision != revision:
		return alerts.ErrStale
	}
	delete(d.past, key)
	d.dropped[key] = true
	return nil
}
