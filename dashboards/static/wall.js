// Keeps the wall board up to date: asks for its part again and again, and says
// loudly when that was not answered for ten seconds. Without this file the page
// loads itself every five seconds.
"use strict";
const pace = 500, limit = 10000; // ms: an answer is on the wall within a second
const clock = document.getElementById("clock"), stale = document.getElementById("stale");
const to = new URL(location.href);
to.searchParams.set("part", "live");
to.searchParams.set("lang", document.documentElement.lang);
let tag = "", good = Date.now();

async function look() {
  const began = Date.now();
  try {
    const r = await fetch(to, { cache: "no-store", credentials: "omit", headers: tag ? { "If-None-Match": tag } : {}, signal: AbortSignal.timeout(5000) });
    if (r.status === 404) return location.reload(); // the link has ended
    if (r.status === 200) {
      const part = new DOMParser().parseFromString(await r.text(), "text/html").getElementById("part");
      if (!part) throw r;
      document.getElementById("part").replaceWith(part);
      document.title = part.dataset.title;
      tag = r.headers.get("ETag");
    } else if (r.status !== 304) throw r;
    clock.textContent = r.headers.get("Martinella-Clock") || clock.textContent;
    good = Date.now();
  } catch { /* the next second asks again */ }
  warn();
  setTimeout(look, Math.max(100, pace - (Date.now() - began)));
}

function warn() {
  const late = Date.now() - good > limit;
  if (late && stale.hidden) stale.textContent = stale.dataset.says.replace("{T}", clock.textContent);
  stale.hidden = !late;
}

setInterval(warn, 1000);
look();
