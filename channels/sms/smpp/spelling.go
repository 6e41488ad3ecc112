package smpp

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// spelling finds out how an SMSC spells one id in its answer and in its
// receipt: some answer in hexadecimal and report in decimal, or the other way
// round. "1001" can be either, so guessing alone could credit a stranger's
// delivery. The ids and numbers of the last messages settle it: an id that we
// were given for exactly the number that the receipt comes from is ours.
type spelling struct {
	mu     sync.Mutex
	recent map[string]string // id as answered -> number, until the spelling is known
	order  []string
	votes  [spellings]int
	known  int // index into spell's result + 1; 0: not yet
}

const (
	spellings    = 6
	mostRecent   = 1024
	votesToTrust = 3
)

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

// resolve gives the id as the answer wrote it, for a receipt from number; and
// while that is not sure, the other ways to write it.
func (s *spelling) resolve(id, number string) (best string, others []string) {
	ways := spell(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known > 0 {
		if way := ways[s.known-1]; way != "" {
			return way, nil
		}
		return id, nil
	}
	for i, way := range ways {
		if way != "" && number != "" && s.recent[way] == number {
			s.votes[i]++
			if best == "" {
				best = way
			}
		}
	}
	if best != "" {
		s.decide()
		return best, nil
	}
	seen := map[string]bool{id: true, "": true}
	for _, way := range ways[1:] {
		if !seen[way] {
			seen[way] = true
			others = append(others, way)
		}
	}
	return id, others
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

// forget starts anew: behind another bind may stand another SMSC.
func (s *spelling) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.votes, s.known = [spellings]int{}, 0
}
