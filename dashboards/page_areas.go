package dashboards

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/dashboards/settings"
)

const (
	areasPath = "/console/settings/areas"
	// maxAreasFile bounds a file of outlines that is loaded in the console, and
	// maxAreasForm the form around it.
	maxAreasFile = 8 << 20
	maxAreasForm = maxAreasFile + maxForm
	// areasNamed is how many areas of a list the page names; the others are counted.
	areasNamed = 40
	// areasDrawn is up to how many areas are drawn.
	areasDrawn = 40
	// maxAttribution bounds source, licence and date, in bytes.
	maxAttribution = 200
)

func (c *console) areaRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", areasPath, forStaff, func(v *visit) { c.areasForm(v, areasPage{}) }},
		{"POST", areasPath, forAdministrators, c.areas},
	}
}

type areasPage struct {
	Files  []Outline
	Sample string // lines of the configuration
	Sets   []areaSetLine
	Away   []string // names of sets that this node still knows, and are removed
	Old    bool     // this node started before the last change
	Mine   bool
	Form   areaForm
	Report *areaReport
	// Mistakes are those of the file, and Clash the codes that another set has.
	Mistakes []areaMistake
	Clash    []areaChange

	code               int
	said, wrong, field string
}

// areaForm is what was typed.
type areaForm struct{ Name, System, Code, Names, Parent, Source, Licence, Date string }

type areaMistake struct {
	Feature int
	Code    string
	Problem alerts.Problem
}

type areaSetLine struct {
	settings.AreaSet
	By      string
	At      instant
	Holds   bool // this node runs with it
	Hidden  []string
	HiddenN int
	Past    []areaPast
}

type areaPast struct {
	By    string
	At    instant
	Areas int
}

// areaChange is an area that a set brings, takes away or calls differently.
type areaChange struct{ Code, Name, Was string }

// areaList names some of them.
type areaList struct {
	N    int
	Some []areaChange
	More int
}

// areaReport is what a set would change; nothing was stored.
type areaReport struct {
	Set                settings.AreaSet
	Digest             string // of what is agreed to
	Known, Same        bool   // there is one with its name; it is the same
	New, Gone, Renamed areaList
	Hidden             areaList // codes of configured files, which hold
	Map                *picture
}

func listed(all []areaChange) areaList {
	l := areaList{N: len(all), Some: all[:min(len(all), areasNamed)]}
	l.More = l.N - len(l.Some)
	return l
}

func (c *console) areaSets() settings.AreaSets { return settings.AreaSets{Papers: c.s.Papers} }

// areasForm shows which outlines are known, and the form.
func (c *console) areasForm(v *visit, page areasPage) {
	page.Files, page.Sample, page.Mine = c.s.Outlines, "areas:\n  - {file: comuni.geojson, system: ISTAT}", v.member.Administers()
	var sets []settings.AreaSet
	if c.s.Papers != nil {
		var err error
		if sets, err = c.areaSets().All(v.r.Context()); err != nil {
			c.fail(v, err)
			return
		}
	}
	stored := map[string]bool{}
	for _, s := range sets {
		stored[s.Name] = true
		line := areaSetLine{AreaSet: s, By: s.Paper.By.Name, At: v.l.At(s.Paper.At, v.now), Holds: s.Trouble == nil && c.s.StartedAreas.Sets[s.Name] == s.Digest()}
		hidden := c.hidden(s.Outline)
		for _, h := range hidden[:min(len(hidden), areasNamed)] {
			line.Hidden = append(line.Hidden, h.Code)
		}
		line.HiddenN = len(hidden)
		for _, past := range s.Changes {
			line.Past = append(line.Past, areaPast{past.By, v.l.At(past.At, v.now), past.Areas})
		}
		page.Old = page.Old || s.Trouble == nil && !line.Holds
		page.Sets = append(page.Sets, line)
	}
	for name := range c.s.StartedAreas.Sets {
		if !stored[name] {
			page.Away = append(page.Away, name)
		}
	}
	slices.Sort(page.Away)
	page.Old = page.Old || len(page.Away) > 0
	c.show(v, sheet{name: "areas", title: v.l.must("areas_title"), code: page.code, said: page.said, wrong: page.wrong, field: page.field, content: page})
}

// hidden are the areas of a set whose codes stand in configured files.
func (c *console) hidden(g *areas.Gazetteer) (all []areaChange) {
	for _, a := range g.All() {
		if _, there := c.s.StartedAreas.Configured.Area(a.Code.Value); there {
			all = append(all, areaChange{Code: a.Code.Value, Name: a.Name})
		}
	}
	return all
}

