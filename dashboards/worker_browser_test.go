package dashboards

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// kept waits until the worker holds a page that has these words.
func (b *browser) kept(path, words string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`window.it === undefined || it.includes(%q) || (caches.match(%q, {ignoreVary: true}).then(r => r ? r.text() : '').then(t => { window.it = t; }), false)`, words, path) + ` && window.it !== undefined`)
}

// network is a gateway whose line can be cut, and bent.
type network struct {
	*gateway
	url  string
	bend atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool]
}

// bent serves a gateway with its live feed behind what a test puts in between.
func bent(t *testing.T) *network {
	t.Helper()
	g, _ := openLive(t)
	n := &network{gateway: g}
	h := g.server.Public()
	n.url = serve(t, "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := n.bend.Load(); f == nil || !(*f)(w, r) {
			h.ServeHTTP(w, r)
		}
	})).URL
	return n
}

// gone hangs up, as a network that is not there.
func gone(w http.ResponseWriter, _ *http.Request) bool {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		conn.Close()
	}
	return true
}

func (n *network) now(f func(w http.ResponseWriter, r *http.Request) bool) {
	if f == nil {
		n.bend.Store(nil)
		return
	}
	n.bend.Store(&f)
}

func TestWithoutNetworkThePageIsTheLastCopyAndSaysSoInABrowser(t *testing.T) {
	onlyInE2E(t)
	needsBrowser(t)
	t.Parallel()
	n := bent(t)
	b := openBrowser(t)
	b.open(n.url + "/?lang=it")
	b.until(connected)
	b.until(`navigator.serviceWorker.controller`)
	// What came while it was open is in the copy, though nothing was loaded again.
	event := n.issue(message("kept", "severity", "Severe", "headline", "Restate in casa"))["event"].(string)
	b.until(`document.querySelector('#cards [data-k] h2')?.textContent === 'Restate in casa'`)
	b.eval(`window.it = undefined; 1`)
	b.kept("/?lang=it", "Restate in casa")
	b.open(n.url + "/a/" + event + "?lang=it")
	b.until(connected)
	b.kept("/a/"+event+"?lang=it", "Restate in casa")

	n.now(gone)
	for _, path := range []string{"/?lang=it", "/a/" + event + "?lang=it"} {
		b.open(n.url + path)
		b.until(`document.querySelector('#copy')?.textContent.trim().startsWith('Senza rete: questa è la copia del ')`)
		b.until(`document.getElementById('state').textContent.startsWith('Aggiornamento fermo dalle ')`)
		if got := b.eval(`document.querySelector('#copy time').dateTime === document.querySelector('#when time').dateTime && getComputedStyle(document.querySelector('.card')).borderStyle !== 'none' && document.querySelector('.card').textContent.includes('Restate in casa')`); got != true {
			t.Errorf("%s: the copy has not its time, its style or its words", path)
		}
		if got := b.eval(`document.title`).(string); !strings.HasPrefix(got, b.eval(`document.querySelector('#when time').textContent`).(string)+" – ") {
			t.Errorf("%s: title %q", path, got)
		}
		b.picture(fmt.Sprintf("copy-%d", len(path)))
	}
	b.fair(320, 390, 1280)
	inOrder(t, b.aloud(), "link In pericolo? Chiama il 112", "note", "heading Restate in casa")
	// A page in another language is better than none, and says in its language what it is.
	b.open(n.url + "/?lang=sl")
	b.until(`document.querySelector('#copy')`)
	// An alert that was never opened here leads to what is known.
	b.call("Page.navigate", map[string]any{"url": n.url + "/a/01JAAAAAAAAAAAAAAAAAAAAAAA"}, nil)
	b.until(`location.pathname === '/' && document.querySelector('#copy')`)

	// The network is back: the copy gives way by itself.
	n.issue(message("since", "severity", "Moderate", "headline", "Strada chiusa"))
	n.now(nil)
	b.eval(`window.dispatchEvent(new Event('online')); 1`)
	b.until(`!document.querySelector('#copy') && document.querySelectorAll('#cards [data-k]').length === 2 && !document.querySelector('.stale')`)

	// A service that is ill, and a network that is slow.
	n.now(func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusBadGateway)
		return true
	})
	b.open(n.url + "/?lang=it")
	b.until(`document.querySelector('#copy')?.textContent.includes('Il servizio non risponde')`)
	release := make(chan struct{})
	n.now(func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return false
	})
	b.open(n.url + "/?lang=it")
	b.until(`document.querySelector('#copy')?.textContent.includes('Rete lenta')`)
	close(release)
	b.until(`!document.querySelector('#copy')`)
	n.now(nil)
}

