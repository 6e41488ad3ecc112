package alerts

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// ID is the ULID of one revision (26 characters of Crockford's base 32). An
// event has the ID of its first revision.
type ID string

// Digest is a SHA-256 in lower-case hexadecimal.
type Digest string

// State is where a record stands in its life.
type State string

// The values of [State]. Expiry alone only lapses an event; it takes an
// all-clear or a Cancel to end it (DECISIONS 3).
const (
	StateDraft      State = "draft"
	StateSubmitted  State = "submitted" // waits for the second person
	StateReturned   State = "returned"  // to its author, with a reason
	StateRejected   State = "rejected"
	StateIssued     State = "issued"
	StateSuperseded State = "superseded" // by an Update
	StateCancelled  State = "cancelled"  // by a Cancel
	StateLapsed     State = "lapsed"     // expired without an all-clear
	StateEnded      State = "ended"      // by an all-clear
)

// States lists the values of [State].
var States = []State{StateDraft, StateSubmitted, StateReturned, StateRejected, StateIssued, StateSuperseded, StateCancelled, StateLapsed, StateEnded}

// Published reports whether the record was ever sent: issued or what came
// after it.
func (s State) Published() bool {
	switch s {
	case StateIssued, StateSuperseded, StateCancelled, StateLapsed, StateEnded:
		return true
	}
	return false
}

// Change is what a published record does to its event, as pages and feeds name
// it.
type Change string

// The values of [Change].
const (
	ChangeIssued    Change = "issued"
	ChangeUpdated   Change = "updated"
	ChangeCancelled Change = "cancelled" // "inviata per errore"
	ChangeEnded     Change = "ended"     // all-clear
)

// RecordVersion is the stored format of [Record] that this program writes. It
// reads this one and the one before (DECISIONS 24).
const RecordVersion = 1

// Record is an alert with its life. An issued record never changes but for its
// State; a change is a new revision that supersedes it.
type Record struct {
	V          int    `json:"v"`
	ID         ID     `json:"id"`
	Event      ID     `json:"event"`
	Revision   int    `json:"revision"`             // 1 is the first of its event
	Supersedes ID     `json:"supersedes,omitempty"` // the revision before
	State      State  `json:"state"`
	Change     Change `json:"change"`

	Alert    *Alert   `json:"alert"`
	Replaced *Alert   `json:"replaced,omitempty"` // of a Cancel that brings no info: what it cancels, for its words
	Own      bool     `json:"own,omitempty"`      // made here: publishing sets sent, outside the digest
	Warnings Problems `json:"warnings,omitempty"`
	Flagged  bool     `json:"flagged,omitempty"` // somebody else's alert with warnings: never leaves without a person's yes

	Content  Digest   `json:"content"`            // over the canonical CAP: same alert or another one
	Approved Digest   `json:"approved,omitempty"` // over content, audience, plan and rendered texts: what the second person says yes to
	Channels []string `json:"channels"`           // the plan, by configured name
	Areas    []Value  `json:"areas,omitempty"`    // codes resolved once, at approval; a Cancel has its event's
	Reach    int      `json:"reach"`              // recipients addressed one by one

	Author    By        `json:"author"`
	Writers   []By      `json:"writers,omitempty"` // others whose words are in it: like its author they are no second person
	Approver  By        `json:"approver,omitzero"`
	Via       string    `json:"via"` // api, console, feed
	Received  time.Time `json:"received"`
	Published time.Time `json:"published,omitzero"`
	Cursor    string    `json:"cursor,omitempty"` // of its entry in the log
	Closed    ID        `json:"closed_by,omitempty"`

	// ReviewDue is until when a second person must look at what was issued by
	// its author alone (DECISIONS 4), in this revision or one before it. Whether
	// it was done is in the acts; see [Desk.ReviewDue].
	ReviewDue time.Time `json:"review_due,omitzero"`
	// Resumes is the event that was cancelled and is issued again by this record.
	Resumes ID `json:"resumes,omitempty"`
	// Call is the call-out that the record pages volunteers for; "" of an alert.
	// Such a record is Restricted, in no list and of no event: only the channels
	// of its plan read it.
	Call       ID     `json:"call,omitempty"`
	CallNumber uint32 `json:"call_number,omitempty"` // of that call: the links of its pages are made of it
	CallUrgent bool   `json:"call_urgent,omitempty"` // the page overtakes
	CallTest   bool   `json:"call_test,omitempty"`   // of contacts: each of its links tells over which one it came

	// Replicated tells of the write that this record comes from: whether as many
	// replicas of the store had it in time as the configuration wants. nil: none
	// was waited for. It is not stored.
	Replicated *bool `json:"-"`

	unknown map[string]json.RawMessage // fields of a newer program, kept on rewriting
}

// By names who did something, without their rights.
type By struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// By is the person as a record names it.
func (p Person) By() By { return By{p.ID, p.Name} }

// Urgent reports whether the record overtakes: Extreme, Severe, every Cancel
// and every all-clear; of the pages of calls those that say so.
func (r *Record) Urgent() bool {
	if r.Call != "" {
		return r.CallUrgent
	}
	return r.Change == ChangeCancelled || r.Change == ChangeEnded || r.Severity().Rank() >= SeveritySevere.Rank()
}

// WatchedFor is how long after its publication a record is looked after.
const WatchedFor = 7 * 24 * time.Hour

