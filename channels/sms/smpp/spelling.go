package smpp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// spelling finds out how an SMSC spells one id in its answer and in its
// receipt: some answer in hexadecimal and report in decimal, or the other way
// round. "1001" can be either, so guessing alone could credit a stranger's
// delivery. The ids and numbers of the last messages settle it: an id that we
// were given for exactly the number that the receipt comes from is ours.
type spelling struct {
	mu     sync.Mutex
	addr   string            // of the last bind
	recent map[string]string // id as answered -> number, until the spelling is known
	order  []string
	votes  [spellings]int
	known  int // index into spell's result + 1; 0: not yet

	flying  map[string]int       // submits without their answer, by number
	waiting map[string][]*unread // by number
	held    int                  // of them
}

const (
	spellings    = 6
	mostRecent   = 1024
	mostHeld     = 1024
	votesToTrust = 3
)

// unread is a receipt whose id was not seen yet, while a submit to its number
// has no answer: it may have come before the answer that names it.
type unread struct {
	id    string
	done  func(best string, others []string)
	timer *time.Timer
}

// spell gives the ways in which the answer may have written what the receipt
// calls id; "" where there is none. The first is the id itself.
func spell(id string) (ways [spellings]string) {
	ways[0] = id
	if n, err := strconv.ParseUint(id, 10, 64); err == nil {
		ways[1] = strconv.FormatUint(n, 16)
		ways[2] = strings.ToUpper(ways[1])
		ways[3] = fmt.Sprintf("%08x", n)
		ways[4] = fmt.Sprintf("%08X", n)
	}
	if n, err := strconv.ParseUint(id, 16, 64); err == nil {
		ways[5] = strconv.FormatUint(n, 10)
	}
	return ways
}

// submitted notes that an answer for number is awaited, until landed is called.
func (s *spelling) submitted(number string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known > 0 {
		return
	}
	if s.flying == nil {
		s.flying = map[string]int{}
	}
	s.flying[number]++
}

// landed notes that the answer has come, or is not awaited any more. Receipts
// that waited for it in vain go on.
func (s *spelling) landed(number string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flying[number] > 1 {
		s.flying[number]--
		return
	}
	delete(s.flying, number)
	for _, u := range slices.Clone(s.waiting[number]) {
		s.letGo(number, u)
	}
}

// letGo ends the waiting of a receipt; the lock is held.
func (s *spelling) letGo(number string, u *unread) {
	if !s.drop(number, u) {
		return
	}
	u.timer.Stop()
	if best, sure := s.resolve(u.id, number); sure {
		go u.done(best, nil)
		return
	}
	go u.done(u.id, otherWays(u.id))
}

// answered notes an id that the SMSC gave for a message to number.
func (s *spelling) answered(id, number string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known > 0 || id == "" {
		return
	}
	if s.recent == nil {
		s.recent = map[string]string{}
	}
	if _, has := s.recent[id]; !has {
		s.order = append(s.order, id)
	}
	s.recent[id] = number
	if len(s.order) > mostRecent {
		delete(s.recent, s.order[0])
		s.order = s.order[1:]
	}
}

// settle finds out how the answer wrote the id of a receipt from number, and
// calls done once: at once where that is clear or no answer is awaited; else
// when the answer has come, or after holdTime. Where it stays unclear, done gets
// the id as it is and the other ways to write it. done may block.
func (s *spelling) settle(id, number string, done func(best string, others []string)) {
	s.mu.Lock()
	best, sure := s.resolve(id, number)
	if sure || s.flying[number] == 0 || s.held >= mostHeld {
		s.mu.Unlock()
		if sure {
			done(best, nil)
		} else {
			done(id, otherWays(id))
		}
		return
	}
	u := &unread{id: id, done: done}
	u.timer = time.AfterFunc(holdTime, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.letGo(number, u)
	})
	if s.waiting == nil {
		s.waiting = map[string][]*unread{}
	}
	s.waiting[number] = append(s.waiting[number], u)
	s.held++
	s.mu.Unlock()
}

// drop takes a receipt out; false: it has gone already. The lock is held.
func (s *spelling) drop(number string, u *unread) bool {
	at := slices.Index(s.waiting[number], u)
	if at < 0 {
		return false
	}
	s.held--
	if s.waiting[number] = slices.Delete(s.waiting[number], at, at+1); len(s.waiting[number]) == 0 {
		delete(s.waiting, number)
	}
	return true
}

// resolve gives the id as the answer wrote it, for a receipt from number, where
// that is sure. The lock is held.
func (s *spelling) resolve(id, number string) (best string, sure bool) {
	ways := spell(id)
	if s.known > 0 {
		if way := ways[s.known-1]; way != "" {
			return way, true
		}
		return id, true
	}
	for i, way := range ways {
		if way != "" && number != "" && s.recent[way] == number {
			s.votes[i]++
			if best == "" {
				best = way
			}
		}
	}
	if best == "" {
		return "", false
	}
	s.decide()
	return best, true
}

// otherWays are those to write id, without id itself.
func otherWays(id string) (others []string) {
	seen := map[string]bool{id: true, "": true}
	for _, way := range spell(id) {
		if !seen[way] {
			seen[way] = true
			others = append(others, way)
		}
	}
	return others
}

// decide trusts a way that was right often enough and more often than every
// other: "00001000" fits small and capital letters alike.
func (s *spelling) decide() {
	first := 0
	for i, n := range s.votes {
		if n > s.votes[first] {
			first = i
		}
	}
	for i, n := range s.votes {
		if s.votes[first] < votesToTrust || (i != first && n == s.votes[first]) {
			return
		}
	}
	s.known, s.recent, s.order = first+1, nil, nil
}

// bound starts anew where a bind was made at another address than before: there
// may stand another SMSC. What the last one taught holds over every loss.
func (s *spelling) bound(addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.addr != addr {
		s.addr, s.votes, s.known = addr, [spellings]int{}, 0
	}
}
