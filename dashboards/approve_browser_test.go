package dashboards

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
)

// beside opens a page of its own cookies in the same browser, and gives its
// session; assigning b.session goes from one person's screen to the other's.
func (b *browser) beside() string {
	b.t.Helper()
	before := b.session
	b.session = ""
	var context struct{ BrowserContextID string }
	b.call("Target.createBrowserContext", nil, &context)
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank", "browserContextId": context.BrowserContextID}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
	b.session = before
	return attached.SessionID
}

// sends has who sits at the page ask for approval.
func (b *browser) sends(xml string) alerts.ID {
	b.t.Helper()
	got := b.eval(fmt.Sprintf(`fetch('/api/v1/alerts', {method: 'POST', headers: {'Content-Type': 'application/cap+xml'}, body: %q}).then(r => r.json()).then(r => r.id || JSON.stringify(r))`, xml)).(string)
	if !plausible(alerts.ID(got)) {
		b.t.Fatalf("submit: %s", got)
	}
	return alerts.ID(got)
}

// Two people on two screens, each with a passkey of their own: approve, return,
// reject, and issue alone when the other says nothing.
func TestTwoPeopleDecideInABrowser(t *testing.T) {
	onlyInE2E(t)
	b, d := openBrowser(t), prepareDeciding(t)
	anna, bruno := b.session, b.beside()
	token, err := d.office.FirstInvitation(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	enter := func(token, name, login string) {
		b.authenticator()
		b.open(d.site + "/console/invite/" + token)
		if b.eval(`!!document.getElementById('name')`) == true { // of the first link alone
			b.fill(map[string]string{"name": name, "login": login})
		}
		b.eval(`document.querySelector('[data-passkey]').click(); 1`)
		b.arrives(`location.pathname === '/console' && document.querySelector('.desk')`)
	}
	enter(token, "Anna Rossi", "anna")
	invited := d.invited("bruno", "Bruno Bianchi", "author", "approver")
	b.session = bruno
	enter(invited, "Bruno Bianchi", "bruno")
	path := func(id alerts.ID) string { return "/console/a/" + string(id) }
	longest := strings.Repeat("Località Donaudampfschifffahrtsgesellschaft ", 7)[:300]

	first := b.sends(message("first", "severity", "Severe", "areaDesc", longest, "headline", "È ARRIVATA LA PIENA 🌊: salite ai piani alti"))
	b.looks(d.site, map[string]string{"approve-own": path(first) + "/approve"})
	b.session = anna
	b.open(d.site + "/console")
	b.eval(`document.querySelector('a[href*="/approve"]').click(); 1`)
	b.arrives(`location.pathname.endsWith('/approve') && document.querySelector('[data-opened]').textContent`)
	if got := b.eval(`document.activeElement.tagName`); got != "H1" {
		t.Errorf("the focus is on %v", got)
	}
	b.looks(d.site, map[string]string{"approve-waits": path(first) + "/approve"})

	// A wrong order of magnitude sends nothing; Enter in a field neither.
	b.open(d.site + path(first) + "/approve")
	answer := func(people string) {
		b.eval(fmt.Sprintf(`document.getElementById('confirm').checked = true; document.getElementById('people-%s').checked = true; { const f = document.getElementById('findings'); if (f) f.checked = true; } 1`, people))
	}
	answer("tens-of-thousands")
	b.eval(`document.getElementById('reason').focus(); 1`)
	for _, kind := range []string{"keyDown", "keyUp"} {
		b.call("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}, nil)
	}
	b.arrives(`document.querySelector('.said') && location.hash === '#errors'`)
	if got := d.record(first).State; got != alerts.StateSubmitted {
		t.Fatalf("Enter made it %s", got)
	}
	prove := `document.querySelector('.decide [data-prove]').click(); 1`
	answer("hundreds")
	b.eval(prove)
	b.arrives(`document.querySelector('.wrong a[href="#people"]')`)
	b.picture("approve-wrong")
	if got := d.record(first).State; got != alerts.StateSubmitted {
		t.Fatalf("a wrong answer made it %s", got)
	}
	b.mu.Lock()
	b.said = nil // that 422 is an error
	b.mu.Unlock()
	answer("tens-of-thousands")
	b.eval(prove)
	b.arrives(`location.pathname === '` + path(first) + `'`)
	if got := d.record(first); got.State != alerts.StateIssued || got.Approver.Name != "Anna Rossi" {
		t.Errorf("%s by %s", got.State, got.Approver.Name)
	}
	b.looks(d.site, map[string]string{"approve-settled": path(first) + "/approve"})

	// Returned and rejected.
	for act, want := range map[string]alerts.State{"return": alerts.StateReturned, "reject": alerts.StateRejected} {
		b.session = bruno
		b.open(d.site + "/console")
		id := b.sends(message(act, "severity", "Severe", "099001", map[string]string{"return": "099016", "reject": "099017"}[act]))
		b.session = anna
		b.open(d.site + path(id) + "/approve")
		b.fill(map[string]string{"reason-" + act: "la via è un'altra"})
		b.eval(`document.getElementById('reason-` + act + `').form.requestSubmit(); 1`)
		b.arrives(`document.body.innerText.includes("la via è un'altra") && !document.querySelector('textarea')`)
		if got := d.record(id).State; got != want {
			t.Errorf("%s made it %s", act, got)
		}
	}

	// Nobody answers: the clock runs down, and the page offers the way out.
	b.session = bruno
	b.open(d.site + "/console")
	last := b.sends(message("last", "severity", "Extreme", "099001", "099018"))
	d.age(last, 3*time.Minute-4*time.Second)
	b.open(d.site + path(last) + "/approve")
	b.arrives(`document.querySelector('.alone form')`)
	b.looks(d.site, map[string]string{"approve-alone": path(last) + "/approve"})
	b.open(d.site + path(last) + "/approve")
	b.fill(map[string]string{"reason-alone": "nessuno risponde al telefono"})
	b.eval(`document.getElementById('confirm-alone').checked = true; document.querySelector('.alone [data-prove]').click(); 1`)
	b.arrives(`location.pathname === '` + path(last) + `'`)
	if got := d.record(last); got.State != alerts.StateIssued || got.ReviewDue.IsZero() {
		t.Errorf("%s, review due %v", got.State, got.ReviewDue)
	}
	d.settle()
	b.session = anna
	b.looks(d.site, map[string]string{"approve-review": path(last) + "/review"})
	b.looks(d.site, map[string]string{"approve-overview": "/console"})
	b.open(d.site + path(last) + "/review")
	b.fill(map[string]string{"reason": "era giusto"})
	b.eval(`document.getElementById('reason').form.requestSubmit(); 1`)
	b.arrives(`document.querySelector('.said')`)
}

// Without a script, from a phone, with codes: the buttons are real.
func TestApprovingInABrowserWithoutScripts(t *testing.T) {
	onlyInE2E(t)
	b, d := openBrowser(t), openDeciding(t)
	id := d.submit(d.author, message("grave", "severity", "Severe", "status", "Actual"))
	b.call("Network.setCookie", map[string]any{"name": "martinella", "value": d.approver.cookieOf("martinella"), "url": d.site, "httpOnly": true, "sameSite": "Strict"}, nil)
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 320, "height": 700, "deviceScaleFactor": 1, "mobile": true}, nil)
	page := d.site + "/console/a/" + string(id) + "/approve"
	b.call("Page.navigate", map[string]any{"url": page}, nil)
	b.becomes(`document.querySelector('.opening button')`)
	b.press(`.opening button`)
	b.becomes(`!document.querySelector('.opening') && document.querySelector('#confirm')`)
	b.press(`#confirm`)
	b.press(`#people-tens-of-thousands`)
	if b.eval(`!!document.querySelector('#findings')`) == true {
		b.press(`#findings`)
	}
	b.press(`.decide [name="code"]`)
	b.call("Input.insertText", map[string]any{"text": code(t, d.seeds[d.approver], 1)}, nil)
	b.press(`.decide .button.go`)
	b.becomes(`location.pathname === '/console/a/` + url.PathEscape(string(id)) + `'`)
	if got := d.record(id); got.State != alerts.StateIssued {
		t.Errorf("it is %s", got.State)
	}
}