// Watched reports whether the gateway looks after the published record: a real
// one of Severe or Extreme, one that was taken back, or one whose review is due.
func (r *Record) Watched() bool {
	return r.Alert.Status == StatusActual && (r.Change == ChangeCancelled || r.Severity().Rank() >= SeveritySevere.Rank() || !r.ReviewDue.IsZero())
}

// Infos are the wordings of the record: the alert's own, or those of the alert
// that it cancels where it has none (CAP lets a Cancel omit info).
func (r *Record) Infos() []Info { return r.worded().Infos }

// Info gives the wording for a language; see [Alert.Info].
func (r *Record) Info(lang, fallback string) *Info { return r.worded().Info(lang, fallback) }

// Severity is that of [Record.Infos].
func (r *Record) Severity() Severity { return r.worded().Severity() }

func (r *Record) worded() *Alert {
	if len(r.Alert.Infos) == 0 && r.Replaced != nil {
		return r.Replaced
	}
	return r.Alert
}

// named are the codes by which rights are judged: those of the alert that a
// Cancel without infos replaces, else what the record inherited. Areas holds
// besides them what lies within them.
func (r *Record) named() []Value {
	var codes []Value
	if r.Replaced != nil {
		for i := range r.Replaced.Infos {
			for j := range r.Replaced.Infos[i].Areas {
				codes = append(codes, r.Replaced.Infos[i].Areas[j].Geocodes...)
			}
		}
	}
	if len(codes) == 0 {
		return r.Areas
	}
	return codes
}

// Expires is when the record must no longer be sent; zero for what always
// leaves (a Cancel, an all-clear).
func (r *Record) Expires() time.Time {
	if r.Change == ChangeCancelled || r.Change == ChangeEnded {
		return time.Time{}
	}
	return r.Alert.Expires()
}

// Clone is a deep copy.
func (r *Record) Clone() *Record {
	c := *r
	c.Alert = r.Alert.Clone()
	if r.Replaced != nil {
		c.Replaced = r.Replaced.Clone()
	}
	c.Warnings = append(Problems(nil), r.Warnings...)
	c.Channels = slices.Clone(r.Channels) // an empty plan is not "all channels"
	c.Areas = append([]Value(nil), r.Areas...)
	c.Writers = slices.Clone(r.Writers)
	c.unknown = maps.Clone(r.unknown)
	return &c
}

type plainRecord Record

// recordFields are the JSON names that this program knows.
var recordFields = func() map[string]bool {
	full := plainRecord{Alert: &Alert{}, Warnings: Problems{{}}, Own: true, Flagged: true, Replaced: &Alert{}, Supersedes: "x", Approved: "x", Cursor: "x", Closed: "x",
		Areas: []Value{{}}, Writers: []By{{"x", "x"}}, Approver: By{"x", "x"}, Published: time.Unix(1, 0), ReviewDue: time.Unix(1, 0), Resumes: "x", Call: "x", CallNumber: 1, CallUrgent: true, CallTest: true}
	b, _ := json.Marshal(full)
	m := map[string]json.RawMessage{}
	_ = json.Unmarshal(b, &m)
	known := map[string]bool{}
	for k := range m {
		known[k] = true
	}
	return known
}()

// MarshalJSON writes the stored form, with the fields of a newer program that
// were read before.
func (r Record) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(plainRecord(r))
	if err != nil || len(r.unknown) == 0 {
		return b, err
	}
	extra, err := json.Marshal(r.unknown)
	if err != nil {
		return nil, err
	}
	return append(append(b[:len(b)-1], ','), extra[1:]...), nil
}

// UnmarshalJSON reads the stored form of this version and the one before, and
// refuses a newer one.
func (r *Record) UnmarshalJSON(b []byte) error {
	var p plainRecord
	if err := json.Unmarshal(b, &p); err != nil {
		return err
	}
	if p.V > RecordVersion || p.V < RecordVersion-1 {
		return fmt.Errorf("record %s has format %d, this program reads %d and %d", p.ID, p.V, RecordVersion-1, RecordVersion)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool { return recordFields[name] })
	p.unknown = all
	*r = Record(p)
	return nil
}

// Act is one thing that somebody did: to a record, or to who may do something
// (people of staff, API keys). Acts are appended by the scripts that make the
// change, never apart from them; the ledger builds its tree over them.
//
// Of an act on people and keys By and Of are ids without names: the ledger
// keeps every act for ever, and who is erased must not stay in it by name.
type Act struct {
	V      int       `json:"v"`
	Seq    int64     `json:"seq"` // 1, 2, ... without a gap within an authority; set by the store
	At     time.Time `json:"at"`
	By     By        `json:"by"`
	Verb   string    `json:"verb"` // submitted, opened, approved, issued, issued-alone, reviewed, returned, recalled, rejected, extended, resumed, cancelled, suspended, ended, lapsed, rung, reported, report-corrected, report-withdrawn, declared-live, staff-..., key-...
	Alert  ID        `json:"alert"`
	Event  ID        `json:"event"`
	Digest Digest    `json:"digest"`
	Reason string    `json:"reason,omitempty"`
	Via    string    `json:"via,omitempty"`
	Of     string    `json:"of,omitempty"` // id of the member of staff, invitation or key that the act is about
}
