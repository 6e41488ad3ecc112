package volunteers

import (
	"testing"
	"time"
)

var testZone, _ = time.LoadLocation("Europe/Rome")

func clock(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", text, testZone)
	if err != nil {
		panic(err)
	}
	return t
}

func TestDatesOfTests(t *testing.T) {
	for sentence, tt := range map[string]struct {
		set        Testing
		now        string
		last, next string // "": none
	}{
		"never, where nothing is set":                 {now: "2026-05-10 12:00"},
		"the first comes in the month of setting":     {set: Testing{Every: 3, Day: 20, Hour: 10, Since: clock("2026-05-10 12:00")}, now: "2026-05-10 12:01", next: "2026-05-20 10:00"},
		"or in the next month, where the day is over": {set: Testing{Every: 3, Day: 5, Hour: 10, Since: clock("2026-05-10 12:00")}, now: "2026-05-10 12:01", next: "2026-06-05 10:00"},
		"an hour of that very day counts":             {set: Testing{Every: 1, Day: 10, Hour: 18, Since: clock("2026-05-10 12:00")}, now: "2026-05-10 12:01", next: "2026-05-10 18:00"},
		"it has come at its minute":                   {set: Testing{Every: 3, Day: 20, Hour: 10, Since: clock("2026-05-10 12:00")}, now: "2026-05-20 10:00", last: "2026-05-20 10:00", next: "2026-08-20 10:00"},
		"over the turn of the year":                   {set: Testing{Every: 6, Day: 1, Hour: 9, Since: clock("2026-08-15 12:00")}, now: "2027-02-28 12:00", last: "2026-09-01 09:00", next: "2027-03-01 09:00"},
		"by the clock of the wall in summer":          {set: Testing{Every: 1, Day: 29 - 1, Hour: 9, Since: clock("2026-03-01 12:00")}, now: "2026-04-01 12:00", last: "2026-03-28 09:00", next: "2026-04-28 09:00"},
		"years later the newest alone":                {set: Testing{Every: 5, Day: 3, Hour: 8, Since: clock("2026-01-01 00:00")}, now: "2031-01-20 12:00", last: "2031-01-03 08:00", next: "2031-06-03 08:00"},
		"a clock that went back knows no date":        {set: Testing{Every: 1, Day: 3, Hour: 8, Since: clock("2026-05-01 00:00")}, now: "2025-05-03 09:00", next: "2026-05-03 08:00"},
	} {
		t.Run(sentence, func(t *testing.T) {
			last, next := tt.set.Dates(clock(tt.now))
			for what, pair := range map[string][2]string{"last": {written(last), tt.last}, "next": {written(next), tt.next}} {
				if pair[0] != pair[1] {
					t.Errorf("%s: %q, want %q", what, pair[0], pair[1])
				}
			}
		})
	}
}

func written(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02 15:04")
}

func TestNobodyIsTestedAtNight(t *testing.T) {
	for now, want := range map[string]string{"2026-05-10 07:59": "2026-05-10 08:00", "2026-05-10 08:00": "2026-05-10 08:00", "2026-05-10 19:59": "2026-05-10 19:59",
		"2026-05-10 20:00": "2026-05-11 08:00", "2026-05-10 00:00": "2026-05-10 08:00", "2026-12-31 23:30": "2027-01-01 08:00", "2026-03-29 01:30": "2026-03-29 08:00"} {
		if got := written(Morning(clock(now))); got != want {
			t.Errorf("%s: %s, want %s", now, got, want)
		}
	}
}

func TestWhatATestMayBe(t *testing.T) {
	for sentence, tt := range map[string]struct {
		set  Testing
		want int
	}{
		"off":                   {Testing{}, 0},
		"every half a year":     {Testing{Every: 6, Day: 28, Hour: 19, Days: 14}, 0},
		"on a day that is none": {Testing{Every: 6, Day: 31, Hour: 10}, 1},
		"at night":              {Testing{Every: 6, Day: 1, Hour: 20}, 1},
		"all wrong":             {Testing{Every: 25, Day: 0, Hour: 7, Days: 15}, 4},
	} {
		if got := tt.set.Problems(); len(got) != tt.want {
			t.Errorf("%s: %v", sentence, got)
		}
	}
}

func TestWhomATestAsks(t *testing.T) {
	for sentence, tt := range map[string]struct {
		groups, of []string
		want       bool
	}{
		"everybody":            {nil, nil, true},
		"who is in a group":    {[]string{"AIB"}, []string{"Radio", " aib "}, true},
		"not who is in others": {[]string{"AIB"}, []string{"Radio"}, false},
		"nor who is in none":   {[]string{"AIB"}, nil, false},
	} {
		if got := (Choice{Groups: tt.groups}).Tests(Profile{Groups: tt.of}); got != tt.want {
			t.Errorf("%s: %v", sentence, got)
		}
	}
}

func TestConfirmedContactsStay(t *testing.T) {
	first := Answer{Kind: Coming, Contacts: "phone"}
	both := Answer{Kind: Coming, Contacts: "email"}.With(first)
	if both.Contacts != "phone email" || both.Says(first) {
		t.Errorf("got %+v", both)
	}
	if again := first.With(both); !again.Says(both) {
		t.Errorf("the same once more: %+v", again)
	}
}
