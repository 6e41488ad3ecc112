package broadcast

import "time"

// ActDeclared is the verb of the act by which a gateway is declared live.
const ActDeclared = "declared-live"

// Declaration says that everything was examined before people count on the
// gateway. It is evidence and takes nothing away: a gateway without one accepts
// the same alerts. The zero value is that of a gateway that was not declared
// live.
type Declaration struct {
	V          int         `json:"v"`
	At         time.Time   `json:"at"`
	By         string      `json:"by"`      // id of the member of staff who answers for it
	Program    string      `json:"program"` // version that examined
	Exceptions []Exception `json:"exceptions,omitempty"`
}

// Exception is a check that need not be right until a day, and why.
type Exception struct {
	Code   string    `json:"code"` // of the check, as doctor prints it
	Reason string    `json:"reason"`
	By     string    `json:"by"` // id of the member of staff who signed
	At     time.Time `json:"at"`
	Until  time.Time `json:"until"` // the first moment at which it holds no more
}

// Declared reports whether there is a declaration.
func (d Declaration) Declared() bool { return !d.At.IsZero() }

// Excepted gives the exception that holds now for a check.
func (d Declaration) Excepted(code string, now time.Time) (Exception, bool) {
	for _, e := range d.Exceptions {
		if e.Code == code && now.Before(e.Until) {
			return e, true
		}
	}
	return Exception{}, false
}
