package alerts

import (
	"slices"
	"strings"
)

// WordingParameter begins the name of a CAP parameter by which the author words
// the alert for one platform, channel or audience: "martinella:text:facebook".
const WordingParameter = "martinella:text:"

// dropWording takes out the words for single platforms: they speak of a danger
// that is over, or never was.
func (i *Info) dropWording() {
	kept := slices.DeleteFunc(slices.Clone(i.Parameters), func(v Value) bool {
		name := strings.TrimSpace(v.Name)
		return len(name) >= len(WordingParameter) && strings.EqualFold(name[:len(WordingParameter)], WordingParameter)
	})
	if i.Parameters = kept; len(kept) == 0 {
		i.Parameters = nil
	}
}
