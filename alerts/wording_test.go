package alerts

import (
	"slices"
	"testing"
)

// What was written for one platform speaks of the danger. It must not stand
// under the all-clear.
func TestAClosingDoesNotInheritTheWordsForPlatforms(t *testing.T) {
	d := newDesk(newMemory())
	a := flood(minor, func(a *Alert) {
		a.Infos[0].Parameters = []Value{{"martinella:text:facebook", "Salite!"}, {"martinella:hashtag", "allerta"}, {" Martinella:Text:sms", "Salite!"}, {"martinella:changed", "Più comuni."}, {"level", "3"}}
	})
	by := person("key:a", VerbIssue, VerbApprove)
	r, _, err := submit(t, d, by, a)
	if err != nil {
		t.Fatal(err)
	}
	want := []Value{{"martinella:hashtag", "allerta"}, {"level", "3"}}
	c, _, err := d.AllClear(t.Context(), by, r.ID, Decision{Digest: r.Approved, Text: "Passata"}, noon)
	if err != nil || !slices.Equal(c.Alert.Infos[0].Parameters, want) {
		t.Errorf("got %v, %v; want %v", c.Alert.Infos[0].Parameters, err, want)
	}
	if len(r.Alert.Infos[0].Parameters) != 5 {
		t.Errorf("the alert itself has %v", r.Alert.Infos[0].Parameters)
	}
}
