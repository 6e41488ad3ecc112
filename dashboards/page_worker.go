package dashboards

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync/atomic"
)

// workerName is the script of the service worker. It has no hash in its name:
// browsers look at its one address whether it changed.
const workerName = "sw.js"

// made is what the server tells the service worker: it stands in front of the
// script. Browsers take a worker whose bytes differ for a new one, so that one
// follows by itself when a file of the pages gets another name.
type made struct {
	Files  []string                     `json:"files"` // kept from the start
	Words  map[string]map[string]string `json:"words"` // why a copy is shown, by language
	Policy string                       `json:"policy"`
	Icon   string                       `json:"icon"`
	Badge  string                       `json:"badge"`
	Name   string                       `json:"name"`
	Push   string                       `json:"push"` // of a message that cannot be read
	Key    string                       `json:"key"`  // that browsers subscribe with; "": they cannot
}

// worker keeps the script as it was made last.
type worker struct {
	script []byte // without what stands in front of it
	last   atomic.Pointer[workerCopy]
}

type workerCopy struct {
	names []string // the addresses it was made with
	ready *ready
}

// worker answers /sw.js, at the root for its scope: the script of the service
// worker, which keeps the last copy of pages and shows push messages.
func (p *pages) worker(w http.ResponseWriter, r *http.Request) {
	one, err := p.workerNow()
	if err != nil {
		p.s.internal(w, r, err, nil)
		return
	}
	h := w.Header()
	h["Cache-Control"] = revalidate
	h["Etag"] = one.etag
	h["Vary"] = byEncoding
	if has := r.Header.Get("If-None-Match"); has != "" && matches(has, one.etag[0]) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = scriptText
	one.body.write(w, r, http.StatusOK)
}

var (
	revalidate = []string{"no-cache"}
	scriptText = []string{"text/javascript; charset=utf-8"}
)

// workerNow is the script with the names that the files have now.
func (p *pages) workerNow() (*ready, error) {
	m := made{Policy: policy, Name: p.s.Authority.Name, Words: map[string]map[string]string{}}
	for _, file := range []string{"app.css", "feed.js", "icon.svg"} {
		at, err := p.assets.url(file)
		if err != nil {
			return nil, err
		}
		m.Files = append(m.Files, at)
	}
	var err error
	if m.Icon, err = p.assets.url("icon.png"); err != nil {
		return nil, err
	}
	if m.Badge, err = p.assets.url("badge.png"); err != nil {
		return nil, err
	}
	if logo := p.assets.logo(); logo != "" {
		m.Icon, m.Files = logo, append(m.Files, logo)
	}
	names := append(slices.Clone(m.Files), m.Icon, m.Badge)
	if before := p.assets.worker.last.Load(); before != nil && slices.Equal(before.names, names) {
		return before.ready, nil
	}
	for tag, l := range p.locales.all {
		m.Words[tag] = map[string]string{"off": l.must("live_copy_off"), "slow": l.must("live_copy_slow"), "ill": l.must("live_copy_ill")}
	}
	m.Push = p.locales.all[p.locales.tags[0]].must("live_push")
	if door := p.s.SignUps; door != nil && door.Push != nil {
		m.Key = door.Push.PublicKey()
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	one := newReady(slices.Concat([]byte("self.made = "), b, []byte(";\n"), p.assets.worker.script))
	p.assets.worker.last.Store(&workerCopy{names, one})
	return one, nil
}
