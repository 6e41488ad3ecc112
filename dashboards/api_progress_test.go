package dashboards

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"martinella/alerts"
	"martinella/broadcast"
)

// told is one event of a stream.
type told struct {
	name, id, data string
	step           step
}

// following is a progress that a test follows.
type following struct {
	t      testing.TB
	lines  *bufio.Scanner
	status int
	close  func()
}

func (g *gateway) follow(token, id string, headers ...string) *following {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), time.Minute)
	r, err := http.NewRequestWithContext(ctx, "GET", g.URL+"/api/v1/alerts/"+id+"/progress", nil)
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := g.Client().Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	s := &following{t: g.t, lines: bufio.NewScanner(res.Body), status: res.StatusCode, close: func() { cancel(); _ = res.Body.Close() }}
	g.t.Cleanup(s.close)
	return s
}

// next waits for an event; false: the stream has ended.
func (s *following) next() (e told, ok bool) {
	s.t.Helper()
	for s.lines.Scan() {
		switch field, value, _ := strings.Cut(s.lines.Text(), ": "); field {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = value
			if err := json.Unmarshal([]byte(value), &e.step); err != nil {
				s.t.Fatal(err)
			}
		case "":
			if e.data != "" {
				return e, true
			}
		}
	}
	return e, false
}

func (s *following) want(name string, accepted int) told {
	s.t.Helper()
	e, ok := s.next()
	if !ok || e.name != name {
		s.t.Fatalf("got %v %+v, want %s", ok, e, name)
	}
	if accepted >= 0 && (len(e.step.Channels) == 0 || e.step.Channels[0].Accepted != accepted) {
		s.t.Fatalf("%s tells %+v, want %d accepted", name, e.step.Channels, accepted)
	}
	return e
}

func (g *gateway) stand(id string, ds ...broadcast.Delivery) {
	g.memory.mu.Lock()
	defer g.memory.mu.Unlock()
	g.memory.sent[alerts.ID(id)] = ds
}

func sending(channel string, accepted int) broadcast.Delivery {
	d := broadcast.Delivery{Channel: channel, State: "sending", Total: 100, Accepted: accepted}
	if accepted == 100 {
		d.State = "done"
	}
	return d
}

func TestProgressIsFollowedToItsEnd(t *testing.T) {
	g := open(t)
	id := g.issue(message("progress-1"))["id"].(string)
	g.stand(id, sending("sms", 1), sending("outbox", 100))
	s := g.follow(approver, id)
	first := s.want("state", 1)
	if len(first.step.Channels) != 2 || string(first.step.ID) != id || first.step.Ended || time.Since(first.step.At).Abs() > time.Minute {
		t.Errorf("first %+v", first.step)
	}
	g.stand(id, sending("sms", 50), sending("outbox", 100))
	if e := s.want("change", 50); len(e.step.Channels) != 1 {
		t.Errorf("a change tells %d channels, want the one that changed", len(e.step.Channels))
	}
	g.memory.fail(alerts.ErrUnavailable)
	away := s.want("away", -1)
	if !strings.Contains(away.data, "since") {
		t.Errorf("away %s", away.data)
	}
	g.memory.fail(nil)
	s.want("state", 50)
	g.stand(id, sending("sms", 100), sending("outbox", 100))
	end := s.want("end", 100)
	if end.id != "end" || !end.step.Ended || len(end.step.Channels) != 2 {
		t.Errorf("end %+v", end)
	}
	if e, more := s.next(); more {
		t.Errorf("after the end: %+v", e)
	}
	for name, e := range map[string]struct{ data, schema string }{"state": {first.data, "Progress"}, "end": {end.data, "Progress"}, "away": {away.data, "Away"}} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(e.data))
		if err != nil {
			t.Fatal(err)
		}
		if err := schemaOf(t, "/components/schemas/"+e.schema).Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if again := g.follow(approver, id, "Last-Event-ID", "end"); again.status != http.StatusNoContent {
		t.Errorf("coming back after the end: %d, want 204", again.status)
	}
	if again := g.follow(approver, id); again.want("end", 100).id != "end" {
		t.Error("who comes later is not told the end")
	}
	if n := g.server.watchers.open(); n != 0 {
		t.Errorf("%d alerts are still read", n)
	}
}

// open counts the alerts that are read, once those who leave have left.
func (ws *watchers) open() int {
	for limit := time.Now().Add(2 * time.Minute); ; <-time.After(time.Millisecond) {
		ws.mu.Lock()
		n := len(ws.by) + ws.all
		ws.mu.Unlock()
		if n == 0 || time.Now().After(limit) {
			return n
		}
	}
}