func TestTheWorkerKeepsOnlyPagesForEverybody(t *testing.T) {
	needsBrowser(t)
	t.Parallel()
	n := bent(t)
	n.now(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/a/private" || strings.HasPrefix(r.URL.Path, dispatchPath) || strings.HasPrefix(r.URL.Path, wallPath) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Cache-Control", "no-store")
			_, _ = w.Write([]byte(`<html lang="it"><title>secret</title>`))
			return true
		}
		return false
	})
	b := openBrowser(t)
	b.open(n.url + "/?lang=it")
	b.until(`navigator.serviceWorker.controller`)
	for _, path := range []string{"/a/private", "/past", "/status", "/verify?code=VALDE", "/subscribe", dispatchPath + martasToken, wallPath + wallsToken + "?lang=it", "/console", "/?lang=en&code=secret&refresh=60"} {
		b.call("Page.navigate", map[string]any{"url": n.url + path}, nil)
		b.until(fmt.Sprintf(`document.readyState === 'complete' && location.pathname + location.search === %q`, path))
	}
	// More alerts than it holds: those that were opened last stay.
	b.open(n.url + "/?lang=it")
	b.until(`caches.open('martinella-1').then(c => Promise.all([...Array(30).keys()].map(i => c.put('/a/01JAAAAAAAAAAAAAAAAAAAAA' + String(i).padStart(2, '0'), new Response('', {headers: {Date: new Date().toUTCString()}}))))).then(() => { window.put = true; }) && window.put`)
	event := n.issue(message("last"))["event"].(string)
	b.open(n.url + "/a/" + event + "?lang=it")
	b.until(connected)
	b.kept("/a/"+event+"?lang=it", "Piena")
	b.eval(`window.names = undefined; 1`)
	b.until(`(caches.open('martinella-1').then(c => c.keys()).then(k => { window.names = k.map(r => new URL(r.url)).map(u => u.pathname + u.search); }), window.names) && names.filter(p => p.startsWith('/a/')).length === 20`)
	names := fmt.Sprint(b.eval(`names.join(' ')`))
	for _, bad := range []string{"private", "past", "status", "verify", "subscribe", martasToken, wallsToken, "console", "code", "refresh", "part="} {
		if strings.Contains(names, bad) {
			t.Errorf("%s is kept: %s", bad, names)
		}
	}
	for _, good := range []string{"/?lang=it", "/?lang=en", "/a/" + event + "?lang=it", "/static/app.", "/static/feed."} {
		if !strings.Contains(names, good) {
			t.Errorf("%s is not kept: %s", good, names)
		}
	}
}

func TestANewWorkerLeavesOpenPagesAsTheyAreInABrowser(t *testing.T) {
	onlyInE2E(t)
	needsBrowser(t)
	t.Parallel()
	n := bent(t)
	b := openBrowser(t)
	b.open(n.url + "/?lang=it")
	b.until(connected)
	b.until(`navigator.serviceWorker.controller`)
	b.eval(`window.mine = navigator.serviceWorker.controller; window.style = document.querySelector('link[rel=stylesheet]').href; 1`)
	n.server.pages.assets.dress("/* another colour */", nil)
	b.eval(`navigator.serviceWorker.getRegistration('/').then(r => r.update()).then(() => 1)`)
	b.until(`navigator.serviceWorker.controller !== mine`)
	n.issue(message("after"))
	b.until(`document.querySelectorAll('#cards [data-k]').length === 1 && ` + connected)
	b.kept("/?lang=it", "Piena")
	n.now(gone)
	b.open(n.url + "/?lang=it")
	b.until(`document.querySelector('#copy')`)
	// A copy that is too old is none.
	b.eval(`caches.open('martinella-1').then(c => Promise.all(['/', '/?lang=it'].map(k => c.match(k, {ignoreVary: true}).then(async r => r && c.put(k, new Response(await r.text(), {headers: {...Object.fromEntries(r.headers), date: new Date(Date.now() - 8 * 864e5).toUTCString()}})))))).then(() => 1)`)
	b.call("Page.navigate", map[string]any{"url": n.url + "/?lang=it"}, nil)
	b.until(`!document.querySelector('#copy') && !document.querySelector('h1#count')`)
}

