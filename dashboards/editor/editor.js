// The map on which staff draw an area. It has no background but the outlines of
// the authority's own areas and asks nobody else for anything. The form stays
// the truth: the map shows the boxes of the areas and the lines of the field
// `shapes`, and writes into them; whoever has no mouse uses those.
import L from 'leaflet';
import {TerraDraw, TerraDrawCircleMode, TerraDrawModeUndoRedo, TerraDrawPolygonMode, TerraDrawRenderMode, TerraDrawSelectMode, ValidateNotSelfIntersecting} from 'terra-draw';
import {TerraDrawLeafletAdapter} from 'terra-draw-leaflet-adapter';
import {read, write} from './shapes.js';
import './editor.css';

const root = document.getElementById('drawing'), words = root.dataset;
const field = document.getElementById('shapes'), areas = document.getElementById('areas');
const box = document.getElementById('drawing-map'), said = document.getElementById('drawing-said');
const button = name => root.querySelector('[data-do=' + name + ']');
const say = text => { if (said.textContent !== text) said.textContent = text; };

// A pane's place is set on the element: the page's policy refuses the style
// sheet that the adapter would make.
class Adapter extends TerraDrawLeafletAdapter {
  createPaneStyleSheet(name, zIndex) {
    const pane = this._map.createPane(name);
    pane.style.zIndex = zIndex + 600;
    return pane;
  }
}

const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
const map = L.map(box, {attributionControl: false, zoomControl: false, scrollWheelZoom: false, doubleClickZoom: false, zoomSnap: 0.25, fadeAnimation: !calm, zoomAnimation: !calm, inertia: !calm});
L.control.zoom({zoomInTitle: words.zoomIn, zoomOutTitle: words.zoomOut}).addTo(map);
map.setView([0, 0], 2);
map.on('focus', () => map.scrollWheelZoom.enable()).on('blur', () => map.scrollWheelZoom.disable());

