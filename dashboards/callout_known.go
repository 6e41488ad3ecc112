package dashboards

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
)

// knownWord is a skill or a group of the roster, and how many volunteers have it:
// of a skill those whose certificate holds.
type knownWord struct {
	Name string
	N    int
}

// knownWords are those that a call can name.
type knownWords struct {
	Skills, Groups []knownWord
	people         int
}

// knownWords reads them from the roster; where there is none, none are known.
func (c *console) knownWords(ctx context.Context, now time.Time) (k knownWords, err error) {
	if c.s.Volunteers == nil {
		return k, nil
	}
	all, err := c.s.Volunteers.Pages.Roll.Volunteers(ctx)
	if err != nil {
		return k, err
	}
	local, skills, groups := now.In(c.s.Zone), map[string]*knownWord{}, map[string]*knownWord{}
	add := func(to map[string]*knownWord, name string, n int) {
		word := to[plainWord(name)]
		if word == nil {
			word = &knownWord{Name: name}
			to[plainWord(name)] = word
		}
		word.N += n
	}
	for _, m := range all {
		profile := profileOf(m)
		ended := volunteers.Expiring(profile, local, 0)
		for _, skill := range profile.Skills {
			add(skills, skill.Name, one(!slices.Contains(ended, skill)))
		}
		for _, group := range profile.Groups {
			add(groups, group, 1)
		}
	}
	return knownWords{sortedWords(skills), sortedWords(groups), len(all)}, nil
}

func sortedWords(of map[string]*knownWord) (all []knownWord) {
	for _, word := range of {
		all = append(all, *word)
	}
	slices.SortFunc(all, func(a, b knownWord) int { return strings.Compare(plainWord(a.Name), plainWord(b.Name)) })
	return all[:min(len(all), mostOffered)]
}

// unknown warns of skills and groups of a call that nobody of the roster has. The
// call may be opened all the same: it says itself whom it finds.
func (k knownWords) unknown(needs []volunteers.Need, groups []string) (ps alerts.Problems) {
	if k.people == 0 {
		return nil
	}
	warn := func(p alerts.Problem, name string, known []knownWord) {
		names := make([]string, len(known))
		for i, word := range known {
			if names[i] = word.Name; volunteers.Same(word.Name, name) {
				return
			}
		}
		p.Level, p.Hint = alerts.LevelWarning, "take one of those that are suggested, or look at the roster"
		if near := volunteers.Alike(name, names); near != "" {
			p.Hint = "did you mean " + near + "?"
		}
		ps = append(ps, p)
	}
	for i, need := range needs {
		if need.Skill != "" {
			warn(alerts.Problem{Field: fmt.Sprintf("needs[%d].skill", i), Problem: "nobody on the roster has this skill: " + need.Skill}, need.Skill, k.Skills)
		}
	}
	for _, group := range groups {
		warn(alerts.Problem{Field: "choice.groups", Problem: "nobody on the roster is in this group: " + group}, group, k.Groups)
	}
	return ps
}
