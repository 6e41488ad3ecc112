package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"martinella/alerts/templates"
)

func TestTemplatesTravel(t *testing.T) {
	dir := t.TempDir()
	ours, theirs := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs")
	pack := filepath.Join(dir, "pack.json")
	says := func(want int, words string, args ...string) string {
		t.Helper()
		code, out, errs := command(t, args...)
		if code != want || !strings.Contains(out+errs, words) {
			t.Fatalf("%v: code %d, want %d; %q is not in %q %q", args, code, want, words, out, errs)
		}
		return out + errs
	}
	says(exitDone, "flood", "templates", "list", "--data", ours)
	says(exitDone, `"id":"flood"`, "templates", "list", "--json", "--data", ours)
	says(exitDone, "Salite ai piani alti", "templates", "show", "flood", "--place", "Borgo San Rocco", "--data", ours)
	says(exitDone, "Go to the upper floors", "templates", "show", "flood", "--language", "en", "--data", ours)
	says(exitRefused, "there is no template", "templates", "show", "zombies", "--data", ours)
	says(exitUsage, "curly brackets", "templates", "show", "flood", "--place", "{x}", "--data", ours)
	says(exitUsage, "--out is missing", "templates", "export", "--data", ours)
	says(exitRefused, "no own templates", "templates", "export", "--out", pack, "--data", ours)

	one, err := os.ReadFile(filepath.Join("..", "..", "alerts", "templates", "shipped", "flood.json"))
	if err != nil {
		t.Fatal(err)
	}
	river := write(t, filepath.Join(dir, "river.json"), strings.Replace(string(one), `"id": "flood"`, `"id": "river"`, 1))
	loud := write(t, filepath.Join(dir, "loud.json"), strings.Replace(string(one), "Salite ai piani alti.", "Salite stasera!", 1))
	wrong := write(t, filepath.Join(dir, "wrong.json"), strings.Replace(string(one), `"id": "flood"`, `"id": "../flood"`, 1))
	says(exitDone, "well-formed", "templates", "check", river, "--data", ours)
	if out := says(exitDone, "relative_time", "templates", "check", loud, "--data", ours); !strings.Contains(out, `Instead: "."`) {
		t.Errorf("no proposal in %q", out)
	}
	says(exitRefused, "id is not an id", "templates", "check", wrong, "--data", ours)
	says(exitRefused, "refused", "templates", "import", wrong, "--unsigned", "--data", ours)
	says(exitRefused, "not signed", "templates", "import", river, "--data", ours)
	says(exitDone, "new: river", "templates", "import", river, "--unsigned", "--data", ours)
	says(exitDone, "the same: river", "templates", "import", river, "--unsigned", "--data", ours)
	out := says(exitDone, "1 templates in", "templates", "export", "--out", pack, "--data", ours)
	fingerprint := regexp.MustCompile(`([0-9a-f]{4}-){7}[0-9a-f]{4}`).FindString(out)

	says(exitRefused, "is not known here", "templates", "import", pack, "--data", theirs)
	says(exitDone, "new: river", "templates", "import", pack, "--dry-run", "--data", theirs)
	if out := says(exitDone, "flood", "templates", "list", "--data", theirs); strings.Contains(out, "river") {
		t.Errorf("a dry run wrote: %s", out)
	}
	says(exitDone, "taken: 1", "templates", "import", pack, "--trust", fingerprint, "--data", theirs)
	if n := strings.Count(says(exitDone, "river", "templates", "list", "--json", "--data", theirs), `"id":`); n != len(templates.Shipped())+1 {
		t.Errorf("%d templates", n)
	}
	says(exitDone, "the same: river", "templates", "import", pack, "--data", theirs) // the key is known now
	b, err := os.ReadFile(pack)
	if err != nil {
		t.Fatal(err)
	}
	forged := write(t, filepath.Join(dir, "forged.json"), strings.Replace(string(b), "cantina", "soffitta", 1))
	says(exitRefused, "signature does not fit", "templates", "import", forged, "--trust", fingerprint, "--data", theirs)
	if info, err := os.Stat(filepath.Join(ours, templatesKey)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v %v", info, err)
	}

	// What an earlier version left in a file moves into the store, once.
	older := `{"v":1,"templates":[` + strings.Replace(string(one), `"id": "flood"`, `"id": "older"`, 1) + `],"signers":[]}`
	write(t, filepath.Join(theirs, templatesName), older)
	says(exitDone, "older", "templates", "list", "--data", theirs)
	if _, err := os.Stat(filepath.Join(theirs, movedName)); err != nil {
		t.Errorf("the file was not moved: %v", err)
	}
	write(t, filepath.Join(theirs, templatesName), "{")
	says(exitUsage, "cannot be read by this program", "templates", "list", "--data", theirs)
}

func TestCheckReadsTheWordsWhenAsked(t *testing.T) {
	file := filepath.Join("testdata", "allerta.xml")
	config := write(t, filepath.Join(t.TempDir(), "m.yaml"), "authority: {slug: valdemo, name: Comune di Valdemo, sender: pc@comune.valdemo.example}\nwords: {phones: [0573 555 0100], domains: [valdemo.example]}\n")
	code, out, errs := command(t, "check", "--lint", "--json", "--config", config, file)
	if code != exitDone || !strings.Contains(out, `"lint":[`) {
		t.Errorf("code %d: %s %s", code, out, errs)
	}
	if _, out, _ := command(t, "check", "--json", file); strings.Contains(out, `"lint"`) {
		t.Errorf("words were read without being asked for: %s", out)
	}
	loud := write(t, filepath.Join(t.TempDir(), "loud.xml"), strings.Replace(readText(t, file), "</headline>", " stasera!</headline>", 1))
	if _, out, _ := command(t, "check", "--lint", "--config", config, loud); !strings.Contains(out, "lint warning, relative_time: info[0].headline") {
		t.Errorf("got %s", out)
	}
}

func readText(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRegisterOfWords(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "m.yaml"), "authority: {slug: valdemo, name: Comune di Valdemo, sender: pc@comune.valdemo.example}\npublic_url: https://allerta.valdemo.example\nwords: {phones: [0573 555 0100], domains: [comune.example], links: [\"https://regione.example/meteo\"]}\n")
	c, err := loadConfigOf(shell{getenv: noEnv}, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	known := c.words()
	if strings.Join(known.Domains, " ") != "allerta.valdemo.example comune.example" || len(known.Links) != 1 || len(known.Phones) != 1 {
		t.Errorf("got %+v", known)
	}
	if plain, cheap := known.Plain("È"); plain != "E'" || cheap {
		t.Errorf("got %q %v", plain, cheap)
	}
	bad := write(t, filepath.Join(t.TempDir(), "m.yaml"), "authority: {slug: valdemo, name: Comune di Valdemo, sender: pc@comune.valdemo.example}\nwords: {phones: [the mayor], domains: [\"https://comune.example\"], links: [\"http://regione.example\"]}\n")
	_, err = loadConfigOf(shell{getenv: noEnv}, bad, nil)
	for _, want := range []string{"words.phones[0]", "words.domains[0]", "words.links[0]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named: %v", want, err)
		}
	}
}
