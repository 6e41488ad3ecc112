package channels

import (
	"errors"
	"fmt"
	"strings"

	"martinella/alerts"
)

// AreaBound is a channel that reaches everybody in an area by itself: cell
// broadcast, sirens, boards in the streets. A lost area there is not a message
// to nobody but to everybody (MISSION R4), so its Send refuses with
// [Permanent], and sends nothing, where [WithinArea] does.
type AreaBound interface {
	// Covers gives the codes of everything that sending m would reach, as the
	// channel is configured. It is pure, like Render.
	Covers(m Message) []alerts.Value
}

// The reasons of [WithinArea].
var (
	ErrNoArea = errors.New("the message names no approved area")
	ErrWider  = errors.New("it would reach further than what was approved")
)

// WithinArea compares what sending m would reach with what was approved. The
// error is [Permanent] and wraps [ErrNoArea] or [ErrWider]; a channel that
// cannot say what it covers is taken to cover too much. Names of systems are
// compared without case.
func WithinArea(c AreaBound, m Message) error {
	if len(m.Areas) == 0 {
		return Permanent(ErrNoArea)
	}
	approved := make(map[alerts.Value]bool, len(m.Areas))
	for _, v := range m.Areas {
		approved[plain(v)] = true
	}
	covers := c.Covers(m)
	if len(covers) == 0 {
		return Permanent(fmt.Errorf("%w: it does not say which areas", ErrWider))
	}
	for _, v := range covers {
		if !approved[plain(v)] {
			return Permanent(fmt.Errorf("%w: %s %s", ErrWider, v.Name, v.Value))
		}
	}
	return nil
}

func plain(v alerts.Value) alerts.Value {
	return alerts.Value{Name: strings.ToLower(v.Name), Value: v.Value}
}
