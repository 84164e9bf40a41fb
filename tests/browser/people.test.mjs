// Who may see and do what, and what other sites cannot do in somebody's name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from './lib/inspect.mjs';
import { Person } from './lib/people.mjs';
import { browser, server } from './lib/stage.mjs';
import { Tenant } from './lib/world.mjs';

test('an expiry mail is followed to the page that helps', async () => {
  const tenant = await Tenant.ready(server, 'Green School', 'jo@green-school.example');
  await server.pass('340d');
  await server.run('expiry-notifier');
  const [mail] = (await server.mails('jo@green-school.example')).filter((one) => /push certificate/i.test(one.subject));
  const [address] = mail.text.match(new RegExp(`${server.url}/console/\\S+?push-certificate`));
  const jo = await Person.at(browser, server, 'jo@green-school.example');
  await jo.page.goto(address);
  await jo.signInHere();
  await jo.page.getByRole('heading', { name: 'Push certificate' }).waitFor();
  assert.equal(jo.page.url(), `${server.url}${tenant.console}/push-certificate`);
  await jo.page.goto(`${tenant.console}/expirations`);
  await inspect(jo.page, 'expirations-due');
});

test('a viewer looks and is refused to change', async () => {
  const tenant = await Tenant.ready(server, 'Blue School', 'lu@blue-school.example');
  const ipad = await tenant.device("Lena's iPad");
  await tenant.member('kim@blue-school.example', 'viewer');
  const kim = await Person.at(browser, server, 'kim@blue-school.example');
  const lu = await Person.at(browser, server, 'lu@blue-school.example');
  await Promise.all([kim.signIn(), lu.signIn()]);
  for (const path of ['', '/push-certificate', '/enrollment', `/devices/${ipad.udid}`, '/commands', '/silence', '/settings/members']) {
    await kim.page.goto(tenant.console + path);
    const forms = await kim.page.locator('main form[method=post]').count();
    assert.equal(forms, 0, path);
  }
  await inspect(kim.page, 'members-of-a-viewer');

  // With an administrator's form and a token of their own, too.
  await lu.page.goto(`${tenant.console}/settings/members`);
  const token = await kim.page.locator('input[name=form_token]').first().inputValue();
  await lu.page.getByLabel('E-mail address').fill('kim@blue-school.example');
  const answer = await kim.context.request.post(`${tenant.console}/settings/members`, {
    form: { form_token: token, address: 'kim@blue-school.example', role: 'admin' },
  });
  assert.equal(answer.status(), 403);
  assert.match(await answer.text(), /You may look at this, not change it\./);
});

test("another tenant's addresses are not there", async () => {
  const [green, red] = [
    await Tenant.ready(server, 'Green College', 'ann@green-college.example'),
    await Tenant.ready(server, 'Red College', 'bo@red-college.example'),
  ];
  const ipad = await red.device("Bo's iPad");
  const ann = await Person.at(browser, server, 'ann@green-college.example');
  await ann.signIn();
  const texts = new Set();
  for (const path of [red.console, `${red.console}/devices/${ipad.udid}`, `${green.console}/devices/${ipad.udid}`, '/console/operator', '/console/aaaaaaaaaaaaaaaa']) {
    const answer = await ann.page.goto(path);
    assert.equal(answer.status(), 404, path);
    texts.add(await ann.page.locator('body').innerText());
  }
  assert.ok([...texts].every((text) => !text.includes('Red College') && !text.includes("Bo's")));
});

test('a form of another site changes nothing', async () => {
  const tenant = await Tenant.ready(server, 'Grey School', 'pat@grey-school.example');
  const pat = await Person.at(browser, server, 'pat@grey-school.example');
  await pat.signIn();
  const members = async () => JSON.stringify(await tenant.call('/members'));
  const before = await members();

  // The same host under another name is another site to the browser, which sends no cookie of this one along.
  const evil = await pat.context.newPage();
  await evil.route('**/evil', (route) => route.fulfill({ contentType: 'text/html', body: `
    <form method="post" action="${server.url}${tenant.console}/settings/members">
      <input name="address" value="mallory@evil.example"><input name="role" value="admin"><button>Win</button></form>` }));
  await evil.goto('http://localhost:1/evil');
  await evil.getByRole('button', { name: 'Win' }).click();
  await evil.waitForLoadState();
  assert.equal(await members(), before);

  // With the cookie, but without the form's token or with another session's.
  for (const form_token of ['', '0'.repeat(64)]) {
    const answer = await pat.context.request.post(`${tenant.console}/settings/members`, {
      form: { form_token, address: 'mallory@evil.example', role: 'admin' },
    });
    assert.equal(answer.status(), 403);
    assert.match(await answer.text(), /This form was not sent from a page of this session\./);
  }
  assert.equal(await members(), before);
});

test('a session that somebody planted is not the one that is signed in', async () => {
  await Tenant.ready(server, 'Brown School', 'rae@brown-school.example');
  const mallory = await Person.at(browser, server, 'mallory@evil.example');
  await mallory.page.goto('/console');
  await mallory.page.getByLabel('E-mail address').fill('rae@brown-school.example');
  await mallory.page.getByRole('button', { name: 'Send me a code' }).click();
  const planted = await mallory.context.cookies();

  const rae = await Person.at(browser, server, 'rae@brown-school.example');
  await rae.context.addCookies([...planted, { name: 'session', value: 'planted', url: server.url }]);
  await rae.signIn();
  const own = await rae.context.cookies();
  for (const cookie of own.filter((one) => /session/.test(one.name))) {
    assert.ok(cookie.httpOnly && ['Lax', 'Strict'].includes(cookie.sameSite), JSON.stringify(cookie));
    assert.notEqual(cookie.value, 'planted');
    assert.ok(!planted.some((one) => one.value === cookie.value));
  }
  // What was planted opens nothing, and neither does the session after its end.
  await mallory.page.goto('/console');
  await mallory.page.getByLabel('E-mail address').waitFor();
  await rae.page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await rae.context.addCookies(own);
  await rae.page.goto('/console');
  await rae.page.getByLabel('E-mail address').waitFor();
});
