package dashboards

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/dashboards/signin"
)

func TestWhatCannotBeAskedFor(t *testing.T) {
	g := openDesktop(t)
	for name, c := range map[string]struct {
		grant  signin.Grant
		change map[string]string
		status alerts.Status
		want   []string
	}{
		"no area":                    {writer(true), map[string]string{"code": ""}, alerts.StatusExercise, []string{"Nothing leaves without an area", `href="#areas"`}},
		"it is over":                 {writer(true), map[string]string{"until": "01/01/2020 10:00"}, alerts.StatusExercise, []string{`href="#until"`, "Until when: missing, over or not readable"}},
		"no end":                     {writer(true), map[string]string{"until": ""}, alerts.StatusExercise, []string{`href="#until"`}},
		"an end that nobody reads":   {writer(true), map[string]string{"until": "quando smette"}, alerts.StatusExercise, []string{`href="#until"`, "quando smette"}},
		"a line that is no shape":    {writer(true), map[string]string{"shapes": "Borgo Basso"}, alerts.StatusExercise, []string{`href="#shapes"`, "Borgo Basso</textarea>"}},
		"a ring that crosses itself": {writer(true), map[string]string{"shapes": "44,10 44.1,10.1 44.1,10 44,10.1"}, alerts.StatusExercise, []string{`href="#areas"`}},
		"a level above the rights":   {signin.Grant{Roles: []string{"author"}, Limits: alerts.Rights{MaxSeverity: alerts.SeverityMinor}}, nil, alerts.StatusExercise, []string{`href="#severity"`}},
		"an area of others":          {signin.Grant{Roles: []string{"author"}, Limits: alerts.Rights{Areas: []string{"999002"}}}, nil, alerts.StatusExercise, []string{`href="#areas"`}},
		"no channel at all":          {writer(true), map[string]string{"channel": ""}, alerts.StatusExercise, []string{`href="#channels"`}},
		"a text without end":         {writer(true), map[string]string{"t0-description": strings.Repeat("acqua ", 3000)}, alerts.StatusExercise, []string{`href="#t0-description"`}},
	} {
		t.Run(name, func(t *testing.T) {
			p := g.staff("p"+regexp.MustCompile(`[^a-z]`).ReplaceAllString(name, ""), "Bruno Neri", c.grant)
			p.t = t
			path, form := p.written(c.status)
			for field, value := range c.change {
				form.Set(field, value)
			}
			before := len(g.memory.records)
			r := p.asks(path, form)
			if r.StatusCode != http.StatusUnprocessableEntity || len(g.memory.records) != before {
				t.Fatalf("%d %s: %s", r.StatusCode, r.Request.URL, r.body)
			}
			for _, want := range c.want {
				if !strings.Contains(r.body, want) {
					t.Errorf("the page lacks %q: %s", want, r.body)
				}
			}
			if got := writingOf(t, r.body, "writing").Get("t0-headline"); got != form.Get("t0-headline") {
				t.Errorf("what was typed is lost: %q", got)
			}
		})
	}
}

func TestAnExerciseIsAllThatSomeMayWrite(t *testing.T) {
	g := openDesktop(t)
	p := g.staff("bruno", "Bruno Neri", writer(false))
	page := p.get("/console/new?lang=en")
	if !strings.Contains(page.body, "Not among your rights") || !strings.Contains(page.body, `value="Exercise" required checked`) {
		t.Errorf("the page does not say why: %s", page.body)
	}
	path, form := p.written(alerts.StatusExercise)
	if body := p.get(path + "?lang=en").body; !strings.Contains(body, "Not among your rights") || !strings.Contains(body, "Ask for approval of the exercise") || !strings.Contains(body, `class="mode exercise"`) {
		t.Errorf("the draft does not say why")
	}
	form.Set("status", "Actual")
	if r := p.asks(path, form); r.StatusCode != 422 || !strings.Contains(r.body, `href="#status"`) || len(g.memory.records) != 0 {
		t.Errorf("a real one: %d %s", r.StatusCode, r.body)
	}
	viewer := g.staff("carla", "Carla Bianchi", signin.Grant{Roles: []string{"approver", "administrator"}})
	for _, at := range []string{"/console/new", path, "/console/drafts", path + "/versions", path + "/delete", path + "/send"} {
		if r := viewer.get(at + "?lang=en"); r.StatusCode != 403 || !strings.Contains(r.body, "those who write alerts") {
			t.Errorf("%s for who does not write: %d", at, r.StatusCode)
		}
	}
	for _, at := range []string{"/console/new", path, path + "/versions", path + "/take", path + "/delete", path + "/send"} {
		if r := viewer.do("POST", at, url.Values{"do": {"ask"}}); r.StatusCode != 403 {
			t.Errorf("POST %s for who does not write: %d", at, r.StatusCode)
		}
	}
}