const css = getComputedStyle(document.documentElement);
const colour = (name, other) => {
  const value = css.getPropertyValue(name).trim().replace(/^#(.)(.)(.)$/, '#$1$1$2$2$3$3');
  return /^#[0-9a-f]{6}$/i.test(value) ? value : other;
};
const line = colour('--link', '#1b4965'), paper = colour('--bg', '#ffffff');
const points = kind => ({[kind + 'PointColor']: paper, [kind + 'PointOutlineColor']: line, [kind + 'PointWidth']: 7, [kind + 'PointOutlineWidth']: 3});
const inside = {fillColor: line, fillOpacity: 0.25, outlineColor: line, outlineWidth: 4};
// While corners are set the sides may cross; the finished shape may not.
const whole = (feature, {updateType}) => updateType === 'finish' ? ValidateNotSelfIntersecting(feature) : {valid: true};
const draw = new TerraDraw({
  adapter: new Adapter({lib: L, map, coordinatePrecision: 6}),
  undoRedo: {modeLevel: new TerraDrawModeUndoRedo()},
  modes: [
    new TerraDrawRenderMode({modeName: 'choose', styles: {}}),
    new TerraDrawPolygonMode({pointerDistance: 20, validation: whole, styles: {...inside, ...points('closing')}}),
    new TerraDrawCircleMode({styles: inside}),
    new TerraDrawSelectMode({
      pointerDistance: 20,
      styles: {
        selectedPolygonColor: line, selectedPolygonFillOpacity: 0.4, selectedPolygonOutlineColor: line, selectedPolygonOutlineWidth: 5,
        ...points('selection'), ...points('midPoint'), midPointWidth: 5, midPointColor: line, midPointOutlineColor: paper, midPointOutlineWidth: 2,
      },
      flags: {
        polygon: {feature: {draggable: true, coordinates: {midpoints: true, draggable: true, deletable: true}}, validation: ValidateNotSelfIntersecting},
        circle: {feature: {draggable: true, coordinates: {resizable: 'center'}}},
      },
    }),
  ],
});
draw.start();

// The lines of the field, each with the feature that shows it; those that are no
// shape have none and stay as they are.
let lines = [], undone = [], selected = null, busy = false, last = '';

const fill = () => {
  last = lines.map(l => l.text + '\n').join('');
  if (field.value === last) return;
  field.value = last;
  busy = true;
  field.dispatchEvent(new Event('input', {bubbles: true}));
  busy = false;
};
const buttons = () => {
  button('undo').disabled = !draw.canUndo() && undone.length === 0;
  button('delete').disabled = selected === null;
  button('finish').disabled = draw.getModeState() !== 'drawing';
};
const remember = () => { undone = [...undone.slice(-49), field.value]; };

// follow shows the field's lines: what is shown already stays.
const follow = () => {
  if (busy || field.value === last) return;
  last = field.value;
  const before = lines.filter(l => l.id !== undefined), fresh = [];
  lines = field.value.split('\n').map(t => t.trim()).filter(Boolean).map(text => {
    const i = before.findIndex(l => l.text === text);
    if (i >= 0) return before.splice(i, 1)[0];
    const feature = read(text), one = {text};
    if (feature) {
      one.id = feature.id = draw.getFeatureId();
      fresh.push(feature);
    }
    return one;
  });
  busy = true;
  const gone = before.map(l => l.id);
  if (selected !== null && gone.includes(selected)) draw.deselectFeature(selected);
  if (gone.length) draw.removeFeatures(gone);
  if (fresh.length) {
    const refused = new Set(draw.addFeatures(fresh).filter(r => !r.valid).map(r => r.id));
    for (const l of lines) if (refused.has(l.id)) delete l.id;
  }
  busy = false;
  const bad = lines.filter(l => l.id === undefined).length;
  say(bad ? words.unread.replace('{n}', bad) : '');
  buttons();
};

draw.on('finish', (id, context) => {
  const feature = draw.getSnapshotFeature(id);
  if (!feature || feature.geometry.type !== 'Polygon') return;
  remember();
  const text = write(feature), known = lines.find(l => l.id === id);
  if (known) known.text = text;
  else lines.push({text, id});
  fill();
  say(context.action === 'draw' ? words.drawn : words.changed);
  buttons();
});
draw.on('change', (ids, type) => {
  if (type === 'delete' && !busy && lines.some(l => ids.includes(l.id))) {
    remember();
    lines = lines.filter(l => l.id === undefined || !ids.includes(l.id));
    fill();
    say(words.deleted);
  }
  buttons();
});
draw.on('select', id => { selected = id; buttons(); });
draw.on('deselect', () => { selected = null; buttons(); });
draw.on('history', buttons);

const mode = name => {
  draw.setMode(name);
  root.classList.toggle('choosing', name === 'choose');
  for (const b of root.querySelectorAll('[data-mode]')) b.setAttribute('aria-pressed', String(b.dataset.mode === name));
  say(words[name] || '');
  buttons();
};
for (const b of root.querySelectorAll('[data-mode]')) b.addEventListener('click', () => mode(b.dataset.mode));
button('finish').addEventListener('click', () => {
  // The library ends a shape by this key.
  for (const kind of ['keydown', 'keyup']) box.dispatchEvent(new KeyboardEvent(kind, {key: 'Enter'}));
  if (draw.getModeState() === 'drawing') say(words.crossing);
  buttons();
});
button('undo').addEventListener('click', () => {
  if (draw.getModeState() === 'drawing' && draw.canUndo()) draw.undo();
  else if (undone.length) {
    field.value = undone.pop();
    follow();
    fill();
    field.dispatchEvent(new Event('input', {bubbles: true}));
    say(words.undone);
  }
  buttons();
});
button('delete').addEventListener('click', () => {
  const id = selected;
  if (id === null) return;
  draw.deselectFeature(id);
  draw.removeFeatures([id]);
});
field.addEventListener('input', follow);
field.form.addEventListener('filled', () => { follow(); paint(); });

// The authority's areas: a click is a tick in the list, and the other way round.
const zones = new Map();
const boxOf = code => [...areas.querySelectorAll('input[name=code]')].find(e => e.value === code);
const paint = () => {
  for (const [code, {layer, name}] of zones) {
    const has = !!boxOf(code)?.checked;
    layer.getElement()?.classList.toggle('chosen', has);
    layer.setTooltipContent((has ? '✓ ' : '') + name);
  }
  names();
};
// Names that would stand over others are hidden: those of ticked areas stay
// first, and a pointer over an area shows its own.
const names = pointed => {
  const kept = [], order = [...zones.values()].sort((a, b) => rank(b, pointed) - rank(a, pointed));
  for (const {layer} of order) {
    const label = layer.getTooltip().getElement();
    if (!label) continue;
    const r = label.getBoundingClientRect();
    const over = kept.some(k => r.left < k.right && k.left < r.right && r.top < k.bottom && k.top < r.bottom);
    label.classList.toggle('covered', over);
    if (!over) kept.push(r);
  }
};
const rank = (zone, pointed) => zone.layer === pointed ? 2 : zone.layer.getElement()?.classList.contains('chosen') ? 1 : 0;
map.on('zoomend resize', () => names());
// A long list shows only what is ticked: the others get their box here.
const boxFor = (code, name) => {
  const p = document.createElement('p'), input = document.createElement('input'), label = document.createElement('label');
  p.className = 'pick';
  Object.assign(input, {type: 'checkbox', name: 'code', id: 'a-' + code, value: code});
  label.htmlFor = input.id;
  label.textContent = name;
  p.append(input, label);
  let picks = areas.querySelector('.group .picks') || areas.querySelector(':scope > .picks');
  if (!picks) {
    picks = document.createElement('div');
    picks.className = 'picks';
    root.before(picks);
  }
  picks.append(p);
  return input;
};
areas.addEventListener('change', e => { if (e.target.name === 'code') paint(); });

const show = async () => {
  try {
    const answer = await fetch(words.areas);
    if (!answer.ok || answer.redirected) throw new Error(answer.status);
    const outlines = await answer.json();
    const layer = L.geoJSON(outlines, {
      style: () => ({className: 'zone', weight: 2, fillOpacity: 1}),
      onEachFeature: ({properties: {code, name}}, one) => {
        const text = name.replace(/[&<>]/g, c => '&#' + c.charCodeAt() + ';'); // a label is HTML
        one.bindTooltip(text, {permanent: true, direction: 'center', opacity: 1, className: 'zone-name'});
        zones.set(code, {layer: one, name: text});
        one.on('mouseover', () => names(one)).on('mouseout', () => names());
        one.on('click', () => { if (draw.getMode() === 'choose') (boxOf(code) || boxFor(code, name)).click(); });
      },
    }).addTo(map);
    if (outlines.left) say(words.left.replace('{n}', outlines.left));
    let bounds = layer.getBounds();
    for (const l of lines) for (const [lon, lat] of draw.getSnapshotFeature(l.id)?.geometry.coordinates[0] || []) bounds = bounds.extend([lat, lon]);
    if (bounds.isValid()) map.fitBounds(bounds, {padding: [10, 10], maxZoom: 15, animate: false});
    paint();
  } catch { say(words.failed); }
  root.dataset.ready = '';
};
new ResizeObserver(() => map.invalidateSize({animate: false})).observe(box); // opened, turned, made larger
mode('choose');
follow();
show();
