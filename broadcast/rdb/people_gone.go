package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"martinella/alerts"
	"martinella/broadcast"
)

// errMore says that a person has another contact by now.
var errMore = errors.New("there is another contact")

// Unlist implements [broadcast.Roll]. Unlike a person's own wish to be erased it
// asks for no rewriting of the append-only file: many addresses may be gone
// while an alert is being sent.
func (p *People) Unlist(ctx context.Context, number uint32, kind, address string, act alerts.Act) (bool, error) {
	note, err := json.Marshal(act)
	if err != nil {
		return false, fmt.Errorf("unlist an address: %w", err)
	}
	for range tries {
		changed := false
		err := p.Change(ctx, number, &act, func(m *broadcast.Member) (bool, error) {
			changed = m.Contacts[kind] == address
			if changed && len(m.Contacts) == 1 {
				return false, errMore // there is none, but this
			}
			delete(m.Contacts, kind)
			return changed, nil
		})
		switch {
		case errors.Is(err, alerts.ErrNotFound):
			return false, nil
		case !errors.Is(err, errMore):
			return changed && err == nil, err
		}
		erased, err := p.erase(ctx, number, note, false, func(m *broadcast.Member) bool {
			return len(m.Contacts) == 1 && m.Contacts[kind] == address
		})
		if err != nil {
			return false, fail("erase person "+strconv.FormatUint(uint64(number), 10), err)
		}
		if erased {
			return true, nil
		}
	}
	return false, fmt.Errorf("unlist an address: %w", alerts.ErrStale)
}
