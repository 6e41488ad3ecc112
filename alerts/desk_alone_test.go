package alerts

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// bell notes who was rung and why.
type bell struct {
	mu    sync.Mutex
	rings []Ring
	asked []Ring // for a second person's yes
}

func (b *bell) Ring(_ context.Context, r Ring) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.Why == WhyApproval {
		b.asked = append(b.asked, r)
		return
	}
	b.rings = append(b.rings, r)
}

func (b *bell) heard() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, r := range b.rings {
		all = append(all, string(r.Who)+" "+string(r.Why))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func sitting(id string, verbs ...Verb) Person {
	p := person(id, verbs...)
	p.Session = true
	return p
}

// sure is a decision with reason and proof.
func sure(r *Record, reason string, at time.Time) Decision {
	return Decision{Digest: r.Approved, Reason: reason, StepUp: StepUp{Digest: r.Approved, At: at}}
}

func verbs(t *testing.T, m *memory, event ID) []string {
	t.Helper()
	acts, err := m.Acts(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range acts {
		out = append(out, a.Verb)
	}
	return out
}

func extreme(a *Alert) { a.Infos[0].Severity = SeverityExtreme }

func TestIssuingAlone(t *testing.T) {
	moderate := func(a *Alert) { a.Infos[0].Severity = "Moderate" }
	drill := func(a *Alert) { a.Status = StatusExercise }
	author, other := sitting("author", VerbSubmit), person("other", VerbApprove)
	selfKey := person("author", VerbSubmit)
	selfKey.Rights.SelfApprove = true
	opened := func(who Person, at time.Duration) func(*testing.T, *Desk, *Record) {
		return func(t *testing.T, d *Desk, r *Record) {
			_, _ = d.Open(t.Context(), who, r.ID, Decision{Digest: r.Approved}, noon.Add(at))
		}
	}
	tests := map[string]struct {
		alert  func(*Alert)
		by     Person
		after  time.Duration
		before func(*testing.T, *Desk, *Record)
		with   func(*Record, time.Time) Decision
		want   error
	}{
		"an Extreme that nobody opened in 3 minutes": {alert: extreme, by: author, after: 3 * time.Minute},
		"an Extreme a moment before the 3 minutes":   {alert: extreme, by: author, after: 3*time.Minute - 1, want: ErrSecondPerson},
		"a Severe that nobody opened in 10 minutes":  {by: author, after: 10 * time.Minute},
		"a Severe a moment before the 10 minutes":    {by: author, after: 10*time.Minute - 1, want: ErrSecondPerson},
		"an approver opened it in time":              {alert: extreme, by: author, after: 6*time.Minute - 1, before: opened(other, 3*time.Minute), want: ErrSecondPerson},
		"an approver opened it and did nothing":      {alert: extreme, by: author, after: 6 * time.Minute, before: opened(other, 3*time.Minute)},
		"one opened it at once and did nothing":      {alert: extreme, by: author, after: 3 * time.Minute, before: opened(other, 0)},
		"a Severe that is being read":                {by: author, after: 20*time.Minute - 1, before: opened(other, 10*time.Minute), want: ErrSecondPerson},
		"a Severe that was opened and left":          {by: author, after: 20 * time.Minute, before: opened(other, 10*time.Minute)},
		"the second of two opened it last": {alert: extreme, by: author, after: 4*time.Minute + 30*time.Second - 1, want: ErrSecondPerson, before: func(t *testing.T, d *Desk, r *Record) {
			opened(other, 10*time.Second)(t, d, r)
			opened(person("third", VerbApprove), 90*time.Second)(t, d, r)
		}},
		"whoever opens it again and again gains nothing": {alert: extreme, by: author, after: 4 * time.Minute, before: func(t *testing.T, d *Desk, r *Record) {
			for at := time.Minute; at < 4*time.Minute; at += 10 * time.Second {
				opened(other, at)(t, d, r)
			}
		}},
		"an approver opened it too late":         {alert: extreme, by: author, after: time.Hour, before: opened(other, 3*time.Minute+1)},
		"one opened it who may not approve":      {alert: extreme, by: author, after: time.Hour, before: opened(person("x", VerbSubmit), time.Minute)},
		"one opened it who may not approve such": {alert: extreme, by: author, after: time.Hour, before: opened(Person{ID: "x", Rights: Rights{Verbs: []Verb{VerbApprove}}}, time.Minute)},
		"the author opened it":                   {alert: extreme, by: author, after: time.Hour, before: opened(person("author", VerbApprove), time.Minute)},
		"somebody else wants it":                 {by: sitting("third", VerbSubmit, VerbApprove), after: time.Hour, want: ErrSecondPerson},
		"without a reason":                       {by: author, after: time.Hour, with: func(r *Record, now time.Time) Decision { return sure(r, "", now) }, want: ErrInvalid},
		"without a proof":                        {by: author, after: time.Hour, with: func(r *Record, _ time.Time) Decision { return Decision{Digest: r.Approved, Reason: "x"} }, want: ErrStepUp},
		"with a proof for another alert": {by: author, after: time.Hour, with: func(r *Record, now time.Time) Decision {
			return Decision{Digest: r.Approved, Reason: "x", StepUp: StepUp{"00", now}}
		}, want: ErrStepUp},
		"with a proof of six minutes ago":                   {by: author, after: time.Hour, with: func(r *Record, now time.Time) Decision { return sure(r, "x", now.Add(-6*time.Minute)) }, want: ErrStepUp},
		"with a proof of tomorrow":                          {by: author, after: time.Hour, with: func(r *Record, now time.Time) Decision { return sure(r, "x", now.Add(24*time.Hour)) }, want: ErrStepUp},
		"with the digest of something else":                 {by: author, after: time.Hour, with: func(r *Record, now time.Time) Decision { return Decision{Digest: "00", Reason: "x"} }, want: ErrStale},
		"a key":                                             {by: person("author", VerbSubmit), after: time.Hour, want: ErrSecondPerson},
		"a key that was made to issue alone":                {by: selfKey, after: time.Hour},
		"a Moderate has no time after which its author may": {alert: moderate, by: author, after: time.Hour, want: ErrSecondPerson},
		"an exercise neither":                               {alert: drill, by: author, after: time.Hour, want: ErrSecondPerson},
		"one whose time is over":                            {by: author, after: 7 * time.Hour, want: ErrNotSendable},
	}
	for sentence, tt := range tests {
		t.Run(sentence, func(t *testing.T) {
			m, b := newMemory(), &bell{}
			d := newDesk(m)
			d.Ringer = b
			a := flood()
			if tt.alert != nil {
				tt.alert(a)
			}
			r, outcome, err := submit(t, d, person("author", VerbSubmit), a)
			if err != nil || outcome != OutcomeWaiting {
				t.Fatalf("submit: %s, %v", outcome, err)
			}
			if tt.before != nil {
				tt.before(t, d, r)
			}
			now := noon.Add(tt.after)
			with := sure(r, "nobody answers", now)
			if tt.with != nil {
				with = tt.with(r, now)
			}
			done, err := d.IssueAlone(t.Context(), tt.by, r.ID, with, now)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if tt.want != nil {
				if len(b.rings) > 0 || m.records[r.ID].State != StateSubmitted {
					t.Errorf("rung %q, state %s, want nothing done", b.heard(), m.records[r.ID].State)
				}
				return
			}
			if done.State != StateIssued || !done.ReviewDue.Equal(now.Add(24*time.Hour)) {
				t.Errorf("state %s, review due %v", done.State, done.ReviewDue)
			}
			if _, err := d.IssueAlone(t.Context(), tt.by, r.ID, with, now); err != nil {
				t.Errorf("again: %v", err)
			}
			if _, err := d.Watch(t.Context(), now.Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			if got := b.heard(); got != "everyone issued-alone" {
				t.Errorf("rung %q, want everyone once", got)
			}
		})
	}
}

func TestAReviewIsRemembered(t *testing.T) {
	m, b := newMemory(), &bell{}
	d := newDesk(m)
	author, boss := sitting("author", VerbSubmit, VerbApprove), person("boss", VerbApprove)
	r, _, err := submit(t, d, author, flood(func(a *Alert) { a.Infos[0].Expires = noon.Add(60 * time.Hour) }))
	if err != nil {
		t.Fatal(err)
	}
	at := noon.Add(11 * time.Minute)
	if r, err = d.IssueAlone(t.Context(), author, r.ID, sure(r, "nobody answers", at), at); err != nil {
		t.Fatal(err)
	}
	// The node died before it rang: another one does, once.
	m.notes, d.Ringer = map[string]bool{}, b
	due := func() time.Time {
		t.Helper()
		head, err := d.Store.Get(t.Context(), r.Event, Published)
		if err != nil {
			t.Fatal(err)
		}
		when, err := d.ReviewDue(t.Context(), head)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for range 3 {
		if _, err := d.Watch(t.Context(), at.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.heard(); got != "everyone issued-alone" {
		t.Errorf("rung %q after a restart", got)
	}
	// A change of the event does not forget it.
	ext, _, err := d.Extend(t.Context(), author, r.ID, sure(r, "still rising", at), noon.Add(70*time.Hour), at.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if got := due(); !got.Equal(at.Add(24 * time.Hour)) {
		t.Errorf("due %v after an extension", got)
	}
	late := at.Add(24 * time.Hour)
	for range 2 {
		if _, err := d.Watch(t.Context(), late); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.heard(); got != "everyone issued-alone, everyone review-overdue" {
		t.Errorf("rung %q when nobody reviewed", got)
	}
	for sentence, step := range map[string]struct {
		by   Person
		with Decision
		want error
	}{
		"who issued it":      {author, Decision{Digest: ext.Approved, Reason: "fine"}, ErrSecondPerson},
		"a submitter":        {person("x", VerbSubmit), Decision{Digest: ext.Approved, Reason: "fine"}, ErrForbidden},
		"without a finding":  {boss, Decision{Digest: ext.Approved}, ErrInvalid},
		"of an old revision": {boss, Decision{Digest: r.Approved, Reason: "fine"}, ErrStale},
	} {
		if _, err := d.Review(t.Context(), step.by, r.ID, step.with, late); !errors.Is(err, step.want) {
			t.Errorf("%s: %v, want %v", sentence, err, step.want)
		}
	}
	if due().IsZero() {
		t.Error("a refused review closed it")
	}
	for range 2 {
		if _, err := d.Review(t.Context(), boss, r.ID, Decision{Digest: ext.Approved, Reason: "it was right"}, late); err != nil {
			t.Fatal(err)
		}
	}
	if !due().IsZero() {
		t.Error("it is still due after the review")
	}
	n := 0
	for _, v := range verbs(t, m, r.Event) {
		if v == "reviewed" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d acts of a review, want 1", n)
	}
}

// What a person at the console decides on needs a fresh proof; a key does not.
func TestASessionProvesItself(t *testing.T) {
	for sentence, tt := range map[string]struct {
		change func(*Alert)
		by     Person
		proof  bool
		want   error
	}{
		"a Severe without":                {by: sitting("boss", VerbApprove), want: ErrStepUp},
		"a Severe with":                   {by: sitting("boss", VerbApprove), proof: true},
		"a Severe by a key":               {by: person("boss", VerbApprove)},
		"a Moderate without":              {by: sitting("boss", VerbApprove), change: func(a *Alert) { a.Infos[0].Severity = "Moderate" }},
		"an exercise of Severe without":   {by: sitting("boss", VerbApprove), change: func(a *Alert) { a.Status = StatusExercise }},
		"what a session's flag cannot do": {by: Person{ID: "author", Session: true, Rights: Rights{Verbs: Verbs, Statuses: Statuses, SelfApprove: true}}, proof: true, want: ErrSecondPerson},
	} {
		t.Run(sentence, func(t *testing.T) {
			d := newDesk(newMemory())
			a := flood()
			if tt.change != nil {
				tt.change(a)
			}
			author := person("author", VerbSubmit)
			if tt.by.ID == "author" {
				author = tt.by
			}
			r, outcome, err := submit(t, d, author, a)
			if err != nil || outcome != OutcomeWaiting {
				t.Fatalf("submit: %s, %v", outcome, err)
			}
			with := Decision{Digest: r.Approved}
			if tt.proof {
				with = sure(r, "", noon)
			}
			if _, err := d.Approve(t.Context(), tt.by, r.ID, with, noon); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestTwoApproversAtOnceReleaseOnce(t *testing.T) {
	m := newMemory()
	d := newDesk(m)
	r, _, err := submit(t, d, person("author", VerbSubmit), flood())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	failed := make([]error, 20)
	for i := range failed {
		wg.Go(func() {
			_, failed[i] = d.Approve(t.Context(), person("boss"+string(rune('a'+i)), VerbApprove), r.ID, Decision{Digest: r.Approved}, noon)
		})
	}
	wg.Wait()
	released := 0
	for _, v := range verbs(t, m, r.Event) {
		if v == "approved" {
			released++
		}
	}
	if released != 1 {
		t.Errorf("released %d times", released)
	}
	for _, err := range failed {
		if err != nil && !errors.Is(err, ErrStale) {
			t.Errorf("one who came second: %v", err)
		}
	}
}
