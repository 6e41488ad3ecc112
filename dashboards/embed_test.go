package dashboards

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"martinella/alerts/areas"
)

func TestTheStripIsSmallAndItsPolicyNamesWhoMayFrameIt(t *testing.T) {
	g := open(t, func(c *Config) { c.EmbedOrigins = []string{"https://www.comune.example"} })
	if r := g.get("/embed"); strings.Contains(r.body, "<a ") || strings.Contains(r.body, "nessuna") {
		t.Errorf("without an alert the strip says something: %s", r.body)
	}
	if r := g.get("/embed?calm=1"); !strings.Contains(r.body, `<a class="grn"`) || !strings.Contains(r.body, "nessuna allerta in corso") {
		t.Errorf("the calm strip is not there: %s", r.body)
	}
	for n, severity := range []string{"Extreme", "Severe", "Moderate"} {
		g.issue(message("strip-"+itoa(n), "severity", severity, "headline", "Prova &lt;b&gt; &amp; "+severity))
	}
	g.issue(message("strip-drill", "status", "Exercise", "severity", "Extreme", "headline", "Evacuazione"))
	r := g.get("/embed?calm=1&lang=it", "Accept-Encoding", "gzip")
	if len(r.body) > 1<<10 {
		t.Errorf("%d bytes compressed, at most 1024", len(r.body))
	}
	t.Logf("/embed with four strips: %d bytes compressed", len(r.body))
	policy := r.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "frame-ancestors 'self' https://www.comune.example;") || r.Header.Get("X-Frame-Options") != "" || r.Header.Get("Refresh") != "" || len(r.Cookies()) > 0 {
		t.Errorf("headers %v", r.Header)
	}
	if got := g.get("/").Header.Get("Content-Security-Policy"); !strings.Contains(got, "frame-ancestors 'none'") {
		t.Errorf("the first page may be framed: %s", got)
	}
	plain := g.get("/embed?calm=1&lang=it", "Accept-Encoding", "identity").body
	at := -1
	for _, want := range []string{`<a class="red"`, `<a class="org"`, `<a class="yel"`, "ESERCITAZIONE - Avviso - pericolo estremo"} {
		next := strings.Index(plain, want)
		if next <= at {
			t.Errorf("%s is not there, or not in order: %s", want, plain)
		}
		at = next
	}
	if strings.Count(plain, `target="_top" rel="noopener"`) != 4 || strings.Contains(plain, "nessuna allerta") || strings.Contains(plain, "<b>&") {
		t.Errorf("%s", plain)
	}
	if r := g.get("/embed?refresh=60"); r.Header.Get("Refresh") != "60" {
		t.Errorf("asked to refresh: %v", r.Header)
	}
	if r := g.get("/embed?calm=1&lang=it", "If-None-Match", r.Header.Get("ETag")); r.StatusCode != 304 || !strings.Contains(r.Header.Get("Content-Security-Policy"), "www.comune.example") {
		t.Errorf("unchanged: %d %v", r.StatusCode, r.Header)
	}
	if r := g.get("/embed?level=severe"); strings.Contains(r.body, `class="yel"`) || !strings.Contains(r.body, `class="org"`) {
		t.Errorf("of a level: %s", r.body)
	}
}

func TestOriginsOfFramesAreOnlySchemeAndHost(t *testing.T) {
	for origin, want := range map[string]bool{
		"https://www.comune.example": true, "http://localhost:8081": true, "https://a.example/": false, "https://a.example;script-src *": false,
		"*": false, "https://*": false, "'self'": false, "a.example": false, "https://a.example https://b.example": false, "https://a.example\n": false,
	} {
		if Origin(origin) != want {
			t.Errorf("%q: %v", origin, !want)
		}
	}
	c := open(t).server.Config
	c.EmbedOrigins = []string{"https://a.example; script-src *"}
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "EmbedOrigins") {
		t.Errorf("New took it: %v", err)
	}
}

