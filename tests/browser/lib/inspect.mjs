// Looks at a page as people do who use it differently: wide and narrow, light and dark, with a screen reader.
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const FOLDER = process.env.SCREENSHOTS ?? new URL('../../../target/screenshots', import.meta.url).pathname;
await mkdir(FOLDER, { recursive: true });

const LOOKS = [
  { name: 'wide', size: { width: 1280, height: 900 }, media: { colorScheme: 'light' } },
  { name: 'narrow', size: { width: 320, height: 640 }, media: { colorScheme: 'dark' } },
];

/** Takes screenshots of the page as it stands, and refuses what axe finds serious and what scrolls sideways. */
export async function inspect(page, name) {
  const before = page.viewportSize();
  const found = [];
  // What the mouse points at has other colours.
  await page.mouse.move(0, 0);
  for (const look of LOOKS) {
    await page.setViewportSize(look.size);
    await page.emulateMedia(look.media);
    await page.screenshot({ path: join(FOLDER, `${name}-${look.name}.png`), fullPage: true, animations: 'disabled' });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > look.size.width) found.push(`${look.name}: ${wide} pixels wide`);
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    for (const { id, impact, help, nodes } of violations) {
      if (!['serious', 'critical'].includes(impact)) continue;
      found.push(`${look.name}: ${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`);
    }
  }
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: 'light' });
  assert.deepEqual(found, [], name);
}
