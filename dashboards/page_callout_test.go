package dashboards

import (
	"encoding/csv"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
)

func openCallouts(t testing.TB, people int, change ...func(*Config)) (*desktop, *deskCallouts, *person) {
	t.Helper()
	f := newFakeCallouts(people)
	g := openDesktop(t, append([]func(*Config){func(c *Config) { c.Callouts, c.Volunteers = f, &Volunteers{} }}, change...)...)
	g.server.Volunteers.Pages = broadcast.NewVolunteerPages(broadcast.VolunteerPagesConfig{Roll: g.redis.People()})
	p, _ := g.colleague("carla", "Carla Bianchi", "approver", "author")
	return g, f, p
}

// typedCall is a form that is right.
func typedCall() url.Values {
	return url.Values{"id": {"01JD1111111111111111111111"}, "what": {"Sacchi in via del Ponte"}, "where": {"Magazzino comunale"}, "point": {"45.64, 13.77"}, "meet": {"+1 h"}, "until": {"+5 h"}, "bring": {"Stivali"},
		"people": {"2", "4", ""}, "skill": {"motosega", "", ""}, "times": {"4"}, "second": {"ask"}, "after": {"10"}, "referent": {"Marta"}, "phone": {"040 123 4567"}}
}

func with(form url.Values, more url.Values) url.Values {
	out := url.Values{}
	maps.Copy(out, form)
	maps.Copy(out, more)
	return out
}

// opened opens the call of typedCall.
func (p *person) opened() alerts.ID {
	p.t.Helper()
	r := p.do("POST", "/console/d/new?lang=en", with(typedCall(), url.Values{"do": {"call"}}))
	id := strings.TrimPrefix(r.Request.URL.Path, "/console/d/")
	if r.StatusCode != 200 || len(id) != 26 {
		p.t.Fatalf("%d %s %s", r.StatusCode, r.Request.URL, r.body)
	}
	return alerts.ID(id)
}

func TestACallIsWrittenCheckedAndOpenedOnce(t *testing.T) {
	_, f, p := openCallouts(t, 60)
	wants(t, p.get("/console?lang=en"), 200, `href="/console/d?lang=en"`, "Call-outs")
	wants(t, p.get("/console/d/new?lang=en"), 200, "See who would be called", `name="id" value="01`)

	rows := p.do("POST", "/console/d/new?lang=en", with(typedCall(), url.Values{"do": {"row"}, "times": {"vier"}}))
	wants(t, rows, 200, `id="f-people-5"`, `value="vier"`, "Magazzino comunale", `value="040 123 4567"`)

	bad := p.do("POST", "/console/d/new?lang=it", with(typedCall(), url.Values{"what": {""}, "where": {""}, "people": {"", "viele", "2"}, "skill": {"", "cuoco", "cuoco"}, "meet": {"morgens"}, "point": {"quassù"}, "areas": {"Atlantide"}, "times": {"0"}, "phone": {"12"}, "after": {"x"}}))
	wants(t, bad, 422, `href="#f-what"`, `href="#f-where"`, `href="#f-meet"`, `href="#f-point"`, `href="#f-people-2"`, `href="#f-skill-3"`, `href="#f-areas"`, `href="#f-times"`, `href="#f-phone"`, `href="#f-after"`,
		`value="morgens"`, `value="quassù"`, `value="viele"`, `value="Atlantide"`, `aria-invalid="true"`)

	check := p.do("POST", "/console/d/new?lang=it", typedCall())
	wants(t, check, 200, "Chiama ora 24 volontari", "Ne servono 6: se ne chiamano 24.", "senza contatti", `name="do" value="call"`, `name="skill" value="motosega"`)
	if strings.Contains(check.body, `value="+1 h"`) {
		t.Error("a time from now on would mean another one when it is sent again")
	}
	if f.opened != 0 {
		t.Fatal("looking opens")
	}

	var both sync.WaitGroup
	ends := make([]string, 2)
	for i := range ends {
		both.Go(func() {
			ends[i] = p.do("POST", "/console/d/new", with(typedCall(), url.Values{"do": {"call"}})).Request.URL.Path
		})
	}
	both.Wait()
	if len(f.calls) != 1 || ends[0] != ends[1] || !strings.HasPrefix(ends[0], "/console/d/01") {
		t.Fatalf("%d calls, %q", len(f.calls), ends)
	}
	c := f.calls[0]
	if c.Referent.Phone != "+390401234567" || c.Point == nil || *c.Point != (alerts.Point{Lat: 45.64, Lon: 13.77}) || len(c.Needs) != 2 || c.Second.After != 10*time.Minute || c.Second.Auto {
		t.Errorf("opened %+v", c)
	}
	wants(t, p.get("/console?lang=it"), 200, "aperta: 0 di 6", `href="/console/d/`+string(c.ID))
	wants(t, p.get("/console/d/new?lang=it&copy="+string(c.ID)), 200, "Testi presi da: V-0417", "Sacchi in via del Ponte", `value="motosega"`)
}

