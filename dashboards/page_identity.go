package dashboards

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts/lexicon"
	"martinella/broadcast"
	"martinella/dashboards/settings"
	"martinella/dashboards/signin"
)

func (c *console) identityRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", "/console/settings/identity", forStaff, c.identityPage},
		{"GET", "/console/settings/identity/colour", forStaff, c.colourPart},
		{"POST", "/console/settings/identity", forAdministrators, c.identity},
	}
}

type identityPage struct {
	Fields    []identityField
	Brand     string // as typed
	Colour    colourBox
	Logo      bool // one is set
	Revision  int64
	By        string
	At        instant
	Mine      bool
	Languages []identityLanguage
	Keeps     []keepLine
}

type identityField struct {
	Name, Type, Value, Configured string
	Restart                       bool // it holds from the next start
	Wrong                         string
}

// colourBox shows a colour with its judgement.
type colourBox struct {
	verdict
	Text, Warning string
}

type identityLanguage struct {
	Name  string
	Pages bool // the pages are in it; else only messages
}

type keepLine struct{ What, Long string }

// identityFields are the fields of the form, in its order.
var identityFields = []struct {
	name, kind string
	restart    bool
}{
	{"name", "text", true}, {"contact", "text", false}, {"site", "url", false}, {"accessibility", "url", false}, {"feedback", "email", false}, {"licence", "text", false},
}

// identityOf gives the field of an identity by its name.
func identityOf(i *settings.Identity, name string) *string {
	return map[string]*string{"name": &i.Name, "contact": &i.Contact, "site": &i.Site, "accessibility": &i.Accessibility, "feedback": &i.Feedback, "licence": &i.Licence}[name]
}

// configured is what holds where staff set nothing.
func (c *console) configured(name string) string {
	return map[string]string{"name": c.s.Authority.Name, "contact": c.s.Authority.Contact, "site": c.s.Site, "accessibility": c.s.Accessibility, "feedback": c.s.Feedback, "licence": c.s.Licence}[name]
}

func (c *console) identityPage(v *visit) {
	c.identityForm(v, c.s.Settings.Now().Identity, c.s.Settings.Now().Of("identity").Revision, 0, nil, "", "")
}

func (c *console) identityForm(v *visit, shown settings.Identity, revision int64, code int, faults map[string]settings.Fault, wrong, field string) {
	paper := c.s.Settings.Now().Of("identity")
	page := identityPage{
		Brand: shown.Brand, Colour: c.colourOf(v.l, cmp.Or(shown.Brand, c.s.Brand, defaultBrand)), Logo: len(shown.Logo) > 0, Revision: revision, By: paper.By.Name, At: v.l.At(paper.At, v.now), Mine: v.member.Administers(),
	}
	for _, f := range identityFields {
		line := identityField{Name: f.name, Type: f.kind, Value: *identityOf(&shown, f.name), Configured: c.configured(f.name), Restart: f.restart}
		if fault, there := faults[f.name]; there {
			line.Wrong = v.l.must("registers_fault_" + string(fault))
			if field == "" {
				field = "i-" + f.name
			}
		}
		page.Fields = append(page.Fields, line)
	}
	for _, tag := range lexicon.Languages {
		page.Languages = append(page.Languages, identityLanguage{v.l.language(tag), c.s.pages.locales.all[tag] != nil})
	}
	page.Keeps = c.keeps(v.l)
	said := ""
	if v.r.Method == http.MethodGet && v.r.URL.Query().Get("said") == "done" {
		said = v.l.must("identity_saved")
	}
	c.show(v, sheet{name: "identity", title: v.l.must("identity_title"), code: code, said: said, wrong: wrong, field: field, content: page})
}

// defaultBrand is the colour of the style sheet where none is set (LOOK.md
// section 3).
const defaultBrand = "#1b4965"

