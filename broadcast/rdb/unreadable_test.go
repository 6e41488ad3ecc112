package rdb

import (
	"errors"
	"testing"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
)

// spoil makes a record's text one that no program reads.
func spoil(t *testing.T, r *Redis, id alerts.ID) {
	t.Helper()
	if err := r.commands.HSet(t.Context(), r.keys.record(id), "j", `{"v":1,"alert":{"references":[",x,y,"]}}`).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatCouldNotBeReadBackIsNotStored(t *testing.T) {
	r := openMemory(t)
	rec := broadcasttest.NewRecord(alerts.SeverityMinor, "web")
	rec.Alert.References = []alerts.Reference{{Sender: ",s", Identifier: "id"}}
	_, _, err := r.Store().Intake(t.Context(), rec, nil, broadcasttest.NewAct(rec, "submitted"))
	if !errors.Is(err, alerts.ErrInvalid) {
		t.Errorf("intake gave %v, want alerts.ErrInvalid", err)
	}
	if _, err := r.Store().Get(t.Context(), rec.ID, alerts.Exactly); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("get gave %v, want alerts.ErrNotFound", err)
	}
}

func TestOneUnreadableRecordHidesNoOther(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		q, err := r.Queue(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		start, err := r.Log().Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		first := issue(t, r, alerts.SeverityMinor, nil, "web")
		bad := issue(t, r, alerts.SeverityMinor, nil, "web")
		last := issue(t, r, alerts.SeverityMinor, nil, "web")
		spoil(t, r, bad.ID)

		listed := 0
		for rec, err := range r.Store().All(t.Context(), alerts.Filter{}) {
			if err != nil || rec.ID == bad.ID {
				t.Fatalf("the list gives %v, %v", rec, err)
			}
			listed++
		}
		if listed != 2 {
			t.Errorf("%d are listed, want 2", listed)
		}
		if got, err := r.Log().After(t.Context(), start, 10); err != nil || len(got) != 2 || got[1].Record.ID != last.ID {
			t.Errorf("the log gives %d entries, %v", len(got), err)
		}
		got, err := q.Entries(t.Context(), 10)
		if err != nil || len(got) != 2 || got[0].Record.ID != first.ID || got[1].Record.ID != last.ID {
			t.Errorf("the planner gets %d entries, %v", len(got), err)
		}
		if r.Unreadable() == 0 {
			t.Error("nobody counted it")
		}
		if _, err := r.Store().Get(t.Context(), bad.ID, alerts.Exactly); !errors.Is(err, broadcast.ErrUnreadable) || errors.Is(err, alerts.ErrUnavailable) {
			t.Errorf("get gave %v, want broadcast.ErrUnreadable alone", err)
		}
		if _, err := q.Task(t.Context(), broadcast.Job{Alert: bad.ID}); !errors.Is(err, broadcast.ErrUnreadable) {
			t.Errorf("task gave %v, want broadcast.ErrUnreadable", err)
		}
		// Nobody is asked to plan it again.
		if n, err := r.commands.XPending(t.Context(), r.keys.log(), logGroup("web")).Result(); err != nil || n.Count != 2 {
			t.Errorf("%+v wait to be planned, %v", n, err)
		}
	})
}

func TestARecordOfANewerProgramIsLeftToIt(t *testing.T) {
	r := openMemory(t)
	q, err := r.Queue(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	rec := issue(t, r, alerts.SeverityMinor, nil, "web")
	if err := r.commands.HSet(t.Context(), r.keys.record(rec.ID), "v", alerts.RecordVersion+1, "j", `{"v":99}`).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := q.Entries(t.Context(), 10); err != nil || len(got) != 0 {
		t.Errorf("%d entries, %v", len(got), err)
	}
	if n, err := r.commands.XPending(t.Context(), r.keys.log(), logGroup("web")).Result(); err != nil || n.Count != 1 {
		t.Errorf("%+v wait to be planned, %v: want it left there", n, err)
	}
}

func TestAJobOfAnUnreadableAlertCanBeBuried(t *testing.T) {
	r := openMemory(t)
	if _, err := r.Queue(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	rec := issue(t, r, alerts.SeverityMinor, nil, "web")
	q, _ := r.Queue(t.Context(), "web")
	entries, err := q.Entries(t.Context(), 1)
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	if _, err := q.Plan(t.Context(), entries[0], 0, []broadcast.Job{{V: 1, Alert: rec.ID, To: 1}}, true); err != nil {
		t.Fatal(err)
	}
	spoil(t, r, rec.ID)
	jobs, err := q.Take(t.Context(), 1)
	if err != nil || len(jobs) != 1 {
		t.Fatal(jobs, err)
	}
	if _, err := q.Bury(t.Context(), jobs[0], "the alert cannot be read"); err != nil {
		t.Fatal(err)
	}
	if d, err := r.Deliveries(t.Context(), rec.ID); err != nil || len(d) != 1 || d[0].State != "failed" {
		t.Errorf("deliveries %+v, %v", d, err)
	}
}
