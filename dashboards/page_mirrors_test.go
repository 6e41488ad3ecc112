package dashboards

import (
	"errors"
	"strings"
	"testing"
	"time"

	"martinella/dashboards/mirror"
)

// withMirrors gives a server copies in every state; the fault of one must not
// be public.
func withMirrors(c *Config) {
	c.Mirrors = func() []mirror.State {
		now := time.Now()
		return []mirror.State{
			{Name: "web2", Began: now.Add(-48 * time.Hour), Good: now.Add(-3*time.Minute - time.Second)},
			{Name: "web3", Began: now.Add(-48 * time.Hour), Good: now.Add(-26*time.Hour - 5*time.Minute - time.Second), Err: errors.New("PUT index.html: 507")},
			{Name: "web4", Began: now.Add(-time.Minute), Good: now.Add(-30 * time.Second), Err: errors.New("PUT a: 500")},
			{Name: "web5", Began: now.Add(-time.Minute)},
			{Name: "web6", Began: now.Add(-time.Hour)},
		}
	}
}

func TestTheStatusPageTellsHowOldTheCopiesAre(t *testing.T) {
	open(t).page("/status").never("main", "Copie su altri siti")
	g := open(t, withMirrors)
	p := g.page("/status")
	for _, want := range []string{
		"web2 : la copia è aggiornata.", "(3 min fa)", "web3 : la copia è vecchia", "(26 h 5 min fa)",
		"web4 : l'ultimo tentativo non è riuscito", "web5 : la prima copia è in arrivo. Finora nessuna copia", "web6 : l'ultimo tentativo non è riuscito; si riprova. Finora nessuna copia",
	} {
		p.says("main", want)
	}
	p.never("main", "507")
	for _, lang := range pageLanguages {
		if body := g.get("/status?lang=" + lang).body; strings.Count(body, `href="#s-red"`) < 3 || strings.Contains(body, "mirror_") {
			t.Errorf("%s: %s", lang, body)
		}
	}
}

// A copy is read later, when it cannot know how the others fare.
func TestACopyDoesNotTellOfCopies(t *testing.T) {
	g := open(t, withMirrors)
	e, err := g.server.Copier().Copy(t.Context(), time.Now(), true)
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, f := range e.Files {
		if strings.HasSuffix(f.Path, "status/index.html") {
			if read++; strings.Contains(string(f.Bytes(e.At)), "web3") {
				t.Errorf("%s tells of web3", f.Path)
			}
		}
	}
	if read != len(pageLanguages) {
		t.Errorf("%d status pages", read)
	}
}

func TestTheConsoleSaysWhichCopyIsOld(t *testing.T) {
	g := openConsole(t, withMirrors)
	p, _ := g.first()
	body := p.do("GET", "/console?lang=en", nil).body
	for _, want := range []string{"Copies on other hosts", "the copy is old", "PUT index.html: 507", "26 h 5 min ago"} {
		if !strings.Contains(body, want) {
			t.Errorf("the console does not say %q", want)
		}
	}
	if strings.Contains(body, "Nothing to approve") {
		t.Error("it is calm although copies are old")
	}
}
