package areas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"martinella/alerts"
)

// Source is a GeoJSON file (RFC 7946, one FeatureCollection of Polygon and
// MultiPolygon) and how its properties are called.
type Source struct {
	File   string
	System string // of the codes, as geocodes name it: ISTAT, EMMA_ID; "": see Known
	Code   string // the property with the code; "": the first of Known that there is
	Name   string // the property with the name; "": the usual ones
	Parent string // the property with the code of the area around it; "": "parent"
}

// Known are the properties that hold a code in files of Italian and European
// authorities, with the system that they mean: openpolis, ISTAT, MeteoAlarm, the
// Italian Civil Protection, and ours.
var Known = []alerts.Value{{Name: "ISTAT", Value: "com_istat_code"}, {Name: "ISTAT", Value: "PRO_COM_T"}, {Name: "EMMA_ID", Value: "EMMA_ID"},
	{Name: "Zona di Allerta", Value: "zona"}, {Name: "", Value: "code"}}

// names are the properties that usually hold a name.
var names = []string{"name", "nome", "NAME", "COMUNE", "comune", "DEN_COM"}

// The bounds of what is read.
const (
	maxBytes    = 256 << 20 // of a file; ISTAT's most detailed municipalities take 150 MB
	maxAreas    = 50_000    // of all files
	maxPoints   = 10_000_000
	maxMistakes = 50 // named of a file; the others are counted
	maxText     = 200
)

// Mistake is one thing that is wrong with a file.
type Mistake struct {
	File    string
	Feature int    // 1 is the first; 0: the file itself
	Code    string // of the feature, where it has one
	Problem string
	Hint    string
}

// Error says where, what and how to mend it.
func (m Mistake) Error() string {
	s := m.File
	if m.Feature > 0 {
		s += ", feature " + strconv.Itoa(m.Feature)
		if m.Code != "" {
			s += " (" + m.Code + ")"
		}
	}
	s += ": " + m.Problem
	if m.Hint != "" {
		s += " (" + m.Hint + ")"
	}
	return s
}

// Mistakes takes the error of [Load] or [Read] apart; nil has none.
func Mistakes(err error) []Mistake {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []Mistake
		for _, one := range many.Unwrap() {
			all = append(all, Mistakes(one)...)
		}
		return all
	}
	m, _ := errors.AsType[Mistake](err) // they give no other
	return []Mistake{m}
}

// Load reads the files into one gazetteer. The error joins a [Mistake] for each
// thing that is wrong; one is enough to refuse all of it: an area that is
// missing would be an alert that nobody gets.
func Load(sources ...Source) (*Gazetteer, error) {
	l := newLoader()
	for _, s := range sources {
		l.file(s)
	}
	return l.done()
}

// Read is [Load] for one file that is open already.
func Read(r io.Reader, s Source) (*Gazetteer, error) {
	l := newLoader()
	l.read(r, s)
	return l.done()
}

// loader gathers areas and mistakes.
type loader struct {
	areas    []*Area
	where    map[string]string // code to the feature that has it
	points   int
	mistakes []error

	source   Source
	feature  int
	complain int // mistakes of this file
}

func newLoader() *loader { return &loader{where: map[string]string{}} }

func (l *loader) done() (*Gazetteer, error) {
	if len(l.mistakes) > 0 {
		return nil, errors.Join(l.mistakes...)
	}
	return newGazetteer(l.areas), nil
}

func (l *loader) say(code, problem, hint string) {
	if l.complain++; l.complain <= maxMistakes {
		l.mistakes = append(l.mistakes, Mistake{l.source.File, l.feature, cut(code), problem, hint})
	}
}

func (l *loader) file(s Source) {
	f, err := os.Open(s.File)
	if err != nil {
		l.source, l.feature, l.complain = s, 0, 0
		if p, ok := errors.AsType[*os.PathError](err); ok {
			err = p.Err
		}
		l.say("", "cannot be read: "+err.Error(), "")
		return
	}
	defer f.Close()
	l.read(f, s)
}

func (l *loader) read(r io.Reader, s Source) {
	l.source, l.feature, l.complain = s, 0, 0
	limited := &io.LimitedReader{R: r, N: maxBytes + 1}
	err := l.collection(json.NewDecoder(limited))
	l.feature = 0
	switch {
	case limited.N <= 0:
		l.say("", fmt.Sprintf("is larger than %d MB", maxBytes>>20), "simplify the outlines to some ten metres")
	case err != nil:
		l.say("", "is not GeoJSON: "+cut(err.Error()), "export a FeatureCollection")
	}
	if more := l.complain - maxMistakes; more > 0 {
		l.mistakes = append(l.mistakes, Mistake{File: s.File, Problem: fmt.Sprintf("%d more mistakes", more)})
	}
}

