package broadcast_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/rdb"
	"martinella/channels"
)

// tongues speaks two languages.
type tongues struct{ counter }

func (*tongues) Render(*alerts.Record) ([]channels.Message, error) {
	return []channels.Message{{Audience: "public", Language: "it", Text: "Piena"}, {Audience: "public", Language: "en", Text: "Flood"}}, nil
}

// TestTheStoreKeepsTheMostExposedFirst publishes to three zones of 250 in two
// languages: what jobs are cut from has them in the order of the alert, each
// with the right text, and the Cancel after it too.
func TestTheStoreKeepsTheMostExposedFirst(t *testing.T) {
	const each = 250
	for name, config := range stores(t) {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			cfg.Authority = "valdemo"
			store, err := rdb.Open(t.Context(), cfg, zap.NewNop())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			queues := broadcast.NewQueues(store)
			g := &gateway{store: store, planner: &broadcast.Planner{Routes: []broadcast.Route{{Channel: &tongues{}, Exercise: true, Memory: true}},
				Records: store.Store(), People: store.People(), Store: store, Work: store, Queues: queues, Language: "it", Log: zap.NewNop()}}
			queue, err := queues.Open(t.Context(), "sms")
			if err != nil {
				t.Fatal(err)
			}
			list := make([]broadcast.Listing, 3*each)
			for i := range list {
				list[i].Subscriber = broadcast.Subscriber{Contacts: map[string]string{"phone": fmt.Sprintf("+39333%07d", i)}, Language: []string{"it", "it", "it", "en"}[i/3%4],
					Areas: []string{fmt.Sprintf("04800%d", 1+i%3)}, Audience: "citizens", Purpose: "emergency"}
			}
			entered, err := store.People().Enter(t.Context(), list, false)
			if err != nil {
				t.Fatal(err)
			}
			who := map[uint32]broadcast.Subscriber{}
			for i, e := range entered {
				who[e.Number] = list[i].Subscriber
			}
			order := func(r *alerts.Record) []uint32 {
				t.Helper()
				task, err := queue.Task(t.Context(), broadcast.Job{Alert: r.ID})
				if err != nil {
					t.Fatal(err)
				}
				people, err := queue.Recipients(t.Context(), r.ID, 0, 3*each)
				if err != nil || len(people) != 3*each {
					t.Fatal(len(people), err)
				}
				if len(task.Spans) < 6 || len(task.Messages) != 2 {
					t.Errorf("%d messages in %d spans", len(task.Messages), len(task.Spans))
				}
				for _, s := range task.Spans {
					for _, n := range people[s.From:s.To] {
						if got := task.Messages[s.Message].Language; got != who[n].Language {
							t.Fatalf("who reads %s gets %s", who[n].Language, got)
						}
					}
				}
				return people
			}
			r := broadcasttest.NewRecord(alerts.SeveritySevere)
			r.Alert.Infos[0].Areas = nil
			for _, z := range []string{"048003", "048001", "048002"} {
				r.Alert.Infos[0].Areas = append(r.Alert.Infos[0].Areas, alerts.Area{Description: z, Geocodes: []alerts.Value{{Name: "ISTAT", Value: z}}})
			}
			r = g.issue(t, r)
			told := order(r)
			var zones []string
			for i, n := range told {
				// The tiers of 250 end with the zones.
				if zone := who[n].Areas[0]; i%each == 0 || zone != zones[len(zones)-1] {
					zones = append(zones, zone)
				}
			}
			if got, want := strings.Join(zones, " "), "048003 048001 048002"; got != want {
				t.Errorf("the zones are in the order %s, want %s", got, want)
			}
			if c := g.issue(t, broadcasttest.Revise(r, alerts.ChangeCancelled)); !slices.Equal(order(c), told) {
				t.Error("the Cancel goes in another order")
			}
		})
	}
}
