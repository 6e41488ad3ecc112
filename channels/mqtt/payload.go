package mqtt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// PayloadVersion is the v of [Payload]. Fields may be added without a new one.
const PayloadVersion = 1

// Payload is what a device reads. Event and Revision tell whether it knows the
// message already; a lower revision than the one it knows is old.
type Payload struct {
	V        int           `json:"v"`
	ID       alerts.ID     `json:"id"`    // of this revision
	Event    alerts.ID     `json:"event"` // the same over all revisions
	Revision int           `json:"revision"`
	Change   alerts.Change `json:"change"` // issued, updated, cancelled, ended
	Exercise bool          `json:"exercise"`
	Level    string        `json:"level"` // extreme, severe, moderate, minor, unknown; none: nobody is warned any more

	Wording
	Translations []Wording `json:"translations,omitempty"`

	Areas   []alerts.Value `json:"areas,omitempty"`   // those whose topics get it
	Sent    string         `json:"sent,omitempty"`    // 2026-11-21T10:00:00Z
	Expires string         `json:"expires,omitempty"` // absent where the event is over
	URL     string         `json:"url,omitempty"`
}

// Wording is what to show in one language.
type Wording struct {
	Language    string `json:"language"`
	Headline    string `json:"headline"` // one line; an exercise says so first
	Instruction string `json:"instruction"`
}

// What a board can show. Longer texts end at a sentence.
const (
	longestHeadline    = 160
	longestInstruction = 800
)

// Render makes one message that holds all languages. An alert whose area has no
// device of ours is refused, so that nobody believes that a siren sounded.
func (c *Channel) Render(r *alerts.Record) ([]channels.Message, error) {
	if len(r.Areas) > 0 && len(c.areas(r.Areas)) == 0 {
		return nil, fmt.Errorf("mqtt %s: none of the alert's areas has devices (see areas in the configuration)", c.name)
	}
	languages := channels.Languages(r, c.settings)
	var words []Wording
	for _, lang := range languages {
		w, err := wording(channels.Compose(r, lang, c.settings))
		if err != nil {
			return nil, fmt.Errorf("mqtt %s: %w", c.name, err)
		}
		words = append(words, w)
	}
	composed := channels.Compose(r, languages[0], c.settings)
	m := composed.Message(c.name, "public", r)
	var err error
	if m.Text, err = composed.Fit(0, channels.UnitChars.Count); err != nil {
		return nil, fmt.Errorf("mqtt %s: %w", c.name, err)
	}
	p := Payload{
		V: PayloadVersion, ID: r.ID, Event: r.Event, Revision: r.Revision, Change: r.Change, Exercise: m.Exercise, Level: levelOf(m),
		Wording: words[0], Translations: words[1:], Expires: stamp(m.Expires), URL: m.URL,
	}
	if m.Payload, err = p.encode(); err != nil {
		return nil, fmt.Errorf("mqtt %s: %w", c.name, err)
	}
	return []channels.Message{m}, nil
}

func wording(composed channels.Composed) (w Wording, err error) {
	w.Language = composed.Language
	line := []channels.Piece{{Kind: channels.PieceHazard, Text: composed.Title}}
	for _, p := range composed.Pieces {
		switch p.Kind {
		case channels.PieceMark: // whole, whatever else gives way
			line = []channels.Piece{p, {Kind: channels.PieceHazard, Text: strings.TrimPrefix(composed.Title[min(len(p.Text), len(composed.Title)):], " - "), Join: " - ", Rank: 1}}
			line[1].Text = strings.TrimPrefix(line[1].Text, ": ")
		case channels.PieceAction:
			p.Join = ""
			if w.Instruction, err = channels.Fit([]channels.Piece{p}, longestInstruction, channels.UnitChars.Count); err != nil {
				return w, err
			}
		}
	}
	if w.Headline = composed.Title; channels.UnitChars.Count(w.Headline) > longestHeadline {
		w.Headline, err = channels.Fit(line, longestHeadline, channels.UnitChars.Count)
	}
	return w, err
}

// levelOf is the severity as devices read it.
func levelOf(m channels.Message) string {
	if over(m) {
		return "none"
	}
	return strings.ToLower(string(m.Severity))
}

// over reports whether the message ends its event.
func over(m channels.Message) bool {
	return m.Change == alerts.ChangeCancelled || m.Change == alerts.ChangeEnded
}

// stamp is a time as devices read it: RFC 3339 in UTC, whole seconds.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// body is the stored payload with what publishing adds. It is the same over all
// attempts.
func body(m channels.Message, areas []alerts.Value) ([]byte, error) {
	var p Payload
	if err := json.Unmarshal(m.Payload, &p); err != nil {
		return nil, fmt.Errorf("the stored message cannot be read: %w", err)
	}
	p.Areas, p.Sent = areas, stamp(m.Sent)
	return p.encode()
}

// encode writes it without the escapes that only HTML needs.
func (p Payload) encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(p); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
