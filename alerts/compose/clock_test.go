package compose

import (
	"errors"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
)

var rome = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	return zone
}()

func clockAt(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", text, rome)
	if err != nil {
		panic(err)
	}
	return t
}

func TestTimesAsPeopleTypeThem(t *testing.T) {
	const evening, autumn, spring, newYear = "2026-11-21 17:40:23", "2026-10-25 01:10:00", "2027-03-27 22:00:00", "2026-12-31 23:30:00"
	type row struct{ now, lang, typed, want string } // want: RFC 3339, or the problem
	for name, c := range map[string]row{
		"a day, a month and a clock":                    {evening, "it", "22/11 06:00", "2026-11-22T06:00:00+01:00"},
		"a clock alone is the next one":                 {evening, "it", "06:00", "2026-11-22T06:00:00+01:00"},
		"a clock alone that comes today":                {evening, "it", "18:30", "2026-11-21T18:30:00+01:00"},
		"a clock alone that is now is tomorrow's":       {"2026-11-21 06:00:00", "it", "06:00", "2026-11-22T06:00:00+01:00"},
		"tomorrow in Italian":                           {evening, "it", "domani 06:00", "2026-11-22T06:00:00+01:00"},
		"tomorrow with a word before the hour":          {evening, "it", "Domani alle 6", "2026-11-22T06:00:00+01:00"},
		"tomorrow in English, whatever the page speaks": {evening, "it", "tomorrow 06:00", "2026-11-22T06:00:00+01:00"},
		"tomorrow in English with a half day":           {evening, "en", "tomorrow at 6 am", "2026-11-22T06:00:00+01:00"},
		"half past six in the evening":                  {evening, "en", "6:30 pm", "2026-11-21T18:30:00+01:00"},
		"midnight of twelve hours":                      {evening, "en", "12am", "2026-11-22T00:00:00+01:00"},
		"noon of twelve hours":                          {evening, "en", "12 pm", "2026-11-22T12:00:00+01:00"},
		"half days are not Italian":                     {evening, "it", "6 pm", badTime},
		"tomorrow in German":                            {evening, "de", "morgen um 6 Uhr", "2026-11-22T06:00:00+01:00"},
		"a German date":                                 {evening, "de", "am 22.11. um 06:00 Uhr", "2026-11-22T06:00:00+01:00"},
		"the day after tomorrow in each language":       {evening, "de", "übermorgen 06:00", "2026-11-23T06:00:00+01:00"},
		"the day after tomorrow in English":             {evening, "en", "day after tomorrow 06:00", "2026-11-23T06:00:00+01:00"},
		"the day after tomorrow in Italian":             {evening, "it", "dopodomani 06:00", "2026-11-23T06:00:00+01:00"},
		"a clock with a point":                          {evening, "it", "domani 6.30", "2026-11-22T06:30:00+01:00"},
		"a clock with a point that could be a day":      {evening, "it", "6.12", noClock},
		"the day behind the clock":                      {evening, "it", "06:00 del 22/11", "2026-11-22T06:00:00+01:00"},
		"the month as a word":                           {evening, "it", "22 novembre ore 6", "2026-11-22T06:00:00+01:00"},
		"the month as a word with a year":               {evening, "en", "22 November 2026, 06:00", "2026-11-22T06:00:00+01:00"},
		"the month shortened":                           {evening, "en", "22 nov 06:00", "2026-11-22T06:00:00+01:00"},
		"a weekday to come":                             {evening, "it", "lunedì 08:00", "2026-11-23T08:00:00+01:00"},
		"today's weekday, later":                        {evening, "it", "sabato 22:00", "2026-11-21T22:00:00+01:00"},
		"today's weekday, past, is next week's":         {evening, "it", "sabato 08:00", "2026-11-28T08:00:00+01:00"},
		"two figures of a year":                         {evening, "it", "22/11/26 06:00", "2026-11-22T06:00:00+01:00"},
		"six hours ahead, to the minute":                {evening, "it", "+6 h", "2026-11-21T23:40:00+01:00"},
		"minutes ahead, without a space":                {evening, "it", "+30min", "2026-11-21T18:10:00+01:00"},
		"hours and minutes ahead":                       {evening, "it", "+1 h 30 min", "2026-11-21T19:10:00+01:00"},
		"hours ahead in words":                          {evening, "it", "tra 6 ore", "2026-11-21T23:40:00+01:00"},
		"hours ahead in German words":                   {evening, "de", "in 6 Stunden", "2026-11-21T23:40:00+01:00"},
		"days ahead keep the clock":                     {"2026-10-24 12:00:00", "it", "+1 giorno", "2026-10-25T12:00:00+01:00"},
		"nothing ahead":                                 {evening, "it", "+0 h", badTime},
		"a number ahead without a unit":                 {evening, "it", "+6", badTime},
		"ISO with an offset":                            {evening, "it", "2026-11-22T05:00:00Z", "2026-11-22T06:00:00+01:00"},
		"ISO without an offset":                         {evening, "it", "2026-11-22T06:00", "2026-11-22T06:00:00+01:00"},
		"ISO with a space":                              {evening, "it", "2026-11-22 06:00:30", "2026-11-22T06:00:30+01:00"},
		"24:00 alone is the next midnight":              {evening, "it", "24:00", "2026-11-22T00:00:00+01:00"},
		"24:00 of a day is its end":                     {evening, "it", "22/11 24:00", "2026-11-23T00:00:00+01:00"},
		"midnight in words":                             {evening, "it", "mezzanotte", "2026-11-22T00:00:00+01:00"},
		"tomorrow's midnight":                           {evening, "it", "domani a mezzanotte", "2026-11-23T00:00:00+01:00"},
		"noon in words":                                 {evening, "it", "domani mezzogiorno", "2026-11-22T12:00:00+01:00"},
		"00:00 alone":                                   {evening, "it", "00:00", "2026-11-22T00:00:00+01:00"},
		"a clock over new year":                         {newYear, "it", "06:00", "2027-01-01T06:00:00+01:00"},
		"a day over new year":                           {newYear, "it", "02/01 06:00", "2027-01-02T06:00:00+01:00"},
		"a day before new year, read after it":          {"2027-01-01 00:30:00", "it", "31/12 23:00", isPast},
		"the hour that comes twice is the second":       {autumn, "it", "02:30", "2026-10-25T02:30:00+01:00"},
		"the first of the two hours by its offset":      {autumn, "it", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+02:00"},
		"a day that has 25 hours":                       {autumn, "it", "06:00", "2026-10-25T06:00:00+01:00"},
		"hours ahead over the end of summer time":       {autumn, "it", "+3 h", "2026-10-25T03:10:00+01:00"},
		"the hour that does not come":                   {spring, "it", "02:30", noSuchHour},
		"the hour after the one that does not come":     {spring, "it", "03:00", "2027-03-28T03:00:00+02:00"},
		"hours ahead over the beginning of summer time": {spring, "it", "+6 h", "2027-03-28T05:00:00+02:00"},
		"the 29th of February of a year that has none":  {evening, "it", "29/02/2027 06:00", noSuchDay},
		"the 31st of November":                          {evening, "it", "31/11 06:00", noSuchDay},
		"a past clock today":                            {evening, "it", "oggi 06:00", isPast},
		"a past day":                                    {evening, "it", "20/11 06:00", isPast},
		"a year too far":                                {evening, "it", "22/11/2062 06:00", tooFar},
		"days too far":                                  {evening, "it", "+9999 g", tooFar},
		"a day without a clock":                         {evening, "it", "domani", noClock},
		"a word that is wrong tomorrow":                 {evening, "it", "stasera", badTime},
		"a clock that no day has":                       {evening, "it", "25:00", badTime},
		"24:30":                                         {evening, "it", "24:30", badTime},
		"two clocks":                                    {evening, "it", "06:00 07:00", badTime},
		"two days":                                      {evening, "it", "domani 22/11 06:00", badTime},
		"an American date":                              {evening, "en", "11/22 06:00", badTime},
		"nothing":                                       {evening, "it", "", badTime},
		"a bare number":                                 {evening, "it", "6", badTime},
		"words":                                         {evening, "it", "quando smette di piovere", badTime},
		"more than anybody types":                       {evening, "it", strings.Repeat("domani ", 100) + "06:00", badTime},
		"case, accents and space count for nothing":     {evening, "it", "  LUNEDI   ORE  8 ", "2026-11-23T08:00:00+01:00"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseTime(c.typed, clockAt(c.now), rome, c.lang)
			if p, bad := errors.AsType[alerts.Problem](err); bad {
				if p.Problem != c.want || p.Hint == "" || p.Field != "" {
					t.Errorf("%q: %v, want %s", c.typed, err, c.want)
				}
				if errors.Is(err, ErrPast) == got.IsZero() {
					t.Errorf("%q: a past time comes with its time, no other does: %v", c.typed, got)
				}
				return
			}
			if err != nil || got.Format(time.RFC3339) != c.want {
				t.Errorf("%q: %v, %v, want %s", c.typed, got.Format(time.RFC3339), err, c.want)
			}
		})
	}
}

