package broadcast

import (
	"context"
	"errors"
	"fmt"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// Checked is what the last check of an account said, on this node.
type Checked struct {
	At    time.Time
	Fault string // why it failed, without a secret; "": it passed
}

// Wellbeing is a channel and how it fares, as far as this node knows.
type Wellbeing struct {
	Channel, Kind string
	Contact       string // by which it reaches people: phone, email, push; "": public posts
	Readers       alerts.Readers
	Exercise      bool
	Social        bool // a social platform
	Standby       bool // carries only what others fall back on it with
	ByHand        bool // a person posts what it lays out
	Checks        bool // its account can be checked without posting
	Rehearses     bool // it may know a place for a test that the public does not see
	Checked       Checked
	Trouble       *Trouble // nil: it works
	Notes         []string // of the channel itself, in English, without a secret
	Limit         channels.Limit
}

// Wellbeing tells how the channel fares. It does not block and may be called
// from many goroutines.
func (d *Dispatcher) Wellbeing() Wellbeing {
	r := d.Route
	w := Wellbeing{Channel: r.Name(), Kind: r.Kind, Contact: r.addressKind(), Readers: r.readers(), Exercise: r.Exercise, Social: r.Social, Standby: r.Standby, Limit: r.Limit()}
	_, w.ByHand = r.Channel.(channels.ByHand)
	_, w.Checks = r.Channel.(channels.Checker)
	_, w.Rehearses = r.Channel.(channels.Rehearser)
	if n, ok := r.Channel.(interface{ Notes() []string }); ok {
		w.Notes = n.Notes()
	}
	w.Checked = d.uses().breaker.condition.lastCheck()
	if t, troubled := d.Trouble(); troubled {
		w.Trouble = &t
	}
	return w
}

// Look checks the account now, without sending anything, and remembers what it
// said. It blocks until the platform answered, 30 s at most; the error is
// errors.ErrUnsupported where there is nothing to check.
func (d *Dispatcher) Look(ctx context.Context) (Checked, error) {
	p := d.uses()
	if p.checker == nil {
		return Checked{}, errors.ErrUnsupported
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	p.breaker.condition.checked(guard(func() error { return p.checker.Check(ctx) }))
	return p.breaker.condition.lastCheck(), nil
}

// Rehearse posts a text where the public does not see it, and tells in words
// where. It blocks until the platform answered, 30 s at most; the error wraps
// errors.ErrUnsupported where there is no such place.
func (d *Dispatcher) Rehearse(ctx context.Context, text string) (where string, err error) {
	rehearser, ok := d.Route.Channel.(channels.Rehearser)
	if !ok {
		return "", errors.ErrUnsupported
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	err = guard(func() (err error) {
		where, err = rehearser.Rehearse(ctx, text)
		return err
	})
	return where, err
}

// TestTo sends what the channel makes of a record of status Test to one address:
// a telephone number in E.164, or an e-mail address. Nothing of it is kept. It
// blocks until the platform answered, 30 s at most; errors.ErrUnsupported where
// the channel reaches nobody by such an address. The caller has checked the
// address, and bounds how often.
func (d *Dispatcher) TestTo(ctx context.Context, r *alerts.Record, address string) error {
	if kind := d.Route.addressKind(); kind != "phone" && kind != "email" {
		return errors.ErrUnsupported
	}
	if r.Alert.Status != alerts.StatusTest {
		return fmt.Errorf("test to an address: the status is %s", r.Alert.Status)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return guard(func() error {
		all, err := d.Route.Channel.Render(r)
		if err != nil {
			return fmt.Errorf("the channel cannot write the test: %w", err)
		}
		if len(all) == 0 {
			return errors.New("the channel writes nothing of a test")
		}
		m := all[0].For(Filled(r))
		m.To, m.Key, m.Sent = address, "test/"+string(r.ID)+"/"+d.Route.Name(), r.Published
		_, err = d.Route.Channel.Send(ctx, m)
		return err
	})
}

// Dispatchers are the channels of a node, in the order of the configuration.
type Dispatchers []*Dispatcher

// Wellbeing tells how each channel fares.
func (all Dispatchers) Wellbeing() []Wellbeing {
	out := make([]Wellbeing, len(all))
	for i, d := range all {
		out[i] = d.Wellbeing()
	}
	return out
}

// Of finds the channel with the name; nil where there is none.
func (all Dispatchers) Of(name string) *Dispatcher {
	for _, d := range all {
		if d.Route.Name() == name {
			return d
		}
	}
	return nil
}

// remember notes what a check said.
func (c *condition) remember(err error) {
	one := Checked{At: time.Now()}
	if err != nil {
		one.Fault = short(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = one
}

func (c *condition) lastCheck() Checked {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}
