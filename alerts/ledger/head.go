package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// ErrBroken is the error of a ledger that no longer leads on from what was
// signed: somebody changed it behind the gateway's back.
var ErrBroken = errors.New("the ledger was changed behind the gateway's back")

// Head says what the whole ledger is at a moment.
type Head struct {
	Authority string
	Size      int64 // entries, numbered 1 to Size
	Root      tlog.Hash
	At        time.Time // to the second, UTC
}

// Signed is a head with the note that proves it.
type Signed struct {
	Head
	Note []byte
}

// noteLimit bounds a note that is read.
const noteLimit = 16 << 10

// Head signs a head of this ledger.
func (s *Signer) Head(size int64, root tlog.Hash, at time.Time) (Signed, error) {
	h := Head{s.key.Authority(), size, root, at.UTC().Truncate(time.Second)}
	b, err := note.Sign(&note.Note{Text: h.text()}, s)
	if err != nil {
		return Signed{}, fmt.Errorf("sign the head of the ledger: %w", err)
	}
	return Signed{h, b}, nil
}

// text is the head as a checkpoint: whose, how many, the root, and on a line of
// its own the time.
func (h Head) text() string {
	return fmt.Sprintf("%s%s\n%d\n%s\n%s\n", origin, h.Authority, h.Size, h.Root, h.At.Format(time.RFC3339))
}

// ReadHead reads what a note says, signed by whoever.
func ReadHead(b []byte) (Signed, error) {
	bad := errors.New("this is not the head of a ledger")
	if len(b) > noteLimit {
		return Signed{}, bad
	}
	text, _, found := bytes.Cut(b, []byte("\n\n"))
	lines := strings.Split(string(text), "\n")
	if !found || len(lines) < 4 { // a newer program may write more
		return Signed{}, bad
	}
	var h Head
	var err1, err2, err3 error
	h.Authority, found = strings.CutPrefix(lines[0], origin)
	h.Size, err1 = strconv.ParseInt(lines[1], 10, 64)
	h.Root, err2 = tlog.ParseHash(lines[2])
	h.At, err3 = time.Parse(time.RFC3339, lines[3])
	h.At = h.At.UTC()
	if err := errors.Join(err1, err2, err3); err != nil || !found || h.Size < 0 || !strings.HasPrefix(string(text)+"\n", h.text()) {
		return Signed{}, bad
	}
	return Signed{h, b}, nil
}

// OpenHead reads a note and verifies its signature.
func OpenHead(b []byte, k Key) (Signed, error) {
	s, err := ReadHead(b)
	if err != nil {
		return s, err
	}
	if k.verifier == nil {
		return s, errors.New("there is no key to verify the head with")
	}
	if s.Authority != k.Authority() {
		return s, fmt.Errorf("the head is that of the ledger of %.40q, the key that of %.40q", s.Authority, k.Authority())
	}
	if _, err := note.Open(b, note.VerifierList(k.verifier)); err != nil {
		return s, fmt.Errorf("the head is not signed with the key %.60s", k)
	}
	return s, nil
}
