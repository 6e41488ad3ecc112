package dashboards

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"martinella/alerts"
	"martinella/alerts/compose"
	"martinella/broadcast"
	"martinella/dashboards/verify"
)

// nearest is one of our messages, and how a text differs from it.
type nearest struct {
	record *alerts.Record
	pieces []compose.Piece
}

// How many questions are answered: of one address, where addresses are known
// (a mobile network has thousands of readers behind one), and of all together.
// Who tries every code learns what everybody may read anyway.
const (
	verifyRate, verifyBurst       = 1, 60
	verifyAllRate, verifyAllBurst = 100, 500
)

// How many texts are compared at once (a code is looked up without a turn), and
// how long a reader waits for a turn: a comparison of long texts costs tens of
// milliseconds and 8 MB.
const (
	judgedAtOnce = 4
	judgeWait    = 2 * time.Second
)

// verifier keeps what checks need: how many there were, and the recent texts.
type verifier struct {
	each, all *buckets
	turns     turns // of comparisons

	reading sync.Mutex // held by who brings recent up to date

	recent []candidate
	cursor broadcast.Cursor // as of which recent was made
	made   time.Time

	mu    sync.Mutex
	texts map[alerts.ID][]verify.Text // what was written never changes
}

// candidate is one of ours with which a text is compared.
type candidate struct {
	record *alerts.Record
	texts  []verify.Text
}

const (
	mostCompared = 60          // revisions that a text without a code is compared with, besides those that hold
	mostWritten  = 500         // revisions whose texts are kept
	recentFor    = time.Minute // how long recent is used
)

func newVerifier() *verifier {
	return &verifier{each: newBuckets(verifyRate, verifyBurst), all: newBuckets(verifyAllRate, verifyAllBurst), turns: make(turns, judgedAtOnce), texts: map[alerts.ID][]verify.Text{}}
}

// take counts a question, and says how long to wait if there were too many.
func (v *verifier) take(s *Server, r *http.Request) time.Duration {
	if address, known := s.address(r); known {
		if wait := v.each.take(address.String()); wait > 0 {
			return wait
		}
	}
	return v.all.take("")
}

// byCode gives the public revisions with a code, the newest first.
func (s *Server) byCode(ctx context.Context, board *broadcast.View, code string) ([]nearest, error) {
	var out []nearest
	for _, id := range slices.Backward(board.Coded(code)) {
		r, err := s.publicRevision(ctx, id)
		switch {
		case errors.Is(err, alerts.ErrNotFound):
			continue
		case err != nil:
			return nil, err
		}
		out = append(out, nearest{record: r})
	}
	return out, nil
}

// publicRevision gives exactly this revision, alerts.ErrNotFound for one that is
// not for everybody.
func (s *Server) publicRevision(ctx context.Context, id alerts.ID) (*alerts.Record, error) {
	r, err := s.Desk.Store.Get(ctx, id, alerts.Exactly)
	if err == nil && !broadcast.Public(r) {
		return nil, alerts.ErrNotFound
	}
	return r, err
}

// byText compares a text with what it names, and then with what is recent.
func (s *Server) byText(ctx context.Context, board *broadcast.View, text string, now time.Time) (answer, []nearest, error) {
	theirs := verify.Prepare(text)
	named, err := s.named(ctx, board, text)
	if err != nil {
		return "", nil, err
	}
	best, at := s.best(named, theirs)
	if best.Match < verify.Part {
		recent, err := s.recent(ctx, board, now)
		if err != nil {
			return "", nil, err
		}
		other, place := s.best(recent, theirs)
		if other.Match >= verify.Part || len(named) == 0 && other.Match > verify.Other {
			best, at, named = other, place, nil
		}
		if len(named) == 0 && best.Match == verify.Other {
			if theirs.Short() {
				return answerShort, nil, nil
			}
			return answerForeign, nil, nil
		}
	}
	found := []nearest{{record: at.record}}
	switch best.Match {
	case verify.Whole:
		return answerWhole, found, nil
	case verify.Part:
		return answerPart, found, nil
	}
	if best.Score > 0 { // where hardly a word is ours, marks say nothing
		found[0].pieces = verify.Difference(at.texts[best.Ours], theirs)
	}
	switch {
	case best.Match == verify.Added:
		return answerAdded, found, nil
	case len(named) > 0:
		return answerAltered, found, nil
	}
	return answerSimilar, found, nil
}

