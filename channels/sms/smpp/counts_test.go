package smpp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"martinella/channels"
)

// ledger is an SMSC that keeps its own books, on its side of the wire, and does
// everything that makes counting hard.
type ledger struct {
	mu        sync.Mutex
	hex       bool // ids in answers are hexadecimal, in receipts decimal
	rand      *rand.Rand
	read      int            // submits that it read
	taken     map[string]int // by number: how often it took a message for it
	ids       map[string]string
	answered  map[string]bool // numbers for which it wrote a yes
	throttled int
	lost      int // taken, never answered
	dropped   int // taken, and then it hung up
	early     int // receipts before the answer
	hangUps   int
	redone    int        // receipts that it had to bring again
	waiting   []*message // receipts for whoever binds next
	seq       uint32
}

func newLedger(seed uint64) *ledger {
	return &ledger{rand: rand.New(rand.NewPCG(seed, 1)), taken: map[string]int{}, ids: map[string]string{}, answered: map[string]bool{}}
}

func (l *ledger) dial(context.Context, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go l.serve(theirs)
	return ours, nil
}

// wire is one connection of the ledger: what it writes leaves in its order.
type wire struct {
	net.Conn
	out     chan []byte // nil: close it
	gone    chan struct{}
	pending map[uint32]*message // receipts without their answer; the ledger's lock
}

func (w *wire) send(p pdu) {
	b, err := appendPDU(nil, p)
	if err != nil {
		panic(err)
	}
	select {
	case w.out <- b:
	case <-w.gone:
	}
}

func (w *wire) write() {
	for {
		select {
		case b := <-w.out:
			if b == nil {
				w.Close()
				return
			}
			if _, err := w.Write(b); err != nil {
				return
			}
		case <-w.gone:
			return
		}
	}
}

func (l *ledger) serve(conn net.Conn) {
	w := &wire{Conn: conn, out: make(chan []byte, 1<<14), gone: make(chan struct{}), pending: map[uint32]*message{}}
	defer l.over(w)
	defer conn.Close()
	defer close(w.gone)
	go w.write()
	r := bufio.NewReader(conn)
	silent := 0 // so many more are taken in silence, then it hangs up
	left := 150 + l.pick(200)
	for {
		frame, err := readFrame(r, nil)
		if err != nil {
			return
		}
		p, err := decodePDU(frame)
		if err != nil {
			panic(err)
		}
		switch p.command {
		case bindTransceiver:
			w.send(pdu{command: p.command.response(), seq: p.seq, body: &bindAnswer{"SMSC"}})
			l.bring(w, nil)
		case enquireLink, unbind:
			w.send(pdu{command: p.command.response(), seq: p.seq})
		case deliverSM.response():
			l.acknowledged(w, p)
		case submitSM:
			if left--; left == 0 {
				silent = 10 + l.pick(20)
			}
			if l.take(w, p, silent != 0); silent > 0 {
				if silent--; silent == 0 {
					w.out <- nil // after the answers that are written; what still comes in is read
					silent = -1
				}
			}
		}
	}
}

func (l *ledger) pick(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rand.IntN(n)
}

// over keeps the receipts that were not confirmed: whoever binds next gets them.
func (l *ledger) over(w *wire) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hangUps++
	for _, m := range w.pending {
		l.waiting = append(l.waiting, m)
		l.redone++
	}
	clear(w.pending)
}

// take does with a submit what chance says.
func (l *ledger) take(w *wire, p pdu, dropped bool) {
	m := p.body.(*message)
	l.mu.Lock()
	l.read++
	chance := l.rand.IntN(1000)
	if !dropped && chance < 20 {
		l.throttled++
		l.mu.Unlock()
		w.send(pdu{command: p.command.response(), status: statusThrottled, seq: p.seq})
		return
	}
	number := m.destination.digits
	l.taken[number]++
	n := 0x100000 + len(l.ids)
	id := fmt.Sprint(n)
	receipt := receiptFor(id)
	if l.hex {
		id = fmt.Sprintf("%x", n)
	}
	l.ids[id] = number
	receipt.source.digits = number
	early := !dropped && chance >= 900
	switch {
	case dropped:
		l.dropped++
	case chance < 30: // 1 %
		l.lost++
		dropped = true
	default:
		l.answered[number] = true
	}
	if early {
		l.early++
	}
	l.mu.Unlock()
	if early {
		l.bring(w, receipt)
	}
	if !dropped {
		w.send(pdu{command: p.command.response(), seq: p.seq, body: &messageAnswer{id}})
	}
	if !early {
		l.bring(w, receipt)
	}
}

// bring sends a receipt, and before it what waits from earlier connections.
func (l *ledger) bring(w *wire, receipt *message) {
	l.mu.Lock()
	all := l.waiting
	l.waiting = nil
	if receipt != nil {
		all = append(all, receipt)
	}
	var out []pdu
	for _, m := range all {
		l.seq++
		w.pending[l.seq] = m
		out = append(out, pdu{command: deliverSM, seq: l.seq, body: m})
	}
	l.mu.Unlock()
	for _, p := range out {
		w.send(p)
	}
}

func (l *ledger) acknowledged(w *wire, p pdu) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := w.pending[p.seq]; m != nil && p.status != statusOK {
		l.waiting = append(l.waiting, m) // come again
		l.redone++
	}
	delete(w.pending, p.seq)
}

// outcomes is what our side says.
type outcomes struct {
	mu        sync.Mutex
	attempts  int
	accepted  map[string]string // number -> id
	uncertain map[string]bool
	throttled int
	unsent    int // refused before anything was written, and tried again
}

