package broadcast

// Via is which provider carries a message of a channel.
type Via uint8

// The values of [Via].
const (
	ViaOwn    Via = iota // the channel's own
	ViaSecond            // the one that it falls back on
)

// Trail tells over whom a message left without anybody knowing whether it was
// taken: over one, and where the policy sent it once more, over two. It is part
// of the state of a recipient that is being tried, so that whoever takes the
// job over asks the right one, and nobody is sent a third copy.
type Trail uint8

// The values of [Trail]. Without one it is stored as Trying; the others are
// stored states from 8 on, in this order.
const (
	TrailOwn Trail = iota
	TrailSecond
	TrailOwnOwn
	TrailOwnSecond
	TrailSecondOwn
	TrailSecondSecond
)

// firstTrail is the stored state of TrailSecond; see [Trail].
const firstTrail State = 8

// NewTrail is the trail of what leaves over via while before may have it:
// nobody, or one.
func NewTrail(via Via, before ...Via) Trail {
	if len(before) == 0 {
		return TrailOwn + Trail(via)
	}
	return TrailOwnOwn + 2*Trail(before[0]) + Trail(via)
}

// Vias gives the providers of the trail in their order, one or two.
func (t Trail) Vias() []Via {
	if t < TrailOwnOwn {
		return []Via{Via(t)}
	}
	return []Via{Via((t - TrailOwnOwn) / 2), Via((t - TrailOwnOwn) % 2)}
}

// State is how the trail is stored.
func (t Trail) State() State {
	if t == TrailOwn {
		return Trying
	}
	return firstTrail - 1 + State(t)
}

// Plain is the state as everybody but a queue knows it: what has a [Trail] is
// Trying.
func (s State) Plain() State {
	if s >= firstTrail {
		return Trying
	}
	return s
}

// Trail is that of a recipient who is being tried.
func (s State) Trail() Trail {
	if s >= firstTrail {
		return Trail(s - firstTrail + 1)
	}
	return TrailOwn
}

// The marks beside a [Turn] that asks; its low three bits say what to do, the
// next three hold the trail.
const (
	turnRenewed Turn = 1 << 6 // a person asked to send again what had ended uncertain: it may leave once more
	turnForeign Turn = 1 << 7 // the second provider of the trail is none that is configured now: it cannot be asked
)

// NewTurn makes a turn of a recipient that was tried.
func NewTurn(do Turn, t Trail, renewed, foreign bool) Turn {
	do |= Turn(t) << 3
	if renewed {
		do |= turnRenewed
	}
	if foreign {
		do |= turnForeign
	}
	return do
}

// Do is what to do, without the marks.
func (t Turn) Do() Turn { return t & 7 }

// asks reports whether it was tried and nobody knows what came of it.
func (t Turn) asks() bool {
	return t.Do() == TurnAsk || t.Do() == TurnAskStopped || t.Do() == TurnAskHalted
}

// Trail tells over whom it may have arrived, where Do says to ask.
func (t Turn) Trail() Trail { return Trail(t >> 3 & 7) }

// Renewed reports whether it may be sent once more though it was already.
func (t Turn) Renewed() bool { return t&turnRenewed != 0 }

// Foreign reports whether the second provider of the trail cannot be asked.
func (t Turn) Foreign() bool { return t&turnForeign != 0 }
