package rdb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/callout"
)

// everything is all that Redis holds, as text: keys, fields and values. What is
// sealed, wherever it is, is opened with each purpose that this store has, since a
// seal that opens hides nothing from whoever has the key file.
func everything(t *testing.T, r *Redis, purposes []string) string {
	t.Helper()
	ctx := t.Context()
	var out strings.Builder
	say := func(texts ...string) {
		for _, text := range texts {
			fmt.Fprintln(&out, text)
			for at := range len(text) {
				if text[at] != sealed {
					continue
				}
				for _, purpose := range purposes {
					if clear, err := r.vault.open([]byte(text[at:]), purpose); err == nil {
						fmt.Fprintln(&out, string(clear))
					}
				}
			}
		}
	}
	keys, err := r.commands.Keys(ctx, "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		kind, err := r.commands.Type(ctx, key).Result()
		if err != nil {
			t.Fatal(err)
		}
		say(key)
		switch kind {
		case "string":
			v, _ := r.commands.Get(ctx, key).Result()
			say(v)
		case "hash":
			all, _ := r.commands.HGetAll(ctx, key).Result()
			for k, v := range all {
				say(k, v)
			}
		case "list":
			all, _ := r.commands.LRange(ctx, key, 0, -1).Result()
			say(all...)
		case "set":
			all, _ := r.commands.SMembers(ctx, key).Result()
			say(all...)
		case "zset":
			all, _ := r.commands.ZRange(ctx, key, 0, -1).Result()
			say(all...)
		case "stream":
			all, _ := r.commands.XRange(ctx, key, "-", "+").Result()
			for _, m := range all {
				for k, v := range m.Values {
					say(k, fmt.Sprint(v))
				}
			}
		case "none": // it ended meanwhile
		default:
			t.Fatalf("%s is a %s: the test does not look there", key, kind)
		}
	}
	return out.String()
}

// Whoever is erased after a call in which everything was said leaves no trace:
// neither in Redis, opened with the key file, nor in its files. The ledger has a
// number and nothing else.
func TestErasingAVolunteerLeavesNoTrace(t *testing.T) {
	r := openServer(t)
	ctx := t.Context()
	const endpoint = "https://push.example/send/ines-secret-endpoint"
	words := map[string]string{"name": "Ines Traccia", "organisation": "Croce Traccia", "phone": "+393339876543", "national number": "3339876543", "mail": "ines.traccia@example.org", "push": "ines-secret-endpoint",
		"note": "sono in fonderia", "message": "vengo col furgone rosso"}
	who := broadcast.Subscriber{V: 1, Contacts: map[string]string{"phone": words["phone"], "email": words["mail"], "push": endpoint}, Language: "it", Areas: []string{"*"}, Audience: broadcast.AudienceVolunteers, Purpose: "emergency",
		Volunteer: &volunteers.Profile{Name: words["name"], Organisation: words["organisation"]}}
	entered, err := r.People().Enter(ctx, append([]broadcast.Listing{{Subscriber: who}}, volunteerList(1)...), false)
	if err != nil {
		t.Fatal(err)
	}
	number, other := entered[0].Number, entered[1].Number
	pages := broadcast.NewVolunteerPages(broadcast.VolunteerPagesConfig{Roll: r.People(), PublicURL: "https://site.example", Authority: "PC", Forget: r.Callouts().Forget})
	token := pages.Token(number, "phone", words["phone"], time.Now())
	if err := pages.Decide(ctx, token, time.Now(), func(c *broadcast.VolunteerChoices) { c.Language = "de" }); err != nil {
		t.Fatal(err)
	}
	call, page := calling(t, r, "sms", number, other)
	answering(t, r, call, number, words["note"])
	if err := r.Callouts().Message(ctx, call.ID, callout.Message{Number: number, At: time.Now(), Via: "sms", Text: words["message"]}); err != nil {
		t.Fatal(err)
	}
	arrive := func(p *volunteers.Presence) (bool, error) {
		p.Arrived, p.Left = time.Now().Add(-time.Hour), time.Now()
		return true, nil
	}
	act := broadcasttest.CallAct(call, "attended", time.Now())
	if err := r.Callouts().Attend(ctx, call.ID, number, &act, arrive); err != nil {
		t.Fatal(err)
	}
	end := broadcasttest.CallAct(call, string(volunteers.StateClosed), time.Now())
	if _, err := r.Callouts().Change(ctx, call.ID, nil, &end, func(c *volunteers.Call) error { c.State, c.Ended = volunteers.StateClosed, time.Now(); return nil }); err != nil {
		t.Fatal(err)
	}
	purposes := []string{purpose(number), purpose(other), callPurpose(call.ID), answerPurpose(call.ID, number), messagePurpose(call.ID)}
	before := everything(t, r, purposes)
	for what, word := range words {
		if !strings.Contains(before, word) {
			t.Errorf("the %s is not found before erasing: the test proves nothing of it", what)
		}
	}
	index := r.vault.find("phone", words["phone"])
	box, err := r.commands.HGet(ctx, r.keys.people(), fmt.Sprint(number)).Result()
	if err != nil || !inFiles(t, r, index) {
		t.Fatalf("the files do not have the person: %v", err)
	}

	if n, err := pages.Erase(ctx, alerts.By{ID: "staff:1"}, "console", []uint32{number}, time.Now(), nil); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	after := everything(t, r, purposes)
	for what, word := range words {
		if strings.Contains(after, word) {
			t.Errorf("the %s is still in Redis", what)
		}
	}
	for kind, address := range who.Contacts {
		if strings.Contains(after, r.vault.find(kind, address)) {
			t.Errorf("the index of the %s is still in Redis", kind)
		}
	}
	if strings.Contains(after, token) {
		t.Error("the token is in Redis")
	}
	if sheet, err := r.Callouts().Sheet(ctx, call.ID); err != nil || len(sheet) != 1 || sheet[0].Number != other {
		t.Errorf("the call has %+v, %v", sheet, err)
	}
	if messages, err := r.Callouts().Messages(ctx, call.ID); err != nil || len(messages) != 0 {
		t.Errorf("the coordinator reads %+v, %v", messages, err)
	}
	settled(t, r, none)
	if inFiles(t, r, index) || inFiles(t, r, box[:40]) {
		t.Error("what was sealed of the person is still in a file after its rewriting")
	}
	for what, word := range words {
		if inFiles(t, r, word) {
			t.Errorf("the %s stands in a file in clear", what)
		}
	}
	if b, err := os.ReadFile(filepath.Join(r.cfg.DataDir, "dump.rdb")); err == nil && strings.Contains(string(b), index) {
		t.Error("the index of the contact is in a snapshot")
	}
	// The ledger has what was done, by number.
	var acts []string
	for a, err := range r.Store().AllActs(context.WithoutCancel(ctx), 0) {
		if err != nil {
			t.Fatal(err)
		}
		acts = append(acts, a.Verb+" "+a.Of+" "+a.By.ID)
	}
	for _, want := range []string{broadcast.ActVolunteerChanged + "  " + broadcast.PersonID(number), broadcast.ActVolunteerErased + " " + broadcast.PersonID(number) + " staff:1"} {
		if !slices.Contains(acts, want) {
			t.Errorf("%q is not among the acts %q", want, acts)
		}
	}
	// What was on its way to them reaches nobody.
	if to, err := r.People().Contacts(ctx, "phone", page.Spans[0].People); err != nil || len(to) != 2 || slices.Contains(to, words["phone"]) {
		t.Errorf("the page goes to %q, %v", to, err)
	}
}
