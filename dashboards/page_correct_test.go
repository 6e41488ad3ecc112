package dashboards

import (
	"encoding/csv"
	"net/url"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

func TestHoursAreCorrectedWithAReason(t *testing.T) {
	_, f, p := openCallouts(t, 9)
	id := p.opened()
	began := time.Now().Add(-6 * time.Hour).In(rome)
	came := began.Add(time.Hour).Truncate(time.Minute).Add(17 * time.Second)
	var first, second uint32
	f.change(id, func(c *volunteers.Call, people []callout.Seen) {
		c.Opened, c.Meet = began, began
		first, second = people[0].Number, people[1].Number
		people[0].Presence = volunteers.Presence{Arrived: came}
	})
	sheet := "/console/d/" + string(id) + "/attendance"
	at := sheet + "/" + itoa(int(first))
	wants(t, p.get(sheet+"?lang=it"), 200, `href="`+at+`?lang=it"`, "Uscite non annotate: 1", "Chiamati non annotati", f.names[second])
	form := p.get(at + "?lang=it")
	wants(t, form, 200, "Correggi le ore di "+f.names[first], `name="arrived" type="datetime-local" value="`+came.Format(localTime)+`"`, `name="left" type="datetime-local" value=""`)
	revision := func(r reply) string {
		_, after, _ := strings.Cut(r.body, `name="revision" value="`)
		value, _, _ := strings.Cut(after, `"`)
		return value
	}
	local := func(d time.Duration) string { return came.Add(d).Format(localTime) }
	right := url.Values{"revision": {revision(form)}, "arrived": {local(0)}, "left": {local(3 * time.Hour)}, "reason": {"uscita non segnata"}}
	for name, c := range map[string]struct {
		form url.Values
		want []string
	}{
		"all that is wrong is named": {url.Values{"arrived": {local(-5 * time.Hour)}, "left": {local(30 * time.Hour)}, "reason": {""}}, []string{`id="bad-arrived"`, "prima dell&#39;inizio della chiamata", `id="bad-left"`, "è nel futuro", `id="bad-reason"`, "perché le ore si correggono"}},
		"no hour, and no reason":     {url.Values{"left": {"gestern"}, "reason": {" "}}, []string{"non è un giorno con l&#39;ora", `value="gestern"`, `id="bad-reason"`}},
		"the end before the start":   {url.Values{"left": {local(-time.Minute)}}, []string{"non viene dopo l&#39;arrivo"}},
		"a name in the reason":       {url.Values{"reason": {f.names[first] + " ha scordato"}}, []string{"nomina il volontario"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := p.do("POST", at+"?lang=it", with(right, c.form))
			wants(t, r, 422, append(c.want, "Non è stato corretto nulla")...)
			if got := revision(r); got != revision(form) {
				t.Errorf("the form was made of %q", got)
			}
		})
	}
	wants(t, p.do("POST", at+"?lang=it", with(right, url.Values{"revision": {"0.0.0"}})), 409, "Intanto qualcun altro", `value="uscita non segnata"`, `value="`+revision(form)+`"`)
	done := p.do("POST", at+"?lang=it", right)
	wants(t, done, 200, "La correzione è scritta", "Corretto da Carla Bianchi", "uscita non segnata", "(corretto)", ">3:00<")
	if strings.Contains(done.body, "Uscite non annotate") {
		t.Error("the end counts as not noted")
	}
	view, err := f.View(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for i := range view.People {
		if one := &view.People[i]; one.Number == first && !one.Presence.Arrived.Equal(came) {
			t.Errorf("an arrival that nobody changed was moved by %s", one.Presence.Arrived.Sub(came))
		}
	}
	// Who did not answer came all the same, and it is found out after the end.
	if _, err := f.End(t.Context(), alerts.Person{ID: "staff:1"}, id, volunteers.StateClosed, "Grazie"); err != nil {
		t.Fatal(err)
	}
	other := sheet + "/" + itoa(int(second))
	wants(t, p.get(other+"?lang=en"), 200, "Noted so far: <strong>was not there</strong>")
	wants(t, p.do("POST", other+"?lang=en", url.Values{"revision": {volunteers.Presence{}.Revision()}, "arrived": {local(0)}, "left": {local(90 * time.Minute)}, "reason": {"came without answering"}}), 200, ">1:30<", "came without answering", "was not there")
	rows, err := csv.NewReader(strings.NewReader(p.get(sheet + ".csv?lang=en").body)).ReadAll()
	if err != nil || len(rows) != 3 || rows[0][10] != "Corrections" || !strings.Contains(rows[1][10]+rows[2][10], "Carla Bianchi: came without answering") {
		t.Errorf("%v %q", err, rows)
	}
	wants(t, p.get(sheet+"/4711"), 404)
	wants(t, p.get(sheet+"/x"), 404)
}

// Whoever may not call people sees nobody's hours.
func TestWhoMayNotCallCorrectsNobody(t *testing.T) {
	g, _, p := openCallouts(t, 9)
	id := p.opened()
	q, _ := g.colleague("vera", "Vera", "viewer")
	at := "/console/d/" + string(id) + "/attendance/1"
	wants(t, q.get(at), 403)
	wants(t, q.do("POST", at, url.Values{"reason": {"x"}}), 403)
}
