package broadcast

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/alerts/lexicon"
)

// BriefLimit is the longest brief in bytes (INTERFACE.md, Live feed).
const BriefLimit = 400

// brief is the message of the live feed. Level is the severity in lower case,
// and "none" for a Cancel or an all-clear: nobody is warned any more. The
// headline begins with what everybody must see first: that it is an exercise,
// an update, a mistake, an all-clear.
type brief struct {
	Type     string        `json:"type"`
	Cursor   Cursor        `json:"cursor"`
	Change   alerts.Change `json:"change"`
	ID       alerts.ID     `json:"id"`
	Event    alerts.ID     `json:"event"`
	Revision int           `json:"revision"`
	Status   alerts.Status `json:"status"`
	Level    string        `json:"level"`
	Headline string        `json:"headline"`
	Area     string        `json:"area"`
	Expires  string        `json:"expires"`
	URL      string        `json:"url"`
	SpreadMS int64         `json:"spread_ms"`
	Alert    *alerts.Alert `json:"alert,omitempty"`
}

// Brief is the short form of a published change for the live feed, one JSON
// object of at most [BriefLimit] bytes: headline and area give way first, then
// the address becomes relative. publicURL has no slash at its end; lang chooses
// the wording; spread is within what time pages should fetch.
//
// Of a situation report ([Entry.Sitrep]) it is the report's message: type sitrep,
// with text and place that give way.
func Brief(e Entry, publicURL, lang string, spread time.Duration) []byte {
	if e.Sitrep != nil {
		return sitrepBrief(e, publicURL, spread)
	}
	m := briefOf(e, publicURL, lang, spread)
	headline, area := m.Headline, m.Area
	m.Headline, m.Area = "", ""
	empty := encode(m)
	if len(empty) > BriefLimit-40 && publicURL != "" {
		// Room for words is worth more than an address that can be completed.
		m.URL = strings.TrimPrefix(m.URL, publicURL)
		empty = encode(m)
	}
	room := BriefLimit - len(empty)
	if room < 0 {
		// No record of ours is like this; what a stranger's could be is cut.
		m.URL = ""
		m.Cursor, m.ID, m.Event = Cursor(fit(string(m.Cursor), 60)), alerts.ID(fit(string(m.ID), 30)), alerts.ID(fit(string(m.Event), 30))
		room = BriefLimit - len(encode(m))
	}
	// The area keeps a third of the room, more where the headline is short.
	m.Headline = fit(headline, max(room-min(encodedLen(area), room/3), 0))
	m.Area = fit(area, room-encodedLen(m.Headline))
	return encode(m)
}

// Full is the brief, untrimmed, with the whole alert as everybody may see it.
func Full(e Entry, publicURL, lang string, spread time.Duration) []byte {
	if e.Sitrep != nil {
		m := sitrepMessageOf(e, publicURL, spread)
		m.Sitrep = PublicSitrep(e.Sitrep, publicURL)
		return encode(m)
	}
	m := briefOf(e, publicURL, lang, spread)
	m.Alert = PublicAlert(e.Record)
	return encode(m)
}

// PublicAlert is the alert as everybody may see it: without the addresses and
// the restriction that name its readers.
func PublicAlert(r *alerts.Record) *alerts.Alert {
	a := r.Alert.Clone()
	a.Addresses, a.Restriction = nil, ""
	return a
}

func briefOf(e Entry, publicURL, lang string, spread time.Duration) brief {
	r := e.Record
	m := brief{
		Type: "alert", Cursor: e.Cursor, Change: r.Change, ID: r.ID, Event: r.Event, Revision: r.Revision,
		Status: r.Alert.Status, Level: Level(r), Expires: alerts.FormatTime(r.Alert.Expires()),
		URL: publicURL + "/a/" + string(r.Event), SpreadMS: spread.Milliseconds(),
	}
	if !slices.Contains(alerts.Statuses, m.Status) {
		m.Status = ""
	}
	if r.Change != alerts.ChangeIssued && r.Change != alerts.ChangeUpdated && r.Change != alerts.ChangeCancelled && r.Change != alerts.ChangeEnded {
		m.Change = ""
	}
	info := r.Alert.Info(lang, defaultLanguage)
	if info != nil {
		if lang == "" {
			lang = info.Language
		}
		m.Headline = info.Headline
		if m.Headline == "" {
			m.Headline = info.Event
		}
		var places []string
		for i := range info.Areas {
			places = append(places, info.Areas[i].Description)
		}
		m.Area = strings.Join(places, ", ")
	}
	if mark := lexicon.For(lang).Mark(r.Change, r.Alert.Practice()); mark != "" {
		m.Headline = strings.TrimSuffix(mark+": "+m.Headline, ": ")
	}
	return m
}

// defaultLanguage is that of an info which names none (CAP 1.2 section 3.2.2).
const defaultLanguage = "en-US"

// Level is the severity as live feed and pages name it: extreme, severe,
// moderate, minor, unknown; none for a Cancel or an all-clear.
func Level(r *alerts.Record) string {
	if over(r) {
		return "none"
	}
	return strings.ToLower(string(knownSeverity(r.Alert.Severity())))
}

// encode writes JSON without HTML escapes: the brief is a message, never part
// of a page.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("broadcast: a brief always marshals: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// encodedLen is what s takes within JSON, without its quotes.
func encodedLen(s string) int { return len(encode(s)) - 2 }

// fit cuts s at a character so that it takes at most room bytes within JSON.
func fit(s string, room int) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	if encodedLen(s) <= room {
		return s
	}
	const mark = "…"
	room -= len(mark)
	if room < 0 {
		return ""
	}
	used, end := 0, 0
	for i, r := range s {
		size := encodedLen(string(r))
		if used+size > room {
			break
		}
		used, end = used+size, i+utf8.RuneLen(r)
	}
	return strings.TrimRight(s[:end], " ,.;:") + mark
}