// becomes is arrives for a page whose scripts are off, timers too.
func (b *browser) becomes(condition string) {
	b.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if b.holds(`(() => { try { return document.readyState === 'complete' && !!(` + condition + `) } catch { return false } })()`) {
			return
		}
	}
	b.t.Fatalf("never came true: %s\n%v %v", condition, b.eval("location.href"), b.eval("document.body.innerText"))
}

// press clicks on what the selector finds, with the mouse.
func (b *browser) press(selector string) {
	b.t.Helper()
	// What moves under the pointer is not clicked on: the place must be the same
	// in two looks, and what is there must be what is meant.
	at, before := "", "nowhere"
	for end := time.Now().Add(20 * time.Second); (at == "" || at != before) && time.Now().Before(end); {
		before = at
		at = b.eval(fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({block: 'center', behavior: 'instant'}); const r = e.getBoundingClientRect(), x = r.x + r.width / 2, y = r.y + r.height / 2, hit = document.elementFromPoint(x, y);
			return hit && (e.contains(hit) || hit.contains(e)) && hit !== document.body ? x + ' ' + y : ''; })()`, selector)).(string)
	}
	var x, y float64
	if _, err := fmt.Sscan(at, &x, &y); err != nil {
		b.t.Fatal(err)
	}
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		b.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}, nil)
	}
}
