package callout

import (
	"slices"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
)

// way is how one step of a leg reaches a person.
type way struct {
	step    string // as [volunteers.Leg.Kinds] names it
	contact string // the kind of contact
	route   broadcast.Route
	pager   channels.Pager
}

// ways are those that may be used for a call, in plan order, one for each step.
type ways struct {
	all []way
	// paper is a channel that only writes down, where nothing else is there: in
	// practice it stands for every kind of contact.
	paper *way
}

// usual is the order of contacts of who has chosen none: what costs nothing and
// is quickest first, what rings at night last.
var usual = []string{"push", "phone", "email", "telegram", stepVoice}

// stepVoice is a call to the telephone that text messages go to as well.
const stepVoice = "voice"

// waysOf finds the channels that can page and may carry the call (DECISIONS 29).
// Pages are addressed to people by name of their channel, so every channel that
// reaches one person at a time may carry what is Restricted.
func waysOf(routes []broadcast.Route, exercise, memory bool) ways {
	var w ways
	for _, r := range routes {
		pager, ok := r.Channel.(channels.Pager)
		if !ok || r.Standby || memory && !r.Memory {
			continue
		}
		door := r.Door(&alerts.Alert{Addresses: []string{r.Name()}})
		if may, _ := alerts.MayLeave(statusOf(exercise), alerts.ScopeRestricted, door); !may {
			continue
		}
		one := way{route: r, pager: pager}
		if a, ok := r.Channel.(channels.Addressed); ok {
			one.contact, one.step = a.AddressKind(), a.AddressKind()
		}
		if r.Kind == stepVoice && one.contact == "phone" {
			one.step = stepVoice
		}
		switch {
		case one.step != "":
			if _, there := w.of(one.step); !there {
				w.all = append(w.all, one)
			}
		case w.paper == nil:
			w.paper = &one
		}
	}
	if len(w.all) > 0 {
		w.paper = nil
	}
	return w
}

func statusOf(exercise bool) alerts.Status {
	if exercise {
		return alerts.StatusExercise
	}
	return alerts.StatusActual
}

// of gives the way of a step.
func (w ways) of(step string) (way, bool) {
	if w.paper != nil {
		one := *w.paper
		one.step, one.contact = step, step
		return one, true
	}
	i := slices.IndexFunc(w.all, func(one way) bool { return one.step == step })
	if i < 0 {
		return way{}, false
	}
	return w.all[i], true
}

// steps are the kinds by which a person can be reached, in their own order and
// then in the usual one. The list is empty where nothing reaches them.
func (w ways) steps(m *broadcast.Member) []string {
	var steps []string
	for _, step := range slices.Concat(m.Channels, usual, m.Kinds()) {
		if slices.Contains(steps, step) {
			continue
		}
		if one, ok := w.of(step); ok && m.Reachable(one.contact) != "" {
			steps = append(steps, step)
		}
	}
	return steps
}

// contactVia is the kind of contact that an answer over a channel confirms: as
// [volunteers.Leg.Kinds] names it.
func contactVia(routes []broadcast.Route, channel, kind string) string {
	for _, r := range routes {
		if r.Name() == channel && r.Kind == stepVoice {
			return stepVoice
		}
	}
	return kind
}

// viaOf is how answers that come by a channel are named.
func viaOf(routes []broadcast.Route, channel string) string {
	for _, r := range routes {
		if r.Name() != channel {
			continue
		}
		if a, ok := r.Channel.(channels.Addressed); ok {
			switch kind := a.AddressKind(); {
			case kind == "phone" && r.Kind != stepVoice:
				return "sms"
			case kind == "telegram":
				return kind
			}
		}
		return r.Kind
	}
	return channel
}
