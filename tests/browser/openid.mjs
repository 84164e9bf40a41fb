// An OpenID provider on a free port of this machine, for tests: a certified implementation with two people, one client and a
// sign-in form of its own. Usage: node openid.mjs <redirect URI> <unix time>. It prints its issuer, and ends with its input.
//
// POST /test/<what> changes it: `rotate` gives it another key of another kind, `bare` lets the ID token say who signed in and no
// more, `unverified` makes it unsure of addresses.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const [redirectUri, now] = process.argv.slice(2);
const shift = Number(now) * 1000 - Date.now();
const machine = Date.now.bind(Date);
Date.now = () => machine() + shift;

// Its advice for production; nobody reads it once the issuer was said.
console.info = console.warn = () => {};

const PEOPLE = { jo: 'Jo@green-school.example', eve: 'eve@elsewhere.example' };
const KINDS = {
  RS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
};

const set = { alg: 'RS256', generation: 0, bare: false, verified: true };
let keys;
let provider;

function newKey() {
  const { privateKey } = generateKeyPairSync(...KINDS[set.alg]);
  return { ...privateKey.export({ format: 'jwk' }), alg: set.alg, use: 'sig', kid: `key-${set.generation}` };
}

function make(issuer) {
  const made = new Provider(issuer, {
    clients: [
      {
        client_id: 'pomarium',
        client_secret: 'correct horse: battery & staple',
        redirect_uris: [redirectUri],
        id_token_signed_response_alg: set.alg,
      },
    ],
    jwks: { keys },
    cookies: { keys: ['only a test'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    // By its specification it tells addresses at another place; most providers tell them at once.
    conformIdTokenClaims: set.bare,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, interaction) => `/people/${interaction.uid}` },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: PEOPLE[id], email_verified: set.verified }),
    }),
    async loadExistingGrant(ctx) {
      const { client, session } = ctx.oidc;
      const grant = new made.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid email');
      await grant.save();
      return grant;
    },
  });
  return made;
}

async function body(request) {
  let text = '';
  for await (const part of request) text += part;
  return new URLSearchParams(text);
}

async function answer(request, response) {
  const what = request.url.match(/^\/test\/(\w+)$/)?.[1];
  if (what) {
    if (what === 'rotate') {
      Object.assign(set, { alg: 'ES256', generation: set.generation + 1 });
      keys = [newKey()];
    }
    if (what === 'bare') set.bare = true;
    if (what === 'unverified') set.verified = false;
    provider = make(provider.issuer);
    return response.end('done');
  }
  if (!request.url.startsWith('/people/')) return provider.callback()(request, response);
  if (request.method === 'GET') {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    return response.end(`<!doctype html><title>Who are you?</title><h1>Who are you?</h1>
      <form method="post"><label>Name <input name="name"></label><button>Sign in</button></form>`);
  }
  const name = (await body(request)).get('name');
  const result = PEOPLE[name]
    ? { login: { accountId: name } }
    : { error: 'access_denied', error_description: 'Call 0900 123456' };
  return provider.interactionFinished(request, response, result);
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    response.statusCode = 500;
    response.end(String(error));
  });
});
server.listen(0, '127.0.0.1', () => {
  keys = [newKey()];
  provider = make(`http://127.0.0.1:${server.address().port}`);
  console.log(provider.issuer);
});
process.stdin.on('end', () => process.exit(0)).resume();
