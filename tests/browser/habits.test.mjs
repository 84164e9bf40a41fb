// What every page keeps to: it is light, it is reached by the keyboard, it shows times as the reader's own.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Person } from './lib/people.mjs';
import { browser, server } from './lib/stage.mjs';
import { Tenant } from './lib/world.mjs';

const FIRST_PAGE = 100 * 1024;
let tenant;

before(async () => {
  tenant = await Tenant.ready(server, 'Green School', 'jo@green-school.example');
});

test('a first page is light, and the next ones bring their text only', async () => {
  const jo = await Person.at(browser, server, 'jo@green-school.example');
  let bytes = 0;
  jo.page.on('requestfinished', async (request) => {
    const sizes = await request.sizes();
    bytes += sizes.responseBodySize + sizes.responseHeadersSize;
  });
  await jo.page.goto('/console', { waitUntil: 'networkidle' });
  assert.ok(bytes > 10_000 && bytes < FIRST_PAGE, `${bytes} bytes`);
  await jo.signInHere();
  bytes = 0;
  await jo.page.goto(tenant.console, { waitUntil: 'networkidle' });
  assert.ok(bytes > 1_000 && bytes < 20_000, `${bytes} bytes`);
});

/** Presses Tab until the focus is where a person wants it. */
async function tabTo(page, name) {
  for (let presses = 0; presses < 60; presses += 1) {
    const focused = await page.evaluate(() => {
      const { activeElement: at } = document;
      return at?.labels?.[0]?.innerText ?? at?.getAttribute('aria-label') ?? at?.innerText ?? '';
    });
    if (focused.trim().startsWith(name)) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`the keyboard does not reach "${name}"`);
}

test('the keyboard is enough, from the sign-in to a new link', async () => {
  const jo = await Person.at(browser, server, 'jo@green-school.example');
  const { page } = jo;
  await page.goto('/console');
  await tabTo(page, 'E-mail address');
  await page.keyboard.type(jo.address);
  await page.keyboard.press('Enter');
  await page.getByLabel('Code').waitFor();
  await tabTo(page, 'Code');
  await page.keyboard.type(await jo.code());
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Green School' }).waitFor();

  // The first Tab offers to pass the menu by.
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.innerText), 'Skip to the content');
  await tabTo(page, 'Enrollment');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Enrollment', exact: true }).waitFor();
  await tabTo(page, 'For whom, which group, which devices');
  await page.keyboard.press('Enter');
  await tabTo(page, 'Make the link');
  await page.keyboard.press('Enter');
  await page.getByLabel('Address to copy').waitFor();
});

test('times are the reader’s own, with UTC where the mouse rests; without JavaScript they are in UTC', async () => {
  const jo = await Person.at(browser, server, 'jo@green-school.example', { timezoneId: 'Asia/Tokyo' });
  await jo.signIn(`${tenant.console}/settings/members`);
  const time = jo.page.locator('main time').first();
  const [shown, hovered, exact] = [await time.innerText(), await time.getAttribute('title'), await time.getAttribute('datetime')];
  const local = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone: 'Asia/Tokyo' }).format(new Date(exact));
  assert.ok(shown.endsWith(local), `${shown} ends with ${local}`);
  assert.match(hovered, /UTC$/);

  const plain = await Person.at(browser, server, 'jo@green-school.example', { javaScriptEnabled: false });
  await plain.signIn(`${tenant.console}/settings/members`);
  assert.match(await plain.page.locator('main time').first().innerText(), /UTC$/);
});