// areas tries a file out, stores what was tried, or removes a set.
func (c *console) areas(v *visit) {
	done, err := c.s.uploading(v.w)
	if err != nil {
		c.areasForm(v, areasPage{code: http.StatusServiceUnavailable, wrong: v.l.must("areas_busy")})
		return
	}
	defer done()
	err = v.r.ParseMultipartForm(maxAreasForm) // all of it in memory
	if errors.Is(err, http.ErrNotMultipart) {
		err = nil // a form without a file
	}
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		c.areasForm(v, areasPage{code: http.StatusRequestEntityTooLarge, wrong: v.l.must("areas_file_large"), field: "file"})
		return
	}
	if err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	switch v.r.PostForm.Get("do") {
	case "check":
		c.checkAreas(v)
	case "store":
		c.storeAreas(v)
	case "drop":
		c.dropAreas(v)
	default:
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
	}
}

func areaFormOf(v *visit) areaForm {
	get := func(name string) string { return strings.TrimSpace(v.r.PostForm.Get(name)) }
	return areaForm{get("name"), get("system"), get("code"), get("names"), get("parent"), get("source"), get("licence"), get("date")}
}

// lacking says which field is wrong; "" where none is.
func (f areaForm) lacking() (field, key string) {
	if !settings.AreaSetName.MatchString(f.Name) {
		return "name", "areas_bad_name"
	}
	for _, one := range []struct{ field, text string }{{"source", f.Source}, {"licence", f.Licence}, {"date", f.Date}} {
		if one.text == "" || len(one.text) > maxAttribution {
			return one.field, "areas_bad_" + one.field
		}
	}
	return "", ""
}

// checkAreas tells what a file would change. Nothing is stored: what was read goes
// to the reader and comes back with the agreement.
func (c *console) checkAreas(v *visit) {
	page := areasPage{Form: areaFormOf(v), code: http.StatusUnprocessableEntity}
	refuse := func(field, key string, more ...any) {
		page.field, page.wrong = field, v.l.must(key, more...)
		c.areasForm(v, page)
	}
	if field, key := page.Form.lacking(); key != "" {
		refuse(field, key)
		return
	}
	file, head, err := v.r.FormFile("file")
	if err != nil || head.Size == 0 {
		refuse("file", "areas_no_file")
		return
	}
	defer file.Close()
	if head.Size > maxAreasFile {
		page.code = http.StatusRequestEntityTooLarge
		refuse("file", "areas_file_large")
		return
	}
	f := page.Form
	g, err := areas.Read(file, areas.Source{File: f.Name, System: f.System, Code: f.Code, Name: f.Names, Parent: f.Parent})
	set := settings.AreaSet{Name: f.Name, Source: f.Source, Licence: f.Licence, Date: f.Date}
	if err == nil {
		err = set.Pack(g)
	}
	if errors.Is(err, settings.ErrAreasTooLarge) {
		refuse("file", "areas_outlines_large", "N", g.Len())
		return
	}
	if err != nil {
		page.Mistakes = mistakesOf(err)
		refuse("mistakes", "areas_mistakes", "N", len(page.Mistakes))
		return
	}
	report, clash, _, err := c.reportAreas(v, set)
	if err != nil {
		c.fail(v, err)
		return
	}
	if len(clash) > 0 {
		page.Clash = clash[:min(len(clash), areasNamed)]
		refuse("mistakes", "areas_clash", "N", len(clash))
		return
	}
	page.code, page.said, page.Report = 0, v.l.must("areas_checked"), report
	c.areasForm(v, page)
}

func mistakesOf(err error) (all []areaMistake) {
	for _, m := range areas.Mistakes(err) {
		all = append(all, areaMistake{m.Feature, m.Code, alerts.Problem{Problem: m.Problem, Hint: m.Hint}})
	}
	return all
}

