package dashboards

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/roster"
	"martinella/dashboards/signin"
)

const (
	volunteersPath   = "/console/volunteers"
	volunteersImport = volunteersPath + "/import"
	volunteersExport = volunteersPath + "/export"
	volunteersPast   = volunteersPath + "/past"
	// volunteersShown is how many volunteers one page lists.
	volunteersShown = 100
)

func (c *console) volunteerRoutes() []consoleRoute {
	if c.s.Volunteers == nil {
		return nil
	}
	return append(c.contactTestRoutes(), []consoleRoute{
		{"GET", volunteersPath, forStaff, c.volunteers},
		{"GET", volunteersImport, forStaff, func(v *visit) { c.importForm(v, importPage{}) }},
		{"POST", volunteersImport, forStaff, c.importVolunteers},
		{"POST", volunteersExport, forStaff, c.exportVolunteers},
		{"POST", volunteersPast, forStaff, c.erasePast},
		{"GET", volunteersPath + "/{number}", forStaff, c.volunteer},
		{"POST", volunteersPath + "/{number}", forStaff, c.changeVolunteer},
	}...)
}

// The values of the filter "show".
const (
	showEnded = "ended"  // a certificate has ended
	showSoon  = "soon"   // or ends within 60 days
	showFree  = "free"   // can be called now
	showMute  = "silent" // did not answer the last test of contacts
	showPast  = "past"   // to be erased: see pastVolunteer
)

type volunteersPage struct {
	Lines              []volunteerLine
	Total, Found, Free int
	Ended, Soon, Past  int // volunteers
	Skills             []skillCount
	Groups             []choiceOption
	Shows              []choiceOption
	Q, Group, Skill    string
	Show               string
	Page, Pages        int
	Prev, Next         string
	EndedAt, SoonAt    string // addresses of what is warned of
	PastAt             string
	May                bool // change, call, export
	Test               bool // contacts can be tested here
	Keys               int
}

type volunteerLine struct {
	Number             uint32
	Name, Organisation string
	Groups             []string
	Skills             []skillLine
	Free, Stopped      bool
	Reached, Silent    string   // days; "": never
	Kinds              []string // of contact, in words; for those who may call
}

// skillCount is how many have a skill whose certificate holds, and how many of
// them can be called now.
type skillCount struct {
	Name      string
	Free, All int
	URL       string
}

// mayNot answers who may not; false where they may.
func (c *console) mayNot(v *visit, may bool) bool {
	if !may {
		c.say(v, http.StatusForbidden, v.l.must("console_not_yours"))
	}
	return !may
}

// profileOf is what is known of a volunteer, never nil.
func profileOf(m *broadcast.Member) volunteers.Profile {
	if m.Volunteer == nil {
		return volunteers.Profile{}
	}
	return *m.Volunteer
}

// reachable reports whether a volunteer has any contact that is not stopped.
func reachable(m *broadcast.Member) bool {
	return slices.ContainsFunc(m.Kinds(), func(kind string) bool { return m.Reachable(kind) != "" })
}

// pastVolunteer reports whether somebody is kept for nothing: the agreed end has
// passed, or they wish to be called nowhere any more.
func pastVolunteer(m *broadcast.Member, now time.Time) bool {
	return m.Audience == broadcast.AudienceVolunteers && (!m.Until.IsZero() && now.After(m.Until) || !reachable(m))
}

