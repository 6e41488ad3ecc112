package volunteers

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"martinella/alerts"
)

var nan = math.NaN()

// person is a volunteer who can be called.
func person(number uint32, change func(*Candidate), skills ...string) Candidate {
	p := Candidate{Number: number, Profile: with(skills...), Areas: []string{"032006"}, Kinds: []string{"phone"}}
	if change != nil {
		change(&p)
	}
	return p
}

func TestWhyPeopleAreLeft(t *testing.T) {
	point := &alerts.Point{Lat: 45.65, Lon: 13.77}
	for name, c := range map[string]struct {
		change func(*Candidate)
		call   func(*Call)
		want   Reason // "": is called
	}{
		"nothing speaks against":                  {nil, nil, ""},
		"has no skill that is needed":             {func(p *Candidate) { p.Profile.Skills = nil }, nil, ReasonNoSkill},
		"the certificate ends before people meet": {func(p *Candidate) { p.Profile.Skills[0].Until = noon }, func(c *Call) { c.Meet = noon.AddDate(0, 0, 1) }, ReasonNoSkill},
		"is in none of the groups":                {func(p *Candidate) { p.Profile.Groups = []string{"cinofili"} }, func(c *Call) { c.Choice.Groups = []string{"idrogeologico"} }, ReasonGroup},
		"is in one of them, written otherwise":    {func(p *Candidate) { p.Profile.Groups = []string{"CINOFILI "} }, func(c *Call) { c.Choice.Groups = []string{"x", "cinofili"} }, ""},
		"is at home elsewhere":                    {nil, func(c *Call) { c.Choice.Areas = []string{"032001"} }, ReasonArea},
		"is at home there":                        {nil, func(c *Call) { c.Choice.Areas = []string{"032001", "032006"} }, ""},
		"is at home everywhere":                   {func(p *Candidate) { p.Areas = []string{"*"} }, func(c *Call) { c.Choice.Areas = []string{"032001"} }, ""},
		"everywhere is wanted":                    {nil, func(c *Call) { c.Choice.Areas = []string{"*"} }, ""},
		"has no contact":                          {func(p *Candidate) { p.Kinds = nil }, nil, ReasonNoContact},
		"is away when people meet":                {func(p *Candidate) { p.Profile.Exceptions = []Exception{{From: noon, To: noon.Add(time.Hour)}} }, nil, ReasonAway},
		"is back when people meet":                {func(p *Candidate) { p.Profile.Exceptions = []Exception{{From: noon.Add(-time.Hour), To: noon}} }, nil, ""},
		"came back, but the meeting was before": {func(p *Candidate) {
			p.Profile.Exceptions = []Exception{{From: noon.Add(-9 * time.Hour), To: noon.Add(-time.Hour)}}
		}, func(c *Call) { c.Meet = noon.Add(-2 * time.Hour) }, ""},
		"the week is of the authority's zone":       {func(p *Candidate) { p.Profile.Weekly = []Shift{{time.Monday, "12:00", "12:30"}} }, func(c *Call) { c.Meet = noon.UTC() }, ""},
		"has quiet hours":                           {func(p *Candidate) { p.Quiet = noon.Add(time.Hour) }, nil, ReasonQuiet},
		"has quiet hours, and it is urgent":         {func(p *Candidate) { p.Quiet = noon.Add(time.Hour) }, func(c *Call) { c.Urgent = true }, ""},
		"sleeps until an hour before people meet":   {func(p *Candidate) { p.Quiet = noon.Add(time.Hour) }, func(c *Call) { c.Meet = noon.Add(2 * time.Hour) }, ""},
		"sleeps a little longer":                    {func(p *Candidate) { p.Quiet = noon.Add(time.Hour + time.Minute) }, func(c *Call) { c.Meet = noon.Add(2 * time.Hour) }, ReasonQuiet},
		"comes to another call":                     {func(p *Candidate) { p.Number = 77 }, nil, ReasonBusy},
		"nearest first, home not known, but needed": {nil, func(c *Call) { c.Choice.Nearest, c.Point = true, point }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			call := &Call{ID: "01K", Meet: noon, Needs: []Need{{"motosega", 1}}}
			if c.call != nil {
				c.call(call)
			}
			got, s := Choose(call, []Candidate{person(5, c.change, "motosega")}, nil, map[uint32]bool{77: true}, noon.Add(-time.Minute), 4)
			if (len(got) == 1) != (c.want == "") || c.want != "" && !maps.Equal(s.Left, map[Reason]int{c.want: 1}) {
				t.Errorf("chosen %v, left %v, want %q", got, s.Left, c.want)
			}
		})
	}
}

func TestWhoIsAwakeIsCalledBeforeWhoSleeps(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Call)
		want   int // of 5 who are called, those who sleep
	}{
		"five who are awake are enough":       {nil, 0},
		"it is urgent, and nobody is spared":  {func(c *Call) { c.Urgent = true }, 3},
		"those who sleep live nearest":        {func(c *Call) { c.Choice.Nearest, c.Point = true, &alerts.Point{Lat: 45, Lon: 13} }, 5},
		"six are called, and five are awake":  {func(c *Call) { c.Choice.Times = 6 }, 1},
		"all are called, and five are asleep": {func(c *Call) { c.Choice.Times = 10 }, 5},
	} {
		t.Run(name, func(t *testing.T) {
			call := &Call{ID: "01K", Meet: noon.Add(8 * time.Hour), Needs: []Need{{"", 1}}, Choice: Choice{Times: 5}}
			var all []Candidate
			for n := range uint32(10) {
				all = append(all, person(n, func(p *Candidate) {
					p.At = &alerts.Point{Lat: 45 + float64(n), Lon: 13}
					if n < 5 {
						p.Quiet = noon.Add(time.Hour)
					}
				}))
			}
			if c.change != nil {
				c.change(call)
			}
			got, _ := Choose(call, all, nil, nil, noon, call.FirstWave())
			asleep := 0
			for _, number := range got {
				if number < 5 {
					asleep++
				}
			}
			if len(got) != call.FirstWave() || asleep != c.want {
				t.Errorf("called %v: %d of them sleep, want %d", got, asleep, c.want)
			}
		})
	}
}

