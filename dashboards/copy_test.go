package dashboards

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/dashboards/mirror"
)

// notCopied are the public routes that a copy leaves out, each with its reason.
var notCopied = map[string]string{
	"/hooks/{channel}":      "platforms speak to the gateway",
	"/live":                 "needs the gateway",
	"/events":               "needs the gateway",
	"/a/{id}/sheet":         "bears the time at which it is asked for",
	"/outbox":               "shows what was not sent, at the gateway",
	"/subscribe":            "takes sign-ups, at the gateway",
	"/s/{token}":            "of one person",
	"/p/{token}":            "of one person",
	"/p/{token}/data.json":  "of one person",
	"/v/{token}":            "of one person",
	"/v/{token}/data.json":  "of one person",
	"/v/{token}/hours.csv":  "of one person",
	"/d/{token}":            "of one person",
	"/board/{token}":        "names people, and moves every second",
	"/manifest.webmanifest": "of the pages that receive push messages",
	"/verify":               "compares what is typed, at the gateway",
	"/embed":                "says what holds at this moment on pages of others",
	"/widget.js":            "says what holds at this moment on pages of others",
	"/sw.js":                "keeps the gateway's pages",
	shapesPath:              "for the script of the areas, which a copy does not run",
}

// Every public page is in a copy, or it is known why not.
func TestEveryPublicPageIsInTheCopy(t *testing.T) {
	g, _ := openLive(t)
	g.server.Desk.Policy.Practice, g.server.Outbox, g.server.Callouts = true, emptyOutbox{}, &fakeCallouts{}
	for _, r := range g.server.public() {
		if r.Method != http.MethodGet {
			continue
		}
		_, copied := stills[r.Path]
		if _, left := notCopied[r.Path]; copied == left {
			t.Errorf("GET %s: put it into stills (copy.go) if a file can answer it for everybody, else into notCopied with the reason", r.Path)
		}
	}
}

type emptyOutbox struct{}

func (emptyOutbox) Entries() []OutboxEntry { return nil }

// copied makes a copy in a folder.
func (g *gateway) copied(c *Copier, dir string, now time.Time, whole bool) mirror.Report {
	g.t.Helper()
	e, err := c.Copy(g.t.Context(), now, whole)
	if err != nil {
		g.t.Fatal(err)
	}
	r, err := mirror.Folder{Dir: dir}.Take(g.t.Context(), e)
	if err != nil {
		g.t.Fatal(err)
	}
	return r
}

