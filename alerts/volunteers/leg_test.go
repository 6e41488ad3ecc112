package volunteers

import (
	"slices"
	"testing"
	"time"
)

func TestTurn(t *testing.T) {
	for name, c := range map[string]struct {
		leg  Leg
		late time.Duration // of the turn, after Due
		kind string
		drop bool
		step int
		due  time.Duration // after the turn; -1: nothing
		meet time.Duration // after Due
		put  bool          // late, and fires
	}{
		"a push fires, and a minute later the next":      {NewLeg(1, 0, []string{"push", "phone"}, noon), 0, "push", false, 1, time.Minute, 0, false},
		"a text waits five minutes":                      {NewLeg(1, 0, []string{"phone", "email"}, noon), 0, "phone", false, 1, 5 * time.Minute, 0, false},
		"the last one has nothing after it":              {NewLeg(1, 0, []string{"email"}, noon), time.Second, "email", false, 1, -1, 0, false},
		"half an hour late still fires":                  {NewLeg(1, 0, []string{"phone", "email"}, noon), Late, "phone", false, 1, 5 * time.Minute, 0, false},
		"more than half an hour late is dropped":         {NewLeg(1, 0, []string{"phone", "email"}, noon), Late + 1, "", true, 1, 0, Late, false},
		"but put off where people have not met yet":      {NewLeg(1, 0, []string{"phone", "email"}, noon), Late + 1, "phone", false, 1, 5 * time.Minute, Late + 2, true},
		"not where they meet at that moment":             {NewLeg(1, 0, []string{"phone", "email"}, noon), Late + 1, "", true, 1, 0, Late + 1, false},
		"months late and the last one: nothing any more": {NewLeg(1, 0, []string{"phone"}, noon), 9000 * time.Hour, "", true, 1, -1, 0, false},
		"before its time nothing happens":                {NewLeg(1, 0, []string{"phone"}, noon), -1, "", false, 0, 1, 0, false},
		"a step that is not there is nothing":            {Leg{Kinds: []string{"phone"}, Step: 1, Due: noon}, 0, "", false, 1, -1, 0, false},
		"a step below all is nothing":                    {Leg{Kinds: []string{"phone"}, Step: -1, Due: noon}, 0, "", false, -1, -1, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			now := c.leg.Due.Add(c.late)
			kind, late, next := c.leg.Turn(now, c.leg.Due.Add(c.meet))
			if kind != c.kind || late != (c.drop || c.put) || next.Step != c.step {
				t.Errorf("got kind %q late %v step %d, want %q %v %d", kind, late, next.Step, c.kind, c.drop, c.step)
			}
			if c.due < 0 != next.Due.IsZero() || c.due >= 0 && !next.Due.Equal(now.Add(c.due)) {
				t.Errorf("next is due %v, want %v after %v", next.Due, c.due, now)
			}
		})
	}
	if _, late, next := (Leg{Number: 4, Kinds: []string{"push"}, Step: 1}).Turn(noon, noon); late || next.Number != 4 || !next.Due.IsZero() {
		t.Errorf("a leg that is done moves: %+v", next)
	}
}

func TestEveryStepFiresOnceInOrderHoweverOftenItIsLookedAt(t *testing.T) {
	l := NewLeg(1, 2, []string{"push", "phone", "", "phone", "email"}, noon)
	if l.Number != 1 || l.Wave != 2 || !l.Begun.Equal(noon) || !l.Due.Equal(noon) {
		t.Fatalf("a new leg is %+v", l)
	}
	var fired []string
	var at []time.Duration
	for now := noon.Add(-time.Minute); now.Before(noon.Add(time.Hour)); now = now.Add(time.Second) {
		kind, late, next := l.Turn(now, noon)
		if late {
			t.Fatalf("late at %v", now)
		}
		if kind != "" {
			fired, at = append(fired, kind), append(at, now.Sub(noon))
		}
		l = next
	}
	if !slices.Equal(fired, []string{"push", "phone", "email"}) || !slices.Equal(at, []time.Duration{0, time.Minute, 6 * time.Minute}) {
		t.Errorf("fired %v at %v", fired, at)
	}
	if l := NewLeg(1, 0, nil, noon); !l.Due.IsZero() {
		t.Errorf("nothing is due where nothing can be tried, got %v", l.Due)
	}
}

func TestNextTimer(t *testing.T) {
	waves := []Wave{{At: noon}, {At: noon.Add(10 * time.Minute)}}
	until := noon.Add(3 * time.Hour)
	for name, c := range map[string]struct {
		call Call
		want time.Time
	}{
		"too few is noticed after the newest wave":     {Call{State: StateOpen, Until: until, Waves: waves, Second: Second{After: 15 * time.Minute}}, noon.Add(25 * time.Minute)},
		"never asked: the expiry alone":                {Call{State: StateOpen, Until: until, Waves: waves}, until},
		"noticed already: the expiry":                  {Call{State: StateOpen, Until: until, Waves: waves, Second: Second{After: 15 * time.Minute}, Short: noon}, until},
		"enough come: the expiry":                      {Call{State: StateOpen, Until: until, Waves: waves, Second: Second{After: 15 * time.Minute}, Filled: noon}, until},
		"no wave yet: the expiry":                      {Call{State: StateOpen, Until: until, Second: Second{After: 15 * time.Minute}}, until},
		"it is over before anybody asks":               {Call{State: StateOpen, Until: until, Waves: waves, Second: Second{After: 10 * time.Hour}}, until},
		"a closed call is not looked at":               {Call{State: StateClosed, Until: until, Waves: waves, Second: Second{After: time.Minute}}, time.Time{}},
		"one that was to be looked at long ago is due": {Call{State: StateOpen, Until: until, Waves: waves[:1], Second: Second{After: time.Minute}}, noon.Add(time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.call.NextTimer(); !got.Equal(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestPaging(t *testing.T) {
	c := Call{State: StateOpen, Until: noon}
	if !c.Paging(noon.Add(-1)) || c.Paging(noon) {
		t.Error("pages leave until the end, not at it")
	}
	for _, s := range []State{StateClosed, StateCancelled, StateExpired, ""} {
		if c.State = s; c.Paging(noon.Add(-1)) {
			t.Errorf("pages leave although the call is %q", s)
		}
	}
}

func TestFirstWaveAndCode(t *testing.T) {
	for name, c := range map[string]struct {
		times float64
		needs []Need
		want  int
	}{
		"four for each by default":               {0, []Need{{"a", 2}, {"", 6}}, 32},
		"one and a half are rounded up":          {1.5, []Need{{"a", 1}, {"", 3}}, 2 + 5},
		"ten times 1.1 are eleven, not twelve":   {1.1, []Need{{"", 10}}, 11},
		"what cannot be is read as the default":  {-3, []Need{{"", 1}}, 4},
		"no more than twenty times":              {1e9, []Need{{"", 1}}, 20},
		"people below none are none":             {0, []Need{{"", -4}, {"a", 1}}, 4},
		"a call without needs calls nobody":      {0, nil, 0},
		"what is not a number is no number here": {nan, []Need{{"", 1}}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (&Call{Needs: c.needs, Choice: Choice{Times: c.times}}).FirstWave(); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
	if got := (&Call{Number: 417}).Code(); got != "V-0417" {
		t.Errorf("code %q", got)
	}
	if got := (&Call{Number: 4294967295}).Code(); got != "V-4294967295" {
		t.Errorf("code %q", got)
	}
}
