package alerts

import "testing"

// What lies within the named area is stored besides it; the key of a zone may
// still cancel what it issued for the zone.
func TestRightsLookAtTheNamedCodes(t *testing.T) {
	zone, inside := Value{"EMMA_ID", "IT020"}, Value{"ISTAT", "047014"}
	alert := &Alert{Infos: []Info{{Areas: []Area{{Geocodes: []Value{zone}}}}}}
	bare := &Alert{Status: StatusExercise, MsgType: MsgCancel}
	key := func(area string) Person { return Person{Rights: Rights{Areas: []string{area}}} }
	cancel := &Record{Alert: bare, Replaced: alert, Areas: []Value{zone, inside}}
	if ps := key("IT020").Refusals(bare, cancel.named()); len(ps) != 0 {
		t.Errorf("the key of the zone may not cancel: %v", ps)
	}
	if ps := key("047014").Refusals(bare, cancel.named()); len(ps) != 1 {
		t.Errorf("the key of one municipality may cancel for the zone: %v", ps)
	}
	old := &Record{Alert: bare, Areas: []Value{inside}} // its event is not known any more
	if ps := key("IT020").Refusals(bare, old.named()); len(ps) != 1 {
		t.Errorf("without its event: %v", ps)
	}
}