// pagesIn reads the files of a copy by their names.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		name, _ := filepath.Rel(dir, p)
		all[filepath.ToSlash(name)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// dumb serves a folder as the plainest web server does.
func dumb(t *testing.T, dir string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(s.Close)
	return s
}

// hostileText is what a stranger's alert may say to break out of a page.
const hostileText = `../../../etc/passwd"&gt;&lt;script src=//evil.example&gt;&lt;/script&gt;&lt;a href=&quot;/a/../../x&quot;&gt; ` + "\u202e" + ` &lt;time id=&quot;copied&quot;&gt;`

func TestACopyHoldsTogether(t *testing.T) {
	g := open(t, register("masto"))
	first := g.issue(message("copy-1", "severity", "Severe", "headline", hostileText, "event", hostileText, "areaDesc", hostileText))
	second := g.issue(message("copy-2", "severity", "Extreme"))
	if r := g.act(alone, second["id"].(string), "all-clear", `{"digest":"`+second["digest"].(string)+`","text":"Si può uscire."}`); r.StatusCode != http.StatusCreated {
		t.Fatalf("all-clear: %d %s", r.StatusCode, r.body)
	}
	g.settle()
	dir := t.TempDir()
	at := time.Now()
	stamp := `<time datetime="` + at.In(rome).Format(time.RFC3339) + `">`
	g.copied(g.server.Copier(), dir, at, true)
	files := filesIn(t, dir)

	for _, want := range []string{"index.html", "en/index.html", "de/index.html", "sl/index.html", "fr/index.html", "past/index.html", "en/past/index.html", "404.html",
		"feed.atom", "en/feed.atom", "feed.rss", "feed.json", "robots.txt", "copy.json", "guide/index.html", "guide/api/index.html",
		"a/" + first["event"].(string) + "/index.html", "en/a/" + second["event"].(string) + "/index.html", "cap/" + first["id"].(string) + ".xml", "cap/" + second["id"].(string) + ".xml"} {
		if _, there := files[want]; !there {
			t.Errorf("%s is not in the copy", want)
		}
	}
	server := dumb(t, dir)
	links := 0
	for name, body := range files {
		if !mirror.Valid(name) {
			t.Errorf("the file %q", name)
		}
		if strings.HasSuffix(name, ".xml") || strings.HasSuffix(name, ".atom") || strings.HasSuffix(name, ".rss") {
			if err := xml.Unmarshal([]byte(body), new(struct{})); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		lang := "it"
		if first, _, below := strings.Cut(name, "/"); below && len(first) == 2 {
			lang = first
		}
		if !strings.Contains(body, `<html lang="`+lang+`">`) {
			t.Errorf("%s is not in %s", name, lang)
		}
		if n := strings.Count(body, "<strong>"+stamp); n != 1 {
			t.Errorf("%s says %d times when it was made", name, n)
		}
		for _, no := range []string{"<script", "data-cursor", "?lang=", "refresh=60", "id=\"copied\""} {
			if strings.Contains(body, no) && !strings.Contains(name, "guide/") {
				t.Errorf("%s holds %s", name, no)
			}
		}
		if !strings.Contains(body, `<meta http-equiv="Content-Security-Policy"`) {
			t.Errorf("%s has no policy", name)
		}
		links += crawl(t, server, files, name, body)
	}
	if links < 1000 {
		t.Errorf("only %d links were followed", links)
	}
}

// crawl proves that every link inside a page leads to a file.
func crawl(t *testing.T, server *httptest.Server, files map[string]string, name, body string) (n int) {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(body))
	for z.Next() != html.ErrorToken {
		tok := z.Token()
		attr := linkAttr(tok.Data)
		if attr == "" {
			continue
		}
		for _, a := range tok.Attr {
			if a.Key != attr || !strings.HasPrefix(a.Val, "/") {
				if u, err := url.Parse(a.Val); a.Key == attr && (err != nil || strings.Contains(u.Host, "evil")) {
					t.Errorf("%s leads to %s", name, a.Val)
				}
				continue
			}
			u, err := url.Parse(a.Val)
			if err != nil {
				t.Errorf("%s links to %q: %v", name, a.Val, err)
				continue
			}
			to := strings.TrimPrefix(u.Path, "/")
			if to == "" || strings.HasSuffix(to, "/") {
				to += "index.html"
			}
			if _, there := files[to]; !there {
				t.Errorf("%s links to %s, which is not there", name, a.Val)
			}
			n++
		}
	}
	return n
}

// The address of a message opens on the plainest web server.
func TestTheAddressOfAMessageOpensInTheCopy(t *testing.T) {
	g := open(t)
	event := g.issue(message("copy-sms", "severity", "Severe"))["event"].(string)
	dir := t.TempDir()
	g.copied(g.server.Copier(), dir, time.Now(), true)
	server := dumb(t, dir)
	for _, address := range []string{"/a/" + event, "/a/" + event + "/", "/en/a/" + event, "/past", "/status", "/"} {
		r, err := server.Client().Get(server.URL + address)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %s", address, r.StatusCode, r.Header.Get("Content-Type"))
		}
	}
}

func TestTheCopyNeverSaysNow(t *testing.T) {
	g := open(t, func(c *Config) { c.Areas = areas.Valdemo() })
	at := time.Now()
	c := g.server.Copier()
	dir := t.TempDir()
	g.copied(c, dir, at, true)
	for name, body := range filesIn(t, dir) {
		for _, now := range []string{"In questo momento", "Nessuna allerta in corso<", "At the moment", "No alerts in progress<", "Derzeit", "Zurzeit", "En ce moment", "Trenutno"} {
			if strings.HasSuffix(name, "index.html") && !strings.Contains(name, "guide") && !strings.Contains(name, "accounts") && strings.Contains(body, now) {
				t.Errorf("%s says %q", name, now)
			}
		}
	}
	for _, l := range g.server.pages.locales.tags {
		file := path.Join(l, "index.html")
		if l == "it" {
			file = "index.html"
		}
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		loc := g.server.pages.locales.all[l].forCopy()
		made := loc.At(at, at)
		for _, want := range []string{
			`<h1 id="count">` + html.EscapeString(loc.must("mirror_none", "Clock", made.Clock, "Date", made.Date)),
			`<span>` + html.EscapeString(loc.must("mirror_when", "Clock", made.Clock, "Date", made.Date)),
		} {
			if !strings.Contains(string(b), want) || !strings.Contains(want, itoa(at.In(rome).Year())) {
				t.Errorf("%s does not say %q", file, want)
			}
		}
		file = path.Join(path.Dir(file), g.server.pages.atlas.all[0].URL(), "index.html")
		if b, err = os.ReadFile(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
		if want := html.EscapeString(loc.must("mirror_none_area", "Clock", made.Clock, "Date", made.Date, "Name", g.server.pages.atlas.all[0].Name)); !strings.Contains(string(b), `class="big">`+want) {
			t.Errorf("%s does not say %q", file, want)
		}
	}
}

// Who reads a copy tomorrow must see that a time was of today.
func TestACopySaysTheDayOfEveryTime(t *testing.T) {
	g := open(t)
	now := time.Now()
	expires := now.Add(time.Hour)
	g.issue(message("over", "severity", "Severe", "expires", alerts.FormatTime(expires.In(rome))))
	g.settle()
	dir := t.TempDir()
	g.copied(g.server.Copier(), dir, expires.Add(time.Minute), true)
	l := g.server.pages.locales.all["it"]
	want := l.must("lapsed_day", "Clock", l.At(expires, now).Clock, "Date", l.forCopy().At(expires, now).Date)
	files := filesIn(t, dir)
	for _, name := range []string{"index.html", "feed.atom", "feed.json"} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s does not say %q", name, want)
		}
	}
	if said := l.lapsed(now, now); said != l.must("lapsed_today", "Clock", l.At(now, now).Clock) {
		t.Errorf("the gateway's own page says %q", said)
	}
}