// carry does for one recipient what the dispatcher does: a retry is tried
// again, what is uncertain is not.
func (o *outcomes) carry(t *testing.T, c *Channel, number string) {
	m := text("k"+number, "Piove.")
	m.To = "+" + number
	for {
		r, err := c.Send(t.Context(), m)
		v, wait := channels.VerdictOf(err)
		o.mu.Lock()
		o.attempts++
		switch v {
		case channels.VerdictAccepted:
			o.accepted[number] = r.ID
		case channels.VerdictUncertain:
			o.uncertain[number] = true
		case channels.VerdictRetry:
			if strings.Contains(err.Error(), "ESME_RTHROTTLED") {
				o.throttled++
			} else {
				o.unsent++
			}
		default:
			t.Errorf("%s: %v", number, err)
		}
		o.mu.Unlock()
		if v != channels.VerdictRetry {
			return
		}
		time.Sleep(max(wait, 10*time.Millisecond))
	}
}

// Whatever goes wrong on the way, our books and the SMSC's say the same: of
// each message whether it was taken, by whom it was confirmed, and that nobody
// got it twice.
func TestTheBooksAgree(t *testing.T) {
	for _, config := range []struct {
		binds, window int
		hex           bool
	}{{1, 50, false}, {3, 20, false}, {2, 30, true}} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%d binds of %d, hexadecimal %v, seed %d", config.binds, config.window, config.hex, seed), func(t *testing.T) {
				inBubble(t, func(t *testing.T) { booksAgree(t, config.binds, config.window, config.hex, seed) })
			})
		}
	}
}

func booksAgree(t *testing.T, binds, window int, hex bool, seed uint64) {
	const people = 2000
	l, sink := newLedger(seed), newMemory()
	l.hex = hex
	sink.got = make(chan struct{}, 10*people)
	c := newChannel(t, nil, func(c *Config) { c.Binds, c.Window = binds, window })
	c.connect = l.dial
	ctx, cancel := context.WithCancel(t.Context())
	listened := make(chan error, 1)
	go func() { listened <- c.Listen(ctx, sink) }()
	synctest.Wait()

	books := &outcomes{accepted: map[string]string{}, uncertain: map[string]bool{}}
	queue := make(chan string)
	var wg sync.WaitGroup
	for range 2 * binds * window {
		wg.Go(func() {
			for number := range queue {
				books.carry(t, c, number)
			}
		})
	}
	for n := range people {
		queue <- fmt.Sprint(393330000000 + n)
	}
	close(queue)
	wg.Wait()
	time.Sleep(2 * longestWait) // what was brought back comes again
	cancel()
	if err := <-listened; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	t.Logf("%d people: %d accepted, %d uncertain; %d throttled, %d not sent; the SMSC read %d, took %d, answered %d, lost %d answers, dropped %d in %d hang-ups, brought %d receipts early and %d again",
		people, len(books.accepted), len(books.uncertain), books.throttled, books.unsent, l.read, len(l.taken), len(l.answered), l.lost, l.dropped, l.hangUps, l.early, l.redone)
	if l.lost == 0 || l.throttled == 0 || l.dropped == 0 || l.early == 0 {
		t.Error("nothing went wrong: the test shows nothing")
	}
	// Sent: every submit that it read is one attempt of ours with its outcome.
	if sent := books.attempts - books.unsent; sent != l.read {
		t.Errorf("we sent %d, it read %d", sent, l.read)
	}
	if books.throttled != l.throttled {
		t.Errorf("we were throttled %d times, it says %d", books.throttled, l.throttled)
	}
	// Accepted: exactly those that it answered with a yes; in doubt exactly those
	// that it took and never answered.
	if len(books.accepted)+len(books.uncertain) != people {
		t.Errorf("%d accepted and %d uncertain of %d", len(books.accepted), len(books.uncertain), people)
	}
	for number, times := range l.taken {
		if times != 1 {
			t.Errorf("%s got it %d times", number, times)
		}
		if books.uncertain[number] == l.answered[number] {
			t.Errorf("%s: answered %v, uncertain %v", number, l.answered[number], books.uncertain[number])
		}
	}
	for number, id := range books.accepted {
		if l.ids[id] != number {
			t.Errorf("%s was accepted as %s, which is for %q", number, id, l.ids[id])
		}
	}
	if len(l.answered) != len(books.accepted) || len(l.taken) != people || l.lost+l.dropped != len(books.uncertain) {
		t.Errorf("it answered %d and we hold %d; it took %d of %d; it left %d unanswered and we doubt %d", len(l.answered), len(books.accepted), len(l.taken), people, l.lost+l.dropped, len(books.uncertain))
	}
	// Delivered: what it reported is what it took, under the id that it gave.
	delivered := map[string]bool{}
	for _, r := range sink.reports {
		id := r.MessageID
		for _, other := range r.Alternatives { // of what was never answered, before the spelling was known
			if number := l.ids[other]; l.ids[id] == "" && books.uncertain[number] {
				id = other
			}
		}
		if r.State != channels.ReportDelivered || l.ids[id] == "" {
			t.Errorf("reported %+v", r)
		}
		delivered[id] = true
	}
	if len(delivered) != len(l.ids) || len(sink.reports) < len(delivered) {
		t.Errorf("%d delivered, %d taken", len(delivered), len(l.ids))
	}
	for number, id := range books.accepted {
		if !delivered[id] {
			t.Errorf("%s: nobody says that it was delivered", number)
		}
	}
}
