package dashboards

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/roster"
	"martinella/channels"
)

func (c *console) channelRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", "/console/settings/channels", forStaff, c.channelsPage},
		{"POST", "/console/settings/channels", forAdministrators, c.channelAct},
	}
}

// wellLine is a channel on the page.
type wellLine struct {
	broadcast.Wellbeing
	State    string // fine, ill, unknown
	At       instant
	Since    instant
	Accounts []string // of the register that it posts to
	Address  string   // what kind of address a test goes to: phone or email; "": none
	Typed    string   // what was typed, after something went wrong
	Wrong    string
	Renew    string // the command
}

type channelsPage struct {
	Channels []wellLine
	Mine     bool   // the reader may check and test
	Add      string // the command
}

func (c *console) channelsPage(v *visit) { c.channelsForm(v, 0, "", "", "", "") }

// channelsForm shows the channels; about names the one that wrong or typed
// belong to.
func (c *console) channelsForm(v *visit, code int, said, wrong, about, typed string) {
	page := channelsPage{Mine: v.member.Administers(), Add: "martinella channels add"}
	for _, w := range c.s.Channels.Wellbeing() {
		line := c.wellLine(v, w)
		for _, a := range c.s.accountsNow() {
			if a.Channel == w.Channel {
				line.Accounts = append(line.Accounts, a.Name)
			}
		}
		if w.Contact == "phone" || w.Contact == "email" {
			line.Address = w.Contact
		}
		if w.Channel == about {
			line.Typed, line.Wrong = typed, wrong
		}
		page.Channels = append(page.Channels, line)
	}
	field := ""
	if wrong != "" && about != "" {
		field = "c-" + about
	}
	if v.r.Method == http.MethodGet && v.r.URL.Query().Get("said") == "checked" {
		said = v.l.must("channels_checked")
	}
	c.show(v, sheet{name: "channels", title: v.l.must("channels_title"), code: code, said: said, wrong: wrong, field: field, content: page})
}

// wellLine says in a word how a channel is.
func (c *console) wellLine(v *visit, w broadcast.Wellbeing) wellLine {
	line := wellLine{Wellbeing: w, State: "unknown", Renew: "martinella channels renew " + w.Channel, At: v.l.At(w.Checked.At, v.now)}
	switch {
	case w.Trouble != nil || w.Checked.Fault != "":
		line.State = "ill"
	case !w.Checked.At.IsZero() || !w.Checks:
		line.State = "fine"
	}
	if w.Trouble != nil {
		line.Since = v.l.At(w.Trouble.Since, v.now)
	}
	return line
}

// channelAct checks a channel, or sends a test over it.
func (c *console) channelAct(v *visit) {
	if !c.readForm(v) {
		return
	}
	form := v.r.PostForm
	name := form.Get("channel")
	d := c.s.Channels.Of(name)
	if d == nil {
		c.channelsForm(v, http.StatusNotFound, "", v.l.must("channels_none"), "", "")
		return
	}
	if wait := c.tests.take(v.member.ID); wait > 0 {
		v.w.Header().Set("Retry-After", seconds(wait))
		c.channelsForm(v, http.StatusTooManyRequests, "", v.l.must("proof_wait", "Seconds", seconds(wait)), name, form.Get("to"))
		return
	}
	switch form.Get("do") {
	case "check":
		if _, err := d.Look(v.r.Context()); err != nil {
			c.channelsForm(v, http.StatusUnprocessableEntity, "", v.l.must("channels_no_check"), name, "")
			return
		}
		c.log("channel checked", v.member, zap.String("channel", name))
		path := "/console/settings/channels?said=checked"
		if lang := askedOf(v.r).lang; lang != "" {
			path += "&lang=" + url.QueryEscape(lang)
		}
		http.Redirect(v.w, v.r, path+"#c-"+url.PathEscape(name), http.StatusSeeOther)
	case "rehearse":
		where, err := d.Rehearse(v.r.Context(), v.l.must("channels_test_text", "Name", c.s.Authority.Name))
		c.tested(v, name, "", where, err)
	case "test":
		c.testTo(v, d, name, form.Get("to"))
	default:
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
	}
}

// testTo sends a marked test to an address of the person who asks. The address
// is neither kept nor logged.
func (c *console) testTo(v *visit, d *broadcast.Dispatcher, name, typed string) {
	kind := d.Wellbeing().Contact
	read := roster.Phone
	if kind == "email" {
		read = roster.Mail
	}
	to, err := read(typed)
	if err != nil {
		c.channelsForm(v, http.StatusUnprocessableEntity, "", v.l.must("channels_bad_"+contactKey(kind)), name, typed)
		return
	}
	text := v.l.must("channels_test_text", "Name", c.s.Authority.Name)
	id := c.s.Desk.NewID(v.now)
	r := &alerts.Record{
		V: alerts.RecordVersion, ID: id, Event: id, Revision: 1, State: alerts.StateIssued, Change: alerts.ChangeIssued, Own: true, Author: v.by(), Received: v.now, Published: v.now,
		Alert: &alerts.Alert{
			Identifier: string(id), Sender: c.s.Authority.Sender, Sent: v.now, Status: alerts.StatusTest, MsgType: alerts.MsgAlert, Scope: alerts.ScopePublic,
			Infos: []alerts.Info{{
				Language: v.l.Tag, Categories: []alerts.Category{"Other"}, Event: v.l.must("channels_test_event"), Urgency: "Unknown", Severity: alerts.SeverityMinor, Certainty: "Unknown",
				SenderName: c.s.Authority.Name, Headline: text, Description: v.l.must("channels_test_more"), Expires: v.now.Add(testHolds),
			}},
		},
	}
	err = d.TestTo(v.r.Context(), r, to)
	c.tested(v, name, typed, v.l.must("channels_test_you"), err)
}

// testHolds is how long a test may wait at a provider.
const testHolds = 15 * time.Minute

// tested answers what came of a test.
func (c *console) tested(v *visit, name, typed, where string, err error) {
	verdict, _ := channels.VerdictOf(err)
	switch {
	case err == nil:
		c.log("test sent over a channel", v.member, zap.String("channel", name))
		c.channelsForm(v, 0, v.l.must("channels_tested", "Channel", name, "Where", where), "", "", "")
	case errors.Is(err, errors.ErrUnsupported):
		c.channelsForm(v, http.StatusUnprocessableEntity, "", v.l.must("channels_no_place"), name, typed)
	default:
		c.s.Logger.Warn("the test over a channel failed", zap.String("channel", name), zap.String("verdict", string(verdict)), zap.Error(err))
		c.channelsForm(v, http.StatusBadGateway, "", v.l.must("channels_test_failed", "Why", err.Error()), name, typed)
	}
}

func contactKey(kind string) string {
	if kind == "email" {
		return kind
	}
	return "phone"
}
