package dashboards

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// as signs the browser in as a person.
func (b *browser) as(p *person) {
	b.t.Helper()
	b.call("Network.setCookie", map[string]any{"name": "martinella", "value": p.cookieOf("martinella"), "url": p.g.site, "httpOnly": true, "sameSite": "Strict"}, nil)
}

func TestTheBoardInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	g := openConsole(t, func(c *Config) {
		c.Accounts = []Account{{Platform: "telegram", Name: "@valdemo_esempio", Channel: "telegram"}, {Platform: "mastodon", Name: "@valdemo@social.example", Channel: "mastodon"}}
		c.Troubles = func() []broadcast.Trouble {
			return []broadcast.Trouble{{Channel: "mastodon", Refused: true, Since: time.Now(), Reason: "401 the token was revoked", Renewal: "Make a new token and put it into token_file."}}
		}
	})
	p, seed := g.colleague("carla", "Carla Bianchi", "approver", "author")
	b.as(p)
	id := g.issue(message("live-1", "severity", "Extreme"))["id"].(string)
	soon := time.Now().Add(time.Hour)
	deliveries := func(sms int) []broadcast.Delivery {
		d := broadcast.Delivery{Channel: "sms", State: "sending", Total: 18420, Accepted: sms, Delivered: sms * 9 / 10, Failed: 41, FirstMS: ms(300), LastMS: ms(60000), P50MS: ms(1200), P99MS: ms(4800)}
		for at := int64(300); at <= 60000; at = at * 6 / 5 {
			d.Reached = append(d.Reached, broadcast.Reached{MS: at, N: int(int64(sms) * at / 60000)})
		}
		return []broadcast.Delivery{
			d,
			{Channel: "telegram", State: "done", Total: 1, Accepted: 1, FirstMS: ms(410), LastMS: ms(410), P50MS: ms(410), P99MS: ms(410), URL: "https://t.me/valdemo/1"},
			{Channel: "facebook", State: "retrying", Total: 1, Error: "429 too many requests", NextAttempt: &soon},
			{Channel: "bluesky", State: "uncertain", Total: 1, Uncertain: 1, Error: "the answer was lost"},
			{Channel: "mastodon", State: "failed", Total: 1, Failed: 1, Error: "401 the token was revoked"},
			{Channel: "email-" + strings.Repeat("protezionecivile", 3), State: "partly_failed", Total: 10, Accepted: 9, Failed: 1, Error: "550 5.1.1 mailbox unavailable"},
			{Channel: "web", State: "queued", Total: 1},
		}
	}
	g.stand(id, deliveries(4000)...)
	at := "/console/a/" + id
	b.open(g.site + at + "?lang=it")
	b.arrives(`document.getElementById('state').textContent.includes('si aggiorna') || document.getElementById('nojs').hidden`)
	b.eval(`document.querySelector('[data-d="raw-mastodon"]').open = true; document.querySelector('[data-f="fix-sms"]').focus(); 1`)
	g.stand(id, deliveries(10116)...)
	b.arrives(`document.querySelector('[data-k=sms]').textContent.includes('10\u202f116')`)
	if got := b.eval(`[document.querySelector('[data-d="raw-mastodon"]').open, document.activeElement.dataset.f, document.getElementById('state').textContent].join(' ')`); got != "true fix-sms La pagina si aggiorna da sola." {
		t.Errorf("after a change: %v", got)
	}
	b.quiet()

	// The store goes away: the page says since when its data stand, and comes back.
	g.memory.fail(alerts.ErrUnavailable)
	b.arrives(`/^Dati fermi alle \d\d:\d\d:\d\d/.test(document.getElementById('state').textContent) && !document.getElementById('nojs').hidden`)
	g.memory.fail(nil)
	g.stand(id, deliveries(18379)...)
	b.arrives(`document.querySelector('[data-k=sms]').textContent.includes('18\u202f379') && document.getElementById('nojs').hidden`)

	// So does the network.
	b.call("Network.emulateNetworkConditions", map[string]any{"offline": true, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}, nil)
	b.eval(`window.dispatchEvent(new Event('online')); 1`)
	b.arrives(`/^Dati fermi/.test(document.getElementById('state').textContent)`)
	b.call("Network.emulateNetworkConditions", map[string]any{"offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}, nil)
	b.arrives(`!/^Dati fermi/.test(document.getElementById('state').textContent)`)
	b.mu.Lock()
	b.said = nil // what the cut connections left
	b.mu.Unlock()

	// The board of a colleague's update says so by itself.
	g.stand(id, broadcast.Delivery{Channel: "sms", State: "done", Total: 10, Accepted: 10, Delivered: 10, FirstMS: ms(300), LastMS: ms(900), P50MS: ms(410), P99MS: ms(900)})
	b.arrives(`document.title.startsWith('Consegnata: ') && document.querySelector('h1').textContent.startsWith('Consegnata: ')`)

	g.stand(id, deliveries(10116)...)
	g.memory.failed = []broadcast.Failure{{Ordinal: 3, State: "failed", Reason: "30003 unreachable handset"}, {Ordinal: 9, State: "uncertain", Reason: "the answer was lost"}}
	waits := g.post(author, "/api/v1/alerts", message("live-2", "severity", "Severe")).json(t)["id"].(string)
	b.looks(g.site, map[string]string{"board": at + "?lang=it", "cancel": at + "/cancel?lang=it", "all-clear": at + "/all-clear?lang=it", "extend": at + "/extend?lang=it",
		"failures": at + "/failures/outbox?lang=it", "board-waits": "/console/a/" + waits + "?lang=it", "quadro": "/console?lang=it"})

	// Without a script the same, by reloading; and two taps from the first page.
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	g.stand(id, deliveries(12000)...)
	b.call("Page.navigate", map[string]any{"url": g.site + at + "?lang=it&refresh=60"}, nil)
	for end := time.Now().Add(20 * time.Second); b.eval(`document.readyState === 'complete' && location.search.includes('refresh') && !document.getElementById('nojs').hidden && document.getElementById('part').textContent.includes('12\u202f000')`) != true; {
		if time.Now().After(end) {
			t.Fatal("without a script the board does not come")
		}
	}
	if r := p.get(at); !strings.Contains(r.body, "12\u202f000") || !strings.Contains(r.body, `id="nojs"><a href="`+at) {
		t.Error("without a script there is no way to see what is new")
	}
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)
	head, err := g.memory.Get(t.Context(), alerts.ID(id), alerts.Exactly)
	if err != nil {
		t.Fatal(err)
	}
	r := p.do("POST", at+"/cancel", url.Values{"digest": {string(head.Approved)}, "why": {"wrong"}, "code": {code(t, seed, 1)}})
	if r.Request.URL.Query().Get("said") != "cancel" {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	b.looks(g.site, map[string]string{"board-cancelled": r.Request.URL.Path + "?lang=en"})
	for _, path := range []string{at, at + "/cancel", "/console"} {
		r := p.get(path)
		if n := len(zip([]byte(r.body))) + len(zip(g.asset(t, "app.css"))) + len(zip(g.asset(t, "console.css"))) + len(zip(g.asset(t, "passkey.js"))) + len(zip(g.asset(t, "delivery.js"))); n > 40<<10 {
			t.Errorf("%s takes %d bytes", path, n)
		}
	}
	b.quiet()
}

// Two taps with a passkey take an alert back, and Enter alone never does.
func TestTwoTapsInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g := openConsole(t)
	b.authenticator()
	g.first()
	members, err := g.office.Members(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := invitationOf("carla", "Carla Bianchi")
	i.By, i.Grant = alerts.By{ID: members[0].ID, Name: members[0].Name}, grantOf(url.Values{"role": {"approver"}, "real": {"1"}})
	token, err := g.office.NewInvitation(t.Context(), i, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b.open(g.site + "/console/invite/" + token)
	b.eval(`document.querySelector('[data-passkey]').click(); 1`)
	b.arrives(`location.pathname === '/console' && document.querySelector('.desk')`)
	g.issue(message("taps-1", "severity", "Extreme"))
	b.open(g.site + "/console")
	b.eval(`document.querySelector('#h-active ~ ul a.grave').click(); 1`) // tap 1
	b.arrives(`location.pathname.endsWith('/cancel') && document.querySelector('[data-prove]')`)
	b.eval(`document.querySelector('#reason').focus(); document.querySelector('[name=why]').checked = true; 1`)
	for _, kind := range []string{"keyDown", "keyUp"} {
		b.call("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}, nil)
	}
	b.eval(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))`)
	if got := b.eval(`location.pathname.endsWith('/cancel') && !document.querySelector('[role=alert]:not([hidden])')`); got != true {
		t.Errorf("Enter did something: %v", b.eval(`document.body.innerText`))
	}
	b.picture("console-cancel-passkey")
	b.eval(`document.querySelector('[data-prove]').click(); 1`) // tap 2
	b.arrives(`location.search.includes('said=cancel') && document.querySelector('.said')`)
	b.arrives(`document.querySelector('.resume [data-prove]')`)
	b.eval(`document.querySelector('.resume [data-prove]').click(); 1`)
	b.arrives(`location.search.includes('said=resume') && document.querySelector('.said')`)
	b.quiet()
}
