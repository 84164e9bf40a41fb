// Every page of a tenant that lives, and of the operator, as people see it.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { inspect } from './lib/inspect.mjs';
import { Person } from './lib/people.mjs';
import { browser, server } from './lib/stage.mjs';
import { Tenant } from './lib/world.mjs';

let tenant, lena, command, group;

before(async () => {
  tenant = await Tenant.ready(server, 'Green School', 'jo@green-school.example');
  await tenant.member('kim@green-school.example', 'viewer');
  lena = await tenant.device("Lena's iPad");
  const tim = await tenant.device("Tim's iPad");
  await server.call(`/_local/devices/${tim.udid}/sleep`, { method: 'POST' });
  command = await tenant.send(lena.udid, { RequestType: 'DeviceInformation', Queries: ['DeviceName', 'OSVersion', 'SerialNumber'] });
  for (const kind of ['ProfileList', 'InstalledApplicationList', 'CertificateList', 'SecurityInfo']) {
    await tenant.send(lena.udid, { RequestType: kind });
  }
  await tenant.send(tim.udid, { RequestType: 'DeviceLock' });
  // Each page says so, then.
  await tenant.call('/settings/support-access', { method: 'PUT', body: { hours: 1, level: 'viewer' } });
  group = await tenant.call('/groups', { body: { name: 'Class 4b' } });
});

test('a tenant', async (t) => {
  const jo = await Person.at(browser, server, 'jo@green-school.example');
  await jo.page.goto('/console');
  await inspect(jo.page, 'sign-in');
  await jo.signInHere();
  const pages = {
    home: '',
    'push-certificate': '/push-certificate',
    'push-certificate-renew': '/push-certificate?renew=1',
    expirations: '/expirations',
    enrollment: '/enrollment',
    'enrollment-settings': '/enrollment/settings',
    devices: '/devices',
    device: `/devices/${lena.udid}`,
    commands: '/commands',
    'command-raw': '/commands/new?type=raw',
    'command-lock': `/commands/new?type=DeviceLock`,
    command: `/commands/${command.command_uuid}`,
    silence: '/silence',
    settings: '/settings',
    members: '/settings/members',
    'support-access': '/settings/support-access',
    tokens: '/settings/tokens',
    webhooks: '/settings/webhooks',
    groups: '/settings/groups',
    group: `/settings/groups/${group.id}`,
    refresh: '/settings/refresh',
    retention: '/settings/retention',
    organization: '/settings/organization',
    'signing-certificate': '/settings/signing-certificate',
    'audit-log': '/settings/audit-log',
    'device-log': '/settings/device-log',
    missing: '/nothing-here',
  };
  for (const [name, path] of Object.entries(pages)) {
    await t.test(name, async () => {
      await jo.page.goto(tenant.console + path);
      await inspect(jo.page, name);
    });
  }
  await jo.page.goto('/console/sessions');
  await inspect(jo.page, 'sessions');
  assert.deepEqual(jo.complaints, []);
});

test('the operator', async (t) => {
  const olga = await Person.at(browser, server, 'operator@pomarium.example');
  await olga.signIn();
  const pages = {
    tenants: '',
    tenant: `/tenants/${tenant.id}`,
    'vendor-certificates': '/vendor-certificates',
    health: '/health',
    'dead-letters': '/dead-letters',
    operators: '/operators',
    'signing-certificate': '/signing-certificate',
    'audit-log': '/audit-log',
  };
  for (const [name, path] of Object.entries(pages)) {
    await t.test(name, async () => {
      await olga.page.goto(`/console/operator${path}`);
      await inspect(olga.page, `operator-${name}`);
    });
  }
  await olga.page.goto(tenant.console);
  await inspect(olga.page, 'support');
  assert.deepEqual(olga.complaints, []);
});
