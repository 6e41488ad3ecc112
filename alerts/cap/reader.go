package cap

import (
	"fmt"
	"slices"
	"strings"

	"martinella/alerts"
)

// reader turns a tree into an alert and lists what is wrong with it.
type reader struct {
	findings
	space      string // the namespace that every element must have
	version    string
	signed     bool
	schema     findings
	unreadable map[string]bool // fields whose place in the alert is held by an empty value
}

// level is what may stand inside one kind of element, in the schema's order.
type level struct {
	place map[string]int
	many  map[string]bool
}

// levelOf takes the names in order; one that ends in * may be repeated.
func levelOf(names ...string) *level {
	lv := &level{place: map[string]int{}, many: map[string]bool{}}
	for i, name := range names {
		bare, many := strings.CutSuffix(name, "*")
		lv.place[bare], lv.many[bare] = i, many
	}
	return lv
}

// The element order of CAP-v1.2.xsd; password is CAP 1.0's.
var (
	alertLevel = levelOf("identifier", "sender", "sent", "status", "msgType", "password", "source", "scope", "restriction",
		"addresses", "code*", "note", "references", "incidents", "info*")
	infoLevel = levelOf("language", "category*", "event", "responseType*", "urgency", "severity", "certainty", "audience",
		"eventCode*", "effective", "onset", "expires", "senderName", "headline", "description", "instruction", "web",
		"contact", "parameter*", "resource*", "area*")
	resourceLevel = levelOf("resourceDesc", "mimeType", "size", "uri", "derefUri", "digest")
	areaLevel     = levelOf("areaDesc", "polygon*", "circle*", "geocode*", "altitude", "ceiling")
	valueLevel    = levelOf("valueName", "value")
)

// parts are the children of one element by name, in the order they came.
type parts struct {
	at   string // path before the names: "info[0]."
	list map[string][]*element
}

// sort groups the children of e and complains of those that do not belong
// there, of repeats, stray text and order. at is "" or ends in a dot.
func (r *reader) sort(e *element, lv *level, at string) parts {
	own := strings.TrimSuffix(at, ".")
	if own == "" {
		own = "alert"
	}
	p := parts{at: at, list: make(map[string][]*element, len(e.children))}
	if text := strings.TrimSpace(e.text); text != "" {
		r.flag(own, "holds stray text: "+quote(text), "put text into the elements that CAP has for it")
	}
	furthest, disordered := "", false
	for _, c := range e.children {
		if at == "" && c.space == namespaceDSig && c.name == "Signature" {
			r.signed = true
			if r.version != "1.2" {
				r.schema.flag("Signature", "has no place in the schema of CAP "+r.version, "use CAP 1.2")
			}
			furthest = "Signature"
			continue
		}
		place, known := lv.place[c.name]
		switch {
		case c.space != r.space:
			r.flag(at+c.name, "is not an element of this CAP version: its namespace is "+quote(c.space), "leave it out or give it the alert's namespace")
			continue
		case !known || c.name == "password" && r.version != "1.0":
			r.flag(at+shorten(c.name), "is not an element that CAP has here", "check the spelling and where it stands")
			continue
		}
		if e.order && !disordered && furthest != "" && (furthest == "Signature" || place < lv.place[furthest]) {
			r.schema.flag(at+c.name, "comes after "+furthest, "keep the element order of the CAP schema")
			disordered = true
		}
		if furthest != "Signature" {
			furthest = c.name
		}
		if len(p.list[c.name]) == 1 && !lv.many[c.name] {
			r.refuse(at+c.name, "is given more than once", "CAP allows it once; nobody can tell which one counts")
		}
		p.list[c.name] = append(p.list[c.name], c)
	}
	return p
}

// only gives the first element of a name, nil without one.
func (p parts) only(name string) *element {
	if all := p.list[name]; len(all) > 0 {
		return all[0]
	}
	return nil
}

// each calls f for every element of a name with its path.
func (p parts) each(name string, f func(e *element, path string)) {
	for i, e := range p.list[name] {
		f(e, fmt.Sprintf("%s%s[%d]", p.at, name, i))
	}
}

// text is the free text of an element: clean, without a complaint about
// padding.
func (r *reader) text(e *element, path string) string {
	if e == nil {
		return ""
	}
	if len(e.children) > 0 {
		r.flag(path, "holds elements where CAP has text", "write plain text; escape < and &")
	}
	return clean(e.text)
}

// token is a text for machines: a code, a name, a date. White space around it
// is taken off and flagged.
func (r *reader) token(e *element, path string) string {
	s := r.text(e, path)
	if e != nil && s != "" && s != e.text {
		r.flag(path, "is padded with white space", "write the value alone")
	}
	return s
}

// words and code read an element that may stand once.
func (r *reader) words(p parts, name string) string { return r.text(p.only(name), p.at+name) }
func (r *reader) code(p parts, name string) string  { return r.token(p.only(name), p.at+name) }

// present flags an optional element that is there and empty although the
// schema allows no empty value.
func (r *reader) present(p parts, name string) (string, bool) {
	e := p.only(name)
	if e == nil {
		return "", false
	}
	s := r.token(e, p.at+name)
	if s == "" {
		r.flag(p.at+name, "is empty", "leave the element out or fill it")
	}
	return s, s != ""
}

// clean is a text without white space around it and with line ends as XML has
// them.
func clean(s string) string {
	if strings.ContainsRune(s, '\r') {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	}
	return strings.TrimSpace(s)
}

func (r *reader) hold(path string) {
	if r.unreadable == nil {
		r.unreadable = map[string]bool{}
	}
	r.unreadable[path] = true
}

// dropUnreadable takes out what held the place of values that could not be
// read, so that the paths in the problems count as the message does and the
// alert has only what can be used. Response types that CAP does not know go
// the same way: the schema has no room for them.
func (r *reader) dropUnreadable(a *alerts.Alert) {
	for i := range a.Infos {
		in := &a.Infos[i]
		in.ResponseTypes = keep(in.ResponseTypes, func(_ int, t alerts.ResponseType) bool {
			return slices.Contains(alerts.ResponseTypes, t)
		})
		if len(r.unreadable) == 0 {
			continue
		}
		for j := range in.Areas {
			at := fmt.Sprintf("info[%d].area[%d].", i, j)
			in.Areas[j].Polygons = keep(in.Areas[j].Polygons, func(k int, _ alerts.Polygon) bool {
				return !r.unreadable[fmt.Sprintf("%spolygon[%d]", at, k)]
			})
			in.Areas[j].Circles = keep(in.Areas[j].Circles, func(k int, _ alerts.Circle) bool {
				return !r.unreadable[fmt.Sprintf("%scircle[%d]", at, k)]
			})
		}
	}
}

// keep gives the values that pass, nil when none does.
func keep[T any](all []T, pass func(int, T) bool) []T {
	var kept []T
	for i, v := range all {
		if pass(i, v) {
			kept = append(kept, v)
		}
	}
	return kept
}
