// Subscribes this browser to push messages, with the areas, severity and
// language that the form of the page says. Without this file the page is
// complete but for that.
(() => {
  'use strict';
  const $ = id => document.getElementById(id), box = $('push'), form = $('choices');
  if (!box || !form) return;
  const data = box.dataset, start = $('push-start'), stop = $('push-stop'), own = $('push-own');
  const say = text => { $('push-state').textContent = text; };
  const apple = /iP(hone|ad|od)/.test(navigator.userAgent) || navigator.platform === 'MacIntel' && navigator.maxTouchPoints > 1;
  const installed = navigator.standalone || matchMedia('(display-mode: standalone)').matches;
  if (!('serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window)) {
    if (apple && !installed) $('ios').hidden = false; // only from the home screen, since iOS 16.4
    return;
  }
  box.hidden = false;

  const key = () => Uint8Array.from(atob(data.key.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0));
  const same = (a, b) => a && a.byteLength === b.length && new Uint8Array(a).every((v, i) => v === b[i]);
  const post = async (path, subscription) => {
    const said = new FormData(form);
    const r = await fetch(path, {method: 'POST', credentials: 'omit', headers: {'Content-Type': 'application/json'},
      body: JSON.stringify({subscription, where: said.get('where'), areas: said.getAll('area'), severity: said.get('severity'), language: said.get('language')})});
    if (!r.ok) throw new Error(r.status);
    return r;
  };
  // For the worker, which tells the gateway when the browser renews it.
  const keep = async sub => {
    try {
      if (!sub) return await caches.delete('martinella-push');
      await (await caches.open('martinella-push')).put('/subscribe/push', new Response(JSON.stringify(sub)));
    } catch { /* where nothing may be kept, a subscription works until it ends */ }
  };
  const on = subscribed => { stop.hidden = !subscribed; };
  const busy = async act => {
    start.disabled = stop.disabled = true;
    say('');
    try { await act(); } catch { say(data.failed); }
    start.disabled = stop.disabled = false;
  };

  start.addEventListener('click', () => busy(async () => {
    const said = new FormData(form);
    if (said.get('where') !== 'all' && !said.getAll('area').length) return say(data.areas);
    if (await Notification.requestPermission() !== 'granted') return say(data.denied);
    await navigator.serviceWorker.register('/sw.js');
    const manager = (await navigator.serviceWorker.ready).pushManager;
    let sub = await manager.getSubscription();
    if (sub && !same(sub.options.applicationServerKey, key())) { // of another key: it gets nothing any more
      await sub.unsubscribe();
      sub = null;
    }
    sub = sub || await manager.subscribe({userVisibleOnly: true, applicationServerKey: key()});
    own.href = (await (await post('/subscribe/push', sub.toJSON())).json()).own;
    own.hidden = false;
    await keep(sub);
    on(true);
    say(data.started);
  }));

  stop.addEventListener('click', () => busy(async () => {
    const sub = await (await navigator.serviceWorker.ready).pushManager.getSubscription();
    if (sub) {
      await post('/subscribe/push/stop', sub.toJSON());
      await keep(); // first: the worker makes a new one for who wants it
      await sub.unsubscribe();
    }
    own.hidden = true;
    on(false);
    say(data.stopped);
  }));

  navigator.serviceWorker.getRegistration('/').then(r => r && r.pushManager.getSubscription()).then(sub => on(!!sub)).catch(() => {});
})();
