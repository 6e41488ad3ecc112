// What the browser tests share: the system's Chromium with everything that
// would call home switched off, and a page that reports what must not happen.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const binary = process.env.CHROMIUM ||
  ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

export async function launch() {
  if (!binary) {
    console.log(JSON.stringify({ skip: "chromium is not installed" }));
    process.exit(0);
  }
  const browser = await chromium.launch({
    executablePath: binary,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
  say({ ready: true });
  return browser;
}

// open gives a page of its own context. faults fills with console errors,
// uncaught exceptions and requests to other hosts.
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: "it-IT", timezoneId: "Europe/Rome", ...options });
  const page = await context.newPage();
  const faults = [];
  const host = new URL(url).host;
  page.on("console", (m) => m.type() === "error" && faults.push("console: " + m.text()));
  page.on("pageerror", (e) => faults.push("exception: " + e.message));
  page.on("request", (r) => {
    const to = new URL(r.url());
    if (to.protocol !== "data:" && to.host !== host) faults.push("request to " + to.host);
  });
  const answer = await page.goto(url, { waitUntil: "load" });
  if (!answer.ok()) faults.push(`${url} answered ${answer.status()}`);
  return { context, page, faults };
}

export function say(event) {
  console.log(JSON.stringify(event));
}

// lines gives what the test writes to our standard input, one JSON object each.
export async function* lines() {
  let rest = "";
  for await (const chunk of process.stdin) {
    rest += chunk;
    for (let end; (end = rest.indexOf("\n")) >= 0; rest = rest.slice(end + 1)) yield JSON.parse(rest.slice(0, end));
  }
}
