// Keeps the page live: any message says that something changed; the page then
// fetches its own part and swaps it in. Without this file the page is complete.
(() => {
  'use strict';
  const data = document.body.dataset, $ = id => document.getElementById(id);
  const state = $('state'), nojs = $('nojs');
  let cursor = data.cursor, stopped = '', delay = 2000, retry = 0, broken = 0;
  let due = 0, timer = 0, fetching = false, again = -1, pain = 1000, notBefore = 0;

  const clock = () => new Date().toLocaleTimeString(document.documentElement.lang, {hour: '2-digit', minute: '2-digit'});
  const say = text => { if (state.textContent !== text) state.textContent = text; };
  const around = ms => ms * (0.5 + Math.random()); // what the server's "retry" asks for
  const up = () => { delay = 2000; broken = 0; stopped = ''; nojs.hidden = true; say(data.up); };
  const fell = () => {
    stopped = stopped || clock();
    nojs.hidden = false;
    say(data.down.replace('{T}', stopped));
  };
  // down comes back after a moment that doubles up to a minute, or when the
  // server, which sends its readers away, says so.
  const down = hint => {
    fell();
    clearTimeout(retry);
    if (hint) { retry = 0; setTimeout(open, around(hint * 1000)); return; }
    retry = setTimeout(open, delay * (1 + Math.random()) / 2);
    delay = Math.min(delay * 2, 60000);
  };

  const key = e => e.closest('[data-e]');
  const swap = part => {
    const focus = document.activeElement, card = focus && key(focus);
    const place = card && [...card.querySelectorAll('a,summary')].indexOf(focus);
    const opened = [...document.querySelectorAll('[data-e] details[open]')].map(d => key(d).dataset.e);
    const words = document.querySelector('#map details[open]');
    const known = new Set([...document.querySelectorAll('[data-k]')].map(e => e.dataset.k));
    const seen = new Set([...document.querySelectorAll('[data-seen]')].map(e => e.dataset.seen));
    for (const id of ['notices', 'count', 'alerts', 'map', 'thread', 'when']) {
      const fresh = part.querySelector('#' + id), old = $(id);
      if (fresh && old && old.innerHTML !== fresh.innerHTML) old.replaceWith(fresh);
    }
    document.title = part.dataset.title;
    const heard = [];
    for (const e of document.querySelectorAll('[data-k]')) {
      const d = e.querySelector('details');
      if (d && opened.includes(e.dataset.e)) d.open = true;
      if (known.has(e.dataset.k)) continue;
      e.classList.add('new');
      heard.push(e.querySelector('.kicker').textContent.trim() + ': ' + e.querySelector('h1,h2').textContent.trim());
    }
    for (const e of document.querySelectorAll('[data-seen]')) {
      if (!seen.has(e.dataset.seen)) heard.push(e.closest('li').textContent.trim().replace(/\s+/g, ' '));
    }
    const again = document.querySelector('#map details');
    if (words && again) again.open = true;
    if (heard.length) $('live').textContent = heard.join('. ');
    const back = card && [...document.querySelectorAll('[data-e]')].find(e => e.dataset.e === card.dataset.e);
    if (back && !focus.isConnected) (back.querySelectorAll('a,summary')[place] || back.querySelector('a'))?.focus({preventScroll: true});
  };

  // One fetch at a time; what comes while it runs leads to one more.
  const refetch = async () => {
    timer = 0;
    fetching = true;
    again = -1;
    const u = new URL(location.href);
    u.searchParams.set('part', 'live');
    if (cursor) u.searchParams.set('v', cursor);
    u.searchParams.set('lang', document.documentElement.lang);
    try {
      const r = await fetch(u, {cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout?.(30000)});
      if (r.status === 410) gone();
      else if (!r.ok) throw r.headers.get('Retry-After') * 1000;
      else {
        const part = new DOMParser().parseFromString(await r.text(), 'text/html').getElementById('part');
        if (part) {
          cursor = cursor || part.dataset.cursor;
          swap(part);
        }
        pain = 1000;
      }
    } catch (wait) {
      notBefore = Date.now() + Math.max(wait > 0 ? wait : 0, pain);
      again = pain = Math.min(pain * 2, 60000);
    }
    fetching = false;
    if (again >= 0) soon(again);
  };
  // soon fetches at random within a time, not before the server wants it.
  const soon = within => {
    if (fetching) { again = Math.max(again, within); return; }
    const at = Math.max(Date.now(), notBefore) + Math.random() * within;
    if (timer && due <= at) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(refetch, at - Date.now());
  };

  const element = (name, text, cls) => {
    const e = document.createElement(name);
    if (text) e.textContent = text;
    if (cls) e.className = cls;
    return e;
  };
  const tones = {extreme: 'red', severe: 'org', moderate: 'yel'}, levels = JSON.parse(data.levels);
  const mark = tone => {
    const ns = 'http://www.w3.org/2000/svg', svg = document.createElementNS(ns, 'svg'), use = document.createElementNS(ns, 'use');
    svg.setAttribute('class', 'mark ' + tone);
    svg.setAttribute('aria-hidden', 'true');
    use.setAttribute('href', '#s-' + tone);
    svg.append(use);
    return svg;
  };
  const brief = m => {
    const list = $('cards'), path = '/a/' + m.event;
    if (!list || 'area' in list.dataset || !/^[0-9A-Z]{26}$/.test(m.event) || m.status !== 'Actual' || m.change !== 'issued') return;
    if ([...document.querySelectorAll('[data-e]')].some(e => e.dataset.e === m.event)) return;
    const tone = tones[m.level] || 'mut', li = element('li', '', 'card new ' + tone), k = element('p', '', 'kicker'), h = element('h2'), a = element('a', m.headline);
    a.href = path;
    li.dataset.e = m.event;
    k.append(mark(tone), element('span', levels[m.level] || ''));
    h.append(a);
    li.append(k, h, element('p', m.area));
    list.prepend(li);
  };

  // A page that was just loaded is not loaded again and again; the others do
  // not all come in the same moment.
  const gone = within => {
    cursor = '';
    if (performance.now() > 20000) setTimeout(() => location.reload(), Math.random() * Math.max(within || 0, 5000)); else soon(2000);
  };

  const message = text => {
    let m;
    try { m = JSON.parse(text); } catch { return; }
    if (m.type === 'gone') return gone(m.spread_ms);
    if (m.type === 'hello') { up(); if (m.cursor && m.cursor !== cursor) { cursor = m.cursor; soon(150); } return; }
    if (m.cursor) cursor = m.cursor;
    // What was seen at an event stands on its own page alone.
    if (m.type === 'sitrep' && ![...document.querySelectorAll('[data-e]')].some(e => $('thread') && e.dataset.e === m.event)) return;
    if (m.type === 'alert') {
      // The page of one event does not change by another.
      if (!$('cards') && ![...document.querySelectorAll('[data-e]')].some(e => e.dataset.e === m.event)) return;
      brief(m);
    }
    soon(Math.max(150, m.spread_ms || 0));
  };

  const query = () => '?lang=' + document.documentElement.lang + (cursor ? '&since=' + encodeURIComponent(cursor) : '');
  // Events are for networks that break WebSockets: two failed, and the same
  // address answers a plain request as the feed does (426). A server that is
  // away or refuses is asked again, later.
  const open = async () => {
    retry = 0;
    if (broken < 2) return socket();
    const r = await fetch('/live', {cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout?.(15000)}).catch(() => 0);
    if (r.status === 426) return events();
    broken = 1;
    down(r && +r.headers.get('Retry-After'));
  };
  const socket = () => {
    const ws = new WebSocket(location.origin.replace(/^http/, 'ws') + '/live' + query());
    let greeted = false;
    const silent = setTimeout(() => ws.close(), 20000); // a proxy that opens and passes nothing on
    ws.onmessage = e => { clearTimeout(silent); greeted = true; message(e.data); };
    ws.onclose = e => {
      clearTimeout(silent);
      const hint = (e.code === 1012 || e.code === 1013) && /^retry=(\d{1,4})$/.exec(e.reason);
      if (!greeted && !hint) broken++;
      down(hint && +hint[1]);
    };
  };
  const events = () => {
    const es = new EventSource('/events' + query());
    let lost = true;
    const on = e => { lost = false; message(e.data); };
    for (const name of ['message', 'hello', 'alert', 'gone']) es.addEventListener(name, on);
    // The browser comes back by itself, once, when the server said; then we do.
    es.onerror = () => {
      if (!lost && es.readyState === 0) { lost = true; return fell(); }
      es.close();
      broken = 1;
      down();
    };
  };

  const back = () => {
    if (document.hidden) return;
    soon(0);
    if (retry) { clearTimeout(retry); delay = 2000; open(); }
  };
  document.addEventListener('visibilitychange', back);
  window.addEventListener('online', back);
  open();
})();
