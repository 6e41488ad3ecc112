package broadcast

import (
	"testing"
	"time"
)

func TestAnExceptionHoldsForItsCheckUntilItsEnd(t *testing.T) {
	end := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	d := Declaration{At: end.AddDate(0, -1, 0), Exceptions: []Exception{{Code: "channel:sms", Until: end}, {Code: "backup:nas", Until: end.AddDate(0, 1, 0)}}}
	for name, c := range map[string]struct {
		code string
		at   time.Time
		want bool
	}{
		"before its end":               {"channel:sms", end.Add(-time.Nanosecond), true},
		"at its end":                   {"channel:sms", end, false},
		"another that holds longer":    {"backup:nas", end, true},
		"a check that nobody excepted": {"channel:smpp", end.Add(-time.Hour), false},
	} {
		if e, got := d.Excepted(c.code, c.at); got != c.want || got && e.Code != c.code {
			t.Errorf("%s: %v %+v, want %v", name, got, e, c.want)
		}
	}
	if !d.Declared() || (Declaration{}).Declared() {
		t.Error("what is declared is not told from what is not")
	}
}
