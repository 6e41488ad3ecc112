package broadcast

import (
	"sync"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// Trouble is why the account of a channel is not updated at the moment. Reason
// and Renewal are for the operator alone: the public is told only that.
type Trouble struct {
	Channel string
	Kind    string         // of the configuration: "smpp"
	Contact string         // the address that it needs: "phone"; "" for public posts
	Readers alerts.Readers // who stands at its end
	Standby bool           // carries only what others fall back on it with
	Since   time.Time
	Refused bool   // the platform refuses the credentials; else it keeps failing
	Reason  string // without a secret
	Renewal string // how to renew the credentials, where the channel knows
}

// troubleAfter is how long a platform may fail before its account counts as
// not updated. Refused credentials count at once: they do not mend themselves.
const troubleAfter = 2 * time.Minute

// Trouble tells whether the account of this channel is not updated at the
// moment, as far as this node knows: it refused the credentials, to a message
// or to a check, or it has been failing for two minutes. It does not block and
// may be called from many goroutines.
func (d *Dispatcher) Trouble() (Trouble, bool) {
	t, troubled := d.uses().breaker.condition.now(time.Now())
	t.Channel, t.Kind, t.Contact, t.Readers, t.Standby = d.Route.Name(), d.Route.Kind, d.Route.addressKind(), d.Route.readers(), d.Route.Standby
	if renewer, ok := d.Route.Channel.(channels.Renewer); ok && t.Refused {
		t.Renewal = renewer.Renewal()
	}
	return t, troubled
}

// condition is how an account has fared. Unlike the breaker it does not become
// good by time alone, but by what the platform answers.
type condition struct {
	mu      sync.Mutex
	trouble Trouble // zero: none
	last    Checked // zero: not yet
}

// refused notes that the platform refuses the credentials.
func (c *condition) refused(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.trouble.Refused {
		c.trouble = Trouble{Since: time.Now(), Refused: true, Reason: reason}
	}
}

// failing notes that the platform keeps failing.
func (c *condition) failing() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trouble == (Trouble{}) {
		c.trouble = Trouble{Since: time.Now(), Reason: "the platform keeps failing"}
	}
}

// fine notes that the platform took something of ours.
func (c *condition) fine() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trouble = Trouble{}
}

// checked notes what a check of the credentials said. One that passes proves
// nothing of posts that fail, and one that complains of something else (a
// credential that will expire) nothing of posts that go through.
func (c *condition) checked(err error) {
	c.remember(err)
	if v, _ := channels.VerdictOf(err); v == channels.VerdictUnauthorized {
		c.refused(short(err))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && c.trouble.Refused {
		c.trouble = Trouble{}
	}
}

func (c *condition) now(now time.Time) (Trouble, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.trouble
	if t.Refused || (!t.Since.IsZero() && now.Sub(t.Since) >= troubleAfter) {
		return t, true
	}
	return Trouble{}, false
}
