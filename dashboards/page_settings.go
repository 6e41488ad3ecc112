package dashboards

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/alerts/templates"
	"martinella/broadcast"
	"martinella/dashboards/settings"
	"martinella/dashboards/signin"
)

// settingsRoutes are the pages that tell how the gateway is set up. Everybody of
// the staff may read most of them; administrators alone change anything.
func (c *console) settingsRoutes() []consoleRoute {
	return slices.Concat([]consoleRoute{
		{"GET", "/console/settings", forStaff, c.settingsPage},
		{"GET", "/console/settings/lexicon", forStaff, c.lexiconPage},
	}, c.areaRoutes(), c.channelRoutes(), c.keyRoutes(), c.ownTemplateRoutes(), c.registerRoutes(), c.identityRoutes())
}

// settingsLine is one section: where it is and how it stands, in a line.
type settingsLine struct {
	Path, Title, State string
	Wrong              bool // something in it needs somebody
}

// settingsPage is the index.
func (c *console) settingsPage(v *visit) {
	ctx, l := v.r.Context(), v.l
	ill := 0
	for _, w := range c.s.Channels.Wellbeing() {
		if w.Trouble != nil || w.Checked.Fault != "" {
			ill++
		}
	}
	now := c.s.Settings.Now()
	words := c.s.words()
	lines := []settingsLine{
		{"channels", l.must("channels_title"), l.must("settings_channels", "N", len(c.s.Channels), "Ill", ill), ill > 0},
		{"keys", l.must("keys_title"), l.must("settings_keys_admins"), false},
		{"templates", l.must("otemplates_title"), "", false},
		{"registers", l.must("registers_title"), l.must("settings_registers", "Phones", len(words.Phones), "Links", len(words.Links), "Tags", len(c.s.tagsNow()), "Accounts", len(c.s.accountsNow())), false},
		{"identity", l.must("identity_title"), c.s.Authority.Name, false},
		{"areas", l.must("areas_title"), l.must("settings_areas", "N", len(c.s.Outlines), "Sets", len(c.s.StartedAreas.Sets), "Areas", c.s.Areas.Len()), c.s.Areas.Len()+len(c.s.Outlines) == 0},
		{"lexicon", l.must("lexicon_title"), l.must("settings_lexicon", "N", len(lexicon.Hazards)), true},
	}
	if v.member.Administers() {
		keys, err := c.s.Keys.List(ctx)
		if err != nil {
			c.fail(v, err)
			return
		}
		wishes, err := c.office.KeyWishes(ctx)
		if err != nil {
			c.fail(v, err)
			return
		}
		live := 0
		for _, k := range keys {
			if k.Live(v.now) {
				live++
			}
		}
		lines[1].State, lines[1].Wrong = l.must("settings_keys", "N", live, "Waiting", len(wishes)), len(wishes) > 0
		lines = slices.Insert(lines, 2, settingsLine{"../staff", l.must("staff_title"), l.must("settings_staff"), false})
	}
	own, err := c.own().Own(ctx)
	at := slices.IndexFunc(lines, func(one settingsLine) bool { return one.Path == "templates" })
	if err != nil {
		lines[at].State, lines[at].Wrong = l.must("settings_templates_wrong"), true
	} else {
		lines[at].State = l.must("settings_templates", "N", len(templates.Merge(settings.Plain(own))), "Own", len(own))
	}
	if at := now.Of("identity").At; !at.IsZero() {
		lines[len(lines)-3].State += " · " + l.must("settings_changed", "At", l.At(at, v.now).Text)
	}
	lines = append(lines, settingsLine{"../start", l.must("start_title"), l.must("start_settings"), false})
	c.show(v, sheet{name: "settings", title: l.must("settings_title"), content: lines})
}

// own are the authority's own templates.
func (c *console) own() settings.Templates { return settings.Templates{Papers: c.s.Papers} }

// by is the member for what is written down.
func (v *visit) by() alerts.By { return alerts.By{ID: v.member.ID, Name: v.member.Name} }

// provedAccount asks for the fresh proof that what outlasts the session needs,
// and uses it up. wrong and code say why not.
func (c *console) provedAccount(ctx context.Context, v *visit) (wrong string, code int, err error) {
	err = c.office.ProveAccount(ctx, v.member, v.session, v.r.PostForm.Get("code"), v.now)
	if err == nil {
		err = c.office.Spend(ctx, v.session, signin.AccountDeed(v.member))
		if errors.Is(err, signin.ErrRefused) {
			err = signin.ErrUnproved
		}
	}
	if wrong, code = c.unproved(v, err); wrong != "" {
		return wrong, code, nil
	}
	return "", 0, err
}

// readForm reads a form, also one with files; false where it cannot be read, which
// is answered.
func (c *console) readForm(v *visit) bool {
	err := v.r.ParseForm()
	if err == nil && strings.HasPrefix(v.r.Header.Get("Content-Type"), "multipart/") {
		err = v.r.ParseMultipartForm(largestForm)
	}
	if err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return false
	}
	return true
}

// largestForm bounds what the pages take that read files: a pack of templates or
// a picture of 1 MB, twice in a form's own writing.
const largestForm = 4 << 20

// largeForms are the pages that read files.
var largeForms = map[string]bool{"/console/settings/templates": true, "/console/settings/identity": true, volunteersImport: true}

// stale says that somebody else has changed it, in words of the page.
func (c *console) stale(v *visit, err error) string {
	switch {
	case errors.Is(err, alerts.ErrStale):
		return v.l.must("settings_stale")
	case errors.Is(err, broadcast.ErrManyPapers):
		return v.l.must("settings_many")
	}
	return ""
}

type hazardLine struct {
	Key   string
	Names []hazardName
}

type hazardName struct {
	Lang, Name string
	Also       []string
}

type lexiconPage struct {
	Hazards []hazardLine
	Levels  []severityLine
	Marks   []hazardName // exercise, update, cancelled, ended
}

// lexiconPage shows the words that messages use.
func (c *console) lexiconPage(v *visit) {
	var page lexiconPage
	for _, key := range slices.Sorted(maps.Keys(lexicon.Hazards)) {
		line := hazardLine{Key: key}
		for _, lang := range lexicon.Languages {
			if h, there := lexicon.Hazards[key][lang]; there {
				line.Names = append(line.Names, hazardName{lang, h.Name, h.Also})
			}
		}
		page.Hazards = append(page.Hazards, line)
	}
	page.Levels = severityLines(v.l, "")[1:]
	for _, lang := range lexicon.Languages {
		w := lexicon.For(lang)
		page.Marks = append(page.Marks, hazardName{lang, w.Exercise, []string{w.Updated, w.Cancelled, w.Ended}})
	}
	c.show(v, sheet{name: "lexicon", title: v.l.must("lexicon_title"), content: page})
}
