package dashboards

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
)

func TestComposePagesInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	g := openDesktop(t, func(c *Config) { c.Desk.Policy.SecondPersonReach = 100_000 }) // so that somebody may send it alone
	p := g.staff("bruno", "Bruno Neri", writer(true, "issuer"))
	ready, _ := p.written(alerts.StatusExercise)
	path, form := p.written(alerts.StatusExercise)
	form.Set("severity", "Extreme")
	form.Set("t0-instruction", "Salite ai piani alti subito.\nNon usate l'auto e non passate nei sottopassi.")
	form.Set("t1-headline", strings.Repeat("Donaudampfschifffahrtsgesellschaft", 4))
	p.do("POST", path, withDo(form, "save"))
	form = writingOf(t, p.get(path).body, "writing")
	form.Set("t0-headline", "Piena in arrivo: salite ai piani alti subito")
	p.do("POST", path, withDo(form, "save"))
	p.begin(url.Values{"status": {"Actual"}, "template": {"smoke"}})
	id := g.issue(message("before"))["id"].(string)
	b.as(p)
	b.looks(g.site, map[string]string{
		"compose-new": "/console/new", "compose-update": "/console/new?changes=" + id, "draft": path, "draft-en": path + "?lang=en", "drafts": "/console/drafts",
		"versions": path + "/versions", "delete": path + "/delete", "send": ready + "/send",
	})
	b.quiet()
	r := p.get(path)
	if n := len(zip([]byte(r.body))) + len(zip(g.asset(t, "app.css"))) + len(zip(g.asset(t, "console.css"))) + len(zip(g.asset(t, "compose.js"))); n > 40<<10 {
		t.Errorf("the page takes %d bytes", n)
	}
}

// taps clicks a button by its value.
func (b *browser) taps(value string) {
	b.t.Helper()
	b.eval(fmt.Sprintf(`document.querySelector('button[value=%q]').click(); 1`, value))
}

// types writes into a field as a person does: the page's script hears of it.
func (b *browser) types(id, text string) {
	b.t.Helper()
	b.eval(fmt.Sprintf(`{ const e = document.getElementById(%q); e.value = %q; e.dispatchEvent(new Event('input', {bubbles: true})); } 1`, id, text))
}

// sees waits like arrives, and without timers of the page: they stand still
// where scripts are off.
func (b *browser) sees(condition string) {
	b.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if b.holds(`(() => { try { return document.readyState === 'complete' && !!(` + condition + `) } catch { return false } })()`) {
			return
		}
	}
	b.t.Fatalf("never came true: %s\n%v %v", condition, b.eval("location.href"), b.eval("document.body.innerText"))
}