// What did not change is not written again; what goes on says its new time.
func TestACopyWritesOnlyWhatChanged(t *testing.T) {
	g := open(t)
	event := g.issue(message("copy-on", "severity", "Severe"))["event"].(string)
	old := g.issue(message("copy-off", "severity", "Moderate"))
	if r := g.act(alone, old["id"].(string), "all-clear", `{"digest":"`+old["digest"].(string)+`","text":"Si può uscire."}`); r.StatusCode != http.StatusCreated {
		t.Fatalf("all-clear: %d %s", r.StatusCode, r.body)
	}
	g.settle()
	dir := t.TempDir()
	now := time.Now()
	all := g.copied(g.server.Copier(), dir, now, true)
	before := filesIn(t, dir)
	if all.Kept+all.Removed > 0 || all.Written != len(before)-1 {
		t.Errorf("first: %+v of %d files", all, len(before))
	}
	again := g.copied(g.server.Copier(), dir, now.Add(time.Hour), true)
	after := filesIn(t, dir)
	var changed []string
	for name := range after {
		if before[name] != after[name] {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	want := []string{"copy.json"}
	for _, l := range []string{"", "en/", "de/", "sl/", "fr/"} {
		want = append(want, l+"index.html", l+"status/index.html", l+"a/"+event+"/index.html")
	}
	slices.Sort(want)
	if !slices.Equal(changed, want) {
		t.Errorf("changed %v, want %v", changed, want)
	}
	if again.Written != len(want)-1 || again.Removed > 0 {
		t.Errorf("again: %+v", again)
	}
	// The same moment gives the same bytes.
	other := t.TempDir()
	g.copied(g.server.Copier(), other, now.Add(time.Hour), true)
	third := filesIn(t, other)
	for name, body := range after {
		if slices.Contains(want, name) && name != "copy.json" && third[name] != body {
			t.Errorf("%s differs from that of the same moment", name)
		}
	}
}

// A change is few files, and they lead to others that are there already.
func TestAChangeIsFewFiles(t *testing.T) {
	g := open(t)
	g.issue(message("few-1", "severity", "Severe"))
	c, dir := g.server.Copier(), t.TempDir()
	all := g.copied(c, dir, time.Now(), true)
	id := g.issue(message("few-2", "severity", "Extreme"))["id"].(string)
	e, err := c.Copy(t.Context(), time.Now(), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (mirror.Folder{Dir: dir}).Take(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if n := len(e.Files); n > all.Written/2 {
		t.Errorf("a change makes %d files of %d", n, all.Written)
	}
	if last := e.Files[len(e.Files)-1].Path; path.Base(last) != "index.html" {
		t.Errorf("the last file is %s: pages come before what they show", last)
	}
	files := filesIn(t, dir)
	if _, there := files["cap/"+id+".xml"]; !there || !strings.Contains(files["index.html"], `href="/a/`+id+`/"`) {
		t.Error("the new alert is not in the copy")
	}
	for name, body := range files {
		if strings.HasSuffix(name, ".html") {
			crawl(t, nil, files, name, body)
		}
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add(`<a href="/past?lang=en">x</a><script>alert(1)</script><img src="/static/x.png">`)
	f.Add(`<a href="//evil.example/">x</a><a href="/a/../../etc/passwd">y</a><time id="copied"></time>`)
	f.Add(`<a href="/%2e%2e/x"><form action="/x"><link href="/feed.atom">`)
	g := open(f)
	c := g.server.Copier()
	f.Fuzz(func(t *testing.T, page string) {
		there := map[string]bool{"index.html": true, "past/index.html": true, "en/past/index.html": true}
		at := taken{at: spot{path: "/", lang: "it"}, body: []byte(page), page: true}
		before, after := c.rewrite(at, there)
		out := slices.Concat(before, after)
		z := html.NewTokenizer(bytes.NewReader(out))
		for z.Next() != html.ErrorToken {
			tok := z.Token()
			if tok.Data == "script" && tok.Type == html.StartTagToken && attribute(tok, "type") != "application/ld+json" {
				t.Fatalf("a script is left: %q", out)
			}
		}
		for _, to := range c.links(at) {
			if file, _, ok := c.fileOf(to); ok && !mirror.Valid(file) {
				t.Fatalf("%v leads to the file %q", to, file)
			}
		}
	})
}

// A copy on a dumb server, seen by a citizen: everything fits a small phone, axe
// finds nothing, no script is missed.
func TestTheCopyInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	g := open(t, register("masto"))
	event := g.issue(message("copy-seen", "severity", "Extreme"))["event"].(string)
	dir := t.TempDir()
	g.copied(g.server.Copier(), dir, time.Now(), true)
	server := dumb(t, dir)
	quiet := t.TempDir()
	empty := open(t)
	empty.copied(empty.server.Copier(), quiet, time.Now(), true)
	none := dumb(t, quiet)
	b.looks(server.URL, map[string]string{"copy-home": "/", "copy-alert": "/a/" + event + "/", "copy-past": "/en/past/", "copy-lost": "/404.html"})
	b.looks(none.URL, map[string]string{"copy-none": "/"})
	b.quiet()

	// From the first page in another language to the alert, by links alone.
	b.open(server.URL + "/a/" + event)
	for _, step := range [][2]string{{"nav a[lang=de]", "/de/a/" + event + "/"}, {".brand", "/de/"}, {"h2 a", "/de/a/" + event + "/"}} {
		to, _ := b.eval(`document.querySelector('` + step[0] + `').href`).(string)
		b.open(to)
		if got := b.eval(`location.pathname + document.documentElement.lang`); got != step[1]+"de" {
			t.Errorf("%s leads to %v", step[0], got)
		}
	}
	if b.eval(`getComputedStyle(document.querySelector('.card')).borderTopWidth`) == "0px" {
		t.Error("the style sheet is not there")
	}
	b.quiet()
}

// One page that cannot be made does not hold back for ever what goes on.
func TestAPageThatCannotBeMadeIsLeftOutOfWhatIsUrgent(t *testing.T) {
	g := open(t)
	g.issue(message("urgent", "severity", "Severe"))
	g.settle()
	c := g.server.Copier()
	c.mux = http.NewServeMux()
	broken := map[string]bool{"/status": true}
	for _, r := range g.server.public() {
		if _, copied := stills[r.Path]; copied && r.Method == http.MethodGet {
			c.mux.HandleFunc(r.Path, func(w http.ResponseWriter, q *http.Request) {
				if broken[r.Path] {
					panic("a defect")
				}
				r.Serve(w, q)
			})
		}
	}
	has := func(e *mirror.Edition, file string) bool {
		return slices.ContainsFunc(e.Files, func(f mirror.File) bool { return f.Path == file })
	}
	var e *mirror.Edition
	failures := 0
	for ; failures < 100; failures++ {
		var err error
		if e, err = c.Copy(t.Context(), time.Now(), false); err == nil {
			break
		}
	}
	if failures != mostFailures || !has(e, "index.html") || !has(e, "feed.atom") || has(e, "status/index.html") {
		t.Fatalf("after %d failures: %v", failures, e)
	}
	if _, err := c.Copy(t.Context(), time.Now(), true); err == nil {
		t.Error("a whole copy lacks a page, and says nothing: the page would be removed")
	}
	broken["/status"], broken["/{$}"] = false, true
	for range 3 * mostFailures {
		if _, err := c.Copy(t.Context(), time.Now(), false); err == nil {
			t.Fatal("a copy has no first page")
		}
	}
	broken["/{$}"] = false
	if e, err := c.Copy(t.Context(), time.Now(), false); err != nil || !has(e, "status/index.html") {
		t.Errorf("what can be made again is not there: %v", err)
	}
}
