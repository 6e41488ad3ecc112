package channels

import "strings"

// Placeholders is the closed set of what a rendered text may leave open until
// it is sent (DECISIONS 27): the time of issue, which publishing sets, what
// belongs to one recipient, and the address of the post that took a post's
// place.
var Placeholders = []string{"{sent}", "{person.link}", "{unsubscribe}", "{code}", "{next}"}

// For addresses the message: the placeholders in Title, Text and Payload are
// replaced by values (keys as in [Placeholders]); one without a value becomes
// empty. The receiver is not changed.
func (m Message) For(values map[string]string) Message {
	pairs := make([]string, 0, 2*len(Placeholders))
	for _, p := range Placeholders {
		pairs = append(pairs, p, values[p])
	}
	fill := strings.NewReplacer(pairs...)
	m.Title, m.Text = fill.Replace(m.Title), fill.Replace(m.Text)
	if len(m.Payload) > 0 {
		m.Payload = []byte(fill.Replace(string(m.Payload)))
	}
	return m
}
