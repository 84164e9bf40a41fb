// The certificate's year: the first one, its renewal, and the Replacement that would silence devices.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from './lib/inspect.mjs';
import { Person } from './lib/people.mjs';
import { PortalPage } from './lib/portal.mjs';
import { browser, server } from './lib/stage.mjs';
import { Tenant } from './lib/world.mjs';

const JO = 'jo@green-school.example';

/** Saves what a link downloads, as a person would. */
async function download(page, name) {
  const waiting = page.waitForEvent('download');
  await page.getByRole('button', { name }).or(page.getByRole('link', { name })).click();
  const file = await waiting;
  return { path: await file.path(), name: file.suggestedFilename() };
}

async function request(page) {
  await page.getByLabel('Country').fill('DE');
  await page.getByRole('button', { name: 'Make the request' }).click();
  return download(page, 'Download the request');
}

async function upload(page, certificate) {
  await page.getByLabel('Certificate from Apple').setInputFiles(certificate);
  await page.getByRole('button', { name: 'Upload and review' }).click();
}

for (const javaScriptEnabled of [true, false]) {
  test(`the first certificate, from sign-in to active, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async () => {
    const who = javaScriptEnabled ? JO : 'nora@plain-school.example';
    const olga = await Person.at(browser, server, 'operator@pomarium.example', { javaScriptEnabled });
    await olga.signIn();
    await olga.page.getByLabel('Name of the organization').fill('Green School');
    await olga.page.getByLabel('E-mail address of its first administrator').fill(who);
    await olga.page.getByRole('button', { name: 'Create' }).click();

    const jo = await Person.at(browser, server, who, { javaScriptEnabled });
    const { page } = jo;
    await jo.signIn();
    const shot = (name) => (javaScriptEnabled ? inspect(page, name) : undefined);
    await shot('first-home');
    await page.getByRole('main').getByRole('link', { name: 'push certificate' }).first().click();
    await shot('certificate-1-request');
    const { path, name } = await request(page);
    assert.equal(name, 'APNSPushCert.csr');
    await shot('certificate-2-portal');

    const portal = await PortalPage.open(jo);
    const certificate = await portal.create(path);
    await page.bringToFront();
    await upload(page, certificate);
    await shot('certificate-4-review');
    await page.getByRole('button', { name: 'Activate' }).click();
    await page.getByText('It ends in 36').waitFor();
    await shot('certificate-active');
    assert.deepEqual(jo.complaints, []);
    assert.deepEqual(olga.complaints, []);
  });
}

test('a year later it is renewed, and a Replacement is stopped', async () => {
  const tenant = await Tenant.ready(server, 'Blue School', 'lu@blue-school.example');
  const ipad = await tenant.device("Lena's iPad");
  await server.pass('340d');
  const lu = await Person.at(browser, server, 'lu@blue-school.example');
  const { page } = lu;
  await lu.signIn();
  await inspect(page, 'home-ending');
  await page.goto(`${tenant.console}/push-certificate`);
  const name = (await page.locator('dd', { hasText: 'APSP:' }).innerText()).replace('APSP:', '');
  await page.getByRole('button', { name: 'Renew it' }).click();
  const { path } = await request(page);

  // Lu chooses Create, where it had to be Renew.
  const portal = await PortalPage.open(lu);
  await upload(page, await portal.create(path));
  await page.getByText('Replacement').first().waitFor();
  await inspect(page, 'certificate-4-replacement');
  await page.getByLabel('Type the number of devices').fill('0');
  await page.getByRole('button', { name: 'Replace the active certificate' }).click();
  await page.getByRole('alert').filter({ hasText: 'This is a Replacement' }).waitFor();
  await inspect(page, 'certificate-5-refused');
  await page.getByRole('button', { name: 'Discard this upload' }).click();

  await upload(page, await portal.renew(name, path));
  await page.getByText('Renewal').first().waitFor();
  await inspect(page, 'certificate-4-renewal');
  await page.getByRole('button', { name: 'Activate' }).click();
  await page.getByText('It ends in 36').waitFor();

  // The device still answers.
  await page.goto(`${tenant.console}/devices/${ipad.udid}`);
  await page.locator('summary', { hasText: 'Restart' }).click();
  await page.getByRole('button', { name: 'Restart' }).click();
  await page.getByText('Answered a command').first().waitFor();
  assert.deepEqual(lu.complaints, []);
});
