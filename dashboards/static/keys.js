// Keyboard shortcuts of the console: the links of the list in the page, by
// their keys. Never while somebody writes in a field; their switch is in the
// account of each member, and without it this file is not loaded.
const list = document.getElementById("keys");
const field = "input, textarea, select, [contenteditable], [role=application]";
const follow = {};
for (const a of list.querySelectorAll("a[data-keys]")) follow[a.dataset.keys] = a;
let first = "", timer = 0;

document.addEventListener("keydown", (e) => {
  if (e.defaultPrevented || e.repeat || e.isComposing || e.ctrlKey || e.metaKey || e.altKey || e.key.length !== 1) return;
  if (e.target.closest?.(field) || document.querySelector("dialog[open]")) return;
  const keys = first + e.key.toLowerCase();
  clearTimeout(timer);
  first = "";
  if (keys === "?") {
    list.showModal();
  } else if (keys === "/") {
    const find = [...document.querySelectorAll("[type=search], [data-search]")].find((f) => f.getClientRects().length);
    if (find) find.focus(); else follow["/"].click();
  } else if (follow[keys]) {
    follow[keys].click();
  } else {
    if (Object.keys(follow).some((k) => k.length > 1 && k.startsWith(keys))) {
      first = keys;
      timer = setTimeout(() => { first = ""; }, 1500);
    }
    return;
  }
  e.preventDefault();
});