func TestThePracticeGatewayWritesExercises(t *testing.T) {
	g := openDesktop(t, func(c *Config) { c.Desk.Policy.Practice = true })
	p := g.staff("bruno", "Bruno Neri", writer(true))
	if body := p.get("/console/new?lang=en").body; !strings.Contains(body, "practice gateway") {
		t.Error("the page does not say why")
	}
	path, form := p.written(alerts.StatusActual)
	if r := p.asks(path, form); r.StatusCode != 422 || !strings.Contains(r.body, `href="#status"`) || len(g.memory.records) != 0 {
		t.Errorf("a real one: %d", r.StatusCode)
	}
}

// What people write stays what they wrote, and breaks no page.
func TestAnyWordsStayWords(t *testing.T) {
	g := openDesktop(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, form := p.written(alerts.StatusExercise)
	evil := `<script>alert(1)</script><img src=x onerror=alert(2)>"'` + "{{.Authority}}</textarea>"
	for name, words := range map[string]string{
		"hostile":   evil,
		"long":      strings.Repeat("Donaudampfschifffahrtsgesellschaft ", 9)[:300],
		"accents":   "Perché l'acqua è già più in là: Città, Würzburg, Škofja Loka, L’Aquila",
		"emoji":     "🌊👩‍👩‍👧 Piena 🇮🇹",
		"arabic":    "فيضان في الوادي، اصعدوا إلى الطوابق العليا",
		"two lines": "prima\nseconda\n\nterza",
		"no text":   "\x00\x07bell",
	} {
		t.Run(name, func(t *testing.T) {
			one := withDo(form, "save")
			for field := range one {
				if strings.HasPrefix(field, "t0-") && field != "t0-language" || strings.HasPrefix(field, "v-") || field == "shapes" || field == "places" || field == "from" {
					one.Set(field, words)
				}
			}
			one.Set("code", "ISTAT="+words)
			one.Set("revision", writingOf(t, p.get(path).body, "writing").Get("revision"))
			for _, do := range []string{"preview", "places", "save", "ask"} {
				r := p.do("POST", path+"?lang=en", withDo(one, do))
				if r.StatusCode >= 500 {
					t.Fatalf("%s: %d %s", do, r.StatusCode, r.body)
				}
				wordsOnly(t, r.body)
				got := writingOf(t, r.body, "writing")
				one.Set("revision", got.Get("revision"))
				if typed := strings.TrimPrefix(got.Get("t0-description"), "\n"); name != "no text" && typed != words {
					t.Errorf("%s: typed %q, shown %q", do, words, typed)
				}
			}
			for _, at := range []string{"/console/new", "/console/drafts", path + "/versions", path + "/delete", path + "?part=live"} {
				r := p.get(at)
				if r.StatusCode != 200 {
					t.Errorf("%s: %d", at, r.StatusCode)
				}
				wordsOnly(t, r.body)
			}
		})
	}
	if n := len(g.memory.records); n != 0 {
		t.Errorf("%d records", n)
	}
}

func wordsOnly(t testing.TB, body string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "img" || n.Data == "style" || n.Data == "script" && attr(n, "src") == "" {
			t.Errorf("the page holds <%s>", n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("the page holds %s=%q", a.Key, a.Val)
			}
		}
	}
	if strings.Contains(body, "alert(2)>\"'Protezione") {
		t.Error("the page ran a template of a stranger")
	}
}

