package dashboards

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/alerts/lint"
	"martinella/broadcast"
	"martinella/channels"
	"martinella/dashboards/signin"
)

// desktop is a console on which alerts are written.
type desktop struct {
	*consoleGateway
	drawer *drawer
}

func openDesktop(t testing.TB, change ...func(*Config)) *desktop {
	t.Helper()
	f, err := os.Open("../alerts/areas/testdata/valdemo.geojson")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gazetteer, err := areas.Read(f, areas.Source{File: f.Name()})
	if err != nil {
		t.Fatal(err)
	}
	d := &desktop{drawer: newDrawer()}
	d.consoleGateway = openConsole(t, append([]func(*Config){func(c *Config) {
		c.Papers, c.Areas, c.Preview = d.drawer, gazetteer, rendered
		c.Words = lint.Context{Authority: c.Authority.Name, Languages: []string{"it-IT", "en"}}
	}}, change...)...)
	return d
}

// rendered stands in for the planner: two channels, one of them paid by the part.
func rendered(_ context.Context, r *alerts.Record) ([]broadcast.Preview, error) {
	var all []broadcast.Preview
	mark := ""
	if r.Alert.Status != alerts.StatusActual {
		mark = "ESERCITAZIONE. "
	}
	for _, name := range []string{"sms", "mastodon"} {
		if r.Channels != nil && !slices.Contains(r.Channels, name) {
			continue
		}
		one := broadcast.Preview{Channel: name}
		for i := range r.Alert.Infos {
			in := &r.Alert.Infos[i]
			text := mark + strings.TrimSpace(in.SenderName+". "+in.Headline+". "+in.Description+" "+in.Instruction) + " {person.link}"
			if len(text) > 2000 {
				one.Failure = "the text is longer than this platform takes"
				continue
			}
			reach := 1
			if name == "sms" {
				reach = 18000 - 17580*i
				one.Counts = append(one.Counts, broadcast.Count{Used: len(text), Limit: 306, Unit: channels.UnitSeptets, Parts: 2})
				one.Estimates = append(one.Estimates, channels.Estimate{Language: in.Language, Text: text, Units: len(text), Parts: 2, Left: 70, Price: 40_000, Rate: 50})
			}
			if name == "mastodon" {
				one.Counts = append(one.Counts, broadcast.Count{Used: len(text), Limit: 500, Unit: channels.UnitChars, Parts: 1})
			}
			one.Messages, one.Reach = append(one.Messages, channels.Message{Channel: name, Language: in.Language, Text: text}), append(one.Reach, reach)
		}
		if name == "sms" {
			r.Reach = 18420
		}
		all = append(all, one)
	}
	if r.Channels == nil {
		r.Channels = []string{"sms", "mastodon"}
	}
	return all, nil
}

// staff lets a new member in.
func (d *desktop) staff(login, name string, grant signin.Grant) *person {
	d.t.Helper()
	token, err := d.office.NewInvitation(d.t.Context(), signin.Invitation{Login: login, Name: name, Grant: grant}, time.Now())
	if err != nil {
		d.t.Fatal(err)
	}
	p := d.person()
	p.join(token, login, name)
	return p
}

func writer(real bool, roles ...string) signin.Grant {
	g := signin.Grant{Roles: append([]string{"author"}, roles...)}
	if real {
		g.Limits.Statuses = alerts.Statuses
	}
	return g
}

// writingOf reads what the form of a page would send.
func writingOf(t testing.TB, body, id string) url.Values {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{}
	found := false
	for n := range root.Descendants() {
		found = found || n.Type == html.ElementNode && n.Data == "form" && attr(n, "id") == id
		if n.Type != html.ElementNode || attr(n, "name") == "" || hasAttr(n, "disabled") || !belongs(n, id) {
			continue
		}
		switch n.Data {
		case "input":
			if kind := attr(n, "type"); kind != "checkbox" && kind != "radio" || hasAttr(n, "checked") {
				form.Add(attr(n, "name"), attr(n, "value"))
			}
		case "textarea":
			text := ""
			if n.FirstChild != nil {
				text = n.FirstChild.Data
			}
			form.Add(attr(n, "name"), text)
		case "select":
			for o := range n.Descendants() {
				if o.Data == "option" && hasAttr(o, "selected") {
					form.Add(attr(n, "name"), attr(o, "value"))
				}
			}
		}
	}
	if !found {
		t.Fatalf("there is no form %s in %s", id, body)
	}
	return form
}

