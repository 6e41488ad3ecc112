package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode"

	"martinella/alerts/areas"
)

// AreaConfig is a GeoJSON file with the outlines of municipalities or zones.
// The properties are found by themselves where they have usual names.
type AreaConfig struct {
	File   string `yaml:"file"`   // beside the configuration, unless absolute
	System string `yaml:"system"` // of the codes: ISTAT, EMMA_ID
	Code   string `yaml:"code"`   // property with the code
	Name   string `yaml:"name"`   // property with the name
	Parent string `yaml:"parent"` // property with the code of the area around it
	Source string `yaml:"source"` // whom the outlines are from, as their licence wants it: it stands below the maps
}

// maxSource bounds whom the outlines are from, in bytes: it stands below a map.
const maxSource = 200

// areaRules reads the outlines: one mistake refuses all of them, since an area
// that is missing would be an alert that nobody gets.
func (c *Config) areaRules(say sayFunc) {
	var sources []areas.Source
	place := map[string]int{}
	for i, a := range c.Areas {
		at := fmt.Sprintf("areas[%d].file", i)
		file := a.File
		if file == "" {
			say(at, "is missing", "name a GeoJSON file")
			continue
		}
		if len(a.Source) > maxSource || strings.ContainsFunc(a.Source, unicode.IsControl) {
			say(fmt.Sprintf("areas[%d].source", i), "is no line of at most 200 bytes", "write it like ISTAT, CC BY 4.0, 2026")
		}
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(c.file), file)
		}
		if _, twice := place[file]; twice {
			say(at, "is "+quoted(a.File)+", which stands here already", "name every file once")
			continue
		}
		place[file] = i
		sources = append(sources, areas.Source{File: file, System: a.System, Code: a.Code, Name: a.Name, Parent: a.Parent})
	}
	if len(sources) == 0 {
		return
	}
	g, err := areas.Load(sources...)
	c.gazetteer = g
	for _, m := range areas.Mistakes(err) {
		what := m.Problem
		if m.Feature > 0 {
			what = fmt.Sprintf("feature %d: %s", m.Feature, what)
			if m.Code != "" {
				what = fmt.Sprintf("feature %d (%s): %s", m.Feature, m.Code, m.Problem)
			}
		}
		i := place[m.File]
		say(fmt.Sprintf("areas[%d].file", i), c.Areas[i].File+": "+what, m.Hint)
	}
}
