package dashboards

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/ledger"
)

// actLine is one entry of the ledger as pages and lists show it. Act is the
// zero value where the entry is gone from the store, or is no act that this
// program can read.
type actLine struct {
	N    int64
	Act  alerts.Act
	Text []byte // as it is stored; nil: gone
	Read bool
}

// actFilter chooses entries of the ledger; its zero value chooses all.
type actFilter struct {
	person string    // an id, or a part of a name
	verb   string    // one of alerts.Act
	day    time.Time // the midnight with which it begins; zero: any
	event  alerts.ID
	before int64 // numbers below; 0: any
}

const (
	// actsShown is how many acts a page of the ledger has.
	actsShown = 50
	// actsSearched is how many acts one answer looks through: with a filter that
	// few of them pass, the reader goes on where it ended.
	actsSearched = 2000
	// actsAtOnce is how many are read from the store at a time.
	actsAtOnce = 500
	// clocksApart is by how much the clocks of nodes may differ: acts are
	// numbered in the order in which the store took them, and carry the time of
	// the node that wrote them.
	clocksApart = 5 * time.Minute
)

// parseActFilter reads a filter from a query; days are those of zone.
func parseActFilter(q url.Values, zone *time.Location) (actFilter, alerts.Problems) {
	var wrong alerts.Problems
	f := actFilter{person: strings.TrimSpace(q.Get("person")), verb: q.Get("verb"), event: alerts.ID(strings.TrimSpace(q.Get("event")))}
	if len(f.person) > 200 {
		wrong = append(wrong, alerts.Problem{Field: "person", Problem: "is too long", Hint: "give an id, or a part of a name"})
	}
	if len(f.verb) > 50 {
		wrong = append(wrong, alerts.Problem{Field: "verb", Problem: "is no verb of an act", Hint: "for example verb=approved"})
	}
	if len(f.event) > 26 {
		wrong = append(wrong, alerts.Problem{Field: "event", Problem: "is not the id of an alert", Hint: "it has 26 letters and digits"})
	}
	if text := q.Get("day"); text != "" {
		day, err := time.ParseInLocation(time.DateOnly, text, zone)
		if err != nil {
			wrong = append(wrong, alerts.Problem{Field: "day", Problem: "is not a day", Hint: "for example 2026-11-22"})
		}
		f.day = day
	}
	if text := q.Get("before"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			wrong = append(wrong, alerts.Problem{Field: "before", Problem: "is not the number of an entry", Hint: "entries are numbered 1, 2, ..."})
		}
		f.before = n
	}
	return f, wrong
}

// query writes the filter as it was read; before is left to the caller.
func (f actFilter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"person": f.person, "verb": f.verb, "event": string(f.event)} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if !f.day.IsZero() {
		q.Set("day", f.day.Format(time.DateOnly))
	}
	return q
}

// passes reports whether an act is wanted. names are the people and keys that
// acts know by id alone.
func (f actFilter) passes(l actLine, names map[string]string) bool {
	a := l.Act
	if f.verb != "" && a.Verb != f.verb || f.event != "" && a.Event != f.event && a.Alert != f.event {
		return false
	}
	if !f.day.IsZero() && (a.At.Before(f.day) || !a.At.Before(f.day.AddDate(0, 0, 1))) {
		return false
	}
	if f.person == "" {
		return true
	}
	part := strings.ToLower(f.person)
	for _, text := range []string{a.By.Name, names[a.By.ID], names[a.Of]} {
		if strings.Contains(strings.ToLower(text), part) {
			return true
		}
	}
	return a.By.ID == f.person || a.Of == f.person
}

// found is what one search gave.
type found struct {
	acts []actLine
	next int64 // the search goes on below this number; 0: there is nothing more
}

