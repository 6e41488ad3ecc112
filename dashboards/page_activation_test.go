package dashboards

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// overNight is a call of yesterday evening that is over: one person was there
// until this morning, one left in the evening.
func (f *deskCallouts) overNight(id alerts.ID) (night, evening uint32) {
	y, m, d := time.Now().In(rome).AddDate(0, 0, -2).Date()
	at := func(hour int) time.Time { return time.Date(y, m, d, hour, 0, 0, 0, rome) }
	f.change(id, func(c *volunteers.Call, people []callout.Seen) {
		c.Opened, c.Meet, c.Until, c.Ended, c.State = at(18), at(19), at(32), at(31), volunteers.StateClosed
		people[0].Presence = volunteers.Presence{Arrived: at(22), Left: at(30)}
		people[1].Presence = volunteers.Presence{Arrived: at(19), Left: at(21)}
		night, evening = people[0].Number, people[1].Number
	})
	return night, evening
}

func TestTheSheetSaysByWhoseOrderAndOnWhichDay(t *testing.T) {
	_, f, p := openCallouts(t, 9)
	id := p.opened()
	f.overNight(id)
	path := "/console/d/" + string(id)
	first := time.Now().In(rome).AddDate(0, 0, -2)
	day := func(n int) string { return first.AddDate(0, 0, n).Format(dayForm) }
	sheet := p.get(path + "/attendance?lang=it")
	wants(t, sheet, 200, "non ancora annotata", `href="`+path+`/activation?lang=it"`, ">8:00 <span", first.Format("02/01")+": 2:00", first.AddDate(0, 0, 1).Format("02/01")+": 6:00", "<strong>10:00</strong> · "+day(0)+": 4:00 · "+day(1)+": 6:00")
	wants(t, p.get(path+"/activation?lang=it"), 200, "Attivazione della chiamata V-0417", `name="revision" value="0"`)
	right := url.Values{"revision": {"0"}, "by": {"Sindaco di Valdemo"}, "order": {"Ord. 12/2026"}, "at": {first.Format("2006-01-02") + "T17:30"}}
	for name, c := range map[string]struct {
		form url.Values
		want []string
	}{
		"nobody, and no hour":  {url.Values{"by": {""}, "at": {"ieri"}}, []string{`id="bad-by"`, "quale ufficio ha attivato", `id="bad-at"`, "non è un giorno con l&#39;ora"}},
		"in the future":        {url.Values{"at": {time.Now().In(rome).AddDate(0, 0, 2).Format(localTime)}}, []string{`id="bad-at"`, "nel futuro", `value="Ord. 12/2026"`}},
		"an order without end": {url.Values{"order": {strings.Repeat("9", volunteers.OrderMost+1)}}, []string{`id="bad-order"`}},
	} {
		t.Run(name, func(t *testing.T) {
			wants(t, p.do("POST", path+"/activation?lang=it", with(right, c.form)), 422, c.want...)
		})
	}
	wants(t, p.do("POST", path+"/activation?lang=it", right), 200, "L&#39;attivazione è annotata.", "Sindaco di Valdemo, Ord. 12/2026, ", "17:30")
	wants(t, p.do("POST", path+"/activation?lang=it", with(right, url.Values{"by": {"Prefettura"}})), 409, "qualcun altro", `value="Sindaco di Valdemo"`, `name="revision" value="1"`)
}

func TestAnEmployerGetsACertificateOfOnePerson(t *testing.T) {
	_, f, p := openCallouts(t, 9)
	id := p.opened()
	night, evening := f.overNight(id)
	path := "/console/d/" + string(id) + "/certificate/"
	at := path + itoa(int(night)) + "?lang=it"
	wants(t, p.get("/console/d/"+string(id)+"/attendance?lang=it"), 200, `href="`+at+`"`)
	r := p.get(at)
	wants(t, r, 200, "Attestato di presenza di "+f.names[night], "art. 39", "AIB Valdemo", "Sacchi in via del Ponte (V-0417)", ">2:00<", ">6:00<", "<strong>8:00</strong>", "Datore di lavoro", "Luogo e data", "Il coordinatore", "Manca chi ha attivato")
	for _, other := range []string{f.names[evening], "+39333", "ESERCITAZIONE", "non annotata)"} {
		if strings.Contains(r.body, other) {
			t.Errorf("the certificate says %q", other)
		}
	}
	f.change(id, func(c *volunteers.Call, people []callout.Seen) {
		c.Exercise, c.State, c.Ended, c.Activation = true, volunteers.StateOpen, time.Time{}, volunteers.Activation{By: "Sindaco di Valdemo"}
		people[0].Presence.Left = time.Time{}
	})
	r = p.get(at)
	wants(t, r, 200, "ESERCITAZIONE", "aspetta la fine", "(non annotata)", "Sindaco di Valdemo")
	if strings.Contains(r.body, "Manca chi ha attivato") {
		t.Error("the activation counts as missing")
	}
	wants(t, p.get("/console/d/"+string(id)+"/attendance?lang=it"), 200, "ESERCITAZIONE")
	var absent uint32
	f.change(id, func(_ *volunteers.Call, people []callout.Seen) { absent = people[2].Number })
	wants(t, p.get(path+itoa(int(absent))+"?lang=it"), 404, "non risulta presente")
	wants(t, p.get(path+"4711"), 404)
}
