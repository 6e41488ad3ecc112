package signin

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
)

// verbs are the acts on staff, the oldest first.
func (o *Office) verbs(t testing.TB) []string {
	t.Helper()
	all, err := o.store.RecentActs(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	var verbs []string
	for _, a := range slices.Backward(all) {
		verbs = append(verbs, a.Verb)
	}
	return verbs
}

// Every act on people of staff is in the ledger, and none of them names
// anybody: who is erased is there by id alone.
func TestActsOnStaffAreInTheLedgerWithoutNames(t *testing.T) {
	o := office(t)
	now := time.Now()
	anna, _ := o.joined(t, "anna.rossi@valdemo.example", "administrator", "approver")
	berta, seed := o.joined(t, "berta.verdi@valdemo.example", "administrator")
	carla, _ := o.joined(t, "carla.neri@valdemo.example", "author")
	o.agreed(t, anna.Member, berta.Member, Change{Member: carla.Member.ID, Grant: Grant{Roles: []string{"approver"}}}, now)
	if _, err := o.renewed(t, berta); err != nil {
		t.Fatal(err)
	}
	_, s, err := o.Who(t.Context(), berta.Token)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(o.EndAll(t.Context(), anna.Member, carla.Member.ID, now), o.EndOthers(t.Context(), berta.Member, s, now)); err != nil {
		t.Fatal(err)
	}
	token, err := o.NewInvitation(t.Context(), Invitation{Login: "dora", Name: "Dora Gialli", Grant: Grant{Roles: []string{"viewer"}}, By: alerts.By{ID: anna.Member.ID, Name: "Anna Rossi"}}, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Withdraw(t.Context(), anna.Member, digest(token), now); err != nil {
		t.Fatal(err)
	}
	if err := o.Withdraw(t.Context(), anna.Member, digest(token), now); err != nil { // there is nothing left to withdraw, and no act
		t.Fatal(err)
	}
	if _, _, err := o.Ask(t.Context(), anna.Member, Change{Login: "eva", Name: "Eva Blu", Grant: EveryRole()}, now); err != nil {
		t.Fatal(err)
	}
	changes, err := o.Changes(t.Context())
	if err != nil || len(changes) != 1 {
		t.Fatalf("%v %v", changes, err)
	}
	for of := range changes {
		if err := o.Drop(t.Context(), anna.Member, of, now); err != nil {
			t.Fatal(err)
		}
	}
	o.agreed(t, anna.Member, berta.Member, Change{Do: ToDisable, Member: carla.Member.ID}, now)
	o.agreed(t, anna.Member, berta.Member, Change{Do: ToErase, Member: carla.Member.ID}, now)
	want := []string{
		VerbInvited, VerbJoined, VerbInvited, VerbJoined, VerbInvited, VerbJoined, VerbAsked, VerbChanged, VerbRecovery, VerbEnded, VerbEnded,
		VerbInvited, VerbWithdrawn, VerbAsked, VerbDropped, VerbAsked, VerbDisabled, VerbAsked, VerbErased,
	}
	if got := o.verbs(t); !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	all, err := o.store.RecentActs(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(all)
	for _, name := range []string{"anna", "berta", "carla", "Dora", "dora", "Gialli", "Name of", "valdemo", token, seed} {
		if strings.Contains(string(text), name) {
			t.Errorf("the acts name %s:\n%s", name, text)
		}
	}
	if erased := all[0]; erased.By.ID != berta.Member.ID || erased.Of != carla.Member.ID || erased.Reason != "asked by "+anna.Member.ID || erased.Via != "console" {
		t.Errorf("erased: %+v", erased)
	}
}

// Who may approve or administers is not taken away by one administrator where
// there is another; the only one may, and everybody sees it for a week.
func TestNobodyMakesThemselvesTheOnlyOneUnseen(t *testing.T) {
	o := office(t)
	now := time.Now()
	anna, _ := o.joined(t, "anna", "administrator", "approver")
	mario, _ := o.joined(t, "mario", "approver")
	viewer, _ := o.joined(t, "viewer", "viewer")
	if err := o.ends(t.Context(), anna.Member, ToDisable, viewer.Member.ID, now); err != nil {
		t.Errorf("a viewer: %v", err)
	}
	if alone, err := o.Alone(t.Context(), now); err != nil || len(alone) != 0 {
		t.Errorf("what nobody must know: %v %v", alone, err)
	}
	if _, _, err := o.Ask(t.Context(), anna.Member, Change{Member: mario.Member.ID, Grant: Grant{Roles: []string{"viewer"}}}, now); err != nil {
		t.Fatal(err)
	}
	luigi, _ := o.joined(t, "luigi", "approver")
	if err := o.ends(t.Context(), anna.Member, ToDisable, luigi.Member.ID, now); err != nil {
		t.Fatal(err)
	}
	if err := o.ends(t.Context(), anna.Member, ToErase, luigi.Member.ID, now); err != nil {
		t.Fatal(err)
	}
	alone, err := o.Alone(t.Context(), now.Add(AloneShown))
	if err != nil || len(alone) != 3 || alone[0].Verb != VerbErasedAlone || alone[1].Verb != VerbDisabledAlone || alone[2].Verb != VerbChangedAlone || alone[2].Of != mario.Member.ID {
		t.Errorf("%+v %v", alone, err)
	}
	if alone, err := o.Alone(t.Context(), now.Add(AloneShown+time.Second)); err != nil || len(alone) != 0 {
		t.Errorf("a week later: %v %v", alone, err)
	}
	berta, _ := o.joined(t, "berta", "administrator")
	for name, c := range map[string]Change{
		"another administrator": {Do: ToDisable, Member: berta.Member.ID},
		"lowering":              {Member: berta.Member.ID, Grant: Grant{Roles: []string{"viewer"}}},
	} {
		if _, waits, err := o.Ask(t.Context(), anna.Member, c, now); !waits || err != nil {
			t.Errorf("%s: waits %v, %v", name, waits, err)
		}
	}
	m, err := o.member(t.Context(), berta.Member.ID)
	if err != nil || !m.Administers() {
		t.Errorf("berta no longer administers: %v", err)
	}
}

// Signing out everywhere ends the remembered browsers too, and no session that
// began in between comes back.
func TestEverywhereIsEverywhere(t *testing.T) {
	o := office(t)
	now := time.Now()
	anna, _ := o.joinedAt(t, now, "anna", "author")
	m, s, err := o.Who(t.Context(), anna.Token)
	if err != nil {
		t.Fatal(err)
	}
	if !o.remembers(t.Context(), m, anna.Device) {
		t.Fatal("the browser is not remembered")
	}
	late := *m // read before everything ends, begun after
	if err := o.EndOthers(t.Context(), m, s, now); err != nil {
		t.Fatal(err)
	}
	token, err := o.begin(t.Context(), &late, ByPassword, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.Who(t.Context(), token); !errors.Is(err, ErrRefused) {
		t.Errorf("a session of the era before: %v", err)
	}
	m, _, err = o.Who(t.Context(), anna.Token)
	if err != nil {
		t.Fatalf("the session that did it: %v", err)
	}
	if o.remembers(t.Context(), m, anna.Device) {
		t.Error("the browser is still remembered")
	}
	boss, _ := o.joined(t, "boss", "administrator")
	if err := o.EndAll(t.Context(), boss.Member, m.ID, now); err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.Who(t.Context(), anna.Token); !errors.Is(err, ErrRefused) {
		t.Errorf("after an administrator ended all: %v", err)
	}
}
