package compose

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"martinella/alerts"
)

var infoForm = regexp.MustCompile(`^info\[(\d+)\]\.?(.*)$`)

// path gives the form's field for one of the alert's. spoken are the texts that
// became infos.
func (f *Form) path(field string, spoken []int) string {
	m := infoForm.FindStringSubmatch(field)
	if m == nil {
		switch field {
		case "expires":
			return "until"
		case "info":
			return "texts"
		case "msgType", "references":
			return "changes"
		}
		return field
	}
	n, _ := strconv.Atoi(m[1])
	if n >= len(spoken) {
		return "texts"
	}
	i := spoken[n]
	at := fmt.Sprintf("texts[%d].", i)
	name, rest, _ := strings.Cut(m[2], "[")
	switch name {
	case "category", "severity", "urgency", "certainty":
		return name
	case "responseType":
		return "response"
	case "eventCode":
		return "event_code"
	case "onset", "effective":
		return "from"
	case "expires":
		return "until"
	case "senderName":
		return at + "source"
	case "resource":
		return fmt.Sprintf("%salts[%d]", at, index(rest))
	case "parameter":
		return at + f.parameter(i, index(rest))
	case "area":
		return f.place(at, rest)
	}
	return at + name
}

// place is where the area of an info is written.
func (f *Form) place(at, rest string) string {
	_, of, inner := strings.Cut(rest, "].")
	name, rest, _ := strings.Cut(of, "[")
	switch {
	case !inner:
		return "codes"
	case name == "geocode":
		return fmt.Sprintf("codes[%d]", index(rest))
	case name == "polygon" || name == "circle":
		return fmt.Sprintf("shapes[%d]", f.shape(name == "circle", index(rest)))
	}
	return at + "where"
}

// shape is the index of the nth circle, or of the nth ring.
func (f *Form) shape(circle bool, n int) int {
	for i, s := range f.Shapes {
		if (s.Circle != nil) == circle {
			if n == 0 {
				return i
			}
			n--
		}
	}
	return 0
}

// parameter is the field of an info's nth parameter.
func (f *Form) parameter(text, n int) string {
	t := &f.Texts[text]
	if n -= len(t.Parameters); n < 0 {
		return "parameter"
	}
	for _, name := range names(t.Own) {
		if tidy(t.Own[name]) == "" || !nameForm.MatchString(name) {
			continue
		}
		if n == 0 {
			return "own." + name
		}
		n--
	}
	return "changed"
}

// index reads "3].value" or "3]".
func index(s string) int {
	n, _ := strconv.Atoi(s[:max(strings.IndexByte(s, ']'), 0)])
	return n
}

// spoken are the texts that became the infos of the alert.
func (f *Form) spoken(a *alerts.Alert) []int {
	var out []int
	for i := range a.Infos {
		out = append(out, max(f.text(a.Infos[i].Language), 0))
	}
	return out
}
