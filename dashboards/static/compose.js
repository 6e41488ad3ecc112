// What the page of a draft does beside its form: the preview follows what is
// typed, the draft saves itself, and without a network the browser keeps it.
// Without this file the page is complete; nothing here ever sends an alert.
(() => {
  'use strict';
  const form = document.getElementById('writing'), saved = document.getElementById('saved');
  const words = form.dataset, key = 'draft:' + form.getAttribute('action').split('?')[0];
  const address = part => form.action + (form.action.includes('?') ? '&' : '?') + 'part=' + part;
  const fields = () => new URLSearchParams(new FormData(form));
  const content = () => { const f = fields(); f.delete('revision'); return f.toString(); };
  const say = text => { if (saved.textContent !== text) saved.textContent = text; };
  let kept = content(), shown = kept, leaving = false, busy = false, stopped = false, timer = 0, turn = 0;

  // What was typed in this browser and never saved comes back.
  const local = (() => { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } })();
  const forget = () => { try { localStorage.removeItem(key); } catch { /* there is no storage */ } };
  const remember = () => { try { localStorage.setItem(key, JSON.stringify({text: content(), revision: form.elements.revision.value})); } catch { /* there is no storage */ } };
  const restore = text => {
    const typed = new URLSearchParams(text);
    for (const e of form.elements) {
      if (!e.name || e.type === 'hidden' || e.type === 'submit') continue;
      if (e.type === 'checkbox' || e.type === 'radio') e.checked = typed.getAll(e.name).includes(e.value);
      else if (typed.has(e.name)) e.value = typed.get(e.name);
    }
    form.dispatchEvent(new Event('filled')); // the map for drawing follows
  };
  if (local && local.text !== kept && local.revision === form.elements.revision.value) {
    const before = kept;
    restore(local.text);
    say(words.restored + ' ');
    const drop = document.createElement('button');
    drop.type = 'button';
    drop.className = 'button small';
    drop.textContent = words.drop;
    drop.addEventListener('click', () => { restore(before); forget(); say(''); changed(); });
    saved.append(drop);
  } else if (local) forget();

  // preview shows what the server makes of what is typed; the newest one wins.
  const preview = async () => {
    const text = content(), mine = ++turn, body = fields();
    body.set('do', 'preview');
    try {
      const answer = await fetch(address('live'), {method: 'POST', body});
      if (!answer.ok || mine !== turn) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      shown = text;
      const focus = document.activeElement, id = focus && focus.id, open = [...document.querySelectorAll('#live details')].map(d => d.open);
      for (const name of ['strip', 'live', 'ask']) {
        const fresh = page.getElementById(name), old = document.getElementById(name);
        if (fresh && old && old.innerHTML !== fresh.innerHTML) old.replaceWith(document.importNode(fresh, true));
      }
      document.querySelectorAll('#live details').forEach((d, i) => { d.open = open[i]; });
      if (id && !focus.isConnected) document.getElementById(id)?.focus({preventScroll: true});
    } catch { /* the next change asks again */ }
  };
  const changed = () => {
    remember();
    clearTimeout(timer);
    timer = setTimeout(preview, 300);
  };
  form.addEventListener('input', changed);
  document.addEventListener('change', e => { if (e.target.form === form) changed(); });

  const save = async () => {
    const text = content();
    if (busy || leaving || stopped || text === kept) return;
    busy = true;
    const body = fields();
    body.set('do', 'save');
    try {
      const answer = await fetch(address('saved'), {method: 'POST', body}), said = await answer.json();
      say(said.said);
      if (said.conflict) stopped = true; // the button shows the difference
      if (answer.ok) {
        form.elements.revision.value = said.revision;
        const same = content() === text;
        for (const [name, value] of Object.entries(said.fields || {})) {
          const field = form.elements[name], times = name === 'from' || name === 'until';
          if (field && field.value === body.get(name).replace(/\r\n/g, '\n') && !(times && field === document.activeElement)) field.value = value;
        }
        kept = same ? content() : text;
        if (same) forget(); else remember();
      }
    } catch { say(words.away); }
    busy = false;
  };
  setInterval(save, 5000);

  form.addEventListener('submit', e => {
    if (e.submitter && 'preview' in e.submitter.dataset) { e.preventDefault(); preview(); return; }
    if (busy) { // the revision is about to change
      e.preventDefault();
      const by = e.submitter;
      setTimeout(() => form.requestSubmit(by), 100);
      return;
    }
    if (leaving) { e.preventDefault(); return; }
    leaving = true;
    forget();
  });
  addEventListener('pageshow', () => { leaving = false; });
  addEventListener('beforeunload', e => { if (!leaving && content() !== kept) { remember(); e.preventDefault(); } });
  document.addEventListener('keydown', e => {
    if ((e.ctrlKey || e.metaKey) && e.key === 'Enter' && !e.repeat && form.contains(document.activeElement)) {
      e.preventDefault();
      form.requestSubmit(document.querySelector('[data-ask]'));
    }
  });

  // A filter over the areas, where they are many.
  const areas = [...form.querySelectorAll('.group .pick')];
  if (areas.length > 12) {
    const find = document.createElement('input');
    find.type = 'search';
    find.setAttribute('aria-label', document.querySelector('label[for=places]').textContent);
    find.addEventListener('input', e => {
      e.stopPropagation();
      for (const a of areas) a.hidden = !a.textContent.toLowerCase().includes(find.value.toLowerCase()) && !a.querySelector('input').checked;
    });
    form.querySelector('.group').before(find);
  }
  // The map for drawing is fetched when somebody opens it.
  const drawing = document.getElementById('drawing');
  if (drawing) {
    const fetched = () => {
      if (!drawing.open) return;
      drawing.removeEventListener('toggle', fetched);
      const style = document.createElement('link'), script = document.createElement('script');
      Object.assign(style, {rel: 'stylesheet', href: drawing.dataset.sheet});
      script.src = drawing.dataset.script;
      style.onload = () => document.head.append(script);
      style.onerror = script.onerror = () => {
        document.getElementById('drawing-said').textContent = drawing.dataset.failed;
        style.remove();
        script.remove();
        drawing.addEventListener('toggle', fetched); // the next opening tries again
      };
      document.head.append(style);
    };
    drawing.addEventListener('toggle', fetched);
    drawing.hidden = false;
  }
  if (local && shown !== content()) preview();
})();
