package cap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// The namespaces of CAP 1.0, 1.1 and 1.2 (the OASIS schemas), and of XML-DSig.
const (
	namespace10   = "http://www.incident.com/cap/1.0"
	namespace11   = "urn:oasis:names:tc:emergency:cap:1.1"
	namespace12   = "urn:oasis:names:tc:emergency:cap:1.2"
	namespaceDSig = "http://www.w3.org/2000/09/xmldsig#"
)

// versionOf names the CAP version of a namespace, "" when it is none.
func versionOf(namespace string) string {
	switch namespace {
	case namespace10:
		return "1.0"
	case namespace11:
		return "1.1"
	case namespace12:
		return "1.2"
	}
	return ""
}

// element is a piece of a message, from XML or from JSON. XML text is joined
// across comments and CDATA sections.
type element struct {
	space    string // namespace
	name     string
	text     string
	children []*element
	order    bool // the children have an order that the schema prescribes (XML)
}

// readXML gives the tree of a message that passed the guard and was decoded.
// The content of signatures is checked for form only and not kept.
func readXML(body []byte, l Limits) (*element, error) {
	dec := xml.NewDecoder(bytes.NewReader(body))
	var root *element
	var open []*element
	var texts [][]byte // one for each open element
	elements := 0
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, brokenXML(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			// The guard has counted already; this is for the case that it and
			// encoding/xml should ever disagree.
			if elements++; elements > l.Elements || len(open) >= l.Depth {
				return nil, unsafe("too many elements")
			}
			if err := wellFormed(t); err != nil {
				return nil, err
			}
			e := &element{space: t.Name.Space, name: t.Name.Local, order: true}
			if len(open) > 0 {
				parent := open[len(open)-1]
				parent.children = append(parent.children, e)
			} else if root = e; elements > 1 {
				return nil, malformed("a second root element")
			}
			if e.space == namespaceDSig && e.name == "Signature" && len(open) == 1 {
				if err := dec.Skip(); err != nil {
					return nil, brokenXML(err)
				}
				continue
			}
			open = append(open, e)
			if len(texts) < len(open) {
				texts = append(texts, nil)
			}
			texts[len(open)-1] = texts[len(open)-1][:0]
		case xml.EndElement:
			last := len(open) - 1
			open[last].text = string(texts[last])
			open = open[:last]
		case xml.CharData:
			if len(open) > 0 {
				texts[len(open)-1] = append(texts[len(open)-1], t...)
			}
		case xml.Directive:
			return nil, unsafe("DOCTYPE or another declaration")
		}
	}
	if root == nil || len(open) > 0 {
		return nil, malformed("the end is missing")
	}
	return root, nil
}

// wellFormed finds what encoding/xml lets pass: an attribute that is given
// twice.
func wellFormed(t xml.StartElement) error {
	for i, a := range t.Attr {
		for _, b := range t.Attr[:i] {
			if a.Name == b.Name {
				return malformed(fmt.Sprintf("the attribute %s of %s is given twice", quote(a.Name.Local), quote(t.Name.Local)))
			}
		}
	}
	return nil
}

// quote shows what a stranger wrote, cut so that it cannot flood a page.
func quote(s string) string { return fmt.Sprintf("%q", shorten(s)) }

func shorten(s string) string {
	if len(s) <= 60 {
		return s
	}
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "..."
	}
	return s
}
