package alerts

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// Alert is one message of the Common Alerting Protocol, version 1.2 (OASIS
// CAP-v1.2, July 2010); messages of 1.0 and 1.1 are read into the same model.
// Field names and order are those of CAP section 3.2. The zero value of a
// field means that the element is absent. An Alert is plain data: copy it with
// [Alert.Clone] before changing one that others may hold.
type Alert struct {
	Identifier  string      `json:"identifier"`
	Sender      string      `json:"sender"`
	Sent        time.Time   `json:"-"` // with the offset that the sender wrote
	Status      Status      `json:"status"`
	MsgType     MsgType     `json:"msgType"`
	Source      string      `json:"source,omitempty"`
	Scope       Scope       `json:"scope"`
	Restriction string      `json:"restriction,omitempty"` // for Scope Restricted
	Addresses   []string    `json:"addresses,omitempty"`   // for Scope Private
	Codes       []string    `json:"code,omitempty"`
	Note        string      `json:"note,omitempty"` // for Exercise and Error
	References  []Reference `json:"references,omitempty"`
	Incidents   []string    `json:"incidents,omitempty"`
	Infos       []Info      `json:"info,omitempty"`
}

// Info is CAP section 3.2.2: one wording of the alert, normally one for each
// language. Senders exist who write one for each hazard, colour and day.
type Info struct {
	Language      string         `json:"language,omitempty"` // RFC 3066; empty means en-US by CAP, or the source's default
	Categories    []Category     `json:"category"`
	Event         string         `json:"event"`
	ResponseTypes []ResponseType `json:"responseType,omitempty"`
	Urgency       Urgency        `json:"urgency"`
	Severity      Severity       `json:"severity"`
	Certainty     Certainty      `json:"certainty"`
	Audience      string         `json:"audience,omitempty"`
	EventCodes    []Value        `json:"eventCode,omitempty"`
	Effective     time.Time      `json:"-"`
	Onset         time.Time      `json:"-"`
	Expires       time.Time      `json:"-"`
	SenderName    string         `json:"senderName,omitempty"`
	Headline      string         `json:"headline,omitempty"`
	Description   string         `json:"description,omitempty"`
	Instruction   string         `json:"instruction,omitempty"`
	Web           string         `json:"web,omitempty"`
	Contact       string         `json:"contact,omitempty"`
	Parameters    []Value        `json:"parameter,omitempty"`
	Resources     []Resource     `json:"resource,omitempty"`
	Areas         []Area         `json:"area,omitempty"`
}

// Value is a valueName with its value: eventCode, parameter and geocode.
type Value struct {
	Name  string `json:"valueName"`
	Value string `json:"value"`
}

// Resource is CAP section 3.2.3: a file that belongs to an Info. The content
// of derefUri is kept with the raw message only, never here.
type Resource struct {
	Description string `json:"resourceDesc"`
	MimeType    string `json:"mimeType"`
	Size        int64  `json:"size,omitempty"` // bytes
	URI         string `json:"uri,omitempty"`
	Digest      string `json:"digest,omitempty"` // SHA-1, hexadecimal (CAP 1.2 section 3.2.3)
}

// Reference names an earlier message: CAP writes it "sender,identifier,sent".
// Sent is zero in references of CAP 1.0, which had none.
type Reference struct {
	Sender     string
	Identifier string
	Sent       time.Time
}

// String gives the reference as CAP writes it.
func (r Reference) String() string {
	return r.Sender + "," + r.Identifier + "," + FormatTime(r.Sent)
}

// MarshalText writes the reference as CAP does.
func (r Reference) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what String wrote: also an identifier with commas, which
// CAP forbids and somebody may have used all the same, and an absent date.
func (r *Reference) UnmarshalText(b []byte) error {
	first, last := bytes.IndexByte(b, ','), bytes.LastIndexByte(b, ',')
	if first < 1 || last <= first+1 {
		return Problem{Field: "references", Problem: "is not sender,identifier,sent", Hint: "write the three values of the earlier message, joined by commas"}
	}
	ref := Reference{Sender: string(b[:first]), Identifier: string(b[first+1 : last])}
	if text := string(b[last+1:]); text != "" {
		sent, err := ParseTime(text)
		if err != nil {
			return err
		}
		ref.Sent = sent
	}
	*r = ref
	return nil
}

