// A small service worker for tests: it does with a message of this channel what
// the documentation of webpush.Payload asks for, and tells the test what is
// shown then.
'use strict';

const ranks = ['Unknown', 'Minor', 'Moderate', 'Severe', 'Extreme'];

// more reports whether a message says more than the one that was shown before.
function more(now, before) {
  return ranks.indexOf(now.level) > ranks.indexOf(before.level) || now.action !== before.action || now.areas.some((a) => !before.areas.includes(a));
}

async function show(message) {
  const before = await self.registration.getNotifications({ tag: message.tag });
  if (before.some((n) => n.data.revision > message.revision)) {
    return { ring: false, dropped: true };
  }
  if (message.close) {
    before.forEach((n) => n.close());
  }
  const ring = message.renotify || before.some((n) => more(message, n.data));
  await self.registration.showNotification(message.title, {
    body: message.body, tag: message.tag, lang: message.lang, dir: message.dir, renotify: ring, data: message,
  });
  return { ring, dropped: false };
}

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('push', (event) => event.waitUntil((async () => {
  const tell = (path, body) => fetch(path, { method: 'POST', body: JSON.stringify(body) });
  try {
    const message = event.data.json();
    const done = await show(message);
    const shown = (await self.registration.getNotifications()).map((n) => ({
      title: n.title, body: n.body, tag: n.tag, lang: n.lang, dir: n.dir, revision: n.data.revision,
    }));
    await tell('/shown', { message, shown, ...done });
  } catch (error) {
    await tell('/failed', String(error));
  }
})()));
