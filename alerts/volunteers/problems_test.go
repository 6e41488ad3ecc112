package volunteers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/lexicon"
)

func proper() *Call {
	return &Call{
		What: "Sacchi di sabbia in via del Ponte", Where: "Magazzino comunale", Point: &alerts.Point{Lat: 45.65, Lon: 13.77},
		Meet: noon.Add(30 * time.Minute), Until: noon.Add(6 * time.Hour), Bring: "Stivali\nguanti", Needs: []Need{{"motosega", 2}, {"", 6}},
		Referent: Referent{Name: "Ada Rossi", Phone: "+390401234567"}, Choice: Choice{Groups: []string{"AIB"}, Areas: []string{"032006"}, Nearest: true, Times: 4},
		Second: Second{After: 15 * time.Minute, Auto: true, Most: 20},
	}
}

func TestProblems(t *testing.T) {
	long := func(n int) string { return strings.Repeat("è", n) }
	for name, c := range map[string]struct {
		change func(*Call)
		fields []string
	}{
		"a proper call has none": {func(*Call) {}, nil},
		"the longest words are taken": {func(c *Call) {
			c.What, c.Where, c.Bring, c.Words = long(WhatMost), long(WhereMost), long(BringMost), long(WordsMost)
		}, nil},
		"everything at once":       {func(c *Call) { *c = Call{} }, []string{"meet", "needs", "until", "what", "where"}},
		"words of spaces are none": {func(c *Call) { c.What, c.Where = " \u00a0", "\t" }, []string{"what", "where", "where"}},
		"too long": {func(c *Call) {
			c.What, c.Where, c.Bring, c.Words, c.Referent.Name = long(WhatMost+1), long(WhereMost+1), long(BringMost+1), long(WordsMost+1), long(NameMost+1)
		}, []string{"bring", "referent.name", "what", "where", "words"}},
		"signs that nobody sees": {func(c *Call) {
			c.What, c.Where, c.Bring, c.Words, c.Referent.Name = "a\u202eb", "a\x00", "a\u2066", "\u200b", "a\nb"
		}, []string{"bring", "referent.name", "what", "where", "words"}},
		"what is no text":                       {func(c *Call) { c.What = "a\xffb" }, []string{"what"}},
		"a point beside the earth":              {func(c *Call) { c.Point = &alerts.Point{Lat: 91} }, []string{"point"}},
		"a point that is no number":             {func(c *Call) { c.Point = &alerts.Point{Lat: nan} }, []string{"point"}},
		"nearest to nothing":                    {func(c *Call) { c.Point = nil }, []string{"point"}},
		"a number as it is dialled at home":     {func(c *Call) { c.Referent.Phone = "040 1234567" }, []string{"referent.phone"}},
		"a number with spaces":                  {func(c *Call) { c.Referent.Phone = "+39 040 1234567" }, []string{"referent.phone"}},
		"a number with sixteen digits":          {func(c *Call) { c.Referent.Phone = "+3904012345678901" }, []string{"referent.phone"}},
		"a country that begins with 0":          {func(c *Call) { c.Referent.Phone = "+0390401234567" }, []string{"referent.phone"}},
		"without a telephone":                   {func(c *Call) { c.Referent = Referent{} }, nil},
		"people met an hour ago, more are sent": {func(c *Call) { c.Meet = noon.Add(-time.Hour) }, nil},
		"people met two days ago":               {func(c *Call) { c.Meet = noon.AddDate(0, 0, -2) }, []string{"meet"}},
		"over before people meet":               {func(c *Call) { c.Until = c.Meet }, []string{"until"}},
		"over already":                          {func(c *Call) { c.Meet, c.Until = noon.Add(-time.Hour), noon }, []string{"until"}},
		"just seven days":                       {func(c *Call) { c.Until = noon.Add(Ahead) }, nil},
		"more than seven days":                  {func(c *Call) { c.Until = noon.Add(Ahead + time.Second) }, []string{"until"}},
		"nobody is needed":                      {func(c *Call) { c.Needs = nil }, []string{"needs"}},
		"needs of none and of too many":         {func(c *Call) { c.Needs = []Need{{"a", 0}, {"b", 501}, {"c", -1}, {"d", 500}, {"e", 1}} }, []string{"needs[0].people", "needs[1].people", "needs[2].people"}},
		"the same skill twice":                  {func(c *Call) { c.Needs = []Need{{"Motosega", 1}, {" motosega", 1}} }, []string{"needs[1].skill"}},
		"a skill that is a novel":               {func(c *Call) { c.Needs = []Need{{long(SkillMost + 1), 1}} }, []string{"needs[0].skill"}},
		"too many needs":                        {func(c *Call) { c.Needs = make([]Need, NeedsMost+1) }, []string{"needs"}},
		"a group without a name":                {func(c *Call) { c.Choice.Groups, c.Choice.Areas = []string{"AIB", " "}, []string{"a\u202e"} }, []string{"choice.areas[0]", "choice.groups[1]"}},
		"too many groups":                       {func(c *Call) { c.Choice.Groups = make([]string, ChosenMost+1) }, []string{"choice.groups"}},
		"half for each one":                     {func(c *Call) { c.Choice.Times = 0.5 }, []string{"choice.times"}},
		"twenty-one for each one":               {func(c *Call) { c.Choice.Times = 21 }, []string{"choice.times"}},
		"times that are no number":              {func(c *Call) { c.Choice.Times = nan }, []string{"choice.times"}},
		"as many as usual":                      {func(c *Call) { c.Choice.Times = 0 }, nil},
		"more after seconds":                    {func(c *Call) { c.Second.After = 59 * time.Second }, []string{"second.after"}},
		"more after two days":                   {func(c *Call) { c.Second.After = 48 * time.Hour }, []string{"second.after"}},
		"more before it began":                  {func(c *Call) { c.Second.After = -time.Minute }, []string{"second.after"}},
		"by itself, but never":                  {func(c *Call) { c.Second.After = 0 }, []string{"second.after"}},
		"never":                                 {func(c *Call) { c.Second = Second{} }, nil},
		"fewer than nobody":                     {func(c *Call) { c.Second.Most = -1 }, []string{"second.most"}},
	} {
		t.Run(name, func(t *testing.T) {
			call := proper()
			c.change(call)
			var fields []string
			for _, p := range call.Problems(noon) {
				fields = append(fields, p.Field)
				for _, said := range []string{p.Problem, p.Hint} {
					if it, known := lexicon.Sentence(said, "it"); said == "" || !known || it == said {
						t.Errorf("%s: %q has no Italian", p.Field, said)
					}
				}
				if p.Level != alerts.LevelError {
					t.Errorf("%s does not refuse", p.Field)
				}
			}
			if slices.Sort(fields); !slices.Equal(fields, c.fields) {
				t.Errorf("problems of %q, want %q", fields, c.fields)
			}
		})
	}
}

