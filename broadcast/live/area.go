package live

import (
	"strings"

	"martinella/alerts"
)

// reach is whom a change concerns, among clients that asked for one area code.
// It withholds only what surely is elsewhere, because a message too many costs
// a glance and one too few may cost more. A client gets a change
//
//   - that has the code among its own or its resolved codes;
//   - that has no area (some Cancels), or an area without codes;
//   - that has an area with a drawn shape, which may reach into any code;
//   - that has an area coded only in another system: "IT020" says nothing
//     about the municipality 023091.
//
// The last is decided by the form of a code, so that it takes no look at each
// code that somebody asked for.
type reach struct {
	everywhere bool
	codes      map[string]bool // in lower case: whom it surely concerns
	told       map[string]bool // forms in which it says where it is; all other forms may be concerned
}

func reachOf(r *alerts.Record) *reach {
	out := &reach{codes: map[string]bool{}, told: map[string]bool{}}
	resolved := map[string]bool{}
	for _, v := range r.Areas {
		out.codes[strings.ToLower(v.Value)] = true
		resolved[codeForm(v.Value)] = true
	}
	areas := 0
	for i := range r.Alert.Infos {
		for j := range r.Alert.Infos[i].Areas {
			a := &r.Alert.Infos[i].Areas[j]
			if len(a.Polygons) > 0 || len(a.Circles) > 0 {
				out.everywhere = true
			}
			forms := map[string]bool{}
			for _, g := range a.Geocodes {
				out.codes[strings.ToLower(g.Value)] = true
				forms[codeForm(g.Value)] = true
			}
			// Every area must say where it is in a form, or one of them may be
			// anywhere in it.
			if areas == 0 {
				out.told = forms
			}
			for f := range out.told {
				if !forms[f] {
					delete(out.told, f)
				}
			}
			areas++
		}
	}
	if areas == 0 { // a Cancel without an area has its event's codes
		out.told = resolved
	}
	return out
}

// covers reports whether a client that asked for code is concerned.
func (r *reach) covers(code string) bool {
	return r.everywhere || r.codes[strings.ToLower(code)] || !r.told[codeForm(code)]
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
