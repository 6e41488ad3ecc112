package email

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"strings"
)

// The bounds of what is read of a mail from the mailbox. Anybody can write
// there.
const (
	maxSource = 512 << 10 // bytes of a mail; the rest is not looked at
	maxParts  = 40
	maxDepth  = 5
)

// part is one leaf of a mail, decoded.
type part struct {
	media  string
	header textproto.MIMEHeader
	body   []byte
}

// partsOf gives the leaves of a mail in their order; a mail within the mail is
// a leaf. What cannot be read is left out.
func partsOf(header textproto.MIMEHeader, body []byte) []part {
	var out []part
	walk(header, body, 0, &out)
	return out
}

func walk(header textproto.MIMEHeader, body []byte, depth int, out *[]part) {
	media, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		media = "text/plain"
	}
	if !strings.HasPrefix(media, "multipart/") || params["boundary"] == "" {
		if len(*out) < maxParts {
			*out = append(*out, part{media, header, decoded(header.Get("Content-Transfer-Encoding"), body)})
		}
		return
	}
	if depth == maxDepth {
		return
	}
	reader := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for len(*out) < maxParts {
		p, err := reader.NextRawPart()
		if err != nil {
			return
		}
		inner, _ := io.ReadAll(p) // a part that is cut off is read as far as it goes
		walk(p.Header, inner, depth+1, out)
	}
}

func decoded(encoding string, body []byte) []byte {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		clean := bytes.Map(func(r rune) rune {
			if r == '\r' || r == '\n' || r == ' ' || r == '\t' {
				return -1
			}
			return r
		}, body)
		out, _ := base64.StdEncoding.DecodeString(string(clean)) // as far as it goes
		return out
	case "quoted-printable":
		out, _ := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(body)))
		return out
	}
	return body
}