func TestWrittenTimesAreReadAgain(t *testing.T) {
	start := clockAt("2026-10-24 22:00:00")
	for step := range 24 * 6 {
		at := start.Add(time.Duration(step)*10*time.Minute + time.Duration(step%3)*time.Second)
		got, err := ParseTime(FormatTime(at, rome), start.Add(-time.Hour), rome, "it")
		if err != nil || !got.Equal(at) {
			t.Errorf("%v is written %q and read %v, %v", at, FormatTime(at, rome), got, err)
		}
	}
	if FormatTime(time.Time{}, rome) != "" {
		t.Error("no time is no text")
	}
}

func TestSpans(t *testing.T) {
	now := clockAt("2026-11-21 17:40:00")
	type row struct{ lang, from, until, want string }
	for name, c := range map[string]row{
		"over night":                     {"it", "2026-11-21 18:30:00", "2026-11-22 06:00:00", "Oggi 18:30 – domani 06:00 (11 h 30 min)"},
		"the same day":                   {"en", "2026-11-21 18:30:00", "2026-11-21 23:00:00", "Today 18:30 – 23:00 (4 h 30 min)"},
		"from now on":                    {"de", "", "2026-11-22 06:00:00", "Heute 17:40 – morgen 06:00 (12 h 20 min)"},
		"some days":                      {"it", "2026-11-22 08:00:00", "2026-11-25 09:00:00", "Domani 08:00 – mercoledì 25 novembre 09:00 (3 giorni 1 h)"},
		"another year":                   {"en", "2026-12-31 20:00:00", "2027-01-01 02:00:00", "Thursday 31 December 20:00 – Friday 1 January 2027 02:00 (6 h)"},
		"it has no length":               {"it", "2026-11-21 18:30:00", "2026-11-21 18:30:00", ""},
		"a language without a lexicon":   {"ro", "", "2026-11-22 06:00:00", "Today 17:40 – tomorrow 06:00 (12 h 20 min)"},
		"the night of twenty-five hours": {"it", "2026-10-25 00:30:00", "2026-10-25 06:00:00", "Domenica 25 ottobre 00:30 – 06:00 (6 h 30 min)"},
	} {
		t.Run(name, func(t *testing.T) {
			var from time.Time
			if c.from != "" {
				from = clockAt(c.from)
			}
			if got := Span(from, clockAt(c.until), now, rome, c.lang); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	first := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC) // 02:30 for the first time
	if got, want := Span(first, first.Add(time.Hour), first, rome, "it"), "Oggi 02:30 (+02:00) – 02:30 (+01:00) (1 h)"; got != want {
		t.Errorf("the hour that comes twice: %q, want %q", got, want)
	}
	if Span(first, time.Time{}, first, rome, "it") != "" {
		t.Error("without an end there is no span")
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"22/11 06:00", "domani 06:00", "+6 h", "24:00", "2026-10-25T02:30:00+02:00", "6.12", "lunedì ore 8", "29/02 06:00", "+1 h e 30 min", "\xff", "İ 06:00"} {
		f.Add(s, int64(1_700_000_000), "it")
		f.Add(s, int64(1_792_893_600), "en")
	}
	f.Fuzz(func(t *testing.T, s string, unix int64, lang string) {
		if unix < 0 || unix > 4e9 {
			return
		}
		now := time.Unix(unix, 0)
		got, err := ParseTime(s, now, rome, lang)
		switch {
		case err == nil && (!got.After(now) || got.After(now.Add(MostAhead))):
			t.Fatalf("%q at %v: %v", s, now, got)
		case errors.Is(err, ErrPast) && got.After(now):
			t.Fatalf("%q at %v: %v is not past", s, now, got)
		case err != nil:
			return
		}
		again, err := ParseTime(FormatTime(got, rome), now, rome, "it")
		if err != nil || !again.Equal(got.Truncate(time.Second)) && got.Truncate(time.Second).After(now) {
			t.Fatalf("%q is %v, written %q, read %v, %v", s, got, FormatTime(got, rome), again, err)
		}
	})
}
