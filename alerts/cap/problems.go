package cap

import "martinella/alerts"

// maxProblems bounds the list, so that a small message cannot make a large
// answer. Errors come before warnings when there are more.
const maxProblems = 200

// findings gathers the problems of one message.
type findings struct{ list alerts.Problems }

func (f *findings) refuse(field, problem, hint string) {
	f.list = append(f.list, alerts.Problem{Field: field, Problem: problem, Hint: hint, Level: alerts.LevelError})
}

func (f *findings) flag(field, problem, hint string) {
	f.list = append(f.list, alerts.Problem{Field: field, Problem: problem, Hint: hint, Level: alerts.LevelWarning})
}

// merge adds the problems of the form that are not about a field of which the
// reading has complained as loudly already.
func (f *findings) merge(form alerts.Problems) {
	loudest := map[string]alerts.Level{}
	for _, p := range f.list {
		if loudest[p.Field] != alerts.LevelError {
			loudest[p.Field] = p.Level
		}
	}
	for _, p := range form {
		if said, found := loudest[p.Field]; found && (said == alerts.LevelError || p.Level == alerts.LevelWarning) {
			continue
		}
		f.list = append(f.list, p)
	}
}

func (f *findings) problems() alerts.Problems {
	if len(f.list) <= maxProblems {
		return f.list
	}
	all := append(f.list.Errors(), f.list.Warnings()...)
	last := alerts.Problem{Field: "alert", Problem: "has more problems than are listed", Hint: "mend these first", Level: all[maxProblems].Level}
	return append(all[:maxProblems:maxProblems], last)
}
