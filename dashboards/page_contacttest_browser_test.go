package dashboards

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/dashboards/signin"
)

// The office begins a test of contacts with its own buttons, somebody confirms on
// a small telephone without scripts, and the list tells who did.
func TestContactTestsInABrowser(t *testing.T) {
	onlyInE2E(t)
	now := time.Now().In(rome)
	at := time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, rome)
	g, engine, _ := openTestConsole(t, &at)
	office, phone := openBrowser(t), openBrowser(t)
	office.as(g.member("carla", signin.Grant{Roles: []string{"approver"}, Limits: alerts.Rights{Statuses: alerts.Statuses}}))
	const path = "/console/volunteers/test"
	office.looks(g.site, map[string]string{"ctest-none": path + "?lang=it"})

	office.open(g.site + path + "?lang=it")
	office.fill(map[string]string{"every": "60"}) // no such rhythm
	office.eval(`document.querySelector('[value=save]').click(); 1`)
	office.until(`document.querySelector('[role=alert]')`)
	office.fill(map[string]string{"every": "6", "day": "2", "hour": "9"})
	office.eval(`document.querySelector('[value=save]').click(); 1`)
	office.until(`document.querySelector('#h-dates + p time')`)
	office.eval(`document.querySelector('[value=start]').click(); 1`)
	office.until(`document.getElementById('h-silent')`)
	list := office.eval(`location.pathname`).(string)
	if !regexp.MustCompile(`^` + path + `/[0-9A-Z]{26}$`).MatchString(list) {
		t.Fatalf("the office is at %s", list)
	}
	st, err := engine.Tests(t.Context())
	if err != nil || len(st.Tests) != 1 {
		t.Fatalf("%+v, %v", st, err)
	}
	own := engine.Link(1, st.Tests[0].Number, "phone")
	own = own[strings.Index(own, "/d/"):]
	office.looks(g.site, map[string]string{"ctest-open": path + "?lang=en", "ctest-list": list + "?lang=it", "ctest-asked": own + "?lang=de"})

	phone.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 320, "height": 568, "deviceScaleFactor": 1, "mobile": true}, nil)
	phone.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	phone.call("Page.navigate", map[string]any{"url": g.site + own + "?lang=it"}, nil)
	phone.sees(`document.querySelector('[value=received]')`)
	if got := phone.eval(`(r => r.bottom <= 568 && r.height >= 68)(document.querySelector('[value=received]').getBoundingClientRect())`); got != true {
		t.Errorf("the one button is on the first screen and as high as a thumb: %v", got)
	}
	phone.picture("ctest-phone")
	phone.eval(`document.querySelector('[value=received]').click(); 1`)
	phone.sees(`document.getElementById('said') && !document.querySelector('[value=received]')`)

	office.open(g.site + list + "?lang=it")
	if got := office.eval(`document.getElementById('h-reached').textContent + document.getElementById('h-silent').textContent`); got != "Hanno risposto: 1Senza risposta: 1" {
		t.Errorf("the list says %v", got)
	}
	office.looks(g.site, map[string]string{"ctest-answered": list + "?lang=en", "ctest-confirmed": own + "?lang=fr", "ctest-roster": "/console/volunteers?lang=it"})
	office.mu.Lock()
	said := fmt.Sprint(office.said)
	office.said = nil // that a number was wrong
	office.mu.Unlock()
	if strings.Count(said, "422") > 1 {
		t.Errorf("the browser complains: %s", said)
	}
	office.quiet()
}