func hasAttr(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func belongs(n *html.Node, id string) bool {
	if attr(n, "form") != "" {
		return attr(n, "form") == id
	}
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Data == "form" {
			return attr(p, "id") == id
		}
	}
	return false
}

var keyField = regexp.MustCompile(`name="key" value="([0-9A-Z]{26})"`)

// begin takes a template and gives the page of the draft.
func (p *person) begin(form url.Values) reply {
	p.t.Helper()
	page := p.get("/console/new?lang=en")
	key := keyField.FindStringSubmatch(page.body)
	if key == nil {
		p.t.Fatalf("no key: %d %s", page.StatusCode, page.body)
	}
	form.Set("key", key[1])
	r := p.do("POST", "/console/new?lang=en", form)
	if r.StatusCode != 200 || !strings.HasPrefix(r.Request.URL.Path, "/console/draft/") {
		p.t.Fatalf("begin: %d %s %s", r.StatusCode, r.Request.URL, r.body)
	}
	return r
}

// written is the form of a draft that lacks nothing.
func (p *person) written(status alerts.Status) (path string, form url.Values) {
	p.t.Helper()
	page := p.begin(url.Values{"status": {string(status)}, "template": {"flood"}})
	form = writingOf(p.t, page.body, "writing")
	form.Set("v-place", "Valdemo")
	form.Set("code", "ISTAT=999001")
	form.Set("severity", "Moderate")
	form.Set("t0-source", "Sindaca di Valdemo")
	form.Set("t1-source", "Mayor of Valdemo")
	form.Set("t0-where", "Valdemo")
	form.Set("t1-where", "Valdemo")
	form.Set("do", "until:6")
	path = page.Request.URL.Path
	saved := p.do("POST", path+"?lang=en", form)
	if saved.StatusCode != 200 {
		p.t.Fatalf("save: %d %s", saved.StatusCode, saved.body)
	}
	return path, writingOf(p.t, saved.body, "writing")
}

// asks asks for approval, with a tick where there is one to set.
func (p *person) asks(path string, form url.Values) reply {
	p.t.Helper()
	p.http.CheckRedirect = nil
	form.Set("do", "preview")
	page := p.do("POST", path+"?lang=en", form)
	if tick := regexp.MustCompile(`name="ticked" value="([0-9a-f]+)"`).FindStringSubmatch(page.body); tick != nil {
		form.Set("ticked", tick[1])
	}
	form.Set("do", "ask")
	return p.do("POST", path+"?lang=en", form)
}

func TestFromATemplateToTheDesk(t *testing.T) {
	g := openDesktop(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, form := p.written(alerts.StatusActual)
	if !strings.Contains(form.Get("t0-own-sms"), "Valdemo") {
		t.Errorf("the place is not in the words: %v", form)
	}
	page := p.do("POST", path+"?lang=en", withDo(form, "preview"))
	for _, want := range []string{"(personal link)", "18\u202f420", "€1440.00", "the last one leaves after", "Sindaca di Valdemo", "data-k=", "about 18\u202f000 recipients"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the preview lacks %q", want)
		}
	}
	r := p.asks(path, form)
	if !strings.HasPrefix(r.Request.URL.Path, "/console/a/") {
		t.Fatalf("asked: %d %s %s", r.StatusCode, r.Request.URL, r.body)
	}
	if len(g.memory.records) != 1 {
		t.Fatalf("%d records", len(g.memory.records))
	}
	record := g.memory.records[0]
	if record.State != alerts.StateSubmitted || !record.Own || record.Via != "console" || record.Author.Name != "Bruno Neri" || record.Alert.Identifier != strings.TrimPrefix(path, "/console/draft/") {
		t.Errorf("record %+v", record)
	}
	if _, err := g.drawer.Paper(t.Context(), draftKind, record.Alert.Identifier); err == nil {
		t.Error("the draft is still there")
	}
	// The answer was lost: the browser sends the same again, later a save.
	for _, do := range []string{"ask", "save"} {
		if again := p.do("POST", path, withDo(form, do)); again.Request.URL.Path != r.Request.URL.Path {
			t.Errorf("%s again: %d %s", do, again.StatusCode, again.Request.URL)
		}
	}
	if r := p.get(path); !strings.HasPrefix(r.Request.URL.Path, "/console/a/") {
		t.Errorf("the draft's page: %s", r.Request.URL)
	}
	if len(g.memory.records) != 1 {
		t.Errorf("%d records", len(g.memory.records))
	}
}

