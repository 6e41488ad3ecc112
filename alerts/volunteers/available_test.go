package volunteers

import (
	"testing"
	"time"
)

func TestAvailable(t *testing.T) {
	monday := func(hm string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", "2026-11-23 "+hm, rome)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	day := func(d time.Weekday, from, to string) []Shift { return []Shift{{d, from, to}} }
	holiday := Exception{From: monday("00:00").AddDate(0, 0, -2), To: monday("18:00")}
	for name, c := range map[string]struct {
		who  Profile
		at   time.Time
		want bool
	}{
		"who says nothing is there at any time":          {Profile{}, monday("03:00"), true},
		"in the shift":                                   {Profile{Weekly: day(time.Monday, "08:30", "13:00")}, monday("08:30"), true},
		"a minute before the shift":                      {Profile{Weekly: day(time.Monday, "08:30", "13:00")}, monday("08:29"), false},
		"the end of the shift is not in it":              {Profile{Weekly: day(time.Monday, "08:30", "13:00")}, monday("13:00"), false},
		"the same hour of another day":                   {Profile{Weekly: day(time.Tuesday, "08:30", "13:00")}, monday("09:00"), false},
		"a night goes on into the next day":              {Profile{Weekly: day(time.Sunday, "22:00", "06:00")}, monday("05:59"), true},
		"and ends there":                                 {Profile{Weekly: day(time.Sunday, "22:00", "06:00")}, monday("06:00"), false},
		"a night of saturday is no night of sunday":      {Profile{Weekly: day(time.Saturday, "22:00", "06:00")}, monday("05:00"), false},
		"from saturday night into sunday, over the week": {Profile{Weekly: day(time.Saturday, "22:00", "06:00")}, monday("05:00").AddDate(0, 0, -1), true},
		"a day to midnight":                              {Profile{Weekly: day(time.Monday, "00:00", "24:00")}, monday("23:59"), true},
		"a day to midnight is not the next one":          {Profile{Weekly: day(time.Sunday, "00:00", "24:00")}, monday("00:00"), false},
		"a shift that ends where it begins is a day":     {Profile{Weekly: day(time.Sunday, "20:00", "20:00")}, monday("19:59"), true},
		"a slip of the pen leaves nobody out":            {Profile{Weekly: day(time.Tuesday, "8.30", "13")}, monday("09:00"), true},
		"nor does a day that is none":                    {Profile{Weekly: day(9, "08:30", "13:00")}, monday("09:00"), true},
		"beside a shift that can be read it counts not":  {Profile{Weekly: []Shift{{time.Monday, "x", "13:00"}, {time.Tuesday, "08:00", "13:00"}}}, monday("09:00"), false},
		"on holiday":                                      {Profile{Exceptions: []Exception{holiday}}, monday("17:59"), false},
		"back from holiday":                               {Profile{Exceptions: []Exception{holiday}}, monday("18:00"), true},
		"there although the week says no":                 {Profile{Weekly: day(time.Tuesday, "08:30", "13:00"), Exceptions: []Exception{{monday("09:00"), monday("10:00"), true}}}, monday("09:30"), true},
		"the last exception wins":                         {Profile{Exceptions: []Exception{holiday, {monday("09:00"), monday("10:00"), true}}}, monday("09:30"), true},
		"the last exception wins, also when it says away": {Profile{Exceptions: []Exception{{monday("09:00"), monday("10:00"), true}, holiday}}, monday("09:30"), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.who.Available(c.at); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestHasAndExpiring(t *testing.T) {
	last := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	p := Profile{Skills: []Skill{{Name: " Motosega"}, {"autista C", last}, {"BLSD", last.AddDate(0, 0, -1)}, {"blsd", last.AddDate(1, 0, 0)}}}
	for name, c := range map[string]struct {
		skill string
		at    time.Time
		want  bool
	}{
		"everybody can do what needs no skill":       {"", noon, true},
		"capital letters and spaces do not matter":   {"MOTOSEGA ", noon, true},
		"spaces within neither":                      {"Autista  c", noon, true},
		"another skill":                              {"autista", noon, false},
		"the last minute of the last day":            {"autista c", time.Date(2026, 11, 23, 23, 59, 0, 0, rome), true},
		"the first minute after it":                  {"autista c", time.Date(2026, 11, 24, 0, 0, 0, 0, rome), false},
		"renewed: the newer certificate holds":       {"BLSD", noon, true},
		"the first of a year after a whole year":     {"BLSD", time.Date(2028, 1, 1, 0, 0, 0, 0, rome), false},
		"the end of a month is before the next one":  {"autista c", time.Date(2026, 12, 1, 0, 0, 0, 0, rome), false},
		"the month before, though its day is higher": {"autista c", time.Date(2026, 10, 31, 0, 0, 0, 0, rome), true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := p.Has(c.skill, c.at); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	if got := Expiring(p, noon, 24*time.Hour); len(got) != 2 || got[0].Name != "autista C" || got[1].Name != "BLSD" {
		t.Errorf("ends within a day: %v", got)
	}
	if got := Expiring(p, noon, 0); len(got) != 1 || got[0].Name != "BLSD" {
		t.Errorf("has ended: %v", got)
	}
}
