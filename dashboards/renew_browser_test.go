package dashboards

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
)

// renewStub stands for what a browser without a push service does not have, and
// dispatches the event as one does. It gives what the worker sent, and what it
// keeps afterwards.
const renewStub = `(() => {
	const sub = path => path && ({endpoint: 'https://push.example/' + path, toJSON: () => JSON.parse(self.sample.replace('wpush/v2/gAAAA', path)),
		options: {}});
	self.sample = %q;
	self.has = null;
	const manager = self.registration.pushManager;
	manager.getSubscription = async () => sub(self.has);
	manager.subscribe = async o => { if (self.denied) throw new DOMException('', 'NotAllowedError'); self.asked = o; self.has = 'made'; return sub('made'); };
	const real = self.fetch.bind(self);
	self.fetch = async (to, o) => {
		if (to !== '/subscribe/push') return real(to, o);
		if (self.cut) throw new TypeError('Failed to fetch');
		const r = await real(to, o), b = JSON.parse(o.body);
		self.did.push(b.old.endpoint.slice(21) + ' to ' + b.subscription.endpoint.slice(21) + ': ' + r.status);
		return r;
	};
	self.changes = async (before, now) => {
		self.did = [];
		self.has = now;
		let work;
		const e = new Event('pushsubscriptionchange');
		e.oldSubscription = sub(before), e.newSubscription = self.tells === false ? null : sub(now), e.waitUntil = p => { work = p; };
		self.dispatchEvent(e);
		await work;
		return self.state();
	};
	self.state = async () => {
		const kept = await caches.match('/subscribe/push', {cacheName: 'martinella-push'});
		return self.did.join(', ') + '; kept ' + (kept ? (await kept.json()).endpoint.slice(21) : 'nothing');
	};
	return true;
})()`

// TestTheWorkerRenews: the worker of a real browser tells the gateway that the
// subscription is another one, and is silent where nobody is known by the old one.
func TestTheWorkerRenews(t *testing.T) {
	needsBrowser(t)
	t.Parallel()
	b := openBrowser(t)
	g, _ := openSignUps(t)
	at := func(path string) string { return strings.Replace(browserJSON, "wpush/v2/gAAAA", path, 1) }
	address := func(path string) string {
		a, err := channels.ReadPushSubscription([]byte(at(path)))
		if err != nil {
			t.Fatal(err)
		}
		return a.String()
	}
	number, err := g.own.Enrol(t.Context(), broadcast.Subscriber{Contacts: map[string]string{"push": address("one")}, Areas: []string{"VD-8"}, Language: "sl", Audience: "citizens", Purpose: "emergency"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b.open(g.URL + "/?lang=it")
	b.eval(`navigator.serviceWorker.register('/sw.js').then(() => 1)`)
	b.until(`navigator.serviceWorker.controller`)
	back := b.inWorker()
	b.eval(fmt.Sprintf(renewStub, browserJSON))
	for _, step := range []struct{ what, script, want string }{
		{"who subscribed before this worker", `changes('one', 'two')`, "one to two: 204; kept two"},
		{"a browser that tells the new one only by asking", `(self.tells = false, changes(null, 'three'))`, "two to three: 204; kept three"},
		{"one that made no new one", `changes('three', null)`, "three to made: 204; kept made"},
		{"one whose key is the gateway's", `(async () => self.asked.userVisibleOnly + ' ' + btoa(String.fromCharCode(...self.asked.applicationServerKey)).slice(0, 8))()`, "true BCVxsr7N"},
		{"one without a network", `(self.cut = true, changes('made', 'four'))`, "; kept made"},
		{"the same, when a page is opened", `(async () => { self.cut = false; const e = new Event('fetch'); let work = []; Object.defineProperty(e, 'request', {value: {method: 'GET', mode: 'navigate', url: location.origin + '/?lang=it', referrer: ''}}); e.waitUntil = p => work.push(p); e.respondWith = p => work.push(p.catch(() => 0)); const real = self.fetch; self.fetch = (to, o) => typeof to === 'string' ? real(to, o) : real(to.url, o); self.dispatchEvent(e); await Promise.all(work); self.fetch = real; return self.state(); })()`, "made to four: 204; kept four"},
		{"the same one again", `changes('four', 'four')`, "; kept four"},
		{"who took the permission away", `(self.denied = true, changes('four', null))`, "; kept four"},
		{"a browser that nobody knows", `(async () => { await caches.delete('martinella-push'); return changes('unknown', 'five'); })()`, "unknown to five: 404; kept nothing"},
		{"a browser that knows nothing of an old one", `changes(null, 'six')`, "; kept nothing"},
	} {
		if got := b.eval(step.script); got != step.want {
			t.Errorf("%s: %v, want %s", step.what, got, step.want)
		}
	}
	back()
	m, err := g.own.Roll.Member(t.Context(), number)
	if err != nil || m.Contacts["push"] != address("four") || len(m.Areas) != 1 || m.Areas[0] != "VD-8" || m.Language != "sl" {
		t.Errorf("kept %+v, %v", m, err)
	}
	if n, err := g.own.Roll.Lookup(t.Context(), "push", address("five")); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("an unknown one made %d, %v", n, err)
	}
	// What the page leaves for the worker outlives a new worker.
	b.eval(`caches.open('martinella-push').then(c => c.put('/subscribe/push', new Response('{}'))).then(() => caches.open('another')).then(() => 1)`)
	back = b.inWorker()
	b.eval(`(async () => { let work; const e = new Event('activate'); e.waitUntil = p => { work = p; }; self.dispatchEvent(e); await work; return 1; })()`)
	back()
	if got := b.eval(`caches.keys().then(k => k.sort().join())`); got != "martinella-1,martinella-push" {
		t.Errorf("kept after a new worker are %v", got)
	}
}
