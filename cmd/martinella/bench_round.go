package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"martinella/broadcast/live/swarm"
)

// benchPatience is how long one alert or burst may take until it is given up:
// what did not come by then is lost.
const benchPatience = time.Minute

// between lets what follows an alert in the server end before the next one.
const between = 10 * time.Millisecond

// benchRound is what one round on one server gave.
type benchRound struct {
	bytes   int // of a message
	written int // sockets that a message goes to
	shots   []shot
	cpu     time.Duration // over the shots
	fanout  time.Duration // what the gateway itself says, on average
	burst   *burst
}

// shot is one alert. Times are of swarm.Now.
type shot struct {
	start                int64
	first, half, p99, at int64
	post                 time.Duration
}

// burst is many alerts at once.
type burst struct {
	start, first, last int64
	deliveries         int
	cpu                time.Duration
	post               time.Duration // median
}

// subscribe opens the clients on a server.
func (b *benchLive) subscribe(ctx context.Context, url string, rate, silent int) (*swarm.Swarm, error) {
	s, err := swarm.Open(ctx, swarm.Config{URL: url, Clients: b.clients, Silent: silent, Remote: b.remote, Rate: rate, Greeted: url != b.floor.URL()})
	if err != nil {
		return nil, unreachable(err, "the gateway's log may say why; ulimit -n bounds the open files of each process")
	}
	return s, nil
}

// memory measures what opening the clients adds to a process: before, then
// after they were idle.
func (b *benchLive) memory(ctx context.Context, pid int, open func() error) (benchMemory, error) {
	before, err := processMemory(pid)
	if err != nil {
		return benchMemory{}, err
	}
	if err := open(); err != nil {
		return benchMemory{}, err
	}
	select {
	case <-ctx.Done():
		return benchMemory{}, ctx.Err()
	case <-time.After(b.idle):
	}
	idle, err := processMemory(pid)
	return benchMemory{Before: before, Idle: idle, Each: float64(idle-before) / float64(b.clients) / 1024}, err
}

// take counts the faults of a swarm and closes it.
func (b *benchLive) take(s *swarm.Swarm) error {
	r := s.Report()
	b.result.Lost += r.Lost
	b.result.Doubled += r.Doubled
	b.result.Reordered += r.Reordered
	b.result.Retried += r.Retried
	return s.Close()
}

// gatewayRound opens the clients at the gateway and publishes through its API.
func (b *benchLive) gatewayRound(ctx context.Context, view string, silent int, remember bool) (r benchRound, err error) {
	var s *swarm.Swarm
	open := func() (err error) {
		s, err = b.subscribe(ctx, b.gateway.live(view), 0, silent)
		return err
	}
	if remember {
		b.result.Memory.Gateway, err = b.memory(ctx, b.gateway.pid, open)
	} else {
		err = open()
	}
	if s != nil {
		defer func() {
			err = errors.Join(err, b.take(s))
			if err == nil {
				err = b.gateway.emptied(ctx, b.before)
			}
		}()
	}
	if err != nil {
		return r, err
	}
	if err := b.fill(ctx, s, view); err != nil {
		return r, err
	}
	numbers, err := b.gateway.numbers(ctx)
	if err != nil {
		return r, err
	}
	used, err := processTime(b.gateway.pid)
	if err != nil {
		return r, err
	}
	for range b.alerts {
		one, report, err := b.publish(ctx, s)
		if err != nil {
			return r, err
		}
		r.written, r.bytes = report.Reading, report.Messages[0].Bytes
		r.shots = append(r.shots, one)
		time.Sleep(between)
	}
	after, err := processTime(b.gateway.pid)
	if err != nil {
		return r, err
	}
	r.cpu = after - used
	later, err := b.gateway.numbers(ctx)
	if err != nil {
		return r, err
	}
	if n := later[fanoutCount] - numbers[fanoutCount]; n > 0 {
		r.fanout = time.Duration((later[fanoutSum] - numbers[fanoutSum]) / n * float64(time.Second))
	}
	if b.burst > 0 {
		r.burst, err = b.publishBurst(ctx, s)
	}
	return r, err
}

// fill publishes an alert that does not count, warms what is lazy, and finds
// how long the description must be for a message of the wanted size.
func (b *benchLive) fill(ctx context.Context, s *swarm.Swarm, view string) error {
	if b.description > 0 {
		_, _, err := b.publish(ctx, s)
		return err
	}
	b.description = 300
	_, report, err := b.publish(ctx, s)
	if err == nil && view == "full" {
		b.description = max(b.description+b.size-report.Messages[0].Bytes, 1)
	}
	return err
}

