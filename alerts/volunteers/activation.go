package volunteers

import (
	"strings"
	"time"

	"martinella/alerts"
)

// OrderMost is how long the number of an order may be, in code points.
const OrderMost = 80

// Activation is by whose order the volunteers of a call are active: without one
// no employer is refunded (arts. 39 and 40 D.Lgs. 1/2018). It often comes after
// the call.
type Activation struct {
	By    string    `json:"by,omitempty"`    // the office that activated
	Order string    `json:"order,omitempty"` // number of the order or of the protocol
	At    time.Time `json:"at,omitzero"`
	// Revision grows with every change; the change of another one is refused.
	Revision int `json:"revision,omitempty"`
}

// Problems is everything that is wrong with it at now.
func (a Activation) Problems(now time.Time) alerts.Problems {
	var ps alerts.Problems
	if strings.TrimSpace(a.By) == "" {
		refuse(&ps, "by", "is missing", "say which office activated the volunteers")
	}
	text(&ps, "by", a.By, NameMost, false)
	text(&ps, "order", a.Order, OrderMost, false)
	if a.At.After(now) {
		refuse(&ps, "at", "lies in the future: "+alerts.FormatTime(a.At.In(now.Location())), "check the day; here it is "+alerts.FormatTime(now))
	}
	return ps
}

// DayHours is how long somebody was there on one day.
type DayHours struct {
	Day  time.Time // its begin, in the zone of the attendance
	Time time.Duration
}

// Days is how long they were there on each day of the zone of its times: a night
// belongs to two, and one of them may have an hour more or less.
func (a Attendance) Days() []DayHours {
	var days []DayHours
	from, to := a.From.Truncate(time.Minute), a.To.Truncate(time.Minute)
	for from.Before(to) {
		y, m, d := from.Date()
		end := time.Date(y, m, d+1, 0, 0, 0, 0, from.Location())
		if end.After(to) {
			end = to
		}
		days = append(days, DayHours{time.Date(y, m, d, 0, 0, 0, 0, from.Location()), end.Sub(from)})
		from = end
	}
	return days
}
