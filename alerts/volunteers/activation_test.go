package volunteers

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestHoursOfADayEndAtMidnight(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ from, to, want string }{
		"within a day":                         {"2026-11-23 18:00", "2026-11-23 21:30", "23 3h30m0s"},
		"a night":                              {"2026-11-23 22:15", "2026-11-24 06:00", "23 1h45m0s, 24 6h0m0s"},
		"three days":                           {"2026-11-23 23:59", "2026-11-25 00:01", "23 1m0s, 24 24h0m0s, 25 1m0s"},
		"until midnight":                       {"2026-11-23 22:00", "2026-11-24 00:00", "23 2h0m0s"},
		"clocks go back in the second part":    {"2026-10-24 22:00", "2026-10-25 06:00", "24 2h0m0s, 25 7h0m0s"},
		"clocks go forward in the second part": {"2027-03-27 22:00", "2027-03-28 06:00", "27 2h0m0s, 28 5h0m0s"},
		"no time at all":                       {"2026-11-23 18:00", "2026-11-23 18:00", ""},
	} {
		t.Run(name, func(t *testing.T) {
			at := func(text string) time.Time {
				when, err := time.ParseInLocation(time.DateTime[:16], text, rome)
				if err != nil {
					t.Fatal(err)
				}
				return when.Add(42 * time.Second)
			}
			a := Attendance{From: at(c.from), To: at(c.to)}
			var got []string
			var sum time.Duration
			for _, day := range a.Days() {
				got, sum = append(got, fmt.Sprint(day.Day.Day(), " ", day.Time)), sum+day.Time
			}
			if strings.Join(got, ", ") != c.want || sum != a.Time() {
				t.Errorf("got %q, in all %s of %s", got, sum, a.Time())
			}
		})
	}
}

func TestWhatAnActivationMaySay(t *testing.T) {
	for name, c := range map[string]struct {
		a      Activation
		fields string
	}{
		"all of it":             {Activation{By: "Sindaco di Valdemo", Order: "Ord. 12/2026", At: at(0)}, ""},
		"the number comes":      {Activation{By: "Sala operativa regionale"}, ""},
		"nobody activated":      {Activation{By: " ", Order: "12"}, "by"},
		"in the future":         {Activation{By: "x", At: at(601)}, "at"},
		"signs that nobody saw": {Activation{By: "a\u202eb", Order: strings.Repeat("9", OrderMost+1)}, "by order"},
	} {
		t.Run(name, func(t *testing.T) {
			var fields []string
			for _, p := range c.a.Problems(at(600)) {
				fields = append(fields, p.Field)
			}
			if got := strings.Join(fields, " "); got != c.fields {
				t.Errorf("wrong are %q, want %q", got, c.fields)
			}
		})
	}
}
