package cap

import (
	"bytes"
	"errors"
	"mime"
	"strings"
	"time"

	"martinella/alerts"
)

// Verdict is what `martinella check` and POST /alerts/check say of a message.
type Verdict struct {
	Valid     bool            `json:"valid"`    // the form: no error, perhaps warnings
	Sendable  bool            `json:"sendable"` // valid, and nothing keeps it from leaving now
	Obstacles alerts.Problems `json:"obstacles"`
	Version   string          `json:"version"` // "" when it could not be read
	Problems  alerts.Problems `json:"problems"`

	Document *Document `json:"-"` // nil when it could not be read
	Err      error     `json:"-"` // why not: ErrTooLarge, ErrMalformed or ErrUnsafe
}

// Check reads a message and judges it at now. contentType decides between XML
// and JSON; where it says neither, the first character does. Rights are not
// judged here: the caller may add to Obstacles.
func Check(b []byte, contentType string, l Limits, now time.Time) Verdict {
	parse := Parse
	if IsJSON(contentType, b) {
		parse = ParseJSON
	}
	v := Verdict{Obstacles: alerts.Problems{}, Problems: alerts.Problems{}}
	v.Document, v.Err = parse(b, l)
	if v.Err != nil {
		v.Problems = alerts.Problems{unread(v.Err)}
		return v
	}
	v.Version, v.Valid = v.Document.Version, v.Document.Valid()
	v.Problems = append(v.Problems, v.Document.Problems...)
	v.Obstacles = append(v.Obstacles, v.Document.Alert.Obstacles(now)...)
	v.Sendable = v.Valid && len(v.Obstacles) == 0
	return v
}

// IsJSON reports whether a message is in JSON by its media type or, where that
// says neither JSON nor XML, by its first character.
func IsJSON(contentType string, b []byte) bool {
	media, _, _ := mime.ParseMediaType(contentType)
	switch {
	case media == "application/json", strings.HasSuffix(media, "+json"):
		return true
	case strings.HasSuffix(media, "/xml"), strings.HasSuffix(media, "+xml"):
		return false
	}
	b = bytes.TrimLeft(bytes.TrimPrefix(b, utf8BOM), " \t\r\n")
	return len(b) > 0 && b[0] == '{'
}

// unread puts the reason why nothing was read into the form of a problem.
func unread(err error) alerts.Problem {
	p := alerts.Problem{Field: "alert", Problem: err.Error(), Level: alerts.LevelError}
	for _, kind := range []struct {
		err  error
		hint string
	}{
		{ErrTooLarge, "send less: files go by uri, not inside the alert"},
		{ErrMalformed, "check it with xmllint, or a JSON parser"},
		{ErrUnsafe, "leave it out"},
	} {
		if errors.Is(err, kind.err) {
			p.Problem = strings.TrimPrefix(err.Error(), "the message ")
			p.Hint = kind.hint
		}
	}
	return p
}
