package dashboards

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"martinella/broadcast"
	"martinella/broadcast/live"
)

// browser drives Chromium over its debugging pipe (the Chrome DevTools
// Protocol; messages end with a zero byte).
type browser struct {
	t       testing.TB
	to      *os.File
	mu      sync.Mutex
	next    int
	waiting map[int]chan json.RawMessage
	said    []string // errors and violations of the policy on the console
	session string

	hears func(method, session string, params json.RawMessage) // every event, where it is set
}

// onlyInE2E leaves a test that takes long to make e2e, which finds those whose
// names hold InABrowser.
func onlyInE2E(t *testing.T) {
	t.Helper()
	if !strings.Contains(t.Name(), "InABrowser") {
		t.Fatal("make e2e would never run it: put InABrowser into its name")
	}
	if os.Getenv("TEST_E2E") == "" {
		t.Skip("SKIP: runs with make e2e (TEST_E2E=1)")
	}
}

func openBrowser(t testing.TB) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("SKIP: chromium is not installed: install it to see the pages in a real browser")
	}
	read, childWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	childRead, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=it",
		"--remote-debugging-pipe", "--user-data-dir="+filepath.Join(t.TempDir(), "profile"), "--window-size=390,844", "about:blank")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.ExtraFiles = []*os.File{childRead, childWrite}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	childRead.Close()
	childWrite.Close()
	b := &browser{t: t, to: write, waiting: map[int]chan json.RawMessage{}}
	done := make(chan struct{})
	go func() { defer close(done); b.listen(read) }()
	t.Cleanup(func() {
		// Its own processes must be gone before their folder is removed.
		b.session = ""
		b.call("Browser.close", nil, nil)
		<-done
		gone := make(chan struct{})
		go func() { defer close(gone); _ = cmd.Wait() }()
		select {
		case <-gone:
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			<-gone
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		write.Close()
		read.Close()
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

func (b *browser) listen(from *os.File) {
	r := bufio.NewReaderSize(from, 1<<20)
	for {
		message, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			ID     int
			Method string
			Result json.RawMessage
			Params json.RawMessage
			From   string `json:"sessionId"`
		}
		if json.Unmarshal(bytes.TrimSuffix(message, []byte{0}), &m) != nil {
			continue
		}
		var p struct {
			Entry struct{ Level, Text string }
		}
		_ = json.Unmarshal(m.Params, &p) // of other events it is empty
		b.mu.Lock()
		if m.Method != "" && b.hears != nil {
			b.hears(m.Method, m.From, m.Params)
		}
		switch {
		case m.ID != 0:
			if c := b.waiting[m.ID]; c != nil {
				delete(b.waiting, m.ID)
				c <- m.Result
			}
		case m.Method == "Log.entryAdded" && p.Entry.Level == "error":
			b.said = append(b.said, p.Entry.Text)
		case m.Method == "Runtime.exceptionThrown":
			b.said = append(b.said, string(message))
		}
		b.mu.Unlock()
	}
}

func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	if !b.asks(method, params, result, time.Minute) {
		b.t.Fatalf("%s: no answer within a minute", method)
	}
}

// asks reports whether an answer came within a time: what a page was asked while
// it gave way to another one may never be answered.
func (b *browser) asks(method string, params, result any, within time.Duration) bool {
	b.t.Helper()
	b.mu.Lock()
	b.next++
	id, answer := b.next, make(chan json.RawMessage, 1)
	b.waiting[id] = answer
	b.mu.Unlock()
	m := map[string]any{"id": id, "method": method}
	if params != nil {
		m["params"] = params
	}
	if b.session != "" {
		m["sessionId"] = b.session
	}
	bytes, _ := json.Marshal(m)
	if _, err := b.to.Write(append(bytes, 0)); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	select {
	case r := <-answer:
		if result != nil && len(r) > 0 { // an error has none: the page was left meanwhile
			if err := json.Unmarshal(r, result); err != nil {
				b.t.Fatalf("%s: %v in %s", method, err, r)
			}
		}
		return true
	case <-time.After(within):
		return false
	}
}

// fires runs what makes the page give way to another one, and waits for no more
// than that it was begun.
func (b *browser) fires(script string) {
	b.t.Helper()
	b.asks("Runtime.evaluate", map[string]any{"expression": script}, nil, 10*time.Second)
}

// holds looks whether a condition of the page is true now; false also where the
// page is giving way to another one.
func (b *browser) holds(condition string) bool {
	b.t.Helper()
	var r struct{ Result struct{ Value any } }
	return b.asks("Runtime.evaluate", map[string]any{"expression": condition, "awaitPromise": true, "returnByValue": true}, &r, 10*time.Second) && r.Result.Value == true
}

// eval runs JavaScript in the page and gives its value.
func (b *browser) eval(script string) any {
	b.t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails *struct{ Text string }
	}
	b.call("Runtime.evaluate", map[string]any{"expression": script, "awaitPromise": true, "returnByValue": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", script, r.ExceptionDetails.Text)
	}
	return r.Result.Value
}

// until waits in the page until a condition holds. A page that goes away under
// the question, since another one takes its place, is asked again.
func (b *browser) until(condition string) {
	b.t.Helper()
	if !b.comes(condition, time.Minute) {
		b.t.Fatalf("never came true: %s\n%v", condition, b.eval("document.body.innerText"))
	}
}

// comes reports whether a condition of the page comes true within a time.
func (b *browser) comes(condition string, within time.Duration) bool {
	b.t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); {
		look := min(time.Until(end), 2*time.Second).Milliseconds()
		if b.holds(fmt.Sprintf(`new Promise(done => { const end = Date.now() + %d, look = () => {
			let yes = false; try { yes = %s; } catch {}
			if (yes || Date.now() > end) done(!!yes); else setTimeout(look, 10); }; look(); })`, look, condition)) {
			return true
		}
	}
	return false
}

