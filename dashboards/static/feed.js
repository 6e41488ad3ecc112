// Keeps the page live: any message says that something changed; the page then
// fetches its own part and swaps it in. Without this file the page is complete.
(() => {
  'use strict';
  const data = document.body.dataset, $ = id => document.getElementById(id);
  const state = $('state'), nojs = $('nojs');
  let cursor = data.cursor, delay = 1000, sockets = 0, due = 0, timer = 0, stopped = '';

  const clock = () => new Date().toLocaleTimeString(document.documentElement.lang, {hour: '2-digit', minute: '2-digit'});
  const say = text => { if (state.textContent !== text) state.textContent = text; };
  const up = () => { delay = 1000; stopped = ''; nojs.hidden = true; say(data.up); };
  const down = () => {
    stopped = stopped || clock();
    nojs.hidden = false;
    say(data.down.replace('{T}', stopped));
    setTimeout(open, delay * (0.5 + Math.random()));
    delay = Math.min(delay * 2, 60000);
  };

  const key = e => e.closest('[data-e]');
  const swap = part => {
    const focus = document.activeElement, card = focus && key(focus);
    const place = card && [...card.querySelectorAll('a,summary')].indexOf(focus);
    const opened = [...document.querySelectorAll('[data-e] details[open]')].map(d => key(d).dataset.e);
    const words = document.querySelector('#map details[open]');
    const known = new Set([...document.querySelectorAll('[data-k]')].map(e => e.dataset.k));
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
    const again = document.querySelector('#map details');
    if (words && again) again.open = true;
    if (heard.length) $('live').textContent = heard.join('. ');
    const back = card && [...document.querySelectorAll('[data-e]')].find(e => e.dataset.e === card.dataset.e);
    if (back && !focus.isConnected) (back.querySelectorAll('a,summary')[place] || back.querySelector('a'))?.focus({preventScroll: true});
  };

  const refetch = async () => {
    timer = 0;
    const want = cursor, u = new URL(location.href);
    u.searchParams.set('part', 'live');
    if (want) u.searchParams.set('v', want);
    u.searchParams.set('lang', document.documentElement.lang);
    try {
      const r = await fetch(u, {cache: 'no-store', credentials: 'omit'});
      if (r.status === 410) return gone();
      if (!r.ok) throw 0;
      const part = new DOMParser().parseFromString(await r.text(), 'text/html').getElementById('part');
      if (!part) return;
      cursor = cursor || part.dataset.cursor;
      swap(part);
    } catch { soon(5000); }
  };
  const soon = within => {
    const at = Date.now() + Math.random() * within;
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
    if (!list || !/^[0-9A-Z]{26}$/.test(m.event) || m.status !== 'Actual' || m.change !== 'issued') return;
    if ([...document.querySelectorAll('[data-e]')].some(e => e.dataset.e === m.event)) return;
    const tone = tones[m.level] || 'mut', li = element('li', '', 'card new ' + tone), k = element('p', '', 'kicker'), h = element('h2'), a = element('a', m.headline);
    a.href = path;
    li.dataset.e = m.event;
    k.append(mark(tone), element('span', levels[m.level] || ''));
    h.append(a);
    li.append(k, h, element('p', m.area));
    list.prepend(li);
  };

  const gone = () => {
    cursor = '';
    if (performance.now() > 20000) location.reload(); else soon(2000); // a page that was just loaded is not loaded again and again
  };

  const message = text => {
    let m;
    try { m = JSON.parse(text); } catch { return; }
    if (m.type === 'gone') return gone();
    if (m.type === 'hello') { up(); if (m.cursor && m.cursor !== cursor) { cursor = m.cursor; soon(150); } return; }
    if (m.cursor) cursor = m.cursor;
    if (m.type === 'alert') brief(m);
    soon(Math.max(150, m.spread_ms || 0));
  };

  const query = () => '?lang=' + document.documentElement.lang + (cursor ? '&since=' + encodeURIComponent(cursor) : '');
  const open = () => sockets < 2 && 'WebSocket' in window ? socket() : events();
  const socket = () => {
    const ws = new WebSocket(location.origin.replace(/^http/, 'ws') + '/live' + query());
    let greeted = false;
    ws.onmessage = e => { greeted = true; sockets = 0; message(e.data); };
    ws.onclose = () => { if (!greeted) sockets++; down(); };
  };
  const events = () => {
    const es = new EventSource('/events' + query());
    const on = e => message(e.data);
    for (const name of ['message', 'hello', 'alert', 'gone']) es.addEventListener(name, on);
    es.onerror = () => { es.close(); sockets = 0; down(); };
  };

  document.addEventListener('visibilitychange', () => { if (!document.hidden && stopped) { delay = 1000; soon(150); } });
  open();
})();
