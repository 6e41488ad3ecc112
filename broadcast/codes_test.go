package broadcast

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

func TestCodesListEveryRevisionThatHasThem(t *testing.T) {
	var c codes
	var ids []alerts.ID
	byCode := map[string][]alerts.ID{}
	for i := range 5000 {
		id := alerts.ID("01JX" + string(rune('A'+i%26)) + string(rune('A'+i/26%26)) + string(rune('A'+i/676)))
		ids = append(ids, id)
		byCode[alerts.CodeOf(id)] = append(byCode[alerts.CodeOf(id)], id)
	}
	for _, id := range ids[:2000] { // as a node that starts
		c.list = append(c.list, codedOf(id), codedOf(id))
	}
	c.sort()
	for _, id := range ids[1000:] { // as the log brings them, some again
		c.add(id)
	}
	if len(c.list) != len(ids) {
		t.Fatalf("%d entries, want %d", len(c.list), len(ids))
	}
	for code, want := range byCode {
		slices.Sort(want)
		if got := c.of(code); !slices.Equal(got, want) {
			t.Errorf("%s gives %v, want %v", code, got, want)
		}
	}
	for _, code := range []string{"", "0", "ZZZZZZ"} {
		if got := c.of(code); got != nil {
			t.Errorf("%q gives %v", code, got)
		}
	}
	if got := (&View{}).Coded("K7Q2P"); got != nil {
		t.Errorf("a view that was not loaded gives %v", got)
	}
}

func TestTwoRevisionsWithTheSameCodeAreBothFound(t *testing.T) {
	one, other := coded{[5]byte([]byte("K7Q2P")), "b"}, coded{[5]byte([]byte("K7Q2P")), "a"}
	c := codes{list: []coded{one, other, {[5]byte([]byte("K7Q2Q")), "c"}}}
	c.sort()
	if got := c.of("K7Q2P"); !slices.Equal(got, []alerts.ID{"a", "b"}) {
		t.Errorf("%v", got)
	}
}

// What is counted before the code is known must not be too little: the text
// with the placeholder is at least as long as with the code.
func TestACodeNeverMakesATextLonger(t *testing.T) {
	filled := channels.Message{Text: "PC Valdemo: salite. {code}"}.For(map[string]string{"{code}": alerts.CodeOf("01JX")})
	for name, count := range map[string]func(string) int{"chars": channels.UnitChars.Count, "septets": func(s string) int { n, _ := channels.Septets(s); return n }} {
		before, after := count("PC Valdemo: salite. {code}"), count(filled.Text)
		if after > before || after != count("PC Valdemo: salite. ")+alerts.CodeLength {
			t.Errorf("%s: %d with the placeholder, %d with the code", name, before, after)
		}
	}
}

func TestTheBoardFindsWhatWasEverForEverybodyByItsCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		old := h.issue(h.record(alerts.SeverityExtreme, time.Hour))
		secret := h.record(alerts.SeverityExtreme, time.Hour)
		secret.Alert.Scope = alerts.ScopeRestricted
		h.issue(secret)
		waiting := h.record(alerts.SeverityExtreme, time.Hour)
		h.records[waiting.ID] = waiting
		var seen []Entry
		first, stop := runBoard(t, h, &seen)
		defer stop()
		fresh := h.issue(h.next(old, alerts.ChangeUpdated, alerts.SeverityExtreme))
		later := h.record(alerts.SeverityExtreme, time.Hour)
		later.Alert.Scope = alerts.ScopeRestricted
		h.issue(later)
		synctest.Wait()
		second, stopSecond := runBoard(t, h, &seen) // another node, which starts only now
		defer stopSecond()
		synctest.Wait()
		time.Sleep(100 * 24 * time.Hour)
		for name, b := range map[string]*Board{"the first node": first, "the second node": second} {
			for _, r := range []*alerts.Record{old, fresh} {
				if got := b.Snapshot().Coded(alerts.CodeOf(r.ID)); !slices.Contains(got, r.ID) {
					t.Errorf("%s: revision %d is not found by its code", name, r.Revision)
				}
			}
			for _, r := range []*alerts.Record{secret, waiting, later} {
				if got := b.Snapshot().Coded(alerts.CodeOf(r.ID)); slices.Contains(got, r.ID) {
					t.Errorf("%s: %s %s is found", name, r.Alert.Scope, r.State)
				}
			}
		}
	})
}
