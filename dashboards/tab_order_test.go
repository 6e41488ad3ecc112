package dashboards

import (
	"slices"
	"testing"

	"martinella/alerts"
)

// stop is where the Tab key halts.
type stop struct {
	What string // "#id", else what the element says
	Foot bool   // in the footer
	Seen bool   // it shows that it has the focus
}

// tabs walks through a page with the Tab key from its beginning to its end.
func (b *browser) tabs(url string) []stop {
	b.t.Helper()
	b.open(url)
	b.eval(`document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0); { const s = document.createElement('span'); s.tabIndex = -1; document.body.prepend(s); s.focus(); s.remove(); } 1`)
	var stops []stop
	for range 200 {
		b.presses("Tab", "Tab", "", 9, 0)
		at, _ := b.eval(`(() => { const e = document.activeElement; if (!e || e === document.body) return null;
			const s = getComputedStyle(e), words = (e.getAttribute('aria-label') || e.textContent || '').trim().replace(/\s+/g, ' ');
			return {what: e.id && !e.closest('footer, header') ? '#' + e.id : words || e.name || e.tagName, foot: !!e.closest('footer'), top: e.matches('.skip'),
				seen: e.matches(':focus-visible') && s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 && s.outlineColor !== 'rgba(0, 0, 0, 0)'}; })()`).(map[string]any)
		if at == nil || (len(stops) > 0 && at["top"] == true) {
			return stops
		}
		stops = append(stops, stop{at["what"].(string), at["foot"].(bool), at["seen"].(bool)})
	}
	b.t.Fatalf("%s: the Tab key never comes to the end", url)
	return nil
}

// headerStops is how often the Tab key halts before the page's own content: the
// way past it, the authority, four pages, and the menu of who is signed in.
const headerStops = 7

// The Tab key goes through a page in the order in which one decides: what is
// asked, then what is done about it, then the footer. It shows where it is, and
// the Enter key in a field never does what cannot be undone.
func TestTheTabKeyInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": false}, nil)
	g := openDesktop(t)
	p := g.staff("bruno", "Bruno Neri", writer(true, "approver"))
	id := g.issue(message("held", "severity", "Severe", "headline", "Piena in arrivo"))["id"].(string)
	waits := g.post(author, "/api/v1/alerts", message("waits", "severity", "Severe", "headline", "Frana sulla strada")).json(t)["id"].(string)
	draft, _ := p.written(alerts.StatusExercise)
	b.as(p)
	for name, page := range map[string]struct {
		path string
		want []string
	}{
		"overview": {"/console", []string{
			"Nuova allerta", "Guida iniziale", "Frana sulla strada", "Piena in arrivo", "Aggiornamento dal posto: Piena in arrivo", "Annulla: Piena in arrivo",
		}},
		"compose": {draft, []string{
			"Versioni precedenti", "Cancella", "Bozze aperte", "Salva bozza", "Aggiorna anteprima", "#mode-Exercise", "#level-Moderate", "#v-place", "#v-shelter", "#v-phone", "Metti nei testi",
			"#t0-headline", "#t0-source", "#t0-description", "#t0-where", "#from", "#until", "+1 ora", "+6 ore", "Domani 06:00", "#t0-instruction", "Altro: nome del pericolo, contatti, parole per un canale", "inglese",
			"#a-ISTAT=999004", "#a-ISTAT=999003", "#a-ISTAT=999002", "#a-ISTAT=999001", "#places", "Aggiungi", "Area disegnata", "#c-sms", "#c-mastodon", "Dati per le macchine (CAP)",
			"Fonte: c'è", "Pericolo: c'è", "Dove: c'è", "Azione: c'è", "Quando: c'è", "Salite ai piani alti", "inglese", "Chiedi approvazione dell'esercitazione", "Salva bozza",
		}},
		"approve": {"/console/a/" + waits + "/approve", []string{
			"Vai alla decisione", "Le stesse zone in parole", "Se va annullato (inviato per errore)", "Quando il pericolo è finito (cessato allarme)",
			"#confirm", "#people-none", "#findings", "#reason", "Controlla le risposte (non invia nulla)", "code", "Approva: avvisa adesso",
			"#reason-return", "Restituisci a chi l'ha scritto", "#reason-reject", "Respingi: non deve uscire",
		}},
		"board": {"/console/a/" + id, []string{"Pagina pubblica", "Aggiorna", "Aggiornamento dal posto", "Cessato allarme", "Prolunga", "Annulla (inviata per errore)"}},
		"cancel": {"/console/a/" + id + "/cancel", []string{
			"#why-mistake", "#reason", "#code-cancel", "Annulla l'allerta adesso", "#text", "Torna alla diretta",
		}},
		"all-clear": {"/console/a/" + id + "/all-clear", []string{
			"#text", "#reason", "#code-all-clear", "Chiedi l'approvazione", "Torna alla diretta",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			stops := b.tabs(g.site + page.path + "?lang=it")
			var own []string
			foot := 0
			for i, s := range stops {
				if !s.Seen {
					t.Errorf("nobody sees that %q has the focus", s.What)
				}
				switch {
				case s.Foot:
					foot++
				case foot > 0:
					t.Errorf("%q comes after the footer", s.What)
				case i >= headerStops && s.What != "Disegna sulla mappa": // where npm built it
					own = append(own, s.What)
				}
			}
			if stops[0].What != "Vai al contenuto" || foot == 0 {
				t.Errorf("begins with %q and has %d stops in the footer", stops[0].What, foot)
			}
			if !slices.Equal(own, page.want) {
				t.Errorf("the Tab key halts at\n%q, want\n%q", own, page.want)
			}
			// The Enter key in a field presses the first button of its form.
			if got := b.eval(`[...document.forms].filter(f => [...f.elements].some(e => e.matches('input:not([type=hidden])'))).map(f => [...f.elements].find(e => e.type === 'submit')).filter(e => e && !e.disabled && e.matches('.go, .grave, [value=ask]')).map(e => e.textContent).join()`); got != "" {
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
