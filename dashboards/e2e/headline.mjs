// When a headline is on the screen of an open page, told to the benchmark that
// started us:
//
//   node headline.mjs URL
//
// We open the page, wait until it follows the feed, and say {"open": ...}. For
// every new headline we say {"headline", "dom", "painted"}: when it was in the
// document, and when the frame that shows it was made, both in milliseconds
// since 1970. With {"say": "faults"} on our standard input we say what went
// wrong in the browser.
import { launch, lines, open, say } from "./browser.mjs";

const [url] = process.argv.slice(2);
const browser = await launch();
const { page, faults } = await open(browser, url);
await page.exposeFunction("shown", (headline, dom, painted) => say({ headline, dom, painted }));
await page.evaluate(() => {
  const known = new Set(), now = () => performance.timeOrigin + performance.now();
  const look = () => {
    const dom = now();
    for (const e of document.querySelectorAll(".card h2")) {
      const headline = e.textContent.trim();
      if (known.has(headline)) continue;
      known.add(headline);
      // The frame is made after the callbacks of requestAnimationFrame; a
      // message that one of them sends comes after it.
      requestAnimationFrame(() => {
        const after = new MessageChannel();
        after.port1.onmessage = () => window.shown(headline, dom, now());
        after.port2.postMessage(0);
      });
    }
  };
  look();
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
});
const live = await page.waitForFunction(() => document.getElementById("state")?.textContent !== "", null, { timeout: 30000 }).then(() => true, () => false);
say({ open: true, live });
for await (const { say: what } of lines()) if (what === "faults") say({ faults });
await browser.close();