// searchActs gives the newest acts that pass the filter, at most want, out of
// the newest most (0: all) that could. It takes as long as it looks through
// entries, however many the ledger has.
func (s *Server) searchActs(ctx context.Context, f actFilter, names map[string]string, want, most int, visit func(actLine) error) (found, error) {
	var out found
	keep := func(l actLine) error {
		if visit != nil {
			return visit(l)
		}
		out.acts = append(out.acts, l)
		return nil
	}
	if f.event != "" {
		err := s.eventActs(ctx, f, names, want, &out, keep)
		return out, err
	}
	low, high, err := s.bounds(ctx, f)
	if err != nil {
		return out, err
	}
	kept, searched := 0, 0
	for high >= low {
		from := max(low, high-actsAtOnce+1)
		some, err := s.Acts.Range(ctx, from, high)
		if err != nil {
			return out, err
		}
		for _, e := range slices.Backward(some) {
			line := lineOf(e)
			high = e.N - 1
			searched++
			if (!line.Read && f == actFilter{before: f.before}) || (line.Read && f.passes(line, names)) {
				if err := keep(line); err != nil {
					return out, err
				}
				kept++
			}
			if (want > 0 && kept == want) || (most > 0 && searched == most) {
				if high >= low {
					out.next = high + 1
				}
				return out, nil
			}
		}
		high = from - 1
	}
	return out, nil
}

// eventActs gives those of one event, which has a list of its own.
func (s *Server) eventActs(ctx context.Context, f actFilter, names map[string]string, want int, out *found, keep func(actLine) error) error {
	event := f.event
	if r, err := s.Desk.Store.Get(ctx, f.event, alerts.Newest); err == nil {
		event = r.Event // any of its revisions stands for it
	}
	all, err := s.Desk.Store.Acts(ctx, event)
	if err != nil {
		return err
	}
	f.event = event
	kept, last := 0, int64(0)
	for _, a := range slices.Backward(all) {
		line := actLine{N: a.Seq, Act: a, Read: true}
		if (f.before > 0 && a.Seq >= f.before) || !f.passes(line, names) {
			continue
		}
		if want > 0 && kept == want {
			out.next = last
			return nil
		}
		if line.Text, err = json.Marshal(a); err != nil {
			return err
		}
		if err := keep(line); err != nil {
			return err
		}
		kept, last = kept+1, a.Seq
	}
	return nil
}

// bounds are the numbers between which an act may pass the filter.
func (s *Server) bounds(ctx context.Context, f actFilter) (low, high int64, err error) {
	head, err := s.Acts.Head(ctx)
	if err != nil {
		return 0, 0, err
	}
	low, high = 1, head.Size
	if !f.day.IsZero() {
		if low, err = s.firstAct(ctx, f.day.Add(-clocksApart), head.Size); err != nil {
			return 0, 0, err
		}
		end, err := s.firstAct(ctx, f.day.AddDate(0, 0, 1).Add(clocksApart), head.Size)
		if err != nil {
			return 0, 0, err
		}
		high = end - 1
	}
	if f.before > 0 {
		high = min(high, f.before-1)
	}
	return low, high, nil
}

// firstAct is the number of the first act at or after t, size+1 where there is
// none: acts are numbered as they happened, but for the differences of clocks.
func (s *Server) firstAct(ctx context.Context, t time.Time, size int64) (int64, error) {
	var failed error
	n := sort.Search(int(size), func(i int) bool {
		width := int64(4)
		for from := int64(i) + 1; failed == nil && from <= size; from, width = from+width, actsAtOnce {
			some, err := s.Acts.Range(ctx, from, min(from+width-1, size))
			if err != nil {
				failed = err
				return true
			}
			for _, e := range some {
				if l := lineOf(e); l.Read { // one that is gone has no time: the next one tells
					return !l.Act.At.Before(t)
				}
			}
		}
		return true
	})
	return int64(n) + 1, failed
}

// lineOf reads an entry.
func lineOf(e ledger.Entry) actLine {
	l := actLine{N: e.N, Text: e.Text}
	l.Read = e.Text != nil && json.Unmarshal(e.Text, &l.Act) == nil && l.Act.Verb != ""
	if !l.Read {
		l.Act = alerts.Act{}
	}
	l.Act.Seq = e.N
	return l
}
