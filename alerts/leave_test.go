package alerts

import "testing"

// Every status x scope x kind of door, so that a change of one line in
// MayLeave shows here (DECISIONS 29).
func TestMayLeaveByStatusScopeAndDoor(t *testing.T) {
	for _, status := range append(Statuses, "Rumour") {
		for _, scope := range append(Scopes, "Everywhere") {
			for _, readers := range AllReaders {
				for _, exercise := range []bool{false, true} {
					for _, named := range []bool{false, true} {
						got, why := MayLeave(status, scope, Door{readers, exercise, named})
						want := mayLeaveByHand(status, scope, readers, exercise, named)
						if got != want {
							t.Errorf("%s %s to %s exercise=%v named=%v: got %v, want %v", status, scope, readers, exercise, named, got, want)
						}
						if !got && why == "" {
							t.Errorf("%s %s to %s: refused without saying why", status, scope, readers)
						}
					}
				}
			}
		}
	}
}

// mayLeaveByHand is the table of DECISIONS 29 said another way: what is
// allowed, listed; all else is refused.
func mayLeaveByHand(status Status, scope Scope, readers Readers, exercise, named bool) bool {
	byScope := map[Scope]bool{
		"Public":     true,
		"Restricted": readers == "staff" || named,
		"Private":    named,
	}[scope]
	byStatus := map[Status]bool{
		"Actual":   true,
		"Exercise": exercise,
		"Test":     exercise,
		"System":   readers == "machines",
	}[status]
	return byScope && byStatus
}
