package voice

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"martinella/channels"
	"martinella/channels/provider"
)

// placeholders is what a description of a voice provider may hold. {text} is
// what is said once, {speech} the whole call: the text twice and, where people
// are asked for a key, the question. {to} is +39..., {to_digits} without the
// plus; {recording} is empty without one; {expires} is RFC 3339, and with
// {validity_seconds} empty where the alert has no end; {key} is the same over
// all attempts at one message; {callback} is the address of the hook.
var placeholders = []string{"to", "to_digits", "text", "speech", "recording", "source", "key", "language", "locale", "voice", "ring_seconds", "expires", "validity_seconds", "alert", "callback"}

// genericCarrier is a provider that the configuration describes.
type genericCarrier struct {
	config   Config
	provider *provider.Provider
	hook     string
}

func (c *Config) generic(m *mistakes, hook string) carrier {
	described, problems := c.Compile(provider.Use{Platform: kindGeneric, Placeholders: placeholders, States: outcomes})
	m.all = append(m.all, problems...)
	d := c.Description
	if d.Request.JSON == "" && len(d.Request.Form) == 0 && len(d.Request.Query) == 0 {
		m.wrong("request", "carries nothing", "describe json, form or query with {to} and {speech}")
	}
	if d.Answer.ID == "" {
		m.wrong("answer.id", "is missing", "say where the call's id stands in the answer: reports name it")
	}
	if d.Hook.Replies.From != "" || d.Hook.Replies.Text != "" {
		m.wrong("hook.replies", "is for channels on which people write", "describe a pressed key as a report with the state heard")
	}
	if c.Source != "" && !numberForm.MatchString(c.Source) {
		m.wrong("source", "is not a number", "write it like +390577000000")
	}
	if c.AccountSID != "" || c.AuthTokenFile != "" || c.APIKeySID != "" || c.APIKeySecretFile != "" {
		m.wrong("provider", "is generic and has fields of twilio", "leave those out")
	}
	return &genericCarrier{*c, described, hook}
}

func (c *genericCarrier) values(one call) provider.Values {
	speech := one.said + " " + one.words.Again + " " + one.said
	if c.config.confirm() && c.provider.Hooked() && !one.page { // "press 1" would be taken for "I come"
		speech += " " + one.words.Press
	}
	sum := sha256.Sum256([]byte(one.Key + "\x00" + one.Language))
	v := provider.Values{
		"to": one.To, "to_digits": strings.TrimPrefix(one.To, "+"), "text": one.said, "speech": speech, "recording": one.recording, "source": c.config.Source,
		"key": hex.EncodeToString(sum[:16]), "language": one.Language, "locale": one.voice.Locale, "voice": one.voice.Name,
		"ring_seconds": strconv.Itoa(int(c.config.Ring / time.Second)), "alert": string(one.Alert), "callback": c.hook,
	}
	if !one.Expires.IsZero() {
		v["expires"] = one.Expires.UTC().Format(time.RFC3339)
		v["validity_seconds"] = strconv.Itoa(max(int(time.Until(one.Expires)/time.Second), 1))
	}
	return v
}

func (c *genericCarrier) dial(ctx context.Context, one call) (string, error) {
	return c.provider.Send(ctx, c.values(one))
}

func (c *genericCarrier) finds() bool { return c.provider.Finds() }

func (c *genericCarrier) find(ctx context.Context, one call) (string, bool, error) {
	return c.provider.Find(ctx, c.values(one))
}

func (c *genericCarrier) check(ctx context.Context) error { return c.provider.Check(ctx, nil) }

// keys is false: a description says that a call was heard, not which key was
// pressed in which call.
func (c *genericCarrier) keys() bool { return false }

func (c *genericCarrier) events(r *http.Request, body []byte) ([]channels.DeliveryReport, []channels.Reply, error) {
	events, err := c.provider.Events(r, body)
	if err != nil {
		return nil, nil, err
	}
	var reports []channels.DeliveryReport
	for _, e := range events {
		if e.Reply {
			continue
		}
		became, at := outcome(e.State), e.At
		if became == "" {
			became = enroute
		}
		if at.IsZero() {
			at = time.Now()
		}
		reports = append(reports, c.config.report(became, e.ID, e.Code, at))
	}
	return reports, nil, nil
}

func (c *genericCarrier) answer(*http.Request) (string, []byte) { return "", nil }

func (c *genericCarrier) note() string {
	switch {
	case !c.provider.Hooked():
		return "no hook is described: nobody is asked to press 1, and deliveries stay at accepted"
	case !c.provider.Finds():
		return "the provider cannot be asked what became of a call whose answer was lost; urgent ones are made once more and marked, others stay uncertain"
	}
	return ""
}
