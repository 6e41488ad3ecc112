package broadcast

import "time"

// Hold reports whether t lies in the hours, by the clock of its own zone.
func (h *Hours) Hold(t time.Time) bool {
	if h == nil {
		return false
	}
	from, ok := minuteOf(h.From)
	to, ok2 := minuteOf(h.To)
	if !ok || !ok2 {
		return false
	}
	now := t.Hour()*60 + t.Minute()
	if from <= to {
		return from <= now && now < to
	}
	return now >= from || now < to
}

// Valid reports whether both ends can be read and differ.
func (h *Hours) Valid() bool {
	from, ok := minuteOf(h.From)
	to, ok2 := minuteOf(h.To)
	return ok && ok2 && from != to
}

func minuteOf(s string) (int, bool) {
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err == nil
}