func TestWritingInABrowser(t *testing.T) {
	onlyInE2E(t)
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("scripts %v", scripts), func(t *testing.T) {
			b := openBrowser(t)
			g := openDesktop(t)
			bruno, carla := g.staff("bruno", "Bruno Neri", writer(true)), g.staff("carla", "Carla Bianchi", writer(true))
			b.as(bruno)
			b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": !scripts}, nil)
			b.call("Page.navigate", map[string]any{"url": g.site + "/console/new?lang=it"}, nil)
			b.sees(`location.pathname === '/console/new'`)
			b.eval(`document.getElementById('mode-Exercise').click(); 1`)
			b.taps("flood")
			b.sees(`location.pathname.startsWith('/console/draft/') && document.getElementById('writing')`)
			path := b.eval("location.pathname").(string)

			b.fill(map[string]string{"v-place": "Valdemo", "t0-source": "Sindaca di Valdemo", "t1-source": "Mayor of Valdemo", "t0-where": "Valdemo", "t1-where": "Valdemo"})
			b.eval(`document.getElementById('a-ISTAT=999001').click(); 1`)
			b.taps("until:6")
			b.sees(`location.search.includes('said=saved') && document.querySelector('.said')`)
			if got := b.eval(`document.getElementById('t0-own-sms').value`).(string); !strings.Contains(got, "Valdemo") {
				t.Errorf("the place is not in the text message: %q", got)
			}

			if scripts { // what is typed is previewed and saved by itself
				b.types("t0-headline", "Salite ai piani alti subito")
				b.until(`document.querySelector('#live .card h2').textContent.includes('subito')`)
				b.until(`document.getElementById('saved').textContent.includes('Bozza salvata alle')`)
				b.types("v-place", "Borgo Basso") // the template's words follow what is typed
				b.until(`document.getElementById('t0-own-sms').value.includes('Borgo Basso')`)
				b.types("v-place", "Valdemo")
				b.until(`document.getElementById('t0-own-sms').value.includes('Valdemo')`)
				b.eval(`document.getElementById('mode-Actual').click(); 1`)
				b.until(`document.querySelector('#strip .mode').textContent.includes('REALE') && document.querySelector('#ask button').textContent.includes('REALE')`)
				b.eval(`document.getElementById('mode-Exercise').click(); 1`)
				b.until(`document.querySelector('#strip .exercise')`)
			} else {
				b.fill(map[string]string{"t0-headline": "Salite ai piani alti subito"})
				b.taps("preview")
				b.sees(`document.querySelector('#live .card h2').textContent.includes('subito')`)
			}

			// Carla writes meanwhile: nobody's words are lost.
			theirs := formWith(t, carla, path, "t0-contact", "0573 555 0100")
			if r := carla.do("POST", path, withDo(theirs, "save")); r.StatusCode != 200 {
				t.Fatalf("%d", r.StatusCode)
			}
			if scripts {
				b.types("t0-description", "Il torrente esce dagli argini.")
				b.until(`document.getElementById('saved').textContent.includes('Carla Bianchi')`)
			} else {
				b.fill(map[string]string{"t0-description": "Il torrente esce dagli argini."})
			}
			b.taps("save")
			b.sees(`document.querySelector('.conflict') && document.getElementById('t0-description').value.includes('torrente')`)
			b.picture(fmt.Sprintf("compose-conflict-%v", scripts))
			b.said = nil // 409 is no fault of the page
			b.taps("mine")
			b.sees(`location.search.includes('said=mine')`)

			b.eval(`document.getElementById('ticked')?.click(); 1`)
			b.taps("ask")
			b.sees(`location.pathname.startsWith('/console/a/')`)
			if n := len(g.memory.records); n != 1 {
				t.Fatalf("%d records: %v", n, b.eval("document.body.innerText"))
			}
			r := g.memory.records[0]
			if r.State != alerts.StateSubmitted || r.Alert.Status != alerts.StatusExercise || r.Alert.Infos[0].Headline != "Salite ai piani alti subito" || !strings.Contains(r.Alert.Infos[0].Description, "torrente") {
				t.Errorf("record %+v", r.Alert)
			}
		})
	}
}

func TestWithoutANetworkWhatWasTypedIsKeptInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	g := openDesktop(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, _ := p.written(alerts.StatusExercise)
	b.as(p)
	b.open(g.site + path + "?lang=it")
	b.call("Network.emulateNetworkConditions", map[string]any{"offline": true, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}, nil)
	b.types("t0-headline", "Scritto senza rete")
	b.until(`document.getElementById('saved').textContent.includes('Senza rete')`)
	b.call("Network.emulateNetworkConditions", map[string]any{"offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}, nil)
	b.until(`document.getElementById('saved').textContent.includes('Bozza salvata')`)
	if got := writingOf(t, p.get(path).body, "writing").Get("t0-headline"); got != "Scritto senza rete" {
		t.Errorf("saved: %q", got)
	}

	// The browser was closed before it could save.
	b.call("Network.emulateNetworkConditions", map[string]any{"offline": true, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}, nil)
	b.types("t0-headline", "Mai salvato")
	b.call("Network.emulateNetworkConditions", map[string]any{"offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}, nil)
	b.call("Page.navigate", map[string]any{"url": "about:blank"}, nil)
	b.call("Page.handleJavaScriptDialog", map[string]any{"accept": true}, nil)
	b.open(g.site + path + "?lang=it")
	b.until(`document.getElementById('t0-headline').value === 'Mai salvato' && document.getElementById('saved').textContent.includes('Ripreso')`)
	b.picture("compose-restored")
	b.eval(`document.querySelector('#saved button').click(); 1`)
	b.until(`document.getElementById('t0-headline').value === 'Scritto senza rete'`)

	// Ctrl+Enter asks, and says what is missing; it never sends.
	b.types("until", "")
	b.eval(`document.getElementById('until').focus(); document.getElementById('until').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', ctrlKey: true, bubbles: true})); 1`)
	b.arrives(`document.querySelector('.wrong') && document.getElementById('until').getAttribute('aria-invalid') === 'true'`)
	b.picture("compose-wrong")
	if n := len(g.memory.records); n != 0 {
		t.Errorf("%d records", n)
	}
}
