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
}

// locales are the languages of the pages; the first one stands in for others.
type locales struct {
	all     map[string]*locale
	matcher language.Matcher
	tags    []string

	mu     sync.RWMutex
	wishes map[string]*locale // by Accept-Language, as browsers write it
}

// pageLanguages are the languages of the pages: those with catalogues in the
// folder locales, it.toml for the public pages and PAGE.it.toml for one of the
// console. Messages have more (lexicon.Languages). The first one stands
// in for others.
var pageLanguages = []string{"it", "en"}

// maxWishes bounds what is kept of Accept-Language.
const maxWishes = 1000

func loadLocales(zone *time.Location) (*locales, error) {
	bundle := i18n.NewBundle(language.Italian)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	ls := &locales{all: map[string]*locale{}, wishes: map[string]*locale{}, tags: pageLanguages}
	var tags []language.Tag
	keys := map[string][]string{}
	for _, tag := range ls.tags {
		names, err := fs.Glob(localeFiles, "locales/*"+tag+".toml")
		if err != nil || len(names) == 0 {
			return nil, fmt.Errorf("catalogue %s: no file: %w", tag, err)
		}
		for _, name := range names {
			b, err := localeFiles.ReadFile(name)
			if err != nil {
				return nil, fmt.Errorf("catalogue: %w", err)
			}
			file, err := bundle.ParseMessageFileBytes(b, path.Base(name))
			if err != nil {
				return nil, fmt.Errorf("catalogue %s: %w", name, err)
			}
			for _, m := range file.Messages {
				keys[tag] = append(keys[tag], m.ID)
			}
		}
		slices.Sort(keys[tag])
		if same := slices.Compact(slices.Clone(keys[tag])); len(same) != len(keys[tag]) {
			return nil, fmt.Errorf("catalogue %s has a key in two files", tag)
		}
		if !slices.Equal(keys[tag], keys[ls.tags[0]]) {
			return nil, fmt.Errorf("catalogue %s has other keys than %s", tag, ls.tags[0])
		}
		ls.all[tag] = &locale{Tag: tag, header: []string{tag}, words: i18n.NewLocalizer(bundle, tag), lex: lexicon.For(tag), zone: zone}
		tags = append(tags, language.Make(tag))
	}
	ls.matcher = language.NewMatcher(tags)
	return ls, nil
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
// one than now's.
func (l *locale) At(t, now time.Time) instant {
	if t.IsZero() {
		return instant{}
	}
	t, now = t.In(l.zone), now.In(l.zone)
	key := "date_time"
	if t.Year() != now.Year() {
		key = "date_time_year"
	}
	clock := t.Format("15:04")
	pairs := []any{"Day", t.Day(), "Month", strconv.Itoa(int(t.Month())), "MonthName", l.lex.Months[t.Month()-1], "Year", t.Year(), "Clock", clock}
	return instant{ISO: t.Format(time.RFC3339), Text: l.must(key, pairs...), Date: l.must("date", pairs...), Clock: clock}
}

// lapsed says that the time of a warning is over and nobody has lifted it.
func (l *locale) lapsed(at, now time.Time) string {
	i := l.At(at, now)
	if at.In(l.zone).Format(time.DateOnly) == now.In(l.zone).Format(time.DateOnly) {
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