func TestNothingTypedIsLost(t *testing.T) {
	g := openDesktop(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, form := p.written(alerts.StatusActual)
	form.Set("t0-headline", "Parole non ancora salvate")
	for name, away := range map[string]func(error){"papers": g.drawer.fail, "records": g.memory.fail} {
		away(alerts.ErrUnavailable)
		for _, do := range []string{"save", "ask", "preview", "until:6"} {
			if name == "records" && do != "ask" {
				continue // a draft is kept without them
			}
			r := p.do("POST", path+"?lang=en", withDo(form, do))
			if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || writingOf(t, r.body, "writing").Get("t0-headline") != "Parole non ancora salvate" {
				t.Errorf("%s away, %s: %d %s", name, do, r.StatusCode, r.body)
			}
		}
		if r := p.do("POST", path+"?lang=en&part=saved", withDo(form, "save")); name == "papers" && (r.StatusCode != 503 || !strings.Contains(r.body, "not saved")) {
			t.Errorf("the script: %d %s", r.StatusCode, r.body)
		}
		if r := p.get("/console/new"); name == "papers" && r.StatusCode != 503 {
			t.Errorf("the choice of templates: %d", r.StatusCode)
		}
		away(nil)
		form.Set("revision", writingOf(t, p.get(path).body, "writing").Get("revision"))
	}
	r := p.do("POST", path+"?lang=en", withDo(form, "save"))
	if writingOf(t, r.body, "writing").Get("t0-headline") != "Parole non ancora salvate" {
		t.Errorf("saved again: %d", r.StatusCode)
	}

	// A colleague deletes the draft: it becomes a new one.
	carla := g.staff("carla", "Carla Bianchi", writer(true))
	form = writingOf(t, p.get(path).body, "writing")
	gone := carla.do("POST", path+"/delete?lang=en", url.Values{"revision": {form.Get("revision")}})
	if gone.Request.URL.Path != "/console/drafts" || !strings.Contains(gone.body, "Draft deleted") {
		t.Fatalf("delete: %d %s", gone.StatusCode, gone.body)
	}
	lost := p.do("POST", path+"?lang=en", withDo(form, "save"))
	if lost.StatusCode != 409 || !strings.Contains(lost.body, "deleted this draft") {
		t.Fatalf("saving what is gone: %d", lost.StatusCode)
	}
	to := regexp.MustCompile(`id="writing"[^>]* action="([^"]+)"`).FindStringSubmatch(lost.body)[1]
	again := p.do("POST", to, writingOf(t, lost.body, "writing"), "X-Test", "again")
	if again.StatusCode != 400 {
		t.Errorf("without a button: %d", again.StatusCode)
	}
	again = p.do("POST", to, withDo(writingOf(t, lost.body, "writing"), "save"))
	if again.StatusCode != 200 || writingOf(t, again.body, "writing").Get("t0-headline") != "Parole non ancora salvate" {
		t.Errorf("as a new one: %d %s", again.StatusCode, again.body)
	}
	if r := carla.get(path + "?lang=en"); r.StatusCode != 404 {
		t.Errorf("the deleted one: %d", r.StatusCode)
	}
}

func TestADraftOfTheLargestSize(t *testing.T) {
	g := openDesktop(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, form := p.written(alerts.StatusExercise)
	form.Set("t0-description", strings.Repeat("à", 100_000)) // 600 kB on the wire
	if r := p.do("POST", path+"?lang=en", withDo(form, "save")); r.StatusCode != 200 {
		t.Errorf("200 kB: %d", r.StatusCode)
	}
	form = writingOf(t, p.get(path).body, "writing")
	form.Set("t0-contact", strings.Repeat("x", broadcast.MaxPaper))
	if r := p.do("POST", path+"?lang=en", withDo(form, "save")); r.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("more than a paper: %d", r.StatusCode)
	}
	form.Set("t0-contact", strings.Repeat("x", maxDraftForm))
	if r := p.do("POST", path+"?lang=en", withDo(form, "save")); r.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("more than a form: %d", r.StatusCode)
	}
}

