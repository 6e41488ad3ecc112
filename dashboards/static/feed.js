// Keeps the page live: any message says that something changed; the page then
// fetches its own part and swaps it in. Without this file the page is complete.
(() => {
  'use strict';
  const data = document.body.dataset, $ = id => document.getElementById(id);
  const state = $('state'), nojs = $('nojs'), pause = $('pause'), workers = navigator.serviceWorker;
  let cursor = data.cursor, etag = '', stopped = '', polled = false, held = '', news = false, delay = 2000, retry = 0, broken = 0, drop;
  let due = 0, timer = 0, fetching = false, again = -1, pain = 1000, notBefore = 0, turn = 0;
  const made = document.querySelector('#when time').dateTime, zone = Date.parse(made.slice(0, 19) + 'Z') - Date.parse(made);
  let fresh = Date.parse(made); // when what stands here was known to hold

  // Times are the authority's, as everywhere on the page.
  const clock = at => {
    const near = Math.abs(Date.now() - at) < 432e5, day = near ? {} : {day: 'numeric', month: 'numeric'};
    return new Date(at + zone).toLocaleString(document.documentElement.lang, {hour: '2-digit', minute: '2-digit', timeZone: 'UTC', ...day});
  };
  const show = () => {
    const bad = !!(held || stopped && !polled);
    const words = (held ? news ? data.news : data.held : !stopped ? data.up : polled ? data.late : navigator.onLine ? data.down : data.off)
      .replace('{T}', held || stopped).replace('{D}', clock(fresh));
    if (state.textContent !== words) state.textContent = words;
    $('line').classList.toggle('stale', bad);
    nojs.hidden = !stopped || polled;
    pause.hidden = bad && !held && document.activeElement !== pause;
  };
  const around = ms => ms * (0.5 + Math.random()); // what the server's "retry" asks for
  // A page without a socket asks every half minute; one with a socket seldom,
  // because a dead one looks like a quiet one. Hidden ones and those that save
  // data ask less.
  const next = () => {
    clearTimeout(turn);
    turn = setTimeout(() => { next(); soon(0); }, (stopped ? 20000 : 200000) * (navigator.connection?.saveData ? 4 : 1) * (document.hidden ? 10 : 1) * (1 + Math.random()));
  };
  const up = () => {
    delay = 2000;
    broken = 0;
    stopped = '';
    polled = false;
    show();
    next();
    if ($('copy')) soon(0);
  };
  const fell = () => {
    if (!stopped) {
      stopped = clock(Date.now());
      next();
    }
    polled = false;
    show();
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

  const element = (name, text, cls) => {
    const e = document.createElement(name);
    if (text) e.textContent = text;
    if (cls) e.className = cls;
    return e;
  };
  // What is read out is said politely at most every five seconds, so that
  // nothing is cut off; only a new red alert may break in.
  let heard = [], said = 0;
  const line = (...parts) => [...parts.flatMap((e, i) => {
    const span = element('span', e.textContent.trim().replace(/\s+/g, ' ')), other = e.querySelector('[lang]');
    if (other && other.textContent === e.textContent) span.lang = other.lang;
    return i ? [': ', span] : [span];
  }), '. '];
  const tell = () => { said = Date.now(); $('live').replaceChildren(...heard.splice(0)); };
  const hear = parts => {
    const waits = heard.length, left = said + 5000 - Date.now();
    heard.push(...parts);
    if (!waits && heard.length) if (left > 0) setTimeout(tell, left); else tell();
  };

  const key = e => e.closest('[data-e]');
  const swap = part => {
    const focus = document.activeElement, card = focus && key(focus);
    const place = card && [...card.querySelectorAll('a,summary')].indexOf(focus);
    const opened = [...document.querySelectorAll('[data-e] details[open]')].map(d => key(d).dataset.e);
    const map = document.querySelector('#map details[open]');
    const known = new Set([...document.querySelectorAll('[data-k]')].map(e => e.dataset.k));
    const red = new Set([...document.querySelectorAll('.red[data-k]')].map(e => e.dataset.e));
    const seen = new Set([...document.querySelectorAll('[data-seen]')].map(e => e.dataset.seen));
    for (const id of ['notices', 'count', 'alerts', 'map', 'thread', 'when']) {
      const fresh = part.querySelector('#' + id), old = $(id);
      if (fresh && old && old.innerHTML !== fresh.innerHTML) old.replaceWith(fresh);
    }
    document.title = part.dataset.title;
    const words = [];
    for (const e of document.querySelectorAll('[data-k]')) {
      const d = e.querySelector('details');
      if (d && opened.includes(e.dataset.e)) d.open = true;
      if (known.has(e.dataset.k)) continue;
      e.classList.add('new');
      const what = line(e.querySelector('.kicker'), e.querySelector('h1,h2'));
      if (e.matches('.red') && !e.querySelector('.ex') && !red.has(e.dataset.e)) $('alarm').replaceChildren(...what); else words.push(...what);
    }
    for (const e of document.querySelectorAll('[data-seen]')) {
      if (!seen.has(e.dataset.seen)) words.push(...line(e.closest('li')));
    }
    hear(words);
    const again = document.querySelector('#map details');
    if (map && again) again.open = true;
    const back = card && [...document.querySelectorAll('[data-e]')].find(e => e.dataset.e === card.dataset.e);
    if (back && !focus.isConnected) (back.querySelectorAll('a,summary')[place] || back.querySelector('a'))?.focus({preventScroll: true});
  };

  // The worker keeps the page as it stands now, for when there is no network.
  const keep = () => {
    const worker = workers?.controller;
    if (!worker || stopped && !polled || held) return;
    data.cursor = cursor;
    const copy = document.documentElement.cloneNode(true), all = copy.querySelectorAll('#state,#live,#alarm,.new');
    for (const e of all) if (e.id) e.textContent = ''; else e.classList.remove('new');
    worker.postMessage('<!doctype html>' + copy.outerHTML);
  };

  // One fetch at a time; what comes while it runs leads to one more.
  const refetch = async () => {
    timer = 0;
    fetching = true;
    again = -1;
    const u = new URL(location.href);
    u.searchParams.set('part', 'live');
    if (cursor) u.searchParams.set('v', cursor);
    if (!u.searchParams.has('lang')) u.searchParams.set('bare', 1);
    u.searchParams.set('lang', document.documentElement.lang);
    try {
      const r = await fetch(u, {cache: 'no-store', credentials: 'omit', headers: etag ? {'If-None-Match': etag} : {}, signal: AbortSignal.timeout?.(30000)});
      if (r.status === 410) gone();
      else if (!r.ok && r.status !== 304) throw r.headers.get('Retry-After') * 1000;
      else {
        const part = r.ok && new DOMParser().parseFromString(await r.text(), 'text/html').getElementById('part');
        if (part || !r.ok) {
          fresh = Date.now();
          polled = !!stopped;
        }
        if (part) {
          etag = r.headers.get('ETag');
          cursor = polled && part.dataset.cursor || cursor || part.dataset.cursor;
          swap(part);
          show();
          keep();
        } else show();
        pain = 1000;
      }
    } catch (wait) {
      // Without any answer the socket is dead too, though it does not know.
      if (stopped) fell(); else if (wait instanceof Error) drop?.();
      // A network that comes back is used at once, a server is given its time.
      if (!(wait instanceof Error)) notBefore = Date.now() + Math.max(wait > 0 ? wait : 0, pain);
      again = pain = Math.min(pain * 2, 60000);
    }
    fetching = false;
    if (again >= 0) soon(again);
  };
  // soon fetches at random within a time, not before the server wants it.
  const soon = within => {
    if (held) return;
    if (fetching) { again = Math.max(again, within); return; }
    const at = Math.max(Date.now(), notBefore) + Math.random() * within;
    if (timer && due <= at) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(refetch, at - Date.now());
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
    a.href = path + (new URL(location.href).searchParams.has('lang') ? '?lang=' + document.documentElement.lang : '');
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
    if (stopped || m.type === 'hello') up();
    const moved = m.cursor && m.cursor !== cursor;
    if (moved) cursor = m.cursor;
    if (m.type === 'hello') {
      if (!moved && !timer && !fetching) fresh = Date.now();
      if (!moved) return;
      if (held) { news = true; show(); }
      return soon(150);
    }
    // What was seen at an event stands on its own page alone.
    if (m.type === 'sitrep' && ![...document.querySelectorAll('[data-e]')].some(e => $('thread') && e.dataset.e === m.event)) return;
    if (m.type === 'alert') {
      // The page of one event does not change by another.
      if (!$('cards') && ![...document.querySelectorAll('[data-e]')].some(e => e.dataset.e === m.event)) return;
      // Nobody pauses a new red alert away.
      if (held && m.level === 'extreme' && m.status === 'Actual' && m.change === 'issued') pause.click();
      if (!held) brief(m);
    }
    if (held) { news = true; show(); }
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
    drop = () => { fell(); ws.close(); };
    const silent = setTimeout(() => ws.close(), 20000); // a proxy that opens and passes nothing on
    ws.onmessage = e => { clearTimeout(silent); greeted = true; message(e.data); };
    ws.onclose = e => {
      clearTimeout(silent);
      drop = 0;
      const hint = (e.code === 1012 || e.code === 1013) && /^retry=(\d{1,4})$/.exec(e.reason);
      if (!greeted && !hint) broken++;
      down(hint && +hint[1]);
    };
  };
  const events = () => {
    const es = new EventSource('/events' + query());
    let lost = true, greeted = false;
    const silent = setTimeout(() => drop(), 20000);
    drop = () => {
      clearTimeout(silent);
      es.close();
      drop = 0;
      broken = 1;
      down();
      if (!greeted) soon(5000); // nothing but asking is left
    };
    const on = e => { clearTimeout(silent); lost = false; greeted = true; message(e.data); };
    for (const name of ['message', 'hello', 'alert', 'gone']) es.addEventListener(name, on);
    // The browser comes back by itself, once, when the server said; then we do.
    es.onerror = () => {
      if (!lost && es.readyState === 0) { lost = true; return fell(); }
      drop();
    };
  };

  const back = () => {
    next();
    pain = 1000;
    if (document.hidden) return;
    soon(0);
    if (retry) { clearTimeout(retry); delay = 2000; open(); }
  };
  document.addEventListener('visibilitychange', back);
  window.addEventListener('online', back);
  window.addEventListener('offline', () => { if (drop) drop(); else fell(); });
  pause.onclick = () => {
    held = held ? '' : clock(Date.now());
    news = false;
    [pause.textContent, pause.dataset.other] = [pause.dataset.other, pause.textContent];
    show();
    soon(0);
  };
  if (workers) {
    workers.addEventListener('controllerchange', keep);
    window.addEventListener('load', () => (window.requestIdleCallback || setTimeout)(() => workers.register('/sw.js').catch(() => 0)));
  }
  if ($('copy')) fell(); else pause.hidden = false;
  open();
})();
