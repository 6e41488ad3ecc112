package cap

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

var (
	declaration      = regexp.MustCompile(`^<\?xml\s[^>]*\?>`)
	declaredEncoding = regexp.MustCompile(`\sencoding\s*=\s*["']([A-Za-z0-9._:-]*)["']`)
	declaredVersion  = regexp.MustCompile(`\sversion\s*=\s*["']([^"']*)["']`)
)

// decode gives the message as UTF-8, without byte order mark and XML
// declaration, so that every parser behind it sees the same characters.
// ISO-8859-1 and windows-1252 are in use by real authorities; UTF-16 is not.
func decode(b []byte) ([]byte, error) {
	marked := bytes.HasPrefix(b, utf8BOM)
	b = bytes.TrimPrefix(b, utf8BOM)
	head := declaration.Find(b)
	body := b[len(head):]
	if v := declaredVersion.FindSubmatch(head); v != nil && string(v[1]) != "1.0" {
		return nil, malformed("only XML 1.0 is read")
	}
	encoding := ""
	if e := declaredEncoding.FindSubmatch(head); e != nil && !marked {
		encoding = strings.ToLower(string(e[1]))
	}
	var err error
	switch encoding {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
	case "iso-8859-1", "latin1", "iso8859-1", "iso_8859-1":
		body, err = charmap.ISO8859_1.NewDecoder().Bytes(body)
	case "windows-1252", "cp1252":
		body, err = charmap.Windows1252.NewDecoder().Bytes(body)
	default:
		return nil, malformed("the encoding " + quote(encoding) + " is not read, send UTF-8")
	}
	if err != nil || !utf8.Valid(body) {
		return nil, malformed("the bytes do not fit the encoding")
	}
	return body, nil
}
