package dashboards

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"
)

func TestFeedsAreReadByAForeignReader(t *testing.T) {
	g := open(t)
	id := g.issue(message("feed-1", "severity", "Severe"))["id"].(string)
	ended := g.issue(message("feed-2"))
	g.act(issuer, ended["id"].(string), "all-clear", `{"digest":"`+ended["digest"].(string)+`"}`)
	g.issue(message("feed-3", "headline", "Prova &lt;b&gt;&amp; basta", "status", "Exercise"))
	g.settle()
	for _, path := range []string{"/feed.atom", "/feed.rss", "/feed.json"} {
		r := g.get(path, "Accept-Language", "it")
		if r.StatusCode != 200 || r.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d, CORS %q", path, r.StatusCode, r.Header.Get("Access-Control-Allow-Origin"))
		}
		feed, err := gofeed.NewParser().ParseString(r.body)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if feed.Title != "Protezione Civile di Valdemo" || len(feed.Items) != 3 {
			t.Fatalf("%s: title %q, %d items", path, feed.Title, len(feed.Items))
		}
		titles := map[string]*gofeed.Item{}
		for _, i := range feed.Items {
			titles[i.Title] = i
		}
		real := titles["Avviso - pericolo grave: Piena in arrivo: salite ai piani alti subito"]
		if real == nil || real.Link != "https://allerta.valdemo.example/a/"+id || real.PublishedParsed == nil || time.Since(*real.PublishedParsed) > time.Minute {
			t.Errorf("%s: the item is not there as it should: %v", path, titles)
		}
		if titles["ESERCITAZIONE - Avviso - pericolo moderato: Prova <b>& basta"] == nil || titles["Cessato allarme: Piena del torrente Rivo"] == nil {
			t.Errorf("%s: titles %v", path, titles)
		}
	}
	if r := g.get("/feed.atom"); !strings.Contains(r.body, `type="application/cap+xml" href="https://allerta.valdemo.example/cap/`+id+`.xml"`) {
		t.Error("the Atom feed does not link the CAP message")
	}
	etag := g.get("/feed.rss").Header.Get("ETag")
	if r := g.get("/feed.rss", "If-None-Match", etag); r.StatusCode != 304 {
		t.Errorf("unchanged feed: %d", r.StatusCode)
	}
}

// shared finds a folder of material beside the checkout, or skips.
func shared(t *testing.T, path string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	found := filepath.Join(dir, "..", "shared", path)
	if _, err := os.Stat(found); err != nil {
		t.Skipf("%s is not here: this needs the examples of other people's alerts", filepath.Join("../shared", path))
	}
	return found
}

func TestRealMessagesGetAnAnswerAndAPage(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t, "testdata/cap"), "*", "*"))
	if err != nil || len(files) == 0 {
		t.Skip("SKIP: the folder of examples beside the checkout holds none")
	}
	g := open(t)
	answers := map[int]int{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil || filepath.Base(filepath.Dir(f)) == "schema" {
			continue
		}
		r := g.post(alone, "/api/v1/alerts/check", string(b))
		if r.StatusCode != 200 && r.StatusCode != 422 && r.StatusCode != 413 && r.StatusCode != 400 {
			t.Errorf("check of %s: %d %.200s", filepath.Base(f), r.StatusCode, r.body)
		}
		r = g.post(alone, "/api/v1/alerts", restamp(string(b)))
		answers[r.StatusCode]++
		if r.StatusCode >= 500 {
			t.Errorf("submit of %s: %d %.200s", filepath.Base(f), r.StatusCode, r.body)
		}
	}
	g.settle()
	for _, path := range []string{"/", "/past", "/feed.atom", "/feed.rss", "/feed.json"} {
		if r := g.get(path); r.StatusCode != 200 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	for _, r := range g.memory.records {
		if got := g.get("/a/" + string(r.Event)).StatusCode; got != 200 && got != 404 {
			t.Errorf("page of %s: %d", r.Alert.Identifier, got)
		}
	}
	t.Logf("answers: %v", answers)
	if answers[201]+answers[202] < 20 {
		t.Errorf("only %d of %d were taken", answers[201], len(files))
	}
}
