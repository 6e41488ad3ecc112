// Keeps the coordinator's page of a call up to date: each second it asks whether
// anything moved, and swaps the parts that did. A button writes down what a
// volunteer said without leaving the page. Without this file the page is complete,
// with a link to load it again.
const board = document.getElementById("board");
const { stale, out, live, paused, failed } = board.dataset;
const state = document.getElementById("state"), line = document.getElementById("line"), nojs = document.getElementById("nojs"), pause = document.getElementById("pause"), wrong = document.getElementById("failed"), form = document.getElementById("said");
const part = () => document.getElementById("part");
const alarm = document.getElementById("alarm");
let alarmed = part().dataset.alarm, good = part().dataset.at, delay = 1000, timer = 0, busy = false, again = false, still = false, said = 0, later = 0;

// say speaks at most every five seconds, but for what is wrong.
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

const typing = (in_) => { const f = document.activeElement; return in_.contains(f) && f.matches("input,textarea,select") && f.value !== f.defaultValue; };

function swap(fresh) {
  const focus = document.activeElement, name = focus?.dataset?.f || focus?.closest?.("[data-d]")?.dataset.d;
  const open = [...part().querySelectorAll("[data-d][open]")].map((d) => d.dataset.d);
  for (const to of fresh.children) {
    const old = document.getElementById(to.id);
    if (!old || typing(old)) continue; // what is being typed stays
    for (const id of open) to.querySelector(`[data-d="${CSS.escape(id)}"]`)?.setAttribute("open", "");
    if (old.outerHTML !== to.outerHTML) old.replaceWith(to.cloneNode(true));
  }
  document.title = fresh.dataset.title;
  const h1 = document.querySelector("main h1");
  if (h1.textContent !== fresh.dataset.h1) h1.textContent = fresh.dataset.h1;
  if (fresh.dataset.alarm !== alarmed) alarm.textContent = alarmed = fresh.dataset.alarm; // read out at once
  for (const key of ["at", "cursor"]) part().dataset[key] = fresh.dataset[key];
  part().toggleAttribute("data-ended", fresh.hasAttribute("data-ended"));
  if (name && !focus.isConnected) {
    const key = CSS.escape(name), number = name.split(".")[0];
    const back = document.querySelector(`[data-f="${key}"]`) || document.querySelector(`[data-d="${key}"] summary`) || document.querySelector(`#p-${CSS.escape(number)} [data-f]`);
    back?.focus({ preventScroll: true });
  }
}

const soon = (wait) => { clearTimeout(timer); if (!still) timer = setTimeout(renew, wait); };

// One fetch at a time; what comes meanwhile leads to one more.
async function renew() {
  if (busy) { again = true; return; }
  busy = true;
  again = false;
  const to = new URL(location.href);
  to.searchParams.set("part", "live");
  to.searchParams.set("v", part().dataset.cursor);
  to.searchParams.delete("said");
  to.searchParams.set("lang", document.documentElement.lang);
  try {
    const answer = await fetch(to, { cache: "no-store", signal: AbortSignal.timeout(15000) });
    if (answer.redirected) { still = true; say(out, true); busy = false; return; }
    if (answer.status !== 204) {
      const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("part");
      if (!fresh) throw new Error("no part");
      swap(fresh);
      good = fresh.dataset.at; // the server's clock, in the authority's zone
    }
    delay = 1000;
    say(live, false);
  } catch {
    say(stale.replace("{T}", good), true);
    delay = Math.min(delay * 2, 30000);
  }
  busy = false;
  soon(again ? 50 : document.hidden ? 15000 : part().hasAttribute("data-ended") ? 30000 : delay > 1000 ? delay / 2 + Math.random() * delay / 2 : 1000);
}

form.addEventListener("submit", async (e) => {
  const button = e.submitter;
  if (!button) return;
  e.preventDefault();
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true"); // it keeps the focus
  const to = new URL(form.action);
  to.searchParams.set("part", "live");
  wrong.hidden = true;
  try {
    const answer = await fetch(to, { method: "POST", body: new URLSearchParams([[button.name, button.value]]), redirect: "error", signal: AbortSignal.timeout(15000) });
    if (answer.status !== 204) throw new Error("not noted");
  } catch {
    wrong.textContent = failed;
    wrong.hidden = false;
  }
  button.removeAttribute("aria-disabled");
  if (busy) again = true; else { clearTimeout(timer); renew(); }
});

document.title = part().dataset.title;
nojs.hidden = true;
pause.hidden = false;
pause.addEventListener("click", () => {
  still = !still;
  clearTimeout(timer);
  [pause.textContent, pause.dataset.other] = [pause.dataset.other, pause.textContent];
  if (still) say(paused, false); else renew();
});
document.addEventListener("visibilitychange", () => document.hidden || soon(0));
addEventListener("online", () => soon(0));
soon(1000);
