package broadcast

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// memory is a store in this process that keeps the contracts of this package
// literally: the tests' measure of the planner and the dispatcher. A node of it
// can be killed, and each operation can be made to fail before or after it had
// its effect.
type memory struct {
	mu      sync.Mutex
	changed chan struct{}
	records map[alerts.ID]*alerts.Record
	pubs    map[alerts.ID]*Publication
	log     []Entry
	epoch   string
	lanes   map[string]*memoryChannel
	dead    map[string]bool // nodes
	people  map[uint32]Subscriber
	promise Durability
	entryID int

	// fault decides for one call: fail before the effect, or lose the answer.
	fault func(op, node string) (before, after bool)
}

var errFault = fmt.Errorf("injected: %w", alerts.ErrUnavailable)

type memoryChannel struct {
	position   int // in the log
	unplanned  map[string]*planning
	planned    map[alerts.ID]int
	entries    []*memoryEntry
	dead       []Job
	states     map[alerts.ID][]State
	reasons    map[string]string        // "<alert>/<ordinal>"
	receipts   map[string]memoryReceipt // of this channel's provider, by message id
	seconds    map[string]string        // "<alert>/<ordinal>" to the second provider that has it
	second     map[alerts.ID]string     // who that is
	trails     map[string]Trail         // "<alert>/<ordinal>" of what ended uncertain
	parked     []channels.DeliveryReport
	posts      map[string]Posts // "<event>/<language>"
	stop       map[alerts.ID]bool
	retried    []time.Duration // delays asked for
	paceUntil  time.Time
	finishes   int
	buryReason string
}

type planning struct {
	entry Entry
	owner string
}

type memoryReceipt struct {
	channel string
	alert   alerts.ID
	ordinal uint32
}

type memoryEntry struct {
	job    Job
	owner  string // "" is free
	due    time.Time
	taken  int
	queued time.Time
	since  time.Time // with this owner
}

func newMemory() *memory {
	return &memory{
		changed: make(chan struct{}), records: map[alerts.ID]*alerts.Record{}, pubs: map[alerts.ID]*Publication{}, epoch: "e1",
		lanes: map[string]*memoryChannel{}, dead: map[string]bool{}, people: map[uint32]Subscriber{}, promise: Durability{Mode: "always", Durable: true},
	}
}

