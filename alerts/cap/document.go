package cap

import "martinella/alerts"

// Document is a message that could be read, with everything that is wrong with
// it. Alert is whole only when Problems has no error.
type Document struct {
	Alert    *alerts.Alert
	Version  string          // "1.0", "1.1" or "1.2"; JSON is "1.2"
	Problems alerts.Problems // errors refuse the alert, warnings flag it
	Schema   alerts.Problems // breaches of the schema that lose nothing: the order of elements
	Signed   bool            // carries an XML signature, verified or not: see [Verifier]
}

// Valid reports whether the alert may be taken: no error. Warnings flag it.
func (d *Document) Valid() bool { return len(d.Problems.Errors()) == 0 }

// Strict reports whether the message is without any fault, as our own must be.
func (d *Document) Strict() bool { return len(d.Problems) == 0 && len(d.Schema) == 0 }

// Parse reads one alert in XML: CAP 1.2, 1.1 or 1.0. The error is ErrTooLarge,
// ErrMalformed or ErrUnsafe, wrapped; everything else that is wrong is listed in
// the document, each problem with the path of its field.
//
// Texts lose the white space around them, dates their fractions of a second,
// embedded files (derefUri) are dropped. What is flagged as unreadable (a
// polygon, a reference, an optional date) is not in the alert.
func Parse(b []byte, l Limits) (*Document, error) {
	if err := guard(b, l); err != nil {
		return nil, err
	}
	body, err := decode(b)
	if err != nil {
		return nil, err
	}
	root, err := readXML(body, l)
	if err != nil {
		return nil, err
	}
	return readDocument(root), nil
}

func readDocument(root *element) *Document {
	r := &reader{space: root.space, version: versionOf(root.space)}
	d := &Document{Alert: &alerts.Alert{}, Version: r.version}
	switch {
	case root.name != "alert":
		r.refuse("alert", "is missing: the message is "+quote(root.name), "send one CAP alert; feeds are read one alert at a time")
		d.Problems = r.problems()
		return d
	case root.space == "":
		r.flag("alert", "has no namespace", "declare xmlns=\""+namespace12+"\"")
	case r.version == "":
		r.refuse("alert", "has the unknown namespace "+quote(root.space), "use "+namespace12)
	}
	if r.version == "" {
		r.version, d.Version = "1.2", "1.2"
	}
	r.alert(root, d.Alert)
	r.merge(d.Alert.Problems())
	r.dropUnreadable(d.Alert)
	d.Problems, d.Schema, d.Signed = r.problems(), r.schema.problems(), r.signed
	return d
}
