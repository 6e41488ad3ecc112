// Shows the photo that was chosen, and keeps a second tap from sending the form
// again. Without this file the form does the same.
(() => {
  'use strict';
  const input = document.getElementById('photo'), shown = document.querySelector('[data-preview=photo]');
  if (!input || !shown) return;
  const reader = new FileReader();
  reader.onload = () => { shown.src = reader.result; shown.hidden = false; };
  input.addEventListener('change', () => {
    shown.hidden = true;
    if (input.files[0]) reader.readAsDataURL(input.files[0]);
  });
  shown.addEventListener('error', () => { shown.hidden = true; });
  let sent = false;
  input.form.addEventListener('submit', e => { if (sent) e.preventDefault(); sent = true; });
  window.addEventListener('pageshow', () => { sent = false; });
})();
