// Finds in which areas the reader is. The position stays in this browser: the
// outlines of all areas are fetched, whoever asks, and compared here.
(() => {
  'use strict';
  const box = document.getElementById('near'), said = document.getElementById('near-said'), list = document.getElementById('near-list');
  if (!box || !navigator.geolocation || !window.isSecureContext) return;
  box.hidden = false;

  // Even-odd rule: how often a line to the east crosses the ring.
  const inRing = (x, y, ring) => {
    let inside = false;
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [xi, yi] = ring[i], [xj, yj] = ring[j];
      if (yi > y !== yj > y && x < (xj - xi) * (y - yi) / (yj - yi) + xi) inside = !inside;
    }
    return inside;
  };
  const position = () => new Promise((done, failed) => {
    navigator.geolocation.getCurrentPosition(done, failed, {enableHighAccuracy: true, timeout: 30000, maximumAge: 60000});
  });

  document.getElementById('near-go').addEventListener('click', async () => {
    list.replaceChildren();
    said.textContent = box.dataset.wait;
    let shapes;
    try {
      const r = await fetch(box.dataset.shapes, {credentials: 'omit'});
      if (!r.ok) throw r.status;
      shapes = (await r.json()).features;
    } catch {
      said.textContent = box.dataset.failed;
      return;
    }
    let at;
    try {
      at = (await position()).coords;
    } catch {
      said.textContent = box.dataset.off;
      return;
    }
    for (const f of shapes) {
      if (!f.geometry.coordinates.some(p => inRing(at.longitude, at.latitude, p[0]))) continue;
      const li = document.createElement('li'), a = document.createElement('a');
      a.href = '/area/' + encodeURIComponent(f.properties.code);
      a.textContent = f.properties.name;
      li.append(a);
      list.append(li);
    }
    said.textContent = (list.children.length ? box.dataset.found : box.dataset.none).replace('{N}', Math.ceil(at.accuracy));
  });
})();
