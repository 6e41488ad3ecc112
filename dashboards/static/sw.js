// The worker of the public pages, at /sw.js: it keeps the last copy of a few of
// them for when there is no network, and shows push messages. What the server
// knows (self.made: files, words, policy) stands in front of this file.
'use strict';
const {files, words, policy, icon, badge, name, push, key} = self.made;
const shelf = 'martinella-1', day = 864e5;
// The subscription that the gateway knows of this browser, as subscribe.js left it.
const drawer = 'martinella-push', place = '/subscribe/push';
// A page is on the screen within four seconds, from the network or from the
// copy: what has not begun to arrive after three is taken from the copy.
const patience = 3000;
// Which pages are kept, for how many days, and how many of them.
const kinds = [
  {path: /^\/$/, days: 7, most: 8}, // one for each language
  {path: /^\/(a|area)\/[\w.-]{1,64}$/, days: 7, most: 20},
  {path: /^\/what-to-do(\/[\w-]{1,64})?$/, days: 180, most: 60},
];
const kindOf = url => url.origin === location.origin && kinds.find(k => k.path.test(url.pathname));
const keyOf = url => {
  const lang = /^[a-z]{2,3}(?![a-z])/i.exec(url.searchParams.get('lang') || '');
  return url.origin + url.pathname + (lang ? '?lang=' + lang[0].toLowerCase() : '');
};
const any = {ignoreVary: true};

// hold keeps a file of ours, whose name changes with what it holds.
const hold = async (c, file) => {
  if (await c.match(file, any)) return;
  const r = await fetch(file, {cache: 'force-cache', credentials: 'omit'});
  if (r.status === 200) await c.put(file, r);
};

const filesOf = html => [...new Set(html.match(/(?<=(href|src)=")\/static\/[\w.-]+(?=")/g))];

// put keeps a page in the place of its last copy, with the files that it needs.
const put = async (url, html, date) => {
  const c = await caches.open(shelf), kind = kindOf(url), key = keyOf(url), lang = /<html lang="([\w-]+)"/.exec(html)?.[1];
  if (!lang) return;
  await c.delete(key, any);
  await c.put(key, new Response(html, {headers: {
    'Content-Type': 'text/html; charset=utf-8', 'Content-Language': lang, 'Content-Security-Policy': policy, 'Referrer-Policy': 'no-referrer', 'X-Content-Type-Options': 'nosniff', Date: date,
  }}));
  await Promise.allSettled(filesOf(html).map(f => hold(c, f)));
  const alike = (await c.keys()).filter(r => kind.path.test(new URL(r.url).pathname));
  for (const r of alike.slice(0, -kind.most)) await c.delete(r, any);
};

// take keeps what the server answered, if it is a page for everybody.
const take = async (url, r) => {
  if (r.status === 404 || r.status === 410) return (await caches.open(shelf)).delete(keyOf(url), any);
  const type = r.headers.get('Content-Type') || '';
  if (r.status !== 200 || r.redirected || !type.startsWith('text/html') || /no-store|private/.test(r.headers.get('Cache-Control'))) return;
  await put(url, await r.text(), r.headers.get('Date') || new Date().toUTCString());
};

// copy is the last copy of a page, which says first that it is one, of when and
// why. One in another language is better than none; one that is too old is worse.
const copy = async (url, why) => {
  const c = await caches.open(shelf), kind = kindOf(url);
  const kept = await c.match(keyOf(url), any) || await c.match(url.origin + url.pathname, {ignoreVary: true, ignoreSearch: true});
  if (!kept || !(Date.now() - Date.parse(kept.headers.get('Date')) <= kind.days * day)) return; // one without a time is too old
  const html = await kept.text(), lang = kept.headers.get('Content-Language');
  const when = /id="when">[^<]*(<time[^>]*>[^<]*<\/time>)/.exec(html)?.[1] || new Date(kept.headers.get('Date')).toLocaleString(lang);
  const said = (words[lang] || Object.values(words)[0])[why].replace('{T}', () => when);
  const mark = '<svg class="mark red" aria-hidden="true"><use href="#s-red"/></svg> ';
  return new Response(html.replace('<div id="notices">', s => s + '<p class="weak" role="note" id="copy">' + mark + said + '</p>')
    .replace(/<(h1|p) id="count"[^>]*>/, s => s + when + ': ').replace('<title>', s => s + when.replace(/<[^>]*>/g, '') + ' – '), {headers: kept.headers});
};

const page = async (e, url) => {
  // The browser's own cache would give what is half a minute old as new.
  const fresh = fetch(e.request, {cache: 'no-cache'});
  e.waitUntil(fresh.then(r => take(url, r.clone())).then(() => renew()).catch(() => 0));
  const answer = await Promise.race([fresh.catch(() => 0), new Promise(done => setTimeout(done, patience, 'slow'))]);
  if (answer && answer !== 'slow' && answer.status < 500) return answer;
  const why = answer === 'slow' ? 'slow' : answer ? 'ill' : 'off', kept = await copy(url, why);
  if (kept) return kept;
  if (answer) return answer === 'slow' ? fresh : answer;
  // An alert that was never opened here: what is known stands on the first page.
  return url.pathname !== '/' && await copy(new URL('/', url), why) ? Response.redirect('/') : Response.error();
};