// publish posts one alert and waits until everybody has it.
func (b *benchLive) publish(ctx context.Context, s *swarm.Swarm) (shot, swarm.Report, error) {
	message, err := benchAlert(time.Now(), b.description)
	if err != nil {
		return shot{}, swarm.Report{}, err
	}
	s.Expect(1)
	one := shot{start: swarm.Now()}
	if err := b.post(ctx, message); err != nil {
		return shot{}, swarm.Report{}, err
	}
	one.post = time.Duration(swarm.Now() - one.start)
	report, err := b.arrived(ctx, s, 1)
	if err != nil {
		return shot{}, report, err
	}
	m := report.Messages[0]
	one.first, one.half, one.p99, one.at = m.First(), m.At(0.5), m.At(0.99), m.All()
	return one, report, nil
}

// post sends an alert, which must be issued at once.
func (b *benchLive) post(ctx context.Context, message []byte) error {
	_, status, err := b.gateway.submit(ctx, message)
	if err != nil {
		return asFailure(err)
	}
	if status != http.StatusCreated {
		return refused(fmt.Errorf("the gateway answered %d: the exercise was not issued", status), "the key must issue exercises: martinella keys create --can issue --self-approve --status Exercise")
	}
	return nil
}

// arrived waits for the measure that runs.
func (b *benchLive) arrived(ctx context.Context, s *swarm.Swarm, messages int) (swarm.Report, error) {
	waiting, cancel := context.WithTimeout(ctx, benchPatience)
	defer cancel()
	err := s.Wait(waiting)
	report := s.Report()
	if err == nil && len(report.Messages) != messages {
		err = fmt.Errorf("%d messages came, %d were published: does somebody else publish?", len(report.Messages), messages)
	}
	if err != nil && ctx.Err() == nil {
		err = refused(fmt.Errorf("%w (lost %d, doubled %d, reordered %d, closed %v)", err, report.Lost, report.Doubled, report.Reordered, report.Closed), "no figure of this run counts")
	}
	return report, err
}

// burstConnections post the alerts of a burst.
const burstConnections = 16

// publishBurst posts many alerts at once and waits until everybody has all.
func (b *benchLive) publishBurst(ctx context.Context, s *swarm.Swarm) (*burst, error) {
	messages := make(chan []byte, b.burst)
	for range b.burst {
		m, err := benchAlert(time.Now(), b.description)
		if err != nil {
			return nil, err
		}
		messages <- m
	}
	close(messages)
	used, err := processTime(b.gateway.pid)
	if err != nil {
		return nil, err
	}
	s.Expect(b.burst)
	done := &burst{start: swarm.Now()}
	var posting sync.WaitGroup
	var mu sync.Mutex
	var posts []int64
	var failed error
	for range burstConnections {
		posting.Go(func() {
			for m := range messages {
				began := swarm.Now()
				err := b.post(ctx, m)
				mu.Lock()
				posts = append(posts, swarm.Now()-began)
				failed = errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	posting.Wait()
	if failed != nil {
		return nil, failed
	}
	report, err := b.arrived(ctx, s, b.burst)
	if err != nil {
		return nil, err
	}
	after, err := processTime(b.gateway.pid)
	done.cpu, done.post = after-used, time.Duration(middle(posts))
	done.from(report)
	return done, err
}

// from takes over when the messages came.
func (d *burst) from(r swarm.Report) {
	d.first = r.Messages[0].First()
	d.deliveries = r.Reading * len(r.Messages)
	for _, m := range r.Messages {
		d.first, d.last = min(d.first, m.First()), max(d.last, m.All())
	}
}

// floorRound opens the clients at the floor and lets it write.
func (b *benchLive) floorRound(ctx context.Context, size int, remember bool) (r benchRound, err error) {
	var s *swarm.Swarm
	open := func() (err error) {
		s, err = b.subscribe(ctx, b.floor.URL(), -1, 0) // it would wait for who does not read
		return err
	}
	if remember {
		b.result.Memory.Floor, err = b.memory(ctx, b.floor.PID(), open)
	} else {
		err = open()
	}
	if s != nil {
		defer func() { err = errors.Join(err, b.take(s), b.floor.Drop()) }()
	}
	if err != nil {
		return r, err
	}
	r.bytes = size
	for n := range b.alerts + 1 {
		s.Expect(1)
		done, err := b.floor.Fan(size, 1)
		if err != nil {
			return r, err
		}
		report, err := b.arrived(ctx, s, 1)
		if err != nil {
			return r, err
		}
		time.Sleep(between)
		if n == 0 {
			continue // as the gateway's first
		}
		m := report.Messages[0]
		r.written = report.Reading
		r.cpu += done.CPU
		r.shots = append(r.shots, shot{start: done.Start, first: m.First(), half: m.At(0.5), p99: m.At(0.99), at: m.All()})
	}
	if b.burst > 0 {
		s.Expect(b.burst)
		done, err := b.floor.Fan(size, b.burst)
		if err != nil {
			return r, err
		}
		report, err := b.arrived(ctx, s, b.burst)
		if err != nil {
			return r, err
		}
		r.burst = &burst{start: done.Start, cpu: done.CPU}
		r.burst.from(report)
	}
	return r, nil
}
