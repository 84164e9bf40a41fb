// Apple's push certificate portal (simulated), as somebody uses it in a second tab.
export class PortalPage {
  static async open(person) {
    const portal = new PortalPage();
    portal.page = await person.context.newPage();
    return portal;
  }

  /** A new certificate: its file. */
  async create(request) {
    await this.page.goto('/_local/portal');
    const before = await this.names();
    await this.page.locator('form', { hasText: 'Create' }).locator('input[type=file]').setInputFiles(request);
    await this.page.getByRole('button', { name: 'Create' }).click();
    const [name] = (await this.names()).filter((one) => !before.includes(one));
    return this.download(name);
  }

  /** The renewed certificate in the row of `name`. */
  async renew(name, request) {
    await this.page.goto('/_local/portal');
    const row = this.page.getByRole('listitem').filter({ hasText: name });
    await row.locator('input[type=file]').setInputFiles(request);
    await row.getByRole('button', { name: 'Renew', exact: true }).click();
    return this.download(name);
  }

  names() {
    return this.page.locator('ul.cards > li > code').allInnerTexts();
  }

  async download(name) {
    const waiting = this.page.waitForEvent('download');
    const row = this.page.getByRole('listitem').filter({ hasText: name });
    await row.getByRole('link', { name: 'Download' }).click();
    return (await waiting).path();
  }
}
