package broadcast

import (
	"slices"
	"sync"

	"martinella/broadcast/crash"
)

// window is how some of the recipients are served at once.
type window struct {
	via   Via
	late  bool // they are settled, not sent
	probe bool // one looks whether the channel's own provider is back, while the second one carries the others
}

// probe reports whether the next message may look whether the channel's own
// provider is back: one at a time on this node, within its pace, and beside the
// windows, since it may hang.
func (b *batch) probe() bool {
	if !b.own.breaker.probing() || !b.own.probed.CompareAndSwap(false, true) {
		return false
	}
	got, err := b.queue.Pace(b.flight, b.own.limit, Ask{N: 1, Class: b.class()})
	if err != nil || got.N == 0 {
		b.own.probed.Store(false)
		return false
	}
	return true
}

// attempt writes the attempt down, sends one window and keeps what came of it,
// now or, of those that may hang on a provider in trouble, later.
func (b *batch) attempt(from, to uint32, w window) error {
	probing := w.probe
	defer func() {
		if probing { // nothing left
			b.own.probed.Store(false)
		}
	}()
	ordinals := make([]uint32, 0, to-from)
	for o := from; o < to; o++ {
		ordinals = append(ordinals, o)
	}
	turns, err := b.begin(ordinals, w.via)
	if err != nil {
		return err
	}
	crash.At(crash.AfterTry)
	contacts, closed, err := b.contacts(from, to)
	if err != nil {
		// Nobody was sent anything: say so, or they would count as in doubt.
		for i, t := range turns {
			switch t.Do() {
			case TurnSend:
				b.unsent = append(b.unsent, ordinals[i])
			case TurnAsk, TurnAskStopped, TurnAskHalted:
				b.doubts = append(b.doubts, ordinals[i])
			case TurnStop:
				b.keep(b.replaced(ordinals[i]), false)
			case TurnHalt:
				b.keep(halted(ordinals[i]), false)
			}
		}
		b.hold(storePause, "the contacts could not be read")
		return nil
	}
	ends := make([]ending, len(ordinals))
	var wg sync.WaitGroup
	for i, o := range ordinals {
		m, known := b.message(o, contacts)
		instead := Queued
		turn := turns[i]
		switch {
		case turn.Do() == TurnSkip:
			b.spare(w, o)
			continue
		case turn.Do() == TurnStop:
			b.spare(w, o)
			b.stopped = true
			b.halted.Store(&b.job.Alert)
			ends[i] = b.replaced(o)
			continue
		case turn.Do() == TurnHalt:
			b.spare(w, o)
			ends[i] = halted(o)
			continue
		case turn.Do() == TurnSend && closed != nil && !closed[i]:
			b.spare(w, o)
			ends[i] = untold(o)
			continue
		case !known:
			ends[i] = settle(Result{Ordinal: o, State: Failed, Reason: "no message was rendered for this recipient"})
			continue
		case !w.late && (turn.Do() == TurnSend || turn.Do() == TurnAsk) && b.awaits(m) != "":
			b.spare(w, o)
			ends[i] = ending{result: Result{Ordinal: o}, unsent: turn.Do() == TurnSend, doubt: turn.Do() == TurnAsk, reason: b.awaits(m)}
			continue
		case !m.Step.Posts() && len(m.Standing) == 0:
			b.spare(w, o)
			ends[i] = settle(Result{Ordinal: o, State: Suppressed, Reason: "there is no earlier post that still stands"})
			continue
		case b.kind != "" && m.To == "":
			instead = Suppressed
		case w.late:
			instead = b.end
		}
		if w.probe || b.hangs(turn) {
			probing = false
			b.beside.Go(func() {
				e := b.deliver(m, turn, instead, w.via)
				if w.probe {
					b.own.probed.Store(false)
				}
				b.mu.Lock()
				defer b.mu.Unlock()
				b.ended = append(b.ended, e)
			})
			continue
		}
		wg.Go(func() { ends[i] = b.deliver(m, turn, instead, w.via) })
	}
	wg.Wait()
	for i := range ends {
		b.keep(ends[i], false)
	}
	return nil
}

// spare keeps what the pace has granted for one who needs none.
func (b *batch) spare(w window, ordinal uint32) {
	if !w.probe && !w.late {
		b.credit += b.weigh(b.credited, ordinal, ordinal+1)
	}
}

// hangs reports whether a question about the recipient goes to a provider in
// trouble, for which the others need not wait.
func (b *batch) hangs(t Turn) bool {
	if b.second == nil || !t.asks() {
		return false
	}
	return slices.ContainsFunc(t.Trail().Vias(), func(v Via) bool { return b.provider(v).holds() || b.provider(v).breaker.probing() })
}