// open goes to a page, also to the one that is there, and waits for it without
// timers of the page, which stand still where scripts are off.
func (b *browser) open(url string) {
	b.t.Helper()
	b.eval(`window.before = 1`)
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	b.sees(`!window.before && location.href.startsWith(` + fmt.Sprintf("%q", url) + `)`)
}

// picture takes a screenshot of the whole page into the folder that PICTURES
// names, for people to look at.
func (b *browser) picture(name string) {
	dir := os.Getenv("PICTURES")
	if dir == "" {
		return
	}
	var r struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true}, &r)
	data, _ := base64.StdEncoding.DecodeString(r.Data)
	_ = os.WriteFile(filepath.Join(dir, name+".png"), data, 0o600)
}

func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.said {
		b.t.Errorf("the browser complains: %s", s)
	}
	b.said = nil
}

// openLive is a gateway with the real live feed. cut closes its sockets.
func openLive(t testing.TB, change ...func(*Config)) (g *gateway, cut func()) {
	t.Helper()
	registry := prometheus.NewRegistry()
	metrics, err := live.NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	build := func(f func(broadcast.Entry, string, string, time.Duration) []byte) live.Build {
		return func(e broadcast.Entry, lang string, spread time.Duration) []byte { return f(e, "", lang, spread) }
	}
	var hub *live.Hub
	g = open(t, append(change, func(c *Config) {
		var err error
		hub, err = live.New(live.Config{Log: c.Log, Brief: build(broadcast.Brief), Full: build(broadcast.Full), Metrics: metrics, Logger: c.Logger, ShutdownSpread: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		b := c.Board.(*broadcast.Board)
		b.OnLoad(hub.Begin)
		b.Observe(hub.Publish)
		c.Live, c.Events = hub, hub.Events()
	})...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = hub.Run(ctx) }()
	cut = func() { cancel(); <-done }
	t.Cleanup(cut)
	return g, cut
}

// serve puts the gateway on a fixed address, so that it can come back there.
func serve(t testing.TB, address string, h http.Handler) *httptest.Server {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func TestAStoryInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g, cut := openLive(t)

	b.open(g.URL + "/?lang=it")
	b.until(`document.getElementById('state').textContent === 'La pagina si aggiorna da sola'`)
	if got := b.eval(`document.querySelector('h1').textContent`); got != "Nessuna allerta in corso" {
		t.Errorf("h1 %q", got)
	}
	b.picture("none")

	// A new alert comes in by itself: first the brief, then the page's own part.
	first := g.issue(message("story-1", "severity", "Severe", "headline", "Restate in casa", "event", "Temporali forti"))
	b.until(`document.querySelector('.card.org h2')?.textContent === 'Restate in casa'`)
	b.until(`document.querySelector('[data-k="` + first["id"].(string) + `.1"]')`)
	b.until(`document.querySelector('h1').textContent === 'Allerte in corso (1)'`)
	if got, _ := b.eval(`document.title`).(string); !strings.HasPrefix(got, "(1) Allerte in corso") {
		t.Errorf("title %q", got)
	}
	if got, _ := b.eval(`document.getElementById('live').textContent`).(string); !strings.Contains(got, "Avviso - pericolo grave · Temporali forti: Restate in casa") {
		t.Errorf("read out: %q", got)
	}

	// What the reader was doing stays: an opened text, a focused link.
	g.issue(message("story-2", "severity", "Moderate", "headline", "Strada chiusa"))
	b.until(`document.querySelectorAll('#cards [data-k]').length === 2`)
	b.eval(`document.querySelector('.card.yel details').open = true; document.querySelector('.card.yel h2 a').focus(); 1`)
	g.issue(message("story-3", "severity", "Extreme"))
	b.until(`document.querySelectorAll('#cards [data-k]').length === 3`)
	if b.eval(`document.querySelector('.card.yel details').open`) != true {
		t.Error("what was open is closed")
	}
	if got := b.eval(`document.activeElement.textContent`); got != "Strada chiusa" {
		t.Errorf("the focus went to %q", got)
	}
	if got := b.eval(`document.querySelector('#cards .card').className.includes('red')`); got != true {
		t.Error("the gravest does not come first")
	}
	b.picture("three")

	// The exercise is marked, and the end of an alert is told.
	g.issue(message("story-4", "severity", "Severe", "status", "Exercise", "headline", "Prova di evacuazione"))
	b.until(`document.querySelector('.drill') && [...document.querySelectorAll('.ex')].some(e => e.textContent === 'ESERCITAZIONE')`)
	if r := g.act(alone, first["id"].(string), "all-clear", `{"digest":"`+first["digest"].(string)+`","text":"Si può uscire."}`); r.StatusCode != 201 {
		t.Fatalf("all-clear: %d %s", r.StatusCode, r.body)
	}
	b.until(`document.querySelector('.card.grn .kicker')?.textContent.includes('Cessato allarme')`)
	b.quiet()
	b.picture("ended")

	// The event's own page is live too.
	b.open(g.URL + "/a/" + first["id"].(string) + "?lang=it")
	b.until(`document.getElementById('state').textContent === 'La pagina si aggiorna da sola'`)
	b.until(`document.querySelectorAll('.time li').length === 2`)
	b.picture("event")
	b.quiet()

	// The server goes: the page says since when, and offers a reload.
	cut()
	b.until(`/^Aggiornamento fermo dalle \d\d:\d\d/.test(document.getElementById('state').textContent)`)
	b.until(`!document.getElementById('nojs').hidden`)
}

func TestAReaderThatWasAwayGetsWhatItMissed(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g, cut := openLive(t)
	first := serve(t, "127.0.0.1:0", g.server.Public())
	b.open(first.URL + "/?lang=it")
	b.until(`document.getElementById('state').textContent === 'La pagina si aggiorna da sola'`)
	address := first.Listener.Addr().String()
	cut()
	b.until(`document.getElementById('state').textContent.startsWith('Aggiornamento fermo')`)
	first.CloseClientConnections()
	first.Close()
	g.issue(message("missed"))
	back, _ := openLive(t)
	back.memory.mu.Lock()
	g.memory.mu.Lock()
	back.memory.records, back.memory.log = g.memory.records, g.memory.log
	g.memory.mu.Unlock()
	close(back.memory.moved)
	back.memory.moved = make(chan struct{})
	back.memory.mu.Unlock()
	back.settle()
	serve(t, address, back.server.Public())
	b.until(`document.querySelector('h1').textContent === 'Allerte in corso (1)'`)
	b.until(`document.getElementById('state').textContent === 'La pagina si aggiorna da sola'`)
}

func TestLayoutInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	g := open(t, register("masto"))
	id := g.issue(message("layout", "severity", "Extreme", "areaDesc", strings.Repeat("Donaudampfschifffahrtsgesellschaft", 4)))["id"].(string)
	g.issue(message("layout-2", "severity", "Severe", "status", "Exercise"))
	for _, scheme := range []string{"light", "dark"} {
		b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
		for _, width := range []int{320, 390, 1280} {
			b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 1000}, nil)
			for name, path := range map[string]string{"home": "/", "alert": "/a/" + id, "past": "/past", "status": "/status", "accounts": "/accounts", "verify": "/verify?code=K7Q2P", "advice": "/what-to-do/flood", "guide": "/guide/api", "privacy": "/privacy", "policy": "/policy", "feedback": "/feedback", "accessibility": "/accessibility"} {
				b.open(g.URL + path)
				if over := b.eval(`document.documentElement.scrollWidth - innerWidth`).(float64); over > 0 {
					t.Errorf("%s scrolls sideways by %v px at %d px", path, over, width)
				}
				small := b.eval(`[...document.querySelectorAll('nav a,.sos a,.button,summary,h2 a,footer a')].filter(e => e.getClientRects().length && e.getBoundingClientRect().height < 24).map(e => e.textContent).join()`)
				if small != "" {
					t.Errorf("%s at %d px has targets under 24 px: %v", path, width, small)
				}
				b.picture(fmt.Sprintf("%s-%d-%s", name, width, scheme))
			}
		}
	}
	b.quiet()
}
