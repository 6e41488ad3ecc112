package roster

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"martinella/broadcast"
)

// Write writes everybody as a list that [Import] reads back to the same people,
// in UTF-8 with commas. It gives how many it wrote; done, unless nil, is called
// now and then. It holds one page in memory.
func Write(ctx context.Context, to io.Writer, roll broadcast.Roll, done func(int)) (n int, err error) {
	return WriteSome(ctx, to, roll, nil, done)
}

// WriteSome is [Write] for those of whom only says so; nil: everybody.
func WriteSome(ctx context.Context, to io.Writer, roll broadcast.Roll, only func(*broadcast.Member) bool, done func(int)) (n int, err error) {
	out := bufio.NewWriter(to)
	w := csv.NewWriter(out)
	if err := w.Write(columns); err != nil {
		return 0, err
	}
	for m, err := range roll.All(ctx) {
		if err != nil {
			return n, fmt.Errorf("export: %w", err)
		}
		if only != nil && !only(&m) {
			continue
		}
		fields, err := record(&m)
		if err != nil {
			return n, fmt.Errorf("export person %d: %w", m.Number, err)
		}
		if err := w.Write(fields); err != nil {
			return n, err
		}
		if n++; done != nil && n%1000 == 0 {
			done(n)
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return n, err
	}
	return n, out.Flush()
}

// record gives the fields of a person in the order of columns.
func record(m *broadcast.Member) ([]string, error) {
	others := maps.Clone(m.Contacts)
	value := map[string]string{
		"language": m.Language, "areas": strings.Join(m.Areas, " "), "severity_min": string(m.MinSeverity), "audience": m.Audience, "purpose": m.Purpose,
		"channels": strings.Join(m.Channels, " "), "topics": strings.Join(m.Topics, "|"), "consent": string(m.Consent),
		"stopped": strings.Join(slices.Sorted(maps.Keys(m.Stopped)), " "),
	}
	for _, kind := range []string{"phone", "email", "push"} {
		value[kind] = m.Contacts[kind]
		delete(others, kind)
	}
	if len(others) > 0 {
		b, err := json.Marshal(others)
		if err != nil {
			return nil, err
		}
		value["other_contacts"] = string(b)
	}
	if !m.Until.IsZero() {
		value["until"] = m.Until.UTC().Format(time.RFC3339Nano)
	}
	if m.Circle != nil {
		value["circle"] = m.Circle.String()
	}
	if m.Quiet != nil {
		value["quiet"] = m.Quiet.From + "-" + m.Quiet.To
	}
	if p := m.Volunteer; p != nil {
		value["name"], value["organisation"], value["groups"] = p.Name, p.Organisation, strings.Join(p.Groups, "; ")
		value["skills"], value["speaks"] = WriteSkills(p.Skills), strings.Join(p.Speaks, " ")
		value["availability"], value["exceptions"] = WriteWeekly(p.Weekly), WriteExceptions(p.Exceptions, rome())
	}
	fields := make([]string, len(columns))
	for i, c := range columns {
		fields[i] = value[c]
		if c != "phone" { // E.164 begins with a plus, and nothing else is in it
			fields[i] = guarded(fields[i])
		}
	}
	return fields, nil
}

// formula is a field that spreadsheets would calculate, or one that looks like
// what guarded makes of it.
var formula = regexp.MustCompile("^'*[=+\\-@＝＋－＠\t\r\n]")

// guarded keeps spreadsheets from calculating a field, and unguarded takes that
// back, also where somebody kept a spreadsheet from it by hand.
func guarded(field string) string {
	if formula.MatchString(field) {
		return "'" + field
	}
	return field
}

func unguarded(field string) string {
	if rest, quoted := strings.CutPrefix(field, "'"); quoted && formula.MatchString(rest) {
		return rest
	}
	return field
}
