package alerts

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// scenes is a SitrepStore in a list.
type scenes struct {
	all   []*Sitrep
	acts  []Act
	stale int // how often another revision comes first
}

func (s *scenes) AddSitrep(_ context.Context, one *Sitrep, _ ID, act Act) (*Sitrep, bool, error) {
	if s.stale > 0 {
		s.stale--
		return nil, false, ErrStale
	}
	s.all, s.acts = append(s.all, one), append(s.acts, act)
	return one, true, nil
}

func (s *scenes) WithdrawSitrep(_ context.Context, _, id ID, w Withdrawal, act Act) (*Sitrep, bool, error) {
	one := *sitrepOf(s.all, id)
	one.Withdrawn = &w
	s.acts = append(s.acts, act)
	s.all[slices.IndexFunc(s.all, func(have *Sitrep) bool { return have.ID == id })] = &one
	return &one, true, nil
}

func (s *scenes) Sitreps(context.Context, ID) ([]*Sitrep, error) { return s.all, nil }

func (s *scenes) Reported(context.Context) (map[ID]bool, error) { return nil, nil }

func atBridge(change ...func(*Sitrep)) Sitrep {
	s := Sitrep{Text: " L'acqua è a 20 cm dal ponte. ", Place: "Ponte di via Roma", Source: "Vigili del Fuoco", Observed: noon.Add(-time.Minute), Via: "api"}
	for _, c := range change {
		c(&s)
	}
	return s
}

func TestReportNeedsWhatChangingTheAlertNeeds(t *testing.T) {
	limited := func(change func(*Rights)) Person {
		p := person("key:limited", VerbSubmit)
		change(&p.Rights)
		return p
	}
	for name, c := range map[string]struct {
		by    Person
		alert func(*Alert)
		close Change
		want  error
	}{
		"who may submit":                {by: person("key:a", VerbSubmit)},
		"who may issue":                 {by: person("key:a", VerbIssue)},
		"who may approve alone":         {by: person("key:a", VerbApprove), want: ErrForbidden},
		"who may read":                  {by: person("key:a", VerbRead), want: ErrForbidden},
		"who practises":                 {by: limited(func(r *Rights) { r.Statuses = nil }), want: ErrForbidden},
		"who practises, of an exercise": {by: limited(func(r *Rights) { r.Statuses = nil }), alert: func(a *Alert) { a.Status = StatusExercise }},
		"elsewhere":                     {by: limited(func(r *Rights) { r.Areas = []string{"099*"} }), want: ErrForbidden},
		"of less grave ones":            {by: limited(func(r *Rights) { r.MaxSeverity = SeverityModerate }), want: ErrForbidden},
		"of other hazards":              {by: limited(func(r *Rights) { r.Hazards = []string{"Fire"} }), want: ErrForbidden},
		"on other channels":             {by: limited(func(r *Rights) { r.Channels = []string{"sms"} }), want: ErrForbidden},
		"what is not for everybody":     {by: person("key:a", VerbIssue), alert: func(a *Alert) { a.Scope, a.Restriction = ScopeRestricted, "volontari" }, want: ErrNotSendable},
		"what is over":                  {by: person("key:a", VerbIssue), close: ChangeCancelled, want: ErrNotSendable},
	} {
		t.Run(name, func(t *testing.T) {
			m, seen := newMemory(), &scenes{}
			d := newDesk(m)
			d.Sitreps = seen
			a := flood(func(a *Alert) { a.Infos[0].Severity = SeveritySevere })
			if c.alert != nil {
				c.alert(a)
			}
			all := person("key:all", VerbIssue)
			all.Rights.SelfApprove = true
			r, _, err := submit(t, d, all, a)
			if err != nil || r.State != StateIssued {
				t.Fatalf("%+v, %v", r, err)
			}
			if c.close != "" {
				if r, _, err = d.Cancel(t.Context(), all, r.ID, Decision{Digest: r.Approved, Reason: "errore"}, noon); err != nil {
					t.Fatal(err)
				}
			}
			_, may := d.MayReport(t.Context(), c.by, r.Event)
			stored, fresh, err := d.Report(t.Context(), c.by, r.ID, atBridge(), noon)
			if !errors.Is(err, c.want) || !errors.Is(may, c.want) || fresh != (c.want == nil) || len(seen.all) != len(seen.acts) {
				t.Fatalf("%+v, %v, %v; may: %v", stored, fresh, err, may)
			}
			if c.want != nil {
				return
			}
			if stored.Text != "L'acqua è a 20 cm dal ponte." || stored.Event != r.Event || stored.Status != a.Status || stored.Language != "it-IT" || stored.ID == "" {
				t.Errorf("%+v", stored)
			}
			act := seen.acts[0]
			if act.Verb != "reported" || act.Digest != stored.Content || act.By.ID != c.by.ID || act.Reason != string(stored.ID) || act.Via != "api" {
				t.Errorf("%+v", act)
			}
			if now, _ := d.Store.Get(t.Context(), r.ID, Newest); now.ID != r.ID || now.Approved != r.Approved {
				t.Error("the alert has changed")
			}
		})
	}
}

