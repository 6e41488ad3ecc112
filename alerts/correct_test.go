package alerts

import (
	"testing"
	"time"
)

func TestCorrects(t *testing.T) {
	end := time.Date(2026, 11, 21, 18, 0, 0, 0, time.UTC)
	first := func() *Record {
		return &Record{Change: ChangeIssued, Areas: []Value{{"ISTAT", "047014"}}, Alert: &Alert{Status: StatusActual, Infos: []Info{
			{Language: "it", Event: "Alluvione", Severity: SeveritySevere, Urgency: "Immediate", Expires: end, Headline: "Salite ai piani alti",
				Instruction: "Salite ai piani alti. Non usate l'auto.", ResponseTypes: []ResponseType{"Shelter"},
				Areas: []Area{{Description: "Pistoia", Geocodes: []Value{{"ISTAT", "047014"}}, Polygons: []Polygon{{{43, 10}, {43, 11}, {44, 11}, {43, 10}}}}}},
			{Language: "en", Event: "Flood", Severity: SeveritySevere, Urgency: "Immediate", Expires: end, Instruction: "Go upstairs.",
				Areas: []Area{{Description: "Pistoia", Geocodes: []Value{{"ISTAT", "047014"}}}}}}}}
	}
	for name, c := range map[string]struct {
		change func(r *Record)
		want   bool
	}{
		"the same again":                        {func(*Record) {}, true},
		"a slip in the headline":                {func(r *Record) { r.Alert.Infos[0].Headline = "Salite ai piani più alti" }, true},
		"another description":                   {func(r *Record) { r.Alert.Infos[0].Description = "L'acqua è arrivata in via Roma." }, true},
		"what to do with other signs":           {func(r *Record) { r.Alert.Infos[0].Instruction = "SALITE ai piani alti!  Non usate l’auto" }, true},
		"one street less":                       {func(r *Record) { r.Alert.Infos[0].Areas[0].Polygons = nil }, true},
		"one language less":                     {func(r *Record) { r.Alert.Infos = r.Alert.Infos[:1] }, true},
		"a figure in what to do":                {func(r *Record) { r.Alert.Infos[0].Instruction = "Salite ai piani alti. Non usate l'auto 2." }, false},
		"something more to do":                  {func(r *Record) { r.Alert.Infos[0].Instruction += " Chiudete il gas." }, false},
		"something more to do, in one language": {func(r *Record) { r.Alert.Infos[1].Instruction += " Close the gas." }, false},
		"not is taken away":                     {func(r *Record) { r.Alert.Infos[0].Instruction = "Salite ai piani alti. Usate l'auto." }, false},
		"another response type":                 {func(r *Record) { r.Alert.Infos[0].ResponseTypes = []ResponseType{"Evacuate"} }, false},
		"more severe":                           {func(r *Record) { r.Alert.Infos[0].Severity = SeverityExtreme }, false},
		"less severe":                           {func(r *Record) { r.Alert.Infos[0].Severity, r.Alert.Infos[1].Severity = SeverityMinor, SeverityMinor }, false},
		"less severe in one language":           {func(r *Record) { r.Alert.Infos[1].Severity = SeverityMinor }, false},
		"less urgent":                           {func(r *Record) { r.Alert.Infos[0].Urgency = "Future" }, false},
		"another hazard":                        {func(r *Record) { r.Alert.Infos[0].Event = "Frana" }, false},
		"a longer validity":                     {func(r *Record) { r.Alert.Infos[0].Expires = end.Add(time.Hour) }, false},
		"a shorter validity":                    {func(r *Record) { r.Alert.Infos[1].Expires = end.Add(-time.Hour) }, false},
		"it begins earlier":                     {func(r *Record) { r.Alert.Infos[0].Onset = end.Add(-time.Hour) }, false},
		"a further municipality": {func(r *Record) {
			r.Alert.Infos[0].Areas[0].Geocodes = append(r.Alert.Infos[0].Areas[0].Geocodes, Value{"ISTAT", "047017"})
		}, false},
		"a further municipality, resolved":         {func(r *Record) { r.Areas = append(r.Areas, Value{"ISTAT", "047017"}) }, false},
		"a shape that was drawn anew":              {func(r *Record) { r.Alert.Infos[0].Areas[0].Polygons[0][1].Lon = 12 }, false},
		"a circle more":                            {func(r *Record) { r.Alert.Infos[1].Areas[0].Circles = []Circle{{Point{43, 10}, 5}} }, false},
		"a language more":                          {func(r *Record) { r.Alert.Infos = append(r.Alert.Infos, Info{Language: "de", Severity: SeveritySevere}) }, false},
		"it is over":                               {func(r *Record) { r.Change = ChangeEnded }, false},
		"it was sent by mistake":                   {func(r *Record) { r.Change = ChangeCancelled }, false},
		"a first issue corrects nothing":           {func(r *Record) { r.Change = ChangeIssued }, false},
		"from an exercise to earnest is no detail": {func(r *Record) { r.Alert.Status = StatusExercise }, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := first()
			r.Change = ChangeUpdated
			c.change(r)
			if got := r.Corrects(first()); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
	r := first()
	r.Change = ChangeUpdated
	if r.Corrects(nil) {
		t.Error("it corrects what is not known")
	}
}
