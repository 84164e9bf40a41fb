// Pomarium in one process, as `make run` starts it, with data of its own that end with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = new URL('../../..', import.meta.url).pathname;
const PROGRAM = process.env.POMARIUM_LOCAL ?? join(ROOT, 'target/debug/pomarium-local');

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export class Server {
  static async start() {
    const server = new Server();
    server.data = await mkdtemp(join(tmpdir(), 'pomarium-'));
    const listen = `127.0.0.1:${await freePort()}`;
    const env = { ...process.env, POMARIUM_DATA: server.data, POMARIUM_LISTEN: listen, LOG: 'error' };
    server.child = spawn(PROGRAM, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: server.child.stdout });
    for await (const line of lines) {
      const value = line.trim().split(/\s+/).at(-1);
      if (line.includes('Start page')) server.url = value.replace(/\/$/, '');
      if (line.includes('Operator token')) server.operator = value;
      if (line.includes('The data stays')) break;
    }
    if (!server.url) throw new Error('pomarium-local did not start; its own words stand above');
    server.child.stdout.resume();
    return server;
  }

  async stop() {
    if (this.child.exitCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await ended;
    }
    await rm(this.data, { recursive: true, force: true });
  }

  async call(path, { token = this.operator, method, body, ...rest } = {}) {
    const answer = await fetch(this.url + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
      ...rest,
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
  }

  /** Lets time pass: `340d`, `3h`. */
  async pass(span) {
    await this.call('/_local/clock', { body: { advance: span } });
  }

  /** Runs a scheduled function now. */
  async run(name) {
    await this.call(`/_local/run/${name}`, { method: 'POST' });
  }

  /** The mails to an address, latest first. */
  async mails(address) {
    const { mails } = await this.call('/_local/mails');
    return mails.filter((mail) => mail.to.includes(address));
  }
}
