package cap

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
)

// brokenXML says why the XML decoder gave up: in our words, since the sender
// reads them, with the line where it is known.
func brokenXML(err error) error {
	syntax, ok := errors.AsType[*xml.SyntaxError](err)
	if !ok {
		return malformed("the XML cannot be read")
	}
	why := "is not well-formed XML"
	switch said := syntax.Msg; {
	case strings.Contains(said, "unexpected EOF"):
		why = "is the last one, and elements are still open"
	case strings.Contains(said, "closed by"), strings.HasPrefix(said, "unexpected end element"):
		why = "ends an element that is not the open one"
	case strings.Contains(said, "entity"):
		why = "has a & that begins no known entity: write &amp;"
	case strings.Contains(said, "illegal character"), strings.Contains(said, "invalid UTF-8"):
		why = "has a character that XML does not allow"
	}
	return malformed(fmt.Sprintf("line %d %s", syntax.Line, why))
}

// brokenJSON says why the JSON decoder gave up over text.
func brokenJSON(err error, text []byte) error {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok || syntax.Offset >= int64(len(text)) && strings.HasPrefix(syntax.Error(), "unexpected end") {
		return malformed("the JSON ends too early")
	}
	before := text[:min(syntax.Offset, int64(len(text)))]
	return malformed(fmt.Sprintf("line %d is not well-formed JSON", 1+bytes.Count(before, []byte("\n"))))
}
