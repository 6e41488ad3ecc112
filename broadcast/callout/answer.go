package callout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
)

// The ways of answers that no channel brings.
const (
	viaPage = "page"
	viaDesk = "desk"
)

const (
	mostMinutes = 24 * 60
	longestNote = 200 // characters
)

// Own opens a volunteer's page of a call by its token, [ErrToken] where that
// opens nothing.
func (s *Callouts) Own(ctx context.Context, token string) (*OwnCall, error) {
	c, number, err := s.open(ctx, token)
	if err != nil {
		return nil, err
	}
	return s.own(ctx, c, number)
}

func (s *Callouts) own(ctx context.Context, c *volunteers.Call, number uint32) (*OwnCall, error) {
	now := s.now()
	sheet, err := s.Store.Sheet(ctx, c.ID)
	if err != nil {
		return nil, fmt.Errorf("a volunteer's page of a call: %w", err)
	}
	numbers := []uint32{number}
	var mine *Entry
	for i := range sheet {
		if e := &sheet[i]; e.Number == number {
			mine = e
		} else if !e.Presence.Arrived.IsZero() || e.Answer != nil && e.Answer.Kind != volunteers.Cannot {
			numbers = append(numbers, e.Number)
		}
	}
	if mine == nil {
		return nil, ErrToken
	}
	people, err := s.members(ctx, numbers, now)
	if err != nil {
		return nil, err
	}
	m := people[number]
	if m == nil { // erased, or no volunteer any more
		return nil, ErrToken
	}
	st := s.stand(c, answersOf(sheet), people)
	_, fills := st.fills[number]
	return &OwnCall{Call: c, Number: number, Name: m.Volunteer.Name, Language: s.language(m), Answer: mine.Answer, Presence: mine.Presence,
		Fills: fills, Spare: st.spare[number], Needed: c.Needed(), Coming: st.coming(), Full: st.full()}, nil
}

// Answer writes down what the person of a token says. Saying the same again
// changes nothing; [ErrOver] once the call is over.
func (s *Callouts) Answer(ctx context.Context, token string, a volunteers.Answer) (*OwnCall, error) {
	c, number, err := s.open(ctx, token)
	if err != nil {
		return nil, err
	}
	if _, err := s.own(ctx, c, number); err != nil {
		return nil, err
	}
	if c.Test {
		err = s.confirm(ctx, c, number, viaPage, contactOf(token))
	} else {
		a.Via, a.Contacts = viaPage, ""
		_, err = s.answer(ctx, c, number, a, person(number), "")
	}
	if err != nil {
		return nil, err
	}
	return s.own(ctx, c, number)
}

// Attend writes down that the person of a token arrived, is well, or left.
func (s *Callouts) Attend(ctx context.Context, token string, what volunteers.Mark) (*OwnCall, error) {
	c, number, err := s.open(ctx, token)
	if err != nil {
		return nil, err
	}
	if _, err := s.own(ctx, c, number); err != nil {
		return nil, err
	}
	if err := s.attend(ctx, c, number, what, person(number), viaPage); err != nil {
		return nil, err
	}
	return s.own(ctx, c, number)
}

// AnswerFor writes down what a coordinator was told by telephone.
func (s *Callouts) AnswerFor(ctx context.Context, by alerts.Person, id alerts.ID, number uint32, a volunteers.Answer) (Answered, error) {
	c, err := s.called(ctx, by, id, number)
	if err != nil {
		return Answered{}, err
	}
	a.Via = viaDesk
	return s.answer(ctx, c, number, a, by.By(), person(number).ID)
}

// AttendFor writes down what a coordinator was told by telephone, or saw: also
// of a volunteer who was not called.
func (s *Callouts) AttendFor(ctx context.Context, by alerts.Person, id alerts.ID, number uint32, what volunteers.Mark) error {
	c, err := s.called(ctx, by, id, number)
	if err != nil {
		return err
	}
	return s.attend(ctx, c, number, what, by.By(), viaDesk)
}