// colourOf judges a colour in words.
func (c *console) colourOf(l *locale, brand string) colourBox {
	box := colourBox{verdict: judgeColour(brand)}
	switch {
	case box.Bad && box.On == "":
		box.Text = l.must("identity_no_colour")
	case box.Bad:
		box.Text = l.must("identity_low", "Ratio", strconv.FormatFloat(box.Ratio, 'f', 1, 64))
	default:
		key := "identity_white"
		if box.On == black.String() {
			key = "identity_black"
		}
		box.Text = l.must(key, "Ratio", strconv.FormatFloat(box.Ratio, 'f', 1, 64))
	}
	if box.State {
		box.Warning = l.must("identity_state")
	}
	return box
}

// colourPart is the judgement of a colour while it is chosen: the same block as
// on the page.
func (c *console) colourPart(v *visit) {
	brand := v.r.URL.Query().Get("brand")
	if len(brand) > 20 {
		brand = ""
	}
	made, err := c.s.pages.execute(v.l, "identity", "colour", c.colourOf(v.l, brand))
	if err != nil {
		c.s.internal(v.w, v.r, err, nil)
		return
	}
	made.write(v.w, v.r, http.StatusOK, v.l)
}

// identity saves how the authority shows itself.
func (c *console) identity(v *visit) {
	if !c.readForm(v) {
		return
	}
	form := v.r.PostForm
	revision, err := strconv.ParseInt(form.Get("revision"), 10, 64)
	if err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	next := settings.Identity{Brand: strings.ToLower(strings.TrimSpace(form.Get("brand"))), Logo: c.s.Settings.Now().Identity.Logo}
	for _, f := range identityFields {
		*identityOf(&next, f.name) = strings.TrimSpace(form.Get(f.name))
	}
	again := func(code int, faults map[string]settings.Fault, wrong, field string) {
		c.identityForm(v, next, revision, code, faults, wrong, field)
	}
	if form.Get("no-logo") != "" {
		next.Logo = nil
	}
	if file, _, err := v.r.FormFile("logo"); err == nil {
		b, err := io.ReadAll(io.LimitReader(file, settings.MaxLogoUpload+1))
		_ = file.Close()
		if err == nil && len(b) > 0 {
			next.Logo, err = settings.MakeLogo(b)
		}
		if errors.Is(err, settings.ErrLogo) {
			next.Logo = c.s.Settings.Now().Identity.Logo
			again(http.StatusUnprocessableEntity, nil, v.l.must("identity_bad_logo"), "i-logo")
			return
		}
	}
	box := c.colourOf(v.l, cmp.Or(next.Brand, c.s.Brand, defaultBrand))
	faults := next.Faults()
	switch {
	case form.Get("do") == "look":
		again(0, nil, "", "")
		return
	case c.s.Settings == nil:
		again(http.StatusServiceUnavailable, nil, v.l.must("settings_nowhere"), "")
		return
	case box.Bad:
		again(http.StatusUnprocessableEntity, faults, box.Text, "i-brand")
		return
	case len(faults) > 0:
		again(http.StatusUnprocessableEntity, faults, v.l.must("identity_wrong"), "")
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.r.Context()), actTimeout)
	defer cancel()
	if err := c.s.Settings.PutIdentity(ctx, revision, next, v.by(), v.now); err != nil {
		if words := c.stale(v, err); words != "" {
			again(http.StatusConflict, nil, words, "")
			return
		}
		c.fail(v, err)
		return
	}
	c.s.dress()
	c.log("identity changed", v.member, zap.String("brand", next.Brand), zap.Bool("logo", next.Logo != nil))
	c.to(v, "/console/settings/identity?said=done")
}

// keeps tells how long what is kept.
func (c *console) keeps(l *locale) []keepLine {
	days := func(d time.Duration) string { return l.must("identity_days", "N", int(d.Hours())/24) }
	return []keepLine{
		{l.must("identity_keep_alerts"), l.must("identity_for_good")},
		{l.must("identity_keep_deliveries"), days(broadcast.KeepDeliveries)},
		{l.must("identity_keep_log"), days(broadcast.KeepLog)},
		{l.must("identity_keep_people"), l.must("identity_until_erased")},
		{l.must("identity_keep_signup"), days(broadcast.SignUpTime)},
		{l.must("identity_keep_invitations"), days(signin.InvitationLasts)},
		{l.must("identity_keep_papers"), l.must("identity_revisions", "N", broadcast.PaperPast)},
	}
}
