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

// without leaves out what was given up.
func (s *skipped) without(uids []imap.UID) []imap.UID {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []imap.UID
	for _, uid := range uids {
		if s.tries[uid] < replyTries {
			out = append(out, uid)
		}
	}
	return out
}