func TestTheElementHasAStableAddress(t *testing.T) {
	g := open(t)
	r := g.get("/widget.js")
	if r.StatusCode != 200 || r.Header.Get("Content-Type") != "text/javascript; charset=utf-8" || r.Header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.HasPrefix(r.Header.Get("Cache-Control"), "max-age=300") || r.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
	if got := g.get("/widget.js", "If-None-Match", r.Header.Get("ETag")); got.StatusCode != 304 {
		t.Errorf("unchanged: %d", got.StatusCode)
	}
	for _, never := range []string{"innerHTML", "insertAdjacentHTML", "document.write", "eval(", "document.cookie", "localStorage", "/*WORDS*/", "/*SHAPES*/", "feeds_"} {
		if strings.Contains(r.body, never) {
			t.Errorf("the element has %s", never)
		}
	}
	for _, tag := range pageLanguages {
		if !strings.Contains(r.body, `"`+tag+`":{`) {
			t.Errorf("the element has no words in %s", tag)
		}
	}
}

// foreignSite is a site of somebody else, with a policy that allows ours and
// nothing inline.
func foreignSite(t *testing.T, ours, body string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src "+ours+"; connect-src "+ours+"; frame-src "+ours+"; img-src data:; require-trusted-types-for 'script'")
		_, _ = w.Write([]byte(`<!doctype html><html lang="it"><head><title>Comune</title><link rel="icon" href="data:,"></head><body><main><h1>Il Comune</h1>` + body + `</main></body></html>`))
	}))
	t.Cleanup(s.Close)
	return s
}

func TestTheElementOnAnotherSiteInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g := open(t, func(c *Config) { c.Areas = areas.Valdemo() })
	first := serve(t, "127.0.0.1:0", g.server.Public())
	address := first.Listener.Addr().String()
	site := foreignSite(t, first.URL, `<martinella-alerts src="`+first.URL+`" area="VD-8" lang="it" calm every="10"></martinella-alerts><script src="`+first.URL+`/widget.js"></script>`)
	in := `document.querySelector('martinella-alerts').shadowRoot`
	b.open(site.URL)
	b.until(in + `.querySelector('a.grn')?.textContent.match(/^Alle \d\d:\d\d nessuna allerta in corso$/)`)
	b.picture("widget-calm")
	g.issue(message("element-1", "ISTAT", "VALDEMO", "099001", "VD-8", "severity", "Severe", "headline", `Piena: &lt;img src=x onerror=alert(1)&gt; salite`))
	again := `document.dispatchEvent(new Event('visibilitychange')); 1`
	b.eval(again)
	b.until(in + `.querySelector('a.org')?.textContent === 'Avviso - pericolo grave Piena: <img src=x onerror=alert(1)> salite'`)
	for what, script := range map[string]string{
		"role":    `document.querySelector('martinella-alerts').getAttribute('role') === 'region' && document.querySelector('martinella-alerts').getAttribute('aria-label') === 'Allerte – Protezione Civile di Valdemo – Borgo Basso'`,
		"live":    in + `.querySelector('[aria-live=polite] a.org') !== null`,
		"target":  in + `.querySelector('a.org').target === '_blank' && ` + in + `.querySelector('a.org').rel === 'noopener'`,
		"styled":  `getComputedStyle(` + in + `.querySelector('a.org')).display === 'flex'`,
		"where":   in + `.querySelector('a.org').href.startsWith('` + first.URL + `/a/')`,
		"cookies": `document.cookie === ''`,
	} {
		if b.eval(script) != true {
			t.Errorf("%s: not so: %s", what, script)
		}
	}
	b.picture("widget")
	b.quiet()

	// The gateway goes: what was read stays, with its time, and comes back.
	first.CloseClientConnections()
	first.Close()
	b.eval(again)
	b.until(in + `.querySelector('[role=status]').textContent.match(/^Aggiornamento fermo dalle \d\d:\d\d\.$/)`)
	if b.eval(in+`.querySelectorAll('a.org').length`) != 1.0 {
		t.Error("what was read is gone")
	}
	b.picture("widget-stale")
	serve(t, address, g.server.Public())
	g.issue(message("element-2", "ISTAT", "VALDEMO", "099001", "VD-8", "severity", "Extreme", "headline", "Restate in casa"))
	b.eval(again)
	b.until(in + `.querySelector('a')?.className === 'red' && ` + in + `.querySelector('[role=status]').textContent === ''`)
	if script := axe(t); script != "" {
		b.call("Page.setBypassCSP", map[string]any{"enabled": true}, nil) // for the checker alone
		b.open(site.URL + "/?checked")
		b.until(in + `.querySelector('a.red')`)
		b.eval(script + "; 1")
		if found := b.eval(`axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')).join('\n'))`); found != "" {
			t.Errorf("the element: %v", found)
		}
	}
}

