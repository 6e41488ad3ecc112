// Checks the signature of what the page shows: the key of the address beside
// it must have the fingerprint that is printed, must have signed the statement,
// and the statement must say what the page says. Without this file the page is
// complete.
(() => {
  'use strict';
  const bytes = text => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0));
  const hex = buffer => Array.from(new Uint8Array(buffer), b => b.toString(16).padStart(2, '0')).join('');
  const load = async path => {
    const answer = await fetch(path, {cache: 'no-store'});
    if (!answer.ok) throw new Error(answer.status);
    return answer;
  };
  const tidy = text => text.replace(/\s+/g, ' ').trim(), plain = e => tidy(e.textContent);
  const same = (shown, said) => JSON.stringify(shown) === JSON.stringify(said);
  const agrees = (article, said) => {
    const texts = said.texts.filter(t => t.language === article.dataset.tag);
    const sent = said.messages.filter(m => m.language === article.dataset.tag).map(m => tidy(m.text));
    if (!same([...article.querySelectorAll('[data-sent]')].map(plain), sent)) return false;
    const blocks = [...article.querySelectorAll('[data-text]')];
    return blocks.length === texts.length && blocks.every((block, i) => {
      const shown = name => [...block.querySelectorAll(`[data-said=${name}]`)].map(plain);
      return ['event', 'headline', 'where'].every(name => same(shown(name), texts[i][name] ? [texts[i][name]] : [])) &&
        ['description', 'instruction'].every(name => same(shown(name), texts[i][name]));
    });
  };
  const check = async article => {
    const print = article.querySelector('.sign').dataset.print, subtle = window.crypto && crypto.subtle;
    if (!subtle) return 'cannot';
    let der, statement;
    try {
      const pem = await (await load('/.well-known/martinella-key.pem')).text();
      der = bytes(pem.replace(/-----[^-]+-----/g, '').replace(/\s/g, ''));
      statement = await (await load(article.dataset.statement)).json();
    } catch { return 'lost'; }
    try {
      if (hex(await subtle.digest('SHA-256', der)) !== print) return 'key';
      const algorithm = {name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256'};
      const key = await subtle.importKey('spki', der, algorithm, false, ['verify']);
      const signed = new TextEncoder().encode(statement.protected + '.' + statement.payload);
      if (JSON.parse(new TextDecoder().decode(bytes(statement.protected))).alg !== 'ES256') return 'bad';
      if (!await subtle.verify(algorithm, key, bytes(statement.signature), signed)) return 'bad';
      const said = JSON.parse(new TextDecoder().decode(bytes(statement.payload)));
      return said.id === article.dataset.id && agrees(article, said) ? 'good' : 'other';
    } catch { return 'bad'; }
  };
  for (const article of document.querySelectorAll('[data-statement]')) {
    check(article).then(result => {
      const box = article.querySelector('.sign');
      box.classList.add(result === 'good' ? 'good' : result === 'cannot' || result === 'lost' ? 'unknown' : 'wrong');
      box.querySelector('[role=status]').textContent = box.dataset[result];
    });
  }
})();
