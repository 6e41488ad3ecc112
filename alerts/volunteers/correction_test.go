package volunteers

import (
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
)

func TestWhatACorrectionMaySay(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 23, 18, 0, 30, 0, rome)
	open := &Call{State: StateOpen, Opened: began, Meet: began.Add(time.Hour), Until: began.Add(10 * time.Hour)}
	over := &Call{State: StateClosed, Opened: began, Meet: began.Add(time.Hour), Until: began.Add(10 * time.Hour), Ended: began.Add(6 * time.Hour)}
	late := &Call{State: StateClosed, Opened: began, Meet: began.Add(-3 * time.Hour), Until: began.Add(time.Hour), Ended: began.Add(time.Hour)}
	h := func(hours float64) time.Time { return began.Add(time.Duration(hours * float64(time.Hour))) }
	noted := Presence{Arrived: h(1), Safe: h(2)}
	for name, c := range map[string]struct {
		call   *Call
		to     Stay
		reason string
		now    time.Time
		fields string // of what is wrong
	}{
		"somebody forgot to check out":                         {open, Stay{h(1), h(4)}, "uscita non segnata", h(5), ""},
		"somebody is still there, but came later":              {open, Stay{h(2), time.Time{}}, "ora sbagliata", h(5), ""},
		"nobody was there":                                     {open, Stay{}, "segnata la persona sbagliata", h(5), ""},
		"from the minute on in which the call was opened":      {open, Stay{began.Truncate(time.Minute), h(1)}, "era in sede", h(5), ""},
		"who came to the meeting before the call was written":  {late, Stay{h(-3), h(1)}, "chiamata scritta dopo", h(5), ""},
		"on the way home, after the end":                       {over, Stay{h(1), h(9)}, "rientro dei mezzi", h(30), ""},
		"a day after the end":                                  {over, Stay{h(1), h(25)}, "giorno sbagliato", h(30), "left"},
		"the end before the start, without a reason":           {open, Stay{h(4), h(1)}, " \n", h(5), "left reason"},
		"an end as late as the start":                          {open, Stay{h(4), h(4)}, "x", h(5), "left"},
		"in the future":                                        {open, Stay{h(6), h(7)}, "x", h(5), "arrived left"},
		"before the call began, until the future":              {open, Stay{h(-1), h(7)}, "x", h(5), "arrived left"},
		"an end without a start":                               {open, Stay{time.Time{}, h(2)}, "x", h(5), "arrived"},
		"what is noted already":                                {open, Stay{h(1), time.Time{}}, "x", h(5), "arrived"},
		"a reason that is too long":                            {open, Stay{h(1), h(2)}, strings.Repeat("x", ReasonMost+1), h(5), "reason"},
		"a reason that has a name: the ledger forgets nothing": {open, Stay{h(1), h(2)}, "INES ha dimenticato", h(5), "reason"},
		"a reason with a part of a name in a longer word":      {open, Stay{h(1), h(2)}, "radio di Inesia", h(5), ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := noted
			ps := p.Correct(c.call, Correction{By: alerts.By{ID: "staff:1", Name: "Anna"}, To: c.to, Reason: c.reason}, "Ines De Rossi", c.now)
			var fields []string
			for _, one := range ps {
				fields = append(fields, one.Field)
				if one.Hint == "" {
					t.Errorf("%s has no remedy", one.Field)
				}
			}
			if got := strings.Join(fields, " "); got != c.fields {
				t.Fatalf("wrong are %q, want %q: %v", got, c.fields, ps)
			}
			if len(ps) > 0 {
				if p.Revision() != noted.Revision() || p.Corrections != nil {
					t.Errorf("refused, and changed: %+v", p)
				}
				return
			}
			if !p.Stay().Equal(c.to) || p.Revision() == noted.Revision() || len(p.Corrections) != 1 {
				t.Fatalf("got %+v", p)
			}
			if one := p.Corrections[0]; !one.From.Equal(noted.Stay()) || !one.To.Equal(c.to) || !one.At.Equal(c.now) || one.By.Name != "Anna" || one.Reason != c.reason {
				t.Errorf("kept is %+v", one)
			}
			if !p.Safe.IsZero() && (p.Safe.Before(p.Arrived) || p.Arrived.IsZero() || !p.Left.IsZero() && p.Safe.After(p.Left)) {
				t.Errorf("a sign of life outside of the stay: %+v", p)
			}
		})
	}
}

// What is written after a correction follows it, and no correction is lost.
func TestCorrectionsFollowOnOneAnother(t *testing.T) {
	call := &Call{State: StateOpen, Opened: at(0), Meet: at(0), Until: at(600)}
	var p Presence
	for i, to := range []Stay{{at(10), at(60)}, {at(20), at(60)}, {}} {
		before := p
		if ps := p.Correct(call, Correction{By: alerts.By{ID: "staff:1"}, To: to, Reason: "x"}, "", at(100+i)); ps != nil {
			t.Fatal(ps)
		}
		if len(before.Corrections) != i || len(p.Corrections) != i+1 || !slices.EqualFunc(before.Corrections, p.Corrections[:i], func(a, b Correction) bool { return a == b }) {
			t.Errorf("%d: %+v, then %+v", i, before.Corrections, p.Corrections)
		}
	}
	if changed, err := p.Set(MarkArrived, at(120)); !changed || err != nil || len(p.Corrections) != 3 || p.Empty() {
		t.Errorf("who comes after all: %v, %v, %+v", changed, err, p)
	}
}
