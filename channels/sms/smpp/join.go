package smpp

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"
)

// joiner puts together what a citizen's phone sent in several parts. Its
// methods may be called at once.
//
// A part waits for the others without being answered, so that nothing is
// confirmed before it is stored: an SMSC that sends several at once gets all
// its answers when the whole text is. One that sends the next only after an
// answer would wait for ever: after holdTime the part is stored alone, marked
// "(1/2) ", then answered, and kept here for the whole that may still come.
type joiner struct {
	mu     sync.Mutex
	groups map[groupKey]*group
}

// The bounds of the joiner: strangers fill it. What does not fit in is stored
// part by part.
const (
	holdTime    = 2 * time.Second
	joinTime    = 5 * time.Minute
	mostGroups  = 1024
	mostJoined  = 16  // parts of one text
	longestPart = 160 // octets
	mostRepeats = 16  // of one part, while none is answered
)

// groupKey is what the parts of one text share.
type groupKey struct {
	from, to  string
	reference uint16
	wide      bool // of 16 bits
	total     byte
}

type group struct {
	parts  []*message // by number; nil: not here yet
	open   [][]func(status)
	expire *time.Timer
}

// take keeps a part, and false says that it must go alone. store gets the text
// of the whole, or of a part that could not wait, and blocks until it is
// durable.
func (j *joiner) take(m *message, f fragment, answer func(status), store func(text string) error) bool {
	if f.total > mostJoined || len(m.content()) > longestPart {
		return false
	}
	key := groupKey{m.source.digits, m.destination.digits, f.reference, f.wide, f.total}
	n := int(f.number) - 1
	j.mu.Lock()
	g := j.groups[key]
	if g == nil {
		if len(j.groups) >= mostGroups {
			j.mu.Unlock()
			return false
		}
		g = j.begin(key)
	}
	if len(g.open[n]) >= mostRepeats {
		j.mu.Unlock()
		answer(statusTemporary)
		return true
	}
	g.parts[n] = m.bare()
	g.open[n] = append(g.open[n], answer)
	if !g.whole() {
		if len(g.open[n]) == 1 {
			time.AfterFunc(holdTime, func() { j.alone(key, g, n, store) })
		}
		j.mu.Unlock()
		return true
	}
	j.forget(key, g)
	answers := g.answers()
	j.mu.Unlock()
	st := statusOf(store(joined(g.parts)))
	if st != statusOK {
		j.restore(key, g)
	}
	for _, answer := range answers {
		answer(st)
	}
	return true
}

// begin makes a group; the lock is held.
func (j *joiner) begin(key groupKey) *group {
	g := &group{parts: make([]*message, key.total), open: make([][]func(status), key.total)}
	if j.groups == nil {
		j.groups = map[groupKey]*group{}
	}
	j.groups[key] = g
	g.expire = time.AfterFunc(joinTime, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.forget(key, g)
	})
	return g
}

// forget takes a group out; the lock is held.
func (j *joiner) forget(key groupKey, g *group) {
	if j.groups[key] == g {
		delete(j.groups, key)
		g.expire.Stop()
	}
}

// restore puts back the parts that were answered already, after the whole could
// not be stored: the SMSC brings the others again, and only those.
func (j *joiner) restore(key groupKey, g *group) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.groups[key] != nil {
		return
	}
	kept := 0
	for n := range g.parts {
		if g.open[n] != nil {
			g.parts[n] = nil
		} else {
			kept++
		}
	}
	if kept == 0 {
		return
	}
	again := j.begin(key)
	copy(again.parts, g.parts)
}

// alone stores a part that has waited long enough.
func (j *joiner) alone(key groupKey, g *group, n int, store func(string) error) {
	j.mu.Lock()
	if j.groups[key] != g || len(g.open[n]) == 0 {
		j.mu.Unlock()
		return
	}
	m, answers := g.parts[n], g.open[n]
	g.open[n] = nil
	j.mu.Unlock()
	st := statusOf(store(numbered(m, n+1, int(key.total))))
	if st != statusOK {
		j.mu.Lock()
		if j.groups[key] == g && g.parts[n] == m && g.open[n] == nil {
			g.parts[n] = nil // it will come again
		}
		j.mu.Unlock()
	}
	for _, answer := range answers {
		answer(st)
	}
}

// drop lets go of everything that waits: the SMSC keeps what is not answered
// with a yes.
func (j *joiner) drop() {
	j.mu.Lock()
	var answers []func(status)
	for key, g := range j.groups {
		answers = append(answers, g.answers()...)
		j.forget(key, g)
	}
	j.mu.Unlock()
	for _, answer := range answers {
		answer(statusTemporary)
	}
}

func (g *group) whole() bool {
	for _, m := range g.parts {
		if m == nil {
			return false
		}
	}
	return true
}

func (g *group) answers() []func(status) {
	var all []func(status)
	for _, open := range g.open {
		all = append(all, open...)
	}
	return all
}

// bare is a message with nothing but what its text needs: the PDU, whose
// optional parameters may be long, is let go.
func (m *message) bare() *message {
	return &message{esmClass: m.esmClass, dataCoding: m.dataCoding, text: bytes.Clone(m.content())}
}

// joined is the text of all parts. Octets are joined before they are read: a
// phone may have cut a surrogate or an escape pair.
func joined(parts []*message) string {
	var text strings.Builder
	whole := &message{dataCoding: parts[0].dataCoding}
	for _, m := range parts {
		if m.dataCoding != whole.dataCoding {
			text.WriteString(decodeOctets(whole))
			whole = &message{dataCoding: m.dataCoding}
		}
		whole.text = append(whole.text, m.userData()...)
	}
	text.WriteString(decodeOctets(whole))
	return text.String()
}

// numbered is the text of a part that goes alone.
func numbered(m *message, n, total int) string {
	return fmt.Sprintf("(%d/%d) %s", n, total, decode(m))
}
