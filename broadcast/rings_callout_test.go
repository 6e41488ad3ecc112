package broadcast_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/rdb"
)

// TestStaffIsRungForACallThatIsShortOfPeople: once for each time, whichever node
// notices it, and nobody any more where enough come by then.
func TestStaffIsRungForACallThatIsShortOfPeople(t *testing.T) {
	phone := func(n string) map[string]string { return map[string]string{"phone": n} }
	crew := office{
		colleague("anna", true, phone("+391"), alerts.VerbSubmit), // on duty, but not for volunteers
		colleague("berta", false, phone("+392"), alerts.VerbCall),
		colleague("carla", false, phone("+393"), alerts.VerbRead), // opened the call
		colleague("dora", false, phone("+394"), alerts.VerbRead),  // leads on the spot
	}
	for sentence, tt := range map[string]struct {
		exercise, settled bool
		want              string
		says              string
	}{
		"who may call, who opened it and who leads it": {want: "+392 +393 +394", says: "Mancano volontari: V-0001: 3 di 8, mancano 2 × pilota"},
		"an exercise is marked as one":                 {exercise: true, want: "+392 +393 +394", says: "ESERCITAZIONE - Mancano volontari"},
		"nobody where enough come meanwhile":           {settled: true},
	} {
		t.Run(sentence, func(t *testing.T) {
			bubble(t, func(t *testing.T, shared *rdb.Shared) {
				sms := &telephone{phoneBook: phoneBook{name: "sms"}, kind: "phone"}
				s := newSwitchboard(t, shared, crew, broadcast.Route{Channel: sms, Exercise: true})
				defer s.store.Close()
				call := broadcasttest.NewCall(time.Now())
				if _, err := s.store.Callouts().Open(t.Context(), call, nil, broadcasttest.CallAct(call, "called", time.Now())); err != nil {
					t.Fatal(err)
				}
				s.Callout = func(_ context.Context, id alerts.ID) (broadcast.RungCallout, error) {
					if id != call.ID {
						return broadcast.RungCallout{}, alerts.ErrNotFound
					}
					return broadcast.RungCallout{Headline: func(string) string { return "V-0001: 3 di 8, mancano 2 × pilota" }, Exercise: tt.exercise, Stands: !tt.settled, Opener: "carla", Referent: "+394"}, nil
				}
				s.run(t, func() {
					for range 3 { // nodes
						ring := alerts.Ring{Who: alerts.CallCallers, Why: alerts.WhyShort, Callout: call.ID, At: time.Now()}
						if _, err := s.store.Store().Ring(t.Context(), "rung:callout-short:1", ring, broadcasttest.CallAct(call, "rung", time.Now())); err != nil {
							t.Fatal(err)
						}
						s.Ring(t.Context(), ring)
						time.Sleep(10 * time.Second)
					}
				})
				var got []string
				for _, said := range sms.heard() {
					to, text, _ := strings.Cut(said, ": ")
					got = append(got, to)
					if !strings.HasPrefix(text, tt.says) || !strings.HasSuffix(text, " https://allerta.example/console/d/"+string(call.ID)) {
						t.Errorf("said %q", text)
					}
				}
				slices.Sort(got)
				if strings.Join(got, " ") != tt.want {
					t.Errorf("rang %v, want %s", got, tt.want)
				}
				all, err := s.store.Rings(t.Context(), call.ID)
				if err != nil || len(all) != 1 || !all[0].Done || all[0].Callout != call.ID || tt.settled != (all[0].Over == broadcast.OverSettled) {
					t.Errorf("kept %+v, %v", all, err)
				}
				acts, err := s.store.Store().Acts(t.Context(), call.ID)
				if err != nil || len(acts) != 2 {
					t.Errorf("acts %v, %v", acts, err)
				}
				sheet, err := s.store.Callouts().Call(t.Context(), call.ID) // the mark of the ring harms nothing of the call
				if err != nil || sheet.State != volunteers.StateOpen {
					t.Errorf("the call is %+v, %v", sheet, err)
				}
			})
		})
	}
}
