package lexicon

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
)

// Words is the lexicon of one language. It is not changed after loading and
// may be used from many goroutines.
type Words struct {
	Language  string `json:"-"`
	Exercise  string `json:"exercise"`  // the first word of every exercise
	Updated   string `json:"updated"`   // marks an update
	Cancelled string `json:"cancelled"` // marks what was sent by mistake
	Stopped   string `json:"stopped"`   // marks an exercise that was taken back, for whatever reason
	Ended     string `json:"ended"`     // marks the all-clear: another act, other words
	Replaced  string `json:"replaced"`  // marks an earlier post that another one took the place of

	// What begins the headline of a closing, before the event.
	EndedHeadline     string `json:"ended_headline"`
	CancelledHeadline string `json:"cancelled_headline"`
	StoppedHeadline   string `json:"stopped_headline"` // of an exercise that was taken back

	Levels map[alerts.Severity]string `json:"levels"` // DECISIONS 14: never a colour, which is the region's word

	Where        string `json:"where"`       // stands before the place
	UntilPattern string `json:"until"`       // {time} {weekday} {day} {month}
	UntilFew     string `json:"until_short"` // {time} {day} {month} or {month_number}
	AlsoPattern  string `json:"also"`        // {event} {place}
	AlsoEvent    string `json:"also_event"`  // {event}

	CancelledAction string `json:"cancelled_action"` // where the Cancel itself says nothing
	StoppedAction   string `json:"stopped_action"`   // the same of an exercise
	EndedAction     string `json:"ended_action"`
	Suspended       string `json:"suspended"`   // of an exercise that a real alert stops
	FollowPage      string `json:"follow_page"` // what to do, where the alert does not say

	// What an earlier post says of itself once another one took its place, each
	// with {next}, the address of that one, as its last word.
	ReplacedBy string `json:"replaced_by"`
	Withdrawn  string `json:"withdrawn"` // it was sent by mistake
	Finished   string `json:"finished"`  // the danger is over

	WithMap string `json:"with_map"` // of a picture, for those who do not see it
	OffMap  string `json:"off_map"`  // stands before places that have no shape

	// Days beside now, as people type them and read them.
	Today         string `json:"today"`
	Tomorrow      string `json:"tomorrow"`
	AfterTomorrow string `json:"after_tomorrow"`
	Midnight      string `json:"midnight"` // at the end of a day
	Noon          string `json:"noon"`
	DayPattern    string `json:"day"`  // {weekday} {day} {month}
	DaysPattern   string `json:"days"` // {n}

	Weekdays []string `json:"weekdays"` // from Sunday
	Months   []string `json:"months"`
}

//go:embed *.json
var files embed.FS

// Languages lists the languages that are complete, the first is the one that
// stands in for others.
var Languages = []string{"it", "en", "de", "sl", "fr"}

var known = load()

func load() map[string]*Words {
	m := make(map[string]*Words, len(Languages))
	for _, lang := range Languages {
		b, err := files.ReadFile(lang + ".json")
		w := &Words{Language: lang}
		if err == nil {
			err = json.Unmarshal(b, w)
		}
		if err != nil {
			panic(fmt.Sprintf("lexicon: the embedded file of %q cannot be read: %v", lang, err))
		}
		m[lang] = w
	}
	m[""] = both(m[Languages[0]], m[Languages[1]])
	return m
}

// For gives the words of a language tag ("it-IT" is "it"). For a language that
// has no lexicon it gives the marks in Italian and English side by side
// ("ESERCITAZIONE / EXERCISE"), so that nobody takes an exercise for real, and
// times as figures.
func For(tag string) *Words {
	if w, ok := known[alerts.PrimaryLanguage(tag)]; ok {
		return w
	}
	return known[""]
}

func both(a, b *Words) *Words {
	pair := func(x, y string) string { return x + " / " + y }
	once := func(x, y string) string { return pair(strings.TrimSuffix(x, ": {next}"), y) }
	w := &Words{
		Exercise: pair(a.Exercise, b.Exercise), Updated: pair(a.Updated, b.Updated), Cancelled: pair(a.Cancelled, b.Cancelled), Stopped: pair(a.Stopped, b.Stopped), Ended: pair(a.Ended, b.Ended), Replaced: pair(a.Replaced, b.Replaced),
		EndedHeadline: pair(a.EndedHeadline, b.EndedHeadline), CancelledHeadline: pair(a.CancelledHeadline, b.CancelledHeadline), StoppedHeadline: pair(a.StoppedHeadline, b.StoppedHeadline),
		Levels:       map[alerts.Severity]string{},
		Where:        strings.TrimSuffix(a.Where, ": ") + " / " + b.Where,
		UntilPattern: "-> {time}, {day}.{month_number}.", UntilFew: "-> {time}, {day}.{month_number}.",
		AlsoPattern: "+ {event} ({place}).", AlsoEvent: "+ {event}.",
		CancelledAction: pair(a.CancelledAction, b.CancelledAction), StoppedAction: pair(a.StoppedAction, b.StoppedAction), EndedAction: pair(a.EndedAction, b.EndedAction), Suspended: pair(a.Suspended, b.Suspended), FollowPage: pair(a.FollowPage, b.FollowPage),
		WithMap: pair(a.WithMap, b.WithMap), OffMap: strings.TrimSuffix(a.OffMap, ": ") + " / " + b.OffMap,
		ReplacedBy: once(a.ReplacedBy, b.ReplacedBy), Withdrawn: once(a.Withdrawn, b.Withdrawn), Finished: once(a.Finished, b.Finished),
		Today: b.Today, Tomorrow: b.Tomorrow, AfterTomorrow: b.AfterTomorrow, Midnight: b.Midnight, Noon: b.Noon,
		DayPattern: b.DayPattern, DaysPattern: b.DaysPattern,
		Weekdays: b.Weekdays, Months: b.Months,
	}
	for s := range a.Levels {
		w.Levels[s] = pair(a.Levels[s], b.Levels[s])
	}
	return w
}

