package lexicon

import (
	"testing"
	"time"
)

func TestDaysAndSpans(t *testing.T) {
	now := time.Date(2026, 12, 30, 18, 30, 0, 0, time.UTC)
	for want, got := range map[string]string{
		"oggi":                   For("it").Day(now.Add(5*time.Hour), now),
		"domani":                 For("it").Day(now.Add(6*time.Hour), now),
		"venerdì 1 gennaio 2027": For("it").Day(now.AddDate(0, 0, 2), now),
		"Monday 28 December":     For("en").Day(now.AddDate(0, 0, -2), now),
		"Montag, 28. Dezember":   For("de").Day(now.AddDate(0, 0, -2), now),
		"tomorrow":               For("ro").Day(now.AddDate(0, 0, 1), now),
		"11 h 30 min":            For("it").Long(11*time.Hour + 30*time.Minute + 29*time.Second),
		"47 h":                   For("it").Long(47 * time.Hour),
		"2 giorni 1 min":         For("it").Long(48*time.Hour + time.Minute),
		"3 days 1 h":             For("en").Long(73 * time.Hour),
		"0 min":                  For("de").Long(time.Second),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
