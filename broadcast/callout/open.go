package callout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
)

// call is the draft as a call that is not stored yet.
func (s *Callouts) call(d Draft, by alerts.By, now time.Time) *volunteers.Call {
	return &volunteers.Call{V: volunteers.Version, ID: d.ID, Alert: d.Alert, Exercise: d.Exercise, Urgent: d.Urgent,
		What: strings.TrimSpace(d.What), Where: strings.TrimSpace(d.Where), Point: d.Point, Meet: d.Meet, Until: d.Until, Bring: strings.TrimSpace(d.Bring),
		Needs: d.Needs, Referent: d.Referent, Choice: d.Choice, Second: d.Second,
		State: volunteers.StateOpen, Opened: now.UTC().Truncate(time.Millisecond), By: by}
}

// problems is everything that is wrong with a call that would be opened now.
func (s *Callouts) problems(c *volunteers.Call, now time.Time) alerts.Problems {
	ps := c.Problems(now)
	if s.Practice && !c.Exercise {
		ps = append(ps, alerts.Problem{Field: "exercise", Problem: "is off, and this gateway only practises: it warns nobody",
			Hint: "mark the call as an exercise, or set mode: live in the configuration"})
	}
	return ps
}

// Suggest tells whom a draft would page now; the problems are what is wrong with
// it, as Open would say.
func (s *Callouts) Suggest(ctx context.Context, d Draft) (Suggestion, alerts.Problems, error) {
	now := s.now()
	c := s.call(d, alerts.By{}, now)
	ps := s.problems(c, now)
	memory, err := s.memory(ctx)
	if err != nil {
		return Suggestion{}, nil, err
	}
	chosen, said, people, err := s.choose(ctx, c, nil, c.FirstWave(), memory, now)
	if err != nil {
		return Suggestion{}, nil, err
	}
	out := Suggestion{Needed: c.Needed(), Called: len(chosen), Left: said.Left, Kinds: map[string]int{}}
	for i, need := range c.Needs {
		one := Skilled{Need: need}
		if i < len(said.Found) {
			one.Found = said.Found[i]
		}
		if i < len(said.Called) {
			one.Called = said.Called[i]
		}
		out.Skilled = append(out.Skilled, one)
	}
	for _, number := range chosen {
		p := people[number]
		out.Kinds[p.Kinds[0]]++
		if !c.Urgent && !p.Quiet.IsZero() {
			out.Asleep++
		}
	}
	if len(chosen) == 0 && len(ps.Errors()) == 0 {
		ps = append(ps, nobody)
	}
	return out, ps, nil
}

// nobody is wrong with a call that would page no one.
var nobody = alerts.Problem{Field: "choice", Problem: "finds nobody who can be called now",
	Hint: "widen groups, areas or skills, mark the call urgent, or look whether a channel that can page is configured"}

// choose picks whom a wave pages, and gives them as it looked at them.
func (s *Callouts) choose(ctx context.Context, c *volunteers.Call, called map[uint32]bool, most int, memory bool, now time.Time) ([]uint32, volunteers.Choosing, map[uint32]*volunteers.Candidate, error) {
	all, err := s.candidates(ctx, waysOf(s.Routes, c.Exercise, memory), now)
	if err != nil {
		return nil, volunteers.Choosing{}, nil, err
	}
	busy, err := s.busy(ctx, c.ID)
	if err != nil {
		return nil, volunteers.Choosing{}, nil, err
	}
	people := make(map[uint32]*volunteers.Candidate, len(all))
	for i := range all {
		people[all[i].Number] = &all[i]
	}
	chosen, said := s.pick(c, all, called, busy, now, most)
	chosen = slices.DeleteFunc(chosen, func(number uint32) bool { return len(people[number].Kinds) == 0 })
	return chosen, said, people, nil
}

// pick chooses of some candidates. An area that is chosen covers those that lie in
// it, and homes that are a point within.
func (s *Callouts) pick(c *volunteers.Call, all []volunteers.Candidate, called, busy map[uint32]bool, now time.Time, most int) ([]uint32, volunteers.Choosing) {
	if s.Areas == nil || len(c.Choice.Areas) == 0 {
		return volunteers.Choose(c, all, called, busy, now, most)
	}
	wide := *c
	wide.Choice.Areas = slices.Clone(c.Choice.Areas)
	for _, code := range c.Choice.Areas {
		for _, inner := range s.Areas.Within(code) {
			wide.Choice.Areas = append(wide.Choice.Areas, inner.Value)
		}
	}
	outline := s.Areas.Outline(c.Choice.Areas...)
	for i := range all {
		if home := all[i].At; home != nil && home.Valid() && outline.Contains(*home) {
			all[i].Areas = append(slices.Clone(all[i].Areas), c.Choice.Areas[0])
		}
	}
	return volunteers.Choose(&wide, all, called, busy, now, most)
}

