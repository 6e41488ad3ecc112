package dashboards

import (
	"context"
	"slices"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// item is an event as the API shows it: its newest revision.
type item struct {
	ID         alerts.ID       `json:"id"`
	Event      alerts.ID       `json:"event"`
	Revision   int             `json:"revision"`
	Supersedes alerts.ID       `json:"supersedes,omitempty"`
	State      alerts.State    `json:"state"`
	Change     alerts.Change   `json:"change"`
	Severity   alerts.Severity `json:"severity"`
	Digest     alerts.Digest   `json:"digest"`
	Content    alerts.Digest   `json:"content"`
	Cursor     string          `json:"cursor,omitempty"`
	URL        string          `json:"url"`
	Own        bool            `json:"own"`
	Flagged    bool            `json:"flagged"`
	Warnings   alerts.Problems `json:"warnings"`
	Channels   []string        `json:"channels"`
	Reach      int             `json:"reach"`
	Author     alerts.By       `json:"author"`
	Approver   *alerts.By      `json:"approver,omitempty"`
	Received   string          `json:"received"`
	Published  string          `json:"published,omitempty"`
	AloneFrom  string          `json:"alone_from,omitempty"` // when its author may issue it alone, where it waits and nobody opens it
	ReviewDue  string          `json:"review_due,omitempty"` // until when a second person must look at what was issued alone; absent once it was done
	Resumes    alerts.ID       `json:"resumes,omitempty"`    // the cancelled event that this one issues again
	// Head is what the public sees while this revision waits: acts on an
	// issued event (cancel, all-clear) name its digest.
	Head  *head          `json:"head,omitempty"`
	Alert *alerts.Alert  `json:"alert"`
	Areas []alerts.Value `json:"areas"`
}

type head struct {
	ID       alerts.ID     `json:"id"`
	Revision int           `json:"revision"`
	State    alerts.State  `json:"state"`
	Digest   alerts.Digest `json:"digest"`
}

// item fails where the store does not tell whether a review is still due.
func (s *Server) item(ctx context.Context, r *alerts.Record) (item, error) {
	due, err := s.Desk.ReviewDue(ctx, r)
	if err != nil {
		return item{}, err
	}
	var from time.Time
	if r.State == alerts.StateSubmitted {
		at, may, err := s.Desk.AloneFrom(ctx, r)
		if err != nil {
			return item{}, err
		}
		if may {
			from = at
		}
	}
	i := item{
		ID: r.ID, Event: r.Event, Revision: r.Revision, Supersedes: r.Supersedes, State: r.State, Change: r.Change,
		Severity: r.Severity(), Digest: r.Approved, Content: r.Content, Cursor: r.Cursor, URL: s.pageURL(r), Own: r.Own, Flagged: r.Flagged,
		Warnings: append(alerts.Problems{}, r.Warnings...), Channels: append([]string{}, r.Channels...), Reach: r.Reach,
		Author: r.Author, Received: stamp(r.Received), Published: stamp(r.Published), Alert: r.Alert, Areas: append([]alerts.Value{}, r.Areas...),
		AloneFrom: stamp(from), ReviewDue: stamp(due), Resumes: r.Resumes,
	}
	if r.Approver != (alerts.By{}) {
		i.Approver = &r.Approver
	}
	return i, nil
}

// stamp writes a time for programs, in UTC with milliseconds; "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// mayRead: who approves, issues or was given the right to read sees every
// alert. A key that only submits sees its own and what everybody may see.
func mayRead(by alerts.Person, r *alerts.Record) bool {
	return readsAll(by) || r.Author.ID == by.ID || broadcast.Public(r)
}

// readsAll reports whether by may read what others do too.
func readsAll(by alerts.Person) bool {
	return slices.ContainsFunc([]alerts.Verb{alerts.VerbRead, alerts.VerbApprove, alerts.VerbIssue}, func(v alerts.Verb) bool {
		return slices.Contains(by.Rights.Verbs, v)
	})
}

// covers reports whether a record concerns an area: by a geocode of the
// resolved areas or of the alert.
func covers(r *alerts.Record, code string) bool {
	has := func(vs []alerts.Value) bool {
		return slices.ContainsFunc(vs, func(v alerts.Value) bool { return v.Value == code })
	}
	if has(r.Areas) {
		return true
	}
	for _, in := range r.Infos() {
		for i := range in.Areas {
			if has(in.Areas[i].Geocodes) {
				return true
			}
		}
	}
	return false
}
