package roster

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
)

// The columns that only volunteers have, beside name and surname, which lists of
// others have too and which are not stored of them.
var ofVolunteers = []string{"organisation", "groups", "skills", "speaks", "availability", "exceptions"}

// The bounds of a profile: what is longer is no entry of a roster.
const (
	mostName  = 120 // characters
	mostWords = 60  // groups, skills, languages, parts of a week
	mostSpans = 100 // shifts and exceptions
	mostField = 8 << 10
)

// wordsForm is a group or a skill: it can stand in a list within a field.
var wordsForm = regexp.MustCompile(`^[\p{L}\p{N}][^\p{C},;|:]{0,63}$`)

// NameProblem says what is wrong with the name of a person or an organisation;
// nil for nothing. An empty one is none.
func NameProblem(text string) *alerts.Problem {
	if utf8.RuneCountInString(text) > mostName || strings.ContainsFunc(text, func(c rune) bool { return unicode.IsControl(c) || c == utf8.RuneError || unicode.Is(unicode.Cf, c) }) {
		return &alerts.Problem{Problem: "the name is too long or has characters that cannot be shown", Hint: "write at most 120 letters, without line breaks"}
	}
	return nil
}

// several parts a list within a field and bounds it.
func several(text, marks string) ([]string, *alerts.Problem) {
	if len(text) <= mostField {
		if words := split(text, marks); len(words) <= mostWords {
			return words, nil
		}
	}
	return nil, &alerts.Problem{Problem: "there are too many", Hint: "write at most 60"}
}

// Words reads groups: a list parted by semicolons, commas or lines.
func Words(text string) ([]string, *alerts.Problem) {
	words, m := several(text, inField+"\r")
	if m != nil {
		return nil, m
	}
	for _, w := range words {
		if !wordsForm.MatchString(w) {
			return nil, &alerts.Problem{Problem: "it holds " + shown(w), Hint: "write words, parted by semicolons"}
		}
	}
	return words, nil
}

// Skills reads "motosega:2027-05-31; autista C": what somebody can do, each with
// the last day of its certificate where it has one.
func Skills(text string) ([]volunteers.Skill, *alerts.Problem) {
	var out []volunteers.Skill
	words, m := several(text, inField+"\r")
	if m != nil {
		return nil, m
	}
	for _, one := range words {
		name, end, dated := strings.Cut(one, ":")
		s := volunteers.Skill{Name: strings.Join(strings.Fields(name), " ")}
		if !wordsForm.MatchString(s.Name) {
			return nil, &alerts.Problem{Problem: "it holds " + shown(one), Hint: "write them like motosega:2027-05-31; autista C"}
		}
		if dated {
			day, ok := dayOf(strings.TrimSpace(end), time.UTC)
			if !ok {
				return nil, &alerts.Problem{Problem: "the last day of " + shown(s.Name) + " is " + shown(strings.TrimSpace(end)), Hint: "write them like motosega:2027-05-31; autista C"}
			}
			s.Until = day
		}
		if slices.ContainsFunc(out, func(o volunteers.Skill) bool { return folded(o.Name) == folded(s.Name) }) {
			return nil, &alerts.Problem{Problem: shown(s.Name) + " is there twice", Hint: "keep the one with the later last day"}
		}
		out = append(out, s)
	}
	return out, nil
}

// WriteSkills is what [Skills] reads back.
func WriteSkills(all []volunteers.Skill) string {
	words := make([]string, len(all))
	for i, s := range all {
		words[i] = s.Name
		if !s.Until.IsZero() {
			words[i] += ":" + s.Until.Format(time.DateOnly)
		}
	}
	return strings.Join(words, "; ")
}

// dayOf reads a day in the forms of lists, as its first moment in the zone.
func dayOf(text string, zone *time.Location) (time.Time, bool) {
	for _, form := range days {
		if at, err := time.ParseInLocation(form, text, zone); err == nil && at.Year() >= 1900 && at.Year() < 10000 {
			return at, true
		}
	}
	return time.Time{}, false
}

// profile reads what only volunteers have.
func (r *Row) profile(value map[string]string, zone *time.Location) {
	s := &r.Listing.Subscriber
	if s.Audience != broadcast.AudienceVolunteers {
		for _, column := range ofVolunteers {
			if value[column] != "" {
				r.refuse(column, "only volunteers have it, and the row is of "+s.Audience, "write volunteers as audience, or leave the field empty")
				return
			}
		}
		return
	}
	p := new(volunteers.Profile)
	wrong := func(column string, m *alerts.Problem) {
		if m != nil {
			r.refuse(column, m.Problem, m.Hint)
		}
	}
	p.Name = strings.Join(strings.Fields(value["name"]+" "+value["surname"]), " ")
	p.Organisation = strings.Join(strings.Fields(value["organisation"]), " ")
	wrong("name", NameProblem(p.Name))
	wrong("organisation", NameProblem(p.Organisation))
	var m *alerts.Problem
	p.Groups, m = Words(value["groups"])
	wrong("groups", m)
	p.Skills, m = Skills(value["skills"])
	wrong("skills", m)
	p.Speaks, m = Languages(value["speaks"])
	wrong("speaks", m)
	p.Weekly, m = Weekly(value["availability"])
	wrong("availability", m)
	p.Exceptions, m = Exceptions(value["exceptions"], zone)
	wrong("exceptions", m)
	if !p.Empty() {
		s.Volunteer = p
	}
}

// Languages reads tags or names of languages.
func Languages(text string) ([]string, *alerts.Problem) {
	var out []string
	words, m := several(text, inField+"\r ")
	if m != nil {
		return nil, m
	}
	for _, word := range words {
		if tag, ok := known(languages, word); ok {
			word = tag
		}
		if !languageForm.MatchString(word) {
			return nil, &alerts.Problem{Problem: "it holds " + shown(word), Hint: "write languages like en; de"}
		}
		if !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out, nil
}

// decided are the columns that volunteers decide on themselves: an empty field
// says nothing of them. Of the other ones only a list without the column does.
var decided = []string{"audience", "language", "areas", "channels", "circle", "quiet", "availability", "exceptions"}

// silent are the columns of which the row says nothing.
func silent(value map[string]string) []string {
	var out []string
	for _, column := range columns {
		text, there := value[column]
		if column == "name" && !there {
			_, there = value["surname"]
		}
		if !there || text == "" && slices.Contains(decided, column) {
			out = append(out, column)
		}
	}
	return out
}