func TestACallTakesItsWordsFromAnAlert(t *testing.T) {
	g, _, p := openCallouts(t, 3)
	id := g.issue(message("shown", "severity", "Severe", "headline", "Piena in arrivo"))["id"].(string)
	g.settle()
	wants(t, p.get("/console/a/"+id+"?lang=it"), 200, `href="/console/d/new?alert=`+id+`&amp;lang=it"`, "Chiama i volontari")
	wants(t, p.get("/console/d/new?lang=it&alert="+id), 200, `value="Piena in arrivo"`, `name="alert" value="`+id+`"`, `name="urgent" value="1" checked`)
	wants(t, p.get("/console/d/new?lang=it&alert=01JD1111111111111111111111"), 404)
}

func TestWhoMayNotCallSeesNobody(t *testing.T) {
	g, f, p := openCallouts(t, 9)
	id := p.opened()
	reader, _ := g.colleague("rita", "Rita", "viewer")
	list := reader.get("/console/d?lang=it")
	wants(t, list, 200, "V-0417", "serve il ruolo")
	if strings.Contains(list.body, "Rossi") || strings.Contains(list.body, "/console/d/new") {
		t.Error("who only reads is offered what they may not do")
	}
	for _, path := range []string{"/new", "/" + string(id), "/" + string(id) + "/attendance", "/" + string(id) + "/attendance.csv", "/" + string(id) + "/pages", "/" + string(id) + "/close", "/hours.csv?from=01/01/2026&to=31/12/2026"} {
		if r := reader.get("/console/d" + path); r.StatusCode != http.StatusForbidden || strings.Contains(r.body, "Rossi") {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	for path, form := range map[string]url.Values{"/new": with(typedCall(), url.Values{"do": {"call"}, "id": {""}}), "/" + string(id) + "/people": {"say": {"1.coming.10"}}, "/" + string(id) + "/wave": {"most": {"3"}, "waves": {"1"}}, "/" + string(id) + "/cancel": {"words": {"x"}}} {
		if r := reader.do("POST", "/console/d"+path, form); r.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	if len(f.calls) != 1 || f.calls[0].State != volunteers.StateOpen || len(f.calls[0].Waves) != 1 {
		t.Errorf("something was done: %+v", f.calls[0])
	}
}

func TestACoordinatorFollowsACall(t *testing.T) {
	_, f, p := openCallouts(t, 60)
	id := p.opened()
	path := "/console/d/" + string(id)
	page := p.get(path + "?lang=en")
	wants(t, page, 200, "V-0417: 0 of 6", "No answer", "2 missing", "Missing: 2 motosega, 4 anybody.", `href="tel:&#43;39333`, `href="/board/board-V-0417"`)
	var first, second uint32
	f.change(id, func(c *volunteers.Call, people []callout.Seen) {
		first, second = people[0].Number, people[1].Number
		people[2].Answer = &volunteers.Answer{Kind: volunteers.Cannot, At: time.Now(), Via: "sms", Note: "al lavoro"}
		f.late = 1
		people[3].Presence = volunteers.Presence{Arrived: time.Now().Add(-3 * time.Hour)}
		f.wrote[id] = []callout.Message{{Number: second, At: time.Now().Add(-time.Minute), Via: "sms", Text: "arrivo ma <b>tardi"}}
	})
	page = p.get(path + "?lang=en")
	wants(t, page, 200, "No news for too long: 1", "Messages to read: 1", "arrivo ma &lt;b&gt;tardi", f.names[second], "al lavoro", "Messages already on their way when the answer came: 1")

	say := func(value string) reply { return p.do("POST", path+"/people?lang=en", url.Values{"say": {value}}) }
	wants(t, say(itoa(int(first))+".coming.20"), 200, "Noted.", "coming in 20 min", "noted here", "1 of", `aria-sort="ascending"`)
	wants(t, say(itoa(int(first))+".coming.20"), 200, "It was noted so already.")
	wants(t, say(itoa(int(second))+".maybe"), 200, "Messages dealt with: 1")
	wants(t, say(itoa(int(first))+".arrived"), 200, "here since")
	wants(t, say(itoa(int(first))+".left"), 200, "left at")
	wants(t, say(itoa(int(second))+".left"), 409, "does not fit")
	for _, nonsense := range []string{"", "1", "x.coming", "1.coming.x", "1.coming.0", "1.erase", "1.coming.10.10", "99999999999.coming"} {
		wants(t, say(nonsense), 400)
	}
	wants(t, p.do("POST", path+"/people?part=live", url.Values{"say": {itoa(int(first)) + ".undo"}}), 204)

	// The script asks by cursor.
	part := p.get(path + "?part=live&lang=en")
	wants(t, part, 200, `<div id="part"`)
	_, rest, _ := strings.Cut(part.body, `data-cursor="`)
	cursor, _, _ := strings.Cut(rest, `"`)
	if r := p.get(path + "?part=live&v=" + url.QueryEscape(cursor)); r.StatusCode != 204 && !strings.Contains(r.body, "data-cursor") { // a minute may have gone by
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	wants(t, p.get(path+"?part=live&v=old"), 200, `id="part"`)

	// Twice the same form is one wave.
	waves := url.Values{"most": {"5"}, "waves": {"1"}}
	wants(t, p.do("POST", path+"/wave?lang=en", waves), 200, "Called in addition: 5.")
	wants(t, p.do("POST", path+"/wave?lang=en", waves), 200, "changed meanwhile")
	wants(t, p.do("POST", path+"/wave?lang=en", url.Values{"most": {"0"}, "waves": {"2"}}), 422, "from 1 to")
	if n := len(f.calls[0].Waves); n != 2 {
		t.Errorf("%d waves", n)
	}
	f.change(id, func(c *volunteers.Call, _ []callout.Seen) {
		c.Opened, c.Waves = time.Now().Add(-10*time.Minute), []volunteers.Wave{{At: time.Now().Add(-10 * time.Minute), People: 29}}
		c.Short = time.Now()
	})
	wants(t, p.get(path+"?lang=it"), 200, "Mancano 1 motosega, 4 chiunque, e l&#39;ultima chiamata è di 10 min fa")

	wants(t, p.get(path+"/cancel?lang=it"), 200, "Non si può riaprire", "Risultano ancora sul posto: 2")
	wants(t, p.do("POST", path+"/close?lang=en", url.Values{"words": {"Grazie a tutti"}}), 200, "Call closed", "Grazie a tutti")
	wants(t, p.do("POST", path+"/close?lang=en", url.Values{"words": {"Grazie a tutti"}}), 200, "Call closed")
	wants(t, p.do("POST", path+"/cancel?lang=en", url.Values{}), 409, "over already")
	wants(t, say(itoa(int(first))+".cannot"), 409, "over already")
	wants(t, p.get("/console/d/01JD2222222222222222222222"), 404)
	wants(t, p.get("/console/d/x"), 404)
}

// Who is late is counted beside who comes, and leads to the list.
func TestACallCountsWhoIsLate(t *testing.T) {
	_, f, p := openCallouts(t, 9)
	id := p.opened()
	page := func() reply { return p.get("/console/d/" + string(id) + "?lang=it") }
	coming := func(i int, ago time.Duration) {
		f.change(id, func(c *volunteers.Call, people []callout.Seen) {
			c.Meet = time.Now().Add(-2 * time.Hour)
			people[i].Answer = &volunteers.Answer{Kind: volunteers.Coming, Minutes: 10, At: time.Now().Add(-ago), Via: "page"}
		})
	}
	coming(0, time.Minute)
	if r := page(); r.StatusCode != 200 || strings.Contains(r.body, "in ritardo") {
		t.Errorf("nobody is late: %d", r.StatusCode)
	}
	coming(1, 50*time.Minute)
	coming(2, 55*time.Minute)
	wants(t, page(), 200, `href="#h-here" data-f="late"><strong>in ritardo 2</strong>`)
}

// A call for what nobody can do is found out before anybody waits for them.
func TestACallSaysWhichSkillsNobodyHas(t *testing.T) {
	g, _, p := openCallouts(t, 60)
	soon := time.Now().AddDate(0, 1, 0).UTC()
	for i, skills := range [][]volunteers.Skill{{{Name: "Motosega", Until: soon}}, {{Name: "motosega"}, {Name: "Autista C"}}, {{Name: "motosega", Until: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}}} {
		s := broadcast.Subscriber{Contacts: map[string]string{"phone": "+39333123456" + itoa(i)}, Language: "it", Areas: []string{"*"}, Audience: broadcast.AudienceVolunteers, Volunteer: &volunteers.Profile{Name: "V", Groups: []string{"AIB"}, Skills: skills}}
		if _, err := g.redis.People().Enter(t.Context(), []broadcast.Listing{{Subscriber: s}}, false); err != nil {
			t.Fatal(err)
		}
	}
	wants(t, p.get("/console/d/new?lang=it"), 200, `<option value="Motosega" label="volontari: 2">`, `<option value="Autista C" label="volontari: 1">`, `<option value="AIB" label="volontari: 3">`, `list="groups"`,
		`Nel registro: <span dir="auto">Autista C</span> (1), <span dir="auto">Motosega</span> (2)`, `Nel registro: <span dir="auto">AIB</span> (3)`)
	wrong := with(typedCall(), url.Values{"skill": {"motosgea", "", "autista c"}, "people": {"2", "4", "1"}, "groups": {"AIB, Marziani"}})
	check := p.do("POST", "/console/d/new?lang=it", wrong)
	wants(t, check, 200, "nessuno nel registro ha questa capacità: motosgea", "intendevi Motosega?", "nessuno nel registro è in questo gruppo: Marziani")
	if strings.Contains(check.body, "capacità: autista c") {
		t.Error("a skill that somebody has is warned of")
	}
	wants(t, p.do("POST", "/console/d/new?lang=en", with(wrong, url.Values{"do": {"edit"}})), 200, `id="bad-skill-1"`, "Nobody on the roster has this skill: motosgea", "did you mean Motosega?", `id="bad-groups"`, `aria-describedby="bad-skill-1"`)
	r := p.do("POST", "/console/d/new?lang=it", typedCall())
	if wants(t, r, 200); strings.Contains(r.body, "nessuno nel registro") {
		t.Error("a call that is right is warned of")
	}
}

func TestHoursAreAttested(t *testing.T) {
	g, f, p := openCallouts(t, 9)
	id := p.opened()
	began := time.Now().Add(-225 * time.Minute)
	f.change(id, func(c *volunteers.Call, people []callout.Seen) {
		f.names[people[0].Number] = "=HYPERLINK(1) Rossi"
		people[0].Presence = volunteers.Presence{Arrived: began, Left: time.Now()}
		people[1].Presence = volunteers.Presence{Arrived: began}
	})
	wants(t, p.get("/console/d/"+string(id)+"/attendance?lang=it"), 200, "Presenze della chiamata V-0417", "AIB Valdemo", "3:45", "non annotata", "artt. 39 e 40", "Uscite non annotate: 1")
	file := p.get("/console/d/" + string(id) + "/attendance.csv?lang=it")
	rows, err := csv.NewReader(strings.NewReader(file.body)).ReadAll()
	if err != nil || len(rows) != 3 || rows[0][1] != "Organizzazione" || !strings.Contains(file.Header.Get("Content-Disposition"), "presenze-v-0417.csv") || !strings.Contains(file.body, "'=HYPERLINK") {
		t.Errorf("%v %v %v", rows, err, file.Header)
	}
	today := time.Now().In(rome)
	span := func(from, to time.Time) string {
		return "/console/d/hours.csv?lang=it&from=" + from.Format("02/01/2006") + "&to=" + to.Format("02/01/2006")
	}
	if n := strings.Count(p.get(span(today.AddDate(0, 0, -1), today.AddDate(0, 0, 1))).body, "V-0417"); n != 2 {
		t.Errorf("%d rows", n)
	}
	if n := strings.Count(p.get(span(today.AddDate(0, 0, -9), today.AddDate(0, 0, -2))).body, "V-0417"); n != 0 {
		t.Errorf("%d rows of other days", n)
	}
	var lists []string
	for a, err := range g.redis.Store().AllActs(t.Context(), 0) {
		if err == nil && a.Verb == broadcast.ActListTaken {
			lists = append(lists, string(a.Event)+" "+a.Reason)
		}
	}
	if want := []string{string(id) + " attendance: 2 rows", " hours: 2 rows", " hours: 0 rows"}; !slices.Equal(lists, want) {
		t.Errorf("the ledger has %q of the lists, want %q", lists, want)
	}
	wants(t, p.get("/console/d/hours.csv?lang=it&from=gestern&to=01/01/2026"), 422, "Scrivi il giorno", `value="gestern"`)
	wants(t, p.get(span(today, today.AddDate(0, 0, -1))), 422, "viene prima")
}

// Every page of calls is in one language, and small.
func TestThePagesOfCallsAreInOneLanguage(t *testing.T) {
	g, f, p := openCallouts(t, 60)
	id := p.opened()
	f.change(id, func(c *volunteers.Call, people []callout.Seen) { f.busy(c, people) })
	path, there := "/console/d/"+string(id), ""
	f.change(id, func(_ *volunteers.Call, people []callout.Seen) {
		for i := range people {
			if one := &people[i]; !one.Presence.Arrived.IsZero() {
				there = path + "/certificate/" + itoa(int(one.Number))
			}
		}
	})
	for _, lang := range []string{"it", "en"} {
		bodies := map[string]string{"check": p.do("POST", "/console/d/new?lang="+lang, typedCall()).body, "wrong": p.do("POST", "/console/d/new?lang="+lang, with(typedCall(), url.Values{"what": {""}, "people": {"x", "x", "1"}, "after": {"x"}, "areas": {"Atlantide"}, "point": {"x"}})).body}
		for _, at := range []string{"/console/d", "/console/d/new", path, path + "/close", path + "/cancel", path + "/pages", path + "/attendance", path + "/attendance/1", path + "/activation", there} {
			bodies[at] = p.get(at + "?lang=" + lang).body
		}
		for at, body := range bodies {
			foreign, marked := listen(at, lang, body)
			for _, f := range append(foreign, marked...) {
				t.Errorf("%s in %s says %q", f.path, lang, f.text)
			}
			if strings.Contains(body, "callout_") || strings.Contains(body, "attendance_") || strings.Contains(body, "correct_") {
				t.Errorf("%s in %s lacks words", at, lang)
			}
			if n := len(zip([]byte(body))) + len(zip(g.asset(t, "app.css"))) + len(zip(g.asset(t, "callout.js"))); n > 40<<10 {
				t.Errorf("%s takes %d bytes", at, n)
			}
		}
	}
}

func TestCoordinatesArePasted(t *testing.T) {
	for text, want := range map[string]alerts.Point{
		"45.64, 13.77": {Lat: 45.64, Lon: 13.77}, "45.64 13.77": {Lat: 45.64, Lon: 13.77}, "(45.64,13.77)": {Lat: 45.64, Lon: 13.77}, "geo:45.64,13.77": {Lat: 45.64, Lon: 13.77},
		"45,64; 13,77": {Lat: 45.64, Lon: 13.77}, "45.64° N, 13.77° E": {Lat: 45.64, Lon: 13.77}, "-33.9, 18.4": {Lat: -33.9, Lon: 18.4},
	} {
		if got, ok := pointOf(text); !ok || got != want {
			t.Errorf("%q: %v %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "45.64", "via del Ponte 3", "45.64, 13.77, 8", "4564, 1377"} {
		if p, ok := pointOf(text); ok {
			t.Errorf("%q is read as %v", text, p)
		}
	}
}

// BenchmarkCalloutPage is the server's time for a call of 500 people: at most 50
// ms.
func BenchmarkCalloutPage(b *testing.B) {
	_, f, p := openCallouts(b, 700)
	form := with(typedCall(), url.Values{"do": {"call"}, "people": {"125"}, "skill": {""}, "until": {"+5 h"}})
	r := p.do("POST", "/console/d/new", form)
	id := alerts.ID(strings.TrimPrefix(r.Request.URL.Path, "/console/d/"))
	f.change(id, func(_ *volunteers.Call, people []callout.Seen) {
		if len(people) < 500 {
			b.Fatalf("%d people", len(people))
		}
		for i := range people[:300] {
			people[i].Answer = &volunteers.Answer{Kind: volunteers.Coming, Minutes: 20, At: time.Now(), Via: "sms"}
		}
	})
	for name, path := range map[string]string{"whole": "", "live": "?part=live", "everybody": "?all=1"} {
		b.Run(name, func(b *testing.B) {
			body := ""
			for b.Loop() {
				body = p.get("/console/d/" + string(id) + path).body
			}
			if each := b.Elapsed() / time.Duration(max(b.N, 1)); each > 50*time.Millisecond {
				b.Errorf("takes %v, want at most 50ms", each)
			}
			b.ReportMetric(float64(len(zip([]byte(body)))), "gz-bytes")
		})
	}
}
