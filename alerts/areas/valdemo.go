package areas

import (
	"bytes"
	_ "embed"
)

//go:embed valdemo/municipality.geojson
var valdemoOutline []byte

//go:embed valdemo/zones.geojson
var valdemoZones []byte

// The codes of [Valdemo].
const (
	ValdemoSystem = "VALDEMO" // of the zones: VD-1 to VD-9
	ValdemoISTAT  = "099999"  // of the municipality; ISTAT gives it to nobody
)

// Valdemo is a municipality that does not exist, with its nine zones: for the
// demonstration, the guide and tests. Its outlines were drawn for this program.
func Valdemo() *Gazetteer {
	l := newLoader()
	l.read(bytes.NewReader(valdemoOutline), Source{File: "valdemo/municipality.geojson"})
	l.read(bytes.NewReader(valdemoZones), Source{File: "valdemo/zones.geojson", System: ValdemoSystem})
	g, err := l.done()
	if err != nil {
		panic("areas: the embedded outlines cannot be read: " + err.Error())
	}
	return g
}
