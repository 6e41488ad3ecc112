// The whole story of the console, told to the test that started us: two people
// come in, one writes an exercise, the other approves it, both watch it; then an
// update, and a cancellation in two taps.
//
//   node first.mjs LINK SCRIPTS [FOLDER FOR PICTURES]
//
// LINK is that of the first administrator. SCRIPTS is "yes": passkeys of a
// virtual authenticator, a wide screen, the page for new alerts; or "no": without
// JavaScript, password and code, a telephone, the button of the guide.
//
// Each step is a line {"step", "ms"}; the last one is {"done", ...}.
import { createHmac } from "node:crypto";
import { launch, open, say } from "./browser.mjs";

const [link, scripts, pictures] = process.argv.slice(2);
const js = scripts === "yes";
const site = new URL(link).origin;
const view = js ? { viewport: { width: 1280, height: 900 } } : { javaScriptEnabled: false };
const browser = await launch();
const faults = [];
let began = Date.now();

function step(name, more = {}) {
  say({ step: name, ms: Date.now() - began, ...more });
  began = Date.now();
}

async function picture(page, name) {
  if (pictures) await page.screenshot({ path: `${pictures}/first-${js ? "wide" : "phone"}-${name}.png`, fullPage: true });
}

// code is the six digits of a seed (RFC 6238), steps from now: each counts once.
function code(seed, steps) {
  let bits = "";
  for (const c of seed.replaceAll(" ", "")) bits += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0");
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const at = Buffer.alloc(8);
  at.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + steps));
  const sum = createHmac("sha1", key).update(at).digest();
  const i = sum[19] & 15;
  return String((sum.readUInt32BE(i) & 0x7fffffff) % 1e6).padStart(6, "0");
}

