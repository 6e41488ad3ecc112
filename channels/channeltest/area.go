package channeltest

import (
	"fmt"
	"slices"
	"testing"

	"martinella/alerts"
	"martinella/channels"
)

// area is the rule of channels that address by area themselves.
func (s Suite) area(t *testing.T) {
	stub, c := s.start(t)
	bound, ok := c.(channels.AreaBound)
	if !ok {
		return
	}
	posts := func() int { return 0 }
	if stub != nil {
		posts = stub.Posts
	}
	for _, kind := range Kinds {
		for _, wrong := range beyond(t, c, bound, s.Rendered(t, c, kind, "a/1/c/"+string(kind)), posts) {
			t.Errorf("%s: %s", kind, wrong)
		}
	}
}

// beyond tries a message with its area, without one, and with each code of what
// the channel covers left out; it lists where the channel did wrong.
func beyond(t testing.TB, c channels.Channel, bound channels.AreaBound, m channels.Message, posts func() int) (wrong []string) {
	t.Helper()
	if err := channels.WithinArea(bound, m); err != nil {
		return []string{"the message of the suite is not within its area: " + err.Error()}
	}
	try := func(what string, areas []alerts.Value) {
		m.Areas = areas
		want, before := channels.WithinArea(bound, m), posts()
		_, err := c.Send(t.Context(), m)
		got, _ := channels.VerdictOf(err)
		switch {
		case want == nil && got != channels.VerdictAccepted:
			wrong = append(wrong, fmt.Sprintf("%s: %s (%v), although it is within what was approved", what, got, err))
		case want != nil && got != channels.VerdictPermanent:
			wrong = append(wrong, fmt.Sprintf("%s: %s (%v), want a permanent refusal: %v", what, got, err, want))
		case want != nil && posts() != before:
			wrong = append(wrong, what+": refused, and sent all the same")
		}
	}
	areas, covers := m.Areas, bound.Covers(m)
	try("with its area", areas)
	try("without an area", nil)
	for _, left := range covers {
		try("without "+left.Value, slices.DeleteFunc(slices.Clone(areas), func(v alerts.Value) bool { return v.Value == left.Value }))
	}
	return wrong
}
