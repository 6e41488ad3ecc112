package dashboards

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
	"martinella/dashboards/signin"
)

// renderer is a publisher whose texts change when its configuration does.
type renderer struct {
	publisher
	version *atomic.Int32
}

func (p renderer) Prepare(ctx context.Context, r *alerts.Record) error {
	if err := p.publisher.Prepare(ctx, r); err != nil {
		return err
	}
	if v := p.version.Load(); v > 0 {
		sum := sha256.Sum256([]byte(string(r.Approved) + itoa(int(v))))
		r.Approved = alerts.Digest(hex.EncodeToString(sum[:]))
	}
	r.Reach = 18234
	return nil
}

// deciding is a console with an author and an approver who prove themselves by
// codes.
type deciding struct {
	*consoleGateway
	version          atomic.Int32
	author, approver *person
	seeds            map[*person]string
}

func openDeciding(t testing.TB) *deciding {
	t.Helper()
	d := prepareDeciding(t)
	first, seed := d.first()
	d.approver, d.seeds[first] = first, seed
	d.author = d.member("bruno", "Bruno Bianchi", "author", "approver")
	return d
}

// prepareDeciding is the same with nobody there yet.
func prepareDeciding(t testing.TB) *deciding {
	t.Helper()
	d := &deciding{seeds: map[*person]string{}}
	d.consoleGateway = openConsole(t, func(c *Config) {
		of := renderer{c.Desk.Publisher.(publisher), &d.version}
		c.Desk.Publisher = of
		c.Cards = blank{}
		c.Preview = func(ctx context.Context, r *alerts.Record) ([]broadcast.Preview, error) {
			if err := of.Prepare(ctx, r); err != nil {
				return nil, err
			}
			word := map[alerts.Change]string{alerts.ChangeCancelled: "ANNULLATO: inviato per errore", alerts.ChangeEnded: "CESSATO ALLARME"}[r.Change]
			if word == "" {
				word = r.Alert.Infos[0].Headline
			}
			return []broadcast.Preview{
				{Channel: "sms", Address: "phone", Messages: []channels.Message{{Language: "it-IT", Text: "PC Valdemo: " + word + " {code}"}}, Reach: []int{18234}, Estimates: []channels.Estimate{{Parts: 2}}},
				{Channel: "mastodon-comune", Messages: []channels.Message{{Language: "it-IT", Title: "Avviso", Text: word + "\n\nProtezione Civile di Valdemo", Image: &channels.Image{Type: mediaPNG, Alt: "Avviso di piena con la mappa", Width: 1200, Height: 630}}}, Reach: []int{1}},
				{Channel: "sirene", Messages: []channels.Message{{Language: "it-IT", Payload: []byte(`{"state":"on"}`)}}, Reach: []int{1}},
				{Channel: "x-comune", Failure: "the text is too long by 40 characters"},
			}, nil
		}
	})
	return d
}

// invited is a link for somebody with the roles, for real alerts.
func (d *deciding) invited(login, name string, roles ...string) string {
	d.t.Helper()
	i := signin.Invitation{Login: login, Name: name, Grant: grantOf(url.Values{"role": roles, "real": {"1"}}), By: alerts.By{ID: "key:test", Name: "Test"}}
	token, err := d.office.NewInvitation(d.t.Context(), i, time.Now())
	if err != nil {
		d.t.Fatal(err)
	}
	return token
}

// member makes somebody of it, with password and codes.
func (d *deciding) member(login, name string, roles ...string) *person {
	d.t.Helper()
	token, p := d.invited(login, name, roles...), d.person()
	d.seeds[p] = p.join(token, login, name)
	return p
}

// submit has a person of staff ask for approval.
func (d *deciding) submit(by *person, xml string) alerts.ID {
	d.t.Helper()
	r := d.do("POST", "/api/v1/alerts", xml, "Cookie", "martinella="+by.cookieOf("martinella"), "Content-Type", "application/cap+xml")
	if r.StatusCode != http.StatusAccepted {
		d.t.Fatalf("submit: %d %s", r.StatusCode, r.body)
	}
	return alerts.ID(r.json(d.t)["id"].(string))
}

