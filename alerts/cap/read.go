package cap

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"martinella/alerts"
)

func (r *reader) alert(e *element, a *alerts.Alert) {
	p := r.sort(e, alertLevel, "")
	a.Identifier = r.code(p, "identifier")
	a.Sender = r.code(p, "sender")
	a.Sent = r.date(p, "sent", true)
	a.Status = alerts.Status(r.code(p, "status"))
	a.MsgType = alerts.MsgType(r.code(p, "msgType"))
	a.Source = r.words(p, "source")
	a.Scope = alerts.Scope(r.code(p, "scope"))
	if r.version == "1.0" && p.only("scope") == nil {
		a.Scope = alerts.ScopePublic // CAP 1.0 has no other meaning for its absence
	}
	a.Restriction = r.words(p, "restriction")
	a.Addresses = r.list(p, "addresses")
	p.each("code", func(e *element, path string) {
		if code := r.text(e, path); code != "" {
			a.Codes = append(a.Codes, code)
		}
	})
	a.Note = r.words(p, "note")
	a.References = r.references(p)
	a.Incidents = r.list(p, "incidents")
	p.each("info", func(e *element, path string) {
		a.Infos = append(a.Infos, r.info(e, path+"."))
	})
}

// languageTag is the lexical form of xs:language, to which the schema holds.
var languageTag = regexp.MustCompile(`^[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*$`)

func (r *reader) info(e *element, at string) alerts.Info {
	p := r.sort(e, infoLevel, at)
	var in alerts.Info
	if language, given := r.present(p, "language"); given {
		in.Language = language
		if !languageTag.MatchString(language) {
			r.flag(at+"language", "is not a language tag: "+quote(language), "write it like it-IT")
		}
	}
	p.each("category", func(e *element, path string) {
		in.Categories = append(in.Categories, alerts.Category(r.token(e, path)))
	})
	if r.version == "1.0" && len(in.Categories) == 0 {
		in.Categories = []alerts.Category{"Other"} // CAP 1.0 may leave it out, 1.2 may not
	}
	in.Event = r.words(p, "event")
	p.each("responseType", func(e *element, path string) {
		in.ResponseTypes = append(in.ResponseTypes, alerts.ResponseType(r.token(e, path)))
	})
	in.Urgency = alerts.Urgency(r.code(p, "urgency"))
	in.Severity = alerts.Severity(r.code(p, "severity"))
	in.Certainty = r.certainty(p)
	in.Audience = r.words(p, "audience")
	in.EventCodes = r.values(p, "eventCode")
	in.Effective = r.date(p, "effective", false)
	in.Onset = r.date(p, "onset", false)
	in.Expires = r.date(p, "expires", false)
	in.SenderName = r.words(p, "senderName")
	in.Headline = r.words(p, "headline")
	in.Description = r.words(p, "description")
	in.Instruction = r.words(p, "instruction")
	in.Web = r.uri(p, "web", true)
	in.Contact = r.words(p, "contact")
	in.Parameters = r.values(p, "parameter")
	p.each("resource", func(e *element, path string) {
		in.Resources = append(in.Resources, r.resource(e, path+"."))
	})
	p.each("area", func(e *element, path string) {
		in.Areas = append(in.Areas, r.area(e, path+"."))
	})
	return in
}

// certainty reads CAP 1.0's "Very Likely" as Likely (CAP 1.2 section 3.2.2).
func (r *reader) certainty(p parts) alerts.Certainty {
	c := r.code(p, "certainty")
	if c != "Very Likely" {
		return alerts.Certainty(c)
	}
	if r.version != "1.0" {
		r.flag(p.at+"certainty", `is "Very Likely", which only CAP 1.0 had`, "write Likely")
	}
	return "Likely"
}

func (r *reader) resource(e *element, at string) alerts.Resource {
	p := r.sort(e, resourceLevel, at)
	res := alerts.Resource{
		Description: r.words(p, "resourceDesc"),
		MimeType:    r.words(p, "mimeType"),
		URI:         r.uri(p, "uri", false),
		Digest:      r.words(p, "digest"),
	}
	if res.MimeType == "" && r.version == "1.2" {
		r.flag(at+"mimeType", "is missing", "say what kind of file it is, like image/png")
	}
	if size, given := r.present(p, "size"); given {
		n, err := strconv.ParseInt(size, 10, 64)
		if err != nil || n < 0 {
			r.flag(at+"size", "is not a number of bytes: "+quote(size), "give whole bytes or leave it out")
			n = 0
		}
		res.Size = n
	}
	return res
}

func (r *reader) area(e *element, at string) alerts.Area {
	p := r.sort(e, areaLevel, at)
	ar := alerts.Area{
		Description: r.words(p, "areaDesc"),
		Geocodes:    r.values(p, "geocode"),
		Altitude:    r.decimal(p, "altitude"),
		Ceiling:     r.decimal(p, "ceiling"),
	}
	p.each("polygon", func(e *element, path string) {
		var ring alerts.Polygon
		switch text := r.text(e, path); text {
		case "":
			r.flag(path, "is empty", "give at least four positions, the last equal to the first")
			r.hold(path)
		default:
			r.shape(path, ring.UnmarshalText([]byte(text)))
		}
		ar.Polygons = append(ar.Polygons, ring)
	})
	p.each("circle", func(e *element, path string) {
		var circle alerts.Circle
		switch text := r.text(e, path); text {
		case "":
			r.flag(path, "is empty", "write latitude,longitude, a space, then the radius in kilometres")
			r.hold(path)
		default:
			r.shape(path, circle.UnmarshalText([]byte(text)))
		}
		ar.Circles = append(ar.Circles, circle)
	})
	return ar
}

