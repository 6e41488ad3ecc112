package rdb

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

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
	const whyCorrected = "radio scarica al ponte" // names nobody, or it would be refused
	words := map[string]string{"name": "Ines Traccia", "organisation": "Croce Traccia", "phone": "+393339876543", "national number": "3339876543", "mail": "ines.traccia@example.org", "push": "ines-secret-endpoint",
		"note": "sono in fonderia", "message": "vengo col furgone rosso",
		"telegram": "tg-chat-880077001", "text to a test": "questo non sono io"}
	who := broadcast.Subscriber{V: 1, Contacts: map[string]string{"phone": words["phone"], "email": words["mail"], "push": endpoint, "telegram": words["telegram"]}, Language: "it", Areas: []string{"*"}, Audience: broadcast.AudienceVolunteers, Purpose: "emergency",
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
	coordinator := alerts.Person{ID: "staff:1", Name: "Anna", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbCall}, Statuses: alerts.Statuses}}
	engine := callout.New(callout.Config{Store: r.Callouts(), Roll: r.People(), PublicURL: "https://site.example", Zone: time.UTC, Log: zap.NewNop()}, prometheus.NewRegistry())
	correct := func(reason string) error {
		sheet, err := r.Callouts().Sheet(ctx, call.ID)
		at := slices.IndexFunc(sheet, func(e callout.Entry) bool { return e.Number == number })
		if err != nil || at < 0 {
			t.Fatal(sheet, err)
		}
		p := sheet[at].Presence
		return engine.CorrectFor(ctx, coordinator, call.ID, number, p.Revision(), volunteers.Stay{Arrived: call.Opened}, reason)
	}
	if err := correct(whyCorrected); err != nil {
		t.Fatal(err)
	}
	if err := correct("Ines era al ponte"); !errors.Is(err, alerts.ErrInvalid) {
		t.Errorf("the ledger takes a reason that has the name: %v", err)
	}
	end := broadcasttest.CallAct(call, string(volunteers.StateClosed), time.Now())
	if _, err := r.Callouts().Change(ctx, call.ID, nil, &end, func(c *volunteers.Call) error { c.State, c.Ended = volunteers.StateClosed, time.Now(); return nil }); err != nil {
		t.Fatal(err)
	}
	links := []string{engine.Link(number, call.Number, "")}
	purposes := []string{purpose(number), purpose(other), callPurpose(call.ID), answerPurpose(call.ID, number), presencePurpose(call.ID, number), messagePurpose(call.ID)}
	// A test of contacts that was answered over each of them, and a text to it.
	asked := broadcasttest.NewCall(time.Now())
	asked.Test, asked.Needs = true, nil
	if asked, err = r.Callouts().Open(ctx, asked, broadcasttest.LegsOf(time.Now(), 0, number, other), broadcasttest.CallAct(asked, "called", time.Now())); err != nil {
		t.Fatal(err)
	}
	paging(t, r, "push")
	for kind := range who.Contacts {
		links = append(links, engine.Link(number, asked.Number, kind))
		a := volunteers.Answer{Kind: volunteers.Coming, At: time.Now(), Via: "page", Contacts: kind}
		if _, err := r.Callouts().Answer(ctx, asked.ID, number, a, broadcasttest.CallAct(asked, "answered", time.Now())); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Callouts().Message(ctx, asked.ID, callout.Message{Number: number, At: time.Now(), Via: "telegram", Text: words["text to a test"]}); err != nil {
		t.Fatal(err)
	}
	purposes = append(purposes, callPurpose(asked.ID), answerPurpose(asked.ID, number), messagePurpose(asked.ID))
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
	for line := range strings.Lines(after) {
		if strings.Contains(line, whyCorrected) && !strings.Contains(line, callout.ActPresenceCorrected) {
			t.Errorf("the reason of a correction is not in the ledger alone: %s", line)
		}
	}
	if strings.Count(before, whyCorrected) <= strings.Count(after, whyCorrected) {
		t.Error("the correction is still where it was, beside the ledger")
	}
	for _, link := range append(links, token) {
		secret := link[strings.LastIndex(link, "/")+1:]
		digest := sha256.Sum256([]byte(secret))
		for what, trace := range map[string]string{"token": secret, "digest of a token": hex.EncodeToString(digest[:]), "digest in base64": base64.RawURLEncoding.EncodeToString(digest[:])} {
			if strings.Contains(after, trace) {
				t.Errorf("a %s is in Redis", what)
			}
		}
	}
	for _, id := range []alerts.ID{call.ID, asked.ID} {
		for _, key := range []string{r.keys.callLegs(id), r.keys.callAnswers(id), r.keys.callPresent(id), r.keys.callPaged(id)} {
			if held, err := r.commands.HExists(ctx, key, utoa(number)).Result(); err != nil || held {
				t.Errorf("%s still has the person: %v", key, err)
			}
		}
		if _, err := r.commands.ZScore(ctx, r.keys.callDue(id), utoa(number)).Result(); !errors.Is(err, redis.Nil) {
			t.Errorf("something is due to the person: %v", err)
		}
	}
	if parts, err := r.Callouts().Of(ctx, number); err != nil || len(parts) != 0 {
		t.Errorf("calls still have of the person: %+v, %v", parts, err)
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