func withDo(form url.Values, do string) url.Values {
	out := url.Values{}
	for k, v := range form {
		out[k] = slices.Clone(v)
	}
	out.Set("do", do)
	return out
}

func TestATickIsAnAct(t *testing.T) {
	g := openDesktop(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, form := p.written(alerts.StatusActual)
	form.Set("severity", "Severe")
	form.Set("t0-instruction", "Salite ai piani alti e non usate l'auto!!!")
	if r := p.do("POST", path+"?lang=en", withDo(form, "ask")); r.StatusCode != 422 || !strings.Contains(r.body, "I have read the advice") || len(g.memory.records) != 0 {
		t.Fatalf("without the tick: %d %s", r.StatusCode, r.body)
	}
	form = writingOf(t, p.get(path+"?lang=en").body, "writing")
	if r := p.asks(path, form); !strings.HasPrefix(r.Request.URL.Path, "/console/a/") {
		t.Fatalf("with the tick: %d %s", r.StatusCode, r.body)
	}
	i := slices.IndexFunc(g.memory.acts, func(a alerts.Act) bool { return a.Verb == "ticked" })
	if i < 0 || !strings.Contains(g.memory.acts[i].Reason, string(lint.Exclamation)) || g.memory.acts[i].Digest == "" {
		t.Errorf("acts %+v", g.memory.acts)
	}
}

func TestTwoTapsMakeOneDraft(t *testing.T) {
	g := openDesktop(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	key := keyField.FindStringSubmatch(p.get("/console/new").body)[1]
	form := url.Values{"key": {key}, "status": {"Exercise"}, "template": {"flood"}}
	var at []string
	for range 2 {
		at = append(at, p.do("POST", "/console/new", form).Request.URL.Path)
	}
	drafts, err := g.server.console.drafts(t.Context())
	if err != nil || len(drafts) != 1 || at[0] != at[1] {
		t.Errorf("%d drafts, %v, %v", len(drafts), at, err)
	}
	if r := p.do("POST", "/console/new?lang=en", url.Values{"key": {key}, "template": {"flood"}}); r.StatusCode != 422 || !strings.Contains(r.body, "Choose: real or exercise") {
		t.Errorf("without a mode: %d", r.StatusCode)
	}
	if first := templatesOn(t, p.get("/console/new").body); first[0] != "flood" {
		t.Errorf("the template that was used last is not the first: %v", first)
	}
	if found := templatesOn(t, p.get("/console/new?lang=it&q=inceND").body); len(found) == 0 || len(found) > 5 || !slices.Contains(found, "wildfire") {
		t.Errorf("search found %v", found)
	}
}

func templatesOn(t testing.TB, body string) (ids []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`class="template" name="template" value="([a-z-]+)"`).FindAllStringSubmatch(body, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

func TestTwoDoubleSubmitsAtOnceMakeOneAlert(t *testing.T) {
	g := openDesktop(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, form := p.written(alerts.StatusExercise)
	form.Set("do", "preview")
	page := p.do("POST", path, form)
	if tick := regexp.MustCompile(`name="ticked" value="([0-9a-f]+)"`).FindStringSubmatch(page.body); tick != nil {
		form.Set("ticked", tick[1])
	}
	form.Set("do", "ask")
	var wait sync.WaitGroup
	to := make([]string, 4)
	for i := range to {
		wait.Go(func() {
			r := p.do("POST", path, form)
			to[i] = fmt.Sprintf("%d %s", r.StatusCode, r.Request.URL.Path)
		})
	}
	wait.Wait()
	if len(g.memory.records) != 1 || len(slices.Compact(to)) != 1 {
		t.Errorf("%d records, answers %v", len(g.memory.records), to)
	}
}

func TestTwoBrowsersOneDraft(t *testing.T) {
	g := openDesktop(t)
	bruno, carla := g.staff("bruno", "Bruno Neri", writer(true)), g.staff("carla", "Carla Bianchi", writer(true))
	path, mine := bruno.written(alerts.StatusExercise)
	theirs := writingOf(t, carla.get(path+"?lang=en").body, "writing")
	theirs.Set("t0-headline", "Titolo di Carla")
	if r := carla.do("POST", path+"?lang=en", withDo(theirs, "save")); r.StatusCode != 200 {
		t.Fatal(r.body)
	}
	mine.Set("t0-headline", "Titolo di Bruno")
	mine.Set("t0-contact", "0573 555 0100")
	r := bruno.do("POST", path+"?lang=en", withDo(mine, "save"))
	if r.StatusCode != 409 || !strings.Contains(r.body, "Carla Bianchi changed this draft") || !strings.Contains(r.body, "Titolo di Bruno") || !strings.Contains(r.body, "<del>") {
		t.Fatalf("conflict: %d %s", r.StatusCode, r.body)
	}
	// The script is told, and nothing is overwritten.
	if r := bruno.do("POST", path+"?lang=en&part=saved", withDo(mine, "save")); r.StatusCode != 409 || !strings.Contains(r.body, `"conflict":true`) {
		t.Errorf("saving by script: %d %s", r.StatusCode, r.body)
	}
	kept := bruno.do("POST", path+"?lang=en", withDo(writingOf(t, r.body, "writing"), "theirs"))
	if form := writingOf(t, kept.body, "writing"); form.Get("t0-headline") != "Titolo di Carla" {
		t.Errorf("theirs: %q", form.Get("t0-headline"))
	}
	versions := bruno.get(path + "/versions?lang=en")
	if !strings.Contains(versions.body, "Bruno") || !strings.Contains(versions.body, "Go back to this one") {
		t.Errorf("versions: %s", versions.body)
	}
	papers, _ := g.drawer.PastPapers(t.Context(), draftKind, strings.TrimPrefix(path, "/console/draft/"))
	newest := papers[0].Revision
	back := bruno.do("POST", path+"/versions?lang=en", url.Values{"revision": {itoa(int(newest))}, "to": {itoa(int(newest - 1))}})
	form := writingOf(t, back.body, "writing")
	if form.Get("t0-headline") != "Titolo di Bruno" || form.Get("t0-contact") != "0573 555 0100" {
		t.Errorf("mine is lost: %v", form)
	}
	// Keeping mine writes over exactly what was shown.
	carla.do("POST", path, withDo(formWith(t, carla, path, "t0-headline", "Carla ancora"), "save"))
	form.Set("t0-headline", "Bruno ancora")
	conflict := bruno.do("POST", path+"?lang=en", withDo(form, "save"))
	answer := writingOf(t, conflict.body, "writing")
	carla.do("POST", path, withDo(formWith(t, carla, path, "t0-headline", "E ancora"), "save"))
	if r := bruno.do("POST", path+"?lang=en", withDo(answer, "mine")); r.StatusCode != 409 {
		t.Errorf("a third version was written over: %d", r.StatusCode)
	} else if r := bruno.do("POST", path+"?lang=en", withDo(writingOf(t, r.body, "writing"), "mine")); writingOf(t, r.body, "writing").Get("t0-headline") != "Bruno ancora" {
		t.Errorf("mine: %d", r.StatusCode)
	}
}

func formWith(t testing.TB, p *person, path, name, value string) url.Values {
	t.Helper()
	form := writingOf(t, p.get(path).body, "writing")
	form.Set(name, value)
	return form
}

func BenchmarkComposePage(b *testing.B) {
	g := openDesktop(b)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, form := p.written(alerts.StatusExercise)
	for range 20 {
		p.written(alerts.StatusExercise)
	}
	for b.Loop() {
		if r := p.do("POST", path, withDo(form, "preview")); r.StatusCode != 200 {
			b.Fatal(r.StatusCode)
		}
	}
}