func TestIssuedAloneAfterAConfirmation(t *testing.T) {
	g := openDesktop(t, func(c *Config) { c.Desk.Policy.Practice = true })
	p := g.staff("bruno", "Bruno Neri", writer(true, "issuer"))
	path, form := p.written(alerts.StatusExercise)
	if body := p.get(path + "?lang=en").body; !strings.Contains(body, "Send the exercise now") {
		t.Error("the button does not say that it would leave")
	}
	r := p.asks(path, form)
	if !strings.HasSuffix(r.Request.URL.Path, "/send") || len(g.memory.records) != 0 {
		t.Fatalf("asked: %d %s", r.StatusCode, r.Request.URL)
	}
	for _, want := range []string{"EXERCISE", "Valdemo", "about 18\u202f000 recipients"} {
		if !strings.Contains(r.body, want) {
			t.Errorf("the confirmation lacks %q: %s", want, r.body)
		}
	}
	revision := regexp.MustCompile(`name="revision" value="(\d+)"`).FindStringSubmatch(r.body)[1]
	if r := p.do("POST", path+"/send?lang=en", url.Values{"revision": {revision}}); r.StatusCode != 422 || len(g.memory.records) != 0 {
		t.Errorf("without the box: %d", r.StatusCode)
	}
	if r := p.do("POST", path+"/send?lang=en", url.Values{"revision": {"1"}, "confirmed": {"1"}}); r.StatusCode != 409 || len(g.memory.records) != 0 {
		t.Errorf("of another revision: %d", r.StatusCode)
	}
	var at string
	for range 2 {
		at = p.do("POST", path+"/send?lang=en", url.Values{"revision": {revision}, "confirmed": {"1"}}).Request.URL.Path
	}
	if !strings.HasPrefix(at, "/console/a/") || len(g.memory.records) != 1 || g.memory.records[0].State != alerts.StateIssued {
		t.Errorf("%s: %d records, %+v", at, len(g.memory.records), g.memory.records[0])
	}
	// What is severe and real waits all the same.
	g.server.Desk.Policy.Practice = false
	path, form = p.written(alerts.StatusActual)
	form.Set("severity", "Severe")
	if r := p.asks(path, form); !strings.HasPrefix(r.Request.URL.Path, "/console/a/") || g.memory.records[1].State != alerts.StateSubmitted {
		t.Errorf("severe: %d %s", r.StatusCode, r.Request.URL)
	}
	if r := p.get(path + "/send"); strings.HasSuffix(r.Request.URL.Path, "/send") {
		t.Errorf("the confirmation of what waits: %s", r.Request.URL)
	}
}

