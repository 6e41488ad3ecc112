package email

import (
	"sync"

	"github.com/emersion/go-imap/v2"
)

// skipped are the mails of the mailbox that were looked at and are nothing to
// us, so that they stay unread for people and are not fetched again. It is kept
// while the program runs, and for one validity of the folder's numbers.
type skipped struct {
	mu       sync.Mutex
	validity uint32
	tries    map[imap.UID]int
}

// maxSkipped bounds it: past that, all are looked at once more.
const maxSkipped = 100_000

// of forgets everything when the folder's numbers are others.
func (s *skipped) of(validity uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tries == nil || s.validity != validity || len(s.tries) > maxSkipped {
		s.validity, s.tries = validity, map[imap.UID]int{}
	}
}

// add counts so many tries of a mail and reports whether it is given up now.
func (s *skipped) add(uid imap.UID, tries int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries[uid] += tries
	return s.tries[uid] >= replyTries
}

// maxWaiting bounds what one look at the mailbox takes on; the rest follows with
// the next.
const maxWaiting = 10_000

// without gives the numbers that were found, but for what was given up. A server
// may name them in ranges as wide as it likes, also without an end: only so many
// are counted.
func (s *skipped) without(found imap.NumSet) []imap.UID {
	set, _ := found.(imap.UIDSet)
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []imap.UID
	for _, r := range set {
		if r.Start == 0 || r.Stop < r.Start { // "*" is no answer to a search
			continue
		}
		for uid := r.Start; ; uid++ {
			if s.tries[uid] < replyTries {
				out = append(out, uid)
			}
			if len(out) >= maxWaiting {
				return out
			}
			if uid == r.Stop {
				break
			}
		}
	}
	return out
}
