package alerts

// Readers is who stands at the end of a channel.
type Readers string

// The values of [Readers].
const (
	ReadersPublic     Readers = "public"     // anybody: page, social platforms, feeds, subscribers
	ReadersStaff      Readers = "staff"      // staff and volunteers
	ReadersAddressees Readers = "addressees" // exactly those whom the alert's addresses name
	ReadersMachines   Readers = "machines"   // programs: webhooks, sirens, boards
)

// AllReaders lists the values of [Readers].
var AllReaders = []Readers{ReadersPublic, ReadersStaff, ReadersAddressees, ReadersMachines}

// Door is what [MayLeave] knows of a channel.
type Door struct {
	Readers  Readers
	Exercise bool // configured to carry Exercise and Test, which it marks
	Named    bool // the alert's addresses name this channel (scope Private)
}

// MayLeave is the one predicate of what may go out where (DECISIONS 29): every
// channel, the public page and the live feed ask it and nothing else. The
// second value says why not, for people.
//
//	status           Public          Restricted        Private
//	Actual           every door      staff             its addresses
//	Exercise, Test   doors with exercise, and the same by scope
//	System           machines only, and the same by scope
//	Draft            none
//
// Machines count as the public for scope Public and are otherwise reached only
// by name. An unknown status or scope leaves nowhere.
func MayLeave(status Status, scope Scope, d Door) (bool, string) {
	switch status {
	case StatusActual:
	case StatusExercise, StatusTest:
		if !d.Exercise {
			return false, "the channel is not configured for exercises"
		}
	case StatusSystem:
		if d.Readers != ReadersMachines {
			return false, "status System is for machines"
		}
	case StatusDraft:
		return false, "status Draft leaves nowhere"
	default:
		return false, "the status is unknown"
	}
	switch scope {
	case ScopePublic:
		return true, ""
	case ScopeRestricted:
		if d.Readers == ReadersStaff || d.Named {
			return true, ""
		}
		return false, "scope Restricted is for staff and volunteers"
	case ScopePrivate:
		if d.Named {
			return true, ""
		}
		return false, "scope Private is for its addresses"
	}
	return false, "the scope is unknown"
}