// shape flags a polygon or circle that could not be read.
func (r *reader) shape(path string, err error) {
	if problem, bad := errors.AsType[alerts.Problem](err); bad {
		r.flag(path, problem.Problem, problem.Hint)
		r.hold(path)
	}
}

// decimalNumber is the lexical form of xs:decimal.
var decimalNumber = regexp.MustCompile(`^[+-]?([0-9]{1,12}(\.[0-9]{0,12})?|\.[0-9]{1,12})$`)

func (r *reader) decimal(p parts, name string) string {
	s, given := r.present(p, name)
	if given && !decimalNumber.MatchString(s) {
		r.flag(p.at+name, "is not a number: "+quote(s), "give feet above mean sea level, like 1200")
		return ""
	}
	return s
}

// uri flags what no program could follow. A resource may be named relative to
// its embedded file, a web page may not.
func (r *reader) uri(p parts, name string, absolute bool) string {
	s := r.words(p, name)
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || strings.ContainsAny(s, " \t\n<>\"") || absolute && u.Scheme == "" {
		r.flag(p.at+name, "is not a full address: "+quote(s), "write it like https://www.example.org/page")
	}
	return s
}

// values reads eventCode, parameter and geocode. CAP 1.0 wrote them as
// "name=value".
func (r *reader) values(p parts, name string) []alerts.Value {
	var out []alerts.Value
	p.each(name, func(e *element, path string) {
		if pair := strings.TrimSpace(e.text); pair != "" && len(e.children) == 0 {
			key, value, found := strings.Cut(pair, "=")
			if r.version != "1.0" {
				r.flag(path, "has no valueName and value", "write the two elements")
			} else if !found {
				r.flag(path, "is not name=value: "+quote(pair), "CAP 1.0 wants a name, = and a value")
			}
			if !found {
				key, value = "", pair
			}
			out = append(out, alerts.Value{Name: clean(key), Value: clean(value)})
			return
		}
		in := r.sort(e, valueLevel, path+".")
		v := alerts.Value{Name: r.words(in, "valueName"), Value: r.words(in, "value")}
		if v.Name == "" {
			r.flag(path+".valueName", "is missing", "name the list that the value is from")
		}
		if in.only("value") == nil {
			r.flag(path+".value", "is missing", "give the value")
		}
		if v != (alerts.Value{}) {
			out = append(out, v)
		}
	})
	return out
}

// list reads addresses and incidents.
func (r *reader) list(p parts, name string) []string {
	values, closed := splitList(r.words(p, name))
	if !closed {
		r.flag(p.at+name, "has a quote that is not closed", `put values with spaces between two "`)
	}
	return values
}

func (r *reader) references(p parts) []alerts.Reference {
	e := p.only("references")
	if e == nil {
		return nil
	}
	text := r.text(e, "references")
	if text == "" {
		r.flag("references", "is empty", "leave the element out when there is no earlier message")
		return nil
	}
	var out []alerts.Reference
	for word := range strings.FieldsSeq(text) {
		if r.version == "1.0" {
			// Neither half may hold a comma: as sender,identifier,sent, which is
			// how it is stored, nobody could tell them apart again.
			if id, sender, found := strings.Cut(word, "/"); found && id != "" && sender != "" && !strings.Contains(word, ",") {
				out = append(out, alerts.Reference{Sender: sender, Identifier: id})
				continue
			}
		}
		bare := strings.Trim(word, ",")
		if bare == "" {
			continue
		}
		found, ok := r.triples(bare)
		if !ok {
			r.flag("references", "has "+quote(word)+", which is not sender,identifier,sent", "write the three values of the earlier message, joined by commas")
			continue
		}
		if bare != word || len(found) > 1 {
			r.flag("references", "separates messages by commas", "separate them by spaces")
		}
		out = append(out, found...)
	}
	return out
}

// triples reads one or more sender,identifier,sent that are joined by commas.
func (r *reader) triples(s string) ([]alerts.Reference, bool) {
	fields := strings.Split(s, ",")
	if len(fields)%3 != 0 {
		return nil, false
	}
	var out []alerts.Reference
	for i := 0; i < len(fields); i += 3 {
		sent, complaint, ok := parseDate(fields[i+2])
		if !ok || fields[i] == "" || fields[i+1] == "" {
			return nil, false
		}
		if complaint != "" {
			r.flag("references", fmt.Sprintf("names a date that %s: %s", complaint, quote(fields[i+2])), dateHint)
		}
		out = append(out, alerts.Reference{Sender: fields[i], Identifier: fields[i+1], Sent: sent})
	}
	return out, true
}
