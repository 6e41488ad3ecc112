// The story of an open page, told to the test that started us:
//
//   node story.mjs URL [FOLDER FOR PICTURES]
//
// We open the page with and without JavaScript and say {"open": ...}. For each
// {"headline": ...} on our standard input we wait until the open page shows it,
// look at the page, and say {"shown": ...} with what a person would see.
import { launch, lines, open, say } from "./browser.mjs";

const [url, pictures] = process.argv.slice(2);
const browser = await launch();
const live = await open(browser, url);
const connected = live.page.waitForFunction(() => document.getElementById("state")?.textContent !== "", null, { timeout: 15000 })
  .then(() => true, () => false);
say({ open: true, title: await live.page.title(), live: await connected });

let n = 0;
for await (const { headline } of lines()) {
  n++;
  const began = Date.now();
  const card = live.page.locator("#alerts .card", { hasText: headline }).first();
  let shown = true;
  await card.waitFor({ state: "visible", timeout: 15000 }).catch(() => (shown = false));
  const ms = Date.now() - began;
  // The brief is shown at once; the server's own card (data-k) replaces it
  // after a moment, and is what a screen reader hears.
  const full = live.page.locator("#alerts .card[data-k]", { hasText: headline }).first();
  if (shown) await full.waitFor({ timeout: 15000 }).catch(() => (shown = false));
  const seen = {
    shown, ms,
    title: await live.page.title(),
    count: (await live.page.locator("#count").innerText()).trim(),
    card: shown ? (await full.innerText()).trim() : "",
    sideways: await live.page.evaluate(() => document.documentElement.scrollWidth > innerWidth),
    cookies: (await live.context.cookies()).length,
  };
  if (shown) {
    const href = await full.locator("a[href*='/a/']").first().getAttribute("href");
    const permalink = await open(browser, new URL(href, url).href);
    seen.permalink = (await permalink.page.locator("h1").innerText()).trim();
    seen.permalinkFaults = permalink.faults;
    if (pictures) await permalink.page.screenshot({ path: `${pictures}/alert-${n}.png`, fullPage: true });
    await permalink.context.close();
  }
  const plain = await open(browser, url, { javaScriptEnabled: false });
  seen.withoutScript = (await plain.page.locator("#alerts").innerText()).includes(headline);
  seen.plainFaults = plain.faults;
  if (pictures) {
    await plain.page.screenshot({ path: `${pictures}/nojs-${n}.png`, fullPage: true });
    await live.page.screenshot({ path: `${pictures}/phone-${n}.png`, fullPage: true });
    await live.page.setViewportSize({ width: 1280, height: 900 });
    await live.page.screenshot({ path: `${pictures}/desktop-${n}.png`, fullPage: true });
    await live.page.emulateMedia({ colorScheme: "dark" });
    await live.page.setViewportSize({ width: 390, height: 844 });
    await live.page.screenshot({ path: `${pictures}/dark-${n}.png`, fullPage: true });
    await live.page.emulateMedia({ colorScheme: "light" });
  }
  await plain.context.close();
  seen.faults = live.faults;
  // What is new is told politely, every five seconds at most.
  await live.page.waitForFunction((text) => [...document.querySelectorAll("[role=status],[role=alert]")].some((e) => e.textContent.includes(text)), headline, { timeout: 15000 }).catch(() => {});
  seen.spoken = (await live.page.locator("[role=status],[role=alert]").allTextContents()).join(" ").trim();
  say(seen);
}
await browser.close();
