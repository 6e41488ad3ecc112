package httpsms

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"martinella/channels"
)

// text is what one provider is asked to carry.
type text struct {
	channels.Message
	from   string // the sender; "": the provider's own
	answer bool   // to somebody who wrote: no receipt
	parts  int
}

// carrier is one provider's interface. Its methods may be called from many
// goroutines; ids are the provider's own.
type carrier interface {
	// send makes one attempt; its verdicts are those of [channels.Channel]. An
	// error of [elsewhere] is permanent here alone.
	send(ctx context.Context, t text) (id string, err error)
	// finds reports whether find can tell.
	finds() bool
	find(ctx context.Context, t text) (id string, found bool, err error)
	// checks reports whether check proves the credentials; where it does not, it
	// is nil whatever they are.
	checks() bool
	check(ctx context.Context) error
	// events reads a request to the hook: [channels.ErrForged] where it is not
	// this provider's.
	events(r *http.Request, body []byte) ([]channels.DeliveryReport, []channels.Reply, error)
	// hears reports whether what people write comes back through events.
	hears() bool
	// hookNote says what the operator should know of receipts; "": nothing.
	hookNote() string
}

// route is a provider with the numbers that it serves.
type route struct {
	name     string
	prefixes []string
	source   string
	reply    string
	pace     *pace // nil: the channel's own is enough
	carrier  carrier

	mu      sync.Mutex
	until   time.Time // it asked to wait, or refuses us
	refused bool      // it was the credentials
}

func (r *route) serves(number string) bool {
	return len(r.prefixes) == 0 || slices.ContainsFunc(r.prefixes, func(p string) bool { return strings.HasPrefix(number, p) })
}

// resting gives how long the provider is not to be asked, and whether it
// refuses our credentials.
func (r *route) resting(now time.Time) (time.Duration, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(r.until.Sub(now), 0), r.refused
}

// rest notes that the provider is not to be asked for a while; news reports
// whether its credentials were well before.
func (r *route) rest(d time.Duration, refused bool) (news bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	news = refused && !r.refused
	if until := time.Now().Add(d); until.After(r.until) {
		r.until = until
	}
	r.refused = refused
	return news
}

// well notes that the provider takes our credentials; news reports whether it
// did not. A pause that it asked for stays: the yes may be to what went before.
func (r *route) well() (news bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.refused {
		return false
	}
	r.until, r.refused = time.Time{}, false
	return true
}

// pace spaces out the parts that one process sends through one of several
// providers; where there is one alone, the dispatcher's limit is its own.
type pace struct {
	every time.Duration

	mu   sync.Mutex
	next time.Time
}

// longestWait is how long a message waits for its turn; a longer queue is told
// to come back.
const longestWait = 5 * time.Second

// wait blocks until n parts may leave. ok is false where that takes too long,
// or where ctx ended; what is too long takes nothing of the pace.
func (p *pace) wait(ctx context.Context, n int) (ok bool) {
	if p == nil || p.every == 0 {
		return true
	}
	p.mu.Lock()
	now := time.Now()
	at := now
	if p.next.After(at) {
		at = p.next
	}
	if at.Sub(now) > longestWait {
		p.mu.Unlock()
		return false
	}
	p.next = at.Add(time.Duration(n) * p.every)
	p.mu.Unlock()
	timer := time.NewTimer(at.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
