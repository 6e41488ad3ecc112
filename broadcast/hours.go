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

// End is when the hours that hold t end; t where they do not hold it. On the day
// on which clocks change it is the time that the clock shows.
func (h *Hours) End(t time.Time) time.Time {
	if !h.Hold(t) {
		return t
	}
	to, _ := minuteOf(h.To) // Hold has read it
	end := time.Date(t.Year(), t.Month(), t.Day(), to/60, to%60, 0, 0, t.Location())
	if !end.After(t) {
		end = time.Date(t.Year(), t.Month(), t.Day()+1, to/60, to%60, 0, 0, t.Location())
	}
	return end
}
