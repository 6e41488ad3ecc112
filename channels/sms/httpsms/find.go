package httpsms

import (
	"context"
	"errors"
	"sync"
	"time"

	"martinella/channels"
	"martinella/channels/sms"
)

var errUnasked = errors.New("the provider cannot be asked what became of a message")

// Find asks the provider whose answer was lost, or, where this process does not
// know which one that was, every one that serves the number. "Not found" takes
// a no of each that may have it.
func (c finding) Find(ctx context.Context, m channels.Message) (channels.Receipt, bool, error) {
	name, wait := c.doubts.of(m.Key)
	t := text{Message: m, parts: weigh(m.Text)}
	var unknown error
	for _, r := range c.serving(m.To) {
		if name != "" && r.name != name {
			continue
		}
		if !r.carrier.finds() {
			unknown = errors.Join(unknown, errUnasked)
			continue
		}
		id, found, err := r.carrier.find(ctx, t)
		if err == nil && !found && wait > 0 {
			// A list may lag behind what was just taken.
			if !pause(ctx, wait) {
				return channels.Receipt{}, false, c.worded(errors.New("it is too early to say that the provider does not have it"), m.To)
			}
			id, found, err = r.carrier.find(ctx, t)
		}
		switch {
		case err != nil:
			unknown = errors.Join(unknown, err)
		case found:
			c.doubts.done(m.Key)
			return channels.Receipt{ID: r.name + ":" + id}, true, nil
		}
	}
	if unknown != nil {
		return channels.Receipt{}, false, wrap(errors.New(unknown.Error()), "find the sms to "+sms.Mask(m.To))
	}
	c.doubts.done(m.Key)
	return channels.Receipt{}, false, nil
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// settleTime is when a "not found" counts after the attempt. No provider says
// how soon a message that it took is listed.
const settleTime = 5 * time.Second

// doubts remembers which provider a message was given to when its answer was
// lost, by Message.Key. It lives as long as the process.
type doubts struct {
	clock   func() time.Time
	settled time.Duration

	mu    sync.Mutex
	byKey map[string]doubt
	order []string
}

type doubt struct {
	provider string
	at       time.Time
}

// mostDoubts bounds the memory; the oldest go first.
const mostDoubts = 1 << 16

func (d *doubts) note(key, provider string) {
	if key == "" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byKey == nil {
		d.byKey = map[string]doubt{}
	}
	if _, has := d.byKey[key]; !has {
		d.order = append(d.order, key)
	}
	d.byKey[key] = doubt{provider, d.clock()}
	for len(d.order) > mostDoubts {
		delete(d.byKey, d.order[0])
		d.order = d.order[1:]
	}
}

// of gives the provider, "" where it is not known, and how long a "not found"
// does not count yet.
func (d *doubts) of(key string) (provider string, wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	one, known := d.byKey[key]
	if !known {
		return "", 0
	}
	return one.provider, max(one.at.Add(d.settled).Sub(d.clock()), 0)
}

// done forgets a message. Its place in the order stays until its turn comes.
func (d *doubts) done(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.byKey, key)
}
