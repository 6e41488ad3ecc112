package httpsms

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

// placeholders is what a description of an SMS provider may hold. {to} is
// +39..., {to_digits} without the plus; {encoding} gsm or ucs2; {expires} is
// RFC 3339, and with {validity_seconds} and {validity_minutes} empty where the
// alert has no end; {key} is the same over all attempts at one message;
// {callback} is the address of the hook.
var placeholders = []string{"to", "to_digits", "text", "source", "key", "encoding", "parts", "expires", "validity_seconds", "validity_minutes", "language", "alert", "callback"}

// generic is a provider that the configuration describes.
type generic struct {
	provider *provider.Provider
	hook     string
	replies  bool // its hook brings what people write
}

func (p *ProviderConfig) generic(m *mistakes, hook string) carrier {
	described, problems := p.Compile(provider.Use{
		Platform: kindGeneric, Placeholders: placeholders,
		States: []string{string(channels.ReportDelivered), string(channels.ReportFailed), string(channels.ReportEnroute)},
	})
	for _, problem := range problems {
		problem.Field = m.at + problem.Field
		m.all = append(m.all, problem)
	}
	d := p.Description
	if d.Request.JSON == "" && len(d.Request.Form) == 0 && len(d.Request.Query) == 0 {
		m.wrong("request", "carries nothing", "describe json, form or query with {to} and {text}")
	}
	if d.Answer.ID == "" {
		m.wrong("answer.id", "is missing", "say where the message's id stands in the answer: receipts name it")
	}
	if p.AccountSID != "" || p.AuthTokenFile != "" || p.APIKeySID != "" || p.MessagingServiceSID != "" || p.MessageType != "" || p.HookTokenFile != "" {
		m.wrong("provider", "is generic and has fields of twilio or skebby", "leave those out")
	}
	return &generic{described, hook, d.Hook.Replies.From != "" && d.Hook.Replies.Text != ""}
}

// orderID names what is sent, the same over all attempts, with other letters
// for another language: 32 hexadecimal digits.
func orderID(m channels.Message) string {
	sum := sha256.Sum256([]byte(m.Key + "\x00" + m.Language))
	return hex.EncodeToString(sum[:16])
}

// encodingOf names the alphabet that the text needs.
func encodingOf(text string) string {
	if encoding, _ := channels.Segments(text); encoding == channels.UCS2 {
		return "ucs2"
	}
	return "gsm"
}

func (c *generic) values(t text) provider.Values {
	v := provider.Values{
		"to": t.To, "to_digits": strings.TrimPrefix(t.To, "+"), "text": t.Text, "source": t.from, "key": orderID(t.Message), "encoding": encodingOf(t.Text),
		"parts": strconv.Itoa(t.parts), "language": t.Language, "alert": string(t.Alert), "callback": c.hook,
	}
	if t.answer {
		v["callback"] = ""
	}
	if !t.Expires.IsZero() {
		left := max(int(time.Until(t.Expires)/time.Second), 1)
		v["expires"] = t.Expires.UTC().Format(time.RFC3339)
		v["validity_seconds"], v["validity_minutes"] = strconv.Itoa(left), strconv.Itoa((left+59)/60)
	}
	return v
}

func (c *generic) send(ctx context.Context, t text) (string, error) {
	return c.provider.Send(ctx, c.values(t))
}

func (c *generic) finds() bool { return c.provider.Finds() }

func (c *generic) find(ctx context.Context, t text) (string, bool, error) {
	return c.provider.Find(ctx, c.values(t))
}

func (c *generic) checks() bool { return c.provider.Checks() }

func (c *generic) check(ctx context.Context) error { return c.provider.Check(ctx, nil) }

func (c *generic) events(r *http.Request, body []byte) ([]channels.DeliveryReport, []channels.Reply, error) {
	events, err := c.provider.Events(r, body)
	if err != nil {
		return nil, nil, err
	}
	var reports []channels.DeliveryReport
	var replies []channels.Reply
	for _, e := range events {
		at := e.At
		if at.IsZero() {
			at = time.Now()
		}
		if e.Reply {
			replies = append(replies, channels.Reply{From: international(e.From), To: e.To, Text: e.Text, At: at})
			continue
		}
		state := channels.ReportState(e.State)
		if state == "" {
			state = channels.ReportEnroute
		}
		reports = append(reports, channels.DeliveryReport{MessageID: e.ID, State: state, Code: e.Code, At: at})
	}
	return reports, replies, nil
}

// international writes a number as recipients have it: some providers leave the
// plus out.
func international(from string) string {
	from = strings.ReplaceAll(strings.TrimSpace(from), " ", "")
	if digits, ok := strings.CutPrefix(from, "00"); ok {
		from = digits
	}
	if len(from) >= 8 && from[0] != '+' && strings.Trim(from, "0123456789") == "" && from[0] != '0' {
		return "+" + from
	}
	return from
}

func (c *generic) hears() bool { return c.replies && c.provider.Hooked() }

func (c *generic) hookNote() string {
	if !c.provider.Hooked() {
		return "no hook is described: deliveries stay at accepted, and nobody's STOP is heard"
	}
	return ""
}