func TestScarceSkillsAreFoundFirst(t *testing.T) {
	call := &Call{ID: "01K", Meet: noon, Needs: []Need{{"", 6}, {"motosega", 2}}}
	var all []Candidate
	for n := range uint32(100) {
		if n < 10 {
			all = append(all, person(n, nil, "motosega"))
		} else {
			all = append(all, person(n, nil))
		}
	}
	got, s := Choose(call, all, nil, nil, noon, call.FirstWave())
	saws := 0
	for _, n := range got {
		if n < 10 {
			saws++
		}
	}
	if len(got) != 32 || saws < 8 || !slices.Equal(s.Called, []int{24, 8}) || !slices.Equal(s.Found, []int{100, 10}) || s.Left[ReasonEnough] != 68 {
		t.Errorf("%d chosen, %d with a saw, %+v", len(got), saws, s)
	}

	t.Run("what cannot be found wakes nobody else", func(t *testing.T) {
		got, s := Choose(call, all[7:], nil, nil, noon, call.FirstWave())
		if len(got) != 27 || !slices.Equal(s.Called, []int{24, 3}) {
			t.Errorf("%d chosen, %+v", len(got), s)
		}
	})
	t.Run("fewer are shared out, and who has a leg is passed over", func(t *testing.T) {
		called := map[uint32]bool{}
		for _, n := range got {
			called[n] = true
		}
		more, s := Choose(call, all, called, nil, noon, 8)
		for _, n := range more {
			if called[n] {
				t.Errorf("%d is called again", n)
			}
		}
		if len(more) != 8 || s.Called[1] != 10-saws || s.Called[0]+s.Called[1] != 8 {
			t.Errorf("chosen %v, %+v", more, s)
		}
	})
	t.Run("none are wanted", func(t *testing.T) {
		for _, most := range []int{0, -1} {
			if got, _ := Choose(call, all, nil, nil, noon, most); len(got) != 0 {
				t.Errorf("%d: %v", most, got)
			}
		}
	})
	t.Run("somebody who stands twice is called once", func(t *testing.T) {
		if got, s := Choose(call, []Candidate{all[0], all[0]}, nil, nil, noon, 9); len(got) != 1 || s.Found[1] != 1 {
			t.Errorf("chosen %v, %+v", got, s)
		}
	})
}

func TestOrder(t *testing.T) {
	var all []Candidate
	for n := range uint32(40) {
		all = append(all, person(n, nil))
	}
	call := &Call{ID: "01K", Meet: noon, Needs: []Need{{"", 5}}}
	first, _ := Choose(call, all, nil, nil, noon, 20)
	slices.Reverse(all)
	if again, _ := Choose(call, all, nil, nil, noon, 20); !slices.Equal(first, again) {
		t.Errorf("the same call finds %v, then %v", first, again)
	}
	often := map[uint32]int{}
	for i := range 400 {
		call.ID = alerts.ID(fmt.Sprintf("01K%d", i))
		got, _ := Choose(call, all, nil, nil, noon, 20)
		for _, n := range got {
			often[n]++
		}
	}
	for n := range uint32(40) { // 200 are expected, with a deviation of 10
		if often[n] < 150 || often[n] > 250 {
			t.Errorf("%d is woken by %d of 400 calls", n, often[n])
		}
	}

	t.Run("nearest first, unknown homes last and counted as such", func(t *testing.T) {
		at := func(lat, lon float64) func(*Candidate) {
			return func(p *Candidate) { p.At = &alerts.Point{Lat: lat, Lon: lon} }
		}
		call := &Call{ID: "01K", Meet: noon, Point: &alerts.Point{Lat: 45.65, Lon: 13.77}, Choice: Choice{Nearest: true}, Needs: []Need{{"", 1}}}
		all := []Candidate{person(1, nil), person(2, at(46.5, 13.5)), person(3, at(45.66, 13.77)), person(4, at(45.65, 13.90)), person(5, at(nan, 13)), person(6, at(45.65, -179))}
		if got, s := Choose(call, all, nil, nil, noon, 4); !slices.Equal(got, []uint32{3, 4, 2, 6}) || s.Left[ReasonFar] != 2 {
			t.Errorf("got %v, %+v", got, s)
		}
		if got, _ := Choose(call, all, nil, nil, noon, 6); len(got) != 6 || !slices.Equal(got[:4], []uint32{3, 4, 2, 6}) {
			t.Errorf("got %v", got)
		}
	})
	if got := distance(alerts.Point{Lat: 45.65, Lon: 13.77}, alerts.Point{Lat: 45.0703, Lon: 7.6869}); math.Abs(got-479) > 3 {
		t.Errorf("Trieste to Turin is about 479 km, got %.1f", got)
	}
}

func BenchmarkChoose5000(b *testing.B) {
	call, _, profiles := crowd(5000)
	call.Choice.Times = 1
	all := make([]Candidate, len(profiles))
	for i := range all {
		all[i] = Candidate{Number: uint32(i), Profile: profiles[i], Kinds: []string{"phone"}}
	}
	for b.Loop() {
		if got, _ := Choose(call, all, nil, nil, noon, 500); len(got) == 0 {
			b.Fatal("nobody is called")
		}
	}
}
