// People with browsers of their own.
import { chromium } from 'playwright-core';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** Debian's Chromium. */
export function openBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
}

/** Somebody with a browser of their own. What the browser complains about fails the test (`complaints`). */
export class Person {
  static async at(browser, server, address, options = {}) {
    const person = new Person();
    Object.assign(person, { server, address, complaints: [] });
    person.context = await browser.newContext({
      baseURL: server.url, viewport: { width: 1280, height: 900 }, locale: 'en-GB', timezoneId: 'Europe/Berlin', reducedMotion: 'reduce', ...options,
    });
    person.context.setDefaultTimeout(15_000);
    person.page = await person.context.newPage();
    person.page.on('pageerror', (error) => person.complaints.push(String(error)));
    person.page.on('console', (message) => {
      // Pages that refuse something are errors to Chromium, and are what the tests ask for.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
        person.complaints.push(message.text());
      }
    });
    person.page.on('request', (request) => {
      if (!request.url().startsWith(server.url) && !request.url().startsWith('blob:')) {
        person.complaints.push(`asked a foreign address: ${request.url()}`);
      }
    });
    return person;
  }

  /** The code that was mailed last. */
  async code() {
    const mails = await this.server.mails(this.address);
    const found = mails.map((mail) => mail.text.match(/(\d{4} \d{4})/)).find((match) => match);
    return found[1];
  }

  /** Signs in on the page that asks for it, wherever it came up. */
  async signInHere() {
    await this.page.getByLabel('E-mail address').fill(this.address);
    await this.page.getByRole('button', { name: 'Send me a code' }).click();
    await this.page.getByLabel('Code').fill(await this.code());
    await this.page.getByRole('button', { name: 'Sign in' }).click();
  }

  async signIn(to = '/console') {
    await this.page.goto(to);
    await this.signInHere();
    await this.page.getByRole('button', { name: 'Sign out', exact: true }).waitFor();
  }
}
