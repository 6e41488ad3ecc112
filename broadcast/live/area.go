package live

import (
	"strings"

	"martinella/alerts"
)

// concerns reports whether a change is for a client that asked for one area
// code. It withholds only what surely is elsewhere, because a message too many
// costs a glance and one too few may cost more. A client gets a change
//
//   - that has the code among its own or its resolved codes;
//   - that has no area (some Cancels), or an area without codes;
//   - that has an area with a drawn shape, which may reach into any code;
//   - that has an area coded only in another system: "IT020" says nothing
//     about the municipality 023091.
func concerns(r *alerts.Record, code string) bool {
	for _, v := range r.Areas {
		if strings.EqualFold(v.Value, code) {
			return true
		}
	}
	form, areas := codeForm(code), 0
	for i := range r.Alert.Infos {
		for j := range r.Alert.Infos[i].Areas {
			areas++
			if mayCover(&r.Alert.Infos[i].Areas[j], code, form) {
				return true
			}
		}
	}
	if areas > 0 {
		return false
	}
	for _, v := range r.Areas { // a Cancel without an area has its event's codes
		if codeForm(v.Value) == form {
			return false
		}
	}
	return true
}

func mayCover(a *alerts.Area, code, form string) bool {
	if len(a.Polygons) > 0 || len(a.Circles) > 0 {
		return true
	}
	comparable := false
	for _, g := range a.Geocodes {
		if strings.EqualFold(g.Value, code) {
			return true
		}
		comparable = comparable || codeForm(g.Value) == form
	}
	return !comparable
}

// codeForm is how a code looks: digits become 0 and letters A. Two codes of
// the same system have the same form (ISTAT municipalities "000000", EMMA_ID
// "AA000").
func codeForm(code string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return '0'
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
			return 'A'
		}
		return r
	}, code)
}
