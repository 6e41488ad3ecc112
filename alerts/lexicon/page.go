package lexicon

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
)

// PageWords are the words of one language around what a coordinator writes to
// volunteers. They are not changed after loading and may be used from many
// goroutines.
type PageWords struct {
	Language string `json:"-"`

	// Of a text message.
	MeetPattern string `json:"meet"`           // {where} {time}
	MeetTime    string `json:"meet_time"`      // {time}, where the place has no room
	OnPattern   string `json:"on"`             // {day} {month_number} {mon} {time}: on another day
	Reply       string `json:"reply"`          // how to answer, to the sender
	ReplyShort  string `json:"reply_short"`    //
	ReplyTo     string `json:"reply_to"`       // {number}: to another number
	ReplyToFew  string `json:"reply_to_short"` // {number}

	// Of longer ones. The day is always named.
	Ask         string `json:"ask"`
	What        string `json:"what"`
	Where       string `json:"where"`
	Time        string `json:"time"`
	WhenPattern string `json:"when"` // {time} {weekday} {day} {month}
	Bring       string `json:"bring"`
	Button      string `json:"button"`
	Own         string `json:"own"`        // the link of a page that asks nothing
	Tap         string `json:"tap"`        // where a touch leads to the answer
	ReplyMail   string `json:"reply_mail"` // how to answer a mail
	WhyPattern  string `json:"why"`        // {authority}
	Personal    string `json:"personal"`   // of the link

	// On buttons below a message.
	InPattern string `json:"coming_in"` // {minutes}
	Perhaps   string `json:"perhaps"`
	Cannot    string `json:"cannot"`

	// Of a telephone call.
	Press  string `json:"press"`
	Thanks string `json:"thanks"` // after a key: also right where the call is over meanwhile

	// What is over: a mark of few words, and a text that is right whoever reads
	// it.
	Filled        string `json:"filled"`
	FilledText    string `json:"filled_text"`
	Needed        string `json:"needed"` // a place is free again: the others still count
	NeededText    string `json:"needed_text"`
	Closed        string `json:"closed"`
	ClosedText    string `json:"closed_text"`
	Cancelled     string `json:"cancelled"`
	CancelledText string `json:"cancelled_text"`

	// Of a test of contacts: what it is, how to confirm, and what a button, a key
	// and a touch do.
	Test       string `json:"test"`
	TestText   string `json:"test_text"`
	TestOK     string `json:"test_ok"`
	TestOKTo   string `json:"test_ok_to"` // {number}
	TestOr     string `json:"test_or"`    // behind one of the two, where there is a link as well
	TestLink   string `json:"test_link"`  // where there is nothing else
	TestMail   string `json:"test_mail"`
	TestButton string `json:"test_button"`
	TestPress  string `json:"test_press"`
	TestTap    string `json:"test_tap"`
	TestOwn    string `json:"test_own"`
}

// PageLanguages are the languages in which volunteers are called, the first
// stands in for others.
var PageLanguages = []string{"it", "en", "de", "sl", "fr"}

var pages = loadPages()

func loadPages() map[string]*PageWords {
	var all map[string]*PageWords
	b, err := files.ReadFile("pages.json")
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil {
		panic(fmt.Sprintf("lexicon: the embedded file of pages cannot be read: %v", err))
	}
	for lang, w := range all {
		w.Language = lang
	}
	return all
}

// ForPages gives the words of a language tag.
func ForPages(tag string) *PageWords {
	if w, ok := pages[alerts.PrimaryLanguage(tag)]; ok {
		return w
	}
	return pages[PageLanguages[0]]
}

// Meet says in few words where and when to be; day: with the day. where may be
// empty. What is written in is filled in once, so that it can bring in nothing
// else.
func (w *PageWords) Meet(where string, at time.Time, day bool) string {
	said := at.Format("15:04")
	if day {
		said = w.when(w.OnPattern, at)
	}
	pattern := w.MeetPattern
	if where == "" {
		pattern = w.MeetTime
	}
	return strings.NewReplacer("{where}", where, "{time}", said).Replace(pattern)
}

// When says a time with its day.
func (w *PageWords) When(at time.Time) string { return w.when(w.WhenPattern, at) }

// Replies says how to answer by a text message; number "" is the sender's.
func (w *PageWords) Replies(number string, short bool) string {
	switch {
	case number == "" && short:
		return w.ReplyShort
	case number == "":
		return w.Reply
	case short:
		return strings.ReplaceAll(w.ReplyToFew, "{number}", number)
	}
	return strings.ReplaceAll(w.ReplyTo, "{number}", number)
}

// Confirm says how a test of contacts is confirmed: by a text message where those
// are read (number "": to the sender), by the link where there is one; "" where
// there is neither.
func (w *PageWords) Confirm(replies bool, number string, link bool) string {
	switch {
	case !replies && !link:
		return ""
	case !replies:
		return w.TestLink + "."
	}
	said := w.TestOK
	if number != "" {
		said = strings.ReplaceAll(w.TestOKTo, "{number}", number)
	}
	if link {
		said += w.TestOr
	}
	return said + "."
}

// ComingIn says on a button that somebody comes in so many minutes.
func (w *PageWords) ComingIn(minutes int) string {
	return strings.ReplaceAll(w.InPattern, "{minutes}", strconv.Itoa(minutes))
}

// Why says why somebody gets a page.
func (w *PageWords) Why(authority string) string {
	return strings.ReplaceAll(w.WhyPattern, "{authority}", authority)
}

func (w *PageWords) when(pattern string, t time.Time) string {
	words := For(w.Language)
	month := words.Months[t.Month()-1]
	return strings.NewReplacer(
		"{time}", t.Format("15:04"), "{weekday}", words.Weekdays[t.Weekday()], "{day}", strconv.Itoa(t.Day()),
		"{month}", month, "{mon}", string([]rune(month)[:3]), "{month_number}", strconv.Itoa(int(t.Month())),
	).Replace(pattern)
}