func TestOnlyConfiguredSitesFrameTheStripInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	var ours, named, other *httptest.Server
	handler := http.NewServeMux()
	ours = serve(t, "127.0.0.1:0", handler)
	frame := `<iframe title="Allerte" src="` + ours.URL + `/embed?lang=it"></iframe>`
	named, other = foreignSite(t, ours.URL, frame), foreignSite(t, ours.URL, frame)
	g := open(t, func(c *Config) { c.EmbedOrigins = []string{named.URL} })
	handler.Handle("/", g.server.Public())
	g.issue(message("framed", "severity", "Severe"))
	// A frame of another origin is seen by its messages alone: what the browser
	// made of it is in the tree of frames.
	type tree struct {
		Frame       struct{ URL, UnreachableURL string }
		ChildFrames []struct {
			Frame struct{ URL, UnreachableURL string }
		}
	}
	framed := func(site string) bool {
		b.open(site)
		b.until(`frames.length === 1`)
		var got struct{ FrameTree tree }
		b.call("Page.getFrameTree", nil, &got)
		if len(got.FrameTree.ChildFrames) != 1 {
			t.Fatalf("%+v", got)
		}
		f := got.FrameTree.ChildFrames[0].Frame
		return f.UnreachableURL == "" && strings.HasPrefix(f.URL, ours.URL)
	}
	if !framed(named.URL) {
		t.Error("the configured site cannot frame the strip")
	}
	b.picture("frame")
	b.quiet()
	if framed(other.URL) {
		t.Error("a site that is not configured can")
	}
	b.mu.Lock()
	refused := strings.Contains(strings.Join(b.said, "\n"), "frame-ancestors")
	b.said = nil
	b.mu.Unlock()
	if !refused {
		t.Error("the browser did not refuse it for frame-ancestors")
	}
}

func TestTheStripIsAccessibleInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g := open(t)
	b.looks(g.URL, map[string]string{"embed-calm": "/embed?calm=1&lang=it", "embed-none": "/embed?lang=en"})
	for n, severity := range []string{"Extreme", "Severe", "Moderate", "Minor"} {
		g.issue(message("look-"+itoa(n), "severity", severity))
	}
	g.issue(message("look-drill", "status", "Exercise", "severity", "Severe", "headline", "Evacuazione della scuola"))
	b.looks(g.URL, map[string]string{"embed": "/embed?lang=it"})
	b.open(g.URL + "/embed?lang=it")
	b.until(`document.getElementById('m').getAttribute('aria-live') === 'polite'`)
	b.quiet()
}

func TestAFeedReadsInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g := open(t)
	b.open(g.URL + "/feed.atom?lang=it")
	b.until(`document.documentElement.textContent.includes('il feed non contiene avvisi')`)
	g.issue(message("read-1", "severity", "Extreme"))
	v := g.issue(message("read-2", "severity", "Moderate", "headline", "Strada chiusa <via Roma>", "<via Roma>", "&lt;via Roma&gt;"))
	g.act(alone, v["id"].(string), "all-clear", `{"digest":"`+v["digest"].(string)+`","text":"La strada è aperta."}`)
	g.settle()
	for _, path := range []string{"/feed.atom", "/cap.atom"} {
		for _, scheme := range []string{"light", "dark"} {
			b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
			b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 320, "height": 844, "deviceScaleFactor": 1, "mobile": true}, nil)
			b.open(g.URL + path + "?lang=it&now=" + scheme) // not what the browser keeps
			b.until(`document.querySelectorAll('entry').length === 2`)
			for what, script := range map[string]string{
				"styled":   `getComputedStyle(document.querySelector('entry')).borderTopWidth === '2px'`,
				"hidden":   `getComputedStyle(document.querySelector('entry > id')).display === 'none' && getComputedStyle(document.querySelector('entry > summary')).display === 'none'`,
				"title":    `getComputedStyle(document.querySelector('feed > title')).display === 'block'`,
				"link":     `[...document.querySelectorAll('a')].some(a => a.href && a.textContent === "Apri l'avviso")`,
				"sideways": `document.documentElement.scrollWidth <= 320`,
			} {
				if b.eval(script) != true {
					t.Errorf("%s, %s, %s: not so: %s", path, scheme, what, script)
				}
			}
			b.picture("feed" + strings.ReplaceAll(path, "/", "-") + "-" + scheme)
		}
	}
	b.quiet()
}
