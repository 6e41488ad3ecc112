package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"martinella/dashboards/mirror"
)

// MirrorConfig is where a copy of the public pages is kept: in a folder, or on a
// web server that takes files by PUT.
type MirrorConfig struct {
	Name      string `yaml:"name"`
	Folder    string `yaml:"folder"`
	URL       string `yaml:"url"`
	TokenFile string `yaml:"token_file"`
}

// mirrorRules checks the copies.
func (c *Config) mirrorRules(say sayFunc) {
	names, places := map[string]bool{}, map[string]bool{}
	for i := range c.Mirror {
		m := &c.Mirror[i]
		at := fmt.Sprintf("mirror[%d]", i)
		switch {
		case !slugForm.MatchString(m.Name):
			say(at+".name", "is "+quoted(m.Name), "2 to 32 of a-z, 0-9 and -, like web2; it stands in metrics")
		case names[m.Name]:
			say(at+".name", "is "+quoted(m.Name)+", which another copy has", "give every copy its own name")
		}
		names[m.Name] = true
		place := m.URL
		if m.Folder != "" {
			place += resolved(m.Folder)
		}
		switch {
		case (m.Folder == "") == (m.URL == ""):
			say(at, "needs a folder or a url", "name one of the two: folder: /var/www/copy, or url: https://copy.example")
		case places[place]:
			say(at, "is where another copy is", "name every place once")
		case m.URL != "":
			m.rules(say, at)
		case m.TokenFile != "":
			say(at+".token_file", "has no use for a folder", "leave it out")
		case overlap(m.Folder, c.Data) != "":
			say(at+".folder", overlap(m.Folder, c.Data), "a web server gives out all of it, keys and people too: name a folder apart from it")
		}
		places[place] = true
	}
}

func (m *MirrorConfig) rules(say sayFunc, at string) {
	u, err := url.Parse(m.URL)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		say(at+".url", "is no address that files can be put to", "write it like https://copy.example or https://store.example/copy")
	case u.User != nil:
		say(at+".url", "holds a name and a password", "put a bearer token into a file, and name it with token_file")
	case u.Scheme == "http" && m.TokenFile != "" && !onLoopback(m.URL):
		say(at+".url", "is not encrypted, and the token would go over it", "write https://")
	}
	if m.TokenFile == "" {
		return
	}
	info, err := os.Stat(m.TokenFile)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		say(at+".token_file", "cannot be read, or is empty", "write the token alone into a file that only the gateway may read")
	}
}

// overlap says how a folder for pages and the gateway's data are in each other, ""
// where they are apart. Links are followed, also above folders that are not there
// yet.
func overlap(folder, data string) string {
	switch {
	case data == "":
		return ""
	case within(folder, data):
		return "is in the folder of the gateway's data"
	case within(data, folder):
		return "holds the folder of the gateway's data"
	}
	return ""
}

// within reports whether a folder is another one or in it.
func within(folder, of string) bool {
	a, b := resolved(folder), resolved(of)
	there, err := os.Stat(b)
	for {
		if a == b {
			return true
		}
		if here, errHere := os.Stat(a); err == nil && errHere == nil && os.SameFile(here, there) {
			return true
		}
		up := filepath.Dir(a)
		if up == a {
			return false
		}
		a = up
	}
}

// resolved is the path of a folder without links, as far as it is there.
func resolved(folder string) string {
	at, err := filepath.Abs(folder)
	if err != nil {
		return filepath.Clean(folder)
	}
	for whole, rest := at, ""; ; {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest)
		}
		up := filepath.Dir(at)
		if up == at {
			return whole
		}
		rest, at = filepath.Join(filepath.Base(at), rest), up
	}
}

// looker is a target that can be looked at without writing pages.
type looker interface {
	mirror.Target
	Look(ctx context.Context) (time.Time, error)
}

// target is where the copy goes; the rules have proved that it is one.
func (m *MirrorConfig) target() looker {
	if m.URL != "" {
		return mirror.NewHost(m.URL, m.TokenFile)
	}
	return mirror.Folder{Dir: m.Folder}
}

// mirrors builds what keeps the copies.
func (g *gateway) mirrors(registry prometheus.Registerer) (err error) {
	targets := map[string]mirror.Target{}
	for i := range g.config.Mirror {
		targets[g.config.Mirror[i].Name] = g.config.Mirror[i].target()
	}
	g.mirror, err = mirror.NewKeeper(g.server.Copier(), targets, registry, g.log)
	return err
}

// mirrors looks at the places of copies.
func (d *doctor) mirrors(ctx context.Context, c *Config) {
	for i := range c.Mirror {
		m := &c.Mirror[i]
		one, cancel := context.WithTimeout(ctx, checkTimeout)
		at, err := m.target().Look(one)
		cancel()
		good := "it answers; there is no copy yet"
		if !at.IsZero() {
			good = "its copy is of " + at.In(c.zone()).Format("2006-01-02 15:04")
		}
		d.say(checkMirror+m.Name, "mirror "+m.Name, err, good)
	}
}
