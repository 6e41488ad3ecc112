// Accessibility of every page given, by axe: WCAG 2.0 to 2.2, A and AA, and
// its best practices, on three widths, light and dark.
//
//   node axe.mjs URL URL ...
//
// One JSON line a page and view; "violations" must be empty.
import { AxeBuilder } from "@axe-core/playwright";
import { launch, open, say } from "./browser.mjs";

const browser = await launch();
for (const url of process.argv.slice(2)) {
  for (const width of [320, 390, 1280]) {
    for (const colorScheme of ["light", "dark"]) {
      const { context, page, faults } = await open(browser, url, { viewport: { width, height: 844 }, colorScheme });
      const result = await new AxeBuilder({ page })
        .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
      say({
        url, width, colorScheme, faults,
        sideways: await page.evaluate(() => document.documentElement.scrollWidth > innerWidth),
        violations: result.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`),
      });
      await context.close();
    }
  }
}
await browser.close();
