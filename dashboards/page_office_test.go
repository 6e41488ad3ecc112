package dashboards

import (
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/broadcast"
)

func TestDeliveryTimesArePublished(t *testing.T) {
	g := open(t)
	g.page("/status").says("main", "Non ci sono ancora misure.")
	ms := func(n int64) *int64 { return &n }
	for i, times := range [][2]int64{{900, 1500}, {2100, 60_000}, {40, 300_000}} {
		id := alerts.ID(g.issue(message("measured" + string(rune('a'+i))))["id"].(string))
		g.memory.mu.Lock()
		g.memory.sent[id] = []broadcast.Delivery{
			{Channel: "sms", State: "done", Total: 6000, Accepted: 5990, P50MS: ms(times[0]), P99MS: ms(times[1])},
			{Channel: "sirene", State: "queued", Total: 1},
		}
		g.memory.mu.Unlock()
	}
	p := g.page("/status")
	for _, want := range []string{"17 970 di 18 000", "900 ms", "60,0 s", "5 min", "0 di 3"} {
		p.says("main dd", want)
	}
	if n := len(p.all("main h3")); n != 2 {
		t.Errorf("%d channels", n)
	}
	g.page("/status?lang=en").says("main dd", "60.0 s")

	g.memory.fail(alerts.ErrUnavailable)
	g.page("/status?lang=de").says("main", "Die Messungen können zurzeit nicht gelesen werden.")
}

func TestTheDutiesOfAnOffice(t *testing.T) {
	g := open(t, func(c *Config) {
		c.Feedback, c.Accessibility, c.TextsStop = "sito@comune.valdemo.example", "", true
	})
	silent := open(t)
	for _, lang := range pageLanguages {
		silent.page("/privacy?lang="+lang).never("main", "STOP")
		g.page("/privacy?lang="+lang).says("main", "STOP")
	}
	for path, wants := range map[string][]string{
		"/policy":        {"approvato da un'altra", "Non chiediamo denaro", "chiama il 112"},
		"/feedback":      {"nessuno risponde alle emergenze", "sito@comune.valdemo.example"},
		"/accessibility": {"WCAG 2.2", "Difensore civico", "sito@comune.valdemo.example"},
		"/privacy":       {"Protezione Civile di Valdemo", "STOP"},
	} {
		for _, want := range wants {
			g.page(path).says("main", want)
		}
		for _, lang := range pageLanguages {
			p := g.page(path + "?lang=" + lang)
			if len(p.all("main p")) < 3 || len(p.all("h1")) != 1 {
				t.Errorf("%s in %s has too few words", path, lang)
			}
			p.never("main", "<no value>")
		}
		found := false
		for _, n := range g.page("/").all("footer a") {
			for _, a := range n.Attr {
				found = found || a.Key == "href" && strings.HasSuffix(a.Val, path)
			}
		}
		if !found {
			t.Errorf("%s is not in the footer", path)
		}
	}
	open(t, func(c *Config) { c.Feedback, c.Authority.Contact = "", "" }).page("/feedback").says("main", "Non è indicato un indirizzo")
}
