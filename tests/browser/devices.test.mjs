// A device's life as its administrator sees it: enrolled by the link, locked, silent, back again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from './lib/inspect.mjs';
import { Person } from './lib/people.mjs';
import { browser, server } from './lib/stage.mjs';
import { until } from './lib/until.mjs';
import { Tenant } from './lib/world.mjs';

test('a device is enrolled by a link, locked, and its answer arrives by itself', async () => {
  const tenant = await Tenant.create(server, 'Green School', 'jo@green-school.example');
  await tenant.certify();
  const jo = await Person.at(browser, server, 'jo@green-school.example');
  const { page } = jo;
  await jo.signIn();
  await page.getByRole('link', { name: 'Enrollment', exact: true }).click();
  await inspect(page, 'enrollment-without-authority');
  await page.getByRole('button', { name: 'Make the authority' }).click();
  await page.getByRole('button', { name: 'Make the link' }).click();
  await inspect(page, 'enrollment-link');
  const link = await page.getByLabel('Address to copy').inputValue();

  // The device's user opens it.
  const user = await Person.at(browser, server, 'nobody@example.org', { viewport: { width: 390, height: 800 } });
  await user.page.goto(link);
  await inspect(user.page, 'enroll-landing');

  const [devices] = await Promise.all([
    jo.context.waitForEvent('page'),
    page.getByRole('link', { name: 'enroll a simulated device' }).click(),
  ]);
  await devices.getByLabel('Enrollment link').fill(link);
  await devices.getByLabel('Name (optional)').fill("Lena's iPad");
  await devices.getByRole('button', { name: 'Enroll a device' }).click();
  await devices.getByText('enrolled').first().waitFor();

  await page.bringToFront();
  await page.getByRole('link', { name: 'Devices', exact: true }).click();
  await page.getByRole('link', { name: "Lena's iPad" }).click();
  // Out of reach, so that the command is seen waiting before it is answered.
  await page.waitForURL(/devices\/[^/]+$/);
  const udid = page.url().split('/').at(-1);
  await server.call(`/_local/devices/${udid}/sleep`, { method: 'POST' });
  const lock = page.locator('details', { has: page.getByText('Lock the screen', { exact: true }) });
  await lock.locator('summary').click();
  await lock.getByLabel('Message').fill('Please bring me back to room 12');
  await lock.getByRole('button').click();
  await page.getByRole('button', { name: 'Cancel all that waits' }).waitFor();
  await server.call(`/_local/devices/${udid}/wake`, { method: 'POST' });
  // Nobody touches the page.
  await page.getByText('Nothing waits for this device.').waitFor();
  await page.getByText('Answered a command').first().waitFor();
  await inspect(page, 'device-locked');
  const shown = await server.call('/_local/devices');
  assert.match(JSON.stringify(shown), /DeviceLock/);
  assert.deepEqual([...jo.complaints, ...user.complaints], []);
});

test('to erase a device, its name is typed', async () => {
  const tenant = await Tenant.ready(server, 'Red School', 'mo@red-school.example');
  const ipad = await tenant.device("Ada's iPad");
  const mo = await Person.at(browser, server, 'mo@red-school.example');
  const { page } = mo;
  await mo.signIn();
  await page.goto(`${tenant.console}/devices/${ipad.udid}`);
  const erase = page.locator('details', { has: page.getByText('Erase', { exact: true }) });
  await erase.locator('summary').first().click();
  await erase.getByLabel(/Type/).fill('the other iPad');
  await erase.getByRole('button').click();
  await page.getByRole('alert').getByText("This device is called \"Ada's iPad\".").waitFor();
  await inspect(page, 'device-erase-refused');
  const { commands } = await tenant.call(`/enrollments/${ipad.udid}/commands`);
  assert.deepEqual(commands, []);
});

test('a device falls silent, becomes inactive, and is unlocked when it is back', async () => {
  const tenant = await Tenant.ready(server, 'Blue School', 'lu@blue-school.example');
  const ipad = await tenant.device("Tim's iPad");
  // With all devices silent it would look like an outage of ours, and none would become inactive.
  await tenant.device("Ida's iPad");
  await server.call(`/_local/devices/${ipad.udid}/sleep`, { method: 'POST' });
  const lu = await Person.at(browser, server, 'lu@blue-school.example');
  const { page } = lu;
  await lu.signIn();
  await page.goto(`${tenant.console}/silence`);
  await page.getByLabel('A device becomes inactive after').selectOption({ index: 1 });
  await page.getByRole('button', { name: 'Try it: whom would it hit?' }).click();
  await inspect(page, 'silence-preview');
  await page.getByRole('button', { name: 'Save the rule' }).click();

  // Hour by hour, because each sweep asks the device again before it concludes anything.
  const isInactive = async () => (await tenant.call(`/enrollments/${ipad.udid}`)).state === 'inactive';
  let hours = 0;
  do {
    assert.ok((hours += 1) < 48, 'it became inactive within two days');
    await server.pass('1h');
    await server.run('inactivity-sweeper');
  } while (!(await until(isInactive, 300)));
  await page.goto(`${tenant.console}/silence`);
  await lu.signInHere();
  await page.getByText('Inactive', { exact: true }).waitFor();
  await inspect(page, 'silence-inactive');
  await server.call(`/_local/devices/${ipad.udid}/wake`, { method: 'POST' });
  await page.reload();
  await page.getByRole('button', { name: /^Unlock/ }).click();
  await page.getByText('Locked since').waitFor({ state: 'detached' });
  assert.deepEqual(lu.complaints, []);
});
