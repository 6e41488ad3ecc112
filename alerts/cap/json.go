package cap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"martinella/alerts"
)

// ParseJSON reads the JSON form: CAP's element names, lists for what CAP lets
// repeat and for addresses, references ("sender,identifier,sent") and
// incidents. It gives the same document as the equal XML. An unknown key is
// flagged; a wrong type or a key given twice refuses the alert; null is the same
// as absent. The error is as of [Parse].
func ParseJSON(b []byte, l Limits) (*Document, error) {
	if err := guardJSON(b, l); err != nil {
		return nil, err
	}
	b = bytes.TrimPrefix(b, utf8BOM)
	if !utf8.Valid(b) {
		return nil, malformed("the bytes are not UTF-8")
	}
	j := &jsonReader{dec: json.NewDecoder(bytes.NewReader(b)), text: b}
	j.dec.UseNumber()
	token, err := j.dec.Token()
	if err != nil {
		return nil, brokenJSON(err, j.text)
	}
	root := &element{space: namespace12, name: "alert"}
	if token != json.Delim('{') {
		return nil, malformed("a JSON object is expected")
	}
	if err := j.object(root, alertShape, ""); err != nil {
		return nil, err
	}
	if _, err := j.dec.Token(); err != io.EOF {
		return nil, malformed("there is more after the alert")
	}
	doc := readDocument(root)
	all := findings{list: append(j.list, j.unlist(doc.Problems)...)}
	doc.Problems = all.problems()
	return doc, nil
}

// unlist leaves out what the reading says of fields that JSON has complained of
// already: they did not reach it.
func (j *jsonReader) unlist(ps alerts.Problems) alerts.Problems {
	var f findings
	f.list = append(f.list, j.list...)
	f.merge(ps)
	return f.list[len(j.list):]
}

// guardJSON bounds size, depth and number of values before anything is
// decoded.
func guardJSON(b []byte, l Limits) error {
	if len(b) > l.Bytes {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(b), l.Bytes)
	}
	depth, values, quoted := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > l.Depth {
				return unsafe(fmt.Sprintf("values nested deeper than %d", l.Depth))
			}
			values++
		case c == '}' || c == ']':
			depth--
		case c == ',':
			values++
		}
		if values > l.Elements {
			return unsafe(fmt.Sprintf("more than %d values", l.Elements))
		}
	}
	return nil
}

// shape says what the keys of one JSON object hold.
type shape map[string]kind

// kind is the type of a value: a text, a list of texts, one text that CAP writes
// as a list, or a list of objects of a shape.
type kind struct {
	many    bool
	joined  bool // CAP writes the list into one element
	numeric bool // a JSON number will do
	object  shape
}

var (
	text       = kind{}
	number     = kind{numeric: true}
	texts      = kind{many: true}
	joined     = kind{joined: true}
	valueShape = shape{"valueName": text, "value": text}
	valueList  = kind{many: true, object: valueShape}
	areaShape  = shape{"areaDesc": text, "polygon": texts, "circle": texts, "geocode": valueList, "altitude": number, "ceiling": number}
	fileShape  = shape{"resourceDesc": text, "mimeType": text, "size": number, "uri": text, "derefUri": text, "digest": text}
	infoShape  = shape{
		"language": text, "category": texts, "event": text, "responseType": texts, "urgency": text, "severity": text,
		"certainty": text, "audience": text, "eventCode": valueList, "effective": text, "onset": text, "expires": text,
		"senderName": text, "headline": text, "description": text, "instruction": text, "web": text, "contact": text,
		"parameter": valueList, "resource": {many: true, object: fileShape}, "area": {many: true, object: areaShape},
	}
	alertShape = shape{
		"identifier": text, "sender": text, "sent": text, "status": text, "msgType": text, "source": text, "scope": text,
		"restriction": text, "addresses": joined, "code": texts, "note": text, "references": joined, "incidents": joined,
		"info": {many: true, object: infoShape},
	}
)

// jsonReader turns JSON into the tree that XML gives, with complaints about
// types and keys.
type jsonReader struct {
	findings
	dec  *json.Decoder
	text []byte // all that dec reads
}

