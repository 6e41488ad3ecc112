package cap

import (
	"strings"
	"testing"
)

// alertOf makes a faultless alert of about n bytes, most of it polygons as
// real alerts have them.
func alertOf(n int) []byte {
	area := `<area><areaDesc>Valdemo</areaDesc><polygon>` + strings.Repeat("44.5012,10.9034 44.5023,10.9545 44.5534,10.9556 ", 10) +
		`44.5012,10.9034</polygon><geocode><valueName>ISTAT</valueName><value>099999</value></geocode></area>`
	whole := strings.Replace(smallAlert, "</info>", strings.Repeat(area, max(0, n-len(smallAlert))/len(area))+"</info>", 1)
	words := strings.Repeat("Restate lontano dagli argini. ", max(0, n-len(whole)-40)/30)
	return []byte(strings.Replace(whole, "<area>", "<description>"+words+"</description><area>", 1))
}

// The bars are 0.15 ms for 1 kB and 3 ms for 25 kB.
func BenchmarkParse(b *testing.B) {
	for name, size := range map[string]int{"1kB": 1 << 10, "25kB": 25 << 10, "250kB": 250 << 10} {
		b.Run(name, func(b *testing.B) {
			xml := alertOf(size)
			b.SetBytes(int64(len(xml)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(xml, Submit); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The bar is 20 ms for any bomb.
func BenchmarkGuardAgainstBombs(b *testing.B) {
	for name, bomb := range bombs() {
		b.Run(name, func(b *testing.B) {
			xml := []byte(bomb)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(xml, Submit); err == nil {
					b.Fatal("not refused")
				}
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	doc := parse(b, alertOf(25<<10))
	for b.Loop() {
		if _, err := Write(doc.Alert); err != nil {
			b.Fatal(err)
		}
	}
}
