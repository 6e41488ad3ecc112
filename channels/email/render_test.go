package email

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

func drafts(t testing.TB, c *Channel, r *alerts.Record) ([]channels.Message, []draft) {
	t.Helper()
	messages, err := c.Render(r)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]draft, len(messages))
	for i, m := range messages {
		if err := json.Unmarshal(m.Payload, &out[i]); err != nil {
			t.Fatal(err)
		}
	}
	return messages, out
}

// The golden files hold what people read; the picture's bytes belong to the
// encoder of the Go release.
func TestGolden(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", nil)
	for _, kind := range channeltest.Kinds {
		var b strings.Builder
		messages, all := drafts(t, c, channeltest.Sample(kind))
		for i, m := range messages {
			d := all[i]
			fmt.Fprintf(&b, "== %s %s: %s\n%s\n", m.Audience, m.Language, d.Subject, m.Text)
			for _, l := range d.Closing {
				value := ""
				if l.Value != nil {
					value = ": " + *l.Value
				}
				b.WriteString("-- " + l.Label + value + "\n")
			}
			page := strings.ReplaceAll(d.HTML, d.MapID, "MAP")
			if d.MapID == "" {
				page = d.HTML
			}
			b.WriteString(page)
		}
		path := filepath.Join("testdata", string(kind)+".golden")
		if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v (go test -update writes it)", err)
		}
		if b.String() != string(want) {
			t.Errorf("%s differs (go test -update, then look at the difference):\n%s", path, b.String())
		}
	}
}

// elements gives all elements of a page with a name, "" for all.
func elements(t testing.TB, page, name string) []*html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var out []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && (name == "" || n.Data == name) {
			out = append(out, n)
		}
	}
	return out
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func content(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// What a page of a mail must be for all readers, in every sample and language.
func TestPages(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", nil)
	for _, kind := range channeltest.Kinds {
		for _, lang := range []string{"it", "en", "de"} {
			messages, all := drafts(t, c, channeltest.Sample(kind, lang))
			name := fmt.Sprint(kind, " ", lang)
			page := all[0].HTML + pageEnd
			h1 := elements(t, page, "h1")
			if len(h1) != 1 || content(h1[0]) == "" {
				t.Errorf("%s: %d headings", name, len(h1))
			}
			root := elements(t, page, "html")[0]
			if attr(root, "lang") != messages[0].Language || attr(root, "dir") != "ltr" {
				t.Errorf("%s: lang %q dir %q", name, attr(root, "lang"), attr(root, "dir"))
			}
			for _, n := range elements(t, page, "table") {
				if attr(n, "role") != "presentation" {
					t.Errorf("%s: a table that is read as one", name)
				}
			}
			over := kind == channeltest.Cancel || kind == channeltest.Bare || kind == channeltest.AllClear
			pictures := elements(t, page, "img")
			if len(pictures) != map[bool]int{true: 0, false: 1}[over] {
				t.Errorf("%s: %d pictures", name, len(pictures))
			}
			for _, n := range pictures {
				if !strings.Contains(attr(n, "alt"), "Pistoia") || attr(n, "src") != "cid:"+all[0].MapID {
					t.Errorf("%s: alt %q, src %q", name, attr(n, "alt"), attr(n, "src"))
				}
				if _, err := png.Decode(bytes.NewReader(all[0].Map)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if !strings.Contains(page, "<strong>Quarrata</strong>") {
					t.Errorf("%s: the picture does not say what is not on it", name)
				}
			}
			checkHarmless(t, name, page)
			if marked := strings.HasPrefix(all[0].Subject, "ESERCITAZIONE") || strings.HasPrefix(all[0].Subject, "EXERCISE") || strings.HasPrefix(all[0].Subject, "ÜBUNG"); marked != messages[0].Exercise {
				t.Errorf("%s: exercise %v, subject %q", name, messages[0].Exercise, all[0].Subject)
			}
			if messages[0].Exercise && !strings.Contains(page, `bgcolor="#4b2e83"`) {
				t.Errorf("%s: no band", name)
			}
			if size := len(all[0].HTML); size > 20<<10 {
				t.Errorf("%s: %d bytes", name, size)
			}
		}
	}
}

// checkHarmless: nothing is loaded, nothing runs, links go to the web or to a
// mail alone.
func checkHarmless(t testing.TB, name, page string) {
	t.Helper()
	for _, n := range elements(t, page, "") {
		switch n.Data {
		case "script", "iframe", "object", "embed", "form", "input", "link", "svg", "base", "video", "audio":
			t.Errorf("%s: <%s>", name, n.Data)
		}
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "srcset", a.Key == "background":
				t.Errorf("%s: %s=%q", name, a.Key, a.Val)
			case a.Key == "src" && !strings.HasPrefix(a.Val, "cid:"):
				t.Errorf("%s: loads %q", name, a.Val)
			case a.Key == "href" && !strings.HasPrefix(a.Val, "https://allerta.comune.pistoia.example/") && !strings.HasPrefix(a.Val, "mailto:"):
				t.Errorf("%s: links to %q", name, a.Val)
			case a.Key == "style" && strings.Contains(a.Val, "url("):
				t.Errorf("%s: style %q", name, a.Val)
			}
		}
	}
}

