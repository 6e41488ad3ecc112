package dashboards

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/dashboards/signin"
)

type staffPage struct {
	Members     []memberLine
	Invitations []invitationLine
	Changes     []changeLine
	Roles       []roleLine
	Severities  []severityLine
	Link        string // of the invitation that was just made, shown once
	For         string
	Form        url.Values
}

type memberLine struct {
	*signin.Member
	RoleNames []string
	Rights    string
	Keys      int
	Self      bool
	Off       bool
	Roles     []roleLine
	Real      bool
	Areas     string
	Max       []severityLine
}

type invitationLine struct {
	Name, Login, Digest string
	Ends                instant
}

type changeLine struct {
	Name, Digest, By string
	End              string // what ends for the member, in words; "": rights, or an invitation
	New              bool
	RoleNames        []string
	Rights           string
	At               instant
	Own              bool
}

type roleLine struct {
	Name, Words string
	Has         bool
}

type severityLine struct {
	Value, Words string
	Has          bool
}

func (c *console) staffRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", "/console/staff", forAdministrators, c.staffPage},
		{"POST", "/console/staff", forAdministrators, c.staff},
	}
}

func (c *console) staffPage(v *visit) { c.staffForm(v, staffPage{}, 0, "", "") }

func (c *console) staffForm(v *visit, page staffPage, code int, wrong, field string) {
	ctx := v.r.Context()
	members, err := c.office.Members(ctx)
	if err != nil {
		c.fail(v, err)
		return
	}
	for _, m := range members {
		line := memberLine{
			Member: m, RoleNames: roleNames(v.l, m.Grant.Roles), Rights: c.limitsWords(v.l, m.Grant.Limits), Keys: len(m.Passkeys), Self: m.ID == v.member.ID, Off: !m.Disabled.IsZero(),
			Roles: roleLines(v.l, m.Grant.Roles), Real: slices.Contains(m.Grant.Limits.Statuses, alerts.StatusActual), Areas: strings.Join(m.Grant.Limits.Areas, ", "),
			Max: severityLines(v.l, string(m.Grant.Limits.MaxSeverity)),
		}
		page.Members = append(page.Members, line)
	}
	invitations, err := c.office.Invitations(ctx)
	if err != nil {
		c.fail(v, err)
		return
	}
	for _, digest := range slices.Sorted(maps.Keys(invitations)) {
		if i := invitations[digest]; !i.First {
			page.Invitations = append(page.Invitations, invitationLine{i.Name, i.Login, digest, v.l.At(i.Ends, v.now)})
		}
	}
	changes, err := c.office.Changes(ctx)
	if err != nil {
		c.fail(v, err)
		return
	}
	for _, digest := range slices.Sorted(maps.Keys(changes)) {
		one := changes[digest]
		page.Changes = append(page.Changes, changeLine{one.Name, digest, one.By.Name, endWords(v.l, one.Do), one.Member == "", roleNames(v.l, one.Grant.Roles), c.limitsWords(v.l, one.Grant.Limits), v.l.At(one.At, v.now), one.By.ID == v.member.ID})
	}
	page.Roles, page.Severities = roleLines(v.l, page.Form["role"]), severityLines(v.l, page.Form.Get("severity-max"))
	said := ""
	switch v.r.URL.Query().Get("said") {
	case "done":
		said = v.l.must("said_done")
	case "waits":
		said = v.l.must("said_waits")
	}
	c.show(v, sheet{name: "staff", title: v.l.must("staff_title"), passkeys: true, code: code, wrong: wrong, field: field, said: said, content: page})
}

// endWords says what ends; "" for what does not end anything.
func endWords(l *locale, do string) string {
	switch do {
	case signin.ToDisable:
		return l.must("staff_disable")
	case signin.ToErase:
		return l.must("staff_erase")
	}
	return ""
}

func roleNames(l *locale, roles []string) []string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = roleName(l, r)
	}
	return names
}

func roleLines(l *locale, has []string) []roleLine {
	var lines []roleLine
	for _, name := range signin.RoleNames() {
		lines = append(lines, roleLine{name, roleName(l, name), slices.Contains(has, name)})
	}
	return lines
}

func severityLines(l *locale, has string) []severityLine {
	lines := []severityLine{{"", l.must("staff_no_limit"), has == ""}}
	for _, s := range alerts.Severities {
		lines = append(lines, severityLine{string(s), l.lex.Level(s), has == string(s)})
	}
	return lines
}

