// The contrast of a colour while it is typed: the server judges it, and the same
// block comes back. Without this script the button beside it does the same.
const field = document.querySelector("[data-colour]");
if (field) {
  let timer;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const to = new URL(field.dataset.colour, location.href);
      to.searchParams.set("brand", field.value.trim() || field.placeholder);
      const lang = new URLSearchParams(location.search).get("lang");
      if (lang) to.searchParams.set("lang", lang);
      const answer = await fetch(to).catch(() => null);
      if (answer?.ok) document.getElementById("colour").innerHTML = await answer.text();
    }, 250);
  });
}
