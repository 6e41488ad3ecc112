package roster

import (
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// Defaults are the values of rows that have none.
type Defaults struct {
	Areas    []string
	Language string // "it"
	Audience string // "citizens", and "volunteers" for rows with skills or the like
	Purpose  string // "emergency"
	Channels []string
	Consent  broadcast.Consent

	zone *time.Location // of days; nil: Italy's
}

func (d Defaults) in(zone *time.Location) Defaults {
	d.zone = zone
	return d
}

func (d Defaults) at() *time.Location {
	if d.zone != nil {
		return d.zone
	}
	return rome()
}

// Row is one person of a list, or why it is not taken: Refusals is then not
// empty, with every problem of the row.
type Row struct {
	Line     int
	Listing  broadcast.Listing
	Refusals []Refusal
}

func (r *Row) refuse(field, problem, hint string) {
	r.Refusals = append(r.Refusals, Refusal{r.Line, field, problem, hint})
}

var (
	languageForm = regexp.MustCompile(`^[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*$`)
	areaForm     = regexp.MustCompile(`^(\*|[A-Za-z0-9][A-Za-z0-9._:/-]{0,63})$`)
	wordForm     = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ._:-]{0,63}$`)
	kindForm     = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	hourForm     = regexp.MustCompile(`^([01]?[0-9]|2[0-3])[:.]([0-5][0-9])$`)
)

// row makes a person of the values by column.
func (d Defaults) row(line int, value map[string]string, ofISTAT bool) Row {
	r := Row{Line: line}
	s := &r.Listing.Subscriber
	s.V = broadcast.SubscriberVersion
	r.contacts(value)
	r.language(or(value["language"], d.Language, "it"))
	r.word(&s.Audience, "audience", audiences, or(value["audience"], d.Audience, audienceOf(value)), "citizens, volunteers, institutions, media, staff")
	r.areas(value["areas"], d.Areas, ofISTAT)
	r.word(&s.Purpose, "purpose", purposes, or(value["purpose"], d.Purpose, "emergency"), "emergency or information")
	r.word((*string)(&s.MinSeverity), "severity_min", severities, value["severity_min"], "Minor, Moderate, Severe, Extreme, or nothing for all")
	r.word((*string)(&s.Consent), "consent", consents, or(value["consent"], string(d.Consent)), "given, asked, or nothing for a list of the authority")
	r.until(value["until"], d.at())
	s.Channels = r.kinds("channels", value["channels"], d.Channels)
	r.Listing.Stopped = r.kinds("stopped", value["stopped"], nil)
	s.Topics = r.list("topics", value["topics"], wordForm)
	r.circle(value["circle"])
	r.quiet(value["quiet"])
	r.profile(value, d.at())
	r.Listing.Silent = silent(value)
	return r
}

// ReadRow makes a person of fields by column, days being of the zone: the form
// of somebody who edits one person has the rules of lists.
func ReadRow(value map[string]string, zone *time.Location) Row {
	return Defaults{}.in(zone).row(0, value, false)
}

// audienceOf is that of a row which names none: who has skills is a volunteer.
func audienceOf(value map[string]string) string {
	for _, column := range ofVolunteers {
		if value[column] != "" {
			return broadcast.AudienceVolunteers
		}
	}
	return "citizens"
}

func or(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func (r *Row) contacts(value map[string]string) {
	c := map[string]string{}
	r.Listing.Subscriber.Contacts = c
	for _, one := range []struct {
		kind, remedy string
		read         func(string) (string, error)
	}{
		{"phone", "write it like +393331234567", Phone},
		{"email", "write it like name@example.org", Mail},
		{"push", "give the browser's subscription: endpoint#auth=...&p256dh=..., or its JSON", Push},
	} {
		text := value[one.kind]
		if text == "" {
			continue
		}
		address, err := one.read(text)
		switch {
		case errors.Is(err, ErrMangled):
			r.refuse(one.kind, err.Error(), "format the column as text and paste the numbers again")
		case err != nil:
			r.refuse(one.kind, err.Error()+": "+strings.Map(plain, Mask(text)), one.remedy)
		default:
			c[one.kind] = address
		}
	}
	if text := value["other_contacts"]; text != "" {
		others := map[string]string{}
		if json.Unmarshal([]byte(text), &others) != nil {
			r.refuse("other_contacts", "it is not of the form that export writes", `write it like {"matrix":"@anna:example.org"}`)
		}
		for kind, address := range others {
			if _, twice := c[kind]; twice || !kindForm.MatchString(kind) || address == "" || len(address) > 2048 {
				r.refuse("other_contacts", "a kind of contact is empty, named twice or not a word", "use the columns phone, email and push for these")
				continue
			}
			c[kind] = address
		}
	}
	if len(c) == 0 && len(r.Refusals) == 0 {
		r.refuse("phone", "there is no contact", "give a phone number, an e-mail address or a push endpoint")
	}
}

// split parts a list within a field, by blanks or marks.
func split(text, marks string) []string {
	var out []string
	for _, word := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(marks, c) }) {
		if word = strings.TrimSpace(word); word != "" && !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out
}

const inField = ",;|\n\t"

func (r *Row) areas(text string, otherwise []string, ofISTAT bool) {
	all := split(text, inField+" ")
	if len(all) == 0 {
		all = otherwise
	}
	if len(all) == 0 && r.Listing.Subscriber.Audience == broadcast.AudienceVolunteers {
		all = []string{"*"} // they help wherever they are called
	}
	for _, a := range all {
		if ofISTAT && (len(a) == 4 || len(a) == 5) && strings.Trim(a, "0123456789") == "" {
			a = strings.Repeat("0", 6-len(a)) + a
		}
		if !areaForm.MatchString(a) {
			r.refuse("areas", "the area "+shown(a)+" is not a code", "write codes like 048017, parted by blanks; * is the whole territory")
			return
		}
		r.Listing.Subscriber.Areas = append(r.Listing.Subscriber.Areas, a)
	}
	if len(all) == 0 {
		r.refuse("areas", "there is no area", "fill the column areas, or give --areas for all rows")
	}
}

func (r *Row) language(text string) {
	if tag, ok := known(languages, text); ok {
		text = tag
	}
	if !languageForm.MatchString(text) {
		r.refuse("language", "the language is "+shown(text), "write it like it or de-AT")
	}
	r.Listing.Subscriber.Language = text
}

func (r *Row) word(to *string, field string, words map[string]string, text, remedy string) {
	v, ok := known(words, text)
	if !ok {
		r.refuse(field, "it is "+shown(text), "write "+remedy)
	}
	*to = v
}

// days are the forms of a date in lists.
var days = []string{time.DateOnly, "02/01/2006", "2/1/2006", "02.01.2006", "2.1.2006", "02-01-2006"}

// until takes the last day, which the subscription includes by the time of the zone, or
// an instant as export writes it.
func (r *Row) until(text string, zone *time.Location) {
	if text == "" {
		return
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		r.Listing.Subscriber.Until = at.UTC()
		return
	}
	for _, form := range days {
		if at, err := time.ParseInLocation(form, text, zone); err == nil {
			r.Listing.Subscriber.Until = at.AddDate(0, 0, 1).UTC()
			return
		}
	}
	r.refuse("until", "the day is "+shown(text), "write it like 2027-06-30 or 30/06/2027")
}

func rome() *time.Location {
	at, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		return time.UTC // a machine without time zones
	}
	return at
}

// kinds reads kinds of contact.
func (r *Row) kinds(field, text string, otherwise []string) []string {
	var out []string
	if _, every := known(everyKind, text); every && text != "" {
		return nil
	}
	for _, word := range split(text, inField+" ") {
		if column, _ := columnOf(word); column == "phone" || column == "email" || column == "push" {
			word = column
		}
		if !kindForm.MatchString(word) {
			r.refuse(field, "the kind of contact is "+shown(word), "write phone, email or push")
			return nil
		}
		if !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	if out == nil {
		return otherwise
	}
	return out
}

func (r *Row) list(field, text string, form *regexp.Regexp) []string {
	words := split(text, inField)
	for _, w := range words {
		if !form.MatchString(w) {
			r.refuse(field, "it holds "+shown(w), "write words, parted by commas")
			return nil
		}
	}
	return words
}

// circle reads "45.46,9.19 2": latitude, longitude, radius in km, which
// volunteers may leave out: they live somewhere.
func (r *Row) circle(text string) {
	if text == "" {
		return
	}
	words := strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ';' || c == ' ' })
	if len(words) == 2 && r.Listing.Subscriber.Audience == broadcast.AudienceVolunteers {
		words = append(words, "0")
	}
	var n [3]float64
	ok := len(words) == 3
	for i := range n {
		if ok {
			var err error
			n[i], err = strconv.ParseFloat(words[i], 64)
			ok = err == nil && !math.IsNaN(n[i])
		}
	}
	if !ok || math.Abs(n[0]) > 90 || math.Abs(n[1]) > 180 || n[2] < 0 || n[2] > 1000 {
		r.refuse("circle", "it is not a place with a radius", "write latitude,longitude and the radius in km, like 43.93,10.91 2")
		return
	}
	r.Listing.Subscriber.Circle = &alerts.Circle{Centre: alerts.Point{Lat: n[0], Lon: n[1]}, Radius: n[2]}
}

// quiet reads "22:00-07:00".
func (r *Row) quiet(text string) {
	if _, none := known(noHours, text); none {
		return
	}
	from, to, _ := strings.Cut(strings.ReplaceAll(text, " ", ""), "-")
	a, b := hourOf(from), hourOf(to)
	if a == "" || b == "" || a == b {
		r.refuse("quiet", "the hours are "+shown(text), "write them like 22:00-07:00")
		return
	}
	r.Listing.Subscriber.Quiet = &broadcast.Hours{From: a, To: b}
}

// hourOf gives a time of day in the form that is stored, "" for what is none.
func hourOf(s string) string {
	m := hourForm.FindStringSubmatch(s)
	if m == nil {
		return ""
	}
	return strings.Repeat("0", 2-len(m[1])) + m[1] + ":" + m[2]
}