func TestProgressOfWhatWaitsAndOfWhatIsNotRead(t *testing.T) {
	g := open(t)
	waiting := g.post(author, "/api/v1/alerts", message("progress-2")).json(t)
	id := waiting["id"].(string)
	s := g.follow(author, id)
	if e := s.want("state", -1); e.step.State != alerts.StateSubmitted || len(e.step.Channels) != 0 {
		t.Errorf("waiting: %+v", e.step)
	}
	g.stand(id, sending("outbox", 3))
	if r := g.act(approver, id, "approve", `{"digest":"`+waiting["digest"].(string)+`"}`); r.StatusCode != 200 {
		t.Fatalf("approve: %d %s", r.StatusCode, r.body)
	}
	if e := s.want("state", 3); e.step.State != alerts.StateIssued {
		t.Errorf("issued: %+v", e.step)
	}
	g.server.Farewell()
	g.server.Farewell()
	if e, more := s.next(); more {
		t.Errorf("after the farewell: %+v", e)
	}
	if n := g.server.watchers.open(); n != 0 {
		t.Errorf("%d alerts are still read", n)
	}
	rejected := g.post(author, "/api/v1/alerts", message("progress-3")).json(t)
	g = reopen(t, g)
	s = g.follow(author, rejected["id"].(string))
	s.want("state", -1)
	g.act(approver, rejected["id"].(string), "reject", `{"digest":"`+rejected["digest"].(string)+`","reason":"no"}`)
	if e := s.want("end", -1); e.step.State != alerts.StateRejected {
		t.Errorf("rejected: %+v", e.step)
	}
	for token, want := range map[string]int{"mk_nobody": 401, practice: 200} {
		if s := g.follow(token, id); s.status != want {
			t.Errorf("%s: %d, want %d", token, s.status, want)
		}
	}
	if s := g.follow(author, "none"); s.status != 404 {
		t.Errorf("no such alert: %d", s.status)
	}
	if s := g.follow(author, id, "Accept", "text/html"); s.status != 406 {
		t.Errorf("another form: %d", s.status)
	}
}

func TestTooManyStreamsAreRefused(t *testing.T) {
	g := open(t)
	id := g.issue(message("progress-4"))["id"].(string)
	g.stand(id, sending("sms", 1))
	ws, r := g.server.watchers, &alerts.Record{ID: alerts.ID(id), State: alerts.StateIssued}
	var leave []func()
	for range maxWatchersOf {
		_, l, full := ws.follow("key:issuer", r)
		if full {
			t.Fatal("full too early")
		}
		leave = append(leave, l)
	}
	if s := g.follow(issuer, id); s.status != http.StatusTooManyRequests {
		t.Errorf("one too many: %d, want 429", s.status)
	}
	if s := g.follow(approver, id); s.status != http.StatusOK {
		t.Errorf("another key: %d, want 200", s.status)
	} else {
		s.close()
	}
	for _, l := range leave {
		l()
	}
	if n := ws.open(); n != 0 || len(ws.of) != 0 {
		t.Errorf("%d alerts read, %v streams after all have left", n, ws.of)
	}
}

// One reader serves all followers of an alert, and none is left when they go.
func TestFollowersShareOneReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		reads, accepted, down := 0, 0, false
		ws := &watchers{by: map[alerts.ID]*watched{}, of: map[string]int{}, farewell: make(chan struct{}),
			deliveries: func(ctx context.Context, _ alerts.ID) ([]broadcast.Delivery, error) {
				mu.Lock()
				reads++
				n, hangs := accepted, down
				mu.Unlock()
				if hangs {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return []broadcast.Delivery{sending("sms", n)}, nil
			}}
		r := &alerts.Record{ID: "a", State: alerts.StateIssued}
		var all []*watched
		var leave []func()
		for range 50 {
			w, l, _ := ws.follow("key:x", r)
			all, leave = append(all, w), append(leave, l)
		}
		time.Sleep(10*time.Second + time.Millisecond)
		mu.Lock()
		if reads != 41 {
			t.Errorf("%d reads in 10 s for 50 followers, want 41", reads)
		}
		accepted = 7
		mu.Unlock()
		time.Sleep(progressEvery)
		for i, w := range all {
			if now, _ := w.now(); now.channels[0].Accepted != 7 {
				t.Errorf("follower %d sees %+v a quarter of a second later", i, now.channels)
			}
		}
		mu.Lock()
		down = true
		mu.Unlock()
		start := time.Now()
		time.Sleep(progressEvery + progressPatience)
		if now, _ := all[0].now(); now.away.IsZero() || now.away.Sub(start) > 2*time.Second || now.channels[0].Accepted != 7 {
			t.Errorf("while the store hangs: %+v", now)
		}
		mu.Lock()
		down, accepted = false, 8
		mu.Unlock()
		time.Sleep(progressEvery + progressPatience)
		if now, _ := all[49].now(); !now.away.IsZero() || now.channels[0].Accepted != 8 {
			t.Errorf("once the store is back: %+v", now)
		}
		for _, l := range leave {
			l()
		}
		synctest.Wait()
		mu.Lock()
		before := reads
		mu.Unlock()
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if reads != before || len(ws.by) != 0 {
			t.Errorf("%d reads when nobody follows", reads-before)
		}
	})
}

// The time from a change in the store to the last of 50 followers.
func BenchmarkProgressOf50Followers(b *testing.B) {
	g := open(b)
	id := g.issue(message("progress-bench"))["id"].(string)
	g.stand(id, sending("sms", 0))
	var all []*following
	for range 50 {
		s := g.follow(approver, id)
		s.want("state", 0)
		all = append(all, s)
	}
	g.memory.mu.Lock()
	before, begun := g.memory.reads, time.Now()
	g.memory.mu.Unlock()
	var slowest time.Duration
	n := 0
	for b.Loop() {
		n = n%99 + 1
		start := time.Now()
		g.stand(id, sending("sms", n))
		for _, s := range all {
			if s.t = b; s.want("change", n).name == "" {
				b.Fatal("no change")
			}
		}
		slowest = max(slowest, time.Since(start))
	}
	g.memory.mu.Lock()
	defer g.memory.mu.Unlock()
	b.ReportMetric(float64(slowest.Milliseconds()), "slowest-ms")
	b.ReportMetric(float64(g.memory.reads-before)/time.Since(begun).Seconds(), "reads/s")
}
