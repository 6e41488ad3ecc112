package alerts

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// One person may prolong an alert unchanged. An Update that the same person
// wrote by hand, and that waits since it goes further, must not leave by that
// door.
func TestExtendingReleasesNothingElse(t *testing.T) {
	until := noon.Add(9 * time.Hour)
	for what, further := range map[string]func(*Submission){
		"to more channels": func(s *Submission) { s.Channels = []string{"outbox", "sirens"} },
		"with a note":      func(s *Submission) { s.Alert.Note = "evacuate" },
		"nothing added":    func(*Submission) {}, // it is still another record than the desk's own
	} {
		t.Run(what, func(t *testing.T) {
			m := newMemory()
			d := newDesk(m)
			head := issued(t, d)
			by := sitting("author", VerbSubmit, VerbIssue)
			a := prolonged(head.Alert, until)
			a.Identifier, a.MsgType = "by-hand", MsgUpdate
			a.References = []Reference{{head.Alert.Sender, head.Alert.Identifier, head.Alert.Sent}}
			s := Submission{Alert: a, Own: true, Via: "console", Channels: head.Channels}
			further(&s)
			hand, outcome, err := d.Submit(t.Context(), by, s, noon)
			if err != nil || outcome != OutcomeWaiting {
				t.Fatalf("%v %v", outcome, err)
			}
			with := Decision{Digest: head.Approved, Reason: "still rising", StepUp: StepUp{head.Approved, noon}}
			got, _, err := d.Extend(t.Context(), by, head.ID, with, until, noon)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Channels, head.Channels) || got.Alert.Note != head.Alert.Note {
				t.Errorf("%s left to %v, note %q", got.ID, got.Channels, got.Alert.Note)
			}
			if what != "nothing added" && m.records[hand.ID].State.Published() {
				t.Error("the Update left without its second person")
			}
		})
	}
}

// Of an all-clear that waits only the one that says exactly the same is taken
// for the person's own.
func TestAnAllClearInOtherWordsIsAnother(t *testing.T) {
	m := newMemory()
	d := newDesk(m)
	head := issued(t, d, minor)
	with := Decision{Digest: head.Approved, Text: "It is over"}
	waits, outcome, err := d.AllClear(t.Context(), sitting("author", VerbSubmit), head.ID, with, noon)
	if err != nil || outcome != OutcomeWaiting {
		t.Fatalf("%v %v", outcome, err)
	}
	bent := m.records[waits.ID]
	bent.Alert.Infos[0].Instruction = "Stay in the cellar"
	if bent.Content, err = d.Digest(bent.Alert, true); err != nil {
		t.Fatal(err)
	}
	got, outcome, err := d.AllClear(t.Context(), person("boss", VerbIssue), head.ID, with, noon)
	if err != nil || outcome != OutcomeIssued || got.ID == waits.ID || got.Alert.Infos[0].Instruction != "" {
		t.Errorf("%v %v, said %+v", outcome, err, got)
	}
}

// A draft goes from hand to hand: who wrote words of it is no second person,
// whoever asked for approval.
func TestWhoWroteWordsDoesNotApproveThem(t *testing.T) {
	m := newMemory()
	d := newDesk(m)
	anna, bruno, carla := sitting("anna", VerbSubmit, VerbApprove), sitting("bruno", VerbSubmit, VerbApprove), sitting("carla", VerbApprove)
	r, _, err := d.Submit(t.Context(), bruno, Submission{Alert: flood(extreme), Own: true, Via: "console", Writers: []By{anna.By(), bruno.By()}}, noon)
	if err != nil || r.Author.ID != "bruno" || len(r.Writers) != 1 || r.Writers[0].ID != "anna" {
		t.Fatalf("%+v %v", r, err)
	}
	with := Decision{Digest: r.Approved, StepUp: StepUp{r.Approved, noon}}
	for _, one := range []Person{anna, bruno} {
		if _, err := d.Approve(t.Context(), one, r.ID, with, noon); !errors.Is(err, ErrSecondPerson) {
			t.Errorf("%s approves: %v", one.ID, err)
		}
		if _, err := d.Open(t.Context(), one, r.ID, with, noon); !errors.Is(err, ErrSecondPerson) {
			t.Errorf("%s opening it holds up the way out: %v", one.ID, err)
		}
		if may, err := d.MayApprove(t.Context(), one, r); err != nil || may {
			t.Errorf("%s is rung for it: %v", one.ID, err)
		}
	}
	if from, may, err := d.AloneFrom(t.Context(), r); err != nil || !may || !from.Equal(noon.Add(AloneExtreme)) {
		t.Errorf("alone from %s, %v %v", from, may, err)
	}
	if err := d.AloneRefusal(t.Context(), anna, r, noon.Add(time.Hour)); !errors.Is(err, ErrSecondPerson) {
		t.Errorf("who did not submit it issues it alone: %v", err)
	}
	if got, err := d.Approve(t.Context(), carla, r.ID, with, noon); err != nil || got.State != StateIssued {
		t.Errorf("a third person: %v", err)
	}
	// Where no second person is needed nothing changes.
	mild, _, err := d.Submit(t.Context(), bruno, Submission{Alert: flood(minor, func(a *Alert) { a.Identifier = "mild" }), Own: true, Writers: []By{anna.By()}}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Approve(t.Context(), anna, mild.ID, Decision{Digest: mild.Approved}, noon); err != nil {
		t.Errorf("a Minor: %v", err)
	}
}