// TimeLayout is the only form of a date that CAP 1.2 allows (section 3.3.2):
// seconds, no fraction, a numeric offset; UTC is written -00:00, never Z.
const TimeLayout = "2006-01-02T15:04:05-07:00"

// maxOffset is the largest offset of xs:dateTime, in seconds.
const maxOffset = 14 * 60 * 60

// FormatTime writes t as CAP section 3.3.2 demands; a zero time is "".
func FormatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	s := t.Format(TimeLayout)
	if strings.HasSuffix(s, "+00:00") {
		s = s[:len(s)-6] + "-00:00"
	}
	return s
}

// ParseTime reads a date of the form [TimeLayout] (with -00:00 for UTC) and
// keeps its offset. The error is a [Problem] without a field.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse(TimeLayout, s)
	if err != nil || len(s) != len("2006-01-02T15:04:05-07:00") {
		return time.Time{}, Problem{Problem: "is not a date with time and offset", Hint: "write it like 2026-11-21T18:30:00+01:00; UTC is -00:00"}
	}
	// A fixed zone, so that equal texts give equal values on every machine.
	_, offset := t.Zone()
	if offset < -maxOffset || offset > maxOffset || t.Year() < 1 {
		return time.Time{}, Problem{Problem: "is a date that no calendar has", Hint: "offsets reach from -14:00 to +14:00"}
	}
	if offset == 0 {
		return t.UTC(), nil
	}
	return t.In(time.FixedZone("", offset)), nil
}

// Severity is the highest severity of all infos; [SeverityUnknown] without any.
func (a *Alert) Severity() Severity {
	top := SeverityUnknown
	for i := range a.Infos {
		if a.Infos[i].Severity.Rank() > top.Rank() {
			top = a.Infos[i].Severity
		}
	}
	return top
}

// Expires is the latest expiry of all infos, or the zero time when one of them
// has none (or there is no info): what never ends is not an end.
func (a *Alert) Expires() time.Time {
	var last time.Time
	for i := range a.Infos {
		e := a.Infos[i].Expires
		if e.IsZero() {
			return time.Time{}
		}
		if e.After(last) {
			last = e
		}
	}
	return last
}

// HasArea reports whether every info has an area with a shape or a geocode.
// An alert without infos has no area.
func (a *Alert) HasArea() bool {
	for i := range a.Infos {
		shaped := false
		for j := range a.Infos[i].Areas {
			shaped = shaped || a.Infos[i].Areas[j].Shaped()
		}
		if !shaped {
			return false
		}
	}
	return len(a.Infos) > 0
}

// AllClear reports whether the alert says that the danger is over: every info
// carries the response type AllClear (CAP 1.2 section 3.2.2).
func (a *Alert) AllClear() bool {
	for i := range a.Infos {
		clear := false
		for _, r := range a.Infos[i].ResponseTypes {
			clear = clear || r == ResponseAllClear
		}
		if !clear {
			return false
		}
	}
	return len(a.Infos) > 0
}

// Practice reports whether nobody is in danger: Exercise or Test.
func (a *Alert) Practice() bool { return a.Status == StatusExercise || a.Status == StatusTest }

// Info gives the wording for a language tag: an exact match first, then the
// same primary language ("it" for "it-IT"), then the first info. Nil only when
// the alert has no info. fallback is the language of infos that name none.
func (a *Alert) Info(lang, fallback string) *Info {
	var near *Info
	for i := range a.Infos {
		have := a.Infos[i].Language
		if have == "" {
			have = fallback
		}
		if strings.EqualFold(have, lang) {
			return &a.Infos[i]
		}
		if near == nil && strings.EqualFold(PrimaryLanguage(have), PrimaryLanguage(lang)) {
			near = &a.Infos[i]
		}
	}
	if near == nil && len(a.Infos) > 0 {
		near = &a.Infos[0]
	}
	return near
}