// collection walks the top object and reads one feature after the other, so
// that the file is never in memory as a whole.
func (l *loader) collection(d *json.Decoder) error {
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(err, errors.New("it is no object"))
	}
	kind, features := "", false
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		switch key {
		case "type":
			if err := d.Decode(&kind); err != nil {
				return err
			}
			if kind != "FeatureCollection" {
				return errors.New("its type is " + strconv.Quote(kind))
			}
		case "crs":
			var crs struct{ Properties struct{ Name string } }
			if err := d.Decode(&crs); err != nil {
				return err
			}
			if n := crs.Properties.Name; n != "" && !strings.Contains(n, "CRS84") && !strings.HasSuffix(n, "4326") {
				l.say("", "has the coordinates of "+strconv.Quote(cut(n)), "project it to WGS 84 (EPSG:4326)")
			}
		case "features":
			if features {
				return errors.New("features stand in it twice")
			}
			features = true
			if err := l.features(d); err != nil {
				return err
			}
		default:
			var skip json.RawMessage
			if err := d.Decode(&skip); err != nil {
				return err
			}
		}
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows its end")
	}
	if kind == "" || !features {
		return errors.New("type or features are missing")
	}
	if l.feature == 0 && l.complain == 0 {
		l.say("", "has no features", "")
	}
	return nil
}

func (l *loader) features(d *json.Decoder) error {
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return errors.Join(err, errors.New("features are no list"))
	}
	for d.More() {
		var f struct {
			Type       string
			Properties map[string]any
			Geometry   *geometry
		}
		l.feature++
		if err := d.Decode(&f); err != nil {
			if _, wrong := errors.AsType[*json.UnmarshalTypeError](err); !wrong {
				return err // the decoder cannot go on
			}
			l.say("", "is not a feature: "+cut(err.Error()), "")
			continue
		}
		if len(l.areas) >= maxAreas {
			return fmt.Errorf("more than %d areas", maxAreas)
		}
		l.add(f.Type, f.Properties, f.Geometry)
		if l.points > maxPoints {
			return fmt.Errorf("more than %d positions in all: simplify the outlines", maxPoints)
		}
	}
	_, err := d.Token()
	return err
}

type geometry struct {
	Type        string
	Coordinates json.RawMessage
}

func (l *loader) add(kind string, properties map[string]any, g *geometry) {
	a := l.identity(properties)
	switch {
	case kind != "Feature":
		l.say(a.Code.Value, "has the type "+strconv.Quote(cut(kind)), "every entry of features is a Feature")
		return
	case g == nil:
		l.say(a.Code.Value, "has no geometry", "give it a Polygon or MultiPolygon")
		return
	}
	var polygons [][][][]float64
	var err error
	if bytes.Contains(g.Coordinates, []byte("null")) {
		err = errors.New("null would be read as 0")
	}
	switch g.Type {
	case "Polygon":
		polygons = make([][][][]float64, 1)
		err = errors.Join(err, json.Unmarshal(g.Coordinates, &polygons[0]))
	case "MultiPolygon":
		err = errors.Join(err, json.Unmarshal(g.Coordinates, &polygons))
	default:
		l.say(a.Code.Value, "is a "+strconv.Quote(cut(g.Type)), "only Polygon and MultiPolygon are areas")
		return
	}
	if err != nil {
		l.say(a.Code.Value, "has coordinates that cannot be read", "polygons hold rings, rings hold positions, a position is [longitude, latitude]")
		return
	}
	before := l.complain
	for i, p := range polygons {
		if r := l.region(a.Code.Value, i, p); r != nil {
			a.parts = append(a.parts, r)
		}
	}
	if l.complain > before || a.Code.Value == "" {
		return
	}
	if len(a.parts) == 0 || !(a.sample() > 0) || len(a.samples) == 0 {
		l.say(a.Code.Value, "has no surface", "its outline must enclose something")
		return
	}
	l.areas = append(l.areas, a)
}

