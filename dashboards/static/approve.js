// The page of approval: says to the desk that it is really being read, and
// counts down to when its author may issue alone. The page works without.
const opening = document.querySelector("form[data-open]");
const note = document.querySelector("[data-opened]");

async function open() {
  const answer = await fetch(opening.action, { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams(new FormData(opening)) }).catch(() => null);
  if (!answer) return;
  const said = await answer.json().catch(() => ({}));
  if (answer.status === 409 || (answer.ok && said.digest !== opening.elements.digest.value)) return location.reload();
  if (!answer.ok) return void (note.textContent = said.wrong || "");
  opening.hidden = true;
  note.textContent = said.said;
}

if (opening) {
  const seen = () => {
    if (document.visibilityState !== "visible" || document.prerendering) return;
    document.removeEventListener("visibilitychange", seen);
    document.removeEventListener("prerenderingchange", seen);
    open();
  };
  document.addEventListener("visibilitychange", seen);
  document.addEventListener("prerenderingchange", seen);
  seen();
}

for (const timer of document.querySelectorAll("[data-until]")) {
  const wait = Date.parse(timer.dataset.until) - Date.parse(timer.dataset.now);
  const shown = timer.querySelector("[data-left]");
  const began = performance.now();
  const tick = () => {
    const left = Math.max(0, Math.ceil((wait - (performance.now() - began)) / 1000));
    shown.textContent = Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
    if (left) return void setTimeout(tick, 250);
    location.reload();
  };
  tick();
}
