package dashboards

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// buckets are token buckets by name, in this process. A bucket that is full
// again is forgotten, so that strangers cannot fill the memory with names.
type buckets struct {
	rate  float64 // tokens a second
	burst float64

	mu    sync.Mutex
	by    map[string]bucket
	swept time.Time
}

type bucket struct {
	left float64
	at   time.Time
}

// maxBuckets is where the buckets are swept before the minute is over.
const maxBuckets = 10_000

func newBuckets(rate float64, burst int) *buckets {
	return &buckets{rate: rate, burst: float64(max(burst, 1)), by: map[string]bucket{}}
}

// take takes one token; when there is none it says how long to wait.
func (b *buckets) take(name string) time.Duration { return b.takeAt(name, time.Now()) }

func (b *buckets) takeAt(name string, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.swept) > time.Minute || len(b.by) > maxBuckets {
		b.sweep(now)
	}
	k := b.now(name, now)
	wait := b.wait(k)
	if wait == 0 {
		k.left--
	}
	b.by[name] = k
	return wait
}

// ask says how long take would have to wait, and takes nothing.
func (b *buckets) ask(name string) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wait(b.now(name, time.Now()))
}

// now gives the bucket as filled by now; the caller holds the lock.
func (b *buckets) now(name string, now time.Time) bucket {
	k, known := b.by[name]
	if !known {
		return bucket{b.burst, now}
	}
	return bucket{min(b.burst, k.left+now.Sub(k.at).Seconds()*b.rate), now}
}

// wait is the time until the bucket has a token, 0 when it has one.
func (b *buckets) wait(k bucket) time.Duration {
	if k.left >= 1 {
		return 0
	}
	return time.Duration((1 - k.left) / b.rate * float64(time.Second))
}

func (b *buckets) sweep(now time.Time) {
	b.swept = now
	for name, k := range b.by {
		if k.left+now.Sub(k.at).Seconds()*b.rate >= b.burst {
			delete(b.by, name)
		}
	}
	if len(b.by) > maxBuckets { // a flood of names: forget them all rather than grow
		clear(b.by)
	}
}

// address gives the client's address where it can be known: on a direct
// listener, or behind proxies that are trusted to tell it. IPv6 clients count
// by their /64, which is one household.
func (s *Server) address(r *http.Request) (netip.Prefix, bool) {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || (!s.Direct && len(s.TrustedProxies) == 0) {
		return netip.Prefix{}, false
	}
	address := at.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusts(address); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		address = next.Unmap().WithZone("")
	}
	return sourceOf(address), true
}

func (s *Server) trusts(a netip.Addr) bool {
	for _, p := range s.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
