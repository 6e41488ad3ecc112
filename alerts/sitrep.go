package alerts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// SitrepVersion is the stored format of [Sitrep] that this program writes.
const SitrepVersion = 1

// Sitrep is a situation report: what somebody of the authority saw at a place at
// a time, shown with its event on the public page. It changes no severity, area,
// instruction or validity, and reaches nobody by SMS, e-mail, push or siren. It
// never changes itself: it is withdrawn, or another one replaces it.
type Sitrep struct {
	V        int       `json:"v"`
	ID       ID        `json:"id"` // a ULID of its own
	Event    ID        `json:"event"`
	Status   Status    `json:"status"`             // that of its event
	Language string    `json:"language"`           // RFC 3066
	Text     string    `json:"text,omitempty"`     // may be left out where there is a photo
	Place    string    `json:"place"`              // in words
	Source   string    `json:"source"`             // who saw it, in words
	Observed time.Time `json:"observed"`           // when it was seen
	Photo    *Photo    `json:"photo,omitempty"`    // nil: words alone
	Replaces ID        `json:"replaces,omitempty"` // the report that this one corrects

	Author  By        `json:"author"`
	Via     string    `json:"via"` // api, console
	Posted  time.Time `json:"posted"`
	Content Digest    `json:"content"` // over what is said, not over who and when

	// Withdrawn is set once it no longer holds. It stays in the ledger and on the
	// page, without its words and its photo.
	Withdrawn *Withdrawal `json:"withdrawn,omitempty"`

	// Replicated is as in [Record].
	Replicated *bool `json:"-"`
}

// Photo is a picture of a [Sitrep], as it is served.
type Photo struct {
	Digest Digest `json:"digest"` // over its bytes, which names it
	Width  int    `json:"width"`  // pixels
	Height int    `json:"height"`
	Alt    string `json:"alt"` // what it shows, for who does not see it

	JPEG []byte `json:"-"` // only on its way into the store
}

// Withdrawal says that a report no longer holds.
type Withdrawal struct {
	By       By        `json:"by"`
	At       time.Time `json:"at"`
	Reason   string    `json:"reason,omitempty"`
	Replaced ID        `json:"replaced_by,omitempty"` // by this report; "": taken back
}

// The bounds of a [Sitrep]. Lengths are in code points.
const (
	SitrepText   = 500
	SitrepPlace  = 200
	SitrepSource = 100
	SitrepAlt    = 300
	SitrepReason = 200
	SitrepPhoto  = 200_000 // bytes (DECISIONS 27)
	SitrepsMost  = 200     // of one event, withdrawn ones included

	SitrepPhotoKept = 90 * 24 * time.Hour // at least, from its posting on; then its words alone are left

	SitrepOld   = 24 * time.Hour  // how long ago it may have been seen
	SitrepAhead = 2 * time.Minute // how far another clock may run ahead of ours
)

// SitrepStore keeps situation reports. Its methods may be called from many
// goroutines and nodes, block until the store answered or ctx ended, and return
// an error wrapping [ErrUnavailable] when it did not.
type SitrepStore interface {
	// AddSitrep stores a report with its act and its entry in the log, all or
	// nothing, once for each id; a photo's bytes are written before. head is the
	// published revision by which it was judged: [ErrStale] where another one took
	// its place. Where the id is known nothing is written, and the stored report
	// comes back with fresh=false. What it replaces is withdrawn by the same
	// write; [ErrConflict] where that was withdrawn before. [ErrNotSendable] where
	// the event has [SitrepsMost].
	AddSitrep(ctx context.Context, s *Sitrep, head ID, act Act) (stored *Sitrep, fresh bool, err error)

	// WithdrawSitrep marks a report as withdrawn and forgets its photo, together
	// with the act and an entry in the log, once; the stored report comes back.
	// [ErrNotFound] where there is none.
	WithdrawSitrep(ctx context.Context, event, id ID, w Withdrawal, act Act) (stored *Sitrep, fresh bool, err error)

	// Sitreps gives the reports of an event, in the order in which they came; none
	// for an event that has none or is not there.
	Sitreps(ctx context.Context, event ID) ([]*Sitrep, error)

	// Reported gives the events that have any, so that who shows all events asks
	// for those alone.
	Reported(ctx context.Context) (map[ID]bool, error)
}

// digest covers what the report says.
func (s *Sitrep) digest() Digest {
	var photo, alt string
	if s.Photo != nil {
		photo, alt = string(s.Photo.Digest), s.Photo.Alt
	}
	b, _ := json.Marshal([]string{string(s.Event), s.Language, s.Text, s.Place, s.Source, FormatTime(s.Observed.UTC()), photo, alt, string(s.Replaces)})
	sum := sha256.Sum256(b)
	return Digest(hex.EncodeToString(sum[:]))
}

// problems are what is wrong with the form of a report, at now.
func (s *Sitrep) problems(now time.Time) Problems {
	var ps Problems
	words := func(field, text string, most int, needed bool) {
		switch {
		case needed && strings.TrimSpace(text) == "":
			ps.refuse(field, "is missing", "say it in a few words")
		case !utf8.ValidString(text) || utf8.RuneCountInString(text) > most:
			ps.refuse(field, fmt.Sprintf("is longer than %d characters", most), "say it in fewer words")
		}
	}
	words("text", s.Text, SitrepText, s.Photo == nil)
	words("place", s.Place, SitrepPlace, true)
	words("source", s.Source, SitrepSource, true)
	if s.Photo != nil {
		words("alt", s.Photo.Alt, SitrepAlt, true)
	}
	switch {
	case s.Observed.IsZero():
		ps.refuse("observed", "is missing", "say when it was seen")
	case s.Observed.After(now.Add(SitrepAhead)):
		ps.refuse("observed", "lies in the future: "+FormatTime(s.Observed), "say when it was seen; here it is "+FormatTime(now))
	case s.Observed.Before(now.Add(-SitrepOld)):
		ps.refuse("observed", "is longer ago than a day: "+FormatTime(s.Observed), "a live update tells of the last 24 hours")
	}
	if s.ID != "" && !plausible(s.ID) {
		ps.refuse("id", "is no ULID", "leave it out, or give 26 characters of Crockford's base 32")
	}
	return ps
}

func plausible(id ID) bool {
	return len(id) == 26 && id[0] <= '7' && strings.Trim(string(id), "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == ""
}
