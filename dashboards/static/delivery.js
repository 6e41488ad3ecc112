// Keeps the live board of the console up to date: the server's stream says that
// something moved, the page fetches its live part and swaps what changed in.
// Without this file the page is complete, with a link to load it again.
const board = document.getElementById("board");
const { stale, out, live, progress } = board.dataset;
const state = document.getElementById("state"), line = document.getElementById("line"), nojs = document.getElementById("nojs");
let good = document.getElementById("part").dataset.at, delay = 2000, timer = 0, due = 0, busy = false, again = false, over = false, said = 0, later = 0, stream = null;

// say speaks at most every five seconds.
const say = (text, off) => {
  line.classList.toggle("stale", off);
  nojs.hidden = !off;
  if (state.textContent === text) return;
  clearTimeout(later);
  const wait = said + 5000 - Date.now();
  if (wait > 0 && !off) { later = setTimeout(() => say(text, off), wait); return; }
  said = Date.now();
  state.textContent = text;
};
const stopped = () => say(stale.replace("{T}", good), true);

function swap(part) {
  const focus = document.activeElement, name = focus && (focus.dataset.f || focus.closest("[data-d]")?.dataset.d);
  const open = [...document.querySelectorAll("#part [data-d][open]")].map((d) => d.dataset.d);
  const here = document.getElementById("part");
  let before = null;
  for (const fresh of part.children) {
    const old = document.getElementById(fresh.id), last = before;
    before = fresh.id;
    for (const id of open) fresh.querySelector(`[data-d="${CSS.escape(id)}"]`)?.setAttribute("open", "");
    if (!old) { // what waited was approved: its deliveries begin
      const at = last && document.getElementById(last);
      if (at) at.after(fresh.cloneNode(true)); else here.prepend(fresh.cloneNode(true));
      continue;
    }
    if (old.innerHTML !== fresh.innerHTML) old.replaceWith(fresh.cloneNode(true));
  }
  for (const old of [...here.children]) if (!part.querySelector(":scope > #" + old.id)) old.remove();
  document.title = part.dataset.title;
  const h1 = document.querySelector("main h1");
  if (h1.textContent !== part.dataset.h1) h1.textContent = part.dataset.h1;
  if (name && !focus.isConnected) {
    const back = document.querySelector(`[data-f="${CSS.escape(name)}"]`) || document.querySelector(`[data-d="${CSS.escape(name)}"] summary`);
    back?.focus({ preventScroll: true });
  }
  over = part.hasAttribute("data-ended");
  here.toggleAttribute("data-ended", over);
}

// One fetch at a time; what comes meanwhile leads to one more.
async function renew() {
  timer = 0;
  if (busy) { again = true; return; }
  busy = true;
  again = false;
  const to = new URL(location.href);
  to.searchParams.set("part", "live");
  to.searchParams.delete("said");
  to.searchParams.set("lang", document.documentElement.lang);
  try {
    const answer = await fetch(to, { cache: "no-store", signal: AbortSignal.timeout(15000) });
    if (answer.redirected) { stream?.close(); say(out, true); return; }
    const part = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("part");
    if (!part) throw new Error("no part");
    swap(part);
    good = part.dataset.at; // the server's clock, in the authority's zone
    delay = 2000;
    say(live, false);
    soon(over ? 30000 : 10000);
  } catch {
    stopped();
    soon(delay / 2 + Math.random() * delay / 2);
    delay = Math.min(delay * 2, 30000);
  }
  busy = false;
  if (again) soon(250);
}

function soon(wait) {
  const at = Date.now() + wait;
  if (timer && due <= at) return;
  clearTimeout(timer);
  due = at;
  timer = setTimeout(renew, wait);
}

function follow() {
  stream = new EventSource(progress);
  for (const name of ["state", "change"]) stream.addEventListener(name, () => soon(250));
  stream.addEventListener("end", () => { stream.close(); soon(0); });
  stream.addEventListener("away", () => { stopped(); });
  stream.onerror = () => {
    soon(500 + Math.random() * 1500); // whether the server still answers
    if (stream.readyState !== EventSource.CLOSED) return;
    stream.close();
    setTimeout(() => over || follow(), 5000 + Math.random() * 10000);
  };
}

nojs.hidden = true;
document.addEventListener("visibilitychange", () => document.hidden || soon(0));
window.addEventListener("online", () => soon(0));
soon(10000);
if (!document.getElementById("part").hasAttribute("data-ended")) follow();
