package areas

import "testing"

func TestAnAreaIsFoundByWhatPeopleType(t *testing.T) {
	g := valdemo(t)
	for typed, want := range map[string]string{
		"999001": "999001", "VALDEMO": "999001", "valdémo ": "999001", "lungo": "999002", "": "", " - ": "", "atlantide": "",
	} {
		got := g.Search(typed, 1)
		switch {
		case want == "" && len(got) > 0, want != "" && (len(got) != 1 || got[0].Code.Value != want):
			t.Errorf("%q finds %v, want %q", typed, got, want)
		}
	}
	all := g.Search("9990", 100)
	for i := 1; i < len(all); i++ {
		if spelt(all[i-1].Name) > spelt(all[i].Name) {
			t.Errorf("%s stands before %s", all[i-1].Name, all[i].Name)
		}
	}
	if len(all) < 4 || len(g.Search("9990", 2)) != 2 || g.Search("9990", 0) != nil {
		t.Errorf("of %d areas", len(all))
	}
	var none *Gazetteer
	if none.Search("Valdemo", 5) != nil {
		t.Error("no gazetteer finds something")
	}
}
