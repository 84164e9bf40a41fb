// Signing in by an organization's own provider, with what browsers allow forms, redirects and cookies.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { inspect } from './lib/inspect.mjs';
import { Person } from './lib/people.mjs';
import { browser, server } from './lib/stage.mjs';
import { Tenant } from './lib/world.mjs';

let provider;

after(async () => {
  provider?.stdin.end();
});

async function startProvider(redirectUri) {
  const script = new URL('openid.mjs', import.meta.url).pathname;
  const now = String(Math.floor(Date.now() / 1000));
  provider = spawn(process.execPath, [script, redirectUri, now], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [issuer] = await once(createInterface({ input: provider.stdout }), 'line');
  return issuer;
}

test('an administrator sets the provider, signs in by it, and insists on it', async () => {
  const tenant = await Tenant.create(server, 'Green School', 'jo@green-school.example');
  const jo = await Person.at(browser, server, 'jo@green-school.example');
  const { page } = jo;
  const settings = `${tenant.console}/settings/sign-in`;
  await page.goto(settings);
  await jo.signInHere();
  await inspect(page, 'settings-sign-in-none');
  const issuer = await startProvider(await page.locator('ol code').innerText());
  const fill = async () => {
    await page.getByLabel('Issuer').fill(issuer);
    await page.getByLabel('Client ID').fill('pomarium');
    await page.getByLabel('Client secret').fill('correct horse: battery & staple');
    await page.getByRole('button', { name: 'Try and save' }).click();
  };
  await fill();
  await page.getByText('Saved: the provider answers as it should.').waitFor();
  await inspect(page, 'settings-sign-in');
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();

  await page.goto(settings);
  await page.getByRole('button', { name: 'Sign in with 127.0.0.1' }).waitFor();
  await inspect(page, 'sign-in-by-provider');
  await page.getByRole('button', { name: 'Sign in with 127.0.0.1' }).click();
  await page.getByLabel('Name').fill('jo');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(`${server.url}${settings}`);
  await page.getByLabel('Mailed codes no longer open this organization').check();
  await page.getByRole('button', { name: 'Try and save' }).click();
  await page.getByText('Do not open this organization').waitFor();

  // A code opens it no more.
  const mailed = await Person.at(browser, server, 'jo@green-school.example');
  await mailed.page.goto('/console/sign-in');
  await mailed.signInHere();
  await mailed.page.getByText('Your organization signs in with').waitFor();
  assert.equal(await mailed.page.getByRole('link', { name: 'Have a code mailed instead' }).count(), 0);

  // Who gives up at the provider comes back to a page that says so.
  await mailed.page.getByRole('button', { name: 'Sign in with 127.0.0.1' }).click();
  await mailed.page.getByLabel('Name').fill('nobody');
  await mailed.page.getByRole('button', { name: 'Sign in' }).click();
  await mailed.page.getByText('did not let you in, or you cancelled').waitFor();
  await inspect(mailed.page, 'sign-in-refused');
  assert.deepEqual([...jo.complaints, ...mailed.complaints].filter((text) => !text.includes(issuer)), []);
});
