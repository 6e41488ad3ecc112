package dashboards

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// deskCallouts keeps calls in memory and pages nobody. It stands in for the
// engine where pages are tried.
type deskCallouts struct {
	mu      sync.Mutex
	calls   []*volunteers.Call
	people  map[alerts.ID][]callout.Seen
	wrote   map[alerts.ID][]callout.Message
	roll    []volunteers.Candidate
	names   map[uint32]string
	welfare time.Duration
	late    int // pages that were on their way when their answer came
	opened  int // how often Open was asked
	refuse  error
}

func newFakeCallouts(people int) *deskCallouts {
	f := &deskCallouts{people: map[alerts.ID][]callout.Seen{}, wrote: map[alerts.ID][]callout.Message{}, names: map[uint32]string{}, welfare: 2 * time.Hour}
	given := []string{"Ada", "Bruno", "Carla", "Dario", "Elsa", "Furio", "Gina"}
	family := []string{"Rossi", "Bianchi", "Verdi", "Neri", "Furlan", "Cossutta", "Pahor", "Kralj"}
	for i := range people {
		n := uint32(i + 1)
		f.names[n] = family[i%len(family)] + " " + given[i%len(given)]
		if i >= 56 {
			f.names[n] += fmt.Sprintf(" %d", i)
		}
		one := volunteers.Candidate{Number: n, Areas: []string{"*"}, Kinds: []string{"push", "phone"}, Profile: volunteers.Profile{Name: f.names[n], Groups: []string{"AIB"}}}
		if i%3 == 0 {
			one.Profile.Skills = []volunteers.Skill{{Name: "motosega"}}
		}
		if i%7 == 6 {
			one.Kinds = nil
		}
		if i%11 == 10 {
			one.Quiet = time.Now().Add(time.Hour)
		}
		f.roll = append(f.roll, one)
	}
	return f
}

func (f *deskCallouts) call(d callout.Draft, by alerts.By, now time.Time) *volunteers.Call {
	return &volunteers.Call{V: 1, ID: d.ID, Number: uint32(417 + len(f.calls)), Alert: d.Alert, Exercise: d.Exercise, Urgent: d.Urgent, What: d.What, Where: d.Where, Point: d.Point, Meet: d.Meet, Until: d.Until, Bring: d.Bring,
		Needs: d.Needs, Referent: d.Referent, Choice: d.Choice, Second: d.Second, State: volunteers.StateOpen, Opened: now, By: by}
}

func (f *deskCallouts) Suggest(_ context.Context, d callout.Draft) (callout.Suggestion, alerts.Problems, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now().In(rome)
	c := f.call(d, alerts.By{}, now)
	chosen, s := volunteers.Choose(c, f.roll, nil, nil, now, c.FirstWave())
	out := callout.Suggestion{Needed: c.Needed(), Called: len(chosen), Left: s.Left, Kinds: map[string]int{"push": len(chosen)}}
	for i, need := range c.Needs {
		out.Skilled = append(out.Skilled, callout.Skilled{Need: need, Found: s.Found[i], Called: s.Called[i]})
	}
	for i := range f.roll {
		if !c.Urgent && !f.roll[i].Quiet.IsZero() && slices.Contains(chosen, f.roll[i].Number) {
			out.Asleep++
		}
	}
	return out, c.Problems(now), nil
}

func (f *deskCallouts) Open(_ context.Context, by alerts.Person, d callout.Draft) (*volunteers.Call, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened++
	for _, c := range f.calls {
		if c.ID == d.ID {
			return c, nil
		}
	}
	if f.refuse != nil {
		return nil, f.refuse
	}
	now := time.Now().In(rome)
	c := f.call(d, by.By(), now)
	if ps := c.Problems(now).Errors(); len(ps) > 0 {
		return nil, &alerts.Refusal{Kind: alerts.ErrNotSendable, Problems: ps}
	}
	f.calls = append(f.calls, c)
	f.wave(c, by.By(), c.FirstWave(), now)
	return c, nil
}