func TestRightToLeft(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", nil)
	r := channeltest.Sample(channeltest.Actual, "en")
	r.Alert.Infos[0].Language, r.Alert.Infos[0].Headline = "ar-EG", "اصعدوا الآن"
	_, all := drafts(t, c, r)
	if root := elements(t, all[0].HTML, "html")[0]; attr(root, "dir") != "rtl" || attr(root, "lang") != "ar-EG" {
		t.Errorf("dir %q lang %q", attr(root, "dir"), attr(root, "lang"))
	}
}

func TestWithoutAShapeThereIsNoMap(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", nil)
	r := channeltest.Sample(channeltest.Actual, "it")
	r.Alert.Infos[0].Areas[0].Polygons = nil
	_, all := drafts(t, c, r)
	if all[0].Map != nil || strings.Contains(all[0].HTML, "<img") || strings.Contains(all[0].HTML, "Mappa") {
		t.Error("a map of nothing")
	}
}

func TestSeveralAreasHaveNumbers(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", nil)
	r := channeltest.Sample(channeltest.Actual, "it")
	r.Alert.Infos[0].Areas = append(r.Alert.Infos[0].Areas, alerts.Area{Description: "Piana", Circles: []alerts.Circle{{Centre: alerts.Point{Lat: 43.88, Lon: 10.9}, Radius: 3}}})
	_, all := drafts(t, c, r)
	for _, want := range []string{">1 Pistoia sud<", ">2 Piana<", "<strong>Quarrata</strong>", `alt="Mappa: Pistoia sud, Piana"`} {
		if !strings.Contains(all[0].HTML, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestSubjects(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", nil)
	for name, s := range map[string]struct {
		kind   channeltest.Kind
		lang   string
		change func(*alerts.Info)
		want   string
	}{
		"level, event and place": {channeltest.Actual, "it", nil, "Avviso - pericolo estremo: Alluvione - Pistoia sud, Quarrata"},
		"an exercise first":      {channeltest.Exercise, "it", nil, "ESERCITAZIONE - Avviso - pericolo estremo: Alluvione - Pistoia sud, Quarrata"},
		"in a foreign language":  {channeltest.Test, "de", nil, "ÜBUNG - Warnung - extreme Gefahr: Überschwemmung - Pistoia Süd"},
		"an update":              {channeltest.Update, "en", nil, "UPDATE - Warning - extreme danger: Flood - South Pistoia, Quarrata"},
		"the all-clear":          {channeltest.AllClear, "it", nil, "CESSATO ALLARME - Alluvione - Pistoia sud, Quarrata"},
		"a Cancel without words": {channeltest.Bare, "it", nil, "ANNULLATA (inviata per errore)"},
		"a line break is none":   {channeltest.Actual, "it", func(in *alerts.Info) { in.Event = "Alluvione\nBcc: x@y.example" }, "Avviso - pericolo estremo: Alluvione Bcc: x@y.example - "},
		"an endless event is cut": {channeltest.Exercise, "it", func(in *alerts.Info) { in.Event = strings.Repeat("piove sempre ", 100) },
			"ESERCITAZIONE - Avviso - pericolo estremo: piove"},
	} {
		t.Run(name, func(t *testing.T) {
			r := channeltest.Sample(s.kind, s.lang)
			if s.change != nil {
				s.change(&r.Alert.Infos[0])
			}
			_, all := drafts(t, c, r)
			if got := all[0].Subject; !strings.HasPrefix(got, s.want) || len([]rune(got)) > maxSubject+3 || strings.ContainsAny(got, "\r\n") {
				t.Errorf("got %q", got)
			}
		})
	}
}

// However long an alert is, its mail is not cut off by anybody's mail program.
func TestSizeIsBounded(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", nil)
	for name, text := range map[string]string{"sentences": strings.Repeat("L'acqua sale in fretta perché piove. ", 5000), "one word": strings.Repeat("è", 100_000), "quotes": strings.Repeat(`<">&' `, 30_000)} {
		r := channeltest.Sample(channeltest.Actual, "it")
		in := &r.Alert.Infos[0]
		in.Event, in.Headline, in.Description, in.Instruction, in.SenderName = text, text, text, text, text
		for range 500 {
			in.Areas = append(in.Areas, alerts.Area{Description: text, Polygons: in.Areas[0].Polygons})
		}
		m := message(t, c, channeltest.Actual, "k")
		messages, all := drafts(t, c, r)
		m.Payload, m.Text = messages[0].Payload, messages[0].Text
		l, err := c.write(m)
		if err != nil {
			t.Fatal(err)
		}
		if len(all[0].HTML) > 102_000 || len(l.source) > 400_000 {
			t.Errorf("%s: the page has %d bytes, the mail %d", name, len(all[0].HTML), len(l.source))
		}
		checkHarmless(t, name, all[0].HTML)
	}
}

// Whatever a sender writes, it is read as words.
func TestSendersWordsAreWords(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", nil)
	for _, evil := range []string{`<script>alert(1)</script>`, `"><img src=https://evil.example/x.png>`, `{unsubscribe} {code} {sent} {person.link}`,
		"--=_a.x\r\nContent-Type: text/html\r\n\r\n<b>", "</style></head><body onload=x()>", "{{.Link}}", "javascript:alert(1)", "\u202eevil", "=?utf-8?B?QmNj?="} {
		r := channeltest.Sample(channeltest.Actual, "it")
		in := &r.Alert.Infos[0]
		in.Event, in.Headline, in.Description, in.Instruction, in.SenderName = evil, evil, evil, evil, evil
		in.Areas[0].Description = evil
		messages, _ := drafts(t, c, r)
		m := messages[0].For(map[string]string{"{code}": "K7Q2P-CODE", "{sent}": "11:00"})
		m.Key, m.To, m.Sent = "a/1/mail/7", testTo, channeltest.SampleSent
		got := read(t, c, m)
		checkHarmless(t, evil, got.page)
		if n := strings.Count(got.page, "K7Q2P-CODE"); n != 1 {
			t.Errorf("%q: the code stands %d times in the page", evil, n)
		}
		if n := strings.Count(got.text, "K7Q2P-CODE"); n != 1 {
			t.Errorf("%q: the code stands %d times in the text", evil, n)
		}
		if strings.ContainsAny(got.subject, "\u202e\r\n") {
			t.Errorf("%q: subject %q", evil, got.subject)
		}
	}
}