func TestAnUpdateAndAReturnedOne(t *testing.T) {
	g := openDesktop(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	id := g.issue(message("first"))["id"].(string)
	page := p.get("/console/new?lang=en&changes=" + id)
	if page.StatusCode != 200 || !strings.Contains(page.body, "Write the update") {
		t.Fatalf("%d %s", page.StatusCode, page.body)
	}
	key := keyField.FindStringSubmatch(page.body)[1]
	draft := p.do("POST", "/console/new?lang=en", url.Values{"key": {key}, "changes": {id}})
	form := writingOf(t, draft.body, "writing")
	if form.Get("t0-headline") != "Piena in arrivo: salite ai piani alti subito" || form.Get("status") != "Actual" || !strings.Contains(draft.body, "What changes") {
		t.Fatalf("prefilled: %v", form)
	}
	if other := p.get("/console/new?lang=en&changes=" + id); !strings.Contains(other.body, "Already begun") {
		t.Error("a colleague is not told that it was begun")
	}
	path := draft.Request.URL.Path
	if r := p.asks(path, form); r.StatusCode != 422 || !strings.Contains(r.body, `href="#t0-changed"`) {
		t.Errorf("without what changes: %d %s", r.StatusCode, r.body)
	}
	form = writingOf(t, p.get(path).body, "writing")
	form.Set("t0-changed", "L'acqua sale ancora: ora riguarda anche Le Fornaci.")
	form.Set("until", "+6 h")
	if r := p.asks(path, form); !strings.HasPrefix(r.Request.URL.Path, "/console/a/") {
		t.Fatalf("update: %d %s", r.StatusCode, r.body)
	}
	update := g.memory.records[1]
	if update.Alert.MsgType != alerts.MsgUpdate || update.Change != alerts.ChangeUpdated || string(update.Supersedes) != id {
		t.Errorf("update %+v", update)
	}

	// It is returned, and written anew.
	by := alerts.Person{ID: "x", Name: "X", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbApprove}, Statuses: alerts.Statuses}}
	if _, err := g.server.Desk.Return(t.Context(), by, update.ID, alerts.Decision{Digest: update.Approved, Reason: "manca l'ora"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	page = p.get("/console/new?lang=en&again=" + string(update.ID))
	key = keyField.FindStringSubmatch(page.body)[1]
	draft = p.do("POST", "/console/new?lang=en", url.Values{"key": {key}, "again": {string(update.ID)}})
	if form := writingOf(t, draft.body, "writing"); !strings.Contains(form.Get("t0-changed")+form.Get("t0-description"), "Le Fornaci") || form.Get("corrects") != string(update.ID) {
		t.Errorf("anew: %v", form)
	}
	for _, at := range []string{"changes=01JD0000000000000000000000", "again=" + id, "changes=" + string(update.ID) + "x", "warning=x"} {
		if r := p.get("/console/new?" + at); r.StatusCode != 404 {
			t.Errorf("%s: %d", at, r.StatusCode)
		}
	}
}

func TestTheLintsProposalIsTaken(t *testing.T) {
	g := openDesktop(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, form := p.written(alerts.StatusExercise)
	form.Set("t0-description", "Perchè l'acqua sale.")
	page := p.do("POST", path+"?lang=en", withDo(form, "save"))
	take := regexp.MustCompile(`name="do" value="(take:[^"]*description)"`).FindStringSubmatch(page.body)
	if take == nil {
		t.Fatalf("no proposal: %s", page.body)
	}
	form = writingOf(t, page.body, "writing")
	r := p.do("POST", path+"?lang=en", withDo(form, take[1]))
	if got := writingOf(t, r.body, "writing").Get("t0-description"); got != "Perché l'acqua sale." {
		t.Errorf("taken: %q", got)
	}
}

func TestPlacesByTheirNames(t *testing.T) {
	g := openDesktop(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, form := p.written(alerts.StatusExercise)
	form.Set("t0-where", "Valdemo e Pontelungo")
	page := p.do("POST", path+"?lang=en", withDo(form, "save"))
	if !strings.Contains(page.body, `value="code:ISTAT=999002"`) {
		t.Errorf("the words name Pontelungo, which is not proposed")
	}
	form = writingOf(t, page.body, "writing")
	added := p.do("POST", path+"?lang=en", withDo(form, "code:ISTAT=999002"))
	form = writingOf(t, added.body, "writing")
	if got := form["code"]; len(got) != 2 {
		t.Errorf("codes %v", got)
	}
	form.Set("places", "isola, Atlantide")
	r := p.do("POST", path+"?lang=en", withDo(form, "places"))
	form = writingOf(t, r.body, "writing")
	if r.StatusCode != 422 || !strings.Contains(r.body, "Atlantide") || form.Get("places") != "Atlantide" || len(form["code"]) != 3 {
		t.Errorf("%d, codes %v, left %q", r.StatusCode, form["code"], form.Get("places"))
	}
}

// The page's script learns what is kept otherwise than it was typed.
func TestSavingTellsWhatItWroteOtherwise(t *testing.T) {
	g := openDesktop(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, form := p.written(alerts.StatusExercise)
	form.Set("until", "+2 h")
	form.Set("v-place", "Borgo Basso")
	r := p.do("POST", path+"?lang=en&part=saved", withDo(form, "save")).json(t)
	fields, _ := r["fields"].(map[string]any)
	kept := writingOf(t, p.get(path).body, "writing")
	for _, name := range []string{"until", "t0-own-sms", "t1-own-sms"} {
		if fields[name] != kept.Get(name) || kept.Get(name) == form.Get(name) {
			t.Errorf("%s: told %v, kept %q", name, fields[name], kept.Get(name))
		}
	}
	if fields["t0-headline"] != nil {
		t.Errorf("told of what is kept as it was typed: %v", fields)
	}
}
