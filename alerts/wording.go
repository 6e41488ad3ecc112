package alerts

import (
	"slices"
	"strings"
)

// WordingParameter begins the name of a CAP parameter by which the author words
// the alert for one platform, channel or audience: "martinella:text:facebook".
const WordingParameter = "martinella:text:"

// ChangedParameter is the name of the CAP parameter in which an Update says, in
// the info's own language, what is different from the revision before. The same
// words begin the description, so that every reader of CAP and every channel
// says them first; the parameter tells a program which words they are.
const ChangedParameter = "martinella:changed"

// Changed is what the Update says that is different; "" where it says nothing.
func (i *Info) Changed() string {
	for _, p := range i.Parameters {
		if strings.EqualFold(strings.TrimSpace(p.Name), ChangedParameter) {
			return strings.TrimSpace(p.Value)
		}
	}
	return ""
}

// dropWording takes out the words for single platforms, and what an Update
// changed: they speak of a danger that is over, or never was.
func (i *Info) dropWording() {
	kept := slices.DeleteFunc(slices.Clone(i.Parameters), func(v Value) bool {
		name := strings.TrimSpace(v.Name)
		return strings.EqualFold(name, ChangedParameter) || len(name) >= len(WordingParameter) && strings.EqualFold(name[:len(WordingParameter)], WordingParameter)
	})
	if i.Parameters = kept; len(kept) == 0 {
		i.Parameters = nil
	}
}
