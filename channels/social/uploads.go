package social

import (
	"sync"
	"time"

	"martinella/channels"
)

// UploadTime is what the upload of a picture may take of the time of a Send, so
// that the words have time left.
const UploadTime = 10 * time.Second

// mostFailed is how many failed uploads a post waits for: a platform whose store
// of pictures is down still takes words.
const mostFailed = 2

// longestWait is how long the words wait for a limit that concerns the picture
// alone.
const longestWait = 10 * time.Second

// mostPosts bounds the memory of posts whose pictures keep failing.
const mostPosts = 1000

// Uploads counts the failed uploads of each post, so that no alert waits for its
// picture for long. The zero value is ready; it may be used from many
// goroutines.
type Uploads struct {
	mu     sync.Mutex
	failed map[string]int
}

// GivesUp is told why the picture of m was not taken, and reports whether m goes
// without it: after a clear no, or a wait that is too long, or for the second
// time. Else the whole is tried again, or waits for credentials.
func (u *Uploads) GivesUp(m channels.Message, err error) bool {
	switch v, wait := channels.VerdictOf(err); {
	case v == channels.VerdictPermanent, v == channels.VerdictRetry && wait > longestWait:
		return true
	case v == channels.VerdictUnauthorized:
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.failed == nil || len(u.failed) > mostPosts {
		u.failed = map[string]int{}
	}
	u.failed[uploadOf(m)]++
	return u.failed[uploadOf(m)] >= mostFailed
}

// Sent is told how a post went that has its picture in the same request. Where
// nobody knows whether it was taken, the picture may have been too much.
func (u *Uploads) Sent(m channels.Message, err error) {
	if v, wait := channels.VerdictOf(err); v == channels.VerdictUncertain || v == channels.VerdictRetry && wait == 0 {
		u.GivesUp(m, err)
	}
}

// Missed reports whether the picture of m failed before.
func (u *Uploads) Missed(m channels.Message) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.failed[uploadOf(m)] > 0
}

// Worked forgets what failed of m.
func (u *Uploads) Worked(m channels.Message) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.failed, uploadOf(m))
}

func uploadOf(m channels.Message) string { return m.Key + "\x00" + m.Language }
