package webpush

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// Payload is what arrives at the service worker: one notification, and what it
// needs to know about it. The worker
//   - drops it if a notification of the same tag has a higher revision: pushes
//     overtake each other;
//   - closes the notifications of the tag where close is true, and shows this
//     one in their place: people must learn that it is over, and browsers punish
//     a push that shows nothing;
//   - rings again (renotify) where renotify is true, or where the notification
//     that this person was shown before said less: a lower level, another
//     action, or an area that is not among these. A correction is silent.
//
// It may be read by anybody who has the phone; it holds nothing of the person.
type Payload struct {
	V        int             `json:"v"` // 1
	Title    string          `json:"title"`
	Body     string          `json:"body"`
	Level    alerts.Severity `json:"level"`
	Change   alerts.Change   `json:"change"`
	URL      string          `json:"url,omitempty"`
	Tag      alerts.ID       `json:"tag"` // the event: one notification for it, over all revisions
	ID       alerts.ID       `json:"id"`  // of this revision
	Revision int             `json:"revision"`
	Renotify bool            `json:"renotify"`
	Close    bool            `json:"close,omitempty"`
	Action   string          `json:"action"` // stands for what to do: another one is other words
	Areas    []string        `json:"areas"`  // stand for the places
	Lang     string          `json:"lang"`
	Dir      string          `json:"dir"` // ltr or rtl
	Exercise bool            `json:"exercise"`
	Sent     string          `json:"sent"`              // RFC 3339; filled in when it is sent
	Expires  string          `json:"expires,omitempty"` // RFC 3339
}

func newPayload(r *alerts.Record, m channels.Message, body string) Payload {
	over := r.Change == alerts.ChangeCancelled || r.Change == alerts.ChangeEnded
	p := Payload{V: 1, Title: m.Title, Body: body, Level: m.Severity, Change: m.Change, URL: m.URL, Tag: m.Event, ID: m.Alert, Revision: m.Revision,
		Renotify: m.Change != alerts.ChangeUpdated, Close: over, Lang: m.Language, Dir: direction(m.Language), Exercise: m.Exercise, Sent: "{sent}", Areas: areasOf(r)}
	if info := r.Info(m.Language, m.Language); info != nil {
		p.Action = token(strings.Join(strings.Fields(strings.ToLower(info.Instruction)), " "), fmt.Sprint(info.ResponseTypes))
	}
	if !m.Expires.IsZero() {
		p.Expires = m.Expires.UTC().Format(time.RFC3339)
	}
	return p
}

// encode refuses what does not fit into one encrypted record.
func (p Payload) encode() ([]byte, error) {
	b, err := marshal(p)
	if err != nil {
		return nil, err
	}
	if len(b) > maxPayload {
		return nil, fmt.Errorf("%w: the notification has %d bytes of %d", channels.ErrNoRoom, len(b), maxPayload)
	}
	return b, nil
}

// marshal leaves < > & as they are: nothing here is put into a page unescaped,
// and there is little room.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// jsonBytes is what a text takes within the payload.
func jsonBytes(text string) int {
	b, err := marshal(text)
	if err != nil {
		return maxPayload + 1
	}
	return len(b) - len(`""`)
}

// mostAreas is how many places are named one by one; more than that are one
// token together.
const mostAreas = 32

// areasOf stands for the record's area: its codes, and each drawn outline.
func areasOf(r *alerts.Record) []string {
	var out []string
	infos := r.Infos()
	for i := range infos {
		for _, a := range infos[i].Areas {
			for _, code := range a.Geocodes {
				out = append(out, token(strings.ToLower(code.Name), code.Value))
			}
			if len(a.Polygons)+len(a.Circles) > 0 {
				out = append(out, token(fmt.Sprint(a.Polygons), fmt.Sprint(a.Circles)))
			}
		}
	}
	for _, code := range r.Areas {
		out = append(out, token(strings.ToLower(code.Name), code.Value))
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) > mostAreas {
		out = []string{token(out...)}
	}
	if out == nil {
		out = []string{}
	}
	return out
}

// token stands for words: eight characters that differ where the words do.
func token(words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}

// rightToLeft are the languages that are written so, by primary tag.
var rightToLeft = []string{"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"}

func direction(language string) string {
	if slices.Contains(rightToLeft, strings.ToLower(cmp.Or(alerts.PrimaryLanguage(language), language))) {
		return "rtl"
	}
	return "ltr"
}