// PrimaryLanguage is the first subtag of an RFC 3066 tag in lower case: "it"
// of "it-IT".
func PrimaryLanguage(tag string) string {
	if i := strings.IndexAny(tag, "-_"); i >= 0 {
		tag = tag[:i]
	}
	return strings.ToLower(tag)
}

// Clone is a deep copy.
func (a *Alert) Clone() *Alert {
	c := *a
	c.Addresses = slices.Clone(a.Addresses)
	c.Codes = slices.Clone(a.Codes)
	c.References = slices.Clone(a.References)
	c.Incidents = slices.Clone(a.Incidents)
	c.Infos = slices.Clone(a.Infos)
	for i := range c.Infos {
		c.Infos[i].own()
	}
	return &c
}

// own replaces what the info shares with the one that it was copied from.
func (i *Info) own() {
	i.Categories = slices.Clone(i.Categories)
	i.ResponseTypes = slices.Clone(i.ResponseTypes)
	i.EventCodes = slices.Clone(i.EventCodes)
	i.Parameters = slices.Clone(i.Parameters)
	i.Resources = slices.Clone(i.Resources)
	i.Areas = slices.Clone(i.Areas)
	for n := range i.Areas {
		a := &i.Areas[n]
		a.Polygons = slices.Clone(a.Polygons)
		for k := range a.Polygons {
			a.Polygons[k] = slices.Clone(a.Polygons[k])
		}
		a.Circles = slices.Clone(a.Circles)
		a.Geocodes = slices.Clone(a.Geocodes)
	}
}

// The JSON form has CAP's element names and CAP's date form. The shadow types
// keep the fields in one place (the structs above) and add only the dates.

type plainAlert Alert

// MarshalJSON writes the JSON form of the alert.
func (a Alert) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		plainAlert
		Sent string `json:"sent,omitempty"`
	}{plainAlert(a), FormatTime(a.Sent)})
}

// UnmarshalJSON reads what MarshalJSON wrote. Strangers' JSON goes through
// alerts/cap, which lists every problem.
func (a *Alert) UnmarshalJSON(b []byte) error {
	in := struct {
		*plainAlert
		Sent string `json:"sent"`
	}{plainAlert: (*plainAlert)(a)}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	return readTimes(timeField{"sent", in.Sent, &a.Sent})
}

type plainInfo Info

// MarshalJSON writes the JSON form of the info.
func (i Info) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		plainInfo
		Effective string `json:"effective,omitempty"`
		Onset     string `json:"onset,omitempty"`
		Expires   string `json:"expires,omitempty"`
	}{plainInfo(i), FormatTime(i.Effective), FormatTime(i.Onset), FormatTime(i.Expires)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (i *Info) UnmarshalJSON(b []byte) error {
	in := struct {
		*plainInfo
		Effective string `json:"effective"`
		Onset     string `json:"onset"`
		Expires   string `json:"expires"`
	}{plainInfo: (*plainInfo)(i)}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	return readTimes(
		timeField{"effective", in.Effective, &i.Effective},
		timeField{"onset", in.Onset, &i.Onset},
		timeField{"expires", in.Expires, &i.Expires})
}

type timeField struct {
	name, text string
	to         *time.Time
}

func readTimes(fields ...timeField) error {
	for _, f := range fields {
		*f.to = time.Time{}
		if f.text == "" {
			continue
		}
		t, err := ParseTime(f.text)
		if err != nil {
			p, _ := errors.AsType[Problem](err) // ParseTime gives no other
			p.Field = f.name
			return p
		}
		*f.to = t
	}
	return nil
}
