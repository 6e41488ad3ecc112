package email

import (
	"encoding/json"

	"martinella/channels"
)

// Plain gives the text of a filled message ([channels.Message.For]) as people
// read it in the mail, with its small lines: once without and once with the
// line about leaving the list, which stands only where the recipient can. None
// for a message that cannot be read.
func (c *Channel) Plain(m channels.Message) []string {
	var t draft
	if json.Unmarshal(m.Payload, &t) != nil {
		return nil
	}
	w := wordsFor(m.Language, c.authority())
	without, _ := c.closed(m, t, w, "")
	with, _ := c.closed(m, t, w, "mailto:")
	return []string{m.Title + "\n" + without, without, with}
}