func TestWhatAReportMustSay(t *testing.T) {
	m := newMemory()
	d := newDesk(m)
	seen := &scenes{}
	d.Sitreps = seen
	d.Instructs = func(s *Sitrep) (ps Problems) {
		if strings.Contains(s.Text, "evitate") {
			ps.refuse("text", "tells people what to do", "send an Update")
		}
		return ps
	}
	by := person("key:a", VerbIssue)
	r, _, err := submit(t, d, by, flood(func(a *Alert) { a.Infos[0].Severity = SeverityModerate }))
	if err != nil {
		t.Fatal(err)
	}
	picture := func(s *Sitrep) {
		s.Photo = &Photo{Digest: "abc", Width: 1, Height: 1, Alt: "Il ponte", JPEG: []byte("x")}
	}
	for field, bad := range map[string]func(*Sitrep){
		"text":     func(s *Sitrep) { s.Text = " " },
		"place":    func(s *Sitrep) { s.Place = "" },
		"source":   func(s *Sitrep) { s.Source = strings.Repeat("x", SitrepSource+1) },
		"alt":      func(s *Sitrep) { picture(s); s.Photo.Alt = " " },
		"observed": func(s *Sitrep) { s.Observed = noon.Add(SitrepAhead + time.Second) },
		"id":       func(s *Sitrep) { s.ID = "one" },
		"photo":    func(s *Sitrep) { s.Photo = &Photo{Alt: "x"} },
		"replaces": func(s *Sitrep) { s.Replaces = "01ARZ3NDEKTSV4RRFFQ69G5FAV" },
	} {
		_, _, err := d.Report(t.Context(), by, r.ID, atBridge(bad), noon)
		var refusal *Refusal
		if !errors.As(err, &refusal) || !errors.Is(err, ErrInvalid) || refusal.Problems[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	for what, bad := range map[string]func(*Sitrep){
		"a day and a second ago": func(s *Sitrep) { s.Observed = noon.Add(-SitrepOld - time.Second) },
		"no time":                func(s *Sitrep) { s.Observed = time.Time{} },
		"an instruction":         func(s *Sitrep) { s.Text = "L'acqua sale, evitate la zona." },
		"no UTF-8":               func(s *Sitrep) { s.Text = "\xff" },
	} {
		if _, _, err := d.Report(t.Context(), by, r.ID, atBridge(bad), noon); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if len(seen.all) != 0 {
		t.Fatalf("stored: %+v", seen.all)
	}
	first, _, err := d.Report(t.Context(), by, r.ID, atBridge(picture, func(s *Sitrep) { s.Text, s.ID = "", "01ARZ3NDEKTSV4RRFFQ69G5FAV" }), noon)
	if err != nil {
		t.Fatal(err)
	}
	// The same again is none; other words, and somebody else's, are refused.
	again := atBridge(picture, func(s *Sitrep) { s.Text, s.ID = "", first.ID })
	if _, fresh, err := d.Report(t.Context(), by, r.ID, again, noon.Add(48*time.Hour)); err != nil || fresh {
		t.Errorf("the same two days later: %v, %v", fresh, err)
	}
	again.Place = "Altrove"
	if _, _, err := d.Report(t.Context(), by, r.ID, again, noon); !errors.Is(err, ErrConflict) {
		t.Errorf("other words: %v", err)
	}
	// A correction goes on with the photo.
	second, _, err := d.Report(t.Context(), by, r.ID, atBridge(func(s *Sitrep) { s.Replaces, s.Photo = first.ID, &Photo{} }), noon)
	if err != nil || second.Photo.Digest != "abc" || second.Photo.Alt != "Il ponte" || seen.acts[1].Verb != "report-corrected" {
		t.Errorf("%+v, %v, %+v", second, err, seen.acts)
	}
	if _, _, err := d.Withdraw(t.Context(), by, r.ID, second.ID, " ", "api", noon); !errors.Is(err, ErrInvalid) {
		t.Errorf("without a reason: %v", err)
	}
	if _, _, err := d.Withdraw(t.Context(), person("key:r", VerbRead), r.ID, second.ID, "x", "api", noon); !errors.Is(err, ErrForbidden) {
		t.Errorf("by a reader: %v", err)
	}
	if _, _, err := d.Withdraw(t.Context(), by, r.ID, "none", "x", "api", noon); !errors.Is(err, ErrNotFound) {
		t.Errorf("of nothing: %v", err)
	}
	gone, fresh, err := d.Withdraw(t.Context(), by, r.ID, second.ID, "luogo sbagliato", "api", noon)
	if err != nil || !fresh || gone.Withdrawn.Reason != "luogo sbagliato" || seen.acts[2].Digest != second.Content || !strings.Contains(seen.acts[2].Reason, string(second.ID)) {
		t.Errorf("%+v, %v, %v", gone, fresh, err)
	}
	if _, fresh, err := d.Withdraw(t.Context(), by, r.ID, second.ID, "ancora", "api", noon); err != nil || fresh {
		t.Errorf("again: %v, %v", fresh, err)
	}
	seen.stale = 2
	if _, fresh, err := d.Report(t.Context(), by, r.ID, atBridge(), noon); err != nil || !fresh {
		t.Errorf("while the alert is updated: %v, %v", fresh, err)
	}
	seen.stale = 9
	if _, _, err := d.Report(t.Context(), by, r.ID, atBridge(), noon); !errors.Is(err, ErrStale) {
		t.Errorf("while it is updated without end: %v", err)
	}
	d.Sitreps = nil
	if _, _, err := d.Report(t.Context(), by, r.ID, atBridge(), noon); !errors.Is(err, ErrNotFound) {
		t.Errorf("where nobody keeps them: %v", err)
	}
}