func FuzzProblems(f *testing.F) {
	f.Add("a", "b", "c", "d", "+39", 1, 4.0, int64(3), 1.0)
	f.Fuzz(func(t *testing.T, what, where, bring, skill, phone string, people int, times float64, after int64, lat float64) {
		c := &Call{What: what, Where: where, Bring: bring, Needs: []Need{{skill, people}, {what, 1}}, Referent: Referent{where, phone}, Choice: Choice{Times: times, Nearest: people%2 == 0},
			Point: &alerts.Point{Lat: lat}, Second: Second{After: time.Duration(after)}, Meet: noon.Add(time.Duration(after)), Until: noon.Add(time.Hour), State: StateOpen, Waves: []Wave{{At: noon}}}
		ps := c.Problems(noon)
		for _, p := range ps {
			if p.Field == "" || p.Hint == "" || p.Problem == "" {
				t.Errorf("%+v says nothing", p)
			}
		}
		if n := c.FirstWave(); n < 0 || len(ps) == 0 && (n < c.Needed() || n > TimesMost*c.Needed()+2) {
			t.Errorf("the first wave is %d of %d", n, c.Needed())
		}
		if got, _ := Choose(c, []Candidate{{Number: 1, Kinds: []string{"phone"}, Profile: with(what)}}, nil, nil, noon, people); len(got) > max(people, 0) {
			t.Errorf("%d are called of %d", len(got), people)
		}
		if text := fmt.Sprint(ps); len(ps) == 0 && strings.ContainsFunc(what+where+phone, unseen) {
			t.Errorf("signs that nobody sees are taken: %q %s", what, text)
		}
	})
}