func (f *deskCallouts) wave(c *volunteers.Call, by alerts.By, most int, now time.Time) int {
	called := map[uint32]bool{}
	for _, p := range f.people[c.ID] {
		called[p.Number] = true
	}
	chosen, _ := volunteers.Choose(c, f.roll, called, nil, now, most)
	for _, n := range chosen {
		leg := volunteers.NewLeg(n, len(c.Waves), []string{"push", "phone"}, now)
		f.people[c.ID] = append(f.people[c.ID], callout.Seen{Entry: callout.Entry{Leg: &leg, Number: n, Pages: []callout.Paged{{Record: "01JD0000000000000000000000", Channel: "sms", At: now}}}})
	}
	if len(chosen) > 0 {
		c.Waves = append(c.Waves, volunteers.Wave{At: now, People: len(chosen), By: by})
		c.Short = time.Time{}
	}
	c.Revision++
	return len(chosen)
}

func (f *deskCallouts) find(id alerts.ID) (*volunteers.Call, error) {
	for _, c := range f.calls {
		if c.ID == id {
			return c, nil
		}
	}
	return nil, alerts.ErrNotFound
}

func (f *deskCallouts) Wave(_ context.Context, by alerts.Person, id alerts.ID, waves, most int) (*volunteers.Call, int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.find(id)
	if err != nil {
		return nil, 0, err
	}
	if len(c.Waves) != waves {
		return nil, 0, alerts.ErrStale
	}
	return c, f.wave(c, by.By(), most, time.Now().In(rome)), nil
}

func (f *deskCallouts) End(_ context.Context, by alerts.Person, id alerts.ID, state volunteers.State, words string) (*volunteers.Call, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.find(id)
	if err != nil {
		return nil, err
	}
	if c.State != volunteers.StateOpen {
		return nil, callout.ErrOver
	}
	c.State, c.Words, c.Ended, c.EndBy = state, words, time.Now(), by.By()
	c.Revision++
	return c, nil
}

func (f *deskCallouts) Calls(_ context.Context, most int) ([]*volunteers.Call, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.Clone(f.calls)
	slices.Reverse(out)
	return out[:min(most, len(out))], nil
}

func (f *deskCallouts) View(_ context.Context, id alerts.ID) (*callout.View, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.find(id)
	if err != nil {
		return nil, err
	}
	now := time.Now().In(rome)
	call := *c
	v := &callout.View{Call: &call, Messages: slices.Clone(f.wrote[id]), People: slices.Clone(f.people[id])}
	answers := map[uint32]volunteers.Answer{}
	for _, p := range v.People {
		if p.Answer != nil {
			answers[p.Number] = *p.Answer
		}
	}
	needs, fills, spare := volunteers.Fill(c, answers, func(n uint32) volunteers.Profile { return f.roll[n-1].Profile })
	v.Needs = needs
	for i := range v.People {
		p := &v.People[i]
		p.Name, p.Phone, p.Organisation = f.names[p.Number], fmt.Sprintf("+39333%07d", p.Number), "AIB Valdemo"
		if need, ok := fills[p.Number]; ok {
			p.Fills, p.Skill = true, c.Needs[need].Skill
		}
		p.Spare, p.Overdue = slices.Contains(spare, p.Number), p.Presence.Overdue(now, f.welfare)
		v.Called++
		switch {
		case p.Answer == nil:
			v.Silent++
		case p.Answer.Kind == volunteers.Coming:
			v.Coming++
			p.Expect = p.Answer.At.Add(time.Duration(p.Answer.Minutes) * time.Minute)
		case p.Answer.Kind == volunteers.Maybe:
			v.Perhaps++
		default:
			v.Cannot++
		}
		if !p.Presence.Arrived.IsZero() {
			v.Arrived++
		}
		v.Unavoidable = f.late
	}
	slices.SortStableFunc(v.People, func(a, b callout.Seen) int {
		return cmp.Or(a.Expect.Compare(b.Expect), cmp.Compare(a.Number, b.Number))
	})
	v.Cursor = fmt.Sprint("r", c.Revision)
	return v, nil
}