// plainWord is a text without what people write differently.
func plainWord(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// volunteers lists the roster.
func (c *console) volunteers(v *visit) {
	if c.mayNot(v, v.member.Person().Can(alerts.VerbRead)) {
		return
	}
	c.volunteerList(v, 0, "", "")
}

func (c *console) volunteerList(v *visit, code int, wrong, field string) {
	all, err := c.s.Volunteers.Pages.Roll.Volunteers(v.r.Context())
	if err != nil {
		c.fail(v, err)
		return
	}
	q := v.r.URL.Query()
	page := volunteersPage{Total: len(all), Q: q.Get("q"), Group: q.Get("group"), Skill: q.Get("skill"), Show: q.Get("show"), May: v.mayCall(), Keys: len(v.member.Passkeys), Test: v.mayCall() && c.s.Callouts != nil}
	page.fill(all, v, c.s, q)
	said := ""
	switch q.Get("said") {
	case "erased":
		said = v.l.must("volunteers_said_erased")
	case "past":
		said = v.l.must("volunteers_said_past")
	}
	c.show(v, sheet{name: "volunteers", title: v.l.must("volunteers_title"), passkeys: page.May, code: code, said: said, wrong: wrong, field: field, content: page})
}

// fill counts everybody and picks those of the page that is asked for.
func (p *volunteersPage) fill(all []*broadcast.Member, v *visit, s *Server, q url.Values) {
	local := v.now.In(s.Zone)
	counts, names, groups := map[string]*skillCount{}, map[string]string{}, map[string]string{}
	words := strings.Fields(plainWord(p.Q))
	var found []*broadcast.Member
	for _, m := range all {
		profile := profileOf(m)
		free := reachable(m) && profile.Available(local) && (m.Until.IsZero() || !v.now.After(m.Until))
		ended, soon := volunteers.Expiring(profile, local, 0), volunteers.Expiring(profile, local, expiresSoon)
		past := pastVolunteer(m, v.now)
		p.Free, p.Ended = p.Free+one(free), p.Ended+one(len(ended) > 0)
		p.Soon, p.Past = p.Soon+one(len(soon) > len(ended)), p.Past+one(past)
		for _, skill := range profile.Skills {
			key := plainWord(skill.Name)
			n := counts[key]
			if n == nil {
				n = &skillCount{Name: skill.Name}
				counts[key] = n
			}
			if !slices.Contains(ended, skill) {
				n.All, n.Free = n.All+1, n.Free+one(free)
			}
		}
		for _, g := range profile.Groups {
			groups[plainWord(g)] = g
		}
		switch {
		case !hasWords(plainWord(profile.Name+" "+profile.Organisation), words),
			p.Group != "" && !slices.ContainsFunc(profile.Groups, func(g string) bool { return plainWord(g) == plainWord(p.Group) }),
			p.Skill != "" && !slices.ContainsFunc(profile.Skills, func(k volunteers.Skill) bool { return plainWord(k.Name) == plainWord(p.Skill) }),
			p.Show == showEnded && len(ended) == 0, p.Show == showSoon && len(soon) == len(ended), p.Show == showFree && !free, p.Show == showPast && !past, p.Show == showMute && m.Silent.IsZero():
		default:
			found = append(found, m)
			names[strconv.FormatUint(uint64(m.Number), 10)] = plainWord(profile.Name)
		}
	}
	slices.SortFunc(found, func(a, b *broadcast.Member) int {
		x, y := names[strconv.FormatUint(uint64(a.Number), 10)], names[strconv.FormatUint(uint64(b.Number), 10)]
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a.Number, b.Number))
	})
	for key, n := range counts {
		n.URL = volunteersPath + "?" + inTongue(url.Values{"skill": {key}}, v).Encode()
		p.Skills = append(p.Skills, *n)
	}
	slices.SortFunc(p.Skills, func(a, b skillCount) int { return cmp.Compare(plainWord(a.Name), plainWord(b.Name)) })
	for key, g := range groups {
		p.Groups = append(p.Groups, choiceOption{Value: g, Text: g, Has: key == plainWord(p.Group)})
	}
	slices.SortFunc(p.Groups, func(a, b choiceOption) int { return cmp.Compare(plainWord(a.Text), plainWord(b.Text)) })
	for _, show := range []choiceOption{{Value: "", Text: v.l.must("volunteers_all")}, {Value: showFree, Text: v.l.must("volunteers_free_now")}, {Value: showEnded, Text: v.l.must("volunteers_show_ended")}, {Value: showSoon, Text: v.l.must("volunteers_show_soon")}, {Value: showMute, Text: v.l.must("volunteers_show_silent")}, {Value: showPast, Text: v.l.must("volunteers_show_past")}} {
		show.Has = show.Value == p.Show
		p.Shows = append(p.Shows, show)
	}
	p.EndedAt, p.SoonAt, p.PastAt = showing(showEnded, v), showing(showSoon, v), showing(showPast, v)
	p.Found, p.Pages = len(found), max(1, (len(found)+volunteersShown-1)/volunteersShown)
	asked, _ := strconv.Atoi(q.Get("page")) // what is none is the first
	p.Page = min(max(asked, 1), p.Pages)
	at := func(n int) string {
		next := url.Values{"page": {strconv.Itoa(n)}}
		for _, key := range []string{"q", "group", "skill", "show"} {
			if value := q.Get(key); value != "" {
				next.Set(key, value)
			}
		}
		return volunteersPath + "?" + inTongue(next, v).Encode()
	}
	if p.Page > 1 {
		p.Prev = at(p.Page - 1)
	}
	if p.Page < p.Pages {
		p.Next = at(p.Page + 1)
	}
	for _, m := range found[(p.Page-1)*volunteersShown : min(len(found), p.Page*volunteersShown)] {
		profile := profileOf(m)
		line := volunteerLine{Number: m.Number, Name: profile.Name, Organisation: profile.Organisation, Groups: profile.Groups, Skills: s.skillLines(v.l, profile, v.now), Stopped: !reachable(m)}
		line.Free = !line.Stopped && profile.Available(local)
		line.Reached, line.Silent = dayOf(m.Reached, s.Zone), dayOf(m.Silent, s.Zone)
		if p.May {
			for _, kind := range m.Kinds() {
				line.Kinds = append(line.Kinds, v.l.must("subscriber_"+kindWord(kind)))
			}
		}
		p.Lines = append(p.Lines, line)
	}
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func hasWords(text string, words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

func inTongue(q url.Values, v *visit) url.Values {
	if lang := askedOf(v.r).lang; lang != "" {
		q.Set("lang", lang)
	}
	return q
}

func showing(what string, v *visit) string {
	return volunteersPath + "?" + inTongue(url.Values{"show": {what}}, v).Encode()
}

// proveFresh asks for a fresh proof of who sits there; false where it was
// answered, by again.
func (c *console) proveFresh(v *visit, again func(wrong string, code int)) bool {
	ctx, cancel := actContext(v.r)
	defer cancel()
	err := c.office.ProveAccount(ctx, v.member, v.session, v.r.PostForm.Get("code"), v.now)
	if err == nil {
		err = c.office.Spend(ctx, v.session, signin.AccountDeed(v.member))
	}
	if wrong, code := c.unproved(v, err); wrong != "" {
		again(wrong, code)
		return false
	}
	if err != nil {
		c.fail(v, err)
		return false
	}
	return true
}

// exportVolunteers writes the roster in clear, as a list that the import reads,
// after a fresh proof.
func (c *console) exportVolunteers(v *visit) {
	if c.mayNot(v, v.mayCall()) || !c.readPosted(v) {
		return
	}
	if !c.proveFresh(v, func(wrong string, code int) { c.volunteerList(v, code, wrong, "export") }) {
		return
	}
	select {
	case c.s.exporting <- struct{}{}:
		defer func() { <-c.s.exporting }()
	default:
		c.volunteerList(v, http.StatusServiceUnavailable, v.l.must("volunteers_busy"), "")
		return
	}
	all, err := c.s.Volunteers.Pages.Roll.Volunteers(v.r.Context())
	if err != nil {
		c.fail(v, err)
		return
	}
	if !c.noteList(v, broadcast.ActListTaken, "", broadcast.ListRoster, len(all)) {
		return
	}
	c.log("volunteers exported", v.member, zap.Int("people", len(all)))
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="volunteers.csv"`)
	only := func(m *broadcast.Member) bool { return m.Audience == broadcast.AudienceVolunteers }
	if _, err := roster.WriteSome(v.r.Context(), v.w, c.s.Volunteers.Pages.Roll, only, nil); err != nil {
		c.s.Logger.Warn("the export of volunteers ended early", zap.Error(err))
		panic(http.ErrAbortHandler) // half a list must not look like a whole one
	}
}

// erasePast erases those who are kept for nothing, as they are at that moment.
func (c *console) erasePast(v *visit) {
	if c.mayNot(v, v.mayCall()) || !c.readPosted(v) {
		return
	}
	if v.r.PostForm.Get("sure") == "" {
		c.volunteerList(v, http.StatusUnprocessableEntity, v.l.must("volunteers_wrong_sure"), "sure")
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	all, err := c.s.Volunteers.Pages.Roll.Volunteers(ctx)
	if err != nil {
		c.fail(v, err)
		return
	}
	past := func(m *broadcast.Member) bool { return pastVolunteer(m, v.now) }
	var numbers []uint32
	for _, m := range all {
		if past(m) {
			numbers = append(numbers, m.Number)
		}
	}
	n, err := c.s.Volunteers.Pages.Erase(ctx, v.member.Person().By(), viaConsole, numbers, v.now, past)
	if err != nil {
		c.fail(v, err)
		return
	}
	c.log("volunteers erased", v.member, zap.Int("people", n))
	c.to(v, volunteersPath+"?said=past")
}

// readPosted reads a form; false where that was answered.
func (c *console) readPosted(v *visit) bool {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return false
	}
	return true
}