// limitsWords is what a grant allows beside its roles.
func (c *console) limitsWords(l *locale, r alerts.Rights) string {
	words := []string{l.must("staff_practice_only")}
	if slices.Contains(r.Statuses, alerts.StatusActual) {
		words[0] = l.must("staff_real")
	}
	if len(r.Areas) > 0 {
		words = append(words, l.must("staff_areas")+": "+strings.Join(r.Areas, ", "))
	}
	if r.MaxSeverity != "" {
		words = append(words, l.must("staff_up_to")+": "+l.lex.Level(r.MaxSeverity))
	}
	return strings.Join(words, " · ")
}

// grantOf reads a grant from a form.
func grantOf(form url.Values) signin.Grant {
	g := signin.Grant{Roles: form["role"]}
	if form.Get("real") != "" {
		g.Limits.Statuses = slices.Clone(alerts.Statuses)
	}
	for area := range strings.FieldsFuncSeq(form.Get("areas"), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == ';' }) {
		g.Limits.Areas = append(g.Limits.Areas, area)
	}
	if s := alerts.Severity(form.Get("severity-max")); slices.Contains(alerts.Severities, s) {
		g.Limits.MaxSeverity = s
	}
	return g
}

// staff does what an administrator asks.
func (c *console) staff(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	form := v.r.PostForm
	id, of := form.Get("member"), form.Get("of")
	var err error
	switch form.Get("do") {
	case "invite", "rights", "confirm", "disable", "erase": // they outlast a session that somebody stole
		if err = c.office.ProveAccount(ctx, v.member, v.session, form.Get("code"), v.now); err == nil {
			err = c.office.Spend(ctx, v.session, signin.AccountDeed(v.member))
		}
		if wrong, code := c.unproved(v, err); wrong != "" {
			c.staffForm(v, staffPage{Form: form}, code, wrong, "")
			return
		}
		if err != nil {
			c.fail(v, err)
			return
		}
	}
	switch form.Get("do") {
	case "invite":
		token, waits, err := c.office.Ask(ctx, v.member, signin.Change{Login: form.Get("login"), Name: form.Get("name"), Grant: grantOf(form)}, v.now)
		c.settle(v, form, token, form.Get("name"), waits, err)
		return
	case "rights":
		_, waits, err := c.office.Ask(ctx, v.member, signin.Change{Member: id, Grant: grantOf(form)}, v.now)
		c.settle(v, url.Values{}, "", "", waits, err)
		return
	case "disable", "erase":
		_, waits, err := c.office.Ask(ctx, v.member, signin.Change{Do: form.Get("do"), Member: id}, v.now)
		c.settle(v, url.Values{}, "", "", waits, err)
		return
	case "confirm":
		token, change, err := c.office.Confirm(ctx, v.member, of, v.now)
		c.settle(v, url.Values{}, token, change.Name, false, err)
		return
	case "drop":
		err = c.office.Drop(ctx, v.member, of, v.now)
	case "withdraw":
		err = c.office.Withdraw(ctx, v.member, of, v.now)
	case "end":
		err = c.office.EndAll(ctx, v.member, id, v.now)
	default:
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	c.settle(v, url.Values{}, "", "", false, err)
}

// settle answers what came of it.
func (c *console) settle(v *visit, form url.Values, token, name string, waits bool, err error) {
	again := func(wrong, field string) {
		c.staffForm(v, staffPage{Form: form}, http.StatusUnprocessableEntity, wrong, field)
	}
	switch {
	case errors.Is(err, signin.ErrInvalid):
		again(v.l.must("staff_names"), "name")
	case errors.Is(err, signin.ErrTaken):
		again(v.l.must("console_taken"), "login")
	case errors.Is(err, signin.ErrLast):
		again(v.l.must("staff_last"), "")
	case err != nil:
		c.fail(v, err)
	default:
		c.log("staff changed", v.member, zap.String("what", v.r.PostForm.Get("do")), zap.String("member", cmp.Or(v.r.PostForm.Get("member"), v.r.PostForm.Get("of"))), zap.Bool("waits", waits))
		if token != "" {
			c.staffForm(v, staffPage{Link: c.s.PublicURL + "/console/invite/" + token, For: name}, 0, "", "")
			return
		}
		said := "done"
		if waits {
			said = "waits"
		}
		c.to(v, "/console/staff?said="+said)
	}
}
