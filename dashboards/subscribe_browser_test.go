package dashboards

import (
	"slices"
	"strings"
	"testing"

	"martinella/channels"
)

// submits does something in the page, scripts or none, and waits until it led on.
func (b *browser) submits(script, then string) {
	b.t.Helper()
	b.fires(script)
	b.sees(then)
}

// TestSubscribingInABrowser: everything works with scripts switched off, and
// looks right.
func TestSubscribingInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g, ask := openSignUps(t, func(c *Config) {
		c.Accounts = []Account{{Platform: "telegram", Name: "@valdemo_allerta", URL: "https://t.me/valdemo_allerta", AtOnce: true}, {Platform: "mastodon", Name: "@valdemo", URL: "https://social.example/@valdemo", AtOnce: true}}
	})
	ask()
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.call("Page.navigate", map[string]any{"url": g.URL + "/?lang=it"}, nil)
	b.sees(`document.querySelector('.receive')`)
	b.submits(`document.querySelector('.receive a[href^="/subscribe"]').click()`, `location.pathname === '/subscribe' && document.querySelector('h1').textContent === 'Ricevi gli avvisi'`)
	if b.eval(`getComputedStyle(document.querySelector('.some')).display`) != "none" || b.eval(`document.getElementById('push').getClientRects().length`) != 0.0 {
		t.Error("without a wish for some areas they are shown, or a button that does nothing is")
	}
	b.submits(`document.getElementById('contact').value = 'anna@posta'; document.getElementById('where-some').checked = true; document.getElementById('choices').submit()`, `document.querySelector('.wrong')`)
	if got := b.eval(`[...document.querySelectorAll('.wrong a')].map(a => a.hash).join()`); got != "#contact,#areas" {
		t.Errorf("wrong is %v", got)
	}
	if b.eval(`document.getElementById('contact').value`) != "anna@posta" || b.eval(`document.querySelector('.some').getClientRects().length > 0`) != true {
		t.Error("what was typed is lost")
	}
	b.picture("subscribe-wrong")
	b.mu.Lock()
	b.said = slices.DeleteFunc(b.said, func(s string) bool { return strings.Contains(s, "status of 422") }) // what was meant
	b.mu.Unlock()
	b.submits(`document.getElementById('contact').value = '333 123 4567'; document.getElementById('area-VD-8').checked = true; document.getElementById('choices').submit()`, `document.getElementById('code')`)
	b.picture("subscribe-code")
	code := strings.Fields(strings.SplitAfter(g.heard()[2], "codice ")[1])[0]
	b.submits(`document.getElementById('code').value = '`+code+`'; document.querySelector('main form').submit()`, `document.querySelector('h1').textContent === 'Iscrizione confermata'`)
	b.submits(`document.querySelector('main a[href^="/p/"]').click()`, `document.querySelector('dl.facts')`)
	if got, _ := b.eval(`document.querySelector('dl.facts').innerText`).(string); !strings.Contains(got, "Borgo Basso") {
		t.Errorf("the own page says %q", got)
	}
	own, _ := b.eval(`location.pathname`).(string)
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)
	b.looks(g.URL, map[string]string{"subscribe": "/subscribe?lang=it", "subscribe-area": "/subscribe?lang=de&area=VD-8", "own": own + "?lang=it", "confirm": "/s/" + strings.Repeat("A", 32) + "?lang=fr"})
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.call("Page.navigate", map[string]any{"url": g.URL + own + "?lang=it"}, nil)
	b.sees(`document.getElementById('sure')`)
	b.submits(`document.getElementById('sure').checked = true; document.querySelector('.grave').form.submit()`, `document.querySelector('h1').textContent.includes('tutto cancellato')`)
	if r := g.get(own); r.StatusCode != 404 {
		t.Errorf("after erasing: %d", r.StatusCode)
	}
	b.quiet()
}

// pushStub stands for what a browser without a push service does not have.
const pushStub = `(() => {
	const sub = {options: {applicationServerKey: null}, toJSON: () => (` + browserJSON + `), unsubscribe: async () => { now = null; return true; }};
	let now = null;
	const manager = {getSubscription: async () => now, subscribe: async o => { sub.options.applicationServerKey = o.applicationServerKey.buffer; window.asked = o.userVisibleOnly; return now = sub; }};
	const registration = {pushManager: manager};
	Object.defineProperty(navigator, 'serviceWorker', {value: {register: async path => { window.registered = path; return registration; }, ready: Promise.resolve(registration), getRegistration: async () => registration}});
	window.Notification = {requestPermission: async () => window.answer || 'granted'};
})()`

func TestABrowserSubscribesInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g, _ := openSignUps(t)
	b.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": pushStub}, nil)
	b.open(g.URL + "/subscribe?lang=it")
	b.until(`!document.getElementById('push').hidden`)
	if b.eval(`document.getElementById('ios').hidden`) != true {
		t.Error("the steps of iOS are shown here")
	}
	state := `document.getElementById('push-state').textContent`
	b.eval(`window.answer = 'denied'; document.getElementById('push-start').click(); 1`)
	b.until(state + `.startsWith('Il dispositivo non permette')`)
	b.eval(`window.answer = ''; document.getElementById('where-some').checked = true; document.getElementById('push-start').click(); 1`)
	b.until(state + `.startsWith('Scegli tutto il territorio')`)
	b.eval(`document.getElementById('area-VD-8').checked = true; document.getElementById('push-start').click(); 1`)
	b.until(state + ` === 'Le notifiche sono attive.'`)
	if b.eval(`window.registered + ' ' + window.asked`) != "/sw.js true" {
		t.Errorf("registered %v", b.eval(`window.registered + ' ' + window.asked`))
	}
	const drawer = `caches.match('/subscribe/push', {cacheName: 'martinella-push'}).then(r => r ? r.json() : {}).then(s => s.endpoint || '')`
	if got := b.eval(drawer); got != "https://push.example/wpush/v2/gAAAA" {
		t.Errorf("the worker finds %q of the subscription", got)
	}
	b.picture("subscribe-push")
	address, err := channels.ReadPushSubscription([]byte(browserJSON))
	if err != nil {
		t.Fatal(err)
	}
	number, err := g.own.Roll.Lookup(t.Context(), "push", address.String())
	if err != nil {
		t.Fatal(err)
	}
	if m, err := g.own.Roll.Member(t.Context(), number); err != nil || len(m.Areas) != 1 || m.Areas[0] != "VD-8" {
		t.Errorf("kept %+v, %v", m, err)
	}
	own, _ := b.eval(`document.getElementById('push-own').getAttribute('href')`).(string)
	g.page(own).says("dl", "Un browser")
	b.eval(`document.getElementById('push-stop').click(); 1`)
	b.until(state + ` === 'Le notifiche sono disattivate.'`)
	if got := b.eval(drawer); got != "" {
		t.Errorf("after leaving the worker finds %q", got)
	}
	if r := g.get(own); r.StatusCode != 404 {
		t.Errorf("after leaving: %d", r.StatusCode)
	}
	b.quiet()

	// An iPhone whose page is not on the home screen has no PushManager.
	b.call("Emulation.setUserAgentOverride", map[string]any{"userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)"}, nil)
	b.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": `delete window.PushManager`}, nil)
	b.open(g.URL + "/subscribe?lang=en")
	b.until(`!document.getElementById('ios').hidden && document.getElementById('push').hidden`)
	b.picture("subscribe-ios")
	b.quiet()
}