// called gives the call of somebody's act for a volunteer of the roster.
func (s *Callouts) called(ctx context.Context, by alerts.Person, id alerts.ID, number uint32) (*volunteers.Call, error) {
	c, err := s.Store.Call(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("note what a volunteer said: %w", err)
	}
	if err := s.may(by, c); err != nil {
		return nil, err
	}
	people, err := s.members(ctx, []uint32{number}, s.now())
	if err != nil {
		return nil, err
	}
	if people[number] == nil {
		return nil, fmt.Errorf("note what a volunteer said: nobody of the roster: %w", alerts.ErrNotFound)
	}
	return c, nil
}

// answer stores an answer and counts it. of names the person where by is
// somebody else.
func (s *Callouts) answer(ctx context.Context, c *volunteers.Call, number uint32, a volunteers.Answer, by alerts.By, of string) (Answered, error) {
	now := s.now()
	a, problem := tidied(a)
	if problem != nil {
		return Answered{}, &alerts.Refusal{Kind: alerts.ErrInvalid, Problems: alerts.Problems{*problem}}
	}
	a.At = now.UTC()
	if !c.Paging(now) { // its end may not be written down yet
		return Answered{}, fmt.Errorf("answer a call: %w", ErrOver)
	}
	said := act(c.ID, "answered", by, string(a.Kind), a.Via, now)
	said.Of = of
	done, err := s.Store.Answer(ctx, c.ID, number, a, said)
	if err != nil {
		return Answered{}, fmt.Errorf("answer a call: %w", err)
	}
	if done.Changed {
		s.metrics.answers.WithLabelValues(a.Via, string(a.Kind)).Inc()
		s.metrics.unavoidable.Add(float64(done.Unavoidable))
		s.Log.Info("a volunteer answered", zap.String("call", c.Code()), zap.Uint32("person", number), zap.String("answer", string(a.Kind)), zap.String("via", a.Via), zap.Int("unavoidable", done.Unavoidable))
		s.stir() // perhaps enough come now
	}
	return done, nil
}

// tidied is an answer as it is stored.
func tidied(a volunteers.Answer) (volunteers.Answer, *alerts.Problem) {
	switch a.Kind {
	case volunteers.Coming, volunteers.Maybe:
	case volunteers.Cannot:
		a.Minutes = 0
	default:
		return a, &alerts.Problem{Field: "kind", Problem: "is no answer", Hint: "coming, maybe or cannot"}
	}
	if a.Minutes < 0 || a.Minutes > mostMinutes {
		return a, &alerts.Problem{Field: "minutes", Problem: "is no time until somebody is there", Hint: fmt.Sprintf("0 to %d", mostMinutes)}
	}
	a.Note = cut(a.Note, longestNote)
	return a, nil
}

// cut makes one line of at most so many characters of what a stranger wrote.
func cut(text string, most int) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most])
	}
	return text
}

// attend stores a mark.
func (s *Callouts) attend(ctx context.Context, c *volunteers.Call, number uint32, what volunteers.Mark, by alerts.By, via string) error {
	now := s.now()
	if c.Test {
		return fmt.Errorf("note who is there: %w", ErrOver)
	}
	there := act(c.ID, "attended", by, string(what), via, now)
	if by.ID != person(number).ID {
		there.Of = person(number).ID
	}
	err := s.Store.Attend(ctx, c.ID, number, &there, func(p *volunteers.Presence) (bool, error) { return p.Set(what, now.UTC()) })
	if err != nil {
		return fmt.Errorf("note who is there: %w", err)
	}
	s.stir() // perhaps enough come now
	return nil
}

// overNow reports whether an error says that the call is over, or never was.
func overNow(err error) bool { return errors.Is(err, ErrOver) || errors.Is(err, alerts.ErrNotFound) }
