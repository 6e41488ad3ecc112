package pressroom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"text/template"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// Data is what a template of a body has. The function json writes any of it as a
// JSON value, with its quotation marks: {"text": {{json .Text}}}.
type Data struct {
	Title    string // one line: mark, level and event
	Text     string // the whole post, with its link; line breaks are \n
	URL      string // the event's page
	Language string // "it"
	Severity string // "Extreme"
	Change   string // issued, updated, cancelled, ended
	Exercise bool   // nobody is in danger
	Alert    string // the id of this revision
	Event    string // the same over all revisions
	Revision int
	Sent     string // when it was published, RFC 3339; "" in a preview
	Expires  string // RFC 3339; "" for a Cancel
}

func dataOf(m channels.Message) Data {
	d := Data{Title: m.Title, Text: m.Text, URL: m.URL, Language: m.Language, Severity: string(m.Severity), Change: string(m.Change), Exercise: m.Exercise,
		Alert: string(m.Alert), Event: string(m.Event), Revision: m.Revision}
	for to, at := range map[*string]time.Time{&d.Sent: m.Sent, &d.Expires: m.Expires} {
		if !at.IsZero() {
			*to = alerts.FormatTime(at.Truncate(time.Second))
		}
	}
	return d
}

// slackBody is a post for Slack (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
type slackBody struct {
	Text        string `json:"text"`
	UnfurlLinks bool   `json:"unfurl_links"` // no preview of our page below its own words
	UnfurlMedia bool   `json:"unfurl_media"`
}

// mattermostBody is a post for Mattermost (developers.mattermost.com/integrate/webhooks/incoming).
type mattermostBody struct {
	Text     string `json:"text"`
	Username string `json:"username,omitempty"`
}

// bodyOf gives what writes the body of a post; nil for discord. The error is
// that of the template.
func bodyOf(c *Config) (func(text string, m channels.Message) ([]byte, error), error) {
	switch c.Shape {
	case shapeSlack:
		return func(text string, _ channels.Message) ([]byte, error) { return json.Marshal(slackBody{Text: text}) }, nil
	case shapeMattermost:
		return func(text string, _ channels.Message) ([]byte, error) {
			return json.Marshal(mattermostBody{Text: text, Username: c.Username})
		}, nil
	case shapeTemplate:
		if c.Template == "" {
			return nil, nil // that it is missing is said elsewhere
		}
		t, err := parse(c.Template)
		if err != nil {
			return nil, fmt.Errorf("template: %w", err)
		}
		return func(_ string, m channels.Message) ([]byte, error) { return t.fill(m) }, nil
	}
	return nil, nil
}

// shaped is a template of a body.
type shaped struct{ *template.Template }

// samples are what a template is tried with: what senders write, and nothing.
var samples = []channels.Message{
	{Title: `"A" \ B`, Text: "\"quoted\" \\ and <b>\nè 🔥\t</script>\u2028", URL: `https://allerta.example/a/1?x="&y=1`, Language: "it", Severity: alerts.SeverityExtreme,
		Change: alerts.ChangeIssued, Exercise: true, Alert: "01A", Event: "01A", Revision: 1, Sent: time.Unix(1795291805, 0), Expires: time.Unix(1795295405, 0)},
	{},
}

// parse reads a template and tries whether it gives JSON.
func parse(text string) (shaped, error) {
	t, err := template.New("body").Option("missingkey=error").Funcs(template.FuncMap{"json": func(v any) (string, error) {
		b, err := json.Marshal(v)
		return string(b), err
	}}).Parse(text)
	if err != nil {
		return shaped{}, err
	}
	for _, m := range samples {
		if _, err := (shaped{t}).fill(m); err != nil {
			return shaped{}, err
		}
	}
	return shaped{t}, nil
}

func (t shaped) fill(m channels.Message) ([]byte, error) {
	var b bytes.Buffer
	if err := t.Execute(&b, dataOf(m)); err != nil {
		return nil, err
	}
	if !json.Valid(b.Bytes()) {
		return nil, errors.New("what it gives is not JSON: write values as {{json .Text}}, without quotation marks around them")
	}
	return b.Bytes(), nil
}