self.addEventListener('fetch', e => {
  const r = e.request, url = new URL(r.url);
  if (r.method !== 'GET' || url.origin !== location.origin) return;
  if (url.pathname.startsWith('/static/')) e.respondWith(caches.match(r, any).then(kept => kept || fetch(r)));
  else if (r.mode === 'navigate' && kindOf(url) && !url.searchParams.has('part')) e.respondWith(page(e, url));
});

// An open page sends itself after each change: the copy is as new as what was
// seen, and costs nothing.
self.addEventListener('message', e => {
  const url = new URL(e.source.url);
  if (kindOf(url) && typeof e.data === 'string' && e.data.length < 1e6) e.waitUntil(put(url, e.data, new Date().toUTCString()));
});

self.addEventListener('install', e => e.waitUntil((async () => {
  const c = await caches.open(shelf), home = new URL('/', location);
  await Promise.allSettled(files.map(f => hold(c, f)));
  // The page that is open is in the browser's own cache: it is not loaded twice.
  if (!await c.match(keyOf(home), any)) await fetch(home, {cache: 'force-cache', credentials: 'omit'}).then(r => take(home, r)).catch(() => 0);
  await self.skipWaiting();
})()));

// Open pages go on with the files they have: a new worker changes none of them.
// It drops copies of another form, old ones, and files that no copy needs.
self.addEventListener('activate', e => e.waitUntil((async () => {
  for (const other of await caches.keys()) if (other !== shelf && other !== drawer) await caches.delete(other);
  const c = await caches.open(shelf), needed = new Set(files), held = [];
  for (const r of await c.keys()) {
    const url = new URL(r.url), kind = kindOf(url);
    if (url.pathname.startsWith('/static/')) { held.push(r); continue; }
    const kept = await c.match(r, any);
    if (!kind || !kept || !(Date.now() - Date.parse(kept.headers.get('Date')) <= kind.days * day)) await c.delete(r, any);
    else for (const f of filesOf(await kept.text())) needed.add(f);
  }
  for (const r of held) if (!needed.has(new URL(r.url).pathname)) await c.delete(r, any);
  await self.clients.claim();
})()));

// What a push message asks for is written at webpush.Payload.
const ranks = ['Unknown', 'Minor', 'Moderate', 'Severe', 'Extreme'];
const more = (now, before) => ranks.indexOf(now.level) > ranks.indexOf(before.level) || now.action !== before.action || now.areas.some(a => !before.areas.includes(a));
// to is where a touch leads: to a page of ours, whatever the message says.
const to = m => {
  const own = new URL(/^[0-9A-Z]{26}$/.test(m.tag) ? '/a/' + m.tag : '/', location);
  try {
    const url = new URL(m.url || own, location);
    return (url.origin === location.origin ? url : own).href;
  } catch { return own.href; }
};
const show = async m => {
  const before = await self.registration.getNotifications({tag: m.tag});
  if (before.some(n => n.data.revision > m.revision)) return;
  if (m.close) before.forEach(n => n.close());
  await self.registration.showNotification(m.title, {
    body: m.body, tag: m.tag, lang: m.lang, dir: m.dir, icon, badge, timestamp: Date.parse(m.sent) || Date.now(),
    renotify: m.renotify || before.some(n => more(m, n.data)), requireInteraction: m.level === 'Extreme' && !m.close,
    data: {url: to(m), revision: m.revision, level: m.level, action: m.action, areas: m.areas},
  });
};
self.addEventListener('push', e => e.waitUntil((async () => {
  let m;
  try {
    m = e.data.json();
    if (!m.title || !m.tag || !Array.isArray(m.areas)) throw m;
  } catch {
    // A browser takes the right to push from who shows nothing.
    m = {title: name, body: push, tag: 'alert', areas: [], revision: 0, sent: ''};
  }
  await show(m);
})()));

// renew tells the gateway that the browser has another subscription by now: the
// one that it knows proves that it is the same browser. What does not arrive is
// tried again when a page is opened. Where the gateway knows nobody by it, there
// is nothing to say, and nobody to say it to.
const manager = self.registration.pushManager;
const kept = () => caches.match(place, {cacheName: drawer});
const renew = async (before, now) => {
  const has = await kept(), old = has ? await has.json() : before;
  if (!old) return;
  const c = await caches.open(drawer), hold = s => c.put(place, new Response(JSON.stringify(s)));
  if (!has) await hold(old);
  now = now || await manager.getSubscription();
  if (!now || old.endpoint === now.endpoint) return;
  const r = await fetch(place, {method: 'POST', credentials: 'omit', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({subscription: now, old})});
  if (r.ok) await hold(now);
  else if (r.status === 404) await c.delete(place);
};
// Firefox before 137 tells neither the old one nor the new one. Where the browser
// made none, one is made for who did not stop: stopping empties the drawer. Who
// took the permission away gets none.
self.addEventListener('pushsubscriptionchange', e => e.waitUntil((async () => {
  const wanted = await kept();
  await renew(e.oldSubscription, e.newSubscription);
  if (!wanted || !key || e.newSubscription || await manager.getSubscription()) return;
  await manager.subscribe({userVisibleOnly: true, applicationServerKey: Uint8Array.from(atob(key.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0))});
  await renew();
})().catch(() => 0)));
self.addEventListener('notificationclick', e => {
  e.notification.close();
  const at = new URL(e.notification.data.url);
  e.waitUntil((async () => {
    const open = await self.clients.matchAll({type: 'window', includeUncontrolled: true});
    const same = open.find(w => new URL(w.url).pathname === at.pathname);
    return same ? same.focus() : self.clients.openWindow(at.href);
  })());
});
