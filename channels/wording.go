package channels

import (
	"strings"

	"martinella/alerts"
)

// WordingParameter begins the name of a CAP parameter by which the author of an
// alert words it for one platform, channel or audience:
// "martinella:text:facebook". What is marked and linked stays ours.
const WordingParameter = "martinella:text:"

// Wording gives the words that the author wrote for the first of the names that
// has any: a channel's configured name, its kind, its audience; "" where the
// message is composed from the alert.
func Wording(info alerts.Info, names ...string) string {
	for _, name := range names {
		for _, p := range info.Parameters {
			if name != "" && strings.EqualFold(p.Name, WordingParameter+name) && strings.TrimSpace(p.Value) != "" {
				return clean(p.Value)
			}
		}
	}
	return ""
}
