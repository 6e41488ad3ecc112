package dashboards

import (
	"slices"
	"testing"

	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// The Tab key goes through the pages of calls and of the roster as it does through
// the others, and the Enter key in a field calls nobody, ends no call and erases
// nobody.
func TestTheTabKeyOnCallsInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": false}, nil)
	g, f, p := openCallouts(t, 4)
	id := p.opened()
	f.change(id, func(c *volunteers.Call, people []callout.Seen) {
		people[0].Answer = &volunteers.Answer{Kind: volunteers.Coming, Minutes: 20, At: c.Opened, Via: "page"}
	})
	path := "/console/d/" + string(id)
	b.as(p)
	for name, page := range map[string]struct {
		path string
		want []string
	}{
		"new": {"/console/d/new", []string{
			"#f-what", "#f-where", "#f-point", "#f-meet", "#f-until", "#f-bring", "#f-people-1", "#f-skill-1", "#f-people-2", "#f-skill-2", "#f-people-3", "#f-skill-3", "Altre righe", "#f-times", "#f-groups", "#f-areas",
			"#f-nearest", "#f-urgent", "#f-exercise", "#f-referent", "#f-phone", "#second-ask", "#f-after", "#f-most", "Vedi chi sarebbe chiamato",
		}},
		"call": {path, []string{
			"#pause", "#most", "Chiama altri", "Chiudi e ringrazia", "Annulla: non partite", "Tabellone a parete", "Consegna dei messaggi", "Foglio presenze", "Chiama di nuovo", "Nome", "Arrivo",
			"Telefona a Verdi Carla: +393330000003", "È arrivato: Verdi Carla", "Non viene più: Verdi Carla",
			"Telefona a Rossi Ada: +393330000001", "Viene 10′ minuti: Rossi Ada", "20′ minuti: Rossi Ada", "40′ minuti: Rossi Ada", "Forse: Rossi Ada", "Non può: Rossi Ada", "È arrivato: Rossi Ada",
			"Telefona a Bianchi Bruno: +393330000002", "Viene 10′ minuti: Bianchi Bruno", "20′ minuti: Bianchi Bruno", "40′ minuti: Bianchi Bruno", "Forse: Bianchi Bruno", "Non può: Bianchi Bruno", "È arrivato: Bianchi Bruno",
			"Telefona a Neri Dario: +393330000004", "Viene 10′ minuti: Neri Dario", "20′ minuti: Neri Dario", "40′ minuti: Neri Dario", "Forse: Neri Dario", "Non può: Neri Dario", "È arrivato: Neri Dario",
			"+390401234567",
		}},
		"close":  {path + "/close", []string{"#words", "Chiudi e ringrazia", "Torna alla chiamata"}},
		"cancel": {path + "/cancel", []string{"#words", "Annulla e avvisa: non partite", "Torna alla chiamata"}},
		"volunteer": {"/console/volunteers/0", []string{
			"Volontari", "#name", "#organisation", "#phone", "#email", "#groups", "#skills", "#availability", "#exceptions", "#quiet", "#channels", "#language", "#speaks", "#areas", "#circle", "#until", "#until", "#until", "#until", "Salva",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			stops := b.tabs(g.site + page.path + "?lang=it")
			var own []string
			for i, s := range stops {
				if within := i > 0 && stops[i-1].What == s.What; !s.Seen && !within { // the browser's own button within a field of a day
					t.Errorf("nobody sees that %q has the focus", s.What)
				}
				if i >= headerStops+2 && !s.Foot {
					own = append(own, s.What)
				}
			}
			if !slices.Equal(own, page.want) {
				t.Errorf("the Tab key halts at\n%q, want\n%q", own, page.want)
			}
			// The Enter key in a field presses the first button of its form, unless
			// that one is off: then nothing happens.
			if got := b.eval(`[...document.forms].filter(f => [...f.elements].some(e => e.matches('input:not([type=hidden])'))).map(f => [...f.elements].find(e => e.type === 'submit')).filter(e => e && !e.disabled && (e.matches('.go, .grave, [value=call], [value=erase]') || /\/(wave|close|cancel|people)$/.test(new URL(e.form.action).pathname))).map(e => e.textContent).join()`); got != "" {
				t.Errorf("Enter in a field would press %v", got)
			}
			if got := b.eval(`[...document.querySelectorAll('[tabindex]')].filter(e => e.tabIndex > 0).map(e => e.outerHTML).join()`); got != "" {
				t.Errorf("an order of its own: %v", got)
			}
		})
	}
	b.t = t
	b.quiet()
}