// best finds the nearest; of several alike the first one.
func (s *Server) best(all []candidate, theirs verify.Text) (verify.Verdict, candidate) {
	best, at := verify.Verdict{Ours: -1}, candidate{}
	for _, c := range all {
		if v := verify.Best(c.texts, theirs); best.Ours < 0 || v.Nearer(best) {
			best, at = v, c
		}
	}
	return best, at
}

// named gives the public revisions whose code or address stands in a text, the
// newest first.
func (s *Server) named(ctx context.Context, board *broadcast.View, text string) ([]candidate, error) {
	codes, ids := verify.Hints(text)
	for _, code := range codes {
		ids = append(ids, board.Coded(code)...)
	}
	known := map[alerts.ID]*alerts.Record{}
	for _, id := range ids {
		if known[id] != nil {
			continue
		}
		r, err := s.publicRevision(ctx, id)
		switch {
		case errors.Is(err, alerts.ErrNotFound):
			continue
		case err != nil:
			return nil, err
		}
		known[id] = r
		if r.ID != r.Event { // a code names one; an address all of an event
			continue
		}
		head, err := s.Desk.Store.Get(ctx, r.Event, alerts.Published)
		if err != nil {
			return nil, err
		}
		all, err := s.revisionsOf(ctx, head)
		if err != nil { // what is ours must not be called foreign
			return nil, err
		}
		for _, one := range all {
			if broadcast.Public(one) {
				known[one.ID] = one
			}
		}
	}
	var out []candidate
	for _, r := range known {
		c, err := s.candidate(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	slices.SortFunc(out, newestCandidate)
	return out, nil
}

func newestCandidate(a, b candidate) int {
	return cmp.Or(b.record.Published.Compare(a.record.Published), cmp.Compare(b.record.ID, a.record.ID))
}

// recent gives what holds and the newest of the rest. Many ask at once: one
// reads the store, the others wait for it.
func (s *Server) recent(ctx context.Context, board *broadcast.View, now time.Time) ([]candidate, error) {
	v := s.verifying
	v.reading.Lock()
	defer v.reading.Unlock()
	if v.cursor == board.Cursor && now.Sub(v.made) < recentFor && now.After(v.made) {
		return v.recent, nil
	}
	var records []*alerts.Record
	for _, h := range board.Now(now) {
		records = append(records, h.Record)
	}
	published := []alerts.State{alerts.StateIssued, alerts.StateSuperseded, alerts.StateCancelled, alerts.StateLapsed, alerts.StateEnded}
	for r, err := range s.Desk.Store.All(ctx, alerts.Filter{States: published, Limit: mostCompared}) {
		if err != nil {
			return nil, err
		}
		if broadcast.Public(r) && !slices.ContainsFunc(records, func(have *alerts.Record) bool { return have.ID == r.ID }) {
			records = append(records, r)
		}
	}
	var out []candidate
	for _, r := range records {
		c, err := s.candidate(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	slices.SortFunc(out, newestCandidate)
	v.recent, v.cursor, v.made = out, board.Cursor, now
	return out, nil
}

// candidate brings the texts of a revision: its wordings, and what was written
// for each channel that is for everybody.
func (s *Server) candidate(ctx context.Context, r *alerts.Record) (candidate, error) {
	v := s.verifying
	v.mu.Lock()
	texts, known := v.texts[r.ID]
	v.mu.Unlock()
	if known {
		return candidate{r, texts}, nil
	}
	var all []string
	if s.Written != nil {
		written, err := s.Written(ctx, r)
		if err != nil {
			return candidate{}, err
		}
		for _, t := range written {
			all = append(all, t.Text)
		}
	}
	for _, t := range s.said(r) {
		whole := []string{t.Headline}
		whole = append(append(whole, t.Description...), t.Instruction...)
		all = append(all, strings.Join(whole, "\n"), strings.Join(append([]string{t.Event}, whole...), "\n"))
	}
	for _, text := range all {
		if one := verify.Prepare(text); !one.Short() {
			texts = append(texts, one)
		}
	}
	for _, t := range s.said(r) { // last: of several alike the whole text is shown
		if lead := verify.PrepareLead(t.Headline); !lead.Short() {
			texts = append(texts, lead)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.texts) >= mostWritten {
		clear(v.texts)
	}
	v.texts[r.ID] = texts
	return candidate{r, texts}, nil
}
