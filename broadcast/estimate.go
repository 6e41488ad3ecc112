package broadcast

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// estimates tell the author and the approver what a channel's texts take, where
// that is paid for by the part, and what is written otherwise than it was typed:
// nothing is said of a text that goes as it is and in one part.
func (p *Planner) estimates(route Route, text *alerts.Record, d *draft) alerts.Problems {
	name := route.Name()
	of, ok := route.Channel.(channels.Estimator)
	if !ok || d.failures[name] != "" {
		return nil
	}
	var all []channels.Estimate
	err := guard(func() (err error) {
		all, err = of.Estimate(text.Clone())
		return err
	})
	first := slices.IndexFunc(d.messages, func(m channels.Message) bool { return m.Channel == name })
	if err != nil || first < 0 {
		return nil // rendering has said why
	}
	var out alerts.Problems
	for i, e := range all {
		people := 0
		for _, s := range d.spans {
			if s.Channel == name && s.Message == first+i {
				people += int(s.To - s.From)
			}
		}
		field := "channels[" + name + "]"
		if e.Language != "" {
			field += "." + e.Language
		}
		for _, w := range [][2]string{spelling(e), foreign(e), length(e, people)} {
			if w[0] != "" {
				out = append(out, warning(field, w[0], w[1]))
			}
		}
	}
	return out
}

// spelling says what is written otherwise, or could be.
func spelling(e channels.Estimate) [2]string {
	if len(e.Changes) == 0 || e.SavedParts <= 0 {
		return [2]string{}
	}
	pairs := make([]string, len(e.Changes))
	for i, c := range e.Changes {
		pairs[i] = fmt.Sprintf("%q as %q", c.From, c.To)
	}
	which := strings.Join(pairs, ", ")
	if e.Kept {
		return [2]string{fmt.Sprintf("takes %s more because %s is not allowed by the channel's settings", parts(e.SavedParts), "writing "+which), "set transliterate: true, or type it so"}
	}
	return [2]string{fmt.Sprintf("writes %s, which saves %s for each recipient", which, parts(e.SavedParts)), "nothing, if the text stays clear; set transliterate: false to send it as typed"}
}

// foreign names what makes every part shorter.
func foreign(e channels.Estimate) [2]string {
	if len(e.Forcing) == 0 {
		return [2]string{}
	}
	quotes := make([]string, len(e.Forcing))
	for i, c := range e.Forcing {
		quotes[i] = fmt.Sprintf("%q", c)
	}
	return [2]string{"holds " + strings.Join(quotes, ", ") + ": a part has room for 67 characters instead of 153", "leave them out if the text allows it"}
}

// length is what several parts cost.
func length(e channels.Estimate, people int) [2]string {
	all := e.Parts * (1 + e.Copies)
	if all < 2 {
		return [2]string{}
	}
	text := fmt.Sprintf("takes %s for each of %d recipients", parts(all), people)
	if cost, known := e.Cost(people); known && people > 0 {
		text += ", " + cost.String() + " euro"
	}
	if last := e.Last(people); last >= time.Second {
		text += fmt.Sprintf("; at the contract's speed the last leaves after %v", last.Round(time.Second))
	}
	return [2]string{text, "a shorter text is sooner with everybody"}
}

func parts(n int) string {
	if n == 1 {
		return "1 part"
	}
	return fmt.Sprintf("%d parts", n)
}
