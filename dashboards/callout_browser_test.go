package dashboards

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// busy makes of a call what a coordinator sees at night.
func (f *deskCallouts) busy(c *volunteers.Call, people []callout.Seen) {
	now := time.Now()
	say := func(i int, kind volunteers.AnswerKind, minutes int, via, note string) {
		people[i].Answer = &volunteers.Answer{Kind: kind, Minutes: minutes, At: now.Add(-time.Duration(i+4) * time.Minute), Via: via, Note: note}
	}
	say(0, volunteers.Coming, 20, "page", "")
	say(1, volunteers.Coming, 10, "sms", "")
	say(2, volunteers.Coming, 40, "sms", "porto il furgone")
	say(3, volunteers.Cannot, 0, "sms", "al lavoro")
	say(4, volunteers.Maybe, 60, "telegram", "")
	say(5, volunteers.Coming, 0, "desk", "")
	people[5].Presence = volunteers.Presence{Arrived: now.Add(-3 * time.Hour)}
	people[0].Presence = volunteers.Presence{Arrived: now.Add(-5 * time.Minute)}
	f.wrote[c.ID] = []callout.Message{{Number: people[6].Number, At: now.Add(-2 * time.Minute), Via: "sms", Text: "arrivo se trovo la macchina, dopo le sette"}}
	c.Opened, c.Waves[0].At, c.Short, f.late = now.Add(-12*time.Minute), now.Add(-12*time.Minute), now.Add(-2*time.Minute), 2
}

func TestACallInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	g, f, p := openCallouts(t, 60)
	script := axe(t)
	id := p.opened()
	path := "/console/d/" + string(id)
	f.change(id, func(c *volunteers.Call, people []callout.Seen) {
		f.busy(c, people)
		c.Needs[1].People = 10
	})
	b.as(p)
	fillForm := func() {
		b.open(g.site + "/console/d/new?lang=it")
		b.fill(map[string]string{"f-what": "Sacchi in via del Ponte", "f-where": "Magazzino comunale", "f-people-1": "2", "f-skill-1": "motosega", "f-people-2": "4"})
	}
	look := func(name string, width int, scheme string) {
		t.Helper()
		if over := b.eval(`document.documentElement.scrollWidth - innerWidth`).(float64); over > 0 {
			t.Errorf("%s scrolls sideways by %v px at %d px", name, over, width)
		}
		if small := b.eval(`[...document.querySelectorAll('main a,main button,main summary,main input:not([type=hidden])')].filter(e => e.getClientRects().length && !e.closest('p:not(.buttons),li>span,dd,.wrong li') && e.getBoundingClientRect().height < 24).map(e => e.textContent + e.id).join()`); small != "" {
			t.Errorf("%s at %d px has targets under 24 px: %v", name, width, small)
		}
		b.picture(fmt.Sprintf("callout-%s-%d-%s", name, width, scheme))
		if script == "" {
			return
		}
		b.eval(script + "; 1")
		if found := b.eval(`axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')).join('\n'))`); found != "" {
			t.Errorf("%s at %d px, %s: %v", name, width, scheme, found)
		}
	}
	there := "" // somebody who arrived, and was corrected
	f.change(id, func(c *volunteers.Call, people []callout.Seen) {
		for i := range people {
			if one := &people[i]; there == "" && !one.Presence.Arrived.IsZero() {
				there = itoa(int(one.Number))
				to := volunteers.Stay{Arrived: c.Opened}
				if ps := one.Presence.Correct(c, volunteers.Correction{By: alerts.By{ID: "staff:1", Name: "Carla Bianchi"}, To: to, Reason: "arrivo segnato tardi"}, "", time.Now()); len(ps) > 0 {
					t.Fatal(ps)
				}
			}
		}
	})
	for _, scheme := range []string{"light", "dark"} {
		b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
		for _, width := range []int{320, 390, 1280} {
			b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 1000}, nil)
			for name, at := range map[string]string{"list": "/console/d", "new": "/console/d/new", "call": path, "close": path + "/close", "cancel": path + "/cancel", "pages": path + "/pages", "attendance": path + "/attendance", "correct": path + "/attendance/" + there, "activation": path + "/activation", "certificate": path + "/certificate/" + there, "overview": "/console"} {
				b.open(g.site + at + "?lang=it")
				look(name, width, scheme)
			}
			fillForm()
			b.eval(`document.querySelector('.buttons .main').click(); 1`)
			b.until(`document.querySelector('[value=call]')`)
			look("check", width, scheme)
			b.open(g.site + "/console/d/new?lang=it")
			b.fill(map[string]string{"f-people-1": "molti", "f-meet": "boh"})
			b.eval(`document.querySelector('.buttons .main').click(); 1`)
			b.until(`document.querySelector('.fault')`)
			look("wrong", width, scheme)
			for name, at := range map[string]string{"correct": path + "/attendance/" + there, "activation": path + "/activation"} {
				b.open(g.site + at + "?lang=it")
				b.eval(`for (const e of document.querySelectorAll('main input[required]')) e.removeAttribute('required'); for (const e of document.querySelectorAll('main input:not([type=hidden])')) e.value = e.type == 'datetime-local' ? '2099-01-01T10:00' : ''; document.querySelector('main .buttons .main').click(); 1`)
				b.until(`document.querySelector('.fault')`)
				look(name+"-wrong", width, scheme)
			}
		}
	}
	// On paper: what only the screen has is gone, the heading is on each page.
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": "print"}, nil)
	var absent []uint32
	f.change(id, func(_ *volunteers.Call, people []callout.Seen) {
		for i := range people {
			if people[i].Presence.Arrived.IsZero() {
				absent = append(absent, people[i].Number)
				people[i].Presence = volunteers.Presence{Arrived: time.Now().Add(-30 * time.Hour), Left: time.Now().Add(-2 * time.Hour)}
			}
		}
	})
	b.open(g.site + path + "/attendance?lang=it")
	if got := b.eval(`[...document.querySelectorAll('.screen,footer.foot,header nav')].filter(e => e.getClientRects().length).length + getComputedStyle(document.querySelector('.presence thead')).display + getComputedStyle(document.querySelector('.presence td')).display`); got != "0table-header-grouptable-cell" {
		t.Errorf("on paper there is %v", got)
	}
	if pages := b.sheets("attendance"); pages < 2 {
		t.Errorf("%d people are on %d pages", len(f.people[id]), pages)
	}
	b.onPaper("attendance-paper", false)
	b.open(g.site + path + "/certificate/" + there + "?lang=it")
	b.onPaper("certificate-paper", false)
	if pages := b.sheets("certificate"); pages != 1 {
		t.Errorf("a certificate takes %d pages", pages)
	}
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": ""}, nil)
	f.change(id, func(_ *volunteers.Call, people []callout.Seen) {
		for i := range people {
			if slices.Contains(absent, people[i].Number) {
				people[i].Presence = volunteers.Presence{}
			}
		}
	})
	b.mu.Lock()
	b.said = nil // that a form was wrong
	b.mu.Unlock()

	// The page follows what volunteers answer, and a button keeps the focus.
	b.open(g.site + path + "?lang=it")
	number := f.people[id][8].Number
	f.change(id, func(_ *volunteers.Call, people []callout.Seen) {
		people[8].Answer = &volunteers.Answer{Kind: volunteers.Coming, Minutes: 20, At: time.Now(), Via: "sms"}
	})
	b.until(fmt.Sprintf(`document.querySelector('#c-here #p-%d')`, number))
	quiet := f.people[id][9].Number
	b.eval(fmt.Sprintf(`{ const e = document.querySelector('[data-f="%d.c20"]'); e.focus(); e.click(); } 1`, quiet))
	b.until(fmt.Sprintf(`document.querySelector('#c-here #p-%d')`, quiet))
	b.until(`document.activeElement !== document.body`)
	if at := b.eval(`location.pathname`); at != path {
		t.Errorf("the page was left for %v", at)
	}
	// What is typed stays, whatever moves.
	b.eval(`document.getElementById('most').focus(); document.getElementById('most').value = '7'; 1`)
	f.change(id, func(_ *volunteers.Call, people []callout.Seen) {
		people[10].Answer = &volunteers.Answer{Kind: volunteers.Cannot, At: time.Now(), Via: "sms"}
	})
	b.until(`document.getElementById('c-not').textContent.includes('(2)')`)
	if got := b.eval(`document.activeElement.id + document.activeElement.value`); got != "most7" {
		t.Errorf("typing was disturbed: %v", got)
	}
	// Paused, nothing moves.
	b.eval(`document.getElementById('pause').click(); 1`)
	before := b.eval(`document.getElementById('part').dataset.cursor`)
	f.change(id, func(*volunteers.Call, []callout.Seen) {})
	b.eval(`new Promise(done => setTimeout(done, 1500))`)
	if after := b.eval(`document.getElementById('part').dataset.cursor`); after != before {
		t.Error("a pause does not hold")
	}
	b.quiet()

	// Without a script the same button is a form.
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	wants(t, p.do("POST", path+"/people?lang=it", url.Values{"say": {itoa(int(quiet)) + ".arrived"}}), 200, "Annotato.")
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)
}
