package alerts

import "slices"

// The enumerations of CAP 1.2 section 3.2. They are strings as on the wire, so
// that a value which is not in the list survives to be named in a Problem.

// Status says whether the message is meant seriously (section 3.2.1).
type Status string

// The values of [Status].
const (
	StatusActual   Status = "Actual"
	StatusExercise Status = "Exercise"
	StatusSystem   Status = "System"
	StatusTest     Status = "Test"
	StatusDraft    Status = "Draft" // CAP's Draft, not our state draft: leaves nowhere
)

// Statuses lists the values of [Status] in CAP's order.
var Statuses = []Status{StatusActual, StatusExercise, StatusSystem, StatusTest, StatusDraft}

// MsgType says what the message does to earlier ones (section 3.2.1).
type MsgType string

// The values of [MsgType].
const (
	MsgAlert  MsgType = "Alert"
	MsgUpdate MsgType = "Update"
	MsgCancel MsgType = "Cancel"
	MsgAck    MsgType = "Ack"
	MsgError  MsgType = "Error"
)

// MsgTypes lists the values of [MsgType] in CAP's order.
var MsgTypes = []MsgType{MsgAlert, MsgUpdate, MsgCancel, MsgAck, MsgError}

// Scope says who may read the message (section 3.2.1).
type Scope string

// The values of [Scope].
const (
	ScopePublic     Scope = "Public"
	ScopeRestricted Scope = "Restricted"
	ScopePrivate    Scope = "Private"
)

// Scopes lists the values of [Scope] in CAP's order.
var Scopes = []Scope{ScopePublic, ScopeRestricted, ScopePrivate}

// Category is the kind of hazard (section 3.2.2).
type Category string

// Categories lists the values of [Category] in CAP's order.
var Categories = []Category{"Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"}

// ResponseType is what people should do (section 3.2.2).
type ResponseType string

// ResponseAllClear says that the danger is over.
const ResponseAllClear ResponseType = "AllClear"

// ResponseTypes lists the values of [ResponseType] in CAP's order.
var ResponseTypes = []ResponseType{"Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", ResponseAllClear, "None"}

// Urgency is how soon people must act (section 3.2.2).
type Urgency string

// UrgencyPast says that nobody needs to act any more.
const UrgencyPast Urgency = "Past"

// Urgencies lists the values of [Urgency] in CAP's order.
var Urgencies = []Urgency{"Immediate", "Expected", "Future", UrgencyPast, "Unknown"}

// Severity is how great the danger is (section 3.2.2).
type Severity string

// The values of [Severity].
const (
	SeverityExtreme  Severity = "Extreme"
	SeveritySevere   Severity = "Severe"
	SeverityModerate Severity = "Moderate"
	SeverityMinor    Severity = "Minor"
	SeverityUnknown  Severity = "Unknown"
)

// Severities lists the values of [Severity] from the worst down.
var Severities = []Severity{SeverityExtreme, SeveritySevere, SeverityModerate, SeverityMinor, SeverityUnknown}

// Rank orders severities: Extreme 4, Severe 3, Moderate 2, Minor 1, all else 0.
func (s Severity) Rank() int {
	if i := slices.Index(Severities, s); i >= 0 {
		return len(Severities) - 1 - i
	}
	return 0
}

// Certainty is how sure the sender is (section 3.2.2).
type Certainty string

// Certainties lists the values of [Certainty] in CAP's order. CAP 1.0's
// "Very Likely" is read as Likely, as CAP 1.2 asks.
var Certainties = []Certainty{"Observed", "Likely", "Possible", "Unlikely", "Unknown"}
