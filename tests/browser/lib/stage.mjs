// What each file of tests begins with: a server of its own and a browser, which end with it.
import { after } from 'node:test';
import { openBrowser } from './people.mjs';
import { Server } from './server.mjs';

// Not in a hook: those of the importing file would not wait for it.
export const server = await Server.start();
export const browser = await openBrowser();

after(async () => {
  await browser.close();
  await server.stop();
});
