package dashboards

import (
	"testing"
	"time"

	"martinella/alerts"
)

func TestActsOnCallsReadWell(t *testing.T) {
	all, err := loadLocales(rome)
	if err != nil {
		t.Fatal(err)
	}
	l := all.all["it"]
	words := verbWords(l)
	for name, c := range map[string]struct {
		act                alerts.Act
		call, what, reason string
	}{
		"a call":             {alerts.Act{Verb: "called", Event: "C", Reason: "24 people"}, "C", "volontari chiamati", "persone: 24"},
		"its end":            {alerts.Act{Verb: "cancelled", Event: "C", Reason: "piove"}, "C", "chiamata di volontari annullata", "piove"},
		"an alert's end":     {alerts.Act{Verb: "cancelled", Event: "E", Alert: "A", Reason: "errore"}, "", "avviso annullato", "errore"},
		"too few":            {alerts.Act{Verb: "short", Event: "C", Reason: "4 of 6"}, "C", "volontari: troppo pochi", "4 di 6"},
		"an answer":          {alerts.Act{Verb: "answered", Event: "C", Reason: "coming"}, "C", "risposta di un volontario", "viene"},
		"a presence":         {alerts.Act{Verb: "attended", Event: "C", Reason: "left"}, "C", "presenza di un volontario", "È andato via"},
		"a correction":       {alerts.Act{Verb: "presence-corrected", Event: "C", Reason: "-/- > 2020-03-04T18:00+01:00/-: venuta: senza rispondere"}, "C", "presenza di un volontario corretta", "non era sul posto → 4/3/2020 18:00 – non annotata: venuta: senza rispondere"},
		"a page":             {alerts.Act{Verb: "paged", Event: "C", Alert: "P", Reason: "filled"}, "C", "messaggi ai volontari", "bastano, grazie"},
		"thanks as typed":    {alerts.Act{Verb: "closed", Event: "C", Reason: "4 of 6"}, "C", "chiamata di volontari chiusa", "4 of 6"},
		"nobody looked":      {alerts.Act{Verb: "expired", Event: "C"}, "C", "chiamata di volontari scaduta", ""},
		"what nobody writes": {alerts.Act{Verb: "sung", Event: "C"}, "", "sung", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.act.At = time.Now()
			if got := string(callOf(c.act)); got != c.call {
				t.Errorf("call %q", got)
			}
			if got := didWords(l, c.act, words); got != c.what {
				t.Errorf("words %q", got)
			}
			if got := reasonWords(l, c.act, nil); got != c.reason {
				t.Errorf("reason %q", got)
			}
		})
	}
}
