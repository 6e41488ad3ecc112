package dashboards

import (
	"embed"
	"fmt"
	"html/template"
	"sync"
)

//go:embed templates/*.html
var templateFiles embed.FS

// pageNames are the templates that must exist, each beside layout and parts.
var pageNames = []string{"embed", "home", "alert", "past", "text", "status", "outbox", "confirm", "accounts",
	"advice", "advice_one", "advice_kit", "area", "area_list", "verify",
	"subscribe", "signup", "subscriber", "sheet",
	"volunteer", "dispatch", "wall"}

// consoleNames are those of the console, each beside its own layout and parts.
var consoleNames = []string{"console_text", "overview", "sign_in", "invite", "account", "staff",
	"board", "close", "failures",
	"approve", "settled", "review", "start",
	"ledger", "held", "scene", "oidc",
	"rings", "calls", "warnings", "warning",
	"callouts", "callout_new", "callout_check", "callout", "callout_end", "callout_pages", "attendance", "correct", "activation", "certificate", "contacttests", "contacttest",
	"compose_new", "compose", "drafts", "draft_versions", "draft_delete", "draft_send",
	"settings", "channels", "keys", "otemplates", "otemplate", "registers", "identity", "areas", "lexicon",
	"volunteers", "volunteers_one", "volunteers_import"}

// templateSet is the pages in the languages of one server. They may be used from
// many goroutines.
type templateSet struct {
	parsed map[string]*template.Template // by page
	funcs  map[string]template.FuncMap   // by language

	mu   sync.Mutex
	made map[inLanguage]*template.Template
}

type inLanguage struct{ tag, name string }

// parseTemplates reads every page once for the whole process: what differs
// between languages and servers are the functions, which a copy gets. Every
// error of syntax shows here.
var parseTemplates = sync.OnceValues(func() (map[string]*template.Template, error) {
	parsed := map[string]*template.Template{}
	for layout, names := range map[string][]string{"layout.html": pageNames, "console.html": consoleNames} {
		for _, name := range names {
			t, err := template.New(layout).Funcs(templateFuncs(nil, nil)).Option("missingkey=error").
				ParseFS(templateFiles, "templates/"+layout, "templates/parts.html", "templates/"+name+".html")
			if err != nil {
				return nil, fmt.Errorf("template %s: %w", name, err)
			}
			parsed[name] = t
		}
	}
	return parsed, nil
})

// templateFuncs are what templates may call. To read them their names are
// enough, and l and a are nil.
func templateFuncs(l *locale, a *assets) template.FuncMap {
	return template.FuncMap{"T": l.T, "P": l.said, "asset": a.url, "upper": upper, "dict": dict, "inc": func(n int) int { return n + 1 }}
}

func loadTemplates(all *locales, a *assets) (*templateSet, error) {
	parsed, err := parseTemplates()
	if err != nil {
		return nil, err
	}
	t := &templateSet{parsed: parsed, funcs: map[string]template.FuncMap{}, made: map[inLanguage]*template.Template{}}
	for tag, l := range all.all {
		t.funcs[tag] = templateFuncs(l, a)
	}
	return t, nil
}

// in gives a page in a language, made when it is first asked for. It is an
// error to ask for what is not there.
func (t *templateSet) in(tag, name string) (*template.Template, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := inLanguage{tag, name}
	if made := t.made[at]; made != nil {
		return made, nil
	}
	parsed, funcs := t.parsed[name], t.funcs[tag]
	if parsed == nil || funcs == nil {
		return nil, fmt.Errorf("there is no page %s in %s", name, tag)
	}
	made, err := parsed.Clone()
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	t.made[at] = made.Funcs(funcs)
	return t.made[at], nil
}
