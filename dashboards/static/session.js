// Says two minutes before the session ends, and keeps it when asked to. What
// was typed stays where it is. Tabs of one browser tell each other.
const line = document.querySelector("[data-session]");
if (line) {
  const warning = document.querySelector("[data-session-warning]");
  const say = (name) => {
    for (const p of warning.querySelectorAll("[data-say]")) p.hidden = p.dataset.say !== name;
    stay.hidden = name !== "soon";
    warning.hidden = name === "";
  };
  const stay = warning.querySelector("button");
  const tabs = "BroadcastChannel" in window ? new BroadcastChannel("martinella-session") : null;
  let ends, last, said = "";
  const set = (seconds, isLast) => { ends = Date.now() + seconds * 1000; last = isLast; };
  set(Number(line.dataset.session), line.hasAttribute("data-last"));
  tabs?.postMessage([Number(line.dataset.session), last]);
  tabs?.addEventListener("message", (e) => { set(...e.data); look(); });
  const look = () => {
    const left = ends - Date.now();
    const now = left <= 0 ? "over" : left > 120000 ? "" : last ? "last" : "soon";
    if (now !== said) say(said = now);
  };
  stay.addEventListener("click", async () => {
    stay.disabled = true;
    try {
      const answer = await fetch("/console/stay" + location.search, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}", redirect: "error" });
      if (!answer.ok) throw new Error("refused");
      const kept = await answer.json();
      set(kept.seconds, kept.last);
      line.querySelector("time").textContent = kept.until;
      tabs?.postMessage([kept.seconds, kept.last]);
      look();
    } catch {
      if (navigator.onLine) say(said = "over");
    }
    stay.disabled = false;
  });
  setInterval(look, 1000);
  addEventListener("pageshow", look);
}
