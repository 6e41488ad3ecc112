package main

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/broadcast"
	"martinella/channels/channeltest"
)

// onTheBoard is how long an answer may take to the board before this counts as a
// hang; the bar is one second. The times are in the log.
const onTheBoard = time.Minute

// TestAnswersOfEveryChannelReachTheBoard has a volunteer answer in each way there
// is, and looks at the wall board as its screen does.
func TestAnswersOfEveryChannelReachTheBoard(t *testing.T) {
	needRedis(t)
	const voiceToken = "0123456789abcdef0123456789abcdef"
	smsc := &carrier{channeltest.StartPeer(t, "smsc.js"), map[string][]sent{}}
	twilio := httptest.NewServer(http.NotFoundHandler()) // nobody is called by voice: the text message is before it
	t.Cleanup(twilio.Close)
	api := &botAPI{next: 100, sent: map[string][]botMessage{}, blocked: map[string]bool{}}
	telegram := httptest.NewServer(api)
	t.Cleanup(telegram.Close)
	secrets := t.TempDir()
	dir, config := settle(t, fmt.Sprintf(`
  - {name: sms, kind: smpp, addr: "%s", system_id: gw, password_file: %s, source: "+393390000000"}
  - {name: calls, kind: voice, provider: twilio, account_sid: AC00000000000000000000000000000000, auth_token_file: %s, source: "+390577000000", url: "%s"}
  - {name: bot, kind: telegram-bot, token_file: %s, url: "%s"}
public_url: %s
`, smsc.Addr(), write(t, filepath.Join(secrets, "smpp"), "secret"), write(t, filepath.Join(secrets, "twilio"), voiceToken), twilio.URL, write(t, filepath.Join(secrets, "bot"), "7012345678:AAFq-martinella_test_key_000000000000"), telegram.URL, publicSite))
	g := open(t, dir, config)
	must(t, "people", "import", write(t, filepath.Join(dir, "volontari.csv"), roll+"Bianchi;Fede;333 123 4506;fede@posta.example;*;motosega;;phone,email\n"), "--config", config, "--audience", "volunteers")
	d := signedIn(t, g)
	id := newID(time.Now())
	form := url.Values{"do": {"call"}, "id": {string(id)}, "what": {"Alberi sulla strada"}, "where": {"Piazza Grande"}, "meet": {"+1 h"}, "until": {"+5 h"},
		"skill": {"motosega"}, "people": {"5"}, "times": {"4"}, "second": {"none"}, "urgent": {"1"}}
	if r := d.do(t, http.MethodPost, "/console/d/new?lang=it", form); r.status != http.StatusSeeOther {
		t.Fatalf("opened: %d %s", r.status, r.body)
	}
	calls, opened := fastNode(t, g, 0)
	call, err := opened.Callouts().Call(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := opened.Callouts().Sheet(t.Context(), id)
	if err != nil || len(sheet) != 5 {
		t.Fatalf("the sheet has %d people, %v", len(sheet), err)
	}
	numbers := []string{"393331234501", "393331234502", "393331234503", "393331234504", "393331234506"}
	for _, number := range numbers {
		smsc.until(t, number, 1)
	}
	board := "/board/" + calls.BoardToken(call) + "?part=live&lang=it"
	coming := func() string {
		r := g.ask(t, http.MethodGet, board, "", "", nil)
		found := boardCount.FindSubmatch(r.body)
		if r.status != http.StatusOK || found == nil {
			t.Fatalf("the board: %d %s", r.status, r.body)
		}
		return string(found[1])
	}
	if n := coming(); n != "0" {
		t.Fatalf("before anybody answered %s come", n)
	}
	for i, way := range []struct {
		name   string
		answer func()
	}{
		{"the form of their page", func() {
			own := strings.TrimPrefix(calls.Link(sheet[0].Number, call.Number, ""), publicSite)
			if r := d.do(t, http.MethodPost, own, url.Values{"answer": {"coming-20"}}); r.status != http.StatusSeeOther {
				t.Fatalf("answered: %d %s", r.status, r.body)
			}
		}},
		{"a text message through the SMSC", func() { smsc.says(t, numbers[1], "SI 20") }},
		{"a key in a call", func() {
			query, form := "on=key&lang=it&call="+call.Code(), url.Values{"CallSid": {"CA" + strings.Repeat("0", 32)}, "AccountSid": {"AC" + strings.Repeat("0", 32)}, "To": {"+" + numbers[2]}, "Digits": {"1"}}
			mac := hmac.New(sha1.New, []byte(voiceToken))
			_, _ = mac.Write([]byte(publicSite + "/hooks/calls?" + query))
			for _, name := range slices.Sorted(maps.Keys(form)) {
				_, _ = mac.Write([]byte(name + form.Get(name)))
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.Public+"/hooks/calls?"+query, strings.NewReader(form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
			if status, _, body, err := fetchedPart(req); err != nil || status != http.StatusOK || !strings.Contains(string(body), "<Response>") {
				t.Fatalf("the hook: %d %v %s", status, err, body)
			}
		}},
		{"a coordinator's note of what they said on the telephone", func() {
			say := url.Values{"say": {fmt.Sprintf("%d.coming.20", sheet[3].Number)}}
			if r := d.do(t, http.MethodPost, "/console/d/"+string(id)+"/people?lang=it", say); r.status != http.StatusSeeOther {
				t.Fatalf("noted: %d %s", r.status, r.body)
			}
		}},
		{"a button in Telegram", func() {
			const chat = 424206
			err := opened.People().Change(t.Context(), sheet[4].Number, nil, func(m *broadcast.Member) (bool, error) {
				m.Contacts["telegram"] = fmt.Sprint(chat)
				return true, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			api.touches(chat, call.Code()+" SI 20")
		}},
	} {
		at := time.Now()
		way.answer()
		said := time.Now()
		for coming() != fmt.Sprint(i+1) {
			if time.Since(at) > onTheBoard {
				t.Fatalf("%s is not on the board after %v", way.name, onTheBoard)
			}
		}
		t.Logf("%s: on the board %v after it began, %v after it returned", way.name, time.Since(at).Round(time.Millisecond), time.Since(said).Round(time.Millisecond))
	}
}
