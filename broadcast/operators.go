package broadcast

import (
	"context"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/lexicon"
)

// Operator is somebody who runs the gateway, or a chat or program of theirs, and
// is told of every alert that goes out.
type Operator struct {
	Name     string
	Language string
	Email    string // "" where nobody is to get mail
	// Hook tells a chat or program; nil where there is none. It blocks until that
	// has answered; the error has a verdict, see [channels.VerdictOf], and never
	// holds the address.
	Hook func(ctx context.Context, subject, text string) error
}

// kindHook is the kind of contact of an [Operator.Hook].
const kindHook = "webhook"

// hooks is the line to the chats and programs of operators: one for all, since
// each operator's contact of this kind is the name.
func hooks(all []Operator) []ringLine {
	known := map[string]func(ctx context.Context, subject, text string) error{}
	for _, o := range all {
		if o.Hook != nil {
			known[o.Name] = o.Hook
		}
	}
	if len(known) == 0 {
		return nil
	}
	return []ringLine{{name: "operators", kind: kindHook, exercise: true, call: func(ctx context.Context, to, subject, text string) error {
		return known[to](ctx, subject, text)
	}}}
}

// operators are they as colleagues who can be called.
func (s *Rings) operators() []Colleague {
	out := make([]Colleague, len(s.Operators))
	for i, o := range s.Operators {
		c := Colleague{Person: alerts.Person{ID: "operator:" + o.Name, Name: o.Name}, Language: o.Language, Contacts: map[string]string{}}
		if o.Email != "" {
			c.Contacts["email"] = o.Email
		}
		if o.Hook != nil {
			c.Contacts[kindHook] = o.Name
		}
		out[i] = c
	}
	return out
}

// sentAreas is how many areas operators are told by name.
const sentAreas = 5

// how says of an alert that went out how it is marked, where, when and by whom.
func (s *Rings) how(lang string, r *alerts.Record) string {
	var areas []string
	if in := r.Info(lang, ""); in != nil {
		for _, a := range in.Areas {
			if len(areas) == sentAreas {
				areas = append(areas, "…")
				break
			}
			areas = append(areas, a.Description)
		}
	}
	zone := s.Zone
	if zone == nil {
		zone = time.UTC
	}
	return lexicon.RingSent(lang, lexicon.For(lang).Level(r.Severity()), strings.Join(areas, ", "), r.Approver.Name, r.Published.In(zone))
}