// memory reports whether the store keeps nothing: then only what writes down is
// used, and no call is in earnest (DECISIONS 1).
func (s *Callouts) memory(ctx context.Context) (bool, error) {
	d, err := s.Durability(ctx)
	if err != nil {
		return false, fmt.Errorf("ask whether the store keeps calls: %w", errors.Join(alerts.ErrUnavailable, err))
	}
	return d.Memory, nil
}

// may refuses who may not call out, or not such a call.
func (s *Callouts) may(by alerts.Person, c *volunteers.Call) error {
	if !by.Can(alerts.VerbCall) {
		return &alerts.Refusal{Kind: alerts.ErrForbidden, Problems: alerts.Problems{{Field: "can", Problem: "the right to call is missing",
			Hint: "somebody with this right must do it"}}}
	}
	info := alerts.Info{}
	for _, code := range c.Choice.Areas {
		named := alerts.Value{Value: code} // a limit may name the system too: ISTAT=048017
		if s.Areas != nil {
			if a, known := s.Areas.Area(code); known {
				named = a.Code
			}
		}
		info.Areas = append(info.Areas, alerts.Area{Geocodes: []alerts.Value{named}})
	}
	whole := by
	whole.Rights.Senders, whole.Rights.Hazards, whole.Rights.MaxSeverity = nil, nil, "" // a call has none of them
	ps := whole.Refusals(&alerts.Alert{Status: statusOf(c.Exercise), Sender: s.Authority.Sender, Infos: []alerts.Info{info}}, nil)
	if len(by.Rights.Areas) > 0 && len(c.Choice.Areas) == 0 {
		ps = append(ps, alerts.Problem{Field: "choice.areas", Problem: "is missing", Hint: "allowed: " + strings.Join(by.Rights.Areas, ", ")})
	}
	if len(ps) > 0 {
		return &alerts.Refusal{Kind: alerts.ErrForbidden, Problems: ps}
	}
	return nil
}

// Open opens a call and pages its first wave. What is wrong with the draft is an
// [alerts.Refusal]; opening the same draft again gives what is stored.
func (s *Callouts) Open(ctx context.Context, by alerts.Person, d Draft) (*volunteers.Call, error) {
	now := s.now()
	if d.ID == "" {
		d.ID = s.NewID(now)
	}
	c := s.call(d, by.By(), now)
	if err := s.may(by, c); err != nil {
		return nil, err
	}
	before, err := s.Store.Call(ctx, d.ID)
	switch {
	case err == nil:
		return before, nil
	case !errors.Is(err, alerts.ErrNotFound):
		return nil, fmt.Errorf("open a call: %w", err)
	}
	if ps := s.problems(c, now).Errors(); len(ps) > 0 {
		return nil, &alerts.Refusal{Kind: alerts.ErrInvalid, Problems: ps}
	}
	memory, err := s.memory(ctx)
	if err != nil {
		return nil, err
	}
	if memory && !c.Exercise {
		return nil, &alerts.Refusal{Kind: alerts.ErrNotDurable, Problems: alerts.Problems{{Field: "exercise",
			Problem: "is off, and the store keeps nothing", Hint: "mark the call as an exercise, or use a store that keeps what it is given"}}}
	}
	chosen, _, people, err := s.choose(ctx, c, nil, c.FirstWave(), memory, now)
	if err != nil {
		return nil, err
	}
	if len(chosen) == 0 {
		return nil, &alerts.Refusal{Kind: alerts.ErrNotSendable, Problems: alerts.Problems{nobody}}
	}
	c.Waves = []volunteers.Wave{{At: c.Opened, People: len(chosen), By: by.By()}}
	called := act(c.ID, "called", by.By(), fmt.Sprintf("%d people", len(chosen)), "", now)
	stored, err := s.Store.Open(ctx, c, legs(chosen, 0, people, c.Opened), called)
	if err != nil {
		return nil, fmt.Errorf("open a call: %w", err)
	}
	s.Log.Info("volunteers are called out", zap.String("call", stored.Code()), zap.Int("people", len(chosen)), zap.Int("needed", stored.Needed()), zap.Bool("urgent", c.Urgent), zap.Bool("exercise", c.Exercise))
	s.stir()
	return stored, nil
}

func legs(chosen []uint32, wave int, people map[uint32]*volunteers.Candidate, begun time.Time) []volunteers.Leg {
	out := make([]volunteers.Leg, len(chosen))
	for i, number := range chosen {
		out[i] = volunteers.NewLeg(number, wave, people[number].Kinds, begun)
	}
	return out
}

