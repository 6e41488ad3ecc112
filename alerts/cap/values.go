package cap

import (
	"strings"
	"time"
	"unicode"

	"martinella/alerts"
)

const dateHint = "write it like 2026-11-21T18:30:00+01:00; UTC is -00:00"

// date reads a date element. One that is required and unreadable refuses the
// alert, an optional one is flagged and left out.
func (r *reader) date(p parts, name string, required bool) time.Time {
	e := p.only(name)
	if e == nil {
		return time.Time{}
	}
	s := r.token(e, p.at+name)
	t, complaint, ok := parseDate(s)
	switch {
	case !ok && required:
		r.refuse(p.at+name, "is not a date: "+quote(s), dateHint)
	case !ok:
		r.flag(p.at+name, "is not a date: "+quote(s), dateHint)
	case complaint != "":
		r.flag(p.at+name, complaint+": "+quote(s), dateHint+"; it is read as "+alerts.FormatTime(t))
	}
	return t
}

// parseDate reads CAP's form of a date (section 3.3.2) and, with a complaint,
// the forms that senders use instead. A date without an offset is read as UTC.
func parseDate(s string) (t time.Time, complaint string, ok bool) {
	if t, err := alerts.ParseTime(s); err == nil {
		return t, "", true
	}
	for _, form := range []struct{ layout, complaint string }{
		{"2006-01-02T15:04:05-07:00", "has a fraction of a second"},
		{"2006-01-02T15:04:05Z07:00", "has Z for an offset"},
		{"2006-01-02T15:04:05", "has no offset"},
		{"2006-01-02T15:04:05-0700", "has an offset without a colon"},
		{"2006-01-02T15:04Z07:00", "has no seconds"},
		{"2006-01-02 15:04:05Z07:00", "has a space for the T"},
	} {
		day, text := 0, s
		if midnight := strings.Replace(s, "T24:00:00", "T00:00:00", 1); midnight != s {
			day, text = 1, midnight // xs:dateTime allows it for the end of a day
			form.complaint = "has 24 for the hour"
		}
		read, err := time.Parse(form.layout, text)
		if err != nil {
			continue
		}
		// Through the canonical form, which drops fractions and names of zones
		// and holds the bounds.
		t, err := alerts.ParseTime(alerts.FormatTime(read.AddDate(0, 0, day)))
		return t, form.complaint, err == nil && !t.IsZero()
	}
	return time.Time{}, "", false
}

// splitList reads values that are separated by white space, those with spaces
// between quotes (CAP 1.2 section 3.2.1, addresses and incidents). closed is
// false when the last quote has no end.
func splitList(s string) (values []string, closed bool) {
	for {
		s = strings.TrimSpace(s)
		if s == "" {
			return values, true
		}
		var value string
		if s[0] == '"' {
			inside, rest, found := strings.Cut(s[1:], `"`)
			if !found {
				if inside = strings.TrimSpace(inside); inside != "" {
					values = append(values, inside)
				}
				return values, false
			}
			value, s = strings.TrimSpace(inside), rest
		} else if n := strings.IndexFunc(s, unicode.IsSpace); n >= 0 {
			value, s = s[:n], s[n:]
		} else {
			value, s = s, ""
		}
		if value != "" {
			values = append(values, value)
		}
	}
}

// joinList writes what splitList reads. CAP has no way to write a quote inside
// a quoted value: it becomes an apostrophe.
func joinList(values []string) string {
	var words []string
	for _, v := range values {
		switch v = clean(v); {
		case v == "":
			continue
		case v[0] == '"' || strings.IndexFunc(v, unicode.IsSpace) >= 0:
			v = `"` + strings.ReplaceAll(v, `"`, `'`) + `"`
		}
		words = append(words, v)
	}
	return strings.Join(words, " ")
}