// identity reads code, system, name, parent and exposure.
func (l *loader) identity(properties map[string]any) *Area {
	text := func(key string) string {
		switch v := properties[key].(type) {
		case string:
			return strings.TrimSpace(v)
		case json.Number:
			return v.String()
		}
		return ""
	}
	a := &Area{Code: alerts.Value{Name: l.source.System}}
	hint := "name the property with the code in the configuration; here are " + keys(properties)
	if l.source.Code != "" {
		a.Code.Value = text(l.source.Code)
		hint = "its property " + strconv.Quote(l.source.Code) + " is empty or missing; here are " + keys(properties)
	}
	for _, k := range Known {
		if l.source.Code == "" && a.Code.Value == "" {
			if a.Code.Value = text(k.Value); a.Code.Value != "" && a.Code.Name == "" {
				a.Code.Name = k.Name
			}
		} else if l.source.Code == k.Value && a.Code.Name == "" {
			a.Code.Name = k.Name
		}
	}
	if a.Code.Name == "" {
		a.Code.Name = text("system")
	}
	for _, n := range append([]string{l.source.Name}, names...) {
		if a.Name == "" && n != "" {
			a.Name = text(n)
		}
	}
	if l.source.Parent == "" {
		a.Parent = text("parent")
	} else {
		a.Parent = text(l.source.Parent)
	}
	if said, there := properties["exposure"]; there && said != nil {
		var err error
		a.rated = true
		if a.Exposure, err = strconv.ParseFloat(text("exposure"), 64); err != nil || !(a.Exposure >= 0) || math.IsInf(a.Exposure, 0) {
			l.say(a.Code.Value, "has an exposure that is no number from 0 on", "the more exposed an area, the higher; or give the property another name")
			a.Exposure = 0
		}
	}
	code := a.Code.Value
	here := fmt.Sprintf("%s, feature %d", l.source.File, l.feature)
	switch {
	case code == "":
		l.say(a.Name, "has no code", hint)
	case len(code) > maxText || len(a.Name) > maxText || len(a.Parent) > maxText || len(a.Code.Name) > maxText:
		l.say(code, fmt.Sprintf("has a code, name or parent of more than %d bytes", maxText), "")
	case code == "*":
		l.say(code, "has the code that means the whole territory", "give it another one")
	case l.where[code] != "":
		l.say(code, "has a code that is there already: "+l.where[code], "a code means one area; join its parts into a MultiPolygon")
	case a.Code.Name == "":
		l.say(code, "belongs to no system", "set system, like ISTAT or EMMA_ID: geocodes are written with it")
	}
	if code != "" && l.where[code] == "" {
		l.where[code] = here
	}
	return a
}

// keys lists a few property names, for a hint.
func keys(properties map[string]any) string {
	var all []string
	for k := range properties {
		all = append(all, strconv.Quote(cut(k)))
	}
	slices.Sort(all)
	if len(all) > 12 {
		all = append(all[:12], "...")
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

// region checks the rings of one polygon (RFC 7946 section 3.1.6).
func (l *loader) region(code string, n int, rings [][][]float64) *region {
	if len(rings) == 0 {
		l.say(code, fmt.Sprintf("has an empty polygon (the %d.)", n+1), "leave it out")
		return nil
	}
	var list []orb.Ring
	for k, positions := range rings {
		which := fmt.Sprintf("polygon %d, ring %d ", n+1, k+1)
		if l.points += len(positions); l.points > maxPoints {
			return nil
		}
		ring := make(orb.Ring, 0, len(positions))
		for i, p := range positions {
			at, ok := position(p)
			if !ok {
				l.say(code, which+fmt.Sprintf("has a position that is not on the earth (the %d.)", i+1), "write [longitude, latitude] in degrees; other coordinates are projected to WGS 84 (EPSG:4326) first")
				return nil
			}
			ring = append(ring, at)
		}
		if len(ring) < 4 {
			l.say(code, which+"has fewer than four positions", "a ring has at least three corners and ends where it began")
			return nil
		}
		if ring[0] != ring[len(ring)-1] {
			l.say(code, which+"is not closed", "repeat the first position at the end")
			return nil
		}
		list = append(list, ring)
	}
	return newRegion(list...)
}

// position reads [longitude, latitude] with an optional height.
func position(p []float64) (orb.Point, bool) {
	if len(p) < 2 || len(p) > 3 || math.Abs(p[0]) > 180 || math.Abs(p[1]) > 90 {
		return orb.Point{}, false
	}
	return orb.Point{p[0], p[1]}, true
}

func cut(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "..."
	}
	return s
}