func (m *memory) wake() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// wait calls f under the lock until it says done or limit has passed.
func (m *memory) wait(ctx context.Context, limit time.Duration, f func() bool) {
	t := time.NewTimer(limit)
	defer t.Stop()
	for {
		m.mu.Lock()
		done, changed := f(), m.changed
		m.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-t.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (m *memory) kill(node string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead[node] = true
	m.wake()
}

func (m *memory) channel(name string) *memoryChannel {
	c := m.lanes[name]
	if c == nil {
		c = &memoryChannel{position: len(m.log), unplanned: map[string]*planning{}, planned: map[alerts.ID]int{}, states: map[alerts.ID][]State{},
			reasons: map[string]string{}, receipts: map[string]memoryReceipt{}, seconds: map[string]string{}, second: map[alerts.ID]string{}, trails: map[string]Trail{}, posts: map[string]Posts{}, stop: map[alerts.ID]bool{}}
		m.lanes[name] = c
	}
	return c
}

// The records, as the planner and the board need them.

func (m *memory) Get(_ context.Context, id alerts.ID, _ alerts.Latest) (*alerts.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.records[id]; r != nil {
		return r.Clone(), nil
	}
	return nil, alerts.ErrNotFound
}

func (m *memory) Publish(_ context.Context, p *Publication) error {
	if m.fault != nil {
		if before, _ := m.fault("publish", ""); before {
			return errFault
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := p.Record
	if before := m.records[r.Supersedes]; before != nil {
		closed := before.Clone()
		closed.State = alerts.StateSuperseded
		m.records[before.ID] = closed
		for one := before; one != nil; one = m.records[one.Supersedes] {
			for _, name := range r.Channels {
				if p.Failures[name] == "" || over(r) {
					m.channel(name).stop[one.ID] = true
				}
			}
			for _, name := range one.Channels {
				m.channel(name).stop[one.ID] = m.channel(name).stop[one.ID] || over(r)
			}
		}
	}
	r.Cursor = fmt.Sprintf("%s-%d-0", m.epoch, len(m.log)+1)
	stored := *p
	stored.Record = r.Clone()
	m.records[r.ID], m.pubs[r.ID] = stored.Record, &stored
	for _, s := range p.Spans {
		c := m.channel(s.Channel)
		for n := len(c.states[r.ID]); n < int(s.To); n++ {
			c.states[r.ID] = append(c.states[r.ID], Queued)
		}
	}
	m.log = append(m.log, Entry{Cursor: Cursor(r.Cursor), Record: stored.Record})
	m.wake()
	return nil
}

// The log.

func (m *memory) Head(context.Context) (Cursor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Cursor(fmt.Sprintf("%s-%d-0", m.epoch, len(m.log))), nil
}

func (m *memory) After(_ context.Context, c Cursor, limit int) ([]Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	epoch, at, _, _ := c.place()
	if c != "" && (epoch != m.epoch || int(at) > len(m.log)) {
		return nil, ErrGone
	}
	return slices.Clone(m.log[at:min(int(at)+limit, len(m.log))]), nil
}

func (m *memory) Tail(ctx context.Context, c Cursor) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for ctx.Err() == nil {
			entries, err := m.After(ctx, c, 10)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
				c = e.Cursor
			}
			if len(entries) == 0 {
				m.wait(ctx, time.Hour, func() bool { h := Cursor(fmt.Sprintf("%s-%d-0", m.epoch, len(m.log))); return h != c })
			}
		}
	}
}

// The people.

func (m *memory) Add(_ context.Context, s Subscriber) (uint32, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := uint32(len(m.people))
	m.people[n] = s
	return n, true, nil
}

func (m *memory) Select(_ context.Context, kind string, s Selection) ([]Group, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []Group
	for n := range uint32(len(m.people)) {
		p, ok := m.people[n]
		if !ok || p.Contacts[kind] == "" || !s.Concerns(p, time.Now()) {
			continue
		}
		one := Group{Language: p.Language, Exposure: s.Exposure(p)}
		i := slices.IndexFunc(found, func(g Group) bool { return g.Language == one.Language && g.Exposure == one.Exposure })
		if i < 0 {
			i, found = len(found), append(found, one)
		}
		found[i].People = append(found[i].People, n)
	}
	return found, nil
}

func (m *memory) Contacts(_ context.Context, kind string, numbers []uint32) ([]string, error) {
	if m.fault != nil {
		if before, _ := m.fault("contacts", ""); before {
			return nil, errFault
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]string, len(numbers))
	for i, n := range numbers {
		out[i] = m.people[n].Contacts[kind]
	}
	return out, nil
}

func (m *memory) Erase(_ context.Context, n uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.people[n] = Subscriber{}
	return nil
}

func (m *memory) Lookup(context.Context, string, string) (uint32, error) {
	return 0, alerts.ErrNotFound
}

// node is the store as one node sees it.
type node struct {
	*memory
	name string
}

func (m *memory) node(name string) *node { return &node{m, name} }

func (n *node) Queue(_ context.Context, channel string) (Queue, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.channel(channel)
	return &memoryQueue{n.memory, channel, n.name}, nil
}

func (n *node) Deliveries(context.Context, alerts.ID) ([]Delivery, error) { return nil, nil }

func (n *node) Durability(context.Context) (Durability, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.promise, nil
}

func (q *memoryQueue) Listening(context.Context, time.Duration) (bool, error) { return true, nil }

type memoryQueue struct {
	*memory
	name string
	node string
}

var _ Queue = (*memoryQueue)(nil)

// do runs an operation under the lock, with the faults of the test.
func (q *memoryQueue) do(op string, f func(c *memoryChannel) error) error {
	before, after := false, false
	if q.fault != nil {
		before, after = q.fault(op, q.node)
	}
	if before {
		return errFault
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.dead[q.node] {
		return context.Canceled
	}
	err := f(q.channel(q.name))
	if op == "plan" || op == "move" { // there may be something to take
		q.wake()
	}
	if after && err == nil {
		return errFault
	}
	return err
}

func (q *memoryQueue) Entries(ctx context.Context, limit int) ([]Planned, error) {
	var out []Planned
	q.wait(ctx, time.Second, func() bool {
		c := q.channel(q.name)
		if q.dead[q.node] {
			return false
		}
		for id, p := range c.unplanned {
			if q.dead[p.owner] && len(out) < limit {
				p.owner = q.node
				out = append(out, Planned{Entry: p.entry, ID: id})
			}
		}
		for c.position < len(q.log) && len(out) < limit {
			e := q.log[c.position]
			c.position++
			c.unplanned[string(e.Cursor)] = &planning{e, q.node}
			out = append(out, Planned{Entry: e, ID: string(e.Cursor)})
		}
		return len(out) > 0
	})
	return out, nil
}

func (q *memoryQueue) Plan(_ context.Context, p Planned, first int, jobs []Job, last bool) (n int, err error) {
	err = q.do("plan", func(c *memoryChannel) error {
		if n = c.planned[p.Record.ID]; n != first {
			return nil
		}
		for _, j := range jobs {
			q.push(c, j, time.Time{})
		}
		n += len(jobs)
		c.planned[p.Record.ID] = n
		if last {
			delete(c.unplanned, p.ID)
		}
		return nil
	})
	return n, err
}

func (q *memoryQueue) push(c *memoryChannel, j Job, due time.Time) {
	q.entryID++
	j.EntryID, j.Lane = fmt.Sprint(q.entryID), "n"
	if j.Urgent {
		j.Lane = "x"
	}
	c.entries = append(c.entries, &memoryEntry{job: j, due: due, queued: time.Now()})
}

func (q *memoryQueue) take(ctx context.Context, limit int, urgentOnly bool) ([]Job, error) {
	var out []Job
	q.wait(ctx, time.Second, func() bool {
		if q.dead[q.node] {
			return false
		}
		for _, urgent := range []bool{true, false} {
			for _, e := range q.channel(q.name).entries {
				if e.owner == "" && e.due.IsZero() && e.job.Urgent == urgent && len(out) < limit && (urgent || !urgentOnly) {
					e.owner, e.since = q.node, time.Now()
					e.taken++
					j := e.job
					j.Taken, j.Waited = e.taken, time.Since(e.queued)
					out = append(out, j)
				}
			}
		}
		return len(out) > 0
	})
	return out, nil
}

func (q *memoryQueue) Take(ctx context.Context, limit int) ([]Job, error) {
	return q.take(ctx, limit, false)
}

func (q *memoryQueue) TakeUrgent(ctx context.Context, limit int) ([]Job, error) {
	return q.take(ctx, limit, true)
}

func (q *memoryQueue) Recover(_ context.Context, busy []string) (out []Job, err error) {
	err = q.do("recover", func(c *memoryChannel) error {
		for _, e := range c.entries {
			// One's own counts as forgotten after a while: it may be on its way.
			if e.owner != "" && (q.dead[e.owner] || e.owner == q.node && time.Since(e.since) >= 10*time.Second && !slices.Contains(busy, e.job.EntryID)) {
				e.owner, e.since = q.node, time.Now()
				e.taken++
				j := e.job
				j.Taken = e.taken
				out = append(out, j)
			}
		}
		return nil
	})
	return out, err
}

func (q *memoryQueue) Task(_ context.Context, j Job) (t *Task, err error) {
	err = q.do("task", func(*memoryChannel) error {
		p := q.pubs[j.Alert]
		if p == nil {
			return alerts.ErrNotFound
		}
		t = &Task{Record: p.Record, Failure: p.Failures[q.name]}
		index := map[int]int{}
		for i, m := range p.Messages {
			if m.Channel == q.name {
				index[i] = len(t.Messages)
				t.Messages = append(t.Messages, m)
			}
		}
		for _, s := range p.Spans {
			if s.Channel == q.name {
				s.Message, s.People = index[s.Message], nil
				t.Spans = append(t.Spans, s)
			}
		}
		return nil
	})
	return t, err
}

func (q *memoryQueue) Recipients(_ context.Context, alert alerts.ID, from, to uint32) (out []uint32, err error) {
	err = q.do("recipients", func(*memoryChannel) error {
		for _, s := range q.pubs[alert].Spans {
			for o := s.From; s.Channel == q.name && o < s.To; o++ {
				if o >= from && o < to && s.People != nil {
					out = append(out, s.People[o-s.From])
				}
			}
		}
		return nil
	})
	return out, err
}

func (q *memoryQueue) Reached(_ context.Context, alert alerts.ID, from, to uint32) (out []bool, err error) {
	err = q.do("reached", func(c *memoryChannel) error {
		out = make([]bool, to-from)
		for o := from; o < to && int(o) < len(c.states[alert]); o++ {
			s := c.states[alert][o]
			out[o-from] = s != Queued && s != Expired && s != Suppressed
		}
		return nil
	})
	return out, err
}

func (q *memoryQueue) mine(c *memoryChannel, j Job) (int, error) {
	for i, e := range c.entries {
		if e.job.EntryID == j.EntryID && e.owner == q.node {
			return i, nil
		}
	}
	return 0, ErrLost
}

func (q *memoryQueue) Begin(_ context.Context, j Job, ordinals []uint32) (turns []Turn, err error) {
	err = q.do("begin", func(c *memoryChannel) error {
		if _, err := q.mine(c, j); err != nil {
			return err
		}
		turns = nil
		states := c.states[j.Alert]
		for _, o := range ordinals {
			switch {
			case states[o].Plain() == Trying:
				do, trail, renewed := TurnAsk, states[o].Trail(), false
				if c.stop[j.Alert] {
					do = TurnAskStopped
				}
				if kept, ok := c.trails[fmt.Sprintf("%s/%d", j.Alert, o)]; ok && trail == TrailOwn {
					trail, renewed = kept, true
				}
				turns = append(turns, NewTurn(do, trail, renewed, c.second[j.Alert] != j.Second))
			case states[o] != Queued:
				turns = append(turns, TurnSkip)
			case c.stop[j.Alert]:
				turns = append(turns, TurnStop)
			default:
				c.begin(j, o, NewTrail(j.Over))
				turns = append(turns, TurnSend)
			}
		}
		return nil
	})
	return turns, err
}

func (c *memoryChannel) begin(j Job, ordinal uint32, t Trail) {
	c.states[j.Alert][ordinal] = t.State()
	delete(c.trails, fmt.Sprintf("%s/%d", j.Alert, ordinal))
	if j.Over == ViaSecond {
		if had := c.second[j.Alert]; had != "" && had != j.Second {
			c.second[j.Alert] = "*"
			return
		}
		c.second[j.Alert] = j.Second
	}
}

func (q *memoryQueue) Again(_ context.Context, j Job, ordinal uint32, before ...Via) (turn Turn, err error) {
	err = q.do("again", func(c *memoryChannel) error {
		if _, err := q.mine(c, j); err != nil {
			return err
		}
		switch {
		case c.states[j.Alert][ordinal].Plain() != Trying:
			turn = TurnSkip
		case c.stop[j.Alert]:
			turn = TurnAskStopped
		default:
			c.begin(j, ordinal, NewTrail(j.Over, before...))
			turn = TurnAsk
		}
		return nil
	})
	return turn, err
}

func (q *memoryQueue) Fenced() error { return nil }

func (q *memoryQueue) Finish(_ context.Context, j Job, results []Result, last bool) (changed Changed, err error) {
	err = q.do("finish", func(c *memoryChannel) error {
		at, lost := q.mine(c, j)
		c.finishes++
		for _, r := range results {
			s := c.states[j.Alert][r.Ordinal]
			if s != Queued && s.Plain() != Trying {
				continue
			}
			if r.State == Uncertain && s > Trying {
				c.trails[fmt.Sprintf("%s/%d", j.Alert, r.Ordinal)] = s.Trail()
			}
			provider := c
			if r.State == Accepted && r.Via == ViaSecond {
				provider = q.channel(j.Second)
				c.seconds[fmt.Sprintf("%s/%d", j.Alert, r.Ordinal)] = j.Second
			}
			c.states[j.Alert][r.Ordinal] = r.State
			if r.Reason != "" {
				c.reasons[fmt.Sprintf("%s/%d", j.Alert, r.Ordinal)] = r.Reason
			}
			if r.State == Accepted {
				p := q.pubs[j.Alert]
				for _, s := range p.Spans {
					if s.Channel == q.name && s.People == nil && r.Ordinal >= s.From && r.Ordinal < s.To {
						key := string(p.Record.Event) + "/" + p.Messages[s.Message].Language
						posts := c.posts[key]
						if p.Messages[s.Message].Step.Posts() {
							posts.Of = slices.DeleteFunc(slices.Clone(posts.Of), func(one Post) bool { return one.Revision == p.Record.Revision })
							posts.Of = append(posts.Of, Post{Revision: p.Record.Revision, ID: r.Receipt.ID, URL: r.Receipt.URL})
						} else {
							posts.Amended = max(posts.Amended, p.Record.Revision)
						}
						c.posts[key] = posts
					}
				}
				if r.Receipt.ID != "" {
					provider.receipts[r.Receipt.ID] = memoryReceipt{q.name, j.Alert, r.Ordinal}
				}
				provider.parked = slices.DeleteFunc(provider.parked, func(d channels.DeliveryReport) bool {
					if d.MessageID != r.Receipt.ID {
						return false
					}
					changed.add(q.apply(provider, d))
					return true
				})
			}
		}
		if last && lost == nil {
			c.entries = slices.Delete(c.entries, at, at+1)
		}
		return lost
	})
	return changed, err
}

func (c *Changed) add(d Changed) {
	c.Delivered, c.Failed, c.Uncertain = c.Delivered+d.Delivered, c.Failed+d.Failed, c.Uncertain+d.Uncertain
}

func (q *memoryQueue) apply(c *memoryChannel, r channels.DeliveryReport) (changed Changed) {
	at := c.receipts[r.MessageID]
	if s := &q.channel(at.channel).states[at.alert][at.ordinal]; *s == Accepted {
		switch r.State {
		case channels.ReportDelivered:
			*s, changed.Delivered = Delivered, 1
		case channels.ReportFailed:
			*s, changed.Failed = Failed, 1
		}
	}
	return changed
}

func (q *memoryQueue) Retry(_ context.Context, j Job, delay time.Duration, unsent []uint32, _ string) error {
	return q.do("retry", func(c *memoryChannel) error {
		at, err := q.mine(c, j)
		if err != nil {
			return err
		}
		for _, o := range unsent {
			switch s := &c.states[j.Alert][o]; {
			case s.Plain() != Trying:
			case len(s.Trail().Vias()) > 1:
				*s = NewTrail(s.Trail().Vias()[0]).State()
			default:
				*s = Queued
			}
		}
		c.entries = slices.Delete(c.entries, at, at+1)
		c.retried = append(c.retried, delay)
		q.push(c, j, time.Now().Add(delay))
		return nil
	})
}

func (q *memoryQueue) Bury(_ context.Context, j Job, reason string) (changed Changed, err error) {
	err = q.do("bury", func(c *memoryChannel) error {
		at, err := q.mine(c, j)
		if err != nil {
			return err
		}
		for o := j.From; o < j.To; o++ {
			if s := c.states[j.Alert][o]; s == Queued || s.Plain() == Trying {
				c.states[j.Alert][o] = Failed
				changed.Failed++
			}
		}
		c.entries = slices.Delete(c.entries, at, at+1)
		c.dead, c.buryReason = append(c.dead, j), reason
		return nil
	})
	return changed, err
}

func (q *memoryQueue) Move(_ context.Context, limit int) (n int, err error) {
	err = q.do("move", func(c *memoryChannel) error {
		for _, e := range c.entries {
			if !e.due.IsZero() && !time.Now().Before(e.due) && n < limit {
				e.due = time.Time{}
				n++
			}
		}
		return nil
	})
	return n, err
}

func (q *memoryQueue) Pace(_ context.Context, l channels.Limit, ask Ask) (g Grant, err error) {
	if l.PerSecond <= 0 {
		return Grant{N: ask.N}, nil
	}
	err = q.do("pace", func(c *memoryChannel) error {
		now := time.Now()
		if g.Wait = c.paceUntil.Sub(now); g.Wait > 0 {
			return nil
		}
		g.Wait, c.paceUntil = 0, now.Add(time.Duration(float64(ask.N)/l.PerSecond*float64(time.Second)))
		g.N = ask.N
		return nil
	})
	return g, err
}

func (q *memoryQueue) Hold(context.Context, channels.Limit, time.Duration) error { return nil }

func (q *memoryQueue) Posts(_ context.Context, event alerts.ID, language string) (p Posts, err error) {
	err = q.do("posts", func(c *memoryChannel) error {
		p = c.posts[string(event)+"/"+language]
		p.Of = slices.Clone(p.Of)
		return nil
	})
	return p, err
}

func (q *memoryQueue) Trying(_ context.Context, alert alerts.ID) (n int, err error) {
	err = q.do("trying", func(c *memoryChannel) error {
		for _, s := range c.states[alert] {
			if s.Plain() == Trying {
				n++
			}
		}
		return nil
	})
	return n, err
}

func (q *memoryQueue) Report(_ context.Context, r channels.DeliveryReport) (known bool, changed Changed, err error) {
	err = q.do("report", func(c *memoryChannel) error {
		if _, known = c.receipts[r.MessageID]; !known {
			for _, other := range r.Alternatives {
				if _, known = c.receipts[other]; known {
					r.MessageID = other
					break
				}
			}
		}
		if known {
			if changed = q.apply(c, r); c.receipts[r.MessageID].channel != q.name {
				changed.Channel = c.receipts[r.MessageID].channel
			}
		} else {
			c.parked = append(c.parked, r)
		}
		return nil
	})
	return known, changed, err
}

func (q *memoryQueue) Depth(context.Context) (d Depth, err error) {
	err = q.do("depth", func(c *memoryChannel) error {
		for _, e := range c.entries {
			switch {
			case !e.due.IsZero():
				d.Delayed++
			case e.job.Urgent:
				d.Urgent.Jobs++
			default:
				d.Normal.Jobs++
			}
		}
		d.Dead = len(c.dead)
		return nil
	})
	return d, err
}

func (q *memoryQueue) Replay(context.Context, alerts.ID) (int, error) {
	return 0, errors.ErrUnsupported
}