// Wave pages up to most more of those whom the call's choice finds for what is
// still missing, and gives how many they are. waves is how many there were when
// that was proposed: [alerts.ErrStale], and nobody is paged, where there is
// another one by now.
func (s *Callouts) Wave(ctx context.Context, by alerts.Person, id alerts.ID, waves, most int) (*volunteers.Call, int, error) {
	c, err := s.Store.Call(ctx, id)
	if err != nil {
		return nil, 0, fmt.Errorf("page more people: %w", err)
	}
	if err := s.may(by, c); err != nil {
		return nil, 0, err
	}
	if len(c.Waves) != waves {
		return nil, 0, fmt.Errorf("page more people: there are %d waves by now: %w", len(c.Waves), alerts.ErrStale)
	}
	return s.wave(ctx, c, by.By(), most)
}

// wave pages the next ones. Of several who ask at once for the same wave one
// has it; the others get [alerts.ErrStale].
func (s *Callouts) wave(ctx context.Context, c *volunteers.Call, by alerts.By, most int) (*volunteers.Call, int, error) {
	now := s.now()
	if c.State != volunteers.StateOpen || c.Test || !now.Before(c.Until) {
		return nil, 0, fmt.Errorf("page more people: %w", ErrOver)
	}
	sheet, err := s.Store.Sheet(ctx, c.ID)
	if err != nil {
		return nil, 0, fmt.Errorf("page more people: %w", err)
	}
	memory, err := s.memory(ctx)
	if err != nil {
		return nil, 0, err
	}
	st, err := s.weigh(ctx, c, answersOf(sheet), now)
	if err != nil {
		return nil, 0, err
	}
	called := make(map[uint32]bool, len(sheet))
	for i := range sheet {
		called[sheet[i].Number] = true
	}
	rest := st.missing(c)
	if len(rest.Needs) == 0 { // somebody wants more than enough
		rest = c
	}
	chosen, _, people, err := s.choose(ctx, rest, called, most, memory, now)
	if err != nil || len(chosen) == 0 {
		return c, 0, err
	}
	number, at := len(c.Waves), now.UTC().Truncate(time.Millisecond)
	added := act(c.ID, "wave", by, fmt.Sprintf("%d people", len(chosen)), "", now)
	stored, err := s.Store.Change(ctx, c.ID, legs(chosen, number, people, at), &added, func(c *volunteers.Call) error {
		if c.State != volunteers.StateOpen {
			return ErrOver
		}
		if len(c.Waves) != number {
			return alerts.ErrStale
		}
		c.Waves, c.Short = append(c.Waves, volunteers.Wave{At: at, People: len(chosen), By: by}), time.Time{}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("page more people: %w", err)
	}
	s.Log.Info("more volunteers are called out", zap.String("call", stored.Code()), zap.Int("people", len(chosen)))
	s.stir()
	return stored, len(chosen), nil
}

// End closes or cancels a call: no page leaves any more, and who was asked to
// come and did not say no is told. Doing it again changes nothing.
func (s *Callouts) End(ctx context.Context, by alerts.Person, id alerts.ID, state volunteers.State, words string) (*volunteers.Call, error) {
	if state != volunteers.StateClosed && state != volunteers.StateCancelled {
		return nil, &alerts.Refusal{Kind: alerts.ErrInvalid, Problems: alerts.Problems{{Field: "state", Problem: "is no end of a call", Hint: "closed or cancelled"}}}
	}
	words = strings.TrimSpace(words)
	if utf8.RuneCountInString(words) > volunteers.WordsMost {
		return nil, &alerts.Refusal{Kind: alerts.ErrInvalid, Problems: alerts.Problems{{Field: "words", Problem: "is too long", Hint: fmt.Sprintf("at most %d characters", volunteers.WordsMost)}}}
	}
	c, err := s.Store.Call(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("end a call: %w", err)
	}
	if err := s.may(by, c); err != nil {
		return nil, err
	}
	now := s.now()
	ended := act(c.ID, string(state), by.By(), words, "", now)
	done := errors.New("it is so already")
	stored, err := s.Store.Change(ctx, id, nil, &ended, func(c *volunteers.Call) error {
		switch c.State {
		case volunteers.StateOpen:
		case state:
			return done
		default:
			return ErrOver
		}
		c.State, c.Ended, c.EndBy, c.Words = state, now.UTC().Truncate(time.Millisecond), by.By(), words
		return nil
	})
	if errors.Is(err, done) {
		stored, err = s.Store.Call(ctx, id)
	}
	if err != nil {
		return nil, fmt.Errorf("end a call: %w", err)
	}
	s.Log.Info("a call of volunteers has ended", zap.String("call", stored.Code()), zap.String("state", string(stored.State)))
	s.stir() // a round tells who was asked
	return stored, nil
}
