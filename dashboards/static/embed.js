// The strip in a frame stays current: it asks for itself and swaps what changed.
// Unchanged answers have no body (ETag). Without this file it is complete.
(() => {
  'use strict';
  const state = document.getElementById('s'), every = 30000;
  let last = new Date(), wait = every;
  const clock = t => t.toLocaleTimeString(document.documentElement.lang, {hour: '2-digit', minute: '2-digit'});
  const look = async () => {
    if (!document.hidden) {
      try {
        const r = await fetch(location.href, {cache: 'no-cache', credentials: 'omit', signal: AbortSignal.timeout?.(15000)});
        if (!r.ok) throw r.status;
        const fresh = new DOMParser().parseFromString(await r.text(), 'text/html').getElementById('m'), old = document.getElementById('m');
        if (fresh && fresh.innerHTML !== old.innerHTML) old.replaceWith(fresh);
        last = new Date();
        wait = every;
        state.textContent = '';
      } catch {
        state.textContent = document.body.dataset.down.replace('{T}', clock(last));
        wait = Math.min(wait * 2, 300000);
      }
    }
    setTimeout(look, wait * (0.75 + Math.random() / 2));
  };
  document.getElementById('m').setAttribute('aria-live', 'polite');
  setTimeout(look, every * (0.75 + Math.random() / 2));
})();