// reportAreas compares a set with what is stored: before is the one of its name.
func (c *console) reportAreas(v *visit, set settings.AreaSet) (report *areaReport, clash []areaChange, before *settings.AreaSet, err error) {
	sets, err := c.areaSets().All(v.r.Context())
	if err != nil {
		return nil, nil, nil, err
	}
	report = &areaReport{Set: set}
	for i, other := range sets {
		if other.Name == set.Name {
			before = &sets[i]
			continue
		}
		for _, a := range set.Outline.All() {
			if _, there := other.Outline.Area(a.Code.Value); there {
				clash = append(clash, areaChange{a.Code.Value, a.Name, other.Name})
			}
		}
	}
	var old *areas.Gazetteer
	revision := int64(0)
	if before != nil {
		old, revision = before.Outline, before.Paper.Revision
		report.Known, report.Same = true, before.Trouble == nil && before.Digest() == set.Digest()
	}
	var fresh, gone, renamed []areaChange
	for _, a := range set.Outline.All() {
		switch was, there := old.Area(a.Code.Value); {
		case !there:
			fresh = append(fresh, areaChange{Code: a.Code.Value, Name: a.Name})
		case was.Name != a.Name:
			renamed = append(renamed, areaChange{a.Code.Value, a.Name, was.Name})
		}
	}
	for _, a := range old.All() {
		if _, there := set.Outline.Area(a.Code.Value); !there {
			gone = append(gone, areaChange{Code: a.Code.Value, Name: a.Name})
		}
	}
	report.New, report.Gone, report.Renamed, report.Hidden = listed(fresh), listed(gone), listed(renamed), listed(c.hidden(set.Outline))
	report.Digest = set.Digest() + "-" + strconv.FormatInt(revision, 10)
	report.Map = drawAreas(set.Outline)
	return report, clash, before, nil
}

// drawAreas draws them, where they are few.
func drawAreas(g *areas.Gazetteer) *picture {
	var all []outline
	for _, a := range g.All() {
		for i, ring := range a.Rings() {
			one := outline{ring: ring, tone: "chosen"}
			if i == 0 && len(g.Within(a.Code.Value)) == 0 { // else its name would lie on theirs
				one.label = words{Text: a.Name}
			}
			all = append(all, one)
		}
	}
	if g.Len() > areasDrawn || len(all) == 0 {
		return nil
	}
	return project(all)
}

// storeAreas stores what was tried, as long as nothing else has changed.
func (c *console) storeAreas(v *visit) {
	ctx, cancel := actContext(v.r)
	defer cancel()
	page := areasPage{Form: areaFormOf(v), code: http.StatusUnprocessableEntity}
	f := page.Form
	set := settings.AreaSet{Name: f.Name, Source: f.Source, Licence: f.Licence, Date: f.Date}
	field, key := f.lacking()
	if key != "" {
		page.field, page.wrong = field, v.l.must(key)
		c.areasForm(v, page)
		return
	}
	if err := set.Take(v.r.PostForm.Get("packed")); err != nil {
		page.wrong, page.field = v.l.must("areas_no_packed"), "file"
		c.areasForm(v, page)
		return
	}
	report, clash, before, err := c.reportAreas(v, set)
	if err != nil {
		c.fail(v, err)
		return
	}
	switch {
	case len(clash) > 0:
		page.Clash = clash[:min(len(clash), areasNamed)]
		page.field, page.wrong = "mistakes", v.l.must("areas_clash", "N", len(clash))
	case v.r.PostForm.Get("digest") != report.Digest:
		page.Report, page.wrong = report, v.l.must("areas_moved")
	case report.Same:
		page.Report, page.wrong = report, v.l.must("areas_same")
	}
	if page.wrong != "" {
		c.areasForm(v, page)
		return
	}
	err = c.areaSets().Put(ctx, set, before, v.by(), v.now)
	if words := c.stale(v, err); words != "" {
		page.code, page.wrong = http.StatusConflict, words
		c.areasForm(v, page)
		return
	}
	if err != nil {
		c.fail(v, err)
		return
	}
	c.log("set of areas stored", v.member, zap.String("set", set.Name), zap.Int("areas", set.Areas))
	c.areasForm(v, areasPage{said: v.l.must("areas_stored", "Name", set.Name, "N", set.Areas)})
}

// dropAreas removes a set, once that was ticked.
func (c *console) dropAreas(v *visit) {
	ctx, cancel := actContext(v.r)
	defer cancel()
	name := v.r.PostForm.Get("set")
	revision, err := strconv.ParseInt(v.r.PostForm.Get("revision"), 10, 64)
	if err != nil || !settings.AreaSetName.MatchString(name) {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	if v.r.PostForm.Get("agree") == "" {
		c.areasForm(v, areasPage{code: http.StatusUnprocessableEntity, wrong: v.l.must("areas_drop_disagreed"), field: "agree-" + name})
		return
	}
	err = c.areaSets().Drop(ctx, name, revision)
	if words := c.stale(v, err); words != "" {
		c.areasForm(v, areasPage{code: http.StatusConflict, wrong: words})
		return
	}
	if err != nil {
		c.fail(v, err)
		return
	}
	c.log("set of areas removed", v.member, zap.String("set", name))
	c.areasForm(v, areasPage{said: v.l.must("areas_dropped", "Name", name)})
}
