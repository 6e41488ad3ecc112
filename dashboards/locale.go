package dashboards

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"martinella/alerts"
	"martinella/alerts/lexicon"
)

//go:embed locales/*.toml
var localeFiles embed.FS

// locale is the interface in one language: words, plurals, dates. It may be
// used from many goroutines.
type locale struct {
	Tag    string
	header []string // Content-Language
	words  *i18n.Localizer
	lex    *lexicon.Words
	zone   *time.Location
	later  bool // for a copy: whoever reads it may do so on another day, in another year
}

// forCopy is the same language for what is read nobody knows when.
func (l *locale) forCopy() *locale {
	c := *l
	c.later = true
	return &c
}

// locales are the languages of the pages; the first one stands in for others.
type locales struct {
	all     map[string]*locale
	matcher language.Matcher
	tags    []string

	mu     sync.RWMutex
	wishes map[string]*locale // by Accept-Language, as browsers write it
}

// pageLanguages are the languages of the public pages. The first one stands in
// for others. The catalogues are in the folder locales, NAME.TAG.toml for what
// has a name and TAG.toml for the rest; each comes in all of these languages,
// or in those of the console alone.
var pageLanguages = []string{"it", "en", "de", "sl", "fr"}

// staffLanguages are those of the console, a part of the former.
var staffLanguages = pageLanguages[:2]

// maxWishes bounds what is kept of Accept-Language.
const maxWishes = 1000

func loadLocales(zone *time.Location) (*locales, error) {
	bundle, err := catalogues()
	if err != nil {
		return nil, err
	}
	ls := &locales{all: map[string]*locale{}}
	for _, tag := range pageLanguages {
		ls.all[tag] = &locale{Tag: tag, header: []string{tag}, words: i18n.NewLocalizer(bundle, tag), lex: lexicon.For(tag), zone: zone}
	}
	return ls.only(pageLanguages), nil
}

// catalogues reads the words, once for the whole process.
var catalogues = sync.OnceValues(func() (*i18n.Bundle, error) {
	bundle := i18n.NewBundle(language.Italian)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	names, err := fs.Glob(localeFiles, "locales/*.toml")
	if err != nil {
		return nil, fmt.Errorf("catalogues: %w", err)
	}
	keys := map[string]map[string][]string{} // by catalogue, by language
	count := map[string]map[string]int{}     // by language, by key
	for _, name := range names {
		b, err := localeFiles.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		file, err := bundle.ParseMessageFileBytes(b, path.Base(name))
		if err != nil {
			return nil, fmt.Errorf("catalogue %s: %w", name, err)
		}
		catalogue, tag := catalogueOf(name)
		if keys[catalogue] == nil {
			keys[catalogue] = map[string][]string{}
		}
		if count[tag] == nil {
			count[tag] = map[string]int{}
		}
		ids := []string{}
		for _, m := range file.Messages {
			ids = append(ids, m.ID)
			if count[tag][m.ID]++; count[tag][m.ID] > 1 {
				return nil, fmt.Errorf("catalogue %s: the key %s is in two files", name, m.ID)
			}
		}
		slices.Sort(ids)
		keys[catalogue][tag] = ids
	}
	for catalogue, in := range keys {
		if len(in) != len(pageLanguages) && len(in) != len(staffLanguages) {
			return nil, fmt.Errorf("catalogue %s is in %d languages: want %v, or %v", catalogue, len(in), pageLanguages, staffLanguages)
		}
		for i, tag := range pageLanguages[:len(in)] {
			if i > 0 && !slices.Equal(in[tag], in[pageLanguages[0]]) {
				return nil, fmt.Errorf("catalogue %s has other keys in %s than in %s", catalogue, tag, pageLanguages[0])
			}
		}
	}
	return bundle, nil
})

// catalogueOf gives name and language of a catalogue: "locales/ledger.it.toml"
// is ledger in it; "locales/it.toml" has no name.
func catalogueOf(file string) (name, tag string) {
	name = strings.TrimSuffix(path.Base(file), ".toml")
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}

