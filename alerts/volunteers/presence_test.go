package volunteers

import (
	"bytes"
	"encoding/csv"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
)

func at(minute int) time.Time { return noon.Add(time.Duration(minute) * time.Minute) }

func TestPresence(t *testing.T) {
	type step struct {
		mark    Mark
		minute  int
		changed bool
		refused bool
	}
	for name, c := range map[string]struct {
		steps []step
		want  Presence
	}{
		"comes, is well, leaves":                     {[]step{{MarkArrived, 0, true, false}, {MarkSafe, 30, true, false}, {MarkLeft, 60, true, false}}, Presence{Arrived: at(0), Safe: at(30), Left: at(60)}},
		"a tap twice is one":                         {[]step{{MarkArrived, 0, true, false}, {MarkArrived, 5, false, false}, {MarkLeft, 9, true, false}, {MarkLeft, 10, false, false}}, Presence{Arrived: at(0), Left: at(9)}},
		"nobody leaves who never came":               {[]step{{MarkLeft, 0, false, true}}, Presence{}},
		"nobody is safe who never came":              {[]step{{MarkSafe, 0, false, true}}, Presence{}},
		"nobody is safe who left":                    {[]step{{MarkArrived, 0, true, false}, {MarkLeft, 9, true, false}, {MarkSafe, 10, false, true}}, Presence{Arrived: at(0), Left: at(9)}},
		"who left comes again by taking it back":     {[]step{{MarkArrived, 0, true, false}, {MarkLeft, 9, true, false}, {MarkArrived, 10, false, true}, {MarkUndo, 11, true, false}}, Presence{Arrived: at(0)}},
		"the newest is taken back, one by one":       {[]step{{MarkArrived, 0, true, false}, {MarkSafe, 5, true, false}, {MarkUndo, 6, true, false}, {MarkUndo, 7, true, false}, {MarkUndo, 8, false, false}}, Presence{}},
		"tapped twice it takes one back":             {[]step{{MarkArrived, 0, true, false}, {MarkLeft, 5, true, false}, {MarkLeft.Undo(), 6, true, false}, {MarkLeft.Undo(), 6, false, false}}, Presence{Arrived: at(0)}},
		"what is not the newest stays":               {[]step{{MarkArrived, 0, true, false}, {MarkSafe, 5, true, false}, {MarkArrived.Undo(), 6, false, false}}, Presence{Arrived: at(0), Safe: at(5)}},
		"of nobody who was there nothing is undone":  {[]step{{MarkArrived.Undo(), 0, false, false}, {"undo-", 1, false, false}, {"undone", 2, false, false}}, Presence{}},
		"a later sign of life takes the place":       {[]step{{MarkArrived, 0, true, false}, {MarkSafe, 5, true, false}, {MarkSafe, 9, true, false}, {MarkSafe, 9, false, false}}, Presence{Arrived: at(0), Safe: at(9)}},
		"a clock that is behind loses no departure":  {[]step{{MarkArrived, 0, true, false}, {MarkLeft, -1, true, false}}, Presence{Arrived: at(0), Left: at(0)}},
		"nobody leaves an hour before they came":     {[]step{{MarkArrived, 0, true, false}, {MarkLeft, -60, false, true}}, Presence{Arrived: at(0)}},
		"what nobody knows is refused":               {[]step{{"late", 0, false, true}}, Presence{}},
		"who is there may arrive again a bit before": {[]step{{MarkArrived, 1, true, false}, {MarkArrived, 0, false, false}}, Presence{Arrived: at(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			var p Presence
			for i, s := range c.steps {
				changed, err := p.Set(s.mark, at(s.minute))
				if changed != s.changed || (err != nil) != s.refused || err != nil && !errors.Is(err, ErrOrder) {
					t.Errorf("step %d: changed %v, %v", i, changed, err)
				}
			}
			if !reflect.DeepEqual(p, c.want) {
				t.Errorf("got %+v, want %+v", p, c.want)
			}
		})
	}
	var p Presence
	if _, err := p.Set(MarkArrived, time.Time{}); !errors.Is(err, ErrOrder) {
		t.Errorf("a mark without a time: %v", err)
	}
}

func TestPresenceStaysInOrderWhateverIsTapped(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	marks := []Mark{MarkArrived, MarkSafe, MarkLeft, MarkUndo, "?", MarkArrived.Undo(), MarkSafe.Undo(), MarkLeft.Undo()}
	var p Presence
	for i := range 20_000 {
		before := p
		changed, err := p.Set(marks[r.IntN(len(marks))], at(i/10+r.IntN(9)-4))
		if (err != nil || !changed) && !reflect.DeepEqual(p, before) || changed && reflect.DeepEqual(p, before) {
			t.Fatalf("%d: changed %v, %v: %+v, then %+v", i, changed, err, before, p)
		}
		if p.Arrived.IsZero() && (!p.Left.IsZero() || !p.Safe.IsZero()) || !p.Left.IsZero() && (p.Left.Before(p.Arrived) || p.Left.Before(p.Safe)) || !p.Safe.IsZero() && p.Safe.Before(p.Arrived) {
			t.Fatalf("%d: %+v", i, p)
		}
	}
}

func TestOverdueAndTime(t *testing.T) {
	call := &Call{State: StateClosed, Ended: at(120)}
	for name, c := range map[string]struct {
		p       Presence
		call    *Call
		minute  int
		overdue bool
		there   time.Duration
	}{
		"never came":                              {Presence{}, &Call{}, 600, false, 0},
		"an hour and nothing heard":               {Presence{Arrived: at(0)}, &Call{}, 61, true, 61 * time.Minute},
		"just an hour":                            {Presence{Arrived: at(0)}, &Call{}, 60, false, time.Hour},
		"a sign of life counts from then":         {Presence{Arrived: at(0), Safe: at(50)}, &Call{}, 110, false, 110 * time.Minute},
		"and ends too":                            {Presence{Arrived: at(0), Safe: at(50)}, &Call{}, 111, true, 111 * time.Minute},
		"left: nobody waits":                      {Presence{Arrived: at(0), Left: at(30)}, &Call{}, 600, false, 30 * time.Minute},
		"the call is over, and they may be there": {Presence{Arrived: at(0)}, call, 600, true, 2 * time.Hour},
		"came after the call was over":            {Presence{Arrived: at(130)}, call, 140, false, 0},
		"a clock behind":                          {Presence{Arrived: at(0)}, &Call{}, -1, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.p.Overdue(at(c.minute), time.Hour); got != c.overdue {
				t.Errorf("overdue %v", got)
			}
			if got := c.p.Time(c.call, at(c.minute)); got != c.there {
				t.Errorf("there for %v, want %v", got, c.there)
			}
		})
	}
	if (Presence{Arrived: at(0)}).Overdue(at(9999), 0) {
		t.Error("without a welfare span nobody is overdue")
	}
}

