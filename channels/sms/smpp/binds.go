package smpp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"martinella/channels"
)

// binds are the sessions of one contract: some transceivers, or as many
// transmitters and receivers. What is sent goes over whichever of them has most
// room; one that is lost is bound again on its own while the others go on. Its
// methods may be called at once.
type binds struct {
	send []*link // transceivers or transmitters
	hear []*link // receivers; none where there are transceivers
	turn atomic.Uint32
}

func (b *binds) all() []*link { return slices.Concat(b.send, b.hear) }

// session gives a bound session that can send. Where there is none it binds and
// blocks until the first of them is decided for good. Its error is a verdict:
// nothing was sent.
func (b *binds) session(ctx context.Context, urgent bool) (*session, error) {
	var best *session
	first := int(b.turn.Add(1))
	for i := range b.send {
		l := b.send[(first+i)%len(b.send)]
		s := l.ready()
		if s == nil {
			if len(b.send) > 1 {
				l.wake()
			}
			continue
		}
		if best == nil || s.room() > best.room() {
			best = s
		}
	}
	if best != nil {
		return best, nil
	}
	return firstOf(ctx, b.send, urgent)
}

// firstOf binds all links at once and gives the first session. Where none comes
// of it, the error is that of the link that may try again soonest, or the
// refusal of the credentials where all refuse.
func firstOf(ctx context.Context, links []*link, urgent bool) (*session, error) {
	if len(links) == 1 {
		return links[0].session(ctx, urgent)
	}
	type result struct {
		session *session
		err     error
	}
	results := make(chan result, len(links))
	for _, l := range links {
		go func() {
			s, err := l.session(ctx, urgent)
			results <- result{s, err}
		}()
	}
	var worst error
	for range links {
		r := <-results
		if r.err == nil {
			return r.session, nil
		}
		if worst == nil || sooner(r.err, worst) {
			worst = r.err
		}
	}
	return nil, worst
}

func sooner(a, b error) bool {
	va, wa := channels.VerdictOf(a)
	vb, wb := channels.VerdictOf(b)
	if va != vb {
		return vb == channels.VerdictUnauthorized
	}
	return wa < wb
}

// check proves that at least one bind can send, and one can hear, by an
// enquire_link on each. A bind of several that is away is no failure: the link
// has said so.
func (b *binds) check(ctx context.Context) error {
	for _, links := range [][]*link{b.send, b.hear} {
		if len(links) == 0 {
			continue
		}
		errs := make([]error, len(links))
		var wg sync.WaitGroup
		for i, l := range links {
			wg.Go(func() { errs[i] = l.check(ctx) })
		}
		wg.Wait()
		var worst error
		for _, err := range errs {
			if err == nil {
				worst = nil
				break
			}
			if worst == nil || sooner(err, worst) {
				worst = err
			}
		}
		if worst != nil {
			return worst
		}
	}
	return nil
}

func (l *link) check(ctx context.Context) error {
	s, err := l.session(ctx, true)
	if err != nil {
		return err
	}
	r, err := s.probe(enquireLink)
	if err != nil {
		return err
	}
	p, err := s.await(ctx, r)
	if err == nil && p.status != statusOK {
		err = &refusal{enquireLink, p.status}
	}
	return err
}

// hold keeps every bind up until ctx ends.
func (b *binds) hold(ctx context.Context) error {
	links := b.all()
	errs := make([]error, len(links))
	var wg sync.WaitGroup
	for i, l := range links {
		wg.Go(func() { errs[i] = l.hold(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// each calls f for every link, all at once, and waits.
func (b *binds) each(f func(*link)) {
	var wg sync.WaitGroup
	for _, l := range b.all() {
		wg.Go(func() { f(l) })
	}
	wg.Wait()
}

// leave unbinds politely; the next user binds again.
func (b *binds) leave(ctx context.Context) { b.each(func(l *link) { l.leave(ctx) }) }

// close ends everything for good and waits for it.
func (b *binds) close(ctx context.Context) { b.each(func(l *link) { l.close(ctx) }) }

// newBinds gives the links of the configuration. None is opened.
func (c *Channel) newBinds() *binds {
	made := func(role command, n int) *link {
		l := newLink(nil, c.log.With(bindField(role, n, c.config.Binds)...))
		preferred := 0
		l.open = func(ctx context.Context) (s *session, err error) {
			s, preferred, err = c.open(ctx, role, preferred)
			return s, err
		}
		return l
	}
	b := new(binds)
	for n := range c.config.Binds {
		if c.config.Bind != bindPair {
			b.send = append(b.send, made(bindTransceiver, n))
			continue
		}
		b.send = append(b.send, made(bindTransmitter, n))
		b.hear = append(b.hear, made(bindReceiver, n))
	}
	return b
}

// open binds at the preferred address, else at the others in turn, and says
// which one it was. Where all fail, the error is the refusal of the credentials
// if there was one, else that of the preferred address.
func (c *Channel) open(ctx context.Context, role command, preferred int) (*session, int, error) {
	password, err := readPassword(c.config.PasswordFile)
	if err != nil {
		return nil, preferred, err
	}
	who := bindRequest{systemID: c.config.SystemID, password: password, systemType: c.config.SystemType, version: version34}
	addrs := c.config.addrs()
	var worst error
	for i := range addrs {
		at := (preferred + i) % len(addrs)
		s, err := c.openAt(ctx, addrs[at], role, who)
		if err == nil {
			return s, at, nil
		}
		if len(addrs) > 1 {
			err = fmt.Errorf("%s: %w", addrs[at], err)
		}
		if worst == nil || (unauthorized(err) && !unauthorized(worst)) {
			worst = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, preferred, worst
}

func (c *Channel) openAt(ctx context.Context, addr string, role command, who bindRequest) (*session, error) {
	conn, err := c.connect(ctx, addr)
	if err != nil {
		return nil, err
	}
	c.spelling.bound(addr)
	t := c.brought.bound()
	s, err := bind(ctx, conn, role, who, limits{
		window: c.config.Window, bind: bindTime, answer: answerTime, write: writeTime, enquire: enquireTime, farewell: farewellTime,
	}, func(m *message, answer func(status)) { c.receiveOnce(t, m, answer) }, c.log)
	if err == nil {
		s.wg.Go(func() {
			<-s.done
			t.ended(time.Now())
		})
	}
	return s, err
}

func unauthorized(err error) bool {
	v, _ := channels.VerdictOf(verdictOfBind(err, 0))
	return v == channels.VerdictUnauthorized
}