// object reads up to the closing brace; the opening one is read.
func (j *jsonReader) object(into *element, s shape, at string) error {
	seen := map[string]bool{}
	for {
		token, err := j.next()
		if err != nil {
			return err
		}
		if token == json.Delim('}') {
			return nil
		}
		name, ok := token.(string)
		if !ok {
			return malformed("a key is expected")
		}
		path := at + shorten(name)
		k, known := s[name]
		twice := seen[name]
		seen[name] = true
		value, err := j.next()
		if err != nil {
			return err
		}
		switch {
		case twice:
			j.refuse(path, "is given more than once", "give every key once; nobody can tell which one counts")
			err = j.skip(value)
		case !known:
			j.flag(path, "is not a key that CAP has here", "check the spelling and where it stands")
			err = j.skip(value)
		case value == nil:
		default:
			err = j.field(into, name, k, path, value)
		}
		if err != nil {
			return err
		}
	}
}

func (j *jsonReader) field(into *element, name string, k kind, path string, value json.Token) error {
	if !k.many && !k.joined {
		return j.one(into, name, k, path, value)
	}
	if s, isText := value.(string); isText && k.joined {
		into.children = append(into.children, j.leaf(name, s, path)) // CAP's own form
		return nil
	}
	if value != json.Delim('[') {
		j.refuse(path, "is not a list", "write it between [ and ]")
		return j.skip(value)
	}
	var words []string
	for i := 0; ; i++ {
		value, err := j.next()
		if err != nil {
			return err
		}
		if value == json.Delim(']') {
			break
		}
		at := fmt.Sprintf("%s[%d]", path, i)
		switch word, isText := value.(string); {
		case k.joined && isText:
			words = append(words, j.leaf(name, word, at).text)
		default:
			if err := j.one(into, name, k, at, value); err != nil {
				return err
			}
		}
	}
	if name == "references" && len(words) > 0 {
		into.children = append(into.children, &element{space: namespace12, name: name, text: strings.Join(words, " ")})
	} else if len(words) > 0 {
		into.children = append(into.children, &element{space: namespace12, name: name, text: joinList(words)})
	}
	return nil
}

// one reads a single text, number or object. In the place of a wrong type
// stands an empty value, so that paths count as the message does.
func (j *jsonReader) one(into *element, name string, k kind, path string, value json.Token) error {
	if k.object != nil {
		if value != json.Delim('{') {
			j.refuse(path, "is not an object", "write it between { and }")
			into.children = append(into.children, &element{space: namespace12, name: name})
			return j.skip(value)
		}
		child := &element{space: namespace12, name: name}
		into.children = append(into.children, child)
		return j.object(child, k.object, path+".")
	}
	switch v := value.(type) {
	case string:
		if !k.joined {
			into.children = append(into.children, j.leaf(name, v, path))
			return nil
		}
	case json.Number:
		if k.numeric {
			into.children = append(into.children, j.leaf(name, v.String(), path))
			return nil
		}
	}
	j.refuse(path, "is not a text", `write it between two "`)
	if k.many {
		into.children = append(into.children, &element{space: namespace12, name: name})
	}
	return j.skip(value)
}

func (j *jsonReader) leaf(name, s, path string) *element {
	if strings.ContainsFunc(s, func(c rune) bool { return !allowed(c) }) {
		j.refuse(path, "holds a control character", "CAP is XML, which cannot carry it")
		s = strings.Map(func(c rune) rune {
			if !allowed(c) {
				return utf8.RuneError
			}
			return c
		}, s)
	}
	return &element{space: namespace12, name: name, text: s}
}

func (j *jsonReader) next() (json.Token, error) {
	token, err := j.dec.Token()
	if err != nil {
		return nil, brokenJSON(err, j.text)
	}
	return token, nil
}

// skip moves over the rest of a value whose first token was read.
func (j *jsonReader) skip(value json.Token) error {
	delim, _ := value.(json.Delim)
	depth := 0
	for {
		switch delim {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth <= 0 {
			return nil
		}
		token, err := j.next()
		if err != nil {
			return err
		}
		delim, _ = token.(json.Delim)
	}
}