func TestTheWorkersAddress(t *testing.T) {
	g := open(t)
	r := g.get("/sw.js")
	if r.StatusCode != http.StatusOK || r.Header.Get("Cache-Control") != "no-cache" || r.Header.Get("Content-Type") != "text/javascript; charset=utf-8" || !strings.Contains(r.Header.Get("Content-Security-Policy"), "worker-src 'self'") {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
	head, _, _ := strings.Cut(strings.TrimPrefix(r.body, "self.made = "), ";\n")
	var m made
	if err := json.Unmarshal([]byte(head), &m); err != nil {
		t.Fatal(err)
	}
	for _, file := range append(m.Files, m.Icon, m.Badge) {
		if a := g.get(file); a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", file, a.StatusCode)
		}
	}
	for _, tag := range pageLanguages {
		for why, words := range m.Words[tag] {
			if !strings.Contains(words, "{T}") {
				t.Errorf("%s %s has no time: %q", tag, why, words)
			}
		}
		if len(m.Words[tag]) != 3 {
			t.Errorf("%s has %d words", tag, len(m.Words[tag]))
		}
	}
	etag := r.Header.Get("ETag")
	if again := g.get("/sw.js", "If-None-Match", etag); again.StatusCode != http.StatusNotModified {
		t.Errorf("unchanged: %d", again.StatusCode)
	}
	g.server.pages.assets.dress("/* another colour */", nil)
	if again := g.get("/sw.js", "If-None-Match", etag); again.StatusCode != http.StatusOK || again.body == r.body {
		t.Errorf("with another style sheet: %d", again.StatusCode)
	}
	if n := len(zip([]byte(r.body))); n > 5<<10 {
		t.Errorf("%d bytes", n)
	} else {
		t.Logf("%d bytes compressed", n)
	}
}

// pushes delivers messages to the worker as a push service would.
func (b *browser) pushes(site, registration string, messages ...any) {
	b.t.Helper()
	for _, m := range messages {
		data, ok := m.(string)
		if !ok {
			j, err := json.Marshal(m)
			if err != nil {
				b.t.Fatal(err)
			}
			data = string(j)
		}
		b.call("ServiceWorker.deliverPushMessage", map[string]any{"origin": site, "registrationId": registration, "data": data}, nil)
	}
}

// inWorker makes the service worker the place where scripts run, until back is
// called.
func (b *browser) inWorker() (back func()) {
	b.t.Helper()
	page := b.session
	b.session = ""
	var targets struct {
		TargetInfos []struct {
			TargetID string `json:"targetId"`
			Type     string
		}
	}
	b.call("Target.getTargets", map[string]any{"filter": []map[string]any{{"type": "service_worker"}}}, &targets)
	if len(targets.TargetInfos) != 1 {
		b.t.Fatalf("%d workers", len(targets.TargetInfos))
	}
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": targets.TargetInfos[0].TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	return func() { b.session = page }
}