// join accepts an invitation.
async function join(url, login, name) {
  const person = await open(browser, site + "/", view);
  const { page } = person;
  page.setDefaultTimeout(60000);
  if (js) {
    const cdp = await person.context.newCDPSession(page);
    await cdp.send("WebAuthn.enable");
    await cdp.send("WebAuthn.addVirtualAuthenticator", { options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
  }
  await page.goto(url);
  if (login && await page.locator("#login").count()) {
    await page.fill("#name", name);
    await page.fill("#login", login);
  }
  if (js) await page.click("[data-passkey=create]");
  else {
    await page.click("#accept summary");
    person.seed = await page.locator("#accept details code").innerText();
    for (const id of ["#password", "#again"]) await page.fill(id, "cavallo batteria graffetta");
    await page.fill("#code", code(person.seed, -1));
    await page.click("#accept details button");
  }
  await page.waitForURL(/\/console(\?|$)/);
  return person;
}

// ask sends the draft to the other person.
async function ask(page, name) {
  const tick = page.locator("#ticked");
  if (await tick.count() && !await tick.isChecked()) await tick.check();
  await picture(page, name);
  await page.locator("button[name=do][value=ask]").last().click();
  await page.waitForURL(/\/console\/a\//);
}

// approve is what the second person does, from their first page.
async function approve(page, name) {
  await page.goto(site + "/console");
  await page.click("section[aria-labelledby=h-waiting] a");
  await page.waitForURL(/\/approve/);
  const words = await page.locator("section[aria-labelledby=h-where] strong").first().innerText();
  const n = /mil/.test(words) ? 1000 * parseInt(words.replace(/\D/g, "")) : parseInt(words.replace(/\D/g, "") || "0");
  const order = ["none", "units", "tens", "hundreds", "thousands", "tens-of-thousands"][n ? String(n).length : 0];
  await page.check(`#people-${order}`);
  await page.check("#confirm");
  if (await page.locator("#findings").count()) await page.check("#findings");
  await picture(page, name);
  await page.locator("button.go").click();
  await page.waitForURL((url) => /^\/console\/a\/[^/]+$/.test(url.pathname));
}

// delivered waits until the board says that everything is over.
async function delivered(page) {
  if (js) return page.waitForSelector("#part[data-ended]", { state: "attached" });
  for (const end = Date.now() + 60000; !await page.locator("#part[data-ended]").count();) {
    if (Date.now() > end) throw new Error("never delivered: " + await page.locator("#part").innerText());
    await page.waitForTimeout(100);
    await page.reload();
  }
}

const board = async (page) => (await page.locator("h1").innerText()) + " | " + (await page.locator("#b-sum").innerText());

try {
  const anna = await join(link, "anna", "Anna Rossi");
  step("the first administrator is in", { line: await anna.page.locator(".first-drill").innerText() });

  await anna.page.click("details.menu summary");
  await anna.page.click(".menu a[href^='/console/staff']");
  await anna.page.fill("#name", "Bruno Neri");
  await anna.page.fill("#login", "bruno");
  for (const role of ["author", "approver"]) await anna.page.check("#new-" + role);
  const invite = anna.page.locator("section[aria-labelledby=h-invite]");
  if (js) await invite.locator("[data-prove]").click();
  else {
    await invite.locator("[name=code]").fill(code(anna.seed, 0));
    await invite.locator("button:not([type=button])").click();
  }
  const invitation = (await anna.page.locator(".said code").innerText()).trim();
  step("a second person is invited");
  const bruno = await join(invitation);
  step("the second person is in");

  // From here the clock of the first exercise runs.
  const ready = Date.now();
  if (js) {
    await anna.page.click("nav a[href^='/console/new']");
    if (!await anna.page.isChecked("#mode-Exercise")) await anna.page.click("label[for=mode-Exercise]");
    await picture(anna.page, "new");
    await anna.page.click("button.template[value=flood]");
    await anna.page.waitForURL(/\/console\/draft\//);
    await anna.page.fill("#t0-source", "Sindaca di Valdemo");
    await anna.page.locator("#areas .pick label").first().click();
  } else {
    await anna.page.goto(site + "/console");
    await anna.page.click(".first-drill a");
    await picture(anna.page, "guide");
    await anna.page.click("form[action^='/console/start'] button");
    await anna.page.waitForURL(/\/console\/draft\//);
  }
  await ask(anna.page, "compose");
  step("approval is asked for");
  await approve(bruno.page, "approve");
  step("approved");
  // Her board, which waited, grows the deliveries by itself where scripts run.
  await anna.page.goto(bruno.page.url());
  await Promise.all([delivered(anna.page), delivered(bruno.page)]);
  const toDelivered = Date.now() - ready;
  step("delivered, on both boards", { boards: [await board(anna.page), await board(bruno.page)] });
  await picture(anna.page, "board");

  const headline = (await anna.page.locator("h1").innerText()).replace(/^[^:]*: /, "");
  const card = async () => { // to somebody who comes just now
    const visitor = await open(browser, site + "/?lang=it", view);
    const text = (await visitor.page.locator("#main").innerText()).trim();
    faults.push(...visitor.faults);
    await visitor.context.close();
    return text;
  };
  const first = await card();
  await anna.page.goto(site + "/console/start");
  await picture(anna.page, "guide-after");
  step("on the public page", { headline, card: first, guide: await anna.page.locator("ol.start > li").last().innerText() });

  await anna.page.goto(bruno.page.url());
  await anna.page.click("#b-deeds a.main");
  await anna.page.click("form[action^='/console/new'] button");
  await anna.page.waitForURL(/\/console\/draft\//);
  await anna.page.fill("#t0-changed", "L'acqua è salita di 20 cm.");
  await ask(anna.page, "update");
  await approve(bruno.page, "approve-update");
  await delivered(bruno.page);
  step("updated", { boards: [await board(bruno.page)], card: await card() });

  // Two taps, from the first page: the link, and the button of the page. The
  // reason is asked for on the way; it is counted apart.
  await anna.page.goto(site + "/console");
  const at = Date.now();
  await anna.page.locator(`section[aria-labelledby=h-active] li:has-text(${JSON.stringify(headline)}) a.grave`).first().click();
  let reasons = 0;
  if (!await anna.page.locator("input[name=why]:checked").count()) {
    await anna.page.locator("input[name=why]").first().check();
    reasons++;
  }
  await picture(anna.page, "cancel");
  await anna.page.locator("form button.grave").first().click();
  await anna.page.waitForURL(/said=cancel/);
  await delivered(anna.page);
  const toCancelled = Date.now() - at;
  await picture(anna.page, "cancelled");
  step("cancelled", { boards: [await board(anna.page)], card: await card(), reasons });
  faults.push(...anna.faults, ...bruno.faults);
  say({ done: true, toDelivered, toCancelled, faults });
} catch (e) {
  const pages = browser.contexts().flatMap((c) => c.pages());
  for (const [i, page] of pages.entries()) await picture(page, "lost-" + i).catch(() => {});
  const where = await Promise.all(pages.map(async (p) => p.url().replace(/invite\/.*/, "invite/...") + ": " + (await p.locator("#main").innerText({ timeout: 1000 }).catch(() => "")).slice(0, 700)));
  say({ lost: String(e), where });
}
await browser.close();
