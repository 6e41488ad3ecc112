package broadcast

import (
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// What an approver is shown is what the digest of the stored record covers.
func TestThePreviewIsWhatWasPrepared(t *testing.T) {
	h := newHouse(t, Route{Channel: phones{&platform{name: "sms"}}}, Route{Channel: &platform{name: "social"}}, Route{Channel: &platform{name: "siren", render: noMessage("too long")}})
	h.subscribe(3, "it")
	r := prepared(t, h, h.record(alerts.SeverityMinor, time.Hour))
	h.subscribe(2, "it") // more may subscribe until it is read
	again := r.Clone()
	all, err := h.planner.Preview(t.Context(), again)
	if err != nil || again.Approved != r.Approved || again.Reach != 5 {
		t.Fatalf("digest %s, want %s; reach %d; %v", again.Approved, r.Approved, again.Reach, err)
	}
	if len(all) != 3 || all[0].Channel != "sms" || all[0].Address != "phone" || !slices.Equal(all[0].Reach, []int{5, 0}) || all[1].Address != "" || !slices.Equal(all[1].Reach, []int{1, 1}) || all[2].Failure != "too long" {
		t.Errorf("got %+v", all)
	}
	h.planner.Routes[1].Channel.(*platform).render = oneMessage("other words")
	if _, err := h.planner.Preview(t.Context(), again); err != nil || again.Approved == r.Approved {
		t.Errorf("other words have the same digest, %v", err)
	}
}

// The way back is rendered while nothing has left yet.
func TestThePreviewOfAClosingBeforeAnythingWasIssued(t *testing.T) {
	says := func(r *alerts.Record) ([]channels.Message, error) {
		return []channels.Message{{Language: "it", Text: string(r.Change) + " " + string(r.Alert.MsgType)}}, nil
	}
	h := newHouse(t, Route{Channel: phones{&platform{name: "sms", render: says}}}, Route{Channel: &platform{name: "social", render: says}})
	h.subscribe(3, "it")
	r := prepared(t, h, h.record(alerts.SeveritySevere, time.Hour))
	h.mu.Lock()
	h.records[r.ID] = r.Clone()
	h.mu.Unlock()
	desk := alerts.Desk{Authority: alerts.Authority{Slug: "valdemo"}, NewID: func(time.Time) alerts.ID { return "01M81F1CWXPY5M5MTSF7Y7JEVM" }}
	for change, want := range map[alerts.Change]string{alerts.ChangeCancelled: "cancelled Cancel", alerts.ChangeEnded: "ended Update"} {
		all, err := h.planner.Preview(t.Context(), desk.Closing(r, alerts.Person{ID: "a"}, change, "", time.Now()))
		if err != nil || len(all) != 2 {
			t.Fatalf("%s: %v, %v", change, all, err)
		}
		for _, one := range all {
			if len(one.Messages) == 0 || !strings.Contains(one.Messages[0].Text, want) {
				t.Errorf("%s on %s: %+v", change, one.Channel, one)
			}
		}
	}
}