func TestAttendance(t *testing.T) {
	call := &Call{Number: 417, What: "=2+2 sacchi", Where: "magazzino", Exercise: true, Ended: at(120)}
	people := map[uint32]Profile{1: {Name: "Rossi, Ada", Organisation: "ANA"}, 2: {Name: "Bianchi", Organisation: "ana"}, 3: {Name: "Verdi", Organisation: "@AIB"}, 4: {Name: "Neri"}}
	rows := Attended(call, map[uint32]Presence{1: {Arrived: at(0), Left: at(225)}, 2: {Arrived: at(1), Corrections: []Correction{{At: at(130), By: alerts.By{Name: "Anna"}, Reason: "arrivo\nscordato"}, {At: at(140), By: alerts.By{Name: "Bruno"}, Reason: "di nuovo"}}}, 3: {Arrived: at(2), Left: at(3)}, 4: {}, 5: {Arrived: at(9)}},
		func(n uint32) Profile { return people[n] }, at(300))
	var names []string
	for _, r := range rows {
		names = append(names, r.Name)
	}
	if want := []string{"", "Verdi", "Bianchi", "Rossi, Ada"}; !slices.Equal(names, want) {
		t.Fatalf("rows are of %q, want %q", names, want)
	}
	heading := strings.Split("nome,organizzazione,attività,luogo,chiamata,esercitazione,inizio,fine,ore,uscita annotata,correzioni", ",")
	var out bytes.Buffer
	if err := WriteAttendance(&out, heading, "sì", "no", rows); err != nil {
		t.Fatal(err)
	}
	read, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		"\ufeff" + strings.Join(heading, "|"),
		"||'=2+2 sacchi|magazzino|V-0417|sì|2026-11-23 12:09|2026-11-23 14:00|1:51|no|",
		"Verdi|'@AIB|'=2+2 sacchi|magazzino|V-0417|sì|2026-11-23 12:02|2026-11-23 12:03|0:01|sì|",
		"Bianchi|ana|'=2+2 sacchi|magazzino|V-0417|sì|2026-11-23 12:01|2026-11-23 14:00|1:59|no|2026-11-23 14:10 Anna: arrivo scordato; 2026-11-23 14:20 Bruno: di nuovo",
		"Rossi, Ada|ANA|'=2+2 sacchi|magazzino|V-0417|sì|2026-11-23 12:00|2026-11-23 15:45|3:45|sì|",
	} {
		if got := strings.Join(read[i], "|"); got != want {
			t.Errorf("row %d: got %q, want %q", i, got, want)
		}
	}
	if err := WriteAttendance(&out, heading[1:], "", "", nil); err == nil {
		t.Error("a heading of other columns is taken")
	}
}

func FuzzHarmless(f *testing.F) {
	for _, s := range []string{"=1+1", " =1", "\t@x", "\u202e=cmd", "\x00-1", "＝1", "a\r\n=b", "+39", "Rossi", "\xff=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Harmless(s)
		if got != "" && strings.ContainsAny(got[:1], "=+-@\t\r\n ") || strings.ContainsFunc(got, unseen) || strings.HasPrefix(got, "＝") {
			t.Errorf("%q becomes %q", s, got)
		}
	})
}
