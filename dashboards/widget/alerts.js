// <martinella-alerts src="https://allerta.comune.example" area="099001" lang="it" level="severe" calm every="30">
//
// A strip of the alerts that hold, for any site. It sets no cookie, loads nothing
// but /feed.json of src, and writes what comes from there as text alone. A strict
// policy of the site needs script-src and connect-src with src; no style-src.
(() => {
  'use strict';
  const words = /*WORDS*/{};
  const shapes = /*SHAPES*/{};
  const own = new URL(document.currentScript?.src || location.href).origin;
  const style = `:host{display:block;--t:#455b71;--ink:#17324d;--bg:#fff;--line:#c5d0da;--red:#b3092f;--org:#d07000;--yel:#f2c200;--grn:#006b4f;--mut:#455b71;--og:#fff;font:1rem/1.35 system-ui,sans-serif;color:var(--ink)}
:host([hidden]){display:none}
@media(prefers-color-scheme:dark){:host{--ink:#eaf1f7;--bg:#0b1620;--line:#3a4f63;--red:#e5173f;--org:#ff9a2e;--grn:#4fd0a5;--mut:#b4c4d3;--og:#000}}
a{--g:#fff;display:flex;gap:.6em;align-items:center;box-sizing:border-box;min-height:2.75rem;padding:.4em .8em;margin:0 0 .3em;border:2px solid var(--line);border-inline-start:.7em solid var(--t);border-radius:6px;color:var(--ink);background:var(--bg);text-decoration:none;overflow-wrap:anywhere}
a:hover{text-decoration:underline}a:focus-visible{outline:3px solid var(--ink);outline-offset:2px}
.red{--t:var(--red)}.org{--t:var(--org);--g:#000}.yel{--t:var(--yel);--g:#000}.grn{--t:var(--grn);--g:var(--og)}.mut{--t:var(--mut);--g:var(--bg)}
svg{flex:none;width:1.7em;height:1.7em;overflow:visible;fill:var(--t);stroke:var(--ink);stroke-width:1.2}.g{fill:var(--g);stroke:none}
p{margin:.2em 0;padding:.2em .8em;font-size:.88em;color:var(--mut);background:var(--bg)}p:empty{display:none}
@media(forced-colors:active){svg{forced-color-adjust:none}}`;
  const tones = {extreme: 'red', severe: 'org', moderate: 'yel'}, order = ['extreme', 'severe', 'moderate', 'minor', 'unknown'], most = 5;
  const element = (name, text, cls) => {
    const e = document.createElement(name);
    if (text) e.textContent = text;
    if (cls) e.className = cls;
    return e;
  };
  const mark = tone => {
    const ns = 'http://www.w3.org/2000/svg', svg = document.createElementNS(ns, 'svg');
    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('aria-hidden', 'true');
    shapes[tone].forEach((d, i) => {
      const p = document.createElementNS(ns, 'path');
      p.setAttribute('d', d);
      if (i) p.setAttribute('class', 'g');
      svg.append(p);
    });
    return svg;
  };

  class MartinellaAlerts extends HTMLElement {
    static observedAttributes = ['src', 'area', 'lang', 'level', 'calm'];
    #list = element('div');
    #state = element('p');
    #shown = '';
    #last = null;
    #timer = 0;
    #failures = 0;
    #run = 0;

    constructor() {
      super();
      const root = this.attachShadow({mode: 'open'}), sheet = new CSSStyleSheet();
      sheet.replaceSync(style);
      root.adoptedStyleSheets = [sheet];
      this.#list.setAttribute('aria-live', 'polite');
      this.#state.setAttribute('role', 'status');
      root.append(this.#list, this.#state);
    }

    connectedCallback() { this.#again(); document.addEventListener('visibilitychange', this.#back); }
    disconnectedCallback() { clearTimeout(this.#timer); this.#run++; document.removeEventListener('visibilitychange', this.#back); }
    attributeChangedCallback() { if (this.isConnected) this.#again(); }

    #back = () => { if (!document.hidden) this.#again(); };
    #again() { clearTimeout(this.#timer); this.#look(++this.#run); }
    get #words() { const tag = (this.lang || document.documentElement.lang || 'it').slice(0, 2).toLowerCase(); return words[tag] || words.en; }
    get #tag() { return this.#words === words.en && !(this.lang || document.documentElement.lang || '').startsWith('en') ? 'en' : (this.lang || document.documentElement.lang || 'it').slice(0, 2).toLowerCase(); }
    get #site() {
      try {
        const u = new URL(this.getAttribute('src') || own);
        return u.protocol === 'https:' || u.protocol === 'http:' ? u.origin : own;
      } catch { return own; }
    }
    #clock(t) { return t.toLocaleTimeString(this.#tag, {hour: '2-digit', minute: '2-digit'}); }
    #home() { return this.#site + '/?lang=' + this.#tag; }

    async #look(run) {
      const u = new URL('/feed.json', this.#site);
      u.searchParams.set('lang', this.#tag);
      for (const name of ['area', 'level']) if (this.getAttribute(name)) u.searchParams.set(name, this.getAttribute(name));
      try {
        // no-cache asks with the ETag of what the browser has, without a preflight.
        const r = await fetch(u, {cache: 'no-cache', credentials: 'omit', referrerPolicy: 'no-referrer', signal: AbortSignal.timeout?.(15000)});
        if (run !== this.#run) return;
        if (!r.ok) throw r.status;
        const feed = await r.json();
        if (run !== this.#run) return;
        if (feed._stale) throw 503;
        this.#show(feed);
        this.#last = new Date();
        this.#failures = 0;
        this.#state.textContent = '';
      } catch {
        if (run !== this.#run) return;
        this.#failures++;
        this.#stale();
      }
      const every = Math.max(10, +this.getAttribute('every') || 30) * 1000;
      this.#timer = setTimeout(() => document.hidden ? 0 : this.#look(run), Math.min(every * 2 ** this.#failures, Math.max(every, 300000)) * (0.75 + Math.random() / 2));
    }

    #stale() {
      const w = this.#words;
      if (this.#last) { this.#state.textContent = w.stopped.replace('{T}', this.#clock(this.#last)); return; }
      // Nothing was ever read: the reader gets the way to the page.
      this.#shown = '';
      this.#list.replaceChildren(this.#strip('mut', this.#home(), w.away, '', ''));
    }

    #strip(tone, url, lead, headline, lang) {
      const a = element('a', '', tone), span = element('span');
      a.href = url;
      a.target = '_blank';
      a.rel = 'noopener';
      span.append(element('b', lead));
      if (headline) {
        const h = element('span', headline);
        if (lang) h.lang = lang;
        span.append(' ', h);
      }
      a.append(mark(tone), span);
      return a;
    }

    #show(feed) {
      const w = this.#words, site = this.#site;
      if (!this.hasAttribute('role')) this.setAttribute('role', 'region');
      if (!this.hasAttribute('aria-label')) this.setAttribute('aria-label', w.label.replace('{N}', String(feed.title)));
      const rank = i => (i._alert.exercise ? 10 : 0) + Math.max(0, order.indexOf(i._alert.severity));
      const now = feed.items.filter(i => i._alert && (i._alert.standing === 'active' || i._alert.standing === 'lapsed')).sort((a, b) => rank(a) - rank(b));
      const strips = now.slice(0, most).map(i => {
        const tone = tones[i._alert.severity] || 'mut', m = /\/a\/([0-9A-Z]{26})$/.exec(i.url);
        const lead = (i._alert.exercise ? w.exercise + ' - ' : '') + i._alert.level + (i._alert.standing === 'lapsed' ? ' (' + w.lapsed + ')' : '');
        return this.#strip(tone, m ? site + '/a/' + m[1] + '?lang=' + this.#tag : this.#home(), lead, i._alert.headline, i.language);
      });
      if (now.length > most) strips.push(this.#strip('mut', this.#home(), w.more.replace('{N}', now.length - most)));
      const calm = this.hasAttribute('calm') && !this.getAttribute('level') && !feed._stale && !now.some(i => !i._alert.exercise);
      if (calm) strips.push(this.#strip('grn', this.#home(), w.calm.replace('{T}', this.#clock(new Date()))));
      // The clock of the calm strip is not read out again and again.
      const key = JSON.stringify([this.#tag, site, calm, now.map(i => [i.id, i._alert, i.language])]);
      if (key === this.#shown) {
        if (calm) this.#list.lastElementChild.querySelector('b').textContent = w.calm.replace('{T}', this.#clock(new Date()));
        return;
      }
      this.#shown = key;
      this.#list.replaceChildren(...strips);
    }
  }
  if (!customElements.get('martinella-alerts')) customElements.define('martinella-alerts', MartinellaAlerts);
})();
