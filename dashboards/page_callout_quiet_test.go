package dashboards

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// Who has quiet hours is asked when these end, and the coordinator knows it
// before the button is pressed.
func TestACallSaysWhoIsAskedOnlyWhenTheyWake(t *testing.T) {
	for name, one := range map[string]struct {
		change url.Values
		wakes  time.Duration // from now on; the call meets in two hours
		says   string        // "": nobody waits
		left   bool          // they are among those who are not called
	}{
		"they wake in time":          {nil, 30 * time.Minute, "Have quiet hours now, and are asked when these end: 20", false},
		"it is urgent":               {url.Values{"urgent": {"1"}}, 30 * time.Minute, "", false},
		"they would wake too late":   {nil, 90 * time.Minute, "", true},
		"too late, and it is urgent": {url.Values{"urgent": {"1"}}, 90 * time.Minute, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, f, p := openCallouts(t, 20)
			for i := range f.roll {
				f.roll[i].Quiet, f.roll[i].Kinds = time.Now().Add(one.wakes), []string{"phone"}
			}
			form := with(with(typedCall(), url.Values{"skill": {"", ""}, "people": {"10", ""}, "meet": {"+2 h"}}), one.change)
			r := p.do("POST", "/console/d/new?lang=en", form)
			if one.left { // nobody is left who could be called
				wants(t, r, 200, "not enough volunteers", "in quiet hours until less than an hour before people meet (the call is no urgent one): 20")
			} else if wants(t, r, 200, one.says); strings.Contains(r.body, "in quiet hours until") {
				t.Error("somebody is left out for quiet hours")
			}
			if one.says == "" && strings.Contains(r.body, `id="asleep"`) {
				t.Error("somebody is said to be asked later")
			}
		})
	}
}

func TestTheCallShowsWhomQuietHoursHold(t *testing.T) {
	_, f, p := openCallouts(t, 60)
	id := p.opened()
	until := time.Now().Add(40 * time.Minute)
	f.change(id, func(_ *volunteers.Call, people []callout.Seen) {
		people[0].Held, people[0].Answer = until, nil
		people[1].Undisturbed, people[1].Answer = true, nil
	})
	wants(t, p.get("/console/d/"+string(id)+"?lang=en&all=1"), 200, "quiet hours: held until "+until.In(rome).Format("15:04"), "not disturbed: quiet hours")
	wants(t, p.get("/console/d/"+string(id)+"?lang=it&all=1"), 200, "ore di silenzio: trattenuto fino alle "+until.In(rome).Format("15:04"), "non disturbato: ore di silenzio")
}

func TestTheCallSaysWhoComesToAnotherOneToo(t *testing.T) {
	_, f, p := openCallouts(t, 20)
	id := p.opened()
	f.change(id, func(_ *volunteers.Call, people []callout.Seen) { people[0].Also = []string{"V-0007", "V-0009"} })
	wants(t, p.get("/console/d/"+string(id)+"?lang=en&all=1"), 200, "also comes to V-0007, V-0009")
	if r := p.get("/console/d/" + string(id) + "?lang=it&all=1"); strings.Count(r.body, "viene anche a V-0007, V-0009") != 1 {
		t.Errorf("said %d times", strings.Count(r.body, "viene anche a"))
	}
}
