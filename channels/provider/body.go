package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// tree is a JSON template: parsed once, filled leaf by leaf. The order of the
// fields stays.
type tree struct {
	fields []member // of an object
	items  []tree   // of a list
	text   template // of a string
	raw    string   // a number, true, false or null, as written
	kind   byte     // '{', '[', '"' or 0 for raw
}

type member struct {
	key   string
	value tree
}

// deepest bounds nesting; descriptions are a few levels.
const deepest = 20

func parseTree(s string) (tree, error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	t, err := readTree(d, 0)
	if err != nil {
		return t, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return t, errors.New("something follows the JSON")
	}
	return t, nil
}

func readTree(d *json.Decoder, depth int) (tree, error) {
	if depth > deepest {
		return tree{}, errors.New("it is nested too deep")
	}
	token, err := d.Token()
	if err != nil {
		return tree{}, err
	}
	switch v := token.(type) {
	case json.Delim:
		t := tree{kind: byte(v)}
		for d.More() {
			key := ""
			if v == '{' {
				if token, err = d.Token(); err != nil {
					return t, err
				}
				key, _ = token.(string)
				if placeholderForm.MatchString(key) {
					return t, fmt.Errorf("the name %q holds a placeholder: only values may", key)
				}
			}
			value, err := readTree(d, depth+1)
			if err != nil {
				return t, err
			}
			if v == '{' {
				t.fields = append(t.fields, member{key, value})
			} else {
				t.items = append(t.items, value)
			}
		}
		_, err := d.Token() // the closing bracket
		return t, err
	case string:
		return tree{kind: '"', text: parseTemplate(v)}, nil
	case json.Number:
		return tree{raw: v.String()}, nil
	case bool:
		return tree{raw: fmt.Sprint(v)}, nil
	}
	return tree{raw: "null"}, nil
}

// number is what JSON takes for a number (RFC 8259 section 6).
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// write appends the tree with the values put in.
func (t tree) write(b *bytes.Buffer, v Values) error {
	switch t.kind {
	case '{':
		b.WriteByte('{')
		first := true
		for _, f := range t.fields {
			if f.value.kind == '"' && f.value.text.absent(v) {
				continue
			}
			if !first {
				b.WriteByte(',')
			}
			first = false
			writeString(b, f.key)
			b.WriteByte(':')
			if err := f.value.write(b, v); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	case '[':
		b.WriteByte('[')
		for i, item := range t.items {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := item.write(b, v); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case '"':
		if len(t.text) == 1 && t.text[0].number {
			n := v[t.text[0].name]
			if !number.MatchString(n) {
				return fmt.Errorf("{%s} is no number", t.text[0].name)
			}
			b.WriteString(n)
			return nil
		}
		writeString(b, t.text.fill(v, plain))
	default:
		b.WriteString(t.raw)
	}
	return nil
}

func writeString(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)         // a string always can be
	b.Truncate(b.Len() - 1) // the line feed of Encode
}

// templates calls f with every text of the tree.
func (t tree) templates(f func(template)) {
	if t.kind == '"' {
		f(t.text)
	}
	for _, m := range t.fields {
		m.value.templates(f)
	}
	for _, item := range t.items {
		item.templates(f)
	}
}