// only gives the same words in some of the languages.
func (ls *locales) only(languages []string) *locales {
	some := &locales{all: map[string]*locale{}, wishes: map[string]*locale{}, tags: languages}
	var tags []language.Tag
	for _, tag := range languages {
		some.all[tag] = ls.all[tag]
		tags = append(tags, language.Make(tag))
	}
	some.matcher = language.NewMatcher(tags)
	return some
}

// of chooses the reader's language: the one that was asked for, then
// Accept-Language.
func (ls *locales) of(r *http.Request, asked string) *locale {
	if asked != "" {
		if l, known := ls.all[alerts.PrimaryLanguage(asked)]; known {
			return l
		}
	}
	header := r.Header.Get("Accept-Language")
	if header == "" || len(header) > 200 {
		return ls.all[ls.tags[0]]
	}
	ls.mu.RLock()
	l, known := ls.wishes[header]
	ls.mu.RUnlock()
	if known {
		return l
	}
	l = ls.match(header)
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if len(ls.wishes) >= maxWishes { // strangers write what they like
		clear(ls.wishes)
	}
	ls.wishes[header] = l
	return l
}

// match reads Accept-Language (RFC 9110 section 12.5.4).
func (ls *locales) match(header string) *locale {
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(wanted) == 0 {
		return ls.all[ls.tags[0]]
	}
	_, i, confidence := ls.matcher.Match(wanted...)
	if confidence == language.No {
		i = 0
	}
	return ls.all[ls.tags[i]]
}

// T gives the words of a key; pairs are names and values of its placeholders.
func (l *locale) T(key string, pairs ...any) (string, error) {
	values := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return "", fmt.Errorf("words %s: placeholder %v is not named", key, pairs[i])
		}
		values[name] = pairs[i+1]
	}
	return l.words.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: values})
}

// must is T for keys that tests have seen; a missing one is its own name.
func (l *locale) must(key string, pairs ...any) string {
	s, err := l.T(key, pairs...)
	if err != nil {
		return key
	}
	return s
}

// instant is a time for a page.
type instant struct {
	ISO   string // with offset, for programs
	Text  string // day and clock time
	Date  string // day alone
	Clock string
}

// At shows a time in the authority's zone, with the year when it is another
// one than now's, and in a copy.
func (l *locale) At(t, now time.Time) instant {
	if t.IsZero() {
		return instant{}
	}
	t, now = t.In(l.zone), now.In(l.zone)
	clock := t.Format("15:04")
	pairs := []any{"Day", t.Day(), "Month", strconv.Itoa(int(t.Month())), "MonthName", l.lex.Months[t.Month()-1], "Year", t.Year(), "Clock", clock}
	i := instant{ISO: t.Format(time.RFC3339), Clock: clock}
	if l.later || t.Year() != now.Year() {
		i.Text, i.Date = l.must("date_time_year", pairs...), l.must("date_year", pairs...)
	} else {
		i.Text, i.Date = l.must("date_time", pairs...), l.must("date", pairs...)
	}
	return i
}

// lapsed says that the time of a warning is over and nobody has lifted it.
func (l *locale) lapsed(at, now time.Time) string {
	i := l.At(at, now)
	if !l.later && at.In(l.zone).Format(time.DateOnly) == now.In(l.zone).Format(time.DateOnly) {
		return l.must("lapsed_today", "Clock", i.Clock)
	}
	return l.must("lapsed_day", "Clock", i.Clock, "Date", i.Date)
}

// month names a month: "novembre 2026".
func (l *locale) month(t time.Time) string {
	t = t.In(l.zone)
	return l.lex.Months[t.Month()-1] + " " + strconv.Itoa(t.Year())
}

// others are the languages in which the page can also be had.
func (ls *locales) others() []string { return ls.tags }

// language names a language in words; one without a name here is its tag.
func (l *locale) language(tag string) string {
	key := "language_" + alerts.PrimaryLanguage(tag)
	if name := l.must(key); name != key {
		return name
	}
	return tag
}

func upper(tag string) string { return strings.ToUpper(tag) }