func TestAPushMessageIsShown(t *testing.T) {
	needsBrowser(t)
	t.Parallel()
	g, _ := openLive(t)
	b := openBrowser(t)
	session := b.session
	b.session = ""
	b.call("Browser.grantPermissions", map[string]any{"origin": g.URL, "permissions": []string{"notifications"}}, nil)
	b.session = session
	registration := make(chan string, 100)
	b.mu.Lock()
	b.hears = func(method, _ string, params json.RawMessage) {
		var p struct {
			Registrations []struct {
				RegistrationID string `json:"registrationId"`
				ScopeURL       string `json:"scopeURL"`
			}
		}
		if method != "ServiceWorker.workerRegistrationUpdated" || json.Unmarshal(params, &p) != nil {
			return
		}
		for _, r := range p.Registrations { // other tests' pages have workers too
			if strings.HasPrefix(r.ScopeURL, g.URL+"/") {
				select {
				case registration <- r.RegistrationID:
				default:
				}
			}
		}
	}
	b.mu.Unlock()
	b.call("ServiceWorker.enable", nil, nil)
	b.open(g.URL + "/?lang=it")
	b.until(`navigator.serviceWorker.controller?.state === 'activated'`)
	var id string
	select {
	case id = <-registration:
	case <-time.After(time.Minute):
		t.Fatal("the worker is not registered")
	}
	tag := "01JABCDEFGHJKMNPQRSTVWXYZ0"
	message := func(revision int, more ...any) map[string]any {
		m := map[string]any{"v": 1, "title": "Pericolo estremo: piena", "body": "Salite ai piani alti.", "level": "Extreme", "tag": tag, "revision": revision, "renotify": revision == 1,
			"url": g.URL + "/a/" + tag, "action": "a", "areas": []string{"x"}, "lang": "it", "dir": "ltr", "sent": "2026-11-22T17:42:00+01:00"}
		for i := 0; i+1 < len(more); i += 2 {
			m[more[i].(string)] = more[i+1]
		}
		return m
	}
	// shows delivers messages and waits until the notifications are these. A
	// push service delivers again what was not taken, and so does this.
	shows := func(want string, messages ...any) {
		t.Helper()
		for range 6 {
			b.pushes(g.URL, id, messages...)
			if b.comes(fmt.Sprintf(`(navigator.serviceWorker.ready.then(r => r.getNotifications()).then(all => { window.n = all.map(n => [n.title, n.body, n.tag, n.lang, n.dir, n.requireInteraction, n.renotify, new URL(n.data.url).pathname].join('|')).sort().join(' + '); }), window.n) === %q`, want), 5*time.Second) {
				return
			}
		}
		t.Fatalf("shown are %v, want %s", b.eval(`window.n`), want)
	}
	shows("Pericolo estremo: piena|Salite ai piani alti.|"+tag+"|it|ltr|true|true|/a/"+tag, message(1))
	// A correction is silent; one that asks for more is not; an older one is dropped.
	shows("Pericolo estremo: piena|Salite subito.|"+tag+"|it|ltr|true|false|/a/"+tag, message(3, "body", "Salite subito."))
	shows("Pericolo estremo: piena|Salite ai piani alti.|"+tag+"|it|ltr|true|true|/a/"+tag, message(2), message(4, "areas", []string{"x", "y"}))
	// The end takes its place, and waits for nobody.
	shows("Cessato allarme||"+tag+"|it|ltr|false|false|/a/"+tag, message(5, "title", "Cessato allarme", "body", "", "close", true, "url", "https://elsewhere.example/a/x"))
	// What cannot be read is shown too.
	shows("Cessato allarme||"+tag+"|it|ltr|false|false|/a/"+tag+" + Protezione Civile di Valdemo|Nuovo avviso: aprire la pagina.|alert||auto|false|false|/", "nonsense")

	// A touch brings the page that is open to the front, or opens one. A test
	// cannot touch a notification: the worker is told that somebody did.
	back := b.inWorker()
	touch := `(async () => {
		const did = [], clients = self.clients.matchAll.bind(self.clients);
		self.clients.openWindow = async at => { did.push('opens ' + new URL(at).pathname); };
		self.clients.matchAll = async o => (await clients(o)).map(c => ({url: c.url, focus: async () => { did.push('shows ' + new URL(c.url).pathname); }}));
		for (const notification of await self.registration.getNotifications()) {
			let work;
			const e = new NotificationEvent('notificationclick', {notification});
			e.waitUntil = p => { work = p; };
			self.dispatchEvent(e);
			await work;
		}
		return did.sort().join(', ') + ', left ' + (await self.registration.getNotifications()).length;
	})()`
	if got := b.eval(touch); got != "opens /a/"+tag+", shows /, left 0" {
		t.Errorf("a touch: %v", got)
	}
	back()
}