func (d *deciding) record(id alerts.ID) *alerts.Record {
	d.t.Helper()
	r, err := d.memory.Get(d.t.Context(), id, alerts.Exactly)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// age makes the record wait since earlier.
func (d *deciding) age(id alerts.ID, by time.Duration) {
	d.memory.mu.Lock()
	defer d.memory.mu.Unlock()
	for _, r := range d.memory.records {
		if r.ID == id {
			r.Received = r.Received.Add(-by)
		}
	}
}

func (d *deciding) verbs(id alerts.ID) []string {
	d.t.Helper()
	acts, err := d.memory.Acts(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	var out []string
	for _, a := range acts {
		out = append(out, a.Verb)
	}
	return out
}

func (d *deciding) yes(id alerts.ID) url.Values {
	return url.Values{"digest": {string(d.record(id).Approved)}, "people": {"tens-of-thousands"}, "confirm": {"1"}, "findings": {"1"}}
}

// staying does not follow redirects.
func (p *person) staying() *person {
	c := *p.http
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &person{p.t, p.g, &c}
}

func TestTheApproverSeesAllThatLeaves(t *testing.T) {
	d := openDeciding(t)
	id := d.submit(d.author, message("grave", "severity", "Severe"))
	r := d.approver.get("/console/a/" + string(id) + "/approve?lang=en")
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	for what, text := range map[string]string{
		"the mode of the record":  `class="mode real"`,
		"focus on the heading":    `<h1 tabindex="-1" autofocus>`,
		"the author":              "Bruno Bianchi",
		"the text of a channel":   "PC Valdemo: Piena in arrivo: salite ai piani alti subito {code}",
		"what machines get":       "{&#34;state&#34;:&#34;on&#34;}",
		"a failure":               "the text is too long by 40 characters",
		"the reach":               "about 18 thousand phones",
		"people":                  "about 18 thousand people",
		"the parts":               "parts: 2 each",
		"the way back":            "ANNULLATO: inviato per errore",
		"the all-clear":           "CESSATO ALLARME",
		"the map":                 `class="map"`,
		"the proof":               `data-prove="/console/a/` + string(id) + `/proof/approve?digest=` + string(d.record(id).Approved),
		"that it is a new one":    "New warning",
		"the opening to be noted": "data-open",
	} {
		if what == "the proof" { // a passkey is offered to who has one
			text = `name="code"`
		}
		if !strings.Contains(r.body, text) {
			t.Errorf("%s is missing: %q", what, text)
		}
	}
	if r := d.approver.get("/console/a/" + string(id) + "/card.png?language=it-IT"); r.StatusCode != 200 || r.Header.Get("Content-Type") != mediaPNG {
		t.Errorf("the card: %d %s", r.StatusCode, r.Header.Get("Content-Type"))
	}
	form := r.body[strings.Index(r.body, `/approve?lang=en#errors"`):]
	if first := form[strings.Index(form, "<button"):]; !strings.HasPrefix(first, `<button class="button" name="do" value="check"`) {
		t.Errorf("the first button of the form: %.80s", first)
	}
	if got := d.verbs(id); slices.Contains(got, "opened") {
		t.Errorf("a GET wrote an act: %v", got)
	}
	if r := d.approver.get("/console?lang=en"); !strings.Contains(r.body, `href="/console/a/`+string(id)+`/approve?lang=en"`) {
		t.Error("the overview does not link to it")
	}
	if r := d.person().get("/console/a/" + string(id) + "/approve"); r.Request.URL.Path != "/console/sign-in" {
		t.Errorf("a stranger sees %s", r.Request.URL)
	}
}

func TestApprovingWithoutAScript(t *testing.T) {
	d := openDeciding(t)
	id := d.submit(d.author, message("grave", "severity", "Severe"))
	path := "/console/a/" + string(id)
	if r := d.approver.do("POST", path+"/open?lang=en", url.Values{"digest": {string(d.record(id).Approved)}}); r.StatusCode != 200 || !strings.Contains(r.body, "Anna Rossi <time") {
		t.Fatalf("open: %d %s", r.StatusCode, r.body)
	}
	for what, c := range map[string]struct {
		change func(url.Values)
		want   int
		says   string
	}{
		"another magnitude": {func(f url.Values) { f.Set("people", "hundreds") }, 422, "it reaches about 18 thousand people"},
		"no magnitude":      {func(f url.Values) { f.Del("people") }, 422, `href="#people"`},
		"no confirmation":   {func(f url.Values) { f.Del("confirm") }, 422, `href="#confirm"`},
		"only checked":      {func(f url.Values) { f.Set("do", "check") }, 200, "Nothing has left"},
		"no proof":          {func(url.Values) {}, 403, "who you are once more"},
		"another digest":    {func(f url.Values) { f.Set("digest", strings.Repeat("0", 64)) }, 409, "Read it again"},
	} {
		form := d.yes(id)
		c.change(form)
		r := d.approver.do("POST", path+"/approve?lang=en", form)
		if r.StatusCode != c.want || !strings.Contains(strings.ToLower(r.body), strings.ToLower(c.says)) {
			t.Errorf("%s: %d, want %d and %q: %s", what, r.StatusCode, c.want, c.says, r.body)
		}
		if d.record(id).State != alerts.StateSubmitted {
			t.Fatalf("%s: it left", what)
		}
	}
	form := d.yes(id)
	form.Set("code", code(t, d.seeds[d.approver], 1))
	form.Set("reason", "read twice")
	r := d.approver.staying().do("POST", path+"/approve?lang=en", form)
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/console/a/"+string(id)+"?lang=en" {
		t.Fatalf("approve: %d %s %s", r.StatusCode, r.Header.Get("Location"), r.body)
	}
	if got := d.record(id); got.State != alerts.StateIssued || got.Approver.Name != "Anna Rossi" {
		t.Errorf("state %s, approver %v", got.State, got.Approver)
	}
	if r := d.author.get(path + "/approve?lang=en"); r.StatusCode != 200 || !strings.Contains(r.body, "Approved and issued already") || !strings.Contains(r.body, "read twice") {
		t.Errorf("afterwards: %d %s", r.StatusCode, r.body)
	}
}

func TestReturnRejectAndRecall(t *testing.T) {
	d := openDeciding(t)
	for act, want := range map[string]alerts.State{"return": alerts.StateReturned, "reject": alerts.StateRejected} {
		id := d.submit(d.author, message(act, "severity", "Severe", "099001", "09900"+itoa(len(act))))
		path, form := "/console/a/"+string(id)+"/"+act+"?lang=en", url.Values{"digest": {string(d.record(id).Approved)}}
		if r := d.approver.do("POST", path, form); r.StatusCode != 422 || d.record(id).State != alerts.StateSubmitted {
			t.Errorf("%s without a reason: %d", act, r.StatusCode)
		}
		form.Set("reason-"+act, "the street is wrong")
		if r := d.approver.do("POST", path, form); r.StatusCode != 200 || d.record(id).State != want || !strings.Contains(r.body, "the street is wrong") {
			t.Errorf("%s: %d, %s: %s", act, r.StatusCode, d.record(id).State, r.body)
		}
		form = d.yes(id)
		if r := d.approver.do("POST", "/console/a/"+string(id)+"/approve?lang=en", form); r.StatusCode != 409 || d.record(id).State != want {
			t.Errorf("approved after %s: %d", act, r.StatusCode)
		}
	}
	// Edited while it is being approved: what was read is not what may leave.
	id := d.submit(d.author, message("recalled", "severity", "Severe", "099001", "099009"))
	read := d.yes(id)
	r := d.author.staying().do("POST", "/console/a/"+string(id)+"/recall", url.Values{"digest": read["digest"]})
	if r.StatusCode != 303 || r.Header.Get("Location") != "/console/new?again="+string(id) {
		t.Fatalf("recall: %d %s", r.StatusCode, r.Header.Get("Location"))
	}
	again := d.submit(d.author, message("recalled-2", "severity", "Extreme", "099001", "099009"))
	if r := d.approver.do("POST", "/console/a/"+string(id)+"/approve?lang=en", read); r.StatusCode != 409 || !strings.Contains(r.body, "Returned to its author") {
		t.Errorf("the old one: %d", r.StatusCode)
	}
	if r := d.approver.do("POST", "/console/a/"+string(again)+"/approve?lang=en", read); r.StatusCode != 409 || d.record(again).State != alerts.StateSubmitted {
		t.Errorf("the new one by what was read of the old: %d", r.StatusCode)
	}
	if r := d.approver.do("POST", "/console/a/"+string(again)+"/recall?lang=en", url.Values{"digest": {string(d.record(again).Approved)}}); r.StatusCode != 403 {
		t.Errorf("recalled by another: %d", r.StatusCode)
	}
}

func TestWhatChangedMeanwhileIsReadAgain(t *testing.T) {
	d := openDeciding(t)
	id := d.submit(d.author, message("grave", "severity", "Severe"))
	path, before := "/console/a/"+string(id), d.record(id).Approved
	d.version.Store(1) // another channel was configured
	r := d.approver.get(path + "/approve?lang=en")
	if !strings.Contains(r.body, "has changed meanwhile") || strings.Contains(r.body, `name="people"`) {
		t.Fatalf("the page: %d %s", r.StatusCode, r.body)
	}
	if d.record(id).Approved != before {
		t.Error("a GET changed it")
	}
	r = d.approver.do("POST", path+"/open?lang=en", url.Values{"digest": {string(before)}})
	if d.record(id).Approved == before || strings.Contains(r.body, "has changed meanwhile") || !strings.Contains(r.body, `name="people"`) {
		t.Errorf("after reading again: %d", r.StatusCode)
	}
	if r := d.do("POST", path+"/open", url.Values{"digest": {string(d.record(id).Approved)}}.Encode(), "Cookie", "martinella="+d.approver.cookieOf("martinella"), "Accept", mediaJSON, "Content-Type", "application/x-www-form-urlencoded"); r.StatusCode != 200 || r.json(t)["digest"] != string(d.record(id).Approved) {
		t.Errorf("the script's question: %d %s", r.StatusCode, r.body)
	}
}

func TestItsAuthorWaitsThenIssuesAloneAndIsReviewed(t *testing.T) {
	d := openDeciding(t)
	id := d.submit(d.author, message("grave", "severity", "Extreme"))
	path := "/console/a/" + string(id)
	page := func() string { return d.author.get(path + "/approve?lang=en").body }
	if b := page(); !strings.Contains(b, "You cannot approve it") || !strings.Contains(b, `role="timer"`) || !strings.Contains(b, "Anna Rossi") || strings.Contains(b, `name="people"`) {
		t.Fatalf("the author's page: %s", b)
	}
	alone := url.Values{"digest": {string(d.record(id).Approved)}, "reason-alone": {"nobody answers"}, "confirm-alone": {"1"}, "code": {code(t, d.seeds[d.author], 1)}}
	if r := d.author.do("POST", path+"/approve", d.yes(id)); r.StatusCode != 403 {
		t.Errorf("the author approves: %d", r.StatusCode)
	}
	d.age(id, 4*time.Minute)
	if b := page(); !strings.Contains(b, "Nobody decided in time") {
		t.Errorf("after 4 minutes: %s", b)
	}
	for _, without := range []string{"reason-alone", "confirm-alone"} {
		form := maps.Clone(alone)
		form.Del(without)
		if r := d.author.do("POST", path+"/issue-alone?lang=en", form); r.StatusCode != 422 || !strings.Contains(r.body, `href="#`+without+`"`) {
			t.Errorf("without %s: %d", without, r.StatusCode)
		}
	}
	r := d.author.staying().do("POST", path+"/issue-alone", alone)
	if r.StatusCode != 303 || d.record(id).State != alerts.StateIssued {
		t.Fatalf("alone: %d %s", r.StatusCode, r.body)
	}
	d.settle()

	for _, who := range []*person{d.author, d.approver} {
		if r := who.get("/console?lang=en"); !strings.Contains(r.body, "To review (1)") || !strings.Contains(r.body, path+"/review?lang=en") {
			t.Errorf("the overview does not say that it is due")
		}
	}
	if b := d.author.get(path + "/review?lang=en").body; !strings.Contains(b, "You cannot review it") || !strings.Contains(b, "nobody answers") {
		t.Errorf("the author's review: %s", b)
	}
	finding := url.Values{"digest": {string(d.record(id).Approved)}, "reason": {"it was right"}}
	if r := d.author.do("POST", path+"/review", finding); r.StatusCode != 403 {
		t.Errorf("the author reviews: %d", r.StatusCode)
	}
	if r := d.approver.do("POST", path+"/review?lang=en", url.Values{"digest": finding["digest"]}); r.StatusCode != 422 {
		t.Errorf("without a finding: %d", r.StatusCode)
	}
	if r := d.approver.do("POST", path+"/review?lang=en", finding); r.StatusCode != 200 || !strings.Contains(r.body, "It was reviewed") || !strings.Contains(r.body, "it was right") {
		t.Errorf("the review: %d %s", r.StatusCode, r.body)
	}
	if r := d.author.get("/console?lang=en"); strings.Contains(r.body, "To review") {
		t.Error("it is still due")
	}
}

func TestWhoOpensAndLeavesHoldsUpItsAuthorOnce(t *testing.T) {
	d := openDeciding(t)
	id := d.submit(d.author, message("grave", "severity", "Severe"))
	path := "/console/a/" + string(id)
	if r := d.approver.do("POST", path+"/open", url.Values{"digest": {string(d.record(id).Approved)}}); r.StatusCode != 200 {
		t.Fatal(r.StatusCode)
	}
	d.age(id, 9*time.Minute+50*time.Second)
	if b := d.author.get(path + "/approve?lang=en").body; !strings.Contains(b, "Anna Rossi has opened it and is deciding") {
		t.Errorf("while it is being read: %s", b)
	}
	d.memory.mu.Lock()
	for i := range d.memory.acts {
		d.memory.acts[i].At = d.memory.acts[i].At.Add(-10 * time.Minute)
	}
	d.memory.mu.Unlock()
	d.age(id, 10*time.Second)
	if b := d.author.get(path + "/approve?lang=en").body; !strings.Contains(b, "Nobody decided in time") {
		t.Errorf("ten minutes after it was opened: %s", b)
	}
}

func TestTwoApproversAtTheConsole(t *testing.T) {
	d := openDeciding(t)
	third := d.member("carla", "Carla Verdi", "approver")
	id := d.submit(d.author, message("grave", "severity", "Severe"))
	path, before := "/console/a/"+string(id)+"/approve?lang=en", len(d.memory.log)
	var all sync.WaitGroup
	var replies [2]reply
	for i, p := range []*person{d.approver, third} {
		form := d.yes(id)
		form.Set("code", code(t, d.seeds[p], 1))
		all.Go(func() { replies[i] = p.staying().do("POST", path, form) })
	}
	all.Wait()
	released := 0
	for _, r := range replies {
		switch r.StatusCode {
		case http.StatusSeeOther:
			released++
		case http.StatusConflict:
			if !strings.Contains(r.body, "Approved and issued already") || !strings.Contains(r.body, d.record(id).Approver.Name) {
				t.Errorf("the other is told: %s", r.body)
			}
		default:
			t.Errorf("answered %d %s", r.StatusCode, r.body)
		}
	}
	approved := slices.DeleteFunc(d.verbs(id), func(v string) bool { return v != "approved" })
	if released != 1 || len(approved) != 1 || len(d.memory.log) != before+1 {
		t.Errorf("released %d times, %d acts, %d entries", released, len(approved), len(d.memory.log)-before)
	}
}

func TestRecallOverTheAPI(t *testing.T) {
	g := open(t)
	r := g.post(author, "/api/v1/alerts", message("mine", "severity", "Severe")).json(t)
	id, digest := r["id"].(string), `{"digest":"`+r["digest"].(string)+`"}`
	if got := g.act(approver, id, "recall", digest); got.StatusCode != http.StatusForbidden {
		t.Errorf("by an approver: %d", got.StatusCode)
	}
	if got := g.act(issuer, id, "recall", digest); got.StatusCode != http.StatusForbidden || !strings.Contains(got.body, "somebody else") {
		t.Errorf("by another author: %d %s", got.StatusCode, got.body)
	}
	for range 2 {
		if got := g.act(author, id, "recall", digest); got.StatusCode != http.StatusOK || got.json(t)["state"] != "returned" {
			t.Errorf("by its author: %d %s", got.StatusCode, got.body)
		}
	}
	if got := g.act(approver, id, "approve", digest); got.StatusCode != http.StatusConflict {
		t.Errorf("approved after it was taken back: %d", got.StatusCode)
	}
}

// A change is as grave as what it replaces: lowering a Severe needs a proof.
func TestLoweringASevereNeedsAProof(t *testing.T) {
	d := openDeciding(t)
	first := d.issue(message("grave", "severity", "Severe"))
	sent := first["id"].(string)
	alert := d.record(alerts.ID(sent)).Alert
	update := message("lower", "severity", "Moderate", "msgType", "Update", "headline", "Piena in calo: restate ai piani alti", "<scope>Public</scope>", "<scope>Public</scope><references>"+alert.Sender+","+alert.Identifier+","+alerts.FormatTime(alert.Sent)+"</references>")
	id := d.submit(d.author, update)
	r := d.approver.do("POST", "/console/a/"+string(id)+"/approve?lang=en", d.yes(id))
	if r.StatusCode != http.StatusForbidden || d.record(id).State != alerts.StateSubmitted {
		t.Errorf("without a proof: %d, %s", r.StatusCode, d.record(id).State)
	}
	if !strings.Contains(r.body, "What changes from the last published version") || !strings.Contains(r.body, "Update of a published warning") {
		t.Errorf("the page does not compare: %s", r.body)
	}
	for _, want := range []string{"<del>", "<ins>", "Headline (IT", "Severity"} {
		if !strings.Contains(r.body, want) {
			t.Errorf("the difference lacks %s", want)
		}
	}
}

// A link that reached a phone leads through signing in to its alert, and
// nowhere else.
func TestALinkLeadsThroughSigningIn(t *testing.T) {
	d := openDeciding(t)
	path := "/console/a/" + string(d.submit(d.author, message("grave", "severity", "Severe"))) + "/approve"
	phone := d.person()
	if r := phone.get(path); r.Request.URL.Path != "/console/sign-in" || !strings.Contains(r.body, `name="next" value="`+path+`"`) || !strings.Contains(r.body, "passkey?next="+path) {
		t.Fatalf("%s %s", r.Request.URL, r.body)
	}
	in := url.Values{"login": {"anna"}, "password": {goodPassword}, "next": {path}, "code": {code(t, d.seeds[d.approver], 1)}}
	if r := phone.do("POST", "/console/sign-in", in); r.StatusCode != 200 || r.Request.URL.Path != path {
		t.Errorf("%d %s", r.StatusCode, r.Request.URL)
	}
	for _, bad := range []string{"//evil.example", "https://evil.example/console/a/x", "/console/a/../staff", path + "?x", "/console/staff", "/console/a/" + strings.Repeat("A", 26) + "\\evil"} {
		if r := phone.staying().get("/console/sign-in?next=" + url.QueryEscape(bad)); r.Header.Get("Location") != "/console" {
			t.Errorf("%s leads to %s", bad, r.Header.Get("Location"))
		}
	}
}

// What several channels say to the letter is read once, and other languages
// than the first are folded: nothing of it is left out.
func TestWhatIsTheSameIsReadOnce(t *testing.T) {
	both := func(it, en string, reach int, address string) broadcast.Preview {
		return broadcast.Preview{Address: address, Messages: []channels.Message{{Language: "it-IT", Text: it}, {Language: "en", Text: en}}, Reach: []int{reach, reach}}
	}
	named := func(name string, p broadcast.Preview) broadcast.Preview { p.Channel = name; return p }
	d := openDeciding(t)
	d.server.Preview = func(_ context.Context, r *alerts.Record) ([]broadcast.Preview, error) {
		return []broadcast.Preview{
			named("telegram", both("Piena", "Flood", 1, "")), named("sms", both("Piena", "Flood", 20, "phone")), named("mastodon", both("Piena", "Flood", 1, "")),
			named("bluesky", both("Piena", "Floods", 1, "")), {Channel: "x", Failure: "no"}, {Channel: "fax", Failure: "no"},
		}, nil
	}
	id := d.submit(d.author, message("same", "severity", "Severe"))
	doc := d.approver.page("/console/a/" + string(id) + "/approve?lang=it")
	var cards []string
	for _, one := range doc.all("section") {
		if attr(one, "aria-labelledby") != "h-leaves" {
			continue
		}
		for _, li := range (page{t, one}).all("li") {
			cards = append(cards, strings.Join(strings.Fields(text(li)), " "))
		}
	}
	want := []string{
		"telegram · pubblico: lo vede chiunque mastodon · pubblico: lo vede chiunque Dicono la stessa cosa, parola per parola. italiano Piena inglese Flood",
		"sms · 40 telefoni italiano · 20 telefoni Piena inglese · 20 telefoni Flood",
		"bluesky · pubblico: lo vede chiunque italiano Piena inglese Floods", "x Questo canale non può dirlo: no", "fax Questo canale non può dirlo: no",
	}
	if !slices.Equal(cards, want) {
		t.Errorf("got\n%q, want\n%q", cards, want)
	}
	const more = "Le altre lingue si aprono con un tocco"
	if !strings.Contains(doc.body, more) {
		t.Error("nothing says that the other languages are folded")
	}
	d.server.Preview = func(context.Context, *alerts.Record) ([]broadcast.Preview, error) {
		return []broadcast.Preview{{Channel: "sms", Messages: []channels.Message{{Language: "it-IT", Text: "Piena"}}, Reach: []int{1}}}, nil
	}
	alone := d.submit(d.author, message("alone", "severity", "Severe"))
	if one := d.approver.page("/console/a/" + string(alone) + "/approve?lang=it"); strings.Contains(one.body, more) || !strings.Contains(one.body, "Queste sono le parole esatte.") {
		t.Error("one language alone is said to be folded, or the sentence before is gone")
	}
	if n := strings.Count(doc.body, `<details class="message">`); n != 3*3 { // and what a Cancel and an all-clear would say
		t.Errorf("%d texts are folded, want 9", n)
	}
}