func (f *deskCallouts) at(id alerts.ID, number uint32) (*volunteers.Call, *callout.Seen, error) {
	c, err := f.find(id)
	if err != nil {
		return nil, nil, err
	}
	for i := range f.people[id] {
		if p := &f.people[id][i]; p.Number == number {
			return c, p, nil
		}
	}
	return nil, nil, alerts.ErrNotFound
}

func (f *deskCallouts) AnswerFor(_ context.Context, _ alerts.Person, id alerts.ID, number uint32, a volunteers.Answer) (callout.Answered, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, p, err := f.at(id, number)
	if err != nil {
		return callout.Answered{}, err
	}
	if c.State != volunteers.StateOpen {
		return callout.Answered{}, callout.ErrOver
	}
	changed := p.Answer == nil || p.Answer.Kind != a.Kind || p.Answer.Minutes != a.Minutes
	if changed {
		p.Answer = &a
		c.Revision++
	}
	return callout.Answered{Changed: changed}, nil
}

func (f *deskCallouts) AttendFor(_ context.Context, _ alerts.Person, id alerts.ID, number uint32, what volunteers.Mark) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, p, err := f.at(id, number)
	if err != nil {
		return err
	}
	_, err = p.Presence.Set(what, time.Now())
	c.Revision++
	return err
}

func (f *deskCallouts) CorrectFor(_ context.Context, by alerts.Person, id alerts.ID, number uint32, revision string, to volunteers.Stay, reason string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, p, err := f.at(id, number)
	if err != nil {
		return err
	}
	if p.Presence.Revision() != revision {
		return alerts.ErrStale
	}
	ps := p.Presence.Correct(c, volunteers.Correction{By: by.By(), To: to, Reason: reason}, f.names[number], time.Now().In(rome))
	if len(ps) > 0 {
		return &alerts.Refusal{Kind: alerts.ErrInvalid, Problems: ps}
	}
	c.Revision++
	return nil
}

func (f *deskCallouts) Activate(_ context.Context, _ alerts.Person, id alerts.ID, a volunteers.Activation) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.find(id)
	if err != nil {
		return err
	}
	if ps := a.Problems(time.Now().In(rome)); len(ps) > 0 {
		return &alerts.Refusal{Kind: alerts.ErrInvalid, Problems: ps}
	}
	if a.Revision != c.Activation.Revision {
		return alerts.ErrStale
	}
	a.Revision++
	c.Activation = a
	c.Revision++
	return nil
}

func (*deskCallouts) Of(context.Context, uint32) ([]callout.Part, error) { return nil, nil }
func (*deskCallouts) Own(context.Context, string) (*callout.OwnCall, error) {
	return nil, callout.ErrToken
}
func (*deskCallouts) Answer(context.Context, string, volunteers.Answer) (*callout.OwnCall, error) {
	return nil, callout.ErrToken
}
func (*deskCallouts) Attend(context.Context, string, volunteers.Mark) (*callout.OwnCall, error) {
	return nil, callout.ErrToken
}
func (*deskCallouts) BoardToken(c *volunteers.Call) string { return "board-" + c.Code() }
func (*deskCallouts) Board(context.Context, string) (*callout.View, error) {
	return nil, callout.ErrToken
}

// change edits people and calls as volunteers' own answers would.
func (f *deskCallouts) change(id alerts.ID, edit func(c *volunteers.Call, people []callout.Seen)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.find(id)
	if err != nil {
		panic(err)
	}
	edit(c, f.people[id])
	c.Revision++
}

func (*deskCallouts) Tests(context.Context) (callout.TestStanding, error) {
	return callout.TestStanding{}, nil
}

func (*deskCallouts) StartTest(context.Context, alerts.Person, alerts.ID, []string, time.Duration) (*volunteers.Call, error) {
	return nil, callout.ErrHeld
}
