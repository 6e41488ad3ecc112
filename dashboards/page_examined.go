package dashboards

import (
	"time"

	"martinella/broadcast"
)

// examinedBox tells staff whether the gateway was declared live, what is not
// right since, and what is excepted.
type examinedBox struct {
	Declared   bool
	At         instant // of the declaration
	Failed     []broadcast.FailedCheck
	Exceptions []exceptedLine
	Red        int // failed and not excepted
}

// exceptedLine is an exception of the declaration.
type exceptedLine struct {
	Code, Reason string
	Until        instant
	Over         bool
}

// Bad reports whether a person should look at it.
func (b *examinedBox) Bad() bool { return b != nil && b.Red > 0 }

// examinedBox is nil where nothing was examined.
func (s *Server) examinedBox(l *locale, now time.Time) *examinedBox {
	if s.Examined == nil {
		return nil
	}
	e := s.Examined()
	if e.At.IsZero() {
		return nil
	}
	box := &examinedBox{Declared: e.Declaration.Declared(), At: l.At(e.Declaration.At, now), Red: e.Red()}
	for _, f := range e.Failed {
		if !f.Excepted {
			box.Failed = append(box.Failed, f)
		}
	}
	for _, x := range e.Declaration.Exceptions {
		box.Exceptions = append(box.Exceptions, exceptedLine{x.Code, x.Reason, l.At(x.Until, now), !now.Before(x.Until)})
	}
	return box
}
