package live

import (
	"container/heap"
	"errors"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// arrivals are clients that come at some time, in order.
type arrivals []arrival

type arrival struct {
	at     time.Time
	number int
}

func (a arrivals) Len() int           { return len(a) }
func (a arrivals) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a arrivals) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *arrivals) Push(x any)        { *a = append(*a, x.(arrival)) }
func (a *arrivals) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// A whole city comes back in one moment, and every client does as it is told.
func TestAStormIsLetInAtASteadyPace(t *testing.T) {
	const clients, rate = 30_000, 2000
	p := newPace(rate)
	began := time.Now()
	waiting := make(arrivals, clients)
	for i := range waiting {
		waiting[i] = arrival{began.Add(rand.N(200 * time.Millisecond)), i}
	}
	heap.Init(&waiting)
	asked, perSecond, kept, last := make([]int, clients), map[int]int{}, time.Duration(0), time.Time{}
	for waiting.Len() > 0 {
		c := heap.Pop(&waiting).(arrival)
		asked[c.number]++
		wait, ok := p.enter(c.at)
		if !ok {
			if wait <= 0 || wait > paceLimit {
				t.Fatalf("told to come back after %v", wait)
			}
			heap.Push(&waiting, arrival{c.at.Add(around(wait)), c.number})
			continue
		}
		kept = max(kept, wait)
		in := c.at.Add(wait)
		perSecond[int(in.Sub(began)/time.Second)]++
		if in.After(last) {
			last = in
		}
	}
	for second, in := 0, 0; in < clients; second++ {
		if in += perSecond[second]; in > rate*(second+2)+1 {
			t.Errorf("%d were in after %d s: more than the burst and the pace allow", in, second+1)
		}
	}
	sum, most := 0, 0
	for _, n := range asked {
		sum, most = sum+n, max(most, n)
	}
	if took := last.Sub(began); took > 2*clients/rate*time.Second {
		t.Errorf("the last one came in after %v, want at most twice the time that the pace takes", took)
	}
	if sum > 3*clients || most > 12 {
		t.Errorf("they asked %d times in all, one of them %d times", sum, most)
	}
	if kept > paceRoom {
		t.Errorf("one was kept waiting for %v", kept)
	}
	t.Logf("the last of %d came in after %v; %.1f requests each, at most %d", clients, last.Sub(began), float64(sum)/clients, most)
}

func TestWithoutAPaceEverybodyComesIn(t *testing.T) {
	p := newPace(-1)
	for range 100_000 {
		if wait, ok := p.enter(time.Now()); wait != 0 || !ok {
			t.Fatalf("got %v, %v", wait, ok)
		}
	}
}

// Who is too early is told when to come back: a program in the answer, a page
// on a connection, as a browser keeps the answer to itself.
func TestTooManyAtOnceAreToldWhenToComeBack(t *testing.T) {
	s := newStand(t, newBook(0), func(c *Config) { c.JoinsPerSecond = 1 })
	srv := s.serve(t)
	s.pace.mu.Lock()
	s.pace.next = time.Now().Add(time.Minute) // very many came before
	s.pace.mu.Unlock()

	_, resp, err := websocket.DefaultDialer.Dial(wsURL(srv.URL, ""), nil)
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("a program got %v, %v, want 503", resp, err)
	}
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || n < 1 || n > 60 {
		t.Errorf("a program is told Retry-After %q", resp.Header.Get("Retry-After"))
	}
	if resp, err := http.Get(srv.URL + "/events"); err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("an event stream got %v, %v, want 503 with Retry-After", resp, err)
	} else {
		resp.Body.Close()
	}

	page, _, err := websocket.DefaultDialer.Dial(wsURL(srv.URL, ""), http.Header{"Origin": {srv.URL}})
	if err != nil {
		t.Fatalf("a page got no connection to be told on: %v", err)
	}
	defer page.Close()
	_, _, err = page.ReadMessage()
	closed, ok := errors.AsType[*websocket.CloseError](err)
	if !ok || closed.Code != websocket.CloseTryAgainLater || !regexp.MustCompile(`^retry=[1-9][0-9]?$`).MatchString(closed.Text) {
		t.Errorf("a page is closed with %v, want 1013 and retry=SECONDS", err)
	}
	if got := s.value(t, "martinella_live_dropped_total", dropPace); got != 3 {
		t.Errorf("turned away for the pace: got %v, want 3", got)
	}
	if s.Clients() != 0 {
		t.Errorf("%d clients are open", s.Clients())
	}
}

// A flood that was turned away for an hour is forgotten a minute later: those
// who come too early then are spread again.
func TestAFloodIsForgotten(t *testing.T) {
	p, now := newPace(10), time.Now()
	for range 100_000 {
		p.enter(now)
	}
	now = now.Add(paceLimit)
	for range 20 {
		p.enter(now)
	}
	if wait, ok := p.enter(now); ok || wait > 2*time.Second {
		t.Errorf("got %v, %v; want to come back in about a second", wait, ok)
	}
}
