package volunteers

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"martinella/alerts"
)

// The bounds of a [Call]. Lengths are in code points.
const (
	WhatMost   = 120
	WhereMost  = 120
	BringMost  = 300
	WordsMost  = 500
	NameMost   = 100 // of a referent
	SkillMost  = 60  // of a skill, group or area
	NeedsMost  = 20
	PeopleMost = 500 // of one need
	ChosenMost = 500 // groups, areas
	TimesMost  = 20
	WavesMost  = 5000 // people in all automatic waves

	Ahead = 7 * 24 * time.Hour // how far away Until may lie
	Begun = 24 * time.Hour     // how long ago people may have met

	SecondLeast = time.Minute
	SecondMost  = 24 * time.Hour
)

// Problems is everything that is wrong with a call that is to be opened at now,
// each with what to do about it; times are written in now's zone. Fields are
// those of the JSON form: "needs[0].people".
func (c *Call) Problems(now time.Time) alerts.Problems {
	var ps alerts.Problems
	c.wordsProblems(&ps)
	c.timesProblems(&ps, now)
	c.needsProblems(&ps)
	c.choiceProblems(&ps)
	c.secondProblems(&ps)
	return ps
}

func refuse(ps *alerts.Problems, field, problem, hint string) {
	*ps = append(*ps, alerts.Problem{Field: field, Problem: problem, Hint: hint, Level: alerts.LevelError})
}

// text judges words that travel; only lines may have line breaks.
func text(ps *alerts.Problems, field, words string, most int, lines bool) {
	switch {
	case !utf8.ValidString(words) || strings.ContainsFunc(words, func(r rune) bool { return unseen(r) && !(lines && (r == '\n' || r == '\r')) }):
		refuse(ps, field, "holds signs that nobody sees", "write it anew as plain text: it stands in messages and on pages")
	case utf8.RuneCountInString(words) > most:
		refuse(ps, field, fmt.Sprintf("is longer than %d characters", most), "say it in fewer words")
	}
}

// unseen are control characters, and those that turn the direction of writing or
// have no width.
func unseen(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufffe' || r == '\uffff' || unicode.Is(unicode.Cf, r) && r != '\u200d'
}

func (c *Call) wordsProblems(ps *alerts.Problems) {
	if strings.TrimSpace(c.What) == "" {
		refuse(ps, "what", "is missing", "say in a few words what is to be done")
	}
	text(ps, "what", c.What, WhatMost, false)
	if strings.TrimSpace(c.Where) == "" {
		refuse(ps, "where", "is missing", "say where people meet")
	}
	text(ps, "where", c.Where, WhereMost, false)
	if c.Point != nil && !c.Point.Valid() {
		refuse(ps, "point", "does not lie on the earth", "write latitude first, then longitude")
	}
	text(ps, "bring", c.Bring, BringMost, true)
	text(ps, "words", c.Words, WordsMost, true)
	text(ps, "referent.name", c.Referent.Name, NameMost, false)
	if c.Referent.Phone != "" && !international(c.Referent.Phone) {
		refuse(ps, "referent.phone", "is no international number", "write + and the country first, like +390401234567, without spaces")
	}
}

// international reports whether a telephone number is in the form of E.164: at
// most 15 digits, the country first.
func international(number string) bool {
	digits, plus := strings.CutPrefix(number, "+")
	return plus && len(digits) >= 7 && len(digits) <= 15 && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}

func (c *Call) timesProblems(ps *alerts.Problems, now time.Time) {
	local := func(at time.Time) string { return alerts.FormatTime(at.In(now.Location())) }
	switch {
	case c.Meet.IsZero():
		refuse(ps, "meet", "is missing", "say when people meet")
	case c.Meet.Before(now.Add(-Begun)):
		refuse(ps, "meet", "is longer ago than a day: "+local(c.Meet), "check the day; here it is "+local(now))
	}
	switch {
	case c.Until.IsZero():
		refuse(ps, "until", "is missing", "say when it should be over: nobody is called from then on")
	case !c.Until.After(now):
		refuse(ps, "until", "lies in the past: "+local(c.Until), "check the day; here it is "+local(now))
	case c.Until.After(now.Add(Ahead)):
		refuse(ps, "until", "is more than 7 days away: "+local(c.Until), "open a call for each week")
	}
	if !c.Meet.IsZero() && !c.Until.IsZero() && !c.Meet.Before(c.Until) {
		refuse(ps, "until", "is not after the meeting time", "say when it should be over, later than people meet")
	}
}

func (c *Call) needsProblems(ps *alerts.Problems) {
	if len(c.Needs) == 0 {
		refuse(ps, "needs", "is missing", "say how many people are needed")
	}
	if len(c.Needs) > NeedsMost {
		refuse(ps, "needs", fmt.Sprintf("has more than %d lines", NeedsMost), "put similar skills together, or open two calls")
		return
	}
	seen := map[string]bool{}
	for i, n := range c.Needs {
		at := fmt.Sprintf("needs[%d]", i)
		text(ps, at+".skill", n.Skill, SkillMost, false)
		if n.People < 1 || n.People > PeopleMost {
			refuse(ps, at+".people", fmt.Sprintf("is not between 1 and %d", PeopleMost), "say how many people are needed")
		}
		if seen[fold(n.Skill)] {
			refuse(ps, at+".skill", "stands twice", "put both lines together")
		}
		seen[fold(n.Skill)] = true
	}
}

func (c *Call) choiceProblems(ps *alerts.Problems) {
	for _, list := range []struct {
		field string
		names []string
	}{{"choice.groups", c.Choice.Groups}, {"choice.areas", c.Choice.Areas}} {
		if len(list.names) > ChosenMost {
			refuse(ps, list.field, fmt.Sprintf("has more than %d lines", ChosenMost), "choose fewer; none at all is everybody")
			continue
		}
		for i, name := range list.names {
			at := fmt.Sprintf("%s[%d]", list.field, i)
			if strings.TrimSpace(name) == "" {
				refuse(ps, at, "is empty", "name it, or take the line out")
			}
			text(ps, at, name, SkillMost, false)
		}
	}
	if c.Choice.Nearest && c.Point == nil {
		refuse(ps, "point", "is missing", "mark the meeting point on the map, or do not ask for the nearest first")
	}
	if t := c.Choice.Times; t != 0 && !(t >= 1 && t <= TimesMost) || math.IsNaN(t) {
		refuse(ps, "choice.times", fmt.Sprintf("is not between 1 and %d", TimesMost), "say how many are called for each one who is needed; 4 is usual")
	}
}

func (c *Call) secondProblems(ps *alerts.Problems) {
	s := c.Second
	if s.After != 0 && (s.After < SecondLeast || s.After > SecondMost) {
		refuse(ps, "second.after", "is not between a minute and a day", "say after how many minutes more people may be called; 0 is never")
	}
	if s.Auto && s.After == 0 {
		refuse(ps, "second.after", "is missing", "say after how many minutes more people are called by themselves")
	}
	if s.Most < 0 || s.Most > WavesMost {
		refuse(ps, "second.most", fmt.Sprintf("is not between 0 and %d", WavesMost), "say how many people may be called by themselves; 0 is as many as at first")
	}
}