// Level is what a severity is called.
func (w *Words) Level(s alerts.Severity) string {
	if word, ok := w.Levels[s]; ok {
		return word
	}
	return w.Levels[alerts.SeverityUnknown]
}

// Mark is what stands before the text: the exercise word first, then what the
// change is. A first issue in earnest has no mark.
func (w *Words) Mark(change alerts.Change, exercise bool) string {
	var marks []string
	if exercise {
		marks = append(marks, w.Exercise)
	}
	switch change {
	case alerts.ChangeUpdated:
		marks = append(marks, w.Updated)
	case alerts.ChangeCancelled:
		mark, _ := w.Cancel(exercise)
		marks = append(marks, mark)
	case alerts.ChangeEnded:
		marks = append(marks, w.Ended)
	}
	return strings.Join(marks, " - ")
}

// Cancel gives the mark of what is taken back, and what it tells people to do.
// A warning was sent by mistake; an exercise is stopped, mostly since there is a
// real alert, and nobody made a mistake.
func (w *Words) Cancel(exercise bool) (mark, action string) {
	if exercise {
		return w.Stopped, w.StoppedAction
	}
	return w.Cancelled, w.CancelledAction
}

// Closing gives the standard words of an event that is over ([alerts.ChangeEnded])
// or was taken back ([alerts.ChangeCancelled]): "Cessato allarme: Alluvione", and
// a sentence. They stand in every language for which nobody wrote others. event
// is in this language; "" leaves it out.
func (w *Words) Closing(change alerts.Change, exercise bool, event string) (headline, text string) {
	switch {
	case change == alerts.ChangeEnded:
		headline, text = w.EndedHeadline, w.EndedAction
	case exercise:
		headline, text = w.StoppedHeadline, w.StoppedAction
	default:
		headline, text = w.CancelledHeadline, w.CancelledAction
	}
	if event = strings.TrimSpace(event); event != "" {
		headline += ": " + event
	}
	return headline, text
}

// Amended gives what an earlier post says first and second once a change took
// its place: a mark, the exercise word before it, and a sentence with {next}.
func (w *Words) Amended(change alerts.Change, exercise bool) (mark, sentence string) {
	mark, sentence = w.Replaced, w.ReplacedBy
	switch change {
	case alerts.ChangeCancelled:
		mark, _ = w.Cancel(exercise)
		sentence = w.Withdrawn
	case alerts.ChangeEnded:
		mark, sentence = w.Ended, w.Finished
	}
	if exercise {
		mark = w.Exercise + " - " + mark
	}
	return mark, sentence
}

// Also names a further hazard; place may be empty.
func (w *Words) Also(event, place string) string {
	pattern := w.AlsoPattern
	if place == "" {
		pattern = w.AlsoEvent
	}
	return strings.NewReplacer("{event}", event, "{place}", place).Replace(pattern)
}

// Until says an end as a clock time with its day, in t's own zone: never
// "tonight", which is wrong for who reads it tomorrow.
func (w *Words) Until(t time.Time) string { return w.when(w.UntilPattern, t) }

// UntilShort is Until for short messages.
func (w *Words) UntilShort(t time.Time) string { return w.when(w.UntilFew, t) }

// Day names the day of t as seen from now, both in their own zones: "oggi",
// "domani", "lunedì 23 novembre", with the year where it is another one.
func (w *Words) Day(t, now time.Time) string {
	of := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	switch of(t).Sub(of(now)) {
	case 0:
		return w.Today
	case 24 * time.Hour:
		return w.Tomorrow
	}
	day := w.when(w.DayPattern, t)
	if t.Year() != now.Year() {
		day += " " + strconv.Itoa(t.Year())
	}
	return day
}

// Long says a time span in whole minutes: "11 h 30 min", from two days on
// "2 giorni 3 h".
func (w *Words) Long(d time.Duration) string {
	var parts []string
	hours, minutes := int(d/time.Hour), int(d/time.Minute)%60
	if days := hours / 24; days >= 2 {
		parts = append(parts, strings.ReplaceAll(w.DaysPattern, "{n}", strconv.Itoa(days)))
		hours %= 24
	}
	if hours > 0 {
		parts = append(parts, strconv.Itoa(hours)+" h")
	}
	if minutes > 0 || len(parts) == 0 {
		parts = append(parts, strconv.Itoa(minutes)+" min")
	}
	return strings.Join(parts, " ")
}

func (w *Words) when(pattern string, t time.Time) string {
	return strings.NewReplacer(
		"{time}", t.Format("15:04"),
		"{weekday}", w.Weekdays[t.Weekday()],
		"{day}", strconv.Itoa(t.Day()),
		"{month}", w.Months[t.Month()-1],
		"{month_number}", strconv.Itoa(int(t.Month())),
	).Replace(pattern)
}
